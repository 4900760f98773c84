//! What a client may send in a read-only session, through the proxy's own code.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| postern_proxy::fuzzing::relay::check_read_only(data));
