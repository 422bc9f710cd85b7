//! See `fuzz::rules::counters`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::rules::counters(data));
