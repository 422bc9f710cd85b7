//! What templates write values with.

#![expect(unreachable_pub, reason = "what the macro makes of a filter is as public as that")]

use crate::texts;
use askama::{Result, Values};
use domain::Timestamp;
use domain::money::Currency;
use jiff::tz::TimeZone;
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
pub fn money(minor: i64, _: &dyn Values, currency: &Currency) -> Result<String> {
    Ok(amount(minor, *currency))
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
        assert!(amount(i64::MIN, currency("EUR")).starts_with("-92,233,720,368,547,758.08"));
    }
}
