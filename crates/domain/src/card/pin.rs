//! PINs: which are too easily guessed to be chosen.

use crate::secret::Pin;
use jiff::civil::Date;

/// Digits of a PIN that a cardholder chooses. Cash machines abroad take no more, and a PIN
/// verification value tells of no more.
pub const DIGITS: usize = 4;

/// Whether a PIN is among the first that a thief tries: it ascends or descends digit by digit, one
/// digit is more than half of it, it is one pair twice, it ends the card's number, or it is the
/// holder's birthday or year, which stand on what lies in the same wallet. What isn't known yet is
/// left aside.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "its digits are compared, and nothing is kept")]
pub fn is_weak(pin: &Pin, last_four: Option<&str>, birth: Option<Date>) -> bool {
    let digits = pin.expose().as_bytes();
    let steps =
        |by: i16| digits.windows(2).all(|pair| i16::from(pair[1]) - i16::from(pair[0]) == by);
    let most = (b'0'..=b'9').map(|digit| digits.iter().filter(|it| **it == digit).count()).max();
    let (first, second) = digits.split_at(digits.len() / 2);
    steps(1)
        || steps(-1)
        || most.is_some_and(|most| most * 2 > digits.len())
        || first == second
        || last_four.is_some_and(|last_four| pin.expose() == last_four)
        || birth.is_some_and(|birth| is_of(pin.expose(), birth))
}

/// Whether a PIN is the year, or day and month in either order, of a date.
fn is_of(pin: &str, date: Date) -> bool {
    let (year, month, day) = (date.year(), date.month(), date.day());
    [format!("{year:04}"), format!("{day:02}{month:02}"), format!("{month:02}{day:02}")]
        .iter()
        .any(|known| known == pin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thief_tries_first_is_weak() {
        let birth = Some(Date::constant(1987, 2, 27));
        for (pin, weak) in [
            ("1234", true),
            ("0123", true),
            ("6789", true),
            ("7890", false),
            ("9876", true),
            ("3210", true),
            ("0000", true),
            ("1112", true),
            ("1211", true),
            ("1122", false),
            ("1221", false),
            ("1212", true),
            ("4848", true),
            ("4321", true),
            ("1357", false),
            ("8264", false),
            ("4242", true),
            ("1111", true),
            ("1987", true),
            ("2702", true),
            ("0227", true),
            ("2787", false),
            ("5093", true),
            ("5094", false),
        ] {
            let pin_read = Pin::parse(pin).expect("digits");
            assert_eq!(is_weak(&pin_read, Some("5093"), birth), weak, "{pin}");
        }
        let year = Pin::parse("1987").expect("digits");
        assert!(!is_weak(&year, Some("5093"), None));
        let end = Pin::parse("5093").expect("digits");
        assert!(!is_weak(&end, None, birth));
    }
}
