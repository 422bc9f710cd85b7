//! See `fuzz::jwe::token`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::jwe::token(data));
