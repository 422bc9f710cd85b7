//! Card numbers in texts that others wrote: masked before anything is kept.
//!
//! What is masked shows its first six and last four digits, with asterisks between.

use crate::secret::Pan;
use std::collections::BTreeSet;
use std::ops::Range;

/// How many digits at the beginning and at the end of a card number may be shown.
const SHOWN: (usize, usize) = (6, 4);
/// The digits of the longest card number, and so the most blocks of digits that can make one.
const DIGITS_MAX: usize = 19;

/// Masks whatever may be a card number: 13 to 19 digits that pass the Luhn check, with at most one
/// space or hyphen between two of them. Digits glued to more digits are another number.
#[must_use]
pub fn mask(text: &str) -> String {
    let mut hidden = BTreeSet::new();
    for run in runs(text) {
        for begin in 0..run.len() {
            for end in begin + 1..=run.len().min(begin + DIGITS_MAX) {
                let places = places(&run[begin..end]);
                let digits: String = places.iter().map(|&at| &text[at..=at]).collect();
                if Pan::parse(&digits).is_ok() {
                    hidden.extend(middle(&places));
                }
            }
        }
    }
    without(text, &hidden)
}

/// The number of the card that a message is about, if it told it.
#[derive(Clone, Copy)]
pub struct Own<'a>(
    /// The number.
    pub Option<&'a Pan>,
);

impl Own<'_> {
    /// Masks the card's number wherever it stands, glued to other digits too, and nothing else.
    #[must_use]
    pub fn mask(self, text: &str) -> String {
        without(text, &self.found(text))
    }

    /// Whether a text holds the card's number.
    #[must_use]
    pub fn is_in(self, text: &str) -> bool {
        !self.found(text).is_empty()
    }

    #[expect(clippy::disallowed_methods, reason = "the number is looked for, to be masked")]
    fn found(self, text: &str) -> BTreeSet<usize> {
        let mut hidden = BTreeSet::new();
        let Some(own) = self.0.map(Pan::expose) else { return hidden };
        for run in runs(text) {
            for places in places(&run).windows(own.len()) {
                if places.iter().map(|&at| &text.as_bytes()[at]).eq(own.as_bytes()) {
                    hidden.extend(middle(places));
                }
            }
        }
        hidden
    }
}

/// Blocks of digits that one space or hyphen each separates.
fn runs(text: &str) -> Vec<Vec<Range<usize>>> {
    let mut runs: Vec<Vec<Range<usize>>> = Vec::new();
    let mut end = 0;
    for chunk in text.as_bytes().chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit()) {
        let block = end..end + chunk.len();
        end = block.end;
        if !chunk[0].is_ascii_digit() {
            continue;
        }
        let last = runs.last_mut().and_then(|run| Some((run.last()?.end, run)));
        match last {
            Some((before, run)) if matches!(&text[before..block.start], " " | "-") => {
                run.push(block);
            }
            Some(_) | None => runs.push(vec![block]),
        }
    }
    runs
}

/// Where the digits of blocks stand.
fn places(blocks: &[Range<usize>]) -> Vec<usize> {
    blocks.iter().cloned().flatten().collect()
}

/// The places of a card number that may not be shown.
fn middle(places: &[usize]) -> impl Iterator<Item = usize> {
    places[SHOWN.0..places.len() - SHOWN.1].iter().copied()
}

fn without(text: &str, hidden: &BTreeSet<usize>) -> String {
    let shown = |(at, c)| if hidden.contains(&at) { '*' } else { c };
    text.char_indices().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_card_number_is_masked() {
        for (text, masked) in [
            ("", ""),
            ("Book store", "Book store"),
            ("4111111111111111", "411111******1111"),
            ("4222222222222", "422222***2222"),
            ("6304000000000000000", "630400*********0000"),
            ("4111111111111112", "4111111111111112"),
            ("411111111111", "411111111111"),
            ("41111111111111110", "41111111111111110"),
            ("14111111111111111111", "14111111111111111111"),
            ("4111 1111 1111 1111", "4111 11** **** 1111"),
            ("4111-1111 1111-1111", "4111-11** ****-1111"),
            ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "4 1 1 1 1 1 * * * * * * 1 1 1 1"),
            ("4111  1111 1111 1111", "4111  1111 1111 1111"),
            ("4111.1111.1111.1111", "4111.1111.1111.1111"),
            ("card:4111111111111111.", "card:411111******1111."),
            ("x4111111111111111y", "x411111******1111y"),
            ("zażółć 4111111111111111 gęś", "zażółć 411111******1111 gęś"),
            ("12 4111 1111 1111 1111", "12 4111 11** **** 1111"),
            ("4111 1111 1111 1111 12/26", "4111 11** **** 1111 12/26"),
            ("378282246310005 5555555555554444", "378282*****0005 555555******4444"),
            ("٤١١١١١١١١١١١١١١١", "٤١١١١١١١١١١١١١١١"),
        ] {
            assert_eq!(mask(text), masked, "{text}");
            assert_eq!(mask(masked), masked, "nothing is left to be masked");
        }
    }

    #[test]
    fn a_number_is_hidden_whatever_stands_before_it() {
        for before in 0..1_000 {
            let masked = mask(&format!("{before} 4111 1111 1111 1111"));
            let shown = masked.bytes().filter(u8::is_ascii_digit).count();
            assert!(!masked.contains("1111 1111"), "{masked} shows {shown} digits");
        }
    }

    #[test]
    fn a_messages_own_number_is_masked_wherever_it_stands() {
        let pan = Pan::parse("4111111111111111").expect("a card number");
        for (text, masked) in [
            ("", ""),
            ("5555555555554444", "5555555555554444"),
            ("4111111111111111", "411111******1111"),
            ("0041111111111111112", "00411111******11112"),
            ("id-4111 1111-1111 1111", "id-4111 11**-**** 1111"),
            ("411111111111111", "411111111111111"),
        ] {
            assert_eq!(Own(Some(&pan)).mask(text), masked, "{text}");
            assert_eq!(Own(Some(&pan)).is_in(text), text != masked, "{text}");
            assert_eq!(Own(None).mask(text), text);
            assert!(!Own(None).is_in(text));
        }
    }
}
