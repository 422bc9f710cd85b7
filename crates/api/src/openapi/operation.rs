//! One call as the documents tell it.

use super::{Channel, parameters};
use crate::call::Call;
use crate::endpoint::About;
use crate::problem::{self, ProblemJson};
use crate::wire::Notes;
use crate::wire::schema;
use axum::http::Method;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa::openapi::path::{
    HttpMethod, Operation as Told, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{AllOf, AnyOf, ObjectBuilder, Ref, Type};
use utoipa::openapi::{
    ComponentsBuilder, Content, ContentBuilder, HeaderBuilder, RefOr, Required, Schema,
};

/// What surrounds every endpoint, and so may answer in its place.
const SURROUNDINGS: [(u16, &str); 11] = [
    (400, "INVALID_REQUEST"),
    (400, "INVALID_PUBLIC_KEY"),
    (400, "INVALID_PAYLOAD"),
    (400, "CANT_DECRYPT_PAYLOAD"),
    (408, "REQUEST_TIMEOUT"),
    (413, "PAYLOAD_TOO_LARGE"),
    (415, "UNSUPPORTED_MEDIA_TYPE"),
    (431, "REQUEST_HEADER_FIELDS_TOO_LARGE"),
    (429, "TOO_MANY_REQUESTS"),
    (500, "INTERNAL_ERROR"),
    (503, "UNAVAILABLE"),
];

/// The statuses whose problems are the same for every call of a channel.
const COMMON: [u16; 9] = [401, 403, 408, 413, 415, 429, 431, 500, 503];

/// One method of one route.
pub(crate) struct Operation<'a> {
    channel: Channel,
    /// Whether it needs a fresh signature of the caller's device.
    signed: bool,
    method: &'a Method,
    path: &'a str,
    about: &'a About,
    notes: Notes,
}

impl<'a> Operation<'a> {
    /// Lets the endpoint read nothing, to learn what it asks for.
    pub(crate) fn new(
        (channel, signed): (Channel, bool),
        method: &'a Method,
        path: &'a str,
        about: &'a About,
    ) -> Self {
        let empty = Call::empty(path);
        // Whether it can do with nothing doesn't matter here.
        let _ = about.read(&empty);
        Self { channel, signed, method, path, about, notes: empty.into_notes() }
    }

