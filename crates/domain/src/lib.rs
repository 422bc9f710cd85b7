//! The types and rules of money and cards.
//!
//! Nothing here waits, stores, logs, reads a clock or draws a random number: a rule takes facts
//! and answers with a value, so each can be tested by a table.

pub mod admin;
pub mod alert;
pub mod authorization;
pub mod balance;
pub mod calendar;
pub mod card;
pub mod corporation;
pub mod device;
pub mod export;
pub mod gift;
pub mod ids;
pub mod import;
pub mod ledger;
mod letters;
pub mod limits;
pub mod masking;
pub mod money;
pub mod notification;
pub mod operation;
mod outcome;
pub mod partner;
pub mod program;
pub mod response_codes;
pub mod scope;
pub mod screening;
pub mod search;
pub mod secret;
pub mod session;
pub mod spending;
pub mod thc;
pub mod transaction;
pub mod user;
pub mod verification;
mod words;

#[cfg(test)]
mod fixtures;

pub use jiff::{Timestamp, civil::Date};
pub use outcome::Outcome;
pub use words::Word;
