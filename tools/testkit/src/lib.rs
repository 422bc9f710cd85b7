//! What tests of several crates share: databases, folders, waiting, and looking for leaks.
//!
//! A dev-dependency only. Everything here panics instead of returning an error: a test that can't
//! get its surroundings has failed, and the sentence says why.

mod device;
mod files;
mod identity;
mod leaks;
mod mail;
mod messages;
mod node;
mod partner;
mod pictures;
mod postgres;
mod set_up;
mod wait;

pub use device::Device;
pub use files::{files_with, forms_of_bytes, forms_of_number};
pub use identity::TrustedIdentity;
pub use leaks::{contains_secret, luhn_runs};
pub use mail::{Letter, MailHost, MailTls};
pub use node::{Database, Funded, TestApp, origin};
pub use partner::{Behaviour, Bookkeeper, Partner, Received, Way};
pub use pictures::{jpeg_of, stripes};
pub use postgres::{postgres_from_template, postgres_program, postgres_url};
pub use simulator::partner as books;
pub use wait::{eventually, eventually_is, free_port};

/// A new folder in the system's temporary folder, removed with all its content on drop.
#[must_use]
pub fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("antaca-test-").tempdir().expect("a temporary folder")
}

/// Real time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a test has no other clock")]
pub fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
