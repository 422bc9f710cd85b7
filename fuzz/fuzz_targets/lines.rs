//! See `fuzz::http::lines`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::http::lines(data));
