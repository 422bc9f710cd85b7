//! Any text is read or refused: no reader of what callers send panics.

use domain::money::Currency;
use domain::secret::{Cvv, Pan};
use domain::transaction::{CaptureMode, Category, Description, TransactionType};
use domain::user::{Country, Email, Phone};
use domain::verification::Pesel;
use proptest::prelude::*;

/// Texts that come close to something, and any.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{0,24}",
        "[0-9 \u{0660}-\u{0669}\u{ff10}-\u{ff19}-]{0,24}",
        "\\+?[0-9]{0,18}",
        "[a-zA-Z]{0,4}",
        "[a-z@.]{0,20}",
        ".{0,80}",
        "\\PC{0,300}",
    ]
}

fn only_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 5_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_text_is_read_or_refused(text in text()) {
        if let Ok(pan) = Pan::parse(&text) {
            prop_assert!((13..=19).contains(&text.len()) && only_digits(&text));
            prop_assert_eq!(pan.last_four(), &text[text.len() - 4..]);
            let shown = format!("{pan:?}");
            prop_assert!(!shown.contains(&text));
        }
        if let Ok(pan) = Pan::with_check_digit(&text) {
            prop_assert!((12..=18).contains(&text.len()) && only_digits(&text));
            prop_assert_eq!(&pan.last_four()[..3], &text[text.len() - 3..]);
        }
        prop_assert_eq!(Cvv::parse(&text).is_ok(), text.len() == 3 && only_digits(&text));
        prop_assert_eq!(Pesel::parse(&text).is_some(), text.len() == 11 && only_digits(&text));
        if let Some(email) = Email::parse(&text) {
            prop_assert_eq!(email.as_str(), &text);
        }
        if let Some(phone) = Phone::parse(&text) {
            prop_assert!(only_digits(phone.as_str().trim_start_matches('+')));
        }
        if let Some(country) = Country::parse(&text) {
            prop_assert_eq!(country.as_str().len(), 2);
        }
        if let Ok(currency) = Currency::parse(&text) {
            prop_assert_eq!(currency.code(), &text);
        }
        if let Some(kind) = TransactionType::parse(&text) {
            prop_assert_eq!(kind.as_str(), &text);
        }
        let words = [
            Category::parse(&text).map(Category::as_str),
            CaptureMode::parse(&text).map(CaptureMode::as_str),
            Description::parse(&text).map(Description::as_str),
        ];
        prop_assert!(words.into_iter().flatten().all(|word| word == text));
    }

    /// One digit that is wrong is always noticed (ISO/IEC 7812-1, annex B).
    #[test]
    fn a_number_with_a_wrong_digit_is_refused(
        digits in "[0-9]{12,18}",
        place in any::<prop::sample::Index>(),
        more in 1..10u8,
    ) {
        let sum = |check: u8| format!("{digits}{check}");
        let right: Vec<String> =
            (0..10).map(sum).filter(|text| Pan::parse(text).is_ok()).collect();
        prop_assert_eq!(right.len(), 1);
        let mut bytes = right[0].clone().into_bytes();
        let place = place.index(bytes.len());
        bytes[place] = b'0' + (bytes[place] - b'0' + more) % 10;
        prop_assert!(Pan::parse(&String::from_utf8(bytes).expect("digits")).is_err());
    }
}
