//! What stands on a card's plastic for its holder's name: at most 26 characters of an alphabet that
//! every embossing machine and every terminal knows (ISO/IEC 7813, EMV tag 5F20).
//!
//! Names in Latin and Cyrillic letters are rendered as machine readable passports do (ICAO Doc 9303
//! part 3, section 6), Greek ones by ELOT 743. Two rules differ from the passport's, since what is
//! read here are names: a German umlaut is two letters, as in a German passport, and a Polish or
//! Czech letter loses its sign.

use crate::letters::{cyrillic, greek, other_latin};
use std::fmt;
use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// How many characters there is room for.
pub const CHARACTERS_MAX: usize = 26;
/// The diaeresis, which keeps two vowels apart in Greek and makes an umlaut in German.
const DIAERESIS: char = '\u{308}';
/// The ring of å.
const RING: char = '\u{30a}';

/// A line of a card, rendered.
#[derive(Clone, PartialEq, Eq)]
pub struct CardholderLine(String);

/// Why a name can't stand on a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameFault {
    /// It has a character of a script or kind that isn't rendered.
    #[error("the name has a character that can't be embossed")]
    Character,
    /// It has more characters than there is room for, once rendered.
    #[error("the name is too long to be embossed")]
    TooLong,
    /// There is no letter in it.
    #[error("the name has no letter")]
    Empty,
}

impl CardholderLine {
    /// The line of a name as somebody wrote it.
    pub fn of(name: &str) -> Result<Self, NameFault> {
        let line = rendered(name)?;
        if line.len() > CHARACTERS_MAX { Err(NameFault::TooLong) } else { Ok(Self(line)) }
    }

    /// The line of a person: both names, where there is room; else the given names shortened to
    /// their first letters, one after the other from the last.
    pub fn of_person(given: &str, family: &str) -> Result<Self, NameFault> {
        let (given, family) = (rendered(given)?, rendered(family)?);
        let mut names: Vec<&str> = given.split(' ').collect();
        let mut shortened = names.len();
        loop {
            let line = format!("{} {family}", names.join(" "));
            if line.len() <= CHARACTERS_MAX {
                return Ok(Self(line));
            }
            shortened = shortened.checked_sub(1).ok_or(NameFault::TooLong)?;
            names[shortened] = &names[shortened][..1];
        }
    }

    /// The line again, as it was kept.
    #[must_use]
    pub fn kept(line: String) -> Self {
        Self(line)
    }

    /// As it is embossed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names of people aren't told in logs.
impl fmt::Debug for CardholderLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardholderLine(…)")
    }
}

/// Upper case letters, digits and a few signs, single spaces between them.
fn rendered(name: &str) -> Result<String, NameFault> {
    // Capital letters may be two of them (ß), and signs of letters stand behind them after this.
    let characters: Vec<char> = name.to_uppercase().nfd().collect();
    let mut letters = Letters { all: &characters, at: 0 };
    let mut line = String::new();
    while let Some(letter) = letters.next() {
        letters.render(letter, &mut line)?;
    }
    let line = line.split(' ').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    if line.contains(|it: char| it.is_ascii_uppercase()) { Ok(line) } else { Err(NameFault::Empty) }
}

/// A letter and whether one of the signs behind it changes what it is.
#[derive(Clone, Copy)]
struct Letter {
    letter: char,
    diaeresis: bool,
    ring: bool,
}

struct Letters<'a> {
    all: &'a [char],
    at: usize,
}

impl Letters<'_> {
    fn next(&mut self) -> Option<Letter> {
        let letter = *self.all.get(self.at)?;
        let signs = self.all[self.at + 1..].iter().take_while(|it| is_combining_mark(**it));
        let length = signs.clone().count();
        let has = |sign| signs.clone().any(|it| *it == sign);
        self.at += 1 + length;
        Some(Letter { letter, diaeresis: has(DIAERESIS), ring: has(RING) })
    }

    fn peek(&self) -> Option<Letter> {
        Self { all: self.all, at: self.at }.next()
    }

    fn render(&mut self, it: Letter, line: &mut String) -> Result<(), NameFault> {
        let letter = it.letter;
        if letter.is_ascii() {
            return latin(it, line);
        }
        if let Some(two) = self.greek_pair(it) {
            line.push_str(two);
            return Ok(());
        }
        let more = other_latin(letter).or_else(|| cyrillic(letter)).or_else(|| greek(letter));
        let more = more.or_else(|| sign(letter)).ok_or(NameFault::Character)?;
        line.push_str(more);
        Ok(())
    }

    /// Two Greek letters that are rendered together (ELOT 743).
    fn greek_pair(&mut self, first: Letter) -> Option<&'static str> {
        let next = self.peek().filter(|next| !next.diaeresis)?;
        let two = match (first.letter, next.letter) {
            ('Γ', 'Γ') => "NG",
            ('Γ', 'Ξ') => "NX",
            ('Γ', 'Χ') => "NCH",
            ('Ο', 'Υ') => "OU",
            (vowel @ ('Α' | 'Ε' | 'Η'), 'Υ') => {
                let after = Self { all: self.all, at: self.at + 1 }.skip_signs().peek();
                let voiced = after.is_some_and(|it| "ΑΒΓΔΕΖΗΙΛΜΝΟΡΥΩ".contains(it.letter));
                match (vowel, voiced) {
                    ('Α', true) => "AV",
                    ('Α', false) => "AF",
                    ('Ε', true) => "EV",
                    ('Ε', false) => "EF",
                    (_, true) => "IV",
                    (_, false) => "IF",
                }
            }
            ('Μ', 'Π') if self.is_alone() => "B",
            _ => return None,
        };
        self.next();
        Some(two)
    }

    /// Past the signs of the letter before.
    fn skip_signs(mut self) -> Self {
        self.at += self.all[self.at..].iter().take_while(|it| is_combining_mark(**it)).count();
        self
    }

    /// Whether the letter that was read last begins a word, or the next one ends it.
    fn is_alone(&self) -> bool {
        let is_letter = |at: Option<usize>| {
            at.and_then(|at| self.all.get(at))
                .is_some_and(|it| it.is_alphabetic() || is_combining_mark(*it))
        };
        !is_letter(self.at.checked_sub(2)) || !is_letter(self.at.checked_add(1))
    }
}

fn latin(it: Letter, line: &mut String) -> Result<(), NameFault> {
    match it.letter {
        'A'..='Z' | '0'..='9' | ' ' | '.' | '\'' | '-' | '&' | ',' => line.push(it.letter),
        '\t' => line.push(' '),
        _ => return Err(NameFault::Character),
    }
    match it.letter {
        'A' | 'O' | 'U' if it.diaeresis => line.push('E'),
        'A' if it.ring => line.push('A'),
        _ => {}
    }
    Ok(())
}

/// Signs that people's keyboards put for those of the alphabet.
fn sign(letter: char) -> Option<&'static str> {
    Some(match letter {
        '’' | '‘' | 'ʼ' | '´' | '`' => "'",
        '‐' | '‑' | '–' => "-",
        '\u{a0}' | '\u{202f}' => " ",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
