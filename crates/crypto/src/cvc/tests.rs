//! Published vectors, and what a code depends on.

use super::*;
use static_assertions::assert_not_impl_any;

assert_not_impl_any!(CardVerificationKey: Clone, PartialEq, std::fmt::Display);

/// The key of all published vectors below.
const KEY: [u8; 16] = [
    0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10,
];

fn key() -> CardVerificationKey {
    CardVerificationKey(TripleDesKey::from_bytes(&KEY).expect("odd parity"))
}

fn service(code: &str) -> ServiceCode {
    ServiceCode::parse(code).expect("three digits")
}

/// Number, YYMM, service code, value.
fn check(vectors: &str) {
    check_of(&key(), vectors);
}

fn check_of(key: &CardVerificationKey, vectors: &str) {
    for line in vectors.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let [pan, expiry, code, value] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("four columns: {line}");
        };
        let (year, month) = expiry.split_at(2);
        let year = 1900 + year.parse::<i16>().expect("two digits");
        let expiry = Date::new(year, month.parse().expect("two digits"), 1).expect("a month");
        assert_eq!(*key.value(pan, expiry, service(code)), value, "{line}");
    }
}

/// The test data of the People's Bank of China's rules for bank cards, which come with Visa's.
#[test]
fn the_published_values_are_computed() {
    check(
        "4123456789012 8701 101 370
         4999988887777 9105 111 649
         4666655554444 9206 120 821
         4333322221111 9307 141 697
         4123456789012345 8701 101 561
         4999988887777000 9105 111 245
         4666655554444111 9206 120 664
         4333322221111222 9307 141 382",
    );
}

/// A worked example with its intermediate blocks, and the example of the Python library psec.
#[test]
fn values_that_others_computed_are_computed() {
    check(
        "4123456789012345 8701 111 856
         1234567890123456 9912 220 170",
    );
    let blocks =
        [0x41, 0x23, 0x45, 0x67, 0x89, 0x01, 0x23, 0x45, 0x87, 0x01, 0x11, 0x10, 0, 0, 0, 0];
    let encrypted = [0x8D, 0x56, 0x25, 0xFA, 0x78, 0x01, 0x1A, 0x0C];
    assert_eq!(*key().encrypted(&blocks), encrypted);
}

/// Of the security module of jPOS (`JCESecurityModuleTest.testCalculateCVDImpl2`), whose tests have
/// twelve digits for a number. The parity of its key, 12345678 twice and 87654321 twice, which no
/// value depends on, is set right here.
#[test]
fn the_published_cvc2_is_computed() {
    let (left, right) = ([0x13, 0x34, 0x57, 0x79], [0x86, 0x64, 0x43, 0x20]);
    let key = [left, left, right, right];
    let key = TripleDesKey::from_bytes(key.as_flattened()).expect("odd parity");
    check_of(&CardVerificationKey(key), "123456789012 1108 000 453");
}

#[test]
fn cvc2_and_icvv_are_the_values_of_their_stand_in_codes() {
    let pan = Pan::parse("4111111111111111").expect("a number");
    let expiry = Date::constant(2031, 5, 31);
    let value = |code| key().value("4111111111111111", expiry, service(code)).to_string();
    assert_eq!(text(&key().cvc2(&pan, expiry)), value("000"));
    assert_eq!(text(&key().code(&pan, expiry, ServiceCode::ICVV)), value("999"));
    assert_ne!(value("000"), value("999"));
}

#[test]
fn a_value_depends_on_number_month_and_key_but_not_on_the_day() {
    let expiry = Date::constant(2031, 5, 31);
    let value = |key: &CardVerificationKey, pan, expiry| {
        key.value(pan, expiry, ServiceCode::CVC2).to_string()
    };
    let first = value(&key(), "4111111111111111", expiry);
    assert_eq!(first, value(&key(), "4111111111111111", Date::constant(2031, 5, 1)));
    // A value has three digits, so single ones may agree by chance; ten in a row don't.
    let same = |other: &dyn Fn(i16) -> String| {
        (0..10).all(|n| other(n) == value(&key(), "4111111111111111", year(n)))
    };
    assert!(!same(&|n| value(&key(), "4111111111111112", year(n))));
    assert!(!same(&|n| value(&key(), "4111111111111111", year(n).tomorrow().expect("a day"))));
    let other = CardVerificationKey(TripleDesKey::generate());
    assert!(!same(&|n| value(&other, "4111111111111111", year(n))));
}

#[expect(clippy::disallowed_methods, reason = "a value made of a test key")]
fn text(cvv: &Cvv) -> &str {
    cvv.expose()
}

fn year(n: i16) -> Date {
    Date::new(2030 + n, 5, 31).expect("a day")
}

#[test]
fn a_service_code_is_three_digits() {
    for bad in ["", "20", "2010", "2 1", "20a", "２０１"] {
        assert_eq!(ServiceCode::parse(bad), Err(InvalidServiceCode), "{bad}");
    }
}
