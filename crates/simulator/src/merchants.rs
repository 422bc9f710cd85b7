//! Where cards are used.

use std::ops::RangeInclusive;

/// A merchant.
#[derive(Debug)]
pub(crate) struct Merchant {
    pub(crate) name: &'static str,
    pub(crate) mcc: &'static str,
    pub(crate) country: &'static str,
    pub(crate) capture_mode: &'static str,
    pub(crate) transaction_type: &'static str,
    /// What is paid there, in minor units.
    pub(crate) amounts: RangeInclusive<i64>,
}

const fn shop(
    name: &'static str,
    mcc: &'static str,
    country: &'static str,
    capture_mode: &'static str,
    amounts: RangeInclusive<i64>,
) -> Merchant {
    Merchant { name, mcc, country, capture_mode, transaction_type: "pos", amounts }
}

/// All of them are as likely; there are more shops than machines.
pub(crate) const MERCHANTS: &[Merchant] = &[
    shop("Corner market", "5411", "POL", "NFC", 200..=8_000),
    shop("Green grocer", "5499", "POL", "NFC", 150..=3_000),
    shop("Bakery", "5462", "DEU", "NFC", 90..=1_500),
    shop("Filling station", "5541", "DEU", "EMV", 2_000..=9_000),
    shop("Fast food", "5814", "POL", "NFC", 400..=3_500),
    shop("Trattoria", "5812", "ITA", "EMV", 1_500..=12_000),
    shop("Pharmacy", "5912", "CZE", "NFC", 300..=6_000),
    shop("City buses", "4111", "POL", "NFC", 100..=700),
    shop("Clothes", "5651", "FRA", "EMV", 1_000..=20_000),
    shop("Cinema", "7832", "POL", "NFC", 800..=4_000),
    shop("Book store", "5942", "POL", "ECOM", 800..=9_000),
    shop("Games on line", "5816", "IRL", "ECOM", 99..=6_999),
    shop("Music by the month", "5815", "SWE", "ECOM", 999..=1_999),
    shop("Electronics", "5732", "NLD", "ECOM", 2_000..=60_000),
    shop("Hotel by the sea", "7011", "ESP", "ECOM", 5_000..=40_000),
    Merchant {
        name: "Cash machine",
        mcc: "6011",
        country: "POL",
        capture_mode: "EMV",
        transaction_type: "atm",
        amounts: 1_000..=30_000,
    },
];
