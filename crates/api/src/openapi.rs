//! The OpenAPI documents: one for each channel, made from the endpoints themselves.

mod channel;
mod operation;
mod parameters;

pub(crate) use channel::Channel;
pub(crate) use operation::Operation;

use crate::problem::ProblemJson;
use crate::router;
use crate::wire::schema;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::openapi::path::Paths;
use utoipa::openapi::schema::{AllOf, Object, SchemaType, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Info, License, OpenApi, OpenApiBuilder, RefOr, Schema, ServerBuilder,
};
use utoipa::{PartialSchema, ToSchema};

/// The documents of all channels: a channel's name, and JSON for people to read.
#[must_use]
pub fn documents() -> Vec<(&'static str, String)> {
    Channel::ALL.iter().map(|channel| (channel.name(), text(*channel))).collect()
}

/// The document of a channel.
pub(crate) fn text(channel: Channel) -> String {
    let document = document(channel).to_pretty_json();
    document.expect("a document has names of text and can't fail") + "\n"
}

fn document(channel: Channel) -> OpenApi {
    let routes = router::routes(channel);
    let mut paths = Paths::new();
    let mut schemas: BTreeMap<String, RefOr<Schema>> = BTreeMap::new();
    for operation in routes.iter().flat_map(|routes| routes.operations()) {
        for (name, schema) in operation.schemas() {
            let told = schemas.entry(name.clone()).or_insert_with(|| schema.clone());
            assert!(*told == schema, "two different schemas are called {name}");
        }
        paths.add_path_operation(operation.path(), operation.methods(), operation.told());
    }
    for schema in schemas.values_mut() {
        all_required(schema);
    }
    schemas.insert(schema::CURRENCY.to_owned(), schema::currencies().into());
    let mut of_problems = vec![(ProblemJson::name().into_owned(), ProblemJson::schema())];
    ProblemJson::schemas(&mut of_problems);
    schemas.extend(of_problems);

    let (name, scheme) = security(channel);
    let components = ComponentsBuilder::new().security_scheme(name, scheme);
    let components = parameters::components(components, channel);
    let components = operation::common(components, channel).schemas_from_iter(schemas);
    let whole = OpenApiBuilder::new()
        .info(info(channel))
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .paths(paths)
        .components(Some(components.build()))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], &str>(name, [])]))
        .build();
    without_unused(whole)
}

/// How callers show who they are.
fn security(channel: Channel) -> (&'static str, SecurityScheme) {
    let description = Some(channel.credentials().to_owned());
    match channel {
        Channel::Customers | Channel::Admin => {
            let mut bearer = Http::new(HttpAuthScheme::Bearer);
            bearer.description = description;
            ("session", SecurityScheme::Http(bearer))
        }
        Channel::Secure
        | Channel::Lifecycle
        | Channel::Thc
        | Channel::Processor
        | Channel::Sandbox => {
            let scheme =
                SecurityScheme::MutualTls { description, deprecated: None, extensions: None };
            ("clientCertificate", scheme)
        }
    }
}

fn info(channel: Channel) -> Info {
    let description = format!(
        "{} Times are ISO 8601 with offset, amounts whole minor units. Fields that aren't told of \
         here {} in requests and may come to be in answers. Every answer has the header \
         `X-Request-Id`. Headers `Encrypted-Request` and `Encrypt-Response` ask for JWE on any \
         call.",
        channel.credentials(),
        channel.unknown_fields(),
    );
    Info::builder()
        .title(channel.title())
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description))
        .license(Some(License::new(env!("CARGO_PKG_LICENSE"))))
        .build()
}

/// An answer has all of its fields always; those without a value are null, unless they can't be.
fn all_required(schema: &mut RefOr<Schema>) {
    let object = |object: &mut Object| {
        let asked = object.required.clone();
        let nullable = object.properties.iter().filter(|(_, schema)| is_nullable(schema));
        let nullable: Vec<String> = nullable.map(|(name, _)| name.clone()).collect();
        let is_there = |name: &&String| asked.contains(name) || nullable.contains(name);
        object.required = object.properties.keys().filter(is_there).cloned().collect();
    };
    match schema {
        RefOr::T(Schema::Object(one)) => object(one),
        RefOr::T(Schema::AllOf(AllOf { items, .. })) => items.iter_mut().for_each(all_required),
        RefOr::T(_) | RefOr::Ref(_) => {}
    }
}

fn is_nullable(schema: &RefOr<Schema>) -> bool {
    let is_null = |schema: &RefOr<Schema>| match schema {
        RefOr::T(Schema::Object(object)) => match &object.schema_type {
            SchemaType::Type(one) => *one == Type::Null,
            SchemaType::Array(several) => several.contains(&Type::Null),
            SchemaType::AnyValue => true,
        },
        RefOr::T(_) | RefOr::Ref(_) => false,
    };
    match schema {
        RefOr::T(Schema::OneOf(several)) => several.items.iter().any(is_null),
        RefOr::T(Schema::Array(array)) => array.schema_type != SchemaType::new(Type::Array),
        one @ (RefOr::Ref(_) | RefOr::T(_)) => is_null(one),
    }
}

/// Leaves out the shared schemas that a document doesn't refer to.
fn without_unused(mut document: OpenApi) -> OpenApi {
    let text = serde_json::to_value(&document).as_ref().map(Value::to_string).unwrap_or_default();
    if let Some(components) = &mut document.components {
        let used = |name: &String| text.contains(&format!("\"#/components/schemas/{name}\""));
        components.schemas.retain(|name, _| used(name));
    }
    document
}

#[cfg(test)]
mod tests;
