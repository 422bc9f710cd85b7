//! `GET /sandbox/v1/received`: what the demonstration partner was sent.

use super::TAG;
use crate::Api;
use crate::answer::{Done, List};
use crate::call::{Call, Head, Page, refused};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::schema;
use app::Refusal;
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;
use utoipa::openapi::schema::{Object, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Lists what was sent for this partner → 200 a page, newest last.
pub(crate) fn received() -> Endpoint {
    Endpoint::of(Call::page, shown)
        .about(
            TAG,
            "List what the demonstration partner was sent",
            "Oldest first: notifications, and later the questions that partners are asked.",
        )
        .refuses(&[Refusal::PartnerNotFound])
}

async fn shown(api: Api, head: Head, asked: Page) -> Result<Done<List<ReceivedJson>>, Problem> {
    let settings = api.app.settings.get();
    let partner = settings.partner(head.scope()?.partner());
    let partner = partner.ok_or_else(|| refused(Refusal::PartnerNotFound))?;
    let page = api.sandbox()?.received(&partner.code, asked.after, asked.limit);
    Ok(Done::with(&List::page(&page, |request| ReceivedJson(request.clone()))))
}

/// A request as the demonstration partner keeps it: the sandbox makes the JSON.
#[derive(Debug, Serialize)]
struct ReceivedJson(Value);

impl PartialSchema for ReceivedJson {
    fn schema() -> RefOr<Schema> {
        let text = || Object::with_type(Type::String);
        let any = Object::with_type(SchemaType::AnyValue);
        Object::builder()
            .description(Some("A request to the demonstration partner"))
            .property("method", text())
            .property("path", text())
            .property(
                "headers",
                Object::builder().additional_properties(Some(Schema::from(text()))),
            )
            .property("body", any)
            .property("at", schema::format(KnownFormat::DateTime))
            .required("method")
            .required("path")
            .required("headers")
            .required("at")
            .build()
            .into()
    }
}

impl ToSchema for ReceivedJson {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Received")
    }
}
