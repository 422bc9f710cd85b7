//! A card network in miniature: it sends what an issuing processor would send, to our own public
//! interface, so that a sandbox can be used without a processor. And a partner's server in
//! miniature, which a sandbox calls as it would call a partner.

pub mod bureau;
mod issuing;
pub mod load;
mod merchants;
mod message;
pub mod partner;
mod random;
mod sandbox;
pub mod staff;
mod target;
pub mod traffic;

pub use message::{Authorization, Clearing, Extras, Kind, Reference, Reversal};
pub use target::{Answer, SimulatorError, Target};
