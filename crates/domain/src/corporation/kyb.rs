//! KYB: what is needed before a corporation is accepted, and what may be decided when.

use super::document::DocumentKind;
use super::{Kyb, Person, Persons, WHOLE};
use crate::words::words;
use std::fmt;

/// From above this share on who owns a corporation is verified, in hundredths of a percent.
const OWNER: i64 = WHOLE / 4;

words! {
    /// What is said of a corporation whose documents are looked at.
    pub enum KybDecision {
        /// It is a business that is known now.
        Accepted = "ACCEPTED",
        /// It isn't taken.
        Rejected = "REJECTED",
        /// Something has to be told first.
        OnHold = "ON_HOLD",
    }
}

/// What a corporation still needs before it can be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// A document.
    Document(DocumentKind),
    /// A board: somebody acts for it.
    Board,
    /// The verification of a member of its board, of that place.
    BoardMember(usize),
    /// The verification of an owner of more than a quarter, of that place.
    Beneficiary(usize),
    /// Somebody's word that those on a list who were found are others.
    Screening,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Document(kind) => f.write_str(kind.as_str()),
            Self::Board => f.write_str("boardMembers"),
            Self::BoardMember(at) => write!(f, "boardMembers[{at}]"),
            Self::Beneficiary(at) => write!(f, "beneficiaries[{at}]"),
            Self::Screening => f.write_str("screening"),
        }
    }
}

impl Persons {
    /// Who has to be verified: the board, and who owns more than a quarter, in however many parts.
    pub fn to_verify(&self) -> impl Iterator<Item = (Missing, &Person)> {
        let board = self.board.iter().enumerate();
        let owns = |person: &Person| -> i64 {
            let parts = self.beneficiaries.iter().filter(|it| it.person.is_named_as(person));
            parts.map(|it| it.share).sum()
        };
        let owners = self.beneficiaries.iter().enumerate();
        let owners = owners.filter(move |(_, it)| owns(&it.person) > OWNER);
        board
            .map(|(at, it)| (Missing::BoardMember(at), it))
            .chain(owners.map(|(at, it)| (Missing::Beneficiary(at), &it.person)))
    }
}

/// What is missing, of the documents that are there, the people who aren't verified, and whether
/// somebody of a list was found.
#[must_use]
pub fn missing(
    documents: &[DocumentKind],
    persons: &Persons,
    unverified: impl IntoIterator<Item = Missing>,
    is_found: bool,
) -> Vec<Missing> {
    let absent = DocumentKind::ALL.iter().filter(|kind| !documents.contains(kind));
    let board = persons.board.is_empty().then_some(Missing::Board);
    let screening = is_found.then_some(Missing::Screening);
    let absent = absent.map(|kind| Missing::Document(*kind));
    absent.chain(board).chain(unverified).chain(screening).collect()
}

/// Why KYB isn't decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KybRefusal {
    /// Its documents aren't being looked at.
    NotInProgress,
    /// Something is missing.
    Incomplete,
}

impl Kyb {
    /// What KYB is after a decision. What was said before may be said again.
    pub fn decide(self, decision: KybDecision, missing: &[Missing]) -> Result<Self, KybRefusal> {
        let after = match decision {
            KybDecision::Accepted => Self::Accepted,
            KybDecision::Rejected => Self::Rejected,
            KybDecision::OnHold => Self::OnHold,
        };
        if self == after {
            return Ok(self);
        }
        match (self, decision) {
            // Whoever was refused sends documents anew first.
            (Self::None | Self::Rejected, _) => Err(KybRefusal::NotInProgress),
            (_, KybDecision::Accepted) if !missing.is_empty() => Err(KybRefusal::Incomplete),
            (Self::InProgress | Self::Accepted | Self::OnHold, _) => Ok(after),
        }
    }

