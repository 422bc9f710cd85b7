//! See `fuzz::http::encrypted`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::http::encrypted(data));
