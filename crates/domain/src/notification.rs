//! What a partner can be told of (spec "Notifications").

use crate::words::words;
use std::time::Duration;
use uuid::Uuid;

words! {
    /// What a notification reports; the last segment of its path at the partner, but for the
    /// history's, which has a path of its own.
    pub enum Event {
        /// A one-time password is to reach a cardholder. It has one try, and is kept nowhere.
        Otp = "otp",
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
        /// A record of the transaction history was made or changed.
        TransactionEvent = "transactionEvent",
        /// A payment that was approved without the partner's answer is asked about again.
        Debit = "debit",
        /// Money of a user's was taken, and nobody was asked.
        ForceDebit = "force-debit",
        /// Money was given to a user, or given back, and nobody was asked.
        ForceCredit = "force-credit",
        /// What a partner was asked about comes to nothing.
        Reversal = "reversal",
        /// A transaction of money that the partner holds is final.
        Clearing = "clearing",
    }
}

impl Event {
    /// What a partner can choose to be told of: all but the calls of its mode.
    pub const NOTIFICATIONS: &'static [Self] = &[
        Self::Otp,
        Self::CardLocked,
        Self::CardUnlocked,
        Self::CardExpiring,
        Self::VerificationInProgress,
        Self::VerificationAccepted,
        Self::VerificationRejected,
        Self::TransactionalLockReasonAdded,
        Self::TransactionalLockReasonRemoved,
        Self::Transaction,
        Self::TransactionEvent,
    ];

    /// The calls of a partner's mode: they tell of money, and can't be chosen.
    pub const CALLS: &'static [Self] =
        &[Self::Debit, Self::ForceDebit, Self::ForceCredit, Self::Reversal, Self::Clearing];

    /// What a partner is told of unless it says otherwise. The seeds keep the legacy notifier for
    /// old integrations alone, and don't know that cards expire, so these are asked for; the
    /// history's event too, by whoever reads the history.
    pub const USUAL: &'static [Self] = &[
        Self::Otp,
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

words! {
    /// Where a notification stands.
    pub enum Standing {
        /// It is still to be delivered.
        Open = "OPEN",
        /// The partner took it.
        Delivered = "DELIVERED",
        /// It was tried as often as it is to be.
        Failed = "FAILED",
        /// Its address is paused.
        Paused = "PAUSED",
    }
}

impl Standing {
    /// Of one that ended so, or is open still.
    #[must_use]
    pub fn of(outcome: Option<Outcome>) -> Self {
        match outcome {
            None => Self::Open,
            Some(Outcome::Delivered) => Self::Delivered,
            Some(Outcome::Failed) => Self::Failed,
            Some(Outcome::Paused) => Self::Paused,
        }
    }
}

/// What came of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    /// The partner answered with this HTTP status.
    Answered(u16),
    /// There was no answer, or none that could be read.
    Unanswered,
    /// The partner says that it doesn't know the transaction which it is told of.
    Unknown,
    /// The partner refuses what it is asked.
    Refused,
}

/// Where within its range a pause lies: what failed at one time isn't tried again at one time.
/// `Spread::drawn(key, 3)` is always the same, so each node plans the third try of a key alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread(u64);

/// Parts of a pause's tenth that a draw may choose.
const PARTS: u64 = 1_000;

