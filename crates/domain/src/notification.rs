//! What a partner can be told of (spec "Notifications").

use crate::words::words;
use std::time::Duration;

words! {
    /// What a notification reports; the last segment of its path at the partner.
    pub enum Event {
        /// A card was locked.
        CardLocked = "cardLocked",
        /// A card was unlocked.
        CardUnlocked = "cardUnlocked",
        /// A card's last day comes near.
        CardExpiring = "cardExpiring",
        /// A KYC form came in, and is looked at here.
        VerificationInProgress = "verificationInProgress",
        /// A KYC form was found good.
        VerificationAccepted = "verificationAccepted",
        /// A KYC form was found not to be good.
        VerificationRejected = "verificationRejected",
        /// No money may leave an owner's balances, for one reason more.
        TransactionalLockReasonAdded = "transactionalLockReasonAdded",
        /// A reason why no money may leave an owner's balances is gone.
        TransactionalLockReasonRemoved = "transactionalLockReasonRemoved",
        /// A transaction was processed, declined or found invalid: the legacy notifier.
        Transaction = "transaction",
    }
}

impl Event {
    /// What a partner is told of unless it says otherwise. The seeds keep the legacy notifier for
    /// old integrations alone, and don't know that cards expire, so these are asked for.
    pub const USUAL: &'static [Self] = &[
        Self::CardLocked,
        Self::CardUnlocked,
        Self::VerificationInProgress,
        Self::VerificationAccepted,
        Self::VerificationRejected,
        Self::TransactionalLockReasonAdded,
        Self::TransactionalLockReasonRemoved,
    ];
}

words! {
    /// How a notification ended.
    pub enum Outcome {
        /// The partner took it.
        Delivered = "DELIVERED",
        /// It was tried as often as it is to be; kept, and never dropped.
        Failed = "FAILED",
        /// Its address is paused; kept until that is resumed.
        Paused = "PAUSED",
    }
}

/// What came of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    /// The partner answered with this HTTP status.
    Answered(u16),
    /// There was no answer, or none that could be read.
    Unanswered,
}

/// What is to be done after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken.
    Delivered,
    /// Try again after this time.
    Again(Duration),
    /// It was tried as often as it is to be.
    GiveUp,
    /// The address says that it is gone for good: nothing more is sent to it.
    Gone,
}

const fn hours(count: u64) -> Duration {
    Duration::from_secs(count * 3600)
}

/// The pauses after each failed try (spec "Notifications"): five short ones for everything, then
/// long ones for all but the legacy notifier.
const PAUSES: &[Duration] = &[
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(300),
    Duration::from_secs(1800),
    hours(2),
    hours(5),
    hours(10),
    hours(14),
    hours(20),
    hours(24),
];
/// How many of them the legacy notifier has.
const PAUSES_LEGACY: usize = 5;
/// How much longer than planned a partner may ask us to wait.
const ASKED_MAX: Duration = hours(1);

impl Event {
    /// Whether a status means that the partner has it.
    #[must_use]
    pub fn is_taken(self, status: u16) -> bool {
        if self.is_legacy() { matches!(status, 200 | 204) } else { (200..300).contains(&status) }
    }

    /// Whether it is the legacy notifier's.
    fn is_legacy(self) -> bool {
        self == Self::Transaction
    }

    /// What to do after a try. `attempts` counts this one; `asked` is the answer's `Retry-After`.
    #[must_use]
    pub fn judge(self, tried: Try, attempts: usize, asked: Option<Duration>) -> Verdict {
        match tried {
            Try::Answered(status) if self.is_taken(status) => return Verdict::Delivered,
            Try::Answered(410) => return Verdict::Gone,
            Try::Answered(_) | Try::Unanswered => {}
        }
        let pauses = if self.is_legacy() { &PAUSES[..PAUSES_LEGACY] } else { PAUSES };
        match pauses.get(attempts.saturating_sub(1)) {
            None => Verdict::GiveUp,
            Some(pause) => Verdict::Again((*pause).max(asked.unwrap_or_default().min(ASKED_MAX))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(event: Event) -> Vec<u64> {
        let judge = |attempts| event.judge(Try::Answered(500), attempts, None);
        (1..)
            .map(judge)
            .map_while(|verdict| match verdict {
                Verdict::Again(pause) => Some(pause.as_secs()),
                Verdict::Delivered | Verdict::GiveUp | Verdict::Gone => None,
            })
            .collect()
    }

    #[test]
    fn a_notification_is_tried_six_times_soon_and_five_times_later() {
        let short = vec![5, 30, 300, 1800, 7200];
        assert_eq!(pauses(Event::Transaction), short);
        let long = [18_000, 36_000, 50_400, 72_000, 86_400];
        for event in Event::USUAL.iter().copied().chain([Event::CardExpiring]) {
            assert_eq!(pauses(event), [short.as_slice(), &long].concat());
        }
    }

    #[test]
    fn an_answer_is_judged_by_its_status() {
        use Verdict::{Delivered, Gone};
        let soon = Verdict::Again(Duration::from_secs(5));
        for (event, status, verdict) in [
            (Event::CardLocked, 200, Delivered),
            (Event::CardLocked, 202, Delivered),
            (Event::CardLocked, 204, Delivered),
            (Event::CardLocked, 299, Delivered),
            (Event::CardLocked, 301, soon),
            (Event::CardLocked, 404, soon),
            (Event::CardLocked, 500, soon),
            (Event::CardLocked, 410, Gone),
            (Event::Transaction, 200, Delivered),
            (Event::Transaction, 204, Delivered),
            (Event::Transaction, 201, soon),
            (Event::Transaction, 202, soon),
            (Event::Transaction, 410, Gone),
        ] {
            let found = event.judge(Try::Answered(status), 1, None);
            assert_eq!(found, verdict, "{event} {status}");
        }
        assert_eq!(Event::CardLocked.judge(Try::Unanswered, 1, None), soon);
    }

    #[test]
    fn a_partner_may_ask_for_an_hour_more() {
        for (asked, pause) in [(1, 5), (60, 60), (3_600, 3_600), (86_400, 3_600)] {
            let asked = Some(Duration::from_secs(asked));
            let found = Event::CardLocked.judge(Try::Answered(429), 1, asked);
            assert_eq!(found, Verdict::Again(Duration::from_secs(pause)));
        }
        let late = Event::Transaction.judge(Try::Answered(503), 6, Some(Duration::from_secs(9)));
        assert_eq!(late, Verdict::GiveUp);
    }
}
