//! Submit a KYC form: what it says and shows is kept sealed, and what is doubtful about it is
//! found, for who decides.

use super::seal::{Picture, form_json, seal};
use crate::audit::{Done, Entry};
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::{App, Error, Once, ids};
use domain::ids::{UserId, VerificationId};
use domain::scope::Scope;
use domain::user::{Kyc, User};
use domain::verification::{BackImage, Form, Verification, VerificationStatus, findings};
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
    pub images: Vec<Picture>,
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
        let sealing = self.sealing_of_forms(scope).await?;
        let id = ids::new_verification_id();
        // Pictures are large: what takes long is done before the transaction.
        let facts = self.form_facts(scope, &command, id);
        let sealed = seal(&sealing, scope, id, (&command.form, &command.images));
        let mut tx = self.db.begin().await?;
        let request_id = once.origin.request_id.as_str();
        let made = (id, &sealed, facts);
        let result = self.submit_in(&mut tx, scope, &command, made, request_id).await;
        let answer = self.finish(scope, &once, tx, result).await;
        self.outbox.bell().ring();
        answer
    }

    async fn submit_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        command: &Submit,
        made: (VerificationId, &Sealed, Value),
        request_id: &str,
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
            user: user.id,
            status: VerificationStatus::InProgress,
            reason: None,
            findings: findings(&command.form, &user.profile, back, self.today()),
            created_at: self.now(),
            decided_at: None,
            referred_at: None,
        };
        verifications::insert(tx, scope, &verification, sealed).await?;
        self.tell_of_form(tx, scope, &verification, request_id).await?;
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
            facts[image.kind.as_str()] = digests.of_bytes(&image.kind, &image.bytes);
        }
        facts
    }

    /// A form puts a user's KYC in progress, unless it has succeeded or the partner decides it.
    fn in_progress(&self, scope: Scope, user: User) -> Option<User> {
        let moves = self.decides_kyc(scope) && user.kyc != Kyc::Success;
        moves.then_some(User { kyc: Kyc::InProgress, ..user })
    }
}
