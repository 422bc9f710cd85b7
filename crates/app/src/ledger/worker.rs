//! Ends holds whose time is up.

use super::command::{Command, Event, Names};
use crate::error::Chain;
use crate::{App, Error};
use domain::ids::PartnerId;
use domain::scope::Scope;
use std::time::{Duration, Instant};
use store::transactions::{self, Expired};

/// How many holds of a partner are ended at a time.
const EXPIRED_MAX: i64 = 200;
/// How long one may wait for the engine; the next round tries again.
const WAIT: Duration = Duration::from_secs(5);

impl App {
    /// Ends the holds of all partners that have come to their end; answers how many. One that can't
    /// be ended now keeps nobody else's; the first error is answered when all were tried.
    pub async fn expire_holds(&self) -> Result<usize, Error> {
        let partners: Vec<PartnerId> =
            self.settings.get().partners().iter().map(|partner| partner.id).collect();
        let (mut ended, mut failed) = (0, None);
        for partner in partners {
            let scope = Scope::platform(partner, "holds end by themselves");
            match self.expire_holds_of(scope).await {
                Ok(count) => ended += count,
                Err(error) => {
                    tracing::warn!(%partner, error = %Chain(&error), "holds can't be ended now");
                    failed = failed.or(Some(error));
                }
            }
        }
        failed.map_or(Ok(ended), Err)
    }

    async fn expire_holds_of(&self, scope: Scope) -> Result<usize, Error> {
        let mut tx = self.db.read().await?;
        let expired = transactions::list_expired(&mut tx, scope, self.now(), EXPIRED_MAX).await;
        let expired = tx.end(expired).await?;
        let (mut ended, mut failed) = (0, None);
        for hold in expired {
            match self.expire_hold(scope, hold).await {
                Ok(()) => ended += 1,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(ended), Err)
    }

    async fn expire_hold(
        &self,
        scope: Scope,
        Expired { id: transaction, balance, owner, currency }: Expired,
    ) -> Result<(), Error> {
        let command = Command {
            scope,
            owner,
            message: self.new_message_id(),
            transaction,
            names: Names {
                scope: "expiry".to_owned(),
                key: Some(format!("expiry:{}", transaction.0)),
                name: None,
            },
            fingerprint: Vec::new(),
            request_id: "expiry".to_owned(),
            now: self.now(),
            event: Event::Expire { transaction, balance, currency },
        };
        self.engines.submit(command, Instant::now() + WAIT).await.map(|_| ())
    }
}
