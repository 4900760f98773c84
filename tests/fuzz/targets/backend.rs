//! What a server may send.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| postern_fuzz::backend::check(data));
