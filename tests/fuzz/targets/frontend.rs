//! What a client may send once it is in.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| postern_fuzz::frontend::check(data));
