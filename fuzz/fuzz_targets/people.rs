//! See `fuzz::texts::people`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::texts::people(data));
