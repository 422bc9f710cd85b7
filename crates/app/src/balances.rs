//! Balances: create, find, top up.

mod create;
mod find;
mod transfer;

pub use find::WithCards;
pub use transfer::Transfer;
