//! From JSON to typed values, with everything that is wrong named at once.
//!
//! A [`Reader`] takes a value and answers with the type or with what the value must be; it never
//! repeats what the value was. It also knows the schema of what it takes: reading an empty request
//! notes what was asked for ([`Notes`]), and that is what the OpenAPI documents say.

mod notes;
mod readers;
pub(crate) mod schema;

pub(crate) use notes::Notes;
pub(crate) use readers::{
    Reader, address, address_fields, base64, boolean, checked, country, currency, date, digits,
    email, events, integer, minor_units, number, parsed, pem, phone, place, reader, text,
    timestamp, uuid, word,
};

use crate::call::Part;
use crate::problem::{Problem, Violation};
use domain::Timestamp;
use notes::Asked;
use serde_json::{Map, Value};
use utoipa::openapi::schema::{Array, Object, Type};

/// What is told of a field that must be there.
pub(crate) const REQUIRED: &str = "is required";

/// What a reader answers.
pub(crate) type Read<T> = Result<T, &'static str>;

/// The fields of an object, and what was found wrong with them so far.
pub(crate) struct Fields<'a> {
    object: &'a Map<String, Value>,
    prefix: String,
    violations: Vec<Violation>,
    notes: Option<&'a Asked>,
}

impl<'a> Fields<'a> {
    /// The fields of an object; what is asked for is noted if somebody wants to know.
    pub(crate) fn of(object: &'a Map<String, Value>, notes: Option<&'a Asked>) -> Self {
        Self { object, prefix: String::new(), violations: Vec::new(), notes }
    }

    /// Reads a field that must be there; null counts as missing.
    pub(crate) fn required<T>(&mut self, name: &str, reader: impl Reader<T>) -> Option<T> {
        let found = self.optional(name, reader);
        self.demand(name);
        found
    }

    /// Reads a field that may be missing or null.
    pub(crate) fn optional<T>(&mut self, name: &str, reader: impl Reader<T>) -> Option<T> {
        self.note(name, |notes, path| notes.value(path, reader.schema()));
        self.check(name, |value| reader.read(value))
    }

    /// Looks once more at a field that is read elsewhere.
    pub(crate) fn check<T>(
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
        let prefix = format!("{}{name}.", self.prefix);
        self.note(name, |notes, path| notes.value(path, Object::with_type(Type::Object)));
        if let (None, Some(notes)) = (self.value(name), self.notes) {
            // Its fields are asked for too, of nothing.
            return Some(Fields { prefix, ..Fields::of(self.object, Some(notes)) });
        }
        let Some(object) = self.value(name)?.as_object() else {
            self.wrong(name, "must be an object");
            return None;
        };
        Some(Fields { prefix, ..Fields::of(object, self.notes) })
    }

    /// Reads a list of objects, of `most` at most, each by the same reader; `None` if it is
    /// missing, null, or no such list.
    pub(crate) fn list<T>(
        &mut self,
        name: &str,
        most: usize,
        read: impl Fn(&mut Fields<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.note(name, |notes, path| {
            let item = Asked::default();
            read(&mut Fields::of(&Map::new(), Some(&item)));
            let items = item.schema().unwrap_or_else(|| Object::new().into());
            notes.value(path, Array::builder().items(items).max_items(Some(most)));
        });
        let Some(items) = self.value(name)?.as_array().filter(|items| items.len() <= most) else {
            self.wrong(name, "must be a list of objects, and not too long");
            return None;
        };
        let mut all = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let place = format!("{name}[{index}]");
            let Some(object) = item.as_object() else {
                self.wrong(&place, "must be an object");
                continue;
            };
            let prefix = format!("{}{place}.", self.prefix);
            let mut inner = Fields { prefix, ..Fields::of(object, None) };
            all.extend(read(&mut inner));
            self.absorb(inner);
        }
        (all.len() == items.len()).then_some(all)
    }

    /// Takes over what was found wrong within.
    pub(crate) fn absorb(&mut self, inner: Fields<'_>) {
        self.violations.extend(inner.violations);
    }

    /// Says that a field, read elsewhere, must be there.
    pub(crate) fn demand(&mut self, name: &str) {
        self.note(name, Asked::demand);
        if self.value(name).is_none() {
            self.wrong(name, REQUIRED);
        }
    }

    /// Says that exactly one of some fields, read elsewhere, must be there. What is wrong is told
    /// of the first.
    pub(crate) fn demand_one(&mut self, names: &'static [&'static str], message: &'static str) {
        self.note("", |notes, path| notes.demand_one(path, names));
        if names.iter().filter(|name| self.has(name)).count() != 1 {
            self.wrong(names[0], message);
        }
    }

    /// Notes that a form's part is a file; it isn't read here.
    pub(crate) fn file(&mut self, name: &str, needed: bool) {
        self.note(name, |notes, path| {
            notes.value(path.clone(), schema::file());
            if needed {
                notes.demand(path);
            }
        });
    }

    /// The file of a name among a form's parts; two of them are wrong.
    pub(crate) fn only_file<'p>(&mut self, name: &str, parts: &'p [Part]) -> Option<&'p Part> {
        let mut found = parts.iter().filter(|part| part.name == name);
        let first = found.next();
        if found.next().is_some() {
            self.wrong(name, "must be sent once");
        }
        first
    }

    /// Refuses a field that would have to be obeyed and can't be.
    pub(crate) fn unsupported(&mut self, name: &str) {
        self.note(name, |notes, path| notes.value(path, schema::unsupported()));
        if self.has(name) {
            self.wrong(name, "isn't supported yet");
        }
    }

    /// Says that a field must be there beside another that is; what was sent wrong is told already.
    pub(crate) fn missing(&mut self, name: &str) {
        if !self.has(name) {
            self.wrong(name, "is required");
        }
    }

    /// Refuses a field that is of another call.
    pub(crate) fn foreign(&mut self, name: &str, message: &'static str) {
        if self.has(name) {
            self.wrong(name, message);
        }
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
        self.note("", |notes, _| notes.close());
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

    fn note(&self, name: &str, note: impl FnOnce(&Asked, String)) {
        if let Some(notes) = self.notes {
            note(notes, format!("{}{name}", self.prefix));
        }
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }
}

/// A moment as the seeds write it: `2023-01-01T06:01:39+00:00`.
pub(crate) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

#[cfg(test)]
mod tests;
