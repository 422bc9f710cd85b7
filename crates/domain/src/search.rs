//! What somebody types to find a user, and names as they are compared with it (rules, "Search in
//! the panel").

use crate::ids::UserId;
use crate::letters::other_latin;
use crate::user::{Email, Phone};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// How many letters of a name are compared.
const LETTERS_MAX: usize = 64;

/// A name as it is compared: in small letters without signs, in words with one space between each
/// two. Apostrophes go; other scripts than Latin stay what they are.
#[must_use]
pub fn folded(name: &str) -> String {
    let letters = name.nfkd().filter(|letter| !is_combining_mark(*letter));
    let mut folded = String::with_capacity(name.len());
    let mut ends_word = false;
    for letter in letters {
        if matches!(letter, '\'' | '`' | '’' | '‘' | 'ʼ' | '´') {
            continue;
        }
        if !letter.is_alphanumeric() {
            ends_word = !folded.is_empty();
            continue;
        }
        if std::mem::take(&mut ends_word) {
            folded.push(' ');
        }
        for capital in letter.to_uppercase() {
            match other_latin(capital) {
                Some(latin) => folded.push_str(&latin.to_ascii_lowercase()),
                None => folded.extend(capital.to_lowercase()),
            }
        }
    }
    let end = folded.char_indices().nth(LETTERS_MAX).map_or(folded.len(), |(end, _)| end);
    folded.truncate(end);
    folded
}

/// Given and family name as they are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The given name.
    pub first: String,
    /// The family name.
    pub last: String,
}

impl Names {
    /// Those of a person.
    #[must_use]
    pub fn of(first: &str, last: &str) -> Self {
        Self { first: folded(first), last: folded(last) }
    }
}

/// Which name an index leads along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Along {
    /// The given name.
    First,
    /// The family name.
    Last,
}

/// A way to users of a name: those whose one name begins so, and the other so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameWay {
    /// The name that leads there.
    pub along: Along,
    /// How it begins.
    pub begins: String,
    /// How the other begins; with anything where it is empty.
    pub other: String,
}

impl NameWay {
    fn of(along: Along, begins: &str, other: &str) -> Self {
        Self { along, begins: begins.to_owned(), other: other.to_owned() }
    }

    /// The name that it goes along.
    #[must_use]
    pub fn name<'a>(&self, names: &'a Names) -> &'a str {
        match self.along {
            Along::First => &names.first,
            Along::Last => &names.last,
        }
    }

    /// The name that led to somebody, if they are on this way.
    #[must_use]
    pub fn leads_to<'a>(&self, names: &'a Names) -> Option<&'a str> {
        let other = match self.along {
            Along::First => &names.last,
            Along::Last => &names.first,
        };
        let name = self.name(names);
        (name.starts_with(&self.begins) && other.starts_with(&self.other)).then_some(name)
    }
}

/// The last four digits of a card's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastFour([u8; 4]);

impl LastFour {
    /// Reads four digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 4] = text.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// What a text may mean; of several all are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meant {
    /// An e-mail address.
    Email(Email),
    /// A number: a user's id, a telephone number, the last four digits of a card.
    Number {
        /// The id.
        id: Option<UserId>,
        /// The telephone number.
        phone: Option<Phone>,
        /// The last four digits.
        last_four: Option<LastFour>,
    },
    /// How a name begins: the ways to it.
    Name(Vec<NameWay>),
    /// Nothing that could be found.
    Nothing,
}

impl Meant {
    /// What somebody typed.
    #[must_use]
    pub fn by(text: &str) -> Self {
        let text = text.trim();
        if text.contains('@') {
            return Email::parse(text).map_or(Self::Nothing, Self::Email);
        }
        let spelled = |letter: char| matches!(letter, ' ' | '-' | '.' | '/' | '(' | ')');
        let number: String = text.chars().filter(|letter| !spelled(*letter)).collect();
        let digits = number.strip_prefix('+').unwrap_or(&number);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            // Nobody writes an id or four digits in groups.
            let bare = digits == text;
            return Self::Number {
                id: digits.parse().ok().filter(|id| bare && *id > 0).map(UserId),
                phone: Phone::parse(&number),
                last_four: LastFour::parse(digits).filter(|_| bare),
            };
        }
        match folded(text) {
            name if name.is_empty() => Self::Nothing,
            name => Self::Name(ways(&name)),
        }
    }
}

/// The ways to a name: it is the beginning of one of both, or it is both, in either order, parted
/// at its first or its last space.
fn ways(name: &str) -> Vec<NameWay> {
    let mut ways = vec![NameWay::of(Along::Last, name, ""), NameWay::of(Along::First, name, "")];
    let parted = [name.split_once(' '), name.rsplit_once(' ')];
    for (one, other) in parted.into_iter().flatten() {
        for (last, first) in [(other, one), (one, other)] {
            let way = NameWay::of(Along::Last, last, first);
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_compared_without_case_and_signs() {
        for (name, expected) in [
            ("Kowalski", "kowalski"),
            ("ŻÓŁĆ", "zolc"),
            ("Müller-Lüdenscheidt", "muller ludenscheidt"),
            ("Weiß", "weiss"),
            ("Sørensen", "soerensen"),
            ("İbrahim", "ibrahim"),
            ("O'Neill", "oneill"),
            ("  Anna   Maria ", "anna maria"),
            ("D’Arc, Jr.", "darc jr"),
            ("Йосиф", "иосиф"),
            ("王小明", "王小明"),
            ("…", ""),
        ] {
            assert_eq!(folded(name), expected, "{name}");
            assert_eq!(folded(&folded(name)), expected, "{name} twice");
        }
        assert_eq!(folded(&"ﷺ".repeat(300)).chars().count(), LETTERS_MAX);
    }

    #[test]
    fn a_text_means_what_it_looks_like() {
        let number = |id: Option<i64>, phone: Option<&str>, last_four: Option<&str>| {
            let phone = phone.and_then(Phone::parse);
            Meant::Number {
                id: id.map(UserId),
                phone,
                last_four: last_four.and_then(LastFour::parse),
            }
        };
        for (text, expected) in [
            ("17", number(Some(17), None, None)),
            (" 1234 ", number(Some(1234), None, Some("1234"))),
            ("0123", number(Some(123), None, Some("0123"))),
            ("0", number(None, None, None)),
            ("48123456789", number(Some(48_123_456_789), Some("48123456789"), None)),
            ("+48 123-456-789", number(None, Some("+48123456789"), None)),
            ("12 34", number(None, None, None)),
            ("99999999999999999999", number(None, None, None)),
            ("a@b.test", Meant::Email(Email::parse("a@b.test").expect("good"))),
            ("a@", Meant::Nothing),
            ("", Meant::Nothing),
            ("%_", Meant::Nothing),
        ] {
            assert_eq!(Meant::by(text), expected, "{text}");
        }
    }

    #[test]
    fn a_name_is_found_by_its_beginning_and_as_a_whole() {
        let names = Names::of("Anna Maria", "Żółć-Nowak");
        for (text, found) in [
            ("anna", true),
            ("ANNA MAR", true),
            ("zolc", true),
            ("Zolc N", true),
            ("anna zolc", true),
            ("zolc-nowak anna", true),
            ("anna maria zolc", true),
            ("maria", false),
            ("nowak", false),
            ("olc", false),
            ("anna nowak", false),
        ] {
            let Meant::Name(ways) = Meant::by(text) else { panic!("{text} is a name") };
            assert_eq!(ways.iter().any(|way| way.leads_to(&names).is_some()), found, "{text}");
        }
    }
}
