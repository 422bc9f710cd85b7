//! Decide a form: somebody of the partner's or the operator's, or the automatic check.

use super::seal::open_form;
use crate::audit::{Done, Entry, Operator, Origin};
use crate::once::Turn;
use crate::outbox::{CONTACT, News};
use crate::owners::{self, OwnerName};
use crate::refusals::Refusal;
use crate::users::LockChange;
use crate::{App, Error, Once};
use domain::ids::{PartnerId, VerificationId};
use domain::notification::Event;
use domain::partner::KycMode;
use domain::scope::Scope;
use domain::screening::cases::locks;
use domain::user::{Kyc, TransactionalLock, User};
use domain::verification::{Decision, Form, Reason, Verification, VerificationStatus, kyc_after};
use domain::{Date, Outcome};
use serde_json::{Value, json};
use store::db::Tx;
use store::{screening, users, verifications};

impl App {
    /// Decides a form. The same decision again succeeds and changes nothing.
    pub async fn decide_verification(
        &self,
        scope: Scope,
        id: VerificationId,
        decision: Decision,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let form = match self.form_of(scope, id).await {
            Err(Error::Refused(refusal)) => return self.keep_refusal(scope, &once, refusal).await,
            form => form?,
        };
        let mut tx = self.db.begin().await?;
        let by = (&once.origin, false);
        let result = self.decide_in(&mut tx, scope, (id, &form, decision), by).await;
        let answer = self.finish(scope, &once, tx, result).await;
        self.outbox.bell().ring();
        answer
    }

    /// Decides a form in the name of the operator.
    pub async fn decide_verification_as(
        &self,
        operator: &Operator,
        partner: PartnerId,
        (id, decision): (VerificationId, Decision),
    ) -> Result<(), Error> {
        let scope = Scope::platform(partner, "the operator decides a form");
        let origin = Origin::here(&operator.0);
        self.decide_and_record(scope, (id, decision), (&origin, false)).await
    }

    /// Decides a form without a person: nobody is accepted who may stand on a list.
    pub(super) async fn decide_by_itself(
        &self,
        scope: Scope,
        decided: (VerificationId, Decision),
        origin: &Origin,
    ) -> Result<(), Error> {
        self.decide_and_record(scope, decided, (origin, true)).await
    }

    async fn decide_and_record(
        &self,
        scope: Scope,
        (id, decision): (VerificationId, Decision),
        by: (&Origin, bool),
    ) -> Result<(), Error> {
        let form = self.form_of(scope, id).await?;
        let mut tx = self.db.begin().await?;
        let decided = async {
            let done = self.decide_in(&mut tx, scope, (id, &form, decision), by).await?;
            self.record_all(&mut tx, scope.partner(), by.0, done.entries).await
        };
        let decided = decided.await;
        tx.end(decided).await?;
        self.outbox.bell().ring();
        Ok(())
    }

    /// What a form says, which doesn't change.
    pub(super) async fn form_of(&self, scope: Scope, id: VerificationId) -> Result<Form, Error> {
        let key = self.sealing_of_forms(scope).await?;
        let mut tx = self.db.read().await?;
        let sealed = verifications::form(&mut tx, scope, id).await;
        let sealed = tx.end(sealed).await?.ok_or(Refusal::VerificationNotFound)?;
        open_form(&key, scope, id, &sealed)
    }

