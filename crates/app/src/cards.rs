//! Cards: issue, now or later, list, show, lock, unlock, remove; their PINs.

mod full_data;
mod issue_virtual;
mod list;
mod lock;
mod numbers;
mod operations;
mod pin;
mod remove;
mod renew;
mod replace;
mod reset_cvv;
mod unlock;

pub use full_data::FullCard;
pub use issue_virtual::IssueVirtual;
pub(crate) use list::of_holder;
pub(crate) use lock::state_facts;
