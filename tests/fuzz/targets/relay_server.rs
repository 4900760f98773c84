//! What a server may send to a session, through the proxy's own code.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| postern_proxy::fuzzing::relay::check_server(data));
