//! Calls to the servers of partners, and e-mail: to whom we connect, how we show who we are, how a
//! call is signed, and what is said.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`bureau`] | the files that we and a bureau lay for one another |
//! | [`client`] | one call to one partner, and its answer |
//! | [`ekyc`] | a KYC form that an eKYC provider is asked about |
//! | [`target`] | where a partner is called, checked |
//! | [`mail`] | e-mail by SMTP |
//! | [`notifications`] | the bodies of what partners are told, as the seeds have them |

pub mod bureau;
pub mod client;
pub mod ekyc;
pub mod mail;
pub mod notifications;
pub mod target;

mod guard;
mod signature;

pub use crypto::mac::SharedSecret;
