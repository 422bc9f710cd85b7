//! Check the forms of partners whose verifications are decided by themselves (KYC mode
//! `AUTOMATIC`): decided is what is plain, the rest waits for a person.

use super::seal::{open_form, open_picture};
use super::see::see;
use crate::audit::{Entry, Origin};
use crate::error::Chain;
use crate::{App, Error};
use domain::ids::VerificationId;
use domain::partner::{KycMode, PartnerState};
use domain::scope::Scope;
use domain::user::TransactionalLock;
use domain::verification::Verification;
use domain::verification::check::{Pictures, Screening, Seen, Verdict, judge};
use serde_json::json;
use store::{users, verifications};

/// Forms that are read at once.
const FORMS: i64 = 16;
const FACE: &str = "imageFace";

impl App {
    /// Checks the forms that wait for it; how many there were.
    pub async fn check_verifications(&self) -> Result<u64, Error> {
        let settings = self.settings.get();
        let mut checked = 0;
        for partner in settings.partners() {
            let automatic = partner.settings.kyc_mode == KycMode::Automatic;
            if !automatic || partner.state != PartnerState::Live {
                continue;
            }
            let scope = Scope::platform(partner.id, "forms are checked");
            loop {
                let mut tx = self.db.read().await?;
                let forms = verifications::list_to_check(&mut tx, partner.id, FORMS).await;
                let forms = tx.end(forms).await?;
                if forms.is_empty() || self.tasks.is_stopping() {
                    break;
                }
                for form in &forms {
                    self.check_verification(scope, form).await?;
                    checked += 1;
                }
            }
        }
        Ok(checked)
    }

    /// Whatever comes of it, the form doesn't wait for this any more.
    async fn check_verification(&self, scope: Scope, form: &Verification) -> Result<(), Error> {
        let verdict = match self.judge_verification(scope, form).await {
            Ok(verdict) => verdict,
            Err(error @ Error::Unavailable(..)) => return Err(error),
            Err(error) => {
                let id = form.id.0;
                tracing::error!(%id, error = %Chain(&error), "a form can't be checked");
                Verdict::Referred
            }
        };
        let origin = origin();
        let decided = match verdict {
            Verdict::Referred => return self.refer(scope, form.id, &origin).await,
            Verdict::Decided(decision) => {
                self.decide_by_itself(scope, (form.id, decision), &origin).await
            }
        };
        match decided {
            // A person was faster, or the user is gone, or was found on a list meanwhile.
            Err(Error::Refused(_)) => self.refer(scope, form.id, &origin).await,
            Err(error @ Error::Internal(..)) => {
                let id = form.id.0;
                tracing::error!(%id, error = %Chain(&error), "a form can't be checked");
                self.refer(scope, form.id, &origin).await
            }
            decided => decided,
        }
    }

    async fn judge_verification(
        &self,
        scope: Scope,
        verification: &Verification,
    ) -> Result<Verdict, Error> {
        let (id, key) = (verification.id, self.sealing_of_forms(scope).await?);
        let mut tx = self.db.read().await?;
        let read = async {
            let form = verifications::form(&mut tx, scope, id).await?;
            let images = verifications::pictures(&mut tx, scope, id).await?;
            let locks = users::transactional_locks(&mut tx, scope, verification.user).await?;
            Ok::<_, Error>((form.ok_or(Error::broken("a form is gone"))?, images, locks))
        };
        let read = read.await;
        let (form, images, locks) = tx.end(read).await?;
        let form = open_form(&key, scope, id, &form)?;
        let images = images.into_iter().map(|image| open_picture(&key, scope, id, image));
        let images: Vec<_> = images.collect::<Result<_, _>>()?;
        let looked = tokio::task::spawn_blocking(move || {
            let face = images.iter().find(|image| image.kind == FACE);
            Pictures {
                face: face.map_or(Seen::Nothing, see),
                document: images.iter().filter(|image| image.kind != FACE).map(see).collect(),
            }
        });
        let pictures = looked.await.map_err(|_| Error::broken("a picture can't be looked at"))?;
        let screening = match locks.contains(&TransactionalLock::ScreeningDetected) {
            true => Screening::Hit,
            false => Screening::Clear,
        };
        Ok(judge(&form, &verification.findings, &pictures, screening, self.today()))
    }

    async fn refer(&self, scope: Scope, id: VerificationId, origin: &Origin) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let referred = async {
            if verifications::refer(&mut tx, scope, id, self.now()).await? {
                let entry = Entry::made("verification.refer", id.0, json!({}));
                self.record(&mut tx, scope.partner(), origin, entry).await?;
            }
            Ok::<_, Error>(())
        };
        let referred = referred.await;
        tx.end(referred).await
    }
}

fn origin() -> Origin {
    Origin {
        actor: "worker:verifier".to_owned(),
        address: None,
        request_id: crate::ids::random_id().to_string(),
    }
}
