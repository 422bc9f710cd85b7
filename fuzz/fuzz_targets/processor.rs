//! See `fuzz::http::processor`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::http::processor(data));
