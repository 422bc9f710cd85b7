//! See `fuzz::http::lifecycle`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::http::lifecycle(data));
