//! Register a user: the quick start's first call.

use crate::audit::{Done, Entry, Origin};
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::screening::Looked;
use crate::{App, Error, Once};
use domain::ids::UserId;
use domain::partner::KycMode;
use domain::scope::Scope;
use domain::user::{Kyc, Profile, User, UserState};
use serde_json::Value;
use store::db::Tx;
use store::users;

/// A user to be.
#[derive(Clone, Debug)]
pub struct Register {
    /// Who they are.
    pub profile: Profile,
    /// Where they stand.
    pub state: UserState,
    /// What came of KYC; obeyed under KYC mode `EXTERNAL` alone.
    pub kyc: Kyc,
}

impl Register {
    /// The user, by an id that nobody has.
    pub(super) fn into_user(self, id: UserId) -> User {
        let Self { profile, state, kyc } = self;
        User { id, profile, state, before_lock: None, kyc, version: 0 }
    }
}

impl App {
    /// Registers a user.
    pub async fn register_user(
        &self,
        scope: Scope,
        command: Register,
        once: Once<User>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let permitted = self.may_set_kyc(scope, command.kyc);
        let hits = self.look_for_user(scope, &command.profile);
        let id = self.new_user_id().await?;
        let mut tx = self.db.begin().await?;
        let user = command.into_user(id);
        let result = match permitted {
            Err(refusal) => Err(refusal.into()),
            Ok(()) => match users::insert(&mut tx, scope, &user, self.now()).await {
                Ok(true) => {
                    let entry = self.registered(scope, &user);
                    self.follow_registration(&mut tx, scope, &user, (&hits, &once.origin))
                        .await
                        .map(|others| Done::changed(user, entry).and(others))
                }
                Ok(false) => Err(Refusal::UserAlreadyExists.into()),
                Err(error) => Err(error.into()),
            },
        };
        self.finish(scope, &once, tx, result).await
    }

    /// What follows from a user being there: a balance, if they are verified, and a lock, if their
    /// name stands on a list; what audit records tell of it.
    pub(crate) async fn follow_registration(
        &self,
        tx: &mut Tx,
        scope: Scope,
        user: &User,
        (looked, origin): (&Looked, &Origin),
    ) -> Result<Vec<Entry>, Error> {
        let mut entries = self.balance_of_verified(tx, scope, user, Kyc::None).await?;
        let found = (user.id.into(), user.id.into(), looked);
        entries.extend(self.keep_new_hits(tx, scope, found, &origin.request_id).await?);
        Ok(entries)
    }

    /// Makes the balance that a user gets as soon as they are verified, if they are so now; what
    /// audit records tell of it.
    pub(crate) async fn balance_of_verified(
        &self,
        tx: &mut Tx,
        scope: Scope,
        user: &User,
        before: Kyc,
    ) -> Result<Vec<Entry>, Error> {
        if before == Kyc::Success || user.kyc != Kyc::Success {
            return Ok(Vec::new());
        }
        self.make_automatic_balance(tx, scope, user.id).await
    }

    /// What the audit record of a registration tells.
    pub(super) fn registered(&self, scope: Scope, user: &User) -> Entry {
        Entry::made("user.register", user.id.0, self.user_facts(scope, user))
    }

    /// Whether the partner may set this flag itself.
    pub(super) fn may_set_kyc(&self, scope: Scope, kyc: Kyc) -> Result<(), Refusal> {
        let settings = self.settings.get();
        let mode = settings.partner(scope.partner()).map(|partner| partner.settings.kyc_mode);
        if kyc == Kyc::None || mode == Some(KycMode::External) {
            Ok(())
        } else {
            Err(Refusal::KycNotPermitted)
        }
    }
}
