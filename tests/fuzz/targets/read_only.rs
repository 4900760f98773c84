//! What a read-only session may send.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| postern_fuzz::read_only::check(data));
