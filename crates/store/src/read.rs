//! From the words and numbers of a row to the domain's types. What doesn't fit is
//! [`StoreError::Corrupt`], never a default.

use crate::StoreError;
use crate::db::Row;
use domain::Date;
use domain::money::{Amount, Currency};

/// Reads a word with the parser of its enum.
pub(crate) fn word<T>(
    row: &Row,
    column: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, StoreError> {
    parse(&row.get::<String>(column)?).ok_or_else(|| corrupt(column))
}

/// Reads a word that may be missing.
pub(crate) fn word_or_none<T>(
    row: &Row,
    column: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    match row.get::<Option<String>>(column)? {
        None => Ok(None),
        Some(text) => parse(&text).map(Some).ok_or_else(|| corrupt(column)),
    }
}

/// Reads a currency.
pub(crate) fn currency(row: &Row, column: &str) -> Result<Currency, StoreError> {
    word(row, column, |text| Currency::parse(text).ok())
}

/// Reads an amount that can't be negative.
pub(crate) fn amount(row: &Row, column: &str) -> Result<Amount, StoreError> {
    Amount::from_minor(row.get(column)?).map_err(|_| corrupt(column))
}

/// Reads a day.
pub(crate) fn date(row: &Row, column: &str) -> Result<Date, StoreError> {
    word(row, column, |text| text.parse().ok())
}

/// Reads a day that may be missing.
pub(crate) fn date_or_none(row: &Row, column: &str) -> Result<Option<Date>, StoreError> {
    word_or_none(row, column, |text| text.parse().ok())
}

/// Reads a number that fits 32 bits.
pub(crate) fn small(row: &Row, column: &str) -> Result<i32, StoreError> {
    i32::try_from(row.get::<i64>(column)?).map_err(|_| corrupt(column))
}

/// What a column holds isn't what it can hold.
pub(crate) fn corrupt(column: &str) -> StoreError {
    StoreError::Corrupt(column.to_owned())
}
