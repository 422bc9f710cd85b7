//! What lists are asked for in their addresses, so that each can be passed on as a link.

use crate::answer::Failed;
use domain::{Date, Timestamp};
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::fmt::Display;

/// Characters of anything that is asked for at most.
const TEXT_MAX: usize = 255;

/// What a list is asked for, and behind what its page begins.
pub(crate) struct Asked {
    fields: BTreeMap<String, String>,
    after: Option<String>,
}

impl Asked {
    /// Reads a query: these fields of it, without the empty ones.
    pub(crate) fn of(mut query: BTreeMap<String, String>, known: &[&str]) -> Result<Self, Failed> {
        let after = query.remove("after");
        query.retain(|name, value| known.contains(&name.as_str()) && !value.trim().is_empty());
        let plain = |text: &String| text.chars().count() <= TEXT_MAX && !text.contains('\0');
        let fields = query;
        if fields.values().all(plain) {
            Ok(Self { fields, after })
        } else {
            Err(Failed::Unreadable)
        }
    }

    /// A field as it was typed; empty where there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value.trim())
    }

    /// A field, if something was typed.
    pub(crate) fn typed(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }

    /// A field that must be one of its kind.
    pub(crate) fn parsed<T>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Failed> {
        self.typed(name).map(|text| parse(text).ok_or(Failed::Unreadable)).transpose()
    }

    /// Behind what the page begins; a page that can't be isn't there.
    pub(crate) fn after<T>(
        &self,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Failed> {
        self.after.as_deref().map(|text| parse(text).ok_or(Failed::NotFound)).transpose()
    }

    /// The address of the next page, if there is one.
    pub(crate) fn next(
        &self,
        path: &str,
        next: Option<impl Display>,
    ) -> Result<Option<String>, Failed> {
        next.map(|next| self.path(path, Some(next.to_string()))).transpose()
    }

    /// The address of what is asked for, at a path, from a place on.
    pub(crate) fn path(&self, path: &str, after: Option<String>) -> Result<String, Failed> {
        let fields = self.fields.iter().map(|(name, value)| (name.as_str(), value.clone()));
        let pairs: Vec<_> = fields.chain(after.map(|after| ("after", after))).collect();
        let query = serde_urlencoded::to_string(pairs).map_err(|_| Failed::Broken)?;
        let joint = if query.is_empty() { "" } else { "?" };
        Ok(format!("{path}{joint}{query}"))
    }

    /// When a day that was typed begins in a time zone.
    pub(crate) fn begin_of(
        &self,
        name: &str,
        zone: &TimeZone,
    ) -> Result<Option<Timestamp>, Failed> {
        self.typed(name).map(|day| begin_of(day, zone)).transpose()
    }

    /// When a day that was typed has ended in a time zone.
    pub(crate) fn end_of(&self, name: &str, zone: &TimeZone) -> Result<Option<Timestamp>, Failed> {
        self.typed(name).map(|day| end_of(day, zone)).transpose()
    }
}

/// When a day begins in a time zone.
fn begin_of(day: &str, zone: &TimeZone) -> Result<Timestamp, Failed> {
    let day: Date = day.parse().map_err(|_| Failed::Unreadable)?;
    Ok(day.to_zoned(zone.clone()).map_err(|_| Failed::Unreadable)?.timestamp())
}

/// When a day has ended in a time zone.
fn end_of(day: &str, zone: &TimeZone) -> Result<Timestamp, Failed> {
    let day: Date = day.parse().map_err(|_| Failed::Unreadable)?;
    let next = day.checked_add(1.day()).map_err(|_| Failed::Unreadable)?;
    Ok(next.to_zoned(zone.clone()).map_err(|_| Failed::Unreadable)?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_partners() {
        let zone = TimeZone::get("Europe/Warsaw").expect("a zone");
        let shown = |at: Result<Timestamp, Failed>| at.map(|at| at.to_string());
        assert_eq!(shown(begin_of("2026-11-30", &zone)), Ok("2026-11-29T23:00:00Z".to_owned()));
        assert_eq!(shown(end_of("2026-10-25", &zone)), Ok("2026-10-25T23:00:00Z".to_owned()));
        for bad in ["", "today", "2026-13-01", "9999-12-31"] {
            assert_eq!(end_of(bad, &zone), Err(Failed::Unreadable), "{bad}");
        }
    }
}
