//! A client that comes in, through the proxy's own code.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| postern_proxy::fuzzing::admission::check(data));
