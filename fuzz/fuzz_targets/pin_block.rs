//! See `fuzz::texts::pin_block`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::texts::pin_block(data));
