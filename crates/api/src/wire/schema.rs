//! Schemas of single values, as readers take them and answers show them.

use domain::Word;
use domain::money::Currency;
use serde_json::Value;
use utoipa::openapi::schema::{AnyOf, Object, ObjectBuilder, Ref, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema};

/// No control character, and one that can be seen.
const PRINTABLE: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f]\
                         [^\\u0000-\\u001f\\u007f-\\u009f]*$";

/// The component that lists all currencies.
pub(crate) const CURRENCY: &str = "Currency";

/// A text of 1 to `max` characters.
pub(crate) fn text(max: usize) -> ObjectBuilder {
    of(Type::String).min_length(Some(1)).max_length(Some(max)).pattern(Some(PRINTABLE))
}

/// A text of at most `max` characters, in lines.
pub(crate) fn lines(max: usize) -> ObjectBuilder {
    of(Type::String).max_length(Some(max))
}

/// A text of this form.
pub(crate) fn pattern(pattern: &str) -> ObjectBuilder {
    of(Type::String).pattern(Some(pattern))
}

/// A text of a form that has a name.
pub(crate) fn format(format: KnownFormat) -> ObjectBuilder {
    of(Type::String).format(Some(SchemaFormat::KnownFormat(format)))
}

/// A whole number of 64 bits.
pub(crate) fn integer() -> ObjectBuilder {
    of(Type::Integer).format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
}

/// A number with a fraction.
pub(crate) fn number() -> ObjectBuilder {
    of(Type::Number).format(Some(SchemaFormat::KnownFormat(KnownFormat::Double)))
}

/// true or false.
pub(crate) fn boolean() -> ObjectBuilder {
    of(Type::Boolean)
}

/// One of some words.
pub(crate) fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> ObjectBuilder {
    of(Type::String).enum_values(Some(words))
}

/// One of an enum's words.
pub(crate) fn words_of<K: Word>() -> ObjectBuilder {
    words(K::ALL.iter().map(|value| value.word()))
}

/// A reference to all currencies.
pub(crate) fn currency() -> RefOr<Schema> {
    Ref::from_schema_name(CURRENCY).into()
}

/// All currencies.
pub(crate) fn currencies() -> ObjectBuilder {
    words(Currency::codes()).description(Some("ISO 4217 code of a currency in use"))
}

/// A file of a form.
pub(crate) fn file() -> ObjectBuilder {
    format(KnownFormat::Binary)
}

/// A field that would have to be obeyed and can't be: only null is taken.
pub(crate) fn unsupported() -> ObjectBuilder {
    of(Type::Null).description(Some("Not supported yet: refused unless it is null"))
}

/// The same, or null.
pub(crate) fn nullable(schema: RefOr<Schema>) -> RefOr<Schema> {
    match schema {
        RefOr::T(Schema::Object(mut object)) => {
            let mut types = match &object.schema_type {
                SchemaType::Type(Type::Null) | SchemaType::AnyValue => return object.into(),
                SchemaType::Type(one) => vec![one.clone()],
                SchemaType::Array(several) => several.clone(),
            };
            types.push(Type::Null);
            object.schema_type = SchemaType::from_iter(types);
            if let Some(values) = &mut object.enum_values {
                values.push(Value::Null);
            }
            object.into()
        }
        other @ (RefOr::Ref(_) | RefOr::T(_)) => {
            let null = Object::with_type(Type::Null);
            Schema::AnyOf(AnyOf::builder().item(other).item(null).build()).into()
        }
    }
}

fn of(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(kind)
}
