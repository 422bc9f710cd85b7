//! Balances: create, find, lock, unlock, remove, move money; the partners' own among them.

mod create;
mod find;
mod lock;
mod of_partner;
mod remove;
mod summary;
mod transfer;
mod unlock;

pub use create::NewBalance;
pub use find::WithCards;
pub use of_partner::{PartnerBalance, partner_balance_json};
pub use summary::{Summary, Total, summary_json};
pub use transfer::{Owned, Right, Transfer};
