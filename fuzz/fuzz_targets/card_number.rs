//! See `fuzz::texts::card_number`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::texts::card_number(data));
