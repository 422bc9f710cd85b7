//! A card network in miniature: it sends what an issuing processor would send, to our own public
//! interface, so that a sandbox can be used without a processor.

mod message;
mod random;
mod target;

pub use message::{Clearing, FollowUp, Purchase};
pub use target::{Answer, SimulatorError, Target};
