//! Devices of users, and the codes by which they are paired (spec "Devices and sessions").

use crate::ids::{PartnerId, UserId};
use crate::words::words;
use jiff::{Timestamp, ToSpan as _};
use std::fmt;
use zeroize::Zeroizing;

words! {
    /// What a device runs.
    pub enum Platform {
        /// Android.
        Android = "ANDROID",
        /// iOS.
        Ios = "IOS",
    }
}

/// How long a code may be used, in minutes.
const MINUTES: i64 = 10;
/// How many wrong tries end it.
const TRIES_MAX: i64 = 5;
/// Crockford's base 32: nothing in it looks like something else.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Letters of a code: the first half names it, the second half opens it.
const LENGTH: usize = 16;
/// Letters that stand together.
const GROUP: usize = 4;

/// An activation code: 16 letters and digits, of which the first eight name it, so that wrong
/// tries at the others can be counted.
pub struct ActivationCode(Zeroizing<String>);

impl ActivationCode {
    /// A code of 80 random bits.
    #[must_use]
    pub fn of_bits(bits: &[u8; 10]) -> Self {
        let number = bits.iter().fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
        let letter = |at: usize| {
            let index = (number >> (5 * at)) & 31;
            char::from(LETTERS[usize::try_from(index).expect("it is below 32")])
        };
        Self(Zeroizing::new((0..LENGTH).map(letter).collect()))
    }

    /// Reads a code as somebody may have typed it: in small letters, with or without hyphens and
    /// spaces, with the letters that look like digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let typed = text.chars().filter(|c| !matches!(c, '-' | ' '));
        let letter = |c: char| match c.to_ascii_uppercase() {
            'O' => Some('0'),
            'I' | 'L' => Some('1'),
            c => LETTERS.iter().any(|it| char::from(*it) == c).then_some(c),
        };
        let mut code = Zeroizing::new(String::with_capacity(LENGTH));
        for c in typed {
            if code.len() == LENGTH {
                return None;
            }
            code.push(letter(c)?);
        }
        (code.len() == LENGTH).then_some(Self(code))
    }

    /// The half that names it, which opens nothing.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0[..LENGTH / 2]
    }

    /// All of it, as it is shown once: `7KQX-M2PD-W8RT-3VJN`.
    #[must_use]
    pub fn shown(&self) -> Zeroizing<String> {
        let mut shown = Zeroizing::new(String::with_capacity(LENGTH + LENGTH / GROUP));
        for (at, letter) in self.0.chars().enumerate() {
            if at > 0 && at.is_multiple_of(GROUP) {
                shown.push('-');
            }
            shown.push(letter);
        }
        shown
    }

    /// All of it, to be digested.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for ActivationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActivationCode({}…)", self.name())
    }
}

/// A code that was given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// Whose user it is for.
    pub partner: PartnerId,
    /// Who may pair a device with it.
    pub user: UserId,
    /// Wrong tries.
    pub tries: i64,
    /// Until when it may be used.
    pub expires_at: Timestamp,
}

impl Pairing {
    /// Of a code that is given out now.
    #[must_use]
    pub fn begun(partner: PartnerId, user: UserId, now: Timestamp) -> Self {
        let expires_at = now.checked_add(MINUTES.minutes()).unwrap_or(now);
        Self { partner, user, tries: 0, expires_at }
    }

    /// Whether somebody who came with a code of its name may pair: the right one, in time, before
    /// five wrong ones. A wrong one is counted.
    pub fn try_code(&mut self, is_right: bool, now: Timestamp) -> bool {
        if self.tries >= TRIES_MAX || now >= self.expires_at {
            return false;
        }
        if !is_right {
            self.tries += 1;
        }
        is_right
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = ActivationCode::of_bits(&[0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE, 0xF0, 1, 2]);
        let shown = code.shown();
        assert_eq!(shown.len(), 19);
        let typed = [
            shown.to_string(),
            shown.to_lowercase(),
            shown.replace('-', ""),
            shown.replace('-', " "),
            shown.replace('0', "o").replace('1', "l"),
        ];
        for text in typed {
            let read = ActivationCode::parse(&text).expect("a code");
            assert_eq!(read.bytes(), code.bytes(), "{text}");
        }
        for bad in ["", "7KQX", "7KQX-M2PD-W8RT-3VJ", "7KQX-M2PD-W8RT-3VJNN", "7KQX-M2PD-W8RT-3VJU"]
        {
            assert!(ActivationCode::parse(bad).is_none(), "{bad}");
        }
        assert!(ActivationCode::parse(&"é".repeat(16)).is_none());
        assert!(!format!("{code:?}").contains(&shown[10..]));
    }

    #[test]
    fn codes_of_other_bits_are_others() {
        let mut seen = std::collections::HashSet::new();
        for bit in 0..80 {
            let bits = (1u128 << bit).to_be_bytes();
            let code = ActivationCode::of_bits(bits[6..].try_into().expect("ten bytes"));
            assert!(seen.insert(code.bytes().to_vec()), "bit {bit}");
        }
    }

    #[test]
    fn five_wrong_tries_or_ten_minutes_end_a_code() {
        let now = Timestamp::UNIX_EPOCH;
        let begun = Pairing::begun(PartnerId(1), UserId(2), now);
        let mut pairing = begun;
        for _ in 0..4 {
            assert!(!pairing.try_code(false, now));
        }
        assert!(pairing.try_code(true, now), "the fifth may be right");
        assert!(!pairing.try_code(false, now));
        assert!(!pairing.try_code(true, now), "five were wrong");
        let at = |seconds: i64| now.checked_add(seconds.seconds()).expect("a time");
        for (second, open) in [(599, true), (600, false)] {
            assert_eq!(begun.clone().try_code(true, at(second)), open, "{second}");
        }
    }
}
