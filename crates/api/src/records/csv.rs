//! Rows of CSV as the objects that JSON would have: a header names the fields.

use crate::problem::{Problem, Violation};
use serde_json::{Map, Value};

/// The field that an address is, and its own fields, each a column of its own.
const ADDRESS: (&str, &[&str]) =
    ("address", &["street", "number", "apartment", "city", "postCode", "country"]);
/// The other columns.
const PLAIN: &[&str] = &[
    "firstName",
    "lastName",
    "phone",
    "email",
    "birthDate",
    "state",
    "kyc",
    "externalId",
    // All of a line, encrypted.
    PAYLOAD,
    // It is refused with the words that JSON gets.
    "card",
];
/// The column of lines that are encrypted.
const PAYLOAD: &str = "payload";
/// What a name is at most, to be repeated: longer ones are none of ours.
const NAME_MAX: usize = 64;

/// What the columns of a body are.
#[derive(Debug)]
pub(crate) struct Header(Vec<&'static str>);

impl Header {
    /// Reads the first row. Names that aren't known are refused: what stands below them would be
    /// lost, in each row.
    pub(crate) fn read(text: &[u8]) -> Result<Self, Problem> {
        let names = fields(text)?;
        let mut columns = Vec::with_capacity(names.len());
        let mut violations = Vec::new();
        let mut wrong = |name: &str, message| {
            violations.push(Violation { field: name.to_owned(), message });
        };
        for name in &names {
            let known = PLAIN.iter().chain(ADDRESS.1).find(|known| *known == name);
            match known {
                None => wrong(repeated(name), "isn't a column that is known here"),
                Some(known) if columns.contains(known) => wrong(known, "must be one column"),
                Some(known) => columns.push(*known),
            }
        }
        if violations.is_empty() { Ok(Self(columns)) } else { Err(Problem::invalid(violations)) }
    }

    /// Whether lines may be encrypted, so that they need no other column.
    pub(crate) fn has_payload(&self) -> bool {
        self.0.contains(&PAYLOAD)
    }

    /// An object that has each column, for finding out which others are needed.
    pub(crate) fn sample(&self) -> Value {
        self.filled(self.0.iter().map(|_| "x".to_owned()))
    }

    /// The object of a row. A column without a text isn't there.
    pub(crate) fn object(&self, text: &[u8]) -> Result<Value, Problem> {
        let values = fields(text)?;
        if values.len() != self.0.len() {
            return Err(Problem::unreadable("The row hasn't as many columns as the header."));
        }
        Ok(self.filled(values.into_iter()))
    }

    fn filled(&self, values: impl Iterator<Item = String>) -> Value {
        let (mut object, mut address) = (Map::new(), Map::new());
        for (name, value) in self.0.iter().zip(values).filter(|(_, value)| !value.is_empty()) {
            let of = if ADDRESS.1.contains(name) { &mut address } else { &mut object };
            of.insert((*name).to_owned(), Value::String(value));
        }
        if !address.is_empty() {
            object.insert(ADDRESS.0.to_owned(), Value::Object(address));
        }
        Value::Object(object)
    }
}

/// A name that could be one of ours, or what stands for another.
fn repeated(name: &str) -> &str {
    let is_name = (1..=NAME_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'.');
    if is_name { name } else { "header" }
}

/// The fields of one row, without quotes.
fn fields(text: &[u8]) -> Result<Vec<String>, Problem> {
    let unreadable = || Problem::unreadable("The row isn't CSV in UTF-8.");
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(text.len().max(1))
        .from_reader(text);
    let mut rows = reader.records();
    let row = rows.next().and_then(Result::ok).ok_or_else(unreadable)?;
    // A carriage return alone would end a row too.
    if rows.next().is_some() {
        Err(unreadable())
    } else {
        Ok(row.iter().map(str::to_owned).collect())
    }
}
