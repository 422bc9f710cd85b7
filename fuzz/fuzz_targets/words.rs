//! See `fuzz::texts::words`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::texts::words(data));
