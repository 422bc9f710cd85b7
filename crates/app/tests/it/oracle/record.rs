//! What is known of a transaction.

use domain::transaction::{Category, Status};

/// A transaction that the network's messages can refer to.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) name: u8,
    pub(super) way: Category,
    /// As approved, raised and lowered.
    pub(super) amount: i64,
    /// What was approved under its own name last.
    pub(super) told: i64,
    pub(super) held: i64,
    /// What has moved of the user's money.
    pub(super) moved: i64,
    /// What has moved of the deposit's.
    pub(super) moved_of_deposit: i64,
    /// What its clearings come to.
    pub(super) settled: i64,
    pub(super) status: Status,
    pub(super) expired: bool,
    pub(super) ends: i64,
    /// For how many seconds it holds after it was last raised.
    pub(super) lasts: i64,
}

/// What has raised a transaction: it has a name, and no transaction of its own.
#[derive(Clone, Debug)]
pub(super) struct Increment {
    pub(super) name: u8,
    /// What it raised, by its place in the list.
    pub(super) of: usize,
    /// What was approved under its name last.
    pub(super) told: i64,
    /// What its own reversals took off.
    pub(super) reversed: i64,
}

impl Record {
    /// Nothing is held and nothing has moved yet.
    pub(super) fn new(name: u8, way: Category, amount: i64) -> Self {
        Self {
            name,
            way,
            amount,
            told: amount,
            held: 0,
            moved: 0,
            moved_of_deposit: 0,
            settled: 0,
            status: Status::Authorized,
            expired: false,
            ends: 0,
            lasts: 0,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.status == Status::Authorized
    }

    /// Nothing is held or posted any more. The spec calls what has moved in part and then ended
    /// neither cleared nor reversed: it is cleared.
    pub(super) fn end(&mut self) {
        self.status = if self.moved > 0 { Status::Cleared } else { Status::Reversed };
    }
}
