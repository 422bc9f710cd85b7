//! Whose data a command may touch.

use crate::ids::PartnerId;

/// The right to touch one partner's data. Every function of the store over tenant data takes one
/// and filters by its partner, so a command can't reach another partner's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    partner: PartnerId,
}

impl Scope {
    /// The scope of a caller whose certificate or session was found to be this partner's.
    #[must_use]
    pub fn of_caller(partner: PartnerId) -> Self {
        Self { partner }
    }

    /// The scope of the platform itself acting for a partner: workers, the command line, messages
    /// from a processor whose card led to the partner. The reason is for the reader of the code.
    #[must_use]
    pub fn platform(partner: PartnerId, _reason: &'static str) -> Self {
        Self { partner }
    }

    /// The partner whose data it is.
    #[must_use]
    pub fn partner(self) -> PartnerId {
        self.partner
    }
}
