//! What the reading of a request asks for, noted while an empty one is read.

use super::schema::nullable;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use utoipa::openapi::schema::{
    AdditionalProperties, Object, ObjectBuilder, OneOf, OneOfBuilder, Type,
};
use utoipa::openapi::{RefOr, Schema};

/// What is asked for of a whole request.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Of its body.
    pub(crate) body: Asked,
    /// Of its query.
    pub(crate) query: Asked,
    /// Whether its key must be there.
    pub(crate) key: AtomicBool,
}

/// What is asked for of one object, in the order of asking.
#[derive(Default)]
pub(crate) struct Asked {
    asks: Mutex<Vec<Ask>>,
    /// Whether any other field is wrong.
    closed: AtomicBool,
}

/// One thing that is asked for. Its path is that of a violation: `card.cardId`.
enum Ask {
    /// A field.
    Field { path: String, needed: bool, schema: Box<RefOr<Schema>> },
    /// Exactly one of some fields of the object whose fields begin so.
    OneOf { prefix: String, names: &'static [&'static str] },
}

/// A field of an object as the documents show it.
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: String,
    /// Whether it must be there.
    pub(crate) needed: bool,
    /// What it must be.
    pub(crate) schema: RefOr<Schema>,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Asked({} fields)", self.asks().len())
    }
}

impl Asked {
    /// Notes a field. One that is asked for twice keeps what was said first.
    pub(crate) fn value(&self, path: String, schema: impl Into<RefOr<Schema>>) {
        let schema = Box::new(schema.into());
        let mut asks = self.asks();
        if !asks.iter().any(|ask| matches!(ask, Ask::Field { path: old, .. } if *old == path)) {
            asks.push(Ask::Field { path, needed: false, schema });
        }
    }

    /// Notes that a field must be there.
    #[expect(clippy::needless_pass_by_value, reason = "all that is noted has this shape")]
    pub(super) fn demand(&self, demanded: String) {
        for ask in self.asks().iter_mut() {
            match ask {
                Ask::Field { path, needed, .. } if *path == demanded => *needed = true,
                Ask::Field { .. } | Ask::OneOf { .. } => {}
            }
        }
    }

    /// Notes that exactly one of some fields must be there.
    pub(super) fn demand_one(&self, prefix: String, names: &'static [&'static str]) {
        self.asks().push(Ask::OneOf { prefix, names });
    }

    /// Notes that any other field is wrong.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// The fields of the object itself, without what is within them.
    pub(crate) fn fields(&self) -> Vec<Field> {
        fields(&self.asks(), "")
    }

    /// The schema of the object; `None` if nothing was asked for.
    pub(crate) fn schema(&self) -> Option<RefOr<Schema>> {
        let asks = self.asks();
        if asks.is_empty() {
            return None;
        }
        let mut whole = object(&asks, "");
        if let (true, RefOr::T(Schema::Object(open))) =
            (self.closed.load(Ordering::Relaxed), &mut whole)
        {
            open.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
        Some(whole)
    }

    fn asks(&self) -> MutexGuard<'_, Vec<Ask>> {
        self.asks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fields(asks: &[Ask], prefix: &str) -> Vec<Field> {
    let mut fields = Vec::new();
    for ask in asks {
        let Ask::Field { path, needed, schema } = ask else { continue };
        let Some(name) = path.strip_prefix(prefix).filter(|name| !name.contains('.')) else {
            continue;
        };
        let is_object = matches!(&**schema, RefOr::T(Schema::Object(object))
            if object.schema_type == Type::Object.into());
        let schema = if is_object { object(asks, &format!("{path}.")) } else { *schema.clone() };
        fields.push(Field { name: name.to_owned(), needed: *needed, schema });
    }
    fields
}

/// An object of these fields; where exactly one of some is needed, the object once for each.
fn object(asks: &[Ask], prefix: &str) -> RefOr<Schema> {
    let fields = fields(asks, prefix);
    let choice = asks.iter().find_map(|ask| match ask {
        Ask::OneOf { prefix: of, names } if of == prefix => Some(*names),
        Ask::OneOf { .. } | Ask::Field { .. } => None,
    });
    let Some(names) = choice else { return with(&fields, &[], "").into() };
    let objects = names.iter().map(|name| with(&fields, names, name));
    Schema::OneOf(objects.fold(OneOf::builder(), OneOfBuilder::item).build()).into()
}

/// An object with one of the names that exclude each other. What isn't needed may be null.
fn with(fields: &[Field], excluding: &[&str], chosen: &str) -> Object {
    let mut whole = ObjectBuilder::new().schema_type(Type::Object);
    for Field { name, needed, schema } in fields {
        if *needed || name == chosen {
            whole = whole.property(name, schema.clone()).required(name);
        } else if excluding.contains(&name.as_str()) {
            whole = whole.property(name, Object::with_type(Type::Null));
        } else {
            whole = whole.property(name, nullable(schema.clone()));
        }
    }
    whole.build()
}