    /// The user first, as everybody locks; a form never changes its user.
    async fn decide_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (id, form, decision): (VerificationId, &Form, Decision),
        (origin, by_itself): (&Origin, bool),
    ) -> Result<Done<()>, Error> {
        let of = verifications::find(tx, scope, id).await?.ok_or(Refusal::VerificationNotFound)?;
        let user =
            users::find_locked(tx, scope, of.user).await?.ok_or(Refusal::CustomerNotFound)?;
        // The partner may have got another mode, and the user another name, since it was looked at.
        if by_itself && !self.is_automatic(scope) {
            return Err(Refusal::KycNotPermitted.into());
        }
        if by_itself && decision == Decision::Accept {
            if !form.is_of(&user.profile) {
                return Err(Refusal::KycNotPermitted.into());
            }
            let hits = screening::of_owner(tx, scope, user.id.into()).await?;
            if locks(hits.iter().map(|hit| &hit.case)) {
                return Err(Refusal::AmlException.into());
            }
        }
        let found = verifications::find_locked(tx, scope, id).await?;
        let mut verification = found.ok_or(Refusal::VerificationNotFound)?;
        let was = verification.status;
        if verification.decide(decision, self.now())? == Outcome::AlreadyApplied {
            return Ok(Done::unchanged(()));
        }
        let (before, counts) = (user.kyc, self.decides_kyc(scope));
        let watched =
            Some(form.document_expires).filter(|_| counts && decision == Decision::Accept);
        if watched.is_some() {
            verifications::unwatch(tx, scope, user.id).await?;
        }
        let by = (origin.actor.as_str(), watched);
        verifications::decide(tx, scope, &verification, by).await?;
        let told = |status: VerificationStatus, reason: Option<Reason>, kyc: Kyc| {
            json!({
                "status": status.as_str(), "reason": reason.map(Reason::as_str),
                "kyc": kyc.as_str(),
            })
        };
        let (mut after, mut others) = (before, Vec::new());
        if counts {
            after = kyc_after(
                before,
                decision,
                verifications::others_open(tx, scope, &verification).await?,
            );
            others = self.take_kyc(tx, scope, (user, after), watched, origin).await?;
            self.tell_of_form(tx, scope, &verification, &origin.request_id).await?;
        }
        let (was, is) =
            (told(was, None, before), told(verification.status, verification.reason, after));
        let entry = Entry::changed("verification.decide", id.0, &was, &is);
        Ok(Done::changed((), entry.with("userId", verification.user.0.into())).and(others))
    }

    /// Gives a user what came of KYC, and what follows from it; what audit records tell of that.
    async fn take_kyc(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (mut user, kyc): (User, Kyc),
        watched: Option<Date>,
        origin: &Origin,
    ) -> Result<Vec<Entry>, Error> {
        let (id, before) = (user.id, user.clone());
        user.take_kyc(kyc);
        let mut entries = Vec::new();
        if user != before {
            users::update(tx, scope, &user).await?;
        }
        entries.extend(self.balance_of_verified(tx, scope, &user, before.kyc).await?);
        if watched.is_some_and(|last| last >= self.today()) {
            let found = owners::find_locked(tx, scope, OwnerName::User(id)).await?;
            let change = (TransactionalLock::DocumentExpired, LockChange::TakeOff);
            let request_id = origin.request_id.as_str();
            entries.extend(self.change_lock_of(tx, scope, &found, change, request_id).await?);
        }
        Ok(entries)
    }

    /// Whether forms are decided without a person now.
    fn is_automatic(&self, scope: Scope) -> bool {
        let settings = self.settings.get();
        let partner = settings.partner(scope.partner());
        partner.is_some_and(|partner| partner.settings.kyc_mode == KycMode::Automatic)
    }

    /// Whether what is decided here counts: a partner with its own KYC sets the flag itself.
    pub(crate) fn decides_kyc(&self, scope: Scope) -> bool {
        let settings = self.settings.get();
        let partner = settings.partner(scope.partner());
        partner.is_some_and(|partner| partner.settings.kyc_mode != KycMode::External)
    }

    /// Has the partner told where a form stands, unless the partner itself decides.
    pub(super) async fn tell_of_form(
        &self,
        tx: &mut Tx,
        scope: Scope,
        form: &Verification,
        request_id: &str,
    ) -> Result<(), Error> {
        let partner = scope.partner();
        if !self.decides_kyc(scope) {
            return Ok(());
        }
        let event = match form.status {
            VerificationStatus::InProgress => Event::VerificationInProgress,
            VerificationStatus::Accepted => Event::VerificationAccepted,
            VerificationStatus::Rejected => Event::VerificationRejected,
        };
        let contact = users::contacts(tx, partner, std::iter::once(form.user)).await?.pop();
        let (_, contact) = contact.ok_or(Error::broken("a form is nobody's"))?;
        let name = (form.id.0.to_string(), form.status.as_str());
        let contact = self.seal_contact(partner, (&name.0, name.1), &contact).await?;
        let detail = json!({
            "verificationId": form.id.0,
            "userId": form.user.0,
            "status": form.status.as_str(),
            "reason": form.reason.map(Reason::as_str),
            CONTACT: contact,
        });
        self.tell(tx, scope, News::of_owner(form.user.into(), event, detail), request_id).await
    }
}
