//! The ledger engine: one place moves all money. Its protocol is law and stands in
//! `ARCHITECTURE.md`; the steps here bear the same names.
//!
//! | step | where |
//! | --- | --- |
//! | route, queue, take, reply | `engine` |
//! | lock, load, write | `facts` |
//! | decide, recognise | `decide` |
//! | what the partner is told of it | `notify`, and of what it was asked about `calls` |

pub(crate) mod calls;
pub mod command;
mod decide;
mod engine;
mod facts;
mod notify;
mod unanswered;
pub mod verify;
pub mod worker;

pub use engine::{Engines, Options};
pub(crate) use facts::read_ahead;
pub(crate) use notify::{CODES, card_event, card_stream, stream_of};

/// The steps between which a process may die; a test stops it at each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Commands were taken from the queue.
    Taken,
    /// The batch's transaction has begun.
    Begun,
    /// The guards are locked.
    Locked,
    /// The facts are read.
    Loaded,
    /// All is decided.
    Decided,
    /// All is written but the messages.
    Written,
    /// The messages are written too.
    Recorded,
    /// It is committed, and nobody knows.
    Committed,
}

impl Step {
    /// Every step, in order.
    pub const ALL: &'static [Self] = &[
        Self::Taken,
        Self::Begun,
        Self::Locked,
        Self::Loaded,
        Self::Decided,
        Self::Written,
        Self::Recorded,
        Self::Committed,
    ];

    /// Its name for a test.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Begun => "begun",
            Self::Locked => "locked",
            Self::Loaded => "loaded",
            Self::Decided => "decided",
            Self::Written => "written",
            Self::Recorded => "recorded",
            Self::Committed => "committed",
        }
    }
}

/// Where the engine says how far it is.
pub(crate) fn reached(step: Step) {
    crate::reached(step.name());
}

/// Whether a test wants this to happen to a command: its decision `panics`, or is `unwritable`.
fn happens(fault: &str, command: &command::Command) -> bool {
    #[cfg(feature = "faults")]
    return command.event.order().is_some_and(|it| crate::faults::happens(fault, &it.network_id));
    #[cfg(not(feature = "faults"))]
    {
        let _ = (fault, command);
        false
    }
}

/// Arms the fault that a test asks for, `step:nth:marker`; `false` if the text isn't one or this
/// build has no faults.
#[must_use]
pub fn arm_fault(text: &str) -> bool {
    #[cfg(feature = "faults")]
    if let Some(fault) = crate::faults::Fault::parse(text) {
        crate::faults::arm(fault);
        return true;
    }
    let _ = text;
    false
}
