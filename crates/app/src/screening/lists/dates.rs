//! Birth dates as lists write them: `1961-03-04`, `04.03.1961`, `04 Mar 1961`, `Mar 1961`,
//! `circa 1961`, `1960 to 1963`, `01 Jan 1960 to 31 Dec 1963`.

use domain::Date;
use domain::screening::Birth;

/// Words after which a date is about right.
const ABOUT: &[&str] = &["circa", "ca", "c", "approximately", "approx", "about", "late", "early"];
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
/// Which years somebody on a list may be born in.
const YEARS: std::ops::RangeInclusive<i16> = 1850..=2100;

/// What a text says of a birth; nothing if there is no year in it. A day that doesn't exist, such
/// as the 0th, and words that aren't known leave the year.
pub(super) fn birth(text: &str) -> Option<Birth> {
    let text = text.trim().to_lowercase();
    // The time behind a day, as XML writes it.
    let day = text.split_once('t').filter(|(day, _)| day.len() == 10).map_or(&*text, |it| it.0);
    let mut words: Vec<&str> = day.split(|letter: char| !letter.is_alphanumeric()).collect();
    words.retain(|word| !word.is_empty());
    let years: Vec<i16> = words.iter().filter_map(|word| year(word)).collect();
    let (first, last) = (*years.iter().min()?, *years.iter().max()?);
    let about = words.iter().any(|word| ABOUT.contains(word));
    let birth = match exact(&words) {
        Some(day) => Birth::Day(day),
        None => Birth::years(first, last),
    };
    Some(if about { birth.circa() } else { birth })
}

/// A year of four digits.
pub(super) fn year(word: &str) -> Option<i16> {
    let year = word.parse().ok().filter(|_| word.len() == 4)?;
    YEARS.contains(&year).then_some(year)
}

/// The day that three words are, in the orders that are used; with a month as a number the day
/// stands first, if the year doesn't.
fn exact(words: &[&str]) -> Option<Date> {
    let words: Vec<&str> = words.iter().filter(|word| !ABOUT.contains(word)).copied().collect();
    let [one, two, three] = words[..] else { return None };
    let (year, month, day) = if let Some(year) = year(one) {
        (year, month(two)?, three)
    } else if one.starts_with(char::is_alphabetic) {
        (year(three)?, month(one)?, two)
    } else {
        (year(three)?, month(two)?, one)
    };
    Date::new(year, month, day.parse().ok()?).ok()
}

fn month(word: &str) -> Option<i8> {
    let named = (1i8..).zip(MONTHS).find(|(_, month)| word.starts_with(month));
    named.map(|(month, _)| month).or_else(|| word.parse().ok())
}
