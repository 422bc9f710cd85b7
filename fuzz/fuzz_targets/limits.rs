//! See `fuzz::rules::limits`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::rules::limits(data));
