//! See `fuzz::http::secure`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::http::secure(data));
