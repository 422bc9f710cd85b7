//! Users: register, import, find, look for, change, lock, remove.

mod change;
mod facts;
mod find;
mod import;
mod inactive;
mod lock;
mod register;
mod remove;
mod search;
mod transactional_locks;

pub use change::Changes;
pub(crate) use facts::address_text;
pub use import::{Became, ForeignCard, Import, Line, Progress};
pub use inactive::{IDLE_DAYS, IDLE_DAYS_MAX, Inactive};
pub use lock::UserLock;
pub use register::Register;
pub use search::{Place, Search};
/// How a user is looked for.
pub use store::users::Key;
pub use store::users::search::Known;
pub use transactional_locks::LockChange;
