//! Cards: issue, now or later, list, show, lock, unlock.

mod full_data;
mod issue_virtual;
mod list;
mod lock;
mod numbers;
mod operations;
mod unlock;

pub use full_data::FullCard;
pub use issue_virtual::IssueVirtual;
