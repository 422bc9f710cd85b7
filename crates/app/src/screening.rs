//! Screening: people and companies looked for on lists of sanctions and on the operator's own (spec
//! "Sanctions and watch lists"). Who is on a list, and what becomes of a hit, is decided by
//! `domain::screening`.
//!
//! Names are looked for when they are registered or changed, with the lists that this node has in
//! memory. Whenever lists change, all names are looked for again: from five seconds after this node
//! has seen it on, when every other node has it too, so nobody is passed by who was registered
//! meanwhile.
//!
//! | step | where |
//! | --- | --- |
//! | read a file | `lists` |
//! | put a list in force, and into memory | `load`, `entries` |
//! | look for a name, keep what is found, lock its owner | `find` |
//! | look for all names again | `again` |
//! | decide what was found | `hits` |

mod again;
mod entries;
mod find;
mod hits;
pub mod lists;
mod load;

pub use again::Progress;
pub(crate) use find::Looked;
pub use hits::{DecideHit, Hit, hit_json, is_comment};
pub use load::{LoadList, Screening};
/// A list as it was last loaded.
pub use store::screening::{Kept, Loaded};
