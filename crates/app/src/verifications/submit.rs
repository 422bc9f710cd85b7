//! Submit a KYC form: what it says and shows is kept sealed, and what is doubtful about it is
//! found, for who decides.

use crate::audit::{Done, Entry};
use crate::keyring::EPOCH;
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::{App, Error, Once, ids};
use crypto::keys::Purpose;
use crypto::seal::{Place, SealingKey};
use domain::ids::{UserId, VerificationId};
use domain::partner::KycMode;
use domain::scope::Scope;
use domain::user::{Kyc, User};
use domain::verification::{
    BackImage, Form, Pesel, RiskLevel, Verification, VerificationStatus, findings,
};
use serde_json::{Value, json};
use store::db::Tx;
use store::verifications::Sealed;
use store::{users, verifications};

/// A form that could be read.
#[derive(Clone, Debug)]
pub struct Submit {
    /// Whose it is.
    pub user: UserId,
    /// What it says.
    pub form: Form,
    /// What it shows.
    pub images: Vec<Image>,
}

/// A picture.
#[derive(Clone)]
pub struct Image {
    /// `imageFace`, `imageFront` or `imageBack`.
    pub kind: &'static str,
    /// `image/jpeg` or `image/png`, by its content.
    pub media_type: &'static str,
    /// The picture itself.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Image({}, {} bytes)", self.kind, self.bytes.len())
    }
}

impl App {
    /// Submits a form.
    pub async fn submit_verification(
        &self,
        scope: Scope,
        command: Submit,
        once: Once<Verification>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let sealing = self.partner_key(scope.partner()).await?.sealing(Purpose::Document, EPOCH);
        let id = ids::new_verification_id();
        // Pictures are large: what takes long is done before the transaction.
        let facts = self.form_facts(scope, &command, id);
        let sealed = seal(&sealing, scope, id, &command);
        let mut tx = self.db.begin().await?;
        let result = self.submit_in(&mut tx, scope, &command, (id, &sealed, facts)).await;
        self.finish(scope, &once, tx, result).await
    }

    async fn submit_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        command: &Submit,
        made: (VerificationId, &Sealed, Value),
    ) -> Result<Done<Verification>, Error> {
        let (id, sealed, facts) = made;
        let user = users::find_locked(tx, scope, command.user).await?;
        let user = user.ok_or(Refusal::CustomerNotFound)?;
        let back = match command.images.iter().any(|image| image.kind == "imageBack") {
            true => BackImage::Given,
            false => BackImage::Missing,
        };
        let verification = Verification {
            id,
            status: VerificationStatus::InProgress,
            findings: findings(&command.form, &user.profile, back, self.today()),
        };
        verifications::insert(tx, scope, user.id, &verification, sealed, self.now()).await?;
        let before = user.kyc;
        let moved = self.in_progress(scope, user);
        if let Some(user) = &moved {
            users::update(tx, scope, user).await?;
        }
        let after = moved.map_or(before, |user| user.kyc);
        let entry = Entry::made("verification.submit", id.0, facts);
        let kyc = json!({ "before": before.as_str(), "after": after.as_str() });
        Ok(Done::changed(verification, entry.with("kyc", kyc)))
    }

    /// What an audit record tells of a form: whose it is, and digests of what it says and shows.
    fn form_facts(&self, scope: Scope, command: &Submit, id: VerificationId) -> Value {
        let digests = self.digests(scope.partner(), format!("verification/{}", id.0));
        let mut facts = json!({
            "userId": command.user.0,
            "form": digests.of("form", Some(&form_json(&command.form).to_string())),
        });
        for image in &command.images {
            facts[image.kind] = digests.of_bytes(image.kind, &image.bytes);
        }
        facts
    }

    /// A form puts a user's KYC in progress, unless it has succeeded or the partner decides it.
    fn in_progress(&self, scope: Scope, user: User) -> Option<User> {
        let settings = self.settings.get();
        let mode = settings.partner(scope.partner()).map(|partner| partner.settings.kyc_mode);
        let moves = mode != Some(KycMode::External) && user.kyc != Kyc::Success;
        moves.then_some(User { kyc: Kyc::InProgress, ..user })
    }
}

/// Seals the form and its pictures, each to its own row.
fn seal(sealing: &SealingKey, scope: Scope, id: VerificationId, command: &Submit) -> Sealed {
    let row = id.0.to_string();
    let form = form_json(&command.form).to_string();
    let images = command.images.iter().map(|image| {
        let row = format!("{row}/{}", image.kind);
        verifications::Image {
            kind: image.kind,
            media_type: image.media_type,
            sealed: sealing.seal(&place(scope, "image", &row), &image.bytes),
        }
    });
    Sealed {
        form: sealing.seal(&place(scope, "form", &row), form.as_bytes()),
        images: images.collect(),
    }
}

fn place<'a>(scope: Scope, column: &'a str, row: &'a str) -> Place<'a> {
    Place { table: "verification", column, partner: scope.partner(), row }
}

fn form_json(form: &Form) -> Value {
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
