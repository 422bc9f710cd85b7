//! The readers: what each takes, and the schema of that.

use super::{Fields, Read, schema};
use crypto::encoding::from_base64;
use domain::calendar::{self, EARLIEST};
use domain::money::Currency;
use domain::notification::Event;
use domain::user::{Address, Country, Email, Phone};
use domain::{Date, Timestamp, Word};
use jiff::tz::TimeZone;
use serde_json::Value;
use utoipa::openapi::schema::Array;
use utoipa::openapi::{KnownFormat, RefOr, Schema};
use uuid::Uuid;

/// More than a key or a signature has, in characters.
const BASE64_MAX: usize = 1_000;

/// From a value to a type, or to what the value must be.
pub(crate) trait Reader<T> {
    /// Reads a value.
    fn read(&self, value: &Value) -> Read<T>;

    /// What can be read. The schema may let through what the reader refuses, never the reverse.
    fn schema(&self) -> RefOr<Schema>;
}

/// A function that reads, and one that makes the schema.
struct Described<R, S>(R, S);

impl<T, R, S, O> Reader<T> for Described<R, S>
where
    R: Fn(&Value) -> Read<T>,
    S: Fn() -> O,
    O: Into<RefOr<Schema>>,
{
    fn read(&self, value: &Value) -> Read<T> {
        (self.0)(value)
    }

    fn schema(&self) -> RefOr<Schema> {
        (self.1)().into()
    }
}

/// A reader of a function that reads, and one that makes the schema of what it takes.
pub(crate) fn reader<T, O: Into<RefOr<Schema>>>(
    read: impl Fn(&Value) -> Read<T>,
    schema: impl Fn() -> O,
) -> impl Reader<T> {
    Described(read, schema)
}

/// A text that a parser of the domain understands.
pub(crate) fn parsed<T, O: Into<RefOr<Schema>>>(
    parse: impl Fn(&str) -> Option<T>,
    schema: impl Fn() -> O,
    message: &'static str,
) -> impl Reader<T> {
    reader(move |value| value.as_str().and_then(&parse).ok_or(message), schema)
}

