//! Check the forms of partners whose verifications are decided by themselves (KYC mode
//! `AUTOMATIC`): decided is what is plain, the rest waits for a person. Where there is an eKYC
//! provider, it is asked about all that isn't plainly wrong.

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
use domain::verification::check::{Doubt, Pictures, Screening, Seen, Verdict, judge};
use domain::verification::provider::View;
use outbound::ekyc::Provider;
use serde_json::{Value, json};
use store::{ekyc, users, verifications};

/// Forms that are read at once.
const FORMS: i64 = 16;
const FACE: &str = "imageFace";

impl App {
    /// Checks the forms that wait for it; how many there were.
    pub async fn check_verifications(&self, provider: Option<&Provider>) -> Result<u64, Error> {
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
                    self.check_verification(scope, form, provider).await?;
                    checked += 1;
                }
            }
        }
        Ok(checked)
    }

    /// Whatever comes of it, the form doesn't wait for this any more.
    async fn check_verification(
        &self,
        scope: Scope,
        form: &Verification,
        provider: Option<&Provider>,
    ) -> Result<(), Error> {
        let (id, origin) = (form.id, origin());
        let verdict = match self.judge_verification(scope, form).await {
            Ok(verdict) => verdict,
            Err(error @ Error::Unavailable(..)) => return Err(error),
            Err(error) => {
                let id = id.0;
                tracing::error!(%id, error = %Chain(&error), "a form can't be checked");
                return self.refer(scope, form.id, &origin, json!({})).await;
            }
        };
        match provider.and_then(|_| View::of(verdict)) {
            Some(view) => self.hand_over(scope, id, view, &origin).await,
            None => self.carry_out_verdict(scope, id, (verdict, json!({})), &origin).await,
        }
    }

    /// Carries out what came of a form. `facts` tell the audit record of one that is referred who
    /// else was asked.
    pub(super) async fn carry_out_verdict(
        &self,
        scope: Scope,
        id: VerificationId,
        (verdict, facts): (Verdict, Value),
        origin: &Origin,
    ) -> Result<(), Error> {
        let decided = match verdict {
            Verdict::Referred(Doubt::Sharpness | Doubt::Other) => {
                return self.refer(scope, id, origin, facts).await;
            }
            Verdict::Decided(decision) => {
                self.decide_by_itself(scope, (id, decision), origin).await
            }
        };
        match decided {
            // A person was faster, or the user is gone, or was found on a list meanwhile.
            Err(Error::Refused(_)) => self.refer(scope, id, origin, facts).await,
            Err(error @ Error::Internal(..)) => {
                let form = id.0;
                tracing::error!(id = %form, error = %Chain(&error), "a form can't be checked");
                self.refer(scope, id, origin, facts).await
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

    /// Leaves a form to the provider, which is asked by a worker of its own.
    async fn hand_over(
        &self,
        scope: Scope,
        id: VerificationId,
        view: View,
        origin: &Origin,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let handed_over = async {
            if ekyc::hand_over(&mut tx, scope, id, view, self.now()).await? {
                let facts = json!({ "view": view.as_str() });
                let entry = Entry::made("verification.ask", id.0, facts);
                self.record(&mut tx, scope.partner(), origin, entry).await?;
            }
            Ok::<_, Error>(())
        };
        let handed_over = handed_over.await;
        tx.end(handed_over).await
    }

    /// Leaves a form to a person.
    pub(super) async fn refer(
        &self,
        scope: Scope,
        id: VerificationId,
        origin: &Origin,
        facts: Value,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let referred = async {
            if verifications::refer(&mut tx, scope, id, self.now()).await? {
                let entry = Entry::made("verification.refer", id.0, facts);
                self.record(&mut tx, scope.partner(), origin, entry).await?;
            }
            Ok::<_, Error>(())
        };
        let referred = referred.await;
        tx.end(referred).await
    }
}

fn origin() -> Origin {
    Origin::here("worker:verifier")
}
