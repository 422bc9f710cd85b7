//! Looking for card numbers and other secrets where there must be none.

/// The lengths a card number may have (ISO/IEC 7812-1).
const LENGTHS: std::ops::RangeInclusive<usize> = 13..=19;

/// Every run of 13 to 19 digits that passes the Luhn check, masked to its first six and last four
/// digits, so that the report of a leak isn't another leak.
///
/// A run is what stands between two other characters: a number glued to more digits is longer and
/// doesn't count, and neither do a fraction's digits nor those within a fingerprint or serial
/// number in hexadecimal. One random run in ten passes, so times belong into tests as text, not as
/// microseconds; look for known numbers with [`contains_secret`].
#[must_use]
pub fn luhn_runs(text: &[u8]) -> Vec<String> {
    let word_of = |byte: &u8| !is_hexadecimal(*byte) && *byte != b'.';
    text.split(word_of)
        .filter(|word| word.len() < DIGEST_LEN_MIN || !word.iter().any(u8::is_ascii_lowercase))
        .map(without_fraction)
        .flat_map(|word| word.split(|byte| !byte.is_ascii_digit()))
        .filter(|run| LENGTHS.contains(&run.len()) && passes_luhn(run))
        .map(masked)
        .collect()
}

/// Digits of hexadecimal that are a digest rather than a word: 128 bits.
const DIGEST_LEN_MIN: usize = 32;

fn is_hexadecimal(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// What stands before the point of a decimal number; anything else whole.
fn without_fraction(word: &[u8]) -> &[u8] {
    match word.iter().position(|byte| *byte == b'.') {
        Some(point) if point > 0 && word[..point].iter().all(u8::is_ascii_digit) => &word[..point],
        Some(_) | None => word,
    }
}

/// Which of the needles occurs in the haystack: its index, never its content.
///
/// # Panics
///
/// When a needle is empty, which would occur everywhere.
#[must_use]
pub fn contains_secret(haystack: &[u8], needles: &[&[u8]]) -> Option<usize> {
    needles.iter().position(|needle| {
        assert!(!needle.is_empty(), "an empty needle occurs everywhere");
        haystack.windows(needle.len()).any(|window| window == *needle)
    })
}

fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            if place % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn masked(digits: &[u8]) -> String {
    let text = String::from_utf8_lossy(digits);
    format!("{}…{}", &text[..6], &text[text.len() - 4..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_where_their_length_and_check_digit_fit() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("4242424242424242", &["424242…4242"]),
            ("\"pan\":\"4242424242424242\",", &["424242…4242"]),
            ("4242424242424243", &[]),
            ("4222222222222", &["422222…2222"]),
            ("6304000000000000000", &["630400…0000"]),
            ("42424242424242424242", &[]),
            ("424242424242", &[]),
            ("4242 4242 4242 4242", &[]),
            ("face4242424242424242", &["424242…4242"]),
            ("sum 0.4242424242424242", &[]),
            ("4242424242424242.0", &["424242…4242"]),
            ("the end.4242424242424242", &["424242…4242"]),
            ("00112233445566778899aabbccddeeff4242424242424242", &[]),
            ("5555555555554444=2512 and 378282246310005", &["555555…4444", "378282…0005"]),
        ];
        for (text, expected) in cases {
            assert_eq!(luhn_runs(text.as_bytes()), *expected, "{text}");
        }
    }

    #[test]
    fn bytes_that_are_not_text_separate_runs() {
        assert_eq!(luhn_runs(b"\xff4242424242424242\x00"), ["424242…4242"]);
    }

    #[test]
    fn the_first_needle_that_occurs_is_named_by_its_index() {
        assert_eq!(contains_secret(b"pin=1234", &[b"9999", b"1234"]), Some(1));
        assert_eq!(contains_secret(b"pin=1234", &[b"9999"]), None);
        assert_eq!(contains_secret(b"", &[b"a"]), None);
    }
}
