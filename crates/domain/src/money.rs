//! Money: whole numbers of minor units and a currency. No fractions, no silent overflow.

use std::fmt;
use thiserror::Error;

/// An ISO 4217 currency, by its alphabetic code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// Active ISO 4217 codes whose minor unit isn't a hundredth (ISO 4217, list one).
const EXPONENTS: &[(&str, u8)] = &[
    ("BHD", 3),
    ("BIF", 0),
    ("CLF", 4),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("IQD", 3),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("PYG", 0),
    ("RWF", 0),
    ("TND", 3),
    ("UGX", 0),
    ("UYI", 0),
    ("UYW", 4),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
];

/// Active ISO 4217 codes of national money with two minor digits.
const HUNDREDTHS: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN \
    BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL \
    GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR \
    LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB \
    PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP \
    SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG";

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");
    /// The Polish złoty.
    pub const PLN: Self = Self(*b"PLN");

    /// Reads an upper-case ISO 4217 code; any other text is refused.
    pub fn parse(code: &str) -> Result<Self, UnknownCurrency> {
        let bytes: [u8; 3] = code.as_bytes().try_into().map_err(|_| UnknownCurrency)?;
        // Each stored row has one: no text is split for that.
        let known = HUNDREDTHS.as_bytes().chunks(4).any(|name| name.starts_with(&bytes))
            || EXPONENTS.iter().any(|(name, _)| *name == code);
        if known { Ok(Self(bytes)) } else { Err(UnknownCurrency) }
    }

    /// The codes of all currencies.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        EXPONENTS.iter().map(|(name, _)| *name).chain(HUNDREDTHS.split_ascii_whitespace())
    }

    /// The three letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency is made of ASCII letters")
    }

    /// How many digits its minor unit has: 2 for EUR, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn exponent(&self) -> u8 {
        EXPONENTS.iter().find(|(name, _)| *name == self.code()).map_or(2, |(_, digits)| *digits)
    }
}

impl Currency {
    /// Minor units as people write them: -1250 in EUR is `-12.50`, 5 in JPY is `5`.
    #[must_use]
    pub fn decimal(&self, minor: i64) -> String {
        let sign = if minor < 0 { "-" } else { "" };
        let digits = usize::from(self.exponent());
        let padded = format!("{:0>width$}", minor.unsigned_abs(), width = digits + 1);
        match padded.split_at(padded.len() - digits) {
            (whole, "") => format!("{sign}{whole}"),
            (whole, rest) => format!("{sign}{whole}.{rest}"),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text isn't an ISO 4217 code in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be an ISO 4217 code")]
pub struct UnknownCurrency;

/// A sum of money in minor units, never negative: `1250` in EUR is €12.50. Direction is told by
/// the accounts of a leg, not by a sign.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Takes a number of minor units; below zero is refused.
    pub fn from_minor(minor: i64) -> Result<Self, AmountError> {
        if minor < 0 { Err(AmountError::Negative) } else { Ok(Self(minor)) }
    }

    /// The number of minor units.
    #[must_use]
    pub fn minor(self) -> i64 {
        self.0
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, refused beyond 64 bits.
    pub fn checked_add(self, other: Self) -> Result<Self, AmountError> {
        self.0.checked_add(other.0).map(Self).ok_or(AmountError::Overflow)
    }

    /// The difference; what is left of nothing is refused.
    pub fn checked_sub(self, other: Self) -> Result<Self, AmountError> {
        Self::from_minor(self.0 - other.0)
    }

    /// The difference, or nothing if `other` is larger.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self((self.0 - other.0).max(0))
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Why two amounts can't be combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AmountError {
    /// Below zero.
    #[error("must not be negative")]
    Negative,
    /// Beyond 64 bits.
    #[error("is too large")]
    Overflow,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minor_units_are_written_as_people_do() {
        for (code, minor, written) in [
            ("EUR", 0, "0.00"),
            ("EUR", 5, "0.05"),
            ("EUR", -5, "-0.05"),
            ("EUR", 123_456, "1234.56"),
            ("JPY", 5, "5"),
            ("JPY", -1_234, "-1234"),
            ("KWD", 1_234, "1.234"),
            ("KWD", 12, "0.012"),
            ("EUR", i64::MAX, "92233720368547758.07"),
            ("EUR", i64::MIN, "-92233720368547758.08"),
        ] {
            let currency = Currency::parse(code).expect(code);
            assert_eq!(currency.decimal(minor), written, "{code}");
        }
    }

    #[test]
    fn the_exponent_follows_iso_4217() {
        for (code, digits) in [("EUR", 2), ("JPY", 0), ("KWD", 3), ("PLN", 2), ("CLF", 4)] {
            assert_eq!(Currency::parse(code).expect(code).exponent(), digits, "{code}");
        }
    }

    #[test]
    fn what_is_no_currency_in_use_is_refused() {
        for code in ["", "EU", "EURO", "eur", "XXX", "XTS", "DEM", "ÄÖ", "E R"] {
            assert_eq!(Currency::parse(code), Err(UnknownCurrency), "{code}");
        }
    }

    #[test]
    fn sums_beyond_64_bits_are_refused() {
        let most = Amount::from_minor(i64::MAX).expect("positive");
        let one = Amount::from_minor(1).expect("positive");
        assert_eq!(most.checked_add(one), Err(AmountError::Overflow));
        assert_eq!(Amount::ZERO.checked_sub(one), Err(AmountError::Negative));
        assert_eq!(Amount::from_minor(i64::MIN), Err(AmountError::Negative));
        assert_eq!(Amount::ZERO.saturating_sub(most), Amount::ZERO);
    }
}
