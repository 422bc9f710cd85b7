//! What a form says and shows, sealed and opened: each to its own row.

use crate::keyring::EPOCH;
use crate::{App, Error};
use crypto::keys::Purpose;
use crypto::seal::{Place, SealingKey};
use domain::Date;
use domain::ids::VerificationId;
use domain::scope::Scope;
use domain::user::{Address, Country};
use domain::verification::picture::MediaType;
use domain::verification::{DocumentType, Form, Pesel, RiskLevel};
use serde_json::{Value, json};
use store::verifications::{Image, Sealed};

/// A picture.
#[derive(Clone)]
pub struct Picture {
    /// `imageFace`, `imageFront` or `imageBack`.
    pub kind: String,
    /// What it is, by its content.
    pub media_type: MediaType,
    /// The picture itself.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}, {} bytes)", self.kind, self.bytes.len())
    }
}

impl App {
    /// What forms of a partner are sealed with. Asked before a transaction: it may need one.
    pub(super) async fn sealing_of_forms(&self, scope: Scope) -> Result<SealingKey, Error> {
        Ok(self.partner_key(scope.partner()).await?.sealing(Purpose::Document, EPOCH))
    }
}

pub(super) fn seal(
    key: &SealingKey,
    scope: Scope,
    id: VerificationId,
    (form, pictures): (&Form, &[Picture]),
) -> Sealed {
    let row = id.0.to_string();
    let images = pictures.iter().map(|picture| {
        let row = row_of(id, &picture.kind);
        Image {
            kind: picture.kind.clone(),
            media_type: picture.media_type,
            sealed: key.seal(&place(scope, "image", &row), &picture.bytes),
        }
    });
    Sealed {
        form: key.seal(&place(scope, "form", &row), form_json(form).to_string().as_bytes()),
        images: images.collect(),
    }
}

pub(crate) fn open_form(
    key: &SealingKey,
    scope: Scope,
    id: VerificationId,
    sealed: &[u8],
) -> Result<Form, Error> {
    let opened = key.open(&place(scope, "form", &id.0.to_string()), sealed)?;
    let value = serde_json::from_slice(&opened).ok();
    value.as_ref().and_then(read_form).ok_or(Error::broken("a form can't be read"))
}

pub(super) fn open_picture(
    key: &SealingKey,
    scope: Scope,
    id: VerificationId,
    image: Image,
) -> Result<Picture, Error> {
    let row = row_of(id, &image.kind);
    let bytes = key.open(&place(scope, "image", &row), &image.sealed)?.to_vec();
    Ok(Picture { kind: image.kind, media_type: image.media_type, bytes })
}

fn row_of(id: VerificationId, kind: &str) -> String {
    format!("{}/{kind}", id.0)
}

fn place<'a>(scope: Scope, column: &'a str, row: &'a str) -> Place<'a> {
    Place { table: "verification", column, partner: scope.partner(), row }
}

/// A form as it is kept.
pub(super) fn form_json(form: &Form) -> Value {
    json!({
        "firstName": form.first_name,
        "lastName": form.last_name,
        "street": form.address.street,
        "number": form.address.number,
        "apartment": form.address.apartment,
        "city": form.address.city,
        "postCode": form.address.post_code,
        "country": form.address.country.as_str(),
        "nationality": form.nationality,
        "birthDate": form.birth_date.to_string(),
        "pesel": form.pesel.as_ref().map(Pesel::digits),
        "documentType": form.document_type.as_str(),
        "identityCardNo": form.document_number,
        "documentExpirationDate": form.document_expires.to_string(),
        "riskLvl": form.risk_level.map(RiskLevel::as_str),
    })
}

fn read_form(value: &Value) -> Option<Form> {
    let maybe = |name: &str| value[name].as_str();
    let text = |name: &str| maybe(name).map(str::to_owned);
    let date = |name: &str| maybe(name)?.parse::<Date>().ok();
    Some(Form {
        first_name: text("firstName")?,
        last_name: text("lastName")?,
        address: Address {
            street: text("street")?,
            number: text("number")?,
            apartment: text("apartment"),
            city: text("city")?,
            post_code: text("postCode")?,
            country: Country::parse(maybe("country")?)?,
        },
        nationality: text("nationality")?,
        birth_date: date("birthDate")?,
        pesel: maybe("pesel").and_then(Pesel::parse),
        document_type: DocumentType::parse(maybe("documentType")?)?,
        document_number: text("identityCardNo")?,
        document_expires: date("documentExpirationDate")?,
        risk_level: maybe("riskLvl").and_then(RiskLevel::parse),
    })
}
