//! See `fuzz::http::form`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::http::form(data));
