//! Successes: their status and the shape of their bodies are types, so the documents can't tell
//! anything else.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use domain::Word;
use domain::money::Currency;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use std::marker::PhantomData;
use utoipa::openapi::schema::{Array, Object, Ref, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// An answer that is a success.
pub(crate) trait Success: IntoResponse {
    /// Its status.
    const STATUS: StatusCode;

    /// As which media types it may come too, beside JSON.
    const FILES: &'static [&'static str] = &[];

    /// The schema of its body, and those that it refers to, by name; `None` if it has no body.
    fn body() -> Option<Body>;
}

/// The schema of a body.
pub(crate) struct Body {
    /// The name of the body's own schema.
    pub(crate) name: String,
    /// That schema, and those that it refers to.
    pub(crate) schemas: Vec<(String, RefOr<Schema>)>,
}

impl Body {
    fn of<W: ToSchema>() -> Self {
        let name = W::name().into_owned();
        let mut schemas = vec![(name.clone(), W::schema())];
        W::schemas(&mut schemas);
        Self { name, schemas }
    }
}

/// 200 with a body.
#[derive(Debug)]
pub(crate) struct Done<W>(Value, PhantomData<W>);

/// 200 with a body, or the same as a file of another media type.
#[derive(Debug)]
pub(crate) enum Shown<W> {
    /// JSON.
    Json(Done<W>),
    /// A file: its media type, name and content.
    File(&'static str, String, Vec<u8>),
}

/// 200 with a picture or a document, which no browser takes for anything else.
#[derive(Debug)]
pub(crate) struct File {
    /// Its media type: one of [`File::FILES`].
    pub(crate) media: &'static str,
    /// The file itself.
    pub(crate) content: Vec<u8>,
}

/// 201 with a body.
#[derive(Debug)]
pub(crate) struct Created<W>(Value, PhantomData<W>);

/// 202 with a body.
#[derive(Debug)]
pub(crate) struct Accepted<W>(Value, PhantomData<W>);

/// 204.
#[derive(Debug)]
pub(crate) struct NoContent;

impl<W: Serialize> Done<W> {
    /// With this body.
    pub(crate) fn with(body: &W) -> Self {
        Self::kept(json(body))
    }
}

impl<W> Done<W> {
    /// With a body as it was kept with a key.
    pub(crate) fn kept(body: Value) -> Self {
        Self(body, PhantomData)
    }

    /// As a part of an answer.
    pub(crate) fn into_json(self) -> Value {
        self.0
    }
}

impl<W: Serialize> Created<W> {
    /// With this body.
    pub(crate) fn with(body: &W) -> Self {
        Self::kept(json(body))
    }
}

impl<W> Created<W> {
    /// With a body as it was kept with a key.
    pub(crate) fn kept(body: Value) -> Self {
        Self(body, PhantomData)
    }
}

impl<W> Accepted<W> {
    /// With a body as it was kept with a key.
    pub(crate) fn kept(body: Value) -> Self {
        Self(body, PhantomData)
    }
}

impl<W: ToSchema> Success for Accepted<W> {
    const STATUS: StatusCode = StatusCode::ACCEPTED;

    fn body() -> Option<Body> {
        Some(Body::of::<W>())
    }
}

impl<W> IntoResponse for Accepted<W> {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, Json(self.0)).into_response()
    }
}

impl<W: ToSchema> Success for Shown<W> {
    const STATUS: StatusCode = StatusCode::OK;
    const FILES: &'static [&'static str] = crate::statements::MEDIA;

    fn body() -> Option<Body> {
        Some(Body::of::<W>())
    }
}

impl<W> IntoResponse for Shown<W> {
    fn into_response(self) -> Response {
        match self {
            Self::Json(done) => done.into_response(),
            Self::File(media, name, content) => {
                let disposition = format!("attachment; filename=\"{name}\"");
                let headers =
                    [(CONTENT_TYPE, media.to_owned()), (CONTENT_DISPOSITION, disposition)];
                (StatusCode::OK, headers, content).into_response()
            }
        }
    }
}

