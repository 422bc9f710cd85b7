//! All SQL, its migrations, and the rows of both databases. It decides nothing.
//!
//! A function here speaks of rows: `get` (there must be one), `find` (there may be one), `list`,
//! `insert`, `update`, `lock`. It runs in a transaction that `app` began, and filters by the
//! partner of the [`Scope`](domain::scope::Scope) that it is given.

pub mod admins;
pub mod alerts;
pub mod audit;
pub mod authorizations;
pub mod balances;
pub mod books;
pub mod bureaus;
pub mod card_orders;
pub mod card_use;
pub mod cards;
pub mod certificates;
pub mod checkpoints;
pub mod corporations;
pub mod counters;
pub mod db;
pub mod ekyc;
pub mod endpoints;
pub mod erasure;
mod error;
pub mod exports;
pub mod idempotency;
pub mod imports;
pub mod installations;
pub mod instance;
pub mod janitor;
pub mod jwe_keys;
pub mod keys;
pub mod ledger;
pub mod operations;
pub mod outbound;
pub mod outbox;
pub mod pairings;
pub mod partners;
pub mod pin_keys;
pub mod programs;
mod read;
pub mod screening;
pub mod sessions;
pub mod spending;
pub mod statements;
pub mod thc;
pub mod transactions;
pub mod trusted_identities;
pub mod users;
pub mod verifications;

pub use error::StoreError;

use db::Migration;

/// A migration of both databases, from its two files.
macro_rules! migration {
    ($number:literal, $file:literal) => {
        Migration {
            number: $number,
            name: $file,
            postgres: include_str!(concat!("../migrations/", $file, ".postgres.sql")),
            sqlite: include_str!(concat!("../migrations/", $file, ".sqlite.sql")),
        }
    };
}

/// Every migration, in order.
pub const MIGRATIONS: &[Migration] = &[
    migration!(1, "0001_foundation"),
    migration!(2, "0002_outbound"),
    migration!(3, "0003_certificates"),
    migration!(4, "0004_jwe_keys"),
    migration!(5, "0005_operations"),
    migration!(6, "0006_audit"),
    migration!(7, "0007_janitor"),
    migration!(8, "0008_ledger"),
    migration!(9, "0009_limits"),
    migration!(10, "0010_messages"),
    migration!(11, "0011_alerts"),
    migration!(12, "0012_checkpoint"),
    migration!(13, "0013_record"),
    migration!(14, "0014_estimates"),
    migration!(15, "0015_pins"),
    migration!(16, "0016_sessions"),
    migration!(17, "0017_plastic"),
    migration!(18, "0018_sftp"),
    migration!(19, "0019_gifts"),
    migration!(20, "0020_admins"),
    migration!(21, "0021_renewal"),
    migration!(22, "0022_corporations"),
    migration!(23, "0023_locked_users"),
    migration!(24, "0024_devices"),
    migration!(25, "0025_holders"),
    migration!(26, "0026_trusted_identity"),
    migration!(27, "0027_erasure"),
    migration!(28, "0028_verification_decisions"),
    migration!(29, "0029_screening"),
    migration!(30, "0030_imports"),
    migration!(31, "0031_kyb"),
    migration!(32, "0032_ekyc"),
    migration!(33, "0033_foreign_cards"),
    migration!(34, "0034_asking"),
    migration!(35, "0035_history"),
    migration!(36, "0036_notifications"),
    migration!(37, "0037_encrypted_notifications"),
    migration!(38, "0038_external"),
    migration!(39, "0039_audit_chain"),
    migration!(40, "0040_panel"),
    migration!(41, "0041_orders_of_user"),
    migration!(42, "0042_reports"),
    migration!(43, "0043_shown_secrets"),
    migration!(44, "0044_told_contacts"),
    migration!(45, "0045_decided_forms"),
];

/// The values of a row, in the order of its table's columns.
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::ToValue::to_value(&$value)),*] };
}
pub(crate) use values;
