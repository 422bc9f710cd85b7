//! What becomes of hits: a person decides each, and what was decided holds for the name and the
//! entry as they were then.

use super::{BirthMatch, List};
use crate::words::words;

words! {
    /// Where a hit stands.
    pub enum CaseState {
        /// Nobody has looked.
        Open = "OPEN",
        /// It is somebody else of that name.
        Cleared = "CLEARED",
        /// It is the one on the list.
        Confirmed = "CONFIRMED",
    }
}

words! {
    /// What a person says of a hit.
    pub enum HitDecision {
        /// It is somebody else of that name.
        Cleared = "CLEARED",
        /// It is the one on the list.
        Confirmed = "CONFIRMED",
    }
}

/// Somebody of a list who a user, or somebody of a corporation, may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Who of the owner: `USER`, `COMPANY`, `REPRESENTATIVE`, `BOARD/1`, `BENEFICIARY/1`, ….
    pub part: String,
    /// Which list.
    pub list: List,
    /// What the list calls the entry.
    pub entry: String,
    /// That of the entry's names which is most alike, as the list spells it.
    pub name: String,
    /// How alike, to 100.
    pub score: u8,
    /// What the birth date says.
    pub birth: BirthMatch,
    /// A keyed digest of what was compared: another one is another question.
    pub facts: String,
    /// Where it stands.
    pub state: CaseState,
}

impl Case {
    /// Whether its owner was changed since so that it isn't found any more.
    #[must_use]
    pub fn was_changed(&self) -> bool {
        self.facts == CHANGED
    }

    /// Whether both are about the same: of whom, and who of which list.
    #[must_use]
    pub fn is_about(&self, other: &Self) -> bool {
        (&self.part, self.list, &self.entry) == (&other.part, other.list, &other.entry)
    }
}

/// Why an owner is screened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// Lists have changed.
    OfLists,
    /// The partner has changed what is compared.
    OfChange,
}

/// What the facts are of a hit whose owner was changed so that it isn't found any more.
const CHANGED: &str = "";

/// What becomes of a hit when its owner is screened again, of what was known and what is found.
///
/// Who is spelled otherwise all at once isn't somebody else for that: a hit that a change has made
/// unfindable waits for a person like every other, whatever becomes of the lists.
#[must_use]
pub fn again(known: Option<&Case>, found: Option<&Case>, because: Because) -> Option<Case> {
    match (known, found) {
        // What was decided stands as long as the same is compared.
        (Some(known), Some(found)) if known.facts == found.facts => Some(known.clone()),
        (_, Some(found)) => Some(Case { state: CaseState::Open, ..found.clone() }),
        // What somebody has said is kept.
        (Some(known), None) if known.state != CaseState::Open => Some(known.clone()),
        (Some(known), None) if because == Because::OfChange || known.was_changed() => {
            Some(Case { facts: CHANGED.to_owned(), ..known.clone() })
        }
        // Nobody has to look any more at what isn't found.
        (Some(_) | None, None) => None,
    }
}

/// Whether no money may leave the balances of whoever has these hits.
#[must_use]
pub fn locks<'a>(cases: impl IntoIterator<Item = &'a Case>) -> bool {
    cases.into_iter().any(|case| match case.state {
        CaseState::Open | CaseState::Confirmed => true,
        CaseState::Cleared => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(facts: &str, state: CaseState) -> Case {
        Case {
            part: "USER".to_owned(),
            list: List::Un,
            entry: "QDi.001".to_owned(),
            name: "John Doe".to_owned(),
            score: 93,
            birth: BirthMatch::Unknown,
            facts: facts.to_owned(),
            state,
        }
    }

    #[test]
    fn a_decision_is_kept_as_long_as_the_same_is_compared() {
        use CaseState::{Cleared, Confirmed, Open};
        let (same, other) = (Some(case("same", Open)), Some(case("other", Open)));
        for (known, found, after) in [
            (None, &None, None),
            (None, &same, Some(Open)),
            (Some(Open), &same, Some(Open)),
            (Some(Cleared), &same, Some(Cleared)),
            (Some(Confirmed), &same, Some(Confirmed)),
            (Some(Open), &other, Some(Open)),
            (Some(Cleared), &other, Some(Open)),
            (Some(Confirmed), &other, Some(Open)),
            (Some(Open), &None, None),
            (Some(Cleared), &None, Some(Cleared)),
            (Some(Confirmed), &None, Some(Confirmed)),
        ] {
            let known = known.map(|state| case("same", state));
            let left = again(known.as_ref(), found.as_ref(), Because::OfLists);
            assert_eq!(left.map(|it| it.state), after, "{known:?}, {found:?}");
        }
    }

    #[test]
    fn a_change_settles_no_hit() {
        use CaseState::{Cleared, Confirmed, Open};
        for state in [Open, Cleared, Confirmed] {
            let known = case("same", state);
            let left = again(Some(&known), None, Because::OfChange).expect("it is kept");
            assert_eq!(left.state, state);
            // Lists that change afterwards don't settle it either, and being found again does not.
            let later = again(Some(&left), None, Because::OfLists);
            assert_eq!(later.as_ref(), Some(&left));
            let found = case("same", Open);
            let back = again(Some(&left), Some(&found), Because::OfChange).expect("it is found");
            assert_eq!(back.state, state);
        }
        assert_eq!(again(None, None, Because::OfChange), None);
    }

    #[test]
    fn whoever_is_not_cleared_of_all_is_locked() {
        use CaseState::{Cleared, Confirmed, Open};
        for (states, locked) in [
            (&[][..], false),
            (&[Cleared], false),
            (&[Cleared, Open], true),
            (&[Confirmed, Cleared], true),
        ] {
            let cases: Vec<Case> = states.iter().map(|state| case("same", *state)).collect();
            assert_eq!(locks(&cases), locked, "{states:?}");
        }
    }
}
