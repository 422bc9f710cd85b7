//! JSON over HTTPS: routes, shapes of the wire, identity, encryption, and the mapping of errors.
//!
//! An endpoint reads the request into a command, calls one use case and shapes the answer. It
//! begins no transaction and branches on no state of the business.

mod answer;
mod balances;
mod call;
mod cards;
mod encryption;
mod identity;
mod layers;
mod masking;
mod problem;
mod processor;
mod public_key;
mod router;
mod sandbox;
mod transactions;
mod users;
mod verifications;
mod wire;

pub use router::router;
pub use sandbox::{Demonstration, Sandbox};

use app::{App, Clock};
use encryption::{Decryption, PublicKeys};
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::Arc;

/// What the endpoints need beside the use cases.
pub struct Options {
    /// How many attempts to decrypt a request a client certificate may cause in a second.
    pub private_operations: NonZero<u32>,
    /// Real time: certificates don't follow the business clock.
    pub real_time: Clock,
    /// The sandbox's side; none in production.
    pub sandbox: Option<Arc<dyn Sandbox>>,
}

/// The other end of a connection; the listener puts it into every request.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// The DER of the client certificate, if it sent one.
    pub certificate: Option<Arc<[u8]>>,
    /// Its IP address.
    pub address: Option<IpAddr>,
}

/// What every endpoint works with.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) app: App,
    pub(crate) decryption: Arc<Decryption>,
    pub(crate) public_keys: Arc<PublicKeys>,
    pub(crate) real_time: Clock,
    pub(crate) sandbox: Option<Arc<dyn Sandbox>>,
}
