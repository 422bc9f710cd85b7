//! See `fuzz::jwe::header`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::jwe::header(data));