/// What another reader takes, if it also passes a test.
struct Checked<I, P>(I, P, &'static str);

impl<T, I: Reader<T>, P: Fn(&T) -> bool> Reader<T> for Checked<I, P> {
    fn read(&self, value: &Value) -> Read<T> {
        let read = self.0.read(value)?;
        if (self.1)(&read) { Ok(read) } else { Err(self.2) }
    }

    fn schema(&self) -> RefOr<Schema> {
        self.0.schema()
    }
}

/// A reader of what another takes, if it also passes a test.
pub(crate) fn checked<T>(
    inner: impl Reader<T>,
    test: impl Fn(&T) -> bool,
    message: &'static str,
) -> impl Reader<T> {
    Checked(inner, test, message)
}

/// One of some words of an enum.
pub(crate) fn word<K: Word + PartialEq>(
    allowed: &'static [K],
    message: &'static str,
) -> impl Reader<K> {
    let parse = |text: &str| K::of_word(text).filter(|value| allowed.contains(value));
    parsed(parse, || schema::words(allowed.iter().map(|value| value.word())), message)
}

/// A text of 1 to `max` characters that isn't blank and has no control characters.
pub(crate) fn text(max: usize) -> impl Reader<String> {
    let read = move |value: &Value| {
        let text = value.as_str().ok_or("must be a text")?;
        plain(text, max).map(|()| text.to_owned())
    };
    reader(read, move || schema::text(max))
}

/// A PEM of at most `max` bytes; what it holds is for others to judge.
pub(crate) fn pem(max: usize) -> impl Reader<String> {
    let read = move |value: &Value| {
        let text = value.as_str().filter(|text| text.len() <= max);
        text.map(str::to_owned).ok_or("must be a PEM text")
    };
    reader(read, move || schema::lines(max))
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

/// A whole number of minor units that fits 64 bits; its sign is for the rules to judge.
pub(crate) fn minor_units() -> impl Reader<i64> {
    let message = "must be a whole number of minor units";
    reader(move |value| value.as_i64().ok_or(message), schema::integer)
}

/// A whole number.
pub(crate) fn integer() -> impl Reader<i64> {
    reader(|value| value.as_i64().ok_or("must be a whole number"), schema::integer)
}

/// true or false.
pub(crate) fn boolean() -> impl Reader<bool> {
    reader(|value| value.as_bool().ok_or("must be true or false"), schema::boolean)
}

/// Where a page begins, in a list whose items have UUIDs.
pub(crate) fn place() -> impl Reader<Uuid> {
    let parse = |text: &str| Uuid::try_parse(text).ok();
    parsed(parse, || schema::text(36), "must be the next of another page")
}

/// A number of a query: digits alone, from `least` to `most`.
pub(crate) fn number(least: i64, most: i64, message: &'static str) -> impl Reader<i64> {
    let parse = move |text: &str| digits(text).filter(|number| (least..=most).contains(number));
    let schema = move || {
        let top = (most < i64::MAX).then_some(most);
        schema::integer().minimum(Some(least)).maximum(top)
    };
    parsed(parse, schema, message)
}

/// A number of digits alone that fits 64 bits.
pub(crate) fn digits(text: &str) -> Option<i64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// A UUID.
pub(crate) fn uuid() -> impl Reader<Uuid> {
    let parse = |text: &str| Uuid::try_parse(text).ok();
    parsed(parse, || schema::format(KnownFormat::Uuid), "must be a UUID")
}

/// An ISO 4217 code.
pub(crate) fn currency() -> impl Reader<Currency> {
    let parse = |text: &str| Currency::parse(text).ok();
    parsed(parse, schema::currency, "must be an ISO 4217 code")
}

/// A day of 1900 to 9999, in exactly this form: `2000-01-31`.
pub(crate) fn date() -> impl Reader<Date> {
    let message = "must be a date, YYYY-MM-DD, of the years 1900 to 9999";
    parsed(calendar::day, || schema::format(KnownFormat::Date), message)
}

/// A moment, ISO 8601 with offset, of 1900 to 9999. It is cut to microseconds, as it will be kept:
/// a reference to it must find it.
pub(crate) fn timestamp() -> impl Reader<Timestamp> {
    let parse = |text: &str| {
        let at = text.parse::<Timestamp>().ok()?;
        let at = Timestamp::from_microsecond(at.as_microsecond()).ok()?;
        (at.to_zoned(TimeZone::UTC).date() >= EARLIEST).then_some(at)
    };
    let message =
        "must be a time with offset, such as 2023-01-01T06:01:39+00:00, of the years 1900 to 9999";
    parsed(parse, || schema::format(KnownFormat::DateTime), message)
}

/// Bytes in base64, of either alphabet, that a parser of theirs understands.
pub(crate) fn base64<T>(
    parse: impl Fn(Vec<u8>) -> Option<T>,
    message: &'static str,
) -> impl Reader<T> {
    let schema = || schema::pattern("^[A-Za-z0-9+/_-]+={0,2}$").max_length(Some(BASE64_MAX));
    let read = move |text: &str| {
        let short = text.len() <= BASE64_MAX;
        short.then(|| from_base64(text)).flatten().and_then(&parse)
    };
    parsed(read, schema, message)
}

/// An e-mail address.
pub(crate) fn email() -> impl Reader<Email> {
    let form = "^[^@\\s]{1,64}@[^@\\s.]+(\\.[^@\\s.]+)+$";
    let schema =
        move || schema::format(KnownFormat::Email).max_length(Some(254)).pattern(Some(form));
    parsed(Email::parse, schema, "must be an e-mail address")
}

/// A telephone number.
pub(crate) fn phone() -> impl Reader<Phone> {
    let message = "must be 7 to 15 digits with an optional +";
    parsed(Phone::parse, || schema::pattern("^\\+?[0-9]{7,15}$"), message)
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
    let country = fields.required("country", country());
    Some(Address {
        street: street?,
        number: number?,
        apartment,
        city: city?,
        post_code: post_code?,
        country: country?,
    })
}

/// An ISO 3166-1 alpha-2 code.
pub(crate) fn country() -> impl Reader<Country> {
    parsed(Country::parse, || schema::pattern("^[A-Z]{2}$"), "must be two capital letters")
}

/// Events, each once.
pub(crate) fn events() -> impl Reader<Vec<Event>> {
    let wrong = "must be a list of notifications, as GET …/openapi names them";
    let read = move |value: &Value| {
        let words = value.as_array().ok_or(wrong)?;
        let mut events = Vec::new();
        for word in words {
            let event = word.as_str().and_then(Event::parse);
            let event = event.filter(|event| Event::NOTIFICATIONS.contains(event)).ok_or(wrong)?;
            if events.contains(&event) {
                return Err("must name each notification once");
            }
            events.push(event);
        }
        Ok(events)
    };
    reader(read, || {
        let words = schema::words(Event::NOTIFICATIONS.iter().map(|event| event.as_str()));
        Array::builder().items(words).unique_items(true)
    })
}
