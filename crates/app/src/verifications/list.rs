//! List and show forms.

use super::seal::{Picture, open_form, open_picture};
use crate::audit::{Entry, Origin};
use crate::page::Page;
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::ids::{UserId, VerificationId};
use domain::scope::Scope;
use domain::verification::{Form, Verification, VerificationStatus};
use store::{users, verifications};
use uuid::Uuid;

/// A form with what it says.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Where it stands.
    pub verification: Verification,
    /// What it says.
    pub form: Form,
    /// Which pictures it has.
    pub pictures: Vec<String>,
}

impl App {
    /// A user's forms, the newest first; 200 at most.
    pub async fn verifications_of(
        &self,
        scope: Scope,
        user: UserId,
    ) -> Result<Vec<Verification>, Error> {
        let mut tx = self.db.read().await?;
        let found = async {
            users::find(&mut tx, scope, user).await?.ok_or(Refusal::CustomerNotFound)?;
            Ok::<_, Error>(verifications::list_of_user(&mut tx, scope, user).await?)
        };
        let found = found.await;
        tx.end(found).await
    }

    /// The forms of a partner that stand so: those that are to be decided the oldest first, those
    /// that are decided the last decided first.
    pub async fn verifications_by_status(
        &self,
        scope: Scope,
        status: VerificationStatus,
        after: Option<VerificationId>,
        limit: i64,
    ) -> Result<Page<Verification, Uuid>, Error> {
        let mut tx = self.db.read().await?;
        let rows = match status {
            VerificationStatus::InProgress => {
                verifications::list_open(&mut tx, scope, after, limit + 1).await
            }
            VerificationStatus::Accepted | VerificationStatus::Rejected => {
                let asked = (status, after);
                verifications::list_decided(&mut tx, scope, asked, limit + 1).await
            }
        };
        Ok(Page::of(tx.end(rows).await?, limit, |form| form.id.0))
    }

    /// A form with what it says; that it was shown is recorded.
    pub async fn verification(
        &self,
        scope: Scope,
        id: VerificationId,
        origin: &Origin,
    ) -> Result<Shown, Error> {
        let key = self.sealing_of_forms(scope).await?;
        let mut tx = self.db.begin().await?;
        let shown = async {
            let verification = verifications::find(&mut tx, scope, id).await?;
            let verification = verification.ok_or(Refusal::VerificationNotFound)?;
            let sealed = verifications::form(&mut tx, scope, id).await?;
            let sealed = sealed.ok_or(Refusal::VerificationNotFound)?;
            let pictures = verifications::kinds(&mut tx, scope, id).await?;
            let entry = Entry::shown("verification.show", id.0, &["form"]);
            self.record(&mut tx, scope.partner(), origin, entry).await?;
            Ok((verification, sealed, pictures))
        };
        let shown: Result<_, Error> = shown.await;
        let (verification, sealed, pictures) = tx.end(shown).await?;
        Ok(Shown { verification, form: open_form(&key, scope, id, &sealed)?, pictures })
    }

    /// A form's picture; that it was shown is recorded.
    pub async fn verification_picture(
        &self,
        scope: Scope,
        (id, kind): (VerificationId, &str),
        origin: &Origin,
    ) -> Result<Picture, Error> {
        let key = self.sealing_of_forms(scope).await?;
        let mut tx = self.db.begin().await?;
        let found = async {
            let picture = verifications::picture(&mut tx, scope, id, kind).await?;
            let picture = picture.ok_or(Refusal::VerificationNotFound)?;
            let entry = Entry::shown("verification.show", id.0, &[&picture.kind]);
            self.record(&mut tx, scope.partner(), origin, entry).await?;
            Ok(picture)
        };
        let found: Result<_, Error> = found.await;
        let found = tx.end(found).await?;
        open_picture(&key, scope, id, found)
    }
}