    /// What KYB is after documents have come. Like a form of a person's they lower nothing.
    #[must_use]
    pub fn after_documents(self, missing: &[Missing]) -> Self {
        let lacks = missing.iter().any(|it| matches!(it, Missing::Document(_)));
        match self {
            Self::Accepted => Self::Accepted,
            before if lacks => before,
            Self::None | Self::InProgress | Self::Rejected | Self::OnHold => Self::InProgress,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corporation::Beneficiary;
    use crate::user::Country;
    use jiff::civil::Date;

    #[test]
    fn kyb_is_decided_by_the_table() {
        use KybDecision as D;
        use KybRefusal::{Incomplete, NotInProgress};
        let lacks = [Missing::BoardMember(0)];
        for (before, decision, missing, after) in [
            (Kyb::None, D::Accepted, &[][..], Err(NotInProgress)),
            (Kyb::None, D::Rejected, &[], Err(NotInProgress)),
            (Kyb::None, D::OnHold, &[], Err(NotInProgress)),
            (Kyb::InProgress, D::Accepted, &[], Ok(Kyb::Accepted)),
            (Kyb::InProgress, D::Accepted, &lacks, Err(Incomplete)),
            (Kyb::InProgress, D::Rejected, &lacks, Ok(Kyb::Rejected)),
            (Kyb::InProgress, D::OnHold, &lacks, Ok(Kyb::OnHold)),
            (Kyb::OnHold, D::Accepted, &[], Ok(Kyb::Accepted)),
            (Kyb::OnHold, D::Accepted, &lacks, Err(Incomplete)),
            (Kyb::OnHold, D::Rejected, &lacks, Ok(Kyb::Rejected)),
            (Kyb::OnHold, D::OnHold, &lacks, Ok(Kyb::OnHold)),
            (Kyb::Accepted, D::Accepted, &lacks, Ok(Kyb::Accepted)),
            (Kyb::Accepted, D::Rejected, &[], Ok(Kyb::Rejected)),
            (Kyb::Accepted, D::OnHold, &[], Ok(Kyb::OnHold)),
            (Kyb::Rejected, D::Accepted, &[], Err(NotInProgress)),
            (Kyb::Rejected, D::Rejected, &lacks, Ok(Kyb::Rejected)),
            (Kyb::Rejected, D::OnHold, &[], Err(NotInProgress)),
        ] {
            assert_eq!(before.decide(decision, missing), after, "{before}, {decision}");
        }
    }

    #[test]
    fn documents_begin_it_when_all_are_there() {
        let (complete, person) = (&[][..], &[Missing::BoardMember(1), Missing::Screening][..]);
        let lacks = &[Missing::Document(DocumentKind::Statute)][..];
        for (before, all, not_all) in [
            (Kyb::None, Kyb::InProgress, Kyb::None),
            (Kyb::InProgress, Kyb::InProgress, Kyb::InProgress),
            (Kyb::Accepted, Kyb::Accepted, Kyb::Accepted),
            (Kyb::Rejected, Kyb::InProgress, Kyb::Rejected),
            (Kyb::OnHold, Kyb::InProgress, Kyb::OnHold),
        ] {
            assert_eq!(before.after_documents(complete), all, "{before}");
            assert_eq!(before.after_documents(person), all, "{before}");
            assert_eq!(before.after_documents(lacks), not_all, "{before}");
        }
    }

    #[test]
    fn what_is_missing_is_named_as_the_wire_names_it() {
        let person = || Person {
            first_name: "Anna".to_owned(),
            last_name: "Nowak".to_owned(),
            birth_date: Date::constant(1980, 5, 17),
            nationality: Country::parse("PL").expect("a country"),
            user: None,
        };
        let owner = |share| Beneficiary { person: person(), share };
        let other = |share| Beneficiary {
            person: Person { first_name: "Ewa".to_owned(), ..person() },
            share,
        };
        let persons = Persons {
            representative: person(),
            board: vec![person(), person()],
            beneficiaries: vec![owner(2_500), other(2_501)],
        };
        let unverified = || persons.to_verify().map(|(missing, _)| missing);
        let all = missing(&[DocumentKind::Statute], &persons, unverified(), true);
        let names: Vec<String> = all.iter().map(ToString::to_string).collect();
        let people = ["boardMembers[0]", "boardMembers[1]", "beneficiaries[1]"];
        let expected = [&["registerExtract", "ownership"][..], &people, &["screening"]].concat();
        assert_eq!(names, expected);
        assert_eq!(missing(DocumentKind::ALL, &persons, [], false), []);
        let nobody = Persons { board: vec![], ..persons.clone() };
        let lacks = missing(DocumentKind::ALL, &nobody, [], false);
        assert_eq!(lacks, [Missing::Board]);

        // One owner in parts owns the sum, however they are spelled.
        let mut part = owner(1);
        part.person.last_name = "NOWAK".to_owned();
        let parts = Persons { beneficiaries: vec![owner(2_500), part], ..nobody };
        let owners: Vec<Missing> = parts.to_verify().map(|(missing, _)| missing).collect();
        assert_eq!(owners, [Missing::Beneficiary(0), Missing::Beneficiary(1)]);
    }
}
