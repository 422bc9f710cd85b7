//! The secret that our calls to a partner are signed with: shown, made anew.

use super::{Kept, SECRET_BYTES};
use crate::audit::Operator;
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::Timestamp;
use domain::ids::PartnerId;
use jiff::SignedDuration;
use serde_json::json;
use store::db::Tx;
use store::outbound::Outbound;
use zeroize::Zeroizing;

/// How long calls are signed with the secret before too.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// What is to be done with a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretAct {
    /// It is shown.
    Show,
    /// Another takes its place and is shown; the one before is used beside it for 24 hours more,
    /// counted from this moment of real time. Until they are over, it is refused.
    Rotate(Timestamp),
    /// Another takes its place and is shown; those before aren't used any more: for a secret that
    /// has leaked.
    RotateAtOnce,
}

impl App {
    /// The secret that calls to a partner are signed with, `whsec_` and base64 as Standard Webhooks
    /// writes it. Whoever asks is recorded.
    pub async fn outbound_secret(
        &self,
        operator: &Operator,
        partner: PartnerId,
        act: SecretAct,
    ) -> Result<Zeroizing<String>, Error> {
        self.refresh_settings().await?;
        let fresh: Zeroizing<[u8; SECRET_BYTES]> = Zeroizing::new(crypto::random::bytes());
        let fresh = self.seal_outbound(partner, Kept::Secret, &*fresh).await?;
        let mut tx = self.db.begin().await?;
        let sealed = self.secret_in(&mut tx, operator, partner, (act, fresh)).await;
        let sealed = tx.end(sealed).await?;
        self.refresh_settings().await?;
        let secret = self.open_outbound(partner, Kept::Secret, &sealed).await?;
        Ok(crypto::encoding::webhook_secret(&secret))
    }

    async fn secret_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        partner: PartnerId,
        act: (SecretAct, Vec<u8>),
    ) -> Result<Vec<u8>, Error> {
        let (act, fresh) = act;
        let known = self.settings.get().outbound(partner).map(|known| known.secret.clone());
        let (action, detail, secret) = match (act, known) {
            (SecretAct::Show, Some(secret)) => ("outbound.secret.show", json!({}), secret),
            (SecretAct::Show, None) => {
                let begun = self.change_outbound_in(tx, partner, |_| ()).await?;
                ("outbound.secret.show", json!({}), begun.secret)
            }
            (SecretAct::Rotate(now), _) => {
                let mut over = true;
                let rotated = self
                    .change_outbound_in(tx, partner, |outbound| {
                        over = outbound.previous_until.is_none_or(|until| until <= now);
                        replace(outbound, fresh, now.checked_add(OVERLAP).ok());
                    })
                    .await?;
                if !over {
                    return Err(Refusal::SecretRotatedRecently.into());
                }
                ("outbound.secret.rotate", json!({ "atOnce": false }), rotated.secret)
            }
            (SecretAct::RotateAtOnce, _) => {
                let rotated = self
                    .change_outbound_in(tx, partner, |outbound| replace(outbound, fresh, None))
                    .await?;
                ("outbound.secret.rotate", json!({ "atOnce": true }), rotated.secret)
            }
        };
        self.record_act(tx, operator, partner, (action, "calls", &detail)).await?;
        Ok(secret)
    }
}

/// Puts another secret in the place of the one in use, which is used beside it until this moment,
/// or not any more.
fn replace(outbound: &mut Outbound, fresh: Vec<u8>, until: Option<Timestamp>) {
    let before = std::mem::replace(&mut outbound.secret, fresh);
    outbound.previous_secret = until.is_some().then_some(before);
    outbound.previous_until = until;
}
