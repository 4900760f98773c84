//! What a client may send before it is let in.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| postern_fuzz::startup::check(data));
