//! Balances: create, find, lock, unlock, remove, move money; the partners' own among them. Those
//! whose money a partner holds are linked to its books and unlinked.

mod create;
mod find;
mod link;
mod links;
mod lock;
mod look;
mod of_partner;
mod remove;
mod summary;
mod transfer;
mod unlock;

pub use create::NewBalance;
pub use find::{Shown, WithCards};
pub(crate) use links::{Busy, is_in_use, unlink_later};
pub use look::{Asked, Listed, Meant};
pub use of_partner::{PartnerBalance, partner_balance_json};
pub use summary::{Summary, Total, summary_json};
pub use transfer::{Owned, Right, Transfer};
