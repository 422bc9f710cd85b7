//! What an eKYC provider's answer makes of a form, together with the built-in check: the provider
//! can't overrule what that has found, and where either of them doubts a person looks.

use super::check::{Doubt, Verdict};
use super::{Decision, Reason};
use crate::Timestamp;
use crate::words::words;
use jiff::SignedDuration;
use std::time::Duration;

/// How long a provider is asked again that has no answer; then a person decides.
pub const PATIENCE: SignedDuration = SignedDuration::from_hours(24);
/// The first and the longest pause between two questions about one form.
const PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));
/// How long a provider may ask to be left alone.
const WISH_MAX: Duration = Duration::from_secs(3600);

words! {
    /// What the built-in check thinks of a form that a provider is asked about.
    pub enum View {
        /// It would have accepted it.
        Good = "GOOD",
        /// It only doubts that a picture is sharp.
        Unsharp = "UNSHARP",
        /// It would have left it to a person for another reason.
        Doubtful = "DOUBTFUL",
    }
}

impl View {
    /// What a verdict means to a provider; none where nobody is asked, since the form is rejected.
    #[must_use]
    pub fn of(verdict: Verdict) -> Option<Self> {
        match verdict {
            Verdict::Decided(Decision::Reject(_)) => None,
            Verdict::Decided(Decision::Accept) => Some(Self::Good),
            Verdict::Referred(Doubt::Sharpness) => Some(Self::Unsharp),
            Verdict::Referred(Doubt::Other) => Some(Self::Doubtful),
        }
    }
}

/// What a provider says of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is good.
    Accepted,
    /// It isn't; with the reason, if that is one of ours.
    Rejected(Option<Reason>),
    /// A person should look.
    Referred,
    /// It isn't known yet.
    InProgress,
}

impl Answer {
    /// The word for it in logs, metrics and audit records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Rejected(_) => "REJECTED",
            Self::Referred => "REFERRED",
            Self::InProgress => "IN_PROGRESS",
        }
    }
}

/// What comes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// This is decided.
    Decided(Decision),
    /// A person has to look.
    Person,
    /// The provider is asked again.
    Again,
}

/// What comes of a provider's answer about a form of which we think so.
#[must_use]
pub fn combine(view: View, answer: Answer) -> Next {
    match (view, answer) {
        (_, Answer::InProgress) => Next::Again,
        // Whose age or name is doubtful is a person's to decide, either way.
        (View::Doubtful, Answer::Accepted | Answer::Rejected(_) | Answer::Referred)
        | (View::Good | View::Unsharp, Answer::Rejected(None) | Answer::Referred) => Next::Person,
        (View::Good | View::Unsharp, Answer::Accepted) => Next::Decided(Decision::Accept),
        (View::Good | View::Unsharp, Answer::Rejected(Some(reason))) => {
            Next::Decided(Decision::Reject(reason))
        }
    }
}

/// When a provider is asked again about a form that it was handed at `since`, after so many
/// questions, and with what it wishes: never behind the end of our patience.
#[must_use]
pub fn next_at(now: Timestamp, since: Timestamp, asked: i64, wish: Option<Duration>) -> Timestamp {
    let doubled = u32::try_from(asked.saturating_sub(1).clamp(0, 20)).unwrap_or_default();
    let (first, longest) = PAUSES;
    let pause = first.saturating_mul(2_u32.pow(doubled)).min(longest);
    let pause = pause.max(wish.unwrap_or_default().min(WISH_MAX));
    let pause = SignedDuration::try_from(pause).unwrap_or(PATIENCE);
    let later = now.checked_add(pause).unwrap_or(Timestamp::MAX);
    later.min(since.checked_add(PATIENCE).unwrap_or(Timestamp::MAX)).max(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REASON: Reason = Reason::BlurredSelfie;

    #[test]
    fn a_provider_decides_where_we_have_no_other_doubt_than_sharpness() {
        use Answer::{Accepted, InProgress, Referred, Rejected};
        use Next::{Again, Decided, Person};
        use View::{Doubtful, Good, Unsharp};
        let (accept, reject) = (Decided(Decision::Accept), Decided(Decision::Reject(REASON)));
        for (answer, good, unsharp, doubtful) in [
            (Accepted, accept, accept, Person),
            (Rejected(Some(REASON)), reject, reject, Person),
            (Rejected(None), Person, Person, Person),
            (Referred, Person, Person, Person),
            (InProgress, Again, Again, Again),
        ] {
            for (view, next) in [(Good, good), (Unsharp, unsharp), (Doubtful, doubtful)] {
                assert_eq!(combine(view, answer), next, "{view} {answer:?}");
            }
        }
    }

    #[test]
    fn nobody_is_asked_about_what_we_reject() {
        for (verdict, view) in [
            (Verdict::Decided(Decision::Accept), Some(View::Good)),
            (Verdict::Decided(Decision::Reject(REASON)), None),
            (Verdict::Referred(Doubt::Sharpness), Some(View::Unsharp)),
            (Verdict::Referred(Doubt::Other), Some(View::Doubtful)),
        ] {
            assert_eq!(View::of(verdict), view, "{verdict:?}");
        }
    }

    #[test]
    fn pauses_grow_to_ten_minutes_and_end_with_our_patience() {
        let begun = crate::fixtures::NOW;
        let pause = |asked, wish: Option<u64>| {
            let next = next_at(begun, begun, asked, wish.map(Duration::from_secs));
            next.duration_since(begun).as_secs()
        };
        let pauses = [0, 1, 2, 3, 7, 8, i64::MAX].map(|asked| pause(asked, None));
        assert_eq!(pauses, [5, 5, 10, 20, 320, 600, 600]);
        assert_eq!(pause(1, Some(90)), 90);
        assert_eq!(pause(8, Some(90)), 600);
        assert_eq!(pause(1, Some(u64::MAX)), 3600);
        let end = begun.checked_add(PATIENCE).expect("a time");
        let late = end.checked_sub(SignedDuration::from_secs(7)).expect("a time");
        assert_eq!(next_at(late, begun, 9, None), end);
        assert_eq!(next_at(end, begun, 9, None), end);
    }
}
