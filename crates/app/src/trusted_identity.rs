//! Trusted identity: a partner that has its own way to know its users vouches for one with a token
//! that it has signed, and a session begins.

use crate::audit::{Operator, change_json};
use crate::refusals::Refusal;
use crate::sessions::Begun;
use crate::{App, Error};
use crypto::certificates::{check_authorities, is_common_name};
use crypto::identity::{Authorities, Claims, Token};
use domain::Timestamp;
use domain::ids::{PartnerId, UserId};
use domain::scope::Scope;
use domain::session::token_end;
use serde_json::{Value, json};
use store::db::Tx;
use store::trusted_identities::{self, TrustedIdentity};
use store::{instance, sessions, users};

/// Who vouches for a partner's users from now on.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The name in the certificate that tokens are signed with.
    pub common_name: String,
    /// The authorities that it leads to, PEM.
    pub authorities: String,
}

impl App {
    /// Has somebody vouch for a partner's users, or nobody; `real_now` is real time, by which
    /// certificates end.
    pub async fn set_trusted_identity(
        &self,
        operator: &Operator,
        partner: PartnerId,
        trust: Option<Trust>,
        real_now: Timestamp,
    ) -> Result<Option<TrustedIdentity>, Error> {
        let trusted = trust.map(|trust| checked(partner, trust, real_now)).transpose()?;
        let mut tx = self.db.begin().await?;
        let set = self.set_in(&mut tx, operator, partner, trusted.as_ref()).await;
        tx.end(set).await?;
        self.refresh_settings().await?;
        Ok(trusted)
    }

    async fn set_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        partner: PartnerId,
        trusted: Option<&TrustedIdentity>,
    ) -> Result<(), Error> {
        // First, since it locks: whoever changes settings takes this lock before any other.
        instance::raise_settings_version(tx).await?;
        let all = trusted_identities::list(tx).await?;
        let before = all.iter().find(|it| it.partner == partner);
        match trusted {
            Some(trusted) => trusted_identities::save(tx, trusted, self.now()).await?,
            None => trusted_identities::delete(tx, partner).await?,
        }
        // Whoever was trusted may have begun some that nobody should have.
        sessions::end_trusted(tx, partner).await?;
        let detail = change_json(&facts(before), &facts(trusted));
        let settings = self.settings.get();
        let code = settings.partner(partner).map_or("", |it| it.code.as_str());
        self.record_act(tx, operator, partner, ("partner.trust", code, &detail)).await
    }

    /// Begins a session of the user that a token names, if it is vouched for, fresh, and used for
    /// the first time; none where anything is wrong, and why isn't told. `real_now` is real time,
    /// in which tokens are made.
    pub async fn begin_trusted_session(
        &self,
        token: &Token,
        real_now: Timestamp,
    ) -> Result<Option<Begun>, Error> {
        let Some((trusted, claims)) = self.vouched_for(token, real_now).await? else {
            return Ok(None);
        };
        let Some(until) = token_end(claims.iat, real_now) else { return Ok(None) };
        let mut tx = self.db.begin().await?;
        let begun = self.use_token(&mut tx, &trusted, &claims, until).await;
        tx.end(begun).await
    }

    /// What a token says, and who vouches for it: several partners may trust the same, of whom one
    /// has the user.
    async fn vouched_for(
        &self,
        token: &Token,
        now: Timestamp,
    ) -> Result<Option<(TrustedIdentity, Claims)>, Error> {
        let settings = self.settings.get();
        for trusted in settings.trusted_identities(token.common_name()) {
            let authorities = Authorities::from_pem(&trusted.authorities).ok();
            let claims = authorities.and_then(|it| token.verify(&it, now).cloned());
            let Some(claims) = claims else { continue };
            let mut tx = self.db.read().await?;
            let scope = Scope::of_caller(trusted.partner);
            let user = users::find(&mut tx, scope, UserId(claims.user)).await;
            if tx.end(user).await?.is_some() {
                return Ok(Some((trusted.clone(), claims)));
            }
        }
        Ok(None)
    }

    async fn use_token(
        &self,
        tx: &mut Tx,
        trusted: &TrustedIdentity,
        claims: &Claims,
        until: Timestamp,
    ) -> Result<Option<Begun>, Error> {
        // What this node knows of it may be a second old.
        let now = trusted_identities::find_locked(tx, trusted.partner).await?;
        let name = format!("{}/{}", trusted.partner.0, claims.jti);
        let digest = crypto::digest::sha256(name.as_bytes());
        if now.as_ref() != Some(trusted)
            || !trusted_identities::use_token(tx, &digest, until).await?
        {
            return Ok(None);
        }
        self.admit(tx, (trusted.partner, UserId(claims.user)), None).await
    }
}

/// Who vouches for a partner's users, as the command line shows it.
#[must_use]
pub fn trusted_json(trusted: Option<&TrustedIdentity>) -> Value {
    json!({ "commonName": trusted.map(|it| &it.common_name) })
}

fn checked(partner: PartnerId, trust: Trust, now: Timestamp) -> Result<TrustedIdentity, Refusal> {
    if !is_common_name(&trust.common_name) {
        return Err(Refusal::CommonNameInvalid);
    }
    let authorities = check_authorities(&trust.authorities, now);
    let authorities = authorities.map_err(|_| Refusal::TrustedCaRefused)?;
    Ok(TrustedIdentity { partner, common_name: trust.common_name, authorities })
}

/// What an audit record tells of it: an authority is told by its digest.
fn facts(trusted: Option<&TrustedIdentity>) -> Value {
    let digest = |it: &TrustedIdentity| {
        let digest = crypto::digest::sha256(it.authorities.as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    json!({
        "commonName": trusted.map(|it| &it.common_name),
        "authorities": trusted.map(digest),
    })
}
