//! What a client may send once it is in, through the proxy's own code.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| postern_proxy::fuzzing::relay::check_client(data));