impl Spread {
    /// The draw for a try, counted from 1, from a seed: the key of what is told.
    #[must_use]
    pub fn drawn(seed: Uuid, attempt: usize) -> Self {
        let (high, low) = seed.as_u64_pair();
        let attempt = u64::try_from(attempt).unwrap_or(u64::MAX);
        // SplitMix64: neighbouring seeds, as those of ordered ids, have draws that aren't alike.
        let mut mixed =
            (high ^ low.rotate_left(32)).wrapping_add(attempt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((mixed ^ (mixed >> 31)) % (PARTS + 1))
    }

    /// The pause, up to a tenth longer.
    fn of(self, pause: Duration) -> Duration {
        let parts = u32::try_from(self.0).unwrap_or(0);
        pause.saturating_add(pause.saturating_mul(parts) / 10_000)
    }
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
    /// Something else is to be told in its place.
    Instead(Event),
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
/// The first and the longest pause of a call of a partner's mode; each is twice the one before.
const CALL_PAUSES: (Duration, Duration) = (Duration::from_secs(1), hours(1));
/// How often such a call is tried: for three days, since twelve pauses are over in an hour.
const CALL_TRIES: usize = 12 + 71;
/// How much longer than planned a partner may ask us to wait.
const ASKED_MAX: Duration = hours(1);

impl Event {
    /// Whether its body tells who somebody is, or a secret: partners may ask to have that encrypted
    /// (the seeds' "Sensitive data"). The others name what they are about by its id.
    #[must_use]
    pub fn is_sensitive(self) -> bool {
        match self {
            Self::Otp
            | Self::VerificationInProgress
            | Self::VerificationAccepted
            | Self::VerificationRejected => true,
            Self::CardLocked
            | Self::CardUnlocked
            | Self::CardExpiring
            | Self::TransactionalLockReasonAdded
            | Self::TransactionalLockReasonRemoved
            | Self::Transaction
            | Self::TransactionEvent
            | Self::Debit
            | Self::ForceDebit
            | Self::ForceCredit
            | Self::Reversal
            | Self::Clearing => false,
        }
    }

    /// Whether a status means that the partner has it: of what asks, that it agrees.
    #[must_use]
    pub fn is_taken(self, status: u16) -> bool {
        match self {
            Self::Transaction => matches!(status, 200 | 204),
            Self::Debit => status == 204,
            Self::Otp
            | Self::CardLocked
            | Self::CardUnlocked
            | Self::CardExpiring
            | Self::VerificationInProgress
            | Self::VerificationAccepted
            | Self::VerificationRejected
            | Self::TransactionalLockReasonAdded
            | Self::TransactionalLockReasonRemoved
            | Self::TransactionEvent
            | Self::ForceDebit
            | Self::ForceCredit
            | Self::Reversal
            | Self::Clearing => (200..300).contains(&status),
        }
    }

    /// Whether it is a call of a partner's mode: what it reports mustn't be lost, whatever the
    /// partner wants to be told of.
    #[must_use]
    pub fn is_call(self) -> bool {
        Self::CALLS.contains(&self)
    }

    /// What to do after a try. `attempts` counts this one; `asked` is the answer's `Retry-After`;
    /// `spread` says how much of a tenth longer a pause is.
    #[must_use]
    pub fn judge(
        self,
        tried: Try,
        attempts: usize,
        asked: Option<Duration>,
        spread: Spread,
    ) -> Verdict {
        match tried {
            Try::Answered(status) if self.is_taken(status) => return Verdict::Delivered,
            Try::Answered(410) if !self.is_call() => return Verdict::Gone,
            // It moves no money, and another try won't make it known (spec "External balance", last
            // clearing): the log of tries keeps what the partner said.
            Try::Unknown if self == Self::Clearing => return Verdict::Delivered,
            // It was approved all the same, so it has happened.
            Try::Refused if self == Self::Debit => return Verdict::Instead(Self::ForceDebit),
            Try::Answered(_) | Try::Unanswered | Try::Unknown | Try::Refused => {}
        }
        if self.is_call() {
            let doubled = CALL_PAUSES.0.saturating_mul(1 << attempts.saturating_sub(1).min(16));
            let pause = doubled.min(CALL_PAUSES.1).max(asked.unwrap_or_default().min(ASKED_MAX));
            let is_last = attempts >= CALL_TRIES;
            return if is_last { Verdict::GiveUp } else { Verdict::Again(spread.of(pause)) };
        }
        let pauses = match self {
            Self::Otp => &[],
            Self::Transaction => &PAUSES[..PAUSES_LEGACY],
            Self::CardLocked
            | Self::CardUnlocked
            | Self::CardExpiring
            | Self::VerificationInProgress
            | Self::VerificationAccepted
            | Self::VerificationRejected
            | Self::TransactionalLockReasonAdded
            | Self::TransactionalLockReasonRemoved
            | Self::TransactionEvent
            | Self::Debit
            | Self::ForceDebit
            | Self::ForceCredit
            | Self::Reversal
            | Self::Clearing => PAUSES,
        };
        match pauses.get(attempts.saturating_sub(1)) {
            None => Verdict::GiveUp,
            Some(pause) => {
                let pause = (*pause).max(asked.unwrap_or_default().min(ASKED_MAX));
                Verdict::Again(spread.of(pause))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// No pause is longer than the plan's.
    const LEAST: Spread = Spread(0);

    fn pauses(event: Event) -> Vec<u64> {
        let judge = |attempts| event.judge(Try::Answered(500), attempts, None, LEAST);
        (1..)
            .map(judge)
            .map_while(|verdict| match verdict {
                Verdict::Again(pause) => Some(pause.as_secs()),
                Verdict::Delivered | Verdict::GiveUp | Verdict::Gone | Verdict::Instead(_) => None,
            })
            .collect()
    }

    #[test]
    fn a_notification_is_tried_six_times_soon_and_five_times_later() {
        let short = vec![5, 30, 300, 1800, 7200];
        assert_eq!(pauses(Event::Transaction), short);
        let long = [18_000, 36_000, 50_400, 72_000, 86_400];
        assert_eq!(pauses(Event::Otp), [0; 0], "it has one try");
        let usual = Event::USUAL.iter().copied().filter(|event| *event != Event::Otp);
        for event in usual.chain([Event::CardExpiring, Event::TransactionEvent]) {
            assert_eq!(pauses(event), [short.as_slice(), &long].concat());
        }
    }

    #[test]
    fn a_call_is_tried_for_three_days() {
        for event in Event::ALL.iter().copied().filter(|event| event.is_call()) {
            let pauses = pauses(event);
            assert_eq!(pauses[..13], [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600]);
            let days: u64 = 3 * 86_400;
            assert!(pauses.iter().sum::<u64>().abs_diff(days) < 3_600, "{event}");
        }
        let known: Vec<&Event> = Event::ALL.iter().filter(|event| !event.is_call()).collect();
        assert_eq!(known, Event::NOTIFICATIONS.iter().collect::<Vec<_>>());
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
            (Event::ForceDebit, 202, Delivered),
            (Event::Debit, 204, Delivered),
            (Event::Debit, 200, Verdict::Again(Duration::from_secs(1))),
            (Event::Debit, 202, Verdict::Again(Duration::from_secs(1))),
            (Event::ForceDebit, 410, Verdict::Again(Duration::from_secs(1))),
            (Event::Reversal, 404, Verdict::Again(Duration::from_secs(1))),
        ] {
            let found = event.judge(Try::Answered(status), 1, None, LEAST);
            assert_eq!(found, verdict, "{event} {status}");
        }
        assert_eq!(Event::CardLocked.judge(Try::Unanswered, 1, None, LEAST), soon);
        let again = Verdict::Again(Duration::from_secs(1));
        let instead = Verdict::Instead(Event::ForceDebit);
        assert_eq!(Event::Debit.judge(Try::Refused, 1, None, LEAST), instead);
        assert_eq!(Event::Debit.judge(Try::Answered(204), 1, None, LEAST), Verdict::Delivered);
        assert_eq!(Event::Debit.judge(Try::Answered(422), 1, None, LEAST), again);
        assert_eq!(Event::ForceDebit.judge(Try::Refused, 1, None, LEAST), again);
        assert_eq!(Event::Clearing.judge(Try::Unknown, 1, None, LEAST), Verdict::Delivered);
        assert_eq!(Event::Clearing.judge(Try::Answered(404), 1, None, LEAST), again);
        assert_eq!(Event::ForceCredit.judge(Try::Unknown, 1, None, LEAST), again);
    }

    #[test]
    fn a_partner_may_ask_for_an_hour_more() {
        for (asked, pause) in [(1, 5), (60, 60), (3_600, 3_600), (86_400, 3_600)] {
            let asked = Some(Duration::from_secs(asked));
            let found = Event::CardLocked.judge(Try::Answered(429), 1, asked, LEAST);
            assert_eq!(found, Verdict::Again(Duration::from_secs(pause)));
        }
        let asked = Some(Duration::from_secs(9));
        let late = Event::Transaction.judge(Try::Answered(503), 6, asked, LEAST);
        assert_eq!(late, Verdict::GiveUp);
    }

    /// The pause after a try, in milliseconds.
    fn pause(event: Event, attempt: usize, asked: Option<u64>, spread: Spread) -> u128 {
        let asked = asked.map(Duration::from_secs);
        let verdict = event.judge(Try::Answered(503), attempt, asked, spread);
        let Verdict::Again(pause) = verdict else { panic!("{event} isn't tried again") };
        pause.as_millis()
    }

    #[test]
    fn a_pause_is_up_to_a_tenth_longer() {
        let hour = 3_600_000;
        for (event, attempt, asked, range) in [
            (Event::CardLocked, 1, None, 5_000..=5_500),
            (Event::CardLocked, 2, None, 30_000..=33_000),
            (Event::CardLocked, 10, None, 24 * hour..=24 * hour + hour * 24 / 10),
            (Event::Transaction, 3, None, 300_000..=330_000),
            (Event::CardLocked, 1, Some(60), 60_000..=66_000),
            (Event::Reversal, 1, None, 1_000..=1_100),
            (Event::Reversal, 2, None, 2_000..=2_200),
            (Event::ForceDebit, 13, None, hour..=hour + hour / 10),
        ] {
            let ends = [LEAST, Spread(PARTS)].map(|spread| pause(event, attempt, asked, spread));
            assert_eq!(ends, [*range.start(), *range.end()], "{event} {attempt}");
            let seeds = (1..=500).map(Uuid::from_u128);
            let drawn: BTreeSet<u128> = seeds
                .map(|seed| pause(event, attempt, asked, Spread::drawn(seed, attempt)))
                .collect();
            assert!(drawn.iter().all(|pause| range.contains(pause)), "{event} {attempt}");
            // They lie all over the range.
            let quarter = (range.end() - range.start()) / 4;
            let (low, high) = (range.start() + quarter, range.end() - quarter);
            assert!(drawn.iter().any(|pause| *pause < low), "{event} {attempt}");
            assert!(drawn.iter().any(|pause| *pause > high), "{event} {attempt}");
            assert!(drawn.len() > 50, "{event} {attempt}: {}", drawn.len());
        }
    }

    #[test]
    fn the_same_try_of_a_key_is_planned_alike_and_the_next_is_not() {
        let key = Uuid::from_u128(0x20e8_7975_dbfb_4c95_b239_1695_16c0_b707);
        let draws: Vec<Spread> = (1..=8).map(|attempt| Spread::drawn(key, attempt)).collect();
        for (attempt, spread) in (1..).zip(&draws) {
            assert_eq!(Spread::drawn(key, attempt), *spread);
        }
        assert!(draws.iter().any(|spread| *spread != draws[0]));
    }
}
