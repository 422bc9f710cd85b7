//! The network or an acquirer has a card stopped (spec "lock outside").

use super::Envelope;
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::card::lifecycle::{LockReason, Locker};
use domain::card::stop::StopOutcome;
use domain::ids::CardId;

/// An order to stop a card.
#[derive(Debug)]
pub struct Stop {
    /// From whom, for which card.
    pub envelope: Envelope,
    /// The code of the reason.
    pub code: i64,
}

/// What came of it, and for which card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// The card, if there is one.
    pub card: Option<CardId>,
    /// What came of it.
    pub outcome: StopOutcome,
}

impl App {
    /// Locks a card because a network says so. An unknown reason is a message that wasn't
    /// understood; whatever else stands in the way is an answer.
    pub async fn stop_card(&self, command: Stop, once: Once<()>) -> Result<Stopped, Error> {
        let found = self.find_card(&command.envelope).await?;
        let outcome = |outcome| Ok(Stopped { card: found.card, outcome });
        let (Some(card), Some(holder)) = (found.card, found.payers.user) else {
            LockReason::from_code(command.code).ok_or(Refusal::InvalidLockReason)?;
            return outcome(StopOutcome::CardNotFound);
        };
        // Of two processors each has its own keys.
        let endpoint = format!("{} of processor {}", once.endpoint, command.envelope.processor.0);
        let once = Once { endpoint, ..once };
        let lock = (command.code, Locker::Network);
        match self.lock_card_by_code(found.scope, (holder, card), lock, once).await {
            Ok(_) => outcome(StopOutcome::Stopped),
            Err(Error::Refused(Refusal::CardAlreadyLocked)) => outcome(StopOutcome::AlreadyLocked),
            Err(Error::Refused(Refusal::CardNotFound)) => outcome(StopOutcome::CardNotFound),
            Err(error) => Err(error),
        }
    }
}
