//! Days and moments as they are taken from whoever sends them.

use jiff::civil::Date;

/// The first day that anything can have happened on. The last is the last that a [`Date`] knows,
/// 9999-12-31; PostgreSQL knows all between.
pub const EARLIEST: Date = Date::constant(1900, 1, 1);

/// A day as it is written, `2026-11-30`, of the years 1900 to 9999; nothing where it is written in
/// any other way.
#[must_use]
pub fn day(text: &str) -> Option<Date> {
    let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text)?;
    (date >= EARLIEST).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_in_one_way() {
        assert_eq!(day("1900-01-01"), Some(EARLIEST));
        assert_eq!(day("9999-12-31"), Some(Date::MAX));
        for text in [
            "",
            "1899-12-31",
            "-000001-01-01",
            "+002026-11-30",
            "20261130",
            "2026-11-31",
            "2026-11-30T00:00:00",
            "2026-11-30 ",
            "30.11.2026",
        ] {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
