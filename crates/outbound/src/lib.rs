//! Calls to the servers of partners, and e-mail: to whom we connect, how we show who we are, how a
//! call is signed, and what is said.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`balances`] | what partners that hold their users' money are asked of balances |
//! | [`bureau`] | the files that we and a bureau lay for one another |
//! | [`check`] | every call of the contract played against a partner's server, and what is wrong |
//! | [`client`] | one call to one partner, and its answer |
//! | [`ekyc`] | a KYC form that an eKYC provider is asked about |
//! | [`target`] | where a partner is called, checked |
//! | [`mail`] | e-mail by SMTP |
//! | [`notifications`] | the bodies of what partners are told, as the seeds have them |
//! | [`transactions`] | what partners are asked and told of their users' transactions |

pub mod balances;
pub mod bureau;
pub mod check;

pub mod client;
pub mod ekyc;
pub mod mail;
pub mod notifications;
pub mod target;
pub mod transactions;

mod guard;
mod signature;

pub use crypto::mac::SharedSecret;

/// A time to the second, in UTC, as the seeds write it.
fn time(at: domain::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}
