//! What a network hears that has a card stopped.

use crate::words::words;

words! {
    /// What came of an order to stop a card.
    pub enum StopOutcome {
        /// It is locked for this reason, now or before.
        Stopped = "APPROVED",
        /// There is no such card, or it was removed.
        CardNotFound = "CARD_NOT_FOUND",
        /// It is locked for another reason, which stays.
        AlreadyLocked = "CARD_ALREADY_LOCKED",
    }
}
