//! `GET /admin/verifications/{verificationId}` and `…/pictures/{picture}`: what a form says and
//! shows. Each time that is recorded.

use super::submit::IMAGES;
use super::{FormJson, TAG};
use crate::Api;
use crate::answer::{Done, File, Named};
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::users::AddressJson;
use app::verifications::Shown;
use domain::verification::{DocumentType, Form, Pesel, RiskLevel};
use serde::Serialize;
use utoipa::ToSchema;

/// Shows what a form says.
pub(crate) fn show() -> Endpoint {
    Endpoint::of(nothing, shown).about(
        TAG,
        "Show a KYC form",
        "What it says, what is doubtful about it, and which pictures it has. That it was shown is \
         recorded.",
    )
}

/// Shows one of its pictures.
pub(crate) fn picture() -> Endpoint {
    Endpoint::of(nothing, pictured).about(
        TAG,
        "Show a picture of a KYC form",
        "As it was sent. That it was shown is recorded.",
    )
}

type Document = Named<DocumentType>;
type Risk = Named<RiskLevel>;

/// A form with what it says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VerificationShown)]
struct ShownJson {
    /// The form and where it stands.
    #[serde(flatten)]
    form: FormJson,
    /// What it says.
    data: DataJson,
    /// Its pictures, as `…/pictures/{picture}` names them.
    pictures: Vec<String>,
}

/// What a form says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VerificationData)]
struct DataJson {
    /// Given name.
    first_name: String,
    /// Family name.
    last_name: String,
    /// Where they live.
    address: AddressJson,
    /// Free text or alpha-2.
    nationality: String,
    /// Day of birth.
    birth_date: String,
    /// The Polish personal number.
    pesel: Option<String>,
    /// What proves it.
    document_type: Document,
    /// The document's number.
    identity_card_no: String,
    /// The document's last day.
    document_expiration_date: String,
    /// How risky the partner thinks the person is.
    risk_lvl: Option<Risk>,
}

impl DataJson {
    fn of(form: Form) -> Self {
        Self {
            address: AddressJson::from(&form.address),
            first_name: form.first_name,
            last_name: form.last_name,
            nationality: form.nationality,
            birth_date: form.birth_date.to_string(),
            pesel: form.pesel.as_ref().map(Pesel::digits),
            document_type: Named(form.document_type),
            identity_card_no: form.document_number,
            document_expiration_date: form.document_expires.to_string(),
            risk_lvl: form.risk_level.map(Named),
        }
    }
}

async fn shown(api: Api, head: Head, (): ()) -> Result<Done<ShownJson>, Problem> {
    let (scope, id) = (head.scope()?, head.verification()?);
    let Shown { verification, form, pictures } =
        api.app.verification(scope, id, head.origin()).await?;
    let form = (FormJson::of(&verification), DataJson::of(form));
    Ok(Done::with(&ShownJson { form: form.0, data: form.1, pictures }))
}

async fn pictured(api: Api, head: Head, (): ()) -> Result<File, Problem> {
    let (scope, id, asked) = (head.scope()?, head.verification()?, head.picture());
    // One that can't be there needn't be looked for.
    let kind = IMAGES.iter().find(|kind| **kind == asked).copied().unwrap_or_default();
    let found = api.app.verification_picture(scope, (id, kind), head.origin()).await?;
    Ok(File { media: found.media_type.as_str(), content: found.bytes })
}
