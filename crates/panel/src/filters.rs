//! What templates write values with.

#![expect(unreachable_pub, reason = "what the macro makes of a filter is as public as that")]

use crate::texts;
use askama::{Result, Values};
use domain::Timestamp;
use domain::money::{Amount, Currency};
use jiff::tz::TimeZone;
use std::borrow::Borrow;
use std::fmt::Display;

/// The text of a key: `{{ "users.title"|t }}`.
#[askama::filter_fn]
pub fn t(key: &str, _: &dyn Values) -> Result<String> {
    Ok(texts::text(key))
}

/// The text of a word of ours: `{{ "card.state"|of(card.state) }}`; the word itself where it has
/// none, as names of the field are shown.
#[askama::filter_fn]
pub fn of<W: Display>(group: &str, _: &dyn Values, word: W) -> Result<String> {
    let word = word.to_string();
    Ok(texts::known(&format!("{group}.{word}")).map_or(word, str::to_owned))
}

/// An amount in minor units with its currency: `1,234.56 EUR`.
#[askama::filter_fn]
pub fn money<M: Borrow<i64>>(minor: M, _: &dyn Values, currency: &Currency) -> Result<String> {
    Ok(amount(*minor.borrow(), *currency))
}

/// A sum that may be larger than any single amount.
#[askama::filter_fn]
pub fn total<M: Borrow<i128>>(minor: M, _: &dyn Values, currency: &Currency) -> Result<String> {
    let minor = *minor.borrow();
    Ok(match i64::try_from(minor) {
        Ok(minor) => amount(minor, *currency),
        Err(_) => format!("{minor} {}", currency.code()),
    })
}

/// A moment in a time zone, to the second.
#[askama::filter_fn]
pub fn moment(at: &Timestamp, _: &dyn Values, zone: &TimeZone) -> Result<String> {
    Ok(moment_in(*at, zone))
}

/// A count with its thousands apart.
#[askama::filter_fn]
pub fn count<N: Display>(number: N, _: &dyn Values) -> Result<String> {
    Ok(grouped(&number.to_string()))
}

/// A moment in a time zone, to the second: `2026-11-30 12:00:00`.
pub(crate) fn moment_in(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// An amount as it is read: thousands apart, the currency's code behind.
pub(crate) fn amount(minor: i64, currency: Currency) -> String {
    let decimal = currency.decimal(minor);
    let (whole, rest) = match decimal.split_once('.') {
        Some((whole, rest)) => (whole, format!(".{rest}")),
        None => (decimal.as_str(), String::new()),
    };
    format!("{}{rest} {}", grouped(whole), currency.code())
}

/// An amount as it is typed, in minor units: `1250.5` in EUR is 125050; blanks don't matter.
/// Nothing where it is none, is below zero or has digits that the currency hasn't, and nothing with
/// a comma: to one it is between thousands, to another before the cents.
pub(crate) fn typed_amount(text: &str, currency: Currency) -> Option<Amount> {
    let text: String = text.chars().filter(|it| *it != ' ').collect();
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let digits = usize::from(currency.exponent());
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = !whole.is_empty() && is_number(whole) && is_number(rest) && rest.len() <= digits;
    let minor = format!("{whole}{rest:0<digits$}");
    let minor = minor.parse::<i64>().ok().filter(|_| fits)?;
    Amount::from_minor(minor).ok()
}

/// A count with a comma between thousands.
pub(crate) fn counted(number: i64) -> String {
    grouped(&number.to_string())
}

/// Digits with a comma between thousands.
fn grouped(digits: &str) -> String {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_in_thousands() {
        let currency = |code| Currency::parse(code).expect("a currency");
        for (minor, code, shown) in [
            (0, "EUR", "0.00 EUR"),
            (5, "EUR", "0.05 EUR"),
            (-5, "EUR", "-0.05 EUR"),
            (123_456_789, "EUR", "1,234,567.89 EUR"),
            (-100_000, "PLN", "-1,000.00 PLN"),
            (1_000, "JPY", "1,000 JPY"),
            (1_234_567, "KWD", "1,234.567 KWD"),
            (999, "JPY", "999 JPY"),
        ] {
            assert_eq!(amount(minor, currency(code)), shown);
        }
        for (typed, code, minor) in [
            ("1", "EUR", Some(100)),
            ("1250.5", "EUR", Some(125_050)),
            ("1 250.05", "EUR", Some(125_005)),
            ("1 000", "JPY", Some(1_000)),
            ("1,250.05", "EUR", None),
            ("1250,50", "EUR", None),
            ("1,250", "KWD", None),
            ("0.001", "KWD", Some(1)),
            ("0", "EUR", Some(0)),
            ("0.001", "EUR", None),
            ("1.5", "JPY", None),
            ("1.2.3", "EUR", None),
            ("-1", "EUR", None),
            ("+1", "EUR", None),
            (".5", "EUR", None),
            ("", "EUR", None),
            ("1e3", "EUR", None),
            ("92233720368547758.08", "EUR", None),
        ] {
            let read = typed_amount(typed, currency(code)).map(Amount::minor);
            assert_eq!(read, minor, "{typed} {code}");
        }
        assert!(amount(i64::MIN, currency("EUR")).starts_with("-92,233,720,368,547,758.08"));
    }
}
