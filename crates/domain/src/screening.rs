//! Names of people and companies looked for on lists of sanctions and on the operator's own
//! (spec "Sanctions and watch lists").
//!
//! | step | where |
//! | --- | --- |
//! | a text becomes words in Latin letters | `screening/spelling.rs` |
//! | a word becomes what it sounds like; how alike two are | `screening/sound.rs` |
//! | words that say little: particles, legal forms, common names | `screening/common.rs` |
//! | which names of a list share a word with a subject | `screening/index.rs` |
//! | how alike two names are | `screening/score.rs` |
//! | what a person has decided of a hit | `screening/cases.rs` |
//!
//! A hit is a question to a person, never an answer: a score says how much two names look alike,
//! and whether the birth date speaks for or against it.

mod birth;
pub mod cases;
mod common;
mod index;
mod keys;
mod score;
mod sound;
mod spelling;

pub use birth::{Birth, BirthMatch};
pub use index::Index;

use crate::words::words;
use jiff::civil::Date;

/// From which score on a hit is shown unless the operator says otherwise. Below it are names that
/// share one word of two; the test set (`screening/tests`) is measured with it.
pub const SCORE_MIN: u8 = 85;

words! {
    /// Where an entry comes from.
    pub enum List {
        /// Specially Designated Nationals, of the Office of Foreign Assets Control (USA).
        OfacSdn = "OFAC_SDN",
        /// The consolidated list of the Security Council.
        Un = "UN",
        /// The consolidated list of financial sanctions of the European Union.
        Eu = "EU",
        /// A list of a state, as CSV.
        National = "NATIONAL",
        /// Whom the operator refuses.
        Blacklist = "BLACKLIST",
        /// Whom the operator looks at twice.
        Greylist = "GREYLIST",
    }
}

words! {
    /// What an entry, or a subject, is.
    pub enum Kind {
        /// A human being.
        Person = "PERSON",
        /// A company, an organisation, a group.
        Entity = "ENTITY",
    }
}

words! {
    /// How far a list trusts a name that it gives.
    pub enum Strength {
        /// A name, or an alias of good quality.
        Strong = "STRONG",
        /// An alias that many bear, or that isn't certain: a nickname, a nom de guerre.
        Weak = "WEAK",
    }
}

/// One name of an entry, as the list spells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The whole name; of a person in any order, in any script that [`Index`] reads.
    pub text: String,
    /// How far the list trusts it.
    pub strength: Strength,
}

/// A person or an organisation on a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it comes from.
    pub list: List,
    /// What the list calls it: OFAC's uid, the UN's reference number, the EU's logical id.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// Its names, the primary one first.
    pub names: Vec<Name>,
    /// When a person may have been born; several where the list isn't sure. Empty if it is silent.
    pub births: Vec<Birth>,
    /// Citizenships and countries, two letters of ISO 3166-1 where the list's spelling is known,
    /// else as the list spells them.
    pub countries: Vec<String>,
    /// The programme or regulation it is listed under, as the list says it. May be empty.
    pub programme: String,
}

/// Who is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// A human being.
    Person {
        /// Given names, with or without middle names; may be empty.
        given: &'a str,
        /// The family name.
        family: &'a str,
        /// The birth date, if it is known.
        born: Option<Date>,
    },
    /// A company.
    Company {
        /// Its name, with or without its legal form.
        name: &'a str,
    },
}

/// Names of people aren't told in logs.
impl std::fmt::Debug for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Person { .. } => "Person(…)",
            Self::Company { .. } => "Company(…)",
        })
    }
}

/// An entry that a subject may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// That of its names which is most alike.
    pub name: &'a Name,
    /// How alike: 100 is the same name, with nothing said against it.
    pub score: u8,
    /// What the birth date says. It is in the score already.
    pub birth: BirthMatch,
}

#[cfg(test)]
mod tests;
