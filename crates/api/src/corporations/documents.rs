//! `POST /secure/corporations/{dcCorporationId}/documents`: what a corporation proves with what it
//! is; and one of these documents, for who decides.

use super::{KindName, KybState, TAG};
use crate::Api;
use crate::answer::{Created, File, Named, kept};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::verifications::FILES_MAX;
use app::Refusal;
use app::corporations::{NewDocument, SubmitDocuments, Submitted};
use domain::corporation::Missing;
use domain::corporation::document::{self, DocumentKind, Flaw};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Sends documents → 201 what KYB still needs.
pub(crate) fn submit() -> Endpoint {
    Endpoint::form(read, submitted)
        .about(
            TAG,
            "Send a corporation's documents",
            "In one call or in several, one document of a kind in each: `statute` (the articles of \
         association), `registerExtract`, `ownership`. Each is one whole PDF, JPEG or PNG and \
         nothing else, by its content; together they have 20 MiB at most. With the last kind that \
         was missing KYB begins: `IN_PROGRESS`, also after a rejection and while it is on hold. \
         An accepted corporation stays accepted. `missing` tells what is needed before it can be \
         accepted. 50 documents at most.",
        )
        .refuses(&[Refusal::DocumentLimitReached])
}

/// Shows a document to who decides.
pub(crate) fn document() -> Endpoint {
    Endpoint::of(nothing, shown).about(
        TAG,
        "Show a document of a corporation",
        "As it was sent. That it was shown is recorded.",
    )
}

/// What came of sending documents.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SubmittedDocuments)]
struct SubmittedJson {
    /// The corporation's id.
    dc_corporation_id: Uuid,
    /// Where KYB stands.
    kyb: KybState,
    /// The documents that were sent.
    documents: Vec<DocumentId>,
    /// What is needed before it can be accepted: documents, people without a verification,
    /// `screening`.
    missing: Vec<String>,
}

/// A document that was sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SubmittedDocument)]
struct DocumentId {
    /// The document's id.
    document_id: Uuid,
    /// What it proves.
    kind: KindName,
}

impl From<&Submitted> for SubmittedJson {
    fn from(it: &Submitted) -> Self {
        let documents = it.documents.iter();
        Self {
            dc_corporation_id: it.corporation.resource,
            kyb: Named(it.corporation.kyb),
            documents: documents
                .map(|it| DocumentId { document_id: it.id, kind: Named(it.kind) })
                .collect(),
            missing: it.missing.iter().map(Missing::to_string).collect(),
        }
    }
}

fn read(call: &Call) -> Result<SubmitDocuments, Problem> {
    let corporation = call.corporation()?;
    let kinds: Vec<&str> = DocumentKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let texts = call.texts_beside(&kinds);
    let mut fields = call.fields_of(&texts);
    let mut documents = Vec::new();
    for kind in DocumentKind::ALL.iter().copied() {
        fields.file(kind.as_str(), false);
        let Some(part) = fields.only_file(kind.as_str(), call.parts()) else { continue };
        match document::check(&part.bytes) {
            Ok((media_type, length)) => {
                let bytes = part.bytes[..length].to_vec();
                documents.push(NewDocument { kind, media_type, bytes });
            }
            Err(flaw) => fields.wrong(kind.as_str(), told(flaw)),
        }
    }
    let sum: usize = documents.iter().map(|it| it.bytes.len()).sum();
    if sum > FILES_MAX {
        fields.wrong(kinds[0], "and the other documents together must not exceed 20 MiB");
    }
    fields.finish()?;
    if documents.is_empty() {
        return Err(Problem::invalid_field(kinds[0], "or another document is required"));
    }
    Ok(SubmitDocuments { corporation, documents })
}

/// How a flaw of a document is told.
fn told(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::NoPicture => "must be a PDF document, or a JPEG or PNG picture",
        Flaw::CutOff => "is cut off: it has no end",
        Flaw::Damaged => "is damaged",
        Flaw::MoreBehind => "must be one document: there is something else behind its end",
        Flaw::SomethingElse => "must be a document alone: it carries another kind of file",
        Flaw::Size => "must have 1 to 150,000,000 points",
    }
}

async fn submitted(
    api: Api,
    head: Head,
    command: SubmitDocuments,
) -> Result<Created<SubmittedJson>, Problem> {
    let once = head.once(kept::<_, SubmittedJson>);
    Ok(Created::kept(api.app.submit_documents(head.scope()?, command, once).await?))
}

async fn shown(api: Api, head: Head, (): ()) -> Result<File, Problem> {
    let (scope, named) = (head.scope()?, (head.corporation()?, head.document()?));
    let (media, content) = api.app.corporation_document(scope, named, head.origin()).await?;
    Ok(File { media: media.as_str(), content })
}