    /// `GET /path`.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &str {
        self.path
    }

    /// What is told of it.
    #[cfg(test)]
    pub(super) fn about(&self) -> &About {
        self.about
    }

    /// Whether it asks for a body.
    pub(super) fn reads_body(&self) -> bool {
        self.notes.body.schema().is_some()
    }

    /// Its method, as a list of one.
    pub(super) fn methods(&self) -> Vec<HttpMethod> {
        let method = match self.method.as_str() {
            "GET" => HttpMethod::Get,
            "PUT" => HttpMethod::Put,
            "DELETE" => HttpMethod::Delete,
            _ => HttpMethod::Post,
        };
        vec![method]
    }

    /// Every answer: its status, and the title of one that isn't a success.
    pub(crate) fn answers(&self) -> Vec<(u16, Option<&'static str>)> {
        let problems = self.problems().into_iter();
        let problems = problems.map(|(status, title)| (status, Some(title)));
        std::iter::once((self.about.status.as_u16(), None)).chain(problems).collect()
    }

    /// Every problem that it may answer with.
    fn problems(&self) -> Vec<(u16, &'static str)> {
        let refused = |refusal| (problem::status(refusal).as_u16(), refusal.title());
        let mut all = self.channel.denials().to_vec();
        all.extend(SURROUNDINGS);
        let named = parameters::named(self.path);
        if !named.is_empty() {
            all.push((404, "NOT_FOUND"));
        }
        all.extend(named.iter().map(|named| refused(named.refusal)));
        if self.about.encrypted {
            all.push((400, "ENCRYPTION_REQUIRED"));
        }
        if self.changes() {
            all.push((409, "IDEMPOTENCY_KEY_REUSED"));
        }
        let reads = self.reads_body() || !self.notes.query.fields().is_empty();
        if self.changes() || reads {
            all.push((422, "VALIDATION_ERROR"));
        }
        for told in self.about.refusals.iter().map(|refusal| refused(*refusal)) {
            if !all.contains(&told) {
                all.push(told);
            }
        }
        all
    }

    /// Whether it may change something.
    fn changes(&self) -> bool {
        self.method != Method::GET
    }

    /// The schemas that it refers to.
    pub(super) fn schemas(&self) -> Vec<(String, RefOr<Schema>)> {
        self.about.body.as_ref().map(|body| body.schemas.clone()).unwrap_or_default()
    }

    /// As the document has it.
    pub(super) fn told(&self) -> Told {
        let mut told = OperationBuilder::new()
            .operation_id(Some(self.id()))
            .tag(self.about.tag)
            .summary(Some(self.about.summary))
            .description(Some(self.about.description))
            .request_body(self.body());
        for named in parameters::named(self.path) {
            told = told.parameter(named.parameter());
        }
        for parameter in self.query() {
            told = told.parameter(parameter);
        }
        let asked = (self.changes(), self.signed);
        for reference in parameters::references(self.channel, asked) {
            told = told.parameter_ref(reference);
        }
        told = told.response(self.about.status.as_str(), self.success());
        let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
        for (status, title) in self.problems() {
            by_status.entry(status).or_default().push(title);
        }
        for (status, titles) in by_status {
            let response = if COMMON.contains(&status) {
                Ref::from_response_name(status.to_string()).into()
            } else {
                RefOr::T(refusal(&titles).build())
            };
            told = told.response(status.to_string(), response);
        }
        told.build()
    }

    /// `getSecureBalancesBalanceId`.
    fn id(&self) -> String {
        let words = self.path.split(|c: char| !c.is_ascii_alphanumeric());
        let capital = |word: &str| match word.split_at_checked(1) {
            Some((first, rest)) => first.to_ascii_uppercase() + rest,
            None => String::new(),
        };
        self.method.as_str().to_ascii_lowercase() + &words.map(capital).collect::<String>()
    }

    fn body(&self) -> Option<RequestBody> {
        let schema = self.notes.body.schema()?;
        let content =
            ContentBuilder::new().schema(Some(schema)).example(self.about.example.clone());
        let body = RequestBodyBuilder::new().content(self.about.media, content.build());
        let line = || Content::new(Some(RefOr::from(schema::file())));
        let body = self.about.lines.iter().fold(body, |body, media| body.content(*media, line()));
        Some(body.required(Some(Required::True)).build())
    }

    fn query(&self) -> impl Iterator<Item = Parameter> {
        self.notes.query.fields().into_iter().map(|field| {
            let required = if field.needed { Required::True } else { Required::False };
            ParameterBuilder::new()
                .name(field.name)
                .parameter_in(ParameterIn::Query)
                .required(required)
                .schema(Some(field.schema))
                .build()
        })
    }

    /// Whether a key must be sent.
    #[cfg(test)]
    pub(super) fn needs_key(&self) -> bool {
        self.notes.key.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn success(&self) -> Response {
        let file = || Content::new(Some(RefOr::from(schema::file())));
        let files = |told: ResponseBuilder| {
            self.about.files.iter().fold(told, |told, media| told.content(*media, file()))
        };
        let Some(body) = &self.about.body else {
            return files(ResponseBuilder::new().description("Done.")).build();
        };
        let plain = RefOr::from(Ref::from_schema_name(&body.name));
        let schema = if self.about.encrypted {
            encrypted(plain)
        } else {
            let either = AnyOf::builder().item(plain.clone()).item(encrypted(plain));
            Schema::AnyOf(either.build()).into()
        };
        let description = if self.about.encrypted { "Done; always encrypted." } else { "Done." };
        let content = Content::new(Some(schema));
        let told = ResponseBuilder::new().description(description);
        files(told.content("application/json", content)).build()
    }
}

/// An answer encrypted for the caller.
fn encrypted(plain: RefOr<Schema>) -> RefOr<Schema> {
    let token = schema::pattern("^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+){4}$")
        .description(Some("Compact JWE, RSA-OAEP-256 and A256GCM, for `Public-Key`"))
        .content_encoding("JWE")
        .content_media_type("application/json")
        .content_schema(Some(plain));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("payload", token)
        .required("payload")
        .build()
        .into()
}

/// A problem with one of some titles.
fn refusal(titles: &[&str]) -> ResponseBuilder {
    let title = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("title", schema::words(titles.iter().copied()));
    let problem = AllOf::builder().item(Ref::from_schema_name(ProblemJson::name())).item(title);
    let content = Content::new(Some(Schema::AllOf(problem.build())));
    ResponseBuilder::new()
        .description(titles.join(", "))
        .content("application/problem+json", content)
}

/// The problems that are the same for every call of a channel, to refer to.
pub(super) fn common(components: ComponentsBuilder, channel: Channel) -> ComponentsBuilder {
    COMMON.iter().fold(components, |components, status| {
        let all = channel.denials().iter().chain(&SURROUNDINGS);
        let titles: Vec<&str> =
            all.filter(|(of, _)| of == status).map(|(_, title)| *title).collect();
        let mut response = refusal(&titles);
        if matches!(status, 429 | 503) {
            let seconds = HeaderBuilder::new()
                .schema(Some(schema::integer()))
                .description(Some("After how many seconds to try again"));
            response = response.header("Retry-After", seconds.build());
        }
        components.response(status.to_string(), response.build())
    })
}
