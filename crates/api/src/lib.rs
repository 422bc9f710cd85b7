//! JSON over HTTPS: routes, shapes of the wire, identity, encryption, and the mapping of errors.
//!
//! An endpoint reads the request into a command, calls one use case and shapes the answer. It
//! begins no transaction and branches on no state of the business.

mod admins;
mod answer;
mod audit;
mod balances;
mod call;
mod cards;
mod certificates;
mod corporations;
mod devices;
mod documents;
mod encryption;
mod endpoint;
mod exports;
mod identity;
mod layers;
mod limits;
mod lines;
mod measures;
mod notifications;
pub mod openapi;
mod overview;
mod partner_balances;
mod partner_calls;
mod partners;
mod problem;
mod processor;
mod programs;
mod public_key;
mod rate;
mod records;
mod router;
mod routes;
mod sandbox;
mod screening;
mod sessions;
pub mod spending;
mod statements;
mod streamed;
mod thc;
mod titles;
mod transactions;
mod users;
mod verifications;
mod wire;

pub use limits::Limits;
pub use router::router;
pub use sandbox::{Demonstration, Sandbox};
pub use titles::reference as titles_reference;

use app::certificates::Authority;
use app::{App, Clock};
use encryption::{Decryption, PublicKeys};
use limits::Guard;
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::Arc;

/// What the endpoints need beside the use cases.
pub struct Options {
    /// How many attempts to decrypt a request a client certificate may cause in a second.
    pub private_operations: NonZero<u32>,
    /// Real time: certificates don't follow the business clock.
    pub real_time: Clock,
    /// Who signs certificates, if there is an authority.
    pub authority: Option<Arc<Authority>>,
    /// The sandbox's side; none in production.
    pub sandbox: Option<Arc<dyn Sandbox>>,
    /// What a caller may take of the service.
    pub limits: Limits,
    /// The pages of people, beside the channels.
    pub pages: Pages,
}

/// Pages that people look at with a browser: the panel. What surrounds every request surrounds them
/// too; where a command of theirs comes from is told by [`app::audit::Origin`], still without who
/// gave it.
pub struct Pages {
    /// Those by which somebody signs in: counted for each address.
    pub strangers: axum::Router,
    /// All others.
    pub others: axum::Router,
    /// Makes words of what isn't a page, and says to browsers what each answer must.
    pub worded: fn(axum::response::Response) -> Worded,
}

impl Pages {
    /// None: the channels alone.
    #[must_use]
    pub fn none() -> Self {
        let none = axum::Router::new;
        let worded: fn(axum::response::Response) -> Worded =
            |response| Box::pin(async { response });
        Self { strangers: none(), others: none(), worded }
    }
}

/// An answer that is being put into words.
pub type Worded = std::pin::Pin<Box<dyn Future<Output = axum::response::Response> + Send>>;

/// The other end of a connection; the listener puts it into every request.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// SHA-256 of the DER of the client certificate, if it sent one: computed once for all requests
    /// of a connection.
    pub certificate: Option<[u8; 32]>,
    /// Where it calls from: an IPv4 address is told as one, also where the socket speaks IPv6.
    pub address: Option<IpAddr>,
}

/// What every endpoint works with: one pointer, since each layer of a request clones it.
#[derive(Clone)]
pub(crate) struct Api(Arc<Parts>);

impl std::ops::Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// The parts of an [`Api`].
pub(crate) struct Parts {
    pub(crate) app: App,
    pub(crate) decryption: Decryption,
    pub(crate) public_keys: PublicKeys,
    pub(crate) real_time: Clock,
    pub(crate) authority: Option<Arc<Authority>>,
    pub(crate) sandbox: Option<Arc<dyn Sandbox>>,
    pub(crate) guard: Guard,
}
