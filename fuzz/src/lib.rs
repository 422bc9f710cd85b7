//! What each fuzz target does with its input: a reader of what an outsider sends reads it or
//! refuses it, never panics, and keeps what it promises.
//!
//! The targets themselves, in `fuzz_targets/`, hand their input over and nothing else. So a test,
//! which needs no fuzzer, can read the inputs of `corpus/` too.

pub mod certificates;
mod doors;
pub mod http;
pub mod jwe;
pub mod rules;
pub mod texts;

/// What a target does with its input.
pub type Target = fn(&[u8]);

/// Every target, by the name of its file and of its folder of inputs.
pub const TARGETS: &[(&str, Target)] = &[
    ("card_number", texts::card_number),
    ("certificate", certificates::certificate),
    ("counters", rules::counters),
    ("csr", certificates::csr),
    ("embossing", texts::embossing),
    ("encrypted", http::encrypted),
    ("form", http::form),
    ("jwe_header", jwe::header),
    ("jwe_token", jwe::token),
    ("lifecycle", http::lifecycle),
    ("limits", rules::limits),
    ("lines", http::lines),
    ("money", texts::money),
    ("people", texts::people),
    ("pin_block", texts::pin_block),
    ("processor", http::processor),
    ("public_key", jwe::public_key),
    ("query", http::query),
    ("request", http::request),
    ("secure", http::secure),
    ("url", rules::url),
    ("words", texts::words),
];

/// A text that inputs hold where an outsider's secret could stand: no refusal repeats it. It is no
/// word, since names of unknown fields are repeated if they are words.
const SECRET: &str = "s3cr3t-0815";

#[cfg(test)]
mod tests;
