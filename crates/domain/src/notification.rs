//! What a partner can be told of (spec "Notifications").

use crate::words::words;

words! {
    /// What a notification reports; the last segment of its path at the partner.
    pub enum Event {
        /// A card was locked.
        CardLocked = "cardLocked",
        /// A card was unlocked.
        CardUnlocked = "cardUnlocked",
        /// A transaction was processed, declined or found invalid: the legacy notifier.
        Transaction = "transaction",
    }
}

impl Event {
    /// What a partner is told of unless it says otherwise. The seeds keep the legacy notifier for
    /// old integrations alone, so it is asked for.
    pub const USUAL: &'static [Self] = &[Self::CardLocked, Self::CardUnlocked];
}
