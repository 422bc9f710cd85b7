//! Cards: issue, now or later, order on plastic, activate, list, show, lock, unlock, remove; their
//! PINs; how soon they are used.

mod activate;
mod expiring;
mod first_use;
mod full_data;
mod issue_virtual;
mod list;
mod lock;
mod numbers;
mod operations;
mod order;
mod pin;
mod remove;
mod renew;
mod replace;
mod reset_cvv;
mod unlock;

pub use activate::{CODE_DIGITS, Evidence, More};
pub use first_use::{CardUse, USE_DAYS_MAX};
pub use full_data::FullCard;
pub use issue_virtual::IssueVirtual;
pub(crate) use list::of_holder;
pub(crate) use lock::state_facts;
pub use numbers::{BinRange, run_out};
pub use order::{Carrier, OrderPhysical};
pub use renew::Renewed;
pub use replace::{Replace, Replaced};
