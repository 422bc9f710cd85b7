//! See `fuzz::certificates::certificate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::certificates::certificate(data));
