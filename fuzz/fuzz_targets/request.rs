//! See `fuzz::http::request`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::http::request(data));
