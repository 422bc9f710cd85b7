//! `POST /secure/customers/{customerId}/verification`, the same as `…/register`: a form with
//! pictures. What can't be read is refused, all fields at once; what is doubtful is kept for who
//! decides.

use super::Status;
use crate::Api;
use crate::answer::{Created, Named, kept};
use crate::call::{Call, Head, Part};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{Fields, Read, Reader, address_fields, date, parsed, schema, text, word};
use app::verifications::{Picture, Submit};
use domain::verification::picture::{self, Flaw, MediaType};
use domain::verification::{DocumentType, Form, Pesel, RiskLevel, Verification};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The pictures of a form; the last is optional.
pub(crate) const IMAGES: [&str; 3] = ["imageFace", "imageFront", "imageBack"];
/// All pictures or documents of a form together, in bytes.
pub(crate) const FILES_MAX: usize = 20 * 1024 * 1024;

/// Submits a form → 201 `{"verificationId", "status": "IN_PROGRESS"}`.
pub(crate) fn submit() -> Endpoint {
    Endpoint::form(read, submitted).about(
        "KYC",
        "Submit a KYC form",
        "What can't be read is refused, all fields at once; what is doubtful is kept for who \
         decides. Each picture is one whole JPEG or PNG and nothing else, by its content; together \
         they have 20 MiB at most.",
    )
}

async fn submitted(
    api: Api,
    head: Head,
    command: Submit,
) -> Result<Created<VerificationJson>, Problem> {
    let once = head.once(kept::<_, VerificationJson>);
    Ok(Created::kept(api.app.submit_verification(head.scope()?, command, once).await?))
}

/// Where a form stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Verification)]
struct VerificationJson {
    /// The form's id.
    verification_id: Uuid,
    /// Where it stands.
    status: Status,
}

impl From<&Verification> for VerificationJson {
    fn from(verification: &Verification) -> Self {
        Self { verification_id: verification.id.0, status: Named(verification.status) }
    }
}

fn read(call: &Call) -> Result<Submit, Problem> {
    let (user, parts) = (call.user()?, call.parts());
    let texts = call.texts_beside(&IMAGES);
    let mut fields = call.fields_of(&texts);
    let form = form(&mut fields);
    let images = images(&mut fields, parts);
    let Some(form) = form else { return Err(fields.problem()) };
    fields.finish()?;
    Ok(Submit { user, form, images })
}

fn form(fields: &mut Fields<'_>) -> Option<Form> {
    let first_name = fields.required("firstName", text(100));
    let last_name = fields.required("lastName", text(100));
    let address = address_fields(fields);
    let nationality = fields.required("nationality", text(60));
    let birth_date = fields.required("birthDate", date());
    let pesel = fields.optional("pesel", pesel());
    let documents = "must be passport, identity_card, driving_licence or residence_permit";
    let document_type = fields.required("documentType", word(DocumentType::ALL, documents));
    let document_number = fields.required("identityCardNo", text(40));
    let document_expires = fields.required("documentExpirationDate", date());
    let levels = word(RiskLevel::ALL, "must be LOW, MEDIUM or HIGH");
    let risk_level = fields.optional("riskLvl", levels);
    Some(Form {
        first_name: first_name?,
        last_name: last_name?,
        address: address?,
        nationality: nationality?,
        birth_date: birth_date?,
        pesel,
        document_type: document_type?,
        document_number: document_number?,
        document_expires: document_expires?,
        risk_level,
    })
}

/// A Polish personal number.
fn pesel() -> impl Reader<Pesel> {
    parsed(Pesel::parse, || schema::pattern("^[0-9]{11}$"), "must be 11 digits")
}

fn images(fields: &mut Fields<'_>, parts: &[Part]) -> Vec<Picture> {
    let mut images = Vec::new();
    for (kind, needed) in [(IMAGES[0], true), (IMAGES[1], true), (IMAGES[2], false)] {
        fields.file(kind, needed);
        match fields.only_file(kind, parts) {
            Some(part) => match media_type(&part.bytes) {
                Ok((media_type, length)) => {
                    let (kind, bytes) = (kind.to_owned(), part.bytes[..length].to_vec());
                    images.push(Picture { kind, media_type, bytes });
                }
                Err(message) => fields.wrong(kind, message),
            },
            None if needed => fields.wrong(kind, "is required"),
            None => {}
        }
    }
    if images.iter().map(|image| image.bytes.len()).sum::<usize>() > FILES_MAX {
        fields.wrong(IMAGES[0], "and the other pictures together must not exceed 20 MiB");
    }
    images
}

/// What a picture is by its content: its name and its header say nothing.
fn media_type(bytes: &[u8]) -> Read<(MediaType, usize)> {
    picture::check(bytes).map_err(|flaw| match flaw {
        Flaw::NoPicture => "must be a JPEG or PNG picture",
        Flaw::CutOff => "is cut off: the picture has no end",
        Flaw::Damaged => "is damaged",
        Flaw::MoreBehind => "must be one picture: there is something else behind its end",
        Flaw::SomethingElse => "must be a picture alone: it carries another kind of file",
        Flaw::Size => "must have 1 to 150,000,000 points",
    })
}
