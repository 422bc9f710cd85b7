//! Balances: create, find, move money; the partners' own among them.

mod create;
mod find;
mod of_partner;
mod summary;
mod transfer;

pub use find::WithCards;
pub use of_partner::{PartnerBalance, partner_balance_json};
pub use summary::{Summary, Total, summary_json};
pub use transfer::{Owned, Right, Transfer};
