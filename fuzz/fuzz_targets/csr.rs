//! See `fuzz::certificates::csr`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::certificates::csr(data));
