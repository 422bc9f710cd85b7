//! See `fuzz::jwe::public_key`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::jwe::public_key(data));
