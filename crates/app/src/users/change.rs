//! Change a user.

use super::lock::end_sessions;
use crate::audit::{Done, Entry, Origin};
use crate::once::Turn;
use crate::owners;
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::Date;
use domain::ids::UserId;
use domain::scope::Scope;
use domain::screening::cases::Because;
use domain::user::{Address, Email, Kyc, Phone, User, UserState};
use serde_json::Value;
use store::db::Tx;
use store::{StoreError, users};

/// What is to change; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Telephone number.
    pub phone: Option<Phone>,
    /// E-mail address.
    pub email: Option<Email>,
    /// Day of birth.
    pub birth_date: Option<Date>,
    /// The partner's own name for the user.
    pub external_id: Option<String>,
    /// Where they live.
    pub address: Option<Address>,
    /// Where they stand.
    pub state: Option<UserState>,
    /// What came of KYC; obeyed under KYC mode `EXTERNAL` alone.
    pub kyc: Option<Kyc>,
}

impl App {
    /// Changes a user.
    pub async fn change_user(
        &self,
        scope: Scope,
        id: UserId,
        changes: Changes,
        once: Once<User>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let result = self.change_user_in(&mut tx, scope, id, (changes, &once.origin)).await;
        self.finish(scope, &once, tx, result).await
    }

    async fn change_user_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        id: UserId,
        (changes, origin): (Changes, &Origin),
    ) -> Result<Done<User>, Error> {
        let user = users::find_locked(tx, scope, id).await?.ok_or(Refusal::CustomerNotFound)?;
        if let Some(kyc) = changes.kyc.filter(|kyc| *kyc != user.kyc) {
            self.may_set_kyc(scope, kyc)?;
        }
        let (before, kyc) = (self.user_facts(scope, &user), user.kyc);
        let named = changes.first_name.is_some()
            || changes.last_name.is_some()
            || changes.birth_date.is_some();
        let user = changed(user, changes);
        match users::update(tx, scope, &user).await {
            Ok(()) => {
                end_sessions(tx, scope, &user).await?;
                let after = self.user_facts(scope, &user);
                let entry = Entry::changed("user.change", id.0, &before, &after);
                let user = User { version: user.version + 1, ..user };
                let mut others = self.balance_of_verified(tx, scope, &user, kyc).await?;
                if named {
                    others.extend(self.screen_changed(tx, scope, &user, origin).await?);
                }
                Ok(Done::changed(user, entry).and(others))
            }
            Err(StoreError::Duplicate(_)) => Err(Refusal::UserAlreadyExists.into()),
            Err(error) => Err(error.into()),
        }
    }
}

impl App {
    /// Looks for a user whose name or birth date was changed.
    async fn screen_changed(
        &self,
        tx: &mut Tx,
        scope: Scope,
        user: &User,
        origin: &Origin,
    ) -> Result<Vec<Entry>, Error> {
        let found = self.look_for_user(scope, &user.profile);
        let owner = owners::find_locked(tx, scope, user.id.into()).await?;
        let found = (&owner, &found, Because::OfChange);
        self.keep_hits(tx, scope, found, &origin.request_id).await
    }
}

fn changed(user: User, changes: Changes) -> User {
    let mut profile = user.profile;
    let set = |old: &mut String, new: Option<String>| {
        if let Some(new) = new {
            *old = new;
        }
    };
    set(&mut profile.first_name, changes.first_name);
    set(&mut profile.last_name, changes.last_name);
    profile.phone = changes.phone.unwrap_or(profile.phone);
    profile.email = changes.email.unwrap_or(profile.email);
    profile.birth_date = changes.birth_date.unwrap_or(profile.birth_date);
    profile.external_id = changes.external_id.or(profile.external_id);
    profile.address = changes.address.or(profile.address);
    let mut after = User { profile, kyc: changes.kyc.unwrap_or(user.kyc), ..user };
    if let Some(state) = changes.state {
        after.stand(state);
    }
    after
}
