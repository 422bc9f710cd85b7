//! From JSON to typed values, with everything that is wrong named at once.
//!
//! A reader takes a value and answers with the type or with what the value must be; it never
//! repeats what the value was.

use crate::problem::{Problem, Violation};
use domain::money::Currency;
use domain::user::{Address, Country, Email, Phone};
use domain::{Date, Timestamp};
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

/// The first day that anything can have happened on. The last is the last that a [`Date`] knows,
/// 9999-12-31; PostgreSQL knows all between.
const EARLIEST: Date = Date::constant(1900, 1, 1);

/// What a reader answers.
pub(crate) type Read<T> = Result<T, &'static str>;

/// The fields of an object, and what was found wrong with them so far.
pub(crate) struct Fields<'a> {
    object: &'a Map<String, Value>,
    prefix: String,
    violations: Vec<Violation>,
}

impl<'a> Fields<'a> {
    /// The fields of a body.
    pub(crate) fn of(object: &'a Map<String, Value>) -> Self {
        Self { object, prefix: String::new(), violations: Vec::new() }
    }

    /// Reads a field that must be there; null counts as missing.
    pub(crate) fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value) -> Read<T>,
    ) -> Option<T> {
        let found = self.optional(name, read);
        if self.value(name).is_none() {
            self.wrong(name, "is required");
        }
        found
    }

    /// Reads a field that may be missing or null.
    pub(crate) fn optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&Value) -> Read<T>,
    ) -> Option<T> {
        match read(self.value(name)?) {
            Ok(value) => Some(value),
            Err(message) => {
                self.wrong(name, message);
                None
            }
        }
    }

    /// Reads an object within the object; `None` if it is missing, null or no object.
    pub(crate) fn nested(&mut self, name: &str) -> Option<Fields<'a>> {
        let Some(object) = self.value(name)?.as_object() else {
            self.wrong(name, "must be an object");
            return None;
        };
        let prefix = format!("{}{name}.", self.prefix);
        Some(Fields { object, prefix, violations: Vec::new() })
    }

    /// Takes over what was found wrong within.
    pub(crate) fn absorb(&mut self, inner: Fields<'_>) {
        self.violations.extend(inner.violations);
    }

    /// Notes that a field is wrong.
    pub(crate) fn wrong(&mut self, name: &str, message: &'static str) {
        self.violations.push(Violation { field: format!("{}{name}", self.prefix), message });
    }

    /// Whether a field was sent.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Whether a field was sent as null.
    pub(crate) fn is_null(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(Value::is_null)
    }

    /// Notes that every other field is wrong, for calls that leave nothing aside.
    pub(crate) fn only(&mut self, known: &[&str]) {
        let object = self.object;
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            // A name that none of ours could be isn't repeated.
            let is_name = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphabetic());
            self.wrong(if is_name { name } else { "body" }, "isn't known here");
        }
    }

    /// All that is wrong, as one answer.
    pub(crate) fn problem(self) -> Problem {
        Problem::invalid(self.violations)
    }

    /// Whether nothing is wrong.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.violations.is_empty() { Ok(()) } else { Err(self.problem()) }
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }
}

/// A text of 1 to `max` characters that isn't blank and has no control characters.
pub(crate) fn text(max: usize) -> impl Fn(&Value) -> Read<String> {
    move |value| {
        let text = value.as_str().ok_or("must be a text")?;
        plain(text, max).map(|()| text.to_owned())
    }
}

/// Whether a text may be kept: of 1 to `max` characters, not blank, without control characters.
pub(crate) fn plain(text: &str, max: usize) -> Read<()> {
    if text.trim().is_empty() {
        return Err("must not be empty");
    }
    if text.chars().count() > max {
        return Err("is too long");
    }
    if text.chars().any(char::is_control) {
        return Err("must have no control characters");
    }
    Ok(())
}

/// A text that a parser of the domain understands.
pub(crate) fn parsed<T>(
    parse: impl Fn(&str) -> Option<T>,
    message: &'static str,
) -> impl Fn(&Value) -> Read<T> {
    move |value| value.as_str().and_then(&parse).ok_or(message)
}

/// A whole number of minor units that fits 64 bits; its sign is for the rules to judge.
pub(crate) fn minor_units(value: &Value) -> Read<i64> {
    value.as_i64().ok_or("must be a whole number of minor units")
}

/// A whole number.
pub(crate) fn integer(value: &Value) -> Read<i64> {
    value.as_i64().ok_or("must be a whole number")
}

/// true or false.
pub(crate) fn boolean(value: &Value) -> Read<bool> {
    value.as_bool().ok_or("must be true or false")
}

/// An ISO 4217 code.
pub(crate) fn currency(value: &Value) -> Read<Currency> {
    parsed(|text| Currency::parse(text).ok(), "must be an ISO 4217 code")(value)
}

/// A day of 1900 to 9999, in exactly this form: `2000-01-31`.
pub(crate) fn date(value: &Value) -> Read<Date> {
    let parse = |text: &str| {
        let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text)?;
        (date >= EARLIEST).then_some(date)
    };
    parsed(parse, "must be a date, YYYY-MM-DD, of the years 1900 to 9999")(value)
}

/// A moment, ISO 8601 with offset, of 1900 to 9999. It is cut to microseconds, as it will be kept:
/// a reference to it must find it.
pub(crate) fn timestamp(value: &Value) -> Read<Timestamp> {
    let parse = |text: &str| {
        let at = text.parse::<Timestamp>().ok()?;
        let at = Timestamp::from_microsecond(at.as_microsecond()).ok()?;
        (at.to_zoned(TimeZone::UTC).date() >= EARLIEST).then_some(at)
    };
    let message =
        "must be a time with offset, such as 2023-01-01T06:01:39+00:00, of the years 1900 to 9999";
    parsed(parse, message)(value)
}

/// An e-mail address.
pub(crate) fn email(value: &Value) -> Read<Email> {
    parsed(Email::parse, "must be an e-mail address")(value)
}

/// A telephone number.
pub(crate) fn phone(value: &Value) -> Read<Phone> {
    parsed(Phone::parse, "must be 7 to 15 digits with an optional +")(value)
}

/// Reads an address that is an object of its own.
pub(crate) fn address(fields: &mut Fields<'_>, name: &str) -> Option<Address> {
    let mut inner = fields.nested(name)?;
    let address = address_fields(&mut inner);
    fields.absorb(inner);
    address
}

/// Reads an address field by field.
pub(crate) fn address_fields(fields: &mut Fields<'_>) -> Option<Address> {
    let street = fields.required("street", text(100));
    let number = fields.required("number", text(20));
    let apartment = fields.optional("apartment", text(20));
    let city = fields.required("city", text(100));
    let post_code = fields.required("postCode", text(20));
    let country = fields.required("country", parsed(Country::parse, "must be two capital letters"));
    Some(Address {
        street: street?,
        number: number?,
        apartment,
        city: city?,
        post_code: post_code?,
        country: country?,
    })
}

/// A moment as the seeds write it: `2023-01-01T06:01:39+00:00`.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

#[cfg(test)]
mod tests;
