//! Values that must not be printed, serialised or compared by accident.

use std::fmt;
use thiserror::Error;
use zeroize::Zeroizing;

/// A full card number: 13 to 19 digits that pass the Luhn check (ISO/IEC 7812-1, annex B).
pub struct Pan(Zeroizing<String>);

impl Pan {
    /// Reads the digits of a card number.
    pub fn parse(digits: &str) -> Result<Self, PanError> {
        let plausible = (13..=19).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && luhn_sum(digits.bytes()).is_multiple_of(10);
        if plausible { Ok(Self(Zeroizing::new(digits.to_owned()))) } else { Err(PanError) }
    }

    /// Completes a number that lacks its last digit.
    pub fn with_check_digit(digits: &str) -> Result<Self, PanError> {
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PanError);
        }
        let sum = luhn_sum(digits.bytes().chain(*b"0"));
        let check = (10 - sum % 10) % 10;
        Self::parse(&Zeroizing::new(format!("{digits}{check}")))
    }

    /// The last four digits, which may be shown.
    #[must_use]
    pub fn last_four(&self) -> &str {
        &self.0[self.0.len() - 4..]
    }

    /// The digits themselves. Banned by clippy: each use needs an `#[expect]` with a reason.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pan(…{})", self.last_four())
    }
}

/// Sums the digits from the right, every second one doubled and cast out of nines.
fn luhn_sum(digits: impl DoubleEndedIterator<Item = u8>) -> u32 {
    digits
        .rev()
        .map(|byte| u32::from(byte - b'0'))
        .enumerate()
        .map(
            |(place, digit)| {
                if place % 2 == 0 { digit } else { (digit * 2) / 10 + (digit * 2) % 10 }
            },
        )
        .sum()
}

/// The text isn't a card number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a card number of 13 to 19 digits")]
pub struct PanError;

/// A card verification code of three digits: CVC2, CVV2 and their kin.
pub struct Cvv(Zeroizing<String>);

impl Cvv {
    /// Reads three digits.
    pub fn parse(digits: &str) -> Result<Self, CvvError> {
        let plausible = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plausible { Ok(Self(Zeroizing::new(digits.to_owned()))) } else { Err(CvvError) }
    }

    /// The digits themselves. Banned by clippy: each use needs an `#[expect]` with a reason.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Cvv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cvv(…)")
    }
}

/// The text isn't a card verification code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be three digits")]
pub struct CvvError;

/// A personal identification number: 4 to 12 digits (ISO 9564-1).
pub struct Pin(Zeroizing<String>);

impl Pin {
    /// Reads the digits of a PIN.
    pub fn parse(digits: &str) -> Result<Self, PinError> {
        let plausible =
            (4..=12).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if plausible { Ok(Self(Zeroizing::new(digits.to_owned()))) } else { Err(PinError) }
    }

    /// The digits themselves. Banned by clippy: each use needs an `#[expect]` with a reason.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

/// The text isn't a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 4 to 12 digits")]
pub struct PinError;

/// A one-time password that a card's issuer has made for one purchase (3-D Secure): 4 to 16 letters
/// and digits of ASCII.
pub struct Otp(Zeroizing<String>);

impl Otp {
    /// Reads a one-time password.
    pub fn parse(text: &str) -> Result<Self, OtpError> {
        let plausible =
            (4..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if plausible { Ok(Self(Zeroizing::new(text.to_owned()))) } else { Err(OtpError) }
    }

    /// The password itself. Banned by clippy: each use needs an `#[expect]` with a reason.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Otp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Otp(…)")
    }
}

/// The text isn't a one-time password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 4 to 16 letters and digits")]
pub struct OtpError;

#[cfg(test)]
mod tests {
    use super::*;
    use static_assertions::assert_not_impl_any;

    assert_not_impl_any!(Pan: Clone, PartialEq, fmt::Display);
    assert_not_impl_any!(Cvv: Clone, PartialEq, fmt::Display);
    assert_not_impl_any!(Pin: Clone, PartialEq, fmt::Display);
    assert_not_impl_any!(Otp: Clone, PartialEq, fmt::Display);

    #[test]
    fn a_one_time_password_is_letters_and_digits() {
        for good in ["1111", "A1b2C3", "0123456789abcdef"] {
            let otp = Otp::parse(good).expect(good);
            assert_eq!(format!("{otp:?}"), "Otp(…)");
        }
        for bad in ["", "123", "0123456789abcdefg", "12 34", "12-34", "١١١١"] {
            assert!(Otp::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_number_is_accepted_only_with_its_check_digit() {
        for good in ["4111111111111111", "5555555555554444", "378282246310005"] {
            assert!(Pan::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["4111111111111112", "411111111111", "4111 1111 1111 1111", "", "41111111111111١١"]
        {
            assert!(Pan::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_check_digit_is_found() {
        let pan = Pan::with_check_digit("411111111111111").expect("fifteen digits");
        assert_eq!(pan.last_four(), "1111");
        assert_eq!(format!("{pan:?}"), "Pan(…1111)");
        assert!(Pan::with_check_digit("41111111111111x").is_err());
    }

    /// The worked example of IBM's modulus 10 self-check digit (61248 gives 1), and numbers for
    /// tests that PAYONE ("Positive test cases with credit cards") and PayPal ("Card testing")
    /// publish: of 14, 15, 16 and 19 digits.
    #[test]
    fn published_numbers_have_the_check_digit() {
        assert_eq!(luhn_sum("612481".bytes()), 20);
        for good in [
            "30000000000004",
            "36259600000004",
            "340000000000009",
            "371449635398431",
            "4012888888881881",
            "2720990000000015",
            "4111141011111111116",
        ] {
            Pan::parse(good).expect(good);
            let (number, check) = good.split_at(good.len() - 1);
            let made = Pan::with_check_digit(number).expect("digits");
            assert!(made.last_four().ends_with(check), "{good}");
            for other in (0..10).map(|digit| digit.to_string()).filter(|it| it != check) {
                assert!(Pan::parse(&format!("{number}{other}")).is_err(), "{good}: {other}");
            }
        }
    }

    #[test]
    fn a_code_is_three_digits_and_never_printed() {
        assert_eq!(format!("{:?}", Cvv::parse("123").expect("digits")), "Cvv(…)");
        for bad in ["12", "1234", "12a", ""] {
            assert!(Cvv::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pin_is_four_to_twelve_digits_and_never_printed() {
        for good in ["0000", "1234", "123456789012"] {
            assert_eq!(format!("{:?}", Pin::parse(good).expect("digits")), "Pin(…)");
        }
        for bad in ["", "123", "1234567890123", "12a4", " 1234", "１２３４"] {
            assert!(Pin::parse(bad).is_err(), "{bad}");
        }
    }
}
