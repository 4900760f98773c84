//! Any text in the console's editor.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| postern_fuzz::split::check(data));
