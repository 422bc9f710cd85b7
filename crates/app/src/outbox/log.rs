//! What the operator sees of deliveries, and how a paused address is resumed.

use crate::audit::Operator;
use crate::{App, Error};
use domain::ids::PartnerId;
use serde_json::json;
use store::db::Tx;
use store::endpoints::{self, Endpoint};
use store::outbox;

pub use store::outbox::Attempt;
pub use store::outbox::log::Told;

/// Entries that are opened again in one commit.
const REOPENED: i64 = 1_000;

impl App {
    /// A partner's notifications by ascending number, from the one after `after`, with their tries.
    pub async fn notifications(
        &self,
        partner: PartnerId,
        after: i64,
        limit: i64,
    ) -> Result<Vec<Told>, Error> {
        let mut tx = self.db.read().await?;
        let told = outbox::log::list(&mut tx, partner, after, limit).await;
        Ok(tx.end(told).await?)
    }

    /// The partner's addresses that have ever failed.
    pub async fn endpoints(&self, partner: PartnerId) -> Result<Vec<Endpoint>, Error> {
        let mut tx = self.db.read().await?;
        let found = endpoints::list(&mut tx, partner).await;
        Ok(tx.end(found).await?)
    }

    /// Has a partner's paused addresses tried again, with all that was kept back; how many entries
    /// that are.
    pub async fn resume_notifications(
        &self,
        operator: &Operator,
        partner: PartnerId,
    ) -> Result<u64, Error> {
        let mut tx = self.db.begin().await?;
        let resumed = self.resume_in(&mut tx, operator, partner).await;
        tx.end(resumed).await?;
        let mut count = 0;
        loop {
            let mut tx = self.db.begin().await?;
            let opened = endpoints::reopen(&mut tx, partner, REOPENED).await;
            match tx.end(opened).await? {
                0 => break,
                opened => count += opened,
            }
        }
        self.outbox.bell.ring();
        Ok(count)
    }

    async fn resume_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        partner: PartnerId,
    ) -> Result<(), Error> {
        endpoints::resume(tx, partner).await?;
        let detail = json!({ "paused": false });
        self.record_act(tx, operator, partner, ("partner.resume", "notifications", &detail)).await
    }
}
