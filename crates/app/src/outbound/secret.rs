//! The secret that our calls to a partner are signed with: shown, made anew.

use super::{Kept, SECRET_BYTES};
use crate::audit::Operator;
use crate::{App, Error};
use domain::Timestamp;
use domain::ids::PartnerId;
use jiff::SignedDuration;
use serde_json::json;
use store::db::Tx;
use zeroize::Zeroizing;

/// How long calls are signed with the secret before too.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// What is to be done with a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretAct {
    /// It is shown.
    Show,
    /// Another takes its place and is shown; the one before is used beside it for 24 hours more,
    /// counted from this moment of real time.
    Rotate(Timestamp),
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
        let (action, secret) = match (act, known) {
            (SecretAct::Show, Some(secret)) => ("outbound.secret.show", secret),
            (SecretAct::Show, None) => {
                let begun = self.change_outbound_in(tx, partner, |_| ()).await?;
                ("outbound.secret.show", begun.secret)
            }
            (SecretAct::Rotate(now), _) => {
                let rotated = self
                    .change_outbound_in(tx, partner, |outbound| {
                        let before = std::mem::replace(&mut outbound.secret, fresh);
                        outbound.previous_secret = Some(before);
                        outbound.previous_until = now.checked_add(OVERLAP).ok();
                    })
                    .await?;
                ("outbound.secret.rotate", rotated.secret)
            }
        };
        self.record_act(tx, operator, partner, (action, "calls", &json!({}))).await?;
        Ok(secret)
    }
}
