//! A form as a file: all that is kept of it, for whoever audits its partner.

use super::seal::{Picture, form_json, open_form, open_picture};
use crate::audit::{self, Entry, Origin};
use crate::refusals::Refusal;
use crate::{App, Error};
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use domain::admin::Role;
use domain::ids::VerificationId;
use domain::scope::Scope;
use domain::user::{Address, User};
use domain::verification::{Reason, Verification};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use store::db::Tx;
use store::screening;
use store::verifications::{self, Image};
use store::{StoreError, users};

/// Audit records that are read at once.
const PAGE: i64 = 200;
/// How many of them a file tells at most: the newest.
const RECORDS_MAX: usize = 1_000;

/// A form as a file: JSON.
#[derive(Clone)]
pub struct FormFile {
    /// What it is called.
    pub name: String,
    /// What it says.
    pub content: Vec<u8>,
}

impl std::fmt::Debug for FormFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FormFile({}, {} bytes)", self.name, self.content.len())
    }
}

/// All of a form that is kept in rows of its own or of its user's.
struct Kept {
    verification: Verification,
    decided_by: Option<String>,
    form: Vec<u8>,
    images: Vec<Image>,
    /// None who was removed.
    user: Option<User>,
    hits: Vec<screening::Kept>,
}

/// The file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileJson<'a> {
    made_at: String,
    made_by: &'a str,
    verification: Value,
    data: Value,
    user: Option<Value>,
    hits: Vec<Value>,
    records: Vec<Value>,
    records_left_out: bool,
    pictures: Vec<PictureJson<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PictureJson<'a> {
    kind: &'a str,
    media_type: &'static str,
    #[serde(serialize_with = "in_base64")]
    content: &'a [u8],
}

/// Piece by piece: pictures have megabytes.
fn in_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Base64Display::new(bytes, &STANDARD))
}

impl App {
    /// All that is kept of a form, as one file, as who has this role may see its records; that it
    /// was taken is recorded before it is handed out.
    pub async fn export_verification(
        &self,
        (scope, role): (Scope, Role),
        id: VerificationId,
        origin: &Origin,
    ) -> Result<FormFile, Error> {
        let key = self.sealing_of_forms(scope).await?;
        let mut tx = self.db.read().await?;
        let kept = read(&mut tx, scope, id).await;
        let mut kept = tx.end(kept).await?.ok_or(Refusal::VerificationNotFound)?;
        let form = open_form(&key, scope, id, &kept.form)?;
        let images = std::mem::take(&mut kept.images).into_iter();
        let pictures = images.map(|image| open_picture(&key, scope, id, image));
        let pictures = pictures.collect::<Result<Vec<_>, _>>()?;
        let (records, records_left_out) = self.records_of_form((scope, role), id).await?;
        let file = FileJson {
            made_at: moment(self.now()),
            made_by: &origin.actor,
            verification: verification_json(&kept),
            data: form_json(&form),
            user: kept.user.as_ref().map(user_json),
            hits: kept.hits.iter().map(hit_json).collect(),
            records: records.iter().map(record_json).collect(),
            records_left_out,
            pictures: pictures.iter().map(PictureJson::of).collect(),
        };
        let content = serde_json::to_vec_pretty(&file);
        let content = content.map_err(|_| Error::broken("a form can't be written as a file"))?;
        let names: Vec<&str> = pictures.iter().map(|picture| picture.kind.as_str()).collect();
        let entry =
            Entry::shown("verification.export", id.0, &[&["form"][..], &names[..]].concat());
        let mut tx = self.db.begin().await?;
        let recorded = self.record(&mut tx, scope.partner(), origin, entry).await;
        tx.end(recorded).await?;
        Ok(FormFile { name: format!("verification-{}.json", id.0), content })
    }

    /// Who did what to a form, the newest first, and whether there is more than is told.
    async fn records_of_form(
        &self,
        seen: (Scope, Role),
        id: VerificationId,
    ) -> Result<(Vec<audit::Shown>, bool), Error> {
        let asked = audit::Asked { object: Some(id.0.to_string()), ..audit::Asked::default() };
        let (mut records, mut after) = (Vec::new(), None);
        loop {
            let page = self.audit_page(seen, &asked, after, PAGE).await?;
            records.extend(page.items);
            after = page.next;
            if after.is_none() || records.len() >= RECORDS_MAX {
                return Ok((records, after.is_some()));
            }
        }
    }
}

async fn read(tx: &mut Tx, scope: Scope, id: VerificationId) -> Result<Option<Kept>, StoreError> {
    let Some(verification) = verifications::find(tx, scope, id).await? else { return Ok(None) };
    let Some(form) = verifications::form(tx, scope, id).await? else { return Ok(None) };
    let user = verification.user;
    Ok(Some(Kept {
        decided_by: verifications::decided_by(tx, scope, id).await?,
        images: verifications::pictures(tx, scope, id).await?,
        user: users::find(tx, scope, user).await?,
        hits: screening::of_owner(tx, scope, user.into()).await?,
        verification,
        form,
    }))
}

impl<'a> PictureJson<'a> {
    fn of(picture: &'a Picture) -> Self {
        let Picture { kind, media_type, bytes } = picture;
        Self { kind, media_type: media_type.as_str(), content: bytes }
    }
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

fn verification_json(Kept { verification: it, decided_by, .. }: &Kept) -> Value {
    json!({
        "verificationId": it.id.0,
        "userId": it.user.0,
        "status": it.status.as_str(),
        "reason": it.reason.map(Reason::as_str),
        "findings": it.findings.iter().map(|finding| finding.as_str()).collect::<Vec<_>>(),
        "createdAt": moment(it.created_at),
        "decidedAt": it.decided_at.map(moment),
        "decidedBy": decided_by,
        "referredAt": it.referred_at.map(moment),
    })
}

/// As whom the partner has registered the user.
fn user_json(user: &User) -> Value {
    let address = |it: &Address| {
        json!({
            "street": it.street, "number": it.number, "apartment": it.apartment,
            "city": it.city, "postCode": it.post_code, "country": it.country.as_str(),
        })
    };
    let profile = &user.profile;
    json!({
        "firstName": profile.first_name,
        "lastName": profile.last_name,
        "birthDate": profile.birth_date.to_string(),
        "email": profile.email.as_str(),
        "phone": profile.phone.as_str(),
        "externalId": profile.external_id,
        "address": profile.address.as_ref().map(address),
        "state": user.state.as_str(),
        "kyc": user.kyc.as_str(),
    })
}

fn hit_json(hit: &screening::Kept) -> Value {
    let case = &hit.case;
    json!({
        "hitId": hit.id.0,
        "part": case.part,
        "list": case.list.as_str(),
        "entry": case.entry,
        "name": case.name,
        "score": case.score,
        "birth": case.birth.as_str(),
        "state": case.state.as_str(),
        "changed": case.was_changed(),
        "foundAt": moment(hit.found_at),
        "decidedAt": hit.decided_at.map(moment),
        "decidedBy": hit.decided_by,
        "comment": hit.comment,
    })
}

fn record_json(audit::Shown { record, email, is_sealed }: &audit::Shown) -> Value {
    json!({
        "recordId": record.id,
        "at": moment(record.at),
        "actor": record.actor,
        "email": email,
        "action": record.action,
        "detail": record.detail,
        "address": record.address,
        "requestId": record.request_id,
        "sealed": is_sealed,
    })
}