impl Success for File {
    const STATUS: StatusCode = StatusCode::OK;
    const FILES: &'static [&'static str] = &["application/pdf", "image/jpeg", "image/png"];

    fn body() -> Option<Body> {
        None
    }
}

impl IntoResponse for File {
    fn into_response(self) -> Response {
        // A PDF may have scripts: it is saved, never shown as a page of ours.
        let place = if self.media == "application/pdf" { "attachment" } else { "inline" };
        let headers = [
            (CONTENT_TYPE, self.media),
            (CONTENT_DISPOSITION, place),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (CACHE_CONTROL, "no-store"),
        ];
        (StatusCode::OK, headers, self.content).into_response()
    }
}

impl<W: ToSchema> Success for Done<W> {
    const STATUS: StatusCode = StatusCode::OK;

    fn body() -> Option<Body> {
        Some(Body::of::<W>())
    }
}

impl<W: ToSchema> Success for Created<W> {
    const STATUS: StatusCode = StatusCode::CREATED;

    fn body() -> Option<Body> {
        Some(Body::of::<W>())
    }
}

impl Success for NoContent {
    const STATUS: StatusCode = StatusCode::NO_CONTENT;

    fn body() -> Option<Body> {
        None
    }
}

impl<W> IntoResponse for Done<W> {
    fn into_response(self) -> Response {
        (StatusCode::OK, Json(self.0)).into_response()
    }
}

impl<W> IntoResponse for Created<W> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

/// The JSON of a body.
pub(crate) fn json(body: &impl Serialize) -> Value {
    serde_json::to_value(body).expect("a body has names of text and can't fail")
}

/// The JSON of what a use case did, to be kept with its key.
pub(crate) fn kept<T, W: Serialize + for<'a> From<&'a T>>(done: &T) -> Value {
    json(&W::from(done))
}

/// A list, or one page of it.
#[derive(Debug, Serialize)]
pub(crate) struct List<W> {
    /// What is on this page.
    items: Vec<W>,
    /// What to ask for as `after` to get the next page; null on the last.
    next: Option<String>,
}

impl<W> List<W> {
    /// One page.
    pub(crate) fn page<T, K: ToString>(
        page: &app::page::Page<T, K>,
        item: impl Fn(&T) -> W,
    ) -> Self {
        let items = page.items.iter().map(item).collect();
        Self { items, next: page.next.as_ref().map(K::to_string) }
    }

    /// A list that is never long.
    pub(crate) fn all<T>(items: &[T], item: impl Fn(&T) -> W) -> Self {
        Self { items: items.iter().map(item).collect(), next: None }
    }
}

impl<W: ToSchema> PartialSchema for List<W> {
    fn schema() -> RefOr<Schema> {
        let next = Object::builder()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("What to ask for as `after`, to get the next page"));
        Object::builder()
            .property("items", Array::new(Ref::from_schema_name(W::name())))
            .property("next", next)
            .required("items")
            .build()
            .into()
    }
}

impl<W: ToSchema> ToSchema for List<W> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("ListOf{}", W::name()))
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((W::name().into_owned(), W::schema()));
        W::schemas(schemas);
    }
}

/// A value of an enum, by its word. The documents' derive macro wants a name without parameters:
/// give each one its `type`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named<K>(pub(crate) K);

impl<K: Word> Serialize for Named<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.word())
    }
}

impl<K: Word> PartialSchema for Named<K> {
    fn schema() -> RefOr<Schema> {
        crate::wire::schema::words_of::<K>().into()
    }
}

impl<K: Word> ToSchema for Named<K> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(K::NAME)
    }
}

/// A currency, by its code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code(pub(crate) Currency);

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.code())
    }
}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        crate::wire::schema::currencies().into()
    }
}

impl ToSchema for Code {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(crate::wire::schema::CURRENCY)
    }
}
