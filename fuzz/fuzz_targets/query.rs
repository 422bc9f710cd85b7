//! See `fuzz::http::query`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::http::query(data));
