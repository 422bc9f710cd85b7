//! What the operator sees of deliveries, and how a paused address is resumed.

use crate::audit::Operator;
use crate::{App, Error};
use domain::ids::PartnerId;
use serde_json::json;
use store::db::Tx;
use store::endpoints::{self, Endpoint};
use store::{StoreError, outbox};

pub use store::outbox::Attempt;
pub use store::outbox::log::Told;

/// Entries that are opened again, and streams that are woken, in one commit.
const COMMIT: i64 = 1_000;

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
        // First all is opened while nothing is sent yet, so that what came later stays behind it.
        let mut count = 0;
        loop {
            let mut tx = self.db.begin().await?;
            let opened = endpoints::reopen(&mut tx, partner, COMMIT).await;
            match tx.end(opened).await? {
                0 => break,
                opened => count += opened,
            }
        }
        let mut tx = self.db.begin().await?;
        let resumed = self.resume_in(&mut tx, operator, partner).await;
        count += tx.end(resumed).await?;
        self.wake_waiting(partner).await?;
        Ok(count)
    }

    /// Wakes the first entries of all streams in which something waits. One that waits behind an
    /// earlier one is put to wait again; one that a resumption has left, by dying halfway, goes on.
    pub(super) async fn wake_waiting(&self, partner: PartnerId) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let mut tx = self.db.begin().await?;
            let woken = wake_in(&mut tx, partner, &after, self.outbox.now()).await;
            let Some(last) = tx.end(woken).await? else { break };
            after = last;
        }
        self.outbox.bell.ring();
        Ok(())
    }

    async fn resume_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        partner: PartnerId,
    ) -> Result<u64, Error> {
        // From here on nobody closes an entry as paused: whoever does looks at these rows first.
        endpoints::resume(tx, partner).await?;
        let opened = endpoints::reopen(tx, partner, COMMIT).await?;
        let detail = json!({ "paused": false });
        let act = ("partner.resume", "notifications", &detail);
        self.record_act(tx, operator, partner, act).await?;
        Ok(opened)
    }
}

/// Answers the last of the streams that were woken.
async fn wake_in(
    tx: &mut Tx,
    partner: PartnerId,
    after: &str,
    now: domain::Timestamp,
) -> Result<Option<String>, StoreError> {
    let streams = endpoints::list_waiting(tx, partner, after, COMMIT).await?;
    let named = streams.iter().map(|stream| (partner, stream.as_str()));
    outbox::wake(tx, named, now).await?;
    Ok(streams.into_iter().last())
}
