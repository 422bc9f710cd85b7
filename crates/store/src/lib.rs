//! All SQL, its migrations, and the rows of both databases. It decides nothing.
//!
//! A function here speaks of rows: `get` (there must be one), `find` (there may be one), `list`,
//! `insert`, `update`, `lock`. It runs in a transaction that `app` began, and filters by the
//! partner of the [`Scope`](domain::scope::Scope) that it is given.

pub mod audit;
pub mod balances;
pub mod books;
pub mod cards;
pub mod certificates;
pub mod counters;
pub mod db;
pub mod endpoints;
mod error;
pub mod idempotency;
pub mod instance;
pub mod janitor;
pub mod jwe_keys;
pub mod keys;
pub mod ledger;
pub mod operations;
pub mod outbound;
pub mod outbox;
pub mod partners;
pub mod programs;
mod read;
pub mod transactions;
pub mod users;
pub mod verifications;

pub use error::StoreError;

use db::Migration;

/// Every migration, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "foundation",
        postgres: include_str!("../migrations/0001_foundation.postgres.sql"),
        sqlite: include_str!("../migrations/0001_foundation.sqlite.sql"),
    },
    Migration {
        number: 2,
        name: "outbound",
        postgres: include_str!("../migrations/0002_outbound.postgres.sql"),
        sqlite: include_str!("../migrations/0002_outbound.sqlite.sql"),
    },
    Migration {
        number: 3,
        name: "certificates",
        postgres: include_str!("../migrations/0003_certificates.postgres.sql"),
        sqlite: include_str!("../migrations/0003_certificates.sqlite.sql"),
    },
    Migration {
        number: 4,
        name: "JWE keys",
        postgres: include_str!("../migrations/0004_jwe_keys.postgres.sql"),
        sqlite: include_str!("../migrations/0004_jwe_keys.sqlite.sql"),
    },
    Migration {
        number: 5,
        name: "operations",
        postgres: include_str!("../migrations/0005_operations.postgres.sql"),
        sqlite: include_str!("../migrations/0005_operations.sqlite.sql"),
    },
    Migration {
        number: 6,
        name: "audit",
        postgres: include_str!("../migrations/0006_audit.postgres.sql"),
        sqlite: include_str!("../migrations/0006_audit.sqlite.sql"),
    },
    Migration {
        number: 7,
        name: "janitor",
        postgres: include_str!("../migrations/0007_janitor.postgres.sql"),
        sqlite: include_str!("../migrations/0007_janitor.sqlite.sql"),
    },
];

/// The values of a row, in the order of its table's columns.
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::ToValue::to_value(&$value)),*] };
}
pub(crate) use values;
