//! Ends holds whose time is up.

use super::command::{Command, Event, Names};
use crate::{App, Error};
use domain::ids::PartnerId;
use domain::scope::Scope;
use std::time::{Duration, Instant};
use store::transactions;

/// How many holds of a partner are ended at a time.
const EXPIRED_MAX: i64 = 200;
/// How long one may wait for the engine; the next round tries again.
const WAIT: Duration = Duration::from_secs(5);

impl App {
    /// Ends the holds of all partners that have come to their end; answers how many it looked at.
    pub async fn expire_holds(&self) -> Result<usize, Error> {
        let partners: Vec<PartnerId> =
            self.settings.get().partners().iter().map(|partner| partner.id).collect();
        let mut seen = 0;
        for partner in partners {
            let scope = Scope::platform(partner, "holds end by themselves");
            let now = self.now();
            let mut tx = self.db.read().await?;
            let expired = transactions::list_expired(&mut tx, scope, now, EXPIRED_MAX).await;
            let expired = tx.end(expired).await?;
            seen += expired.len();
            for (transaction, balance) in expired {
                let command = Command {
                    scope,
                    message: self.new_message_id(),
                    transaction,
                    names: Names {
                        scope: "expiry".to_owned(),
                        key: Some(format!("expiry:{}", transaction.0)),
                        network: None,
                    },
                    fingerprint: Vec::new(),
                    request_id: "expiry".to_owned(),
                    now,
                    event: Event::Expire { transaction, balance },
                };
                self.engines.submit(command, Instant::now() + WAIT).await?;
            }
        }
        Ok(seen)
    }
}
