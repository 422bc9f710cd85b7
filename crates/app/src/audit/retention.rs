//! Records whose time is up go from the beginning of their chain, which stays whole: the last place
//! that went is kept, sealed. Each row is proved before it goes, so a young one that was made to
//! look old stays, and so does what is behind it.

use super::chain::{ChainKey, halves};
use crate::{App, Error, reached};
use domain::Timestamp;
use domain::ids::{PartnerId, ordered_v4};
use domain::scope::Scope;
use store::StoreError;
use store::audit::chain::{self, Chain, Kept, Removed};
use store::db::Tx;
use uuid::Uuid;

/// What may go of a chain.
struct Old {
    rows: Vec<(Uuid, i64)>,
    removed: Removed,
}

impl App {
    /// One commit: of the first chain that has something, records from before a moment, at most so
    /// many; how many went.
    pub(crate) async fn remove_old_records(
        &self,
        before: Timestamp,
        limit: i64,
    ) -> Result<u64, Error> {
        let mut tx = self.db.read().await?;
        let partners = chain::chains(&mut tx).await;
        for partner in tx.end(partners).await? {
            let gone = self.remove_old_of(partner, before, limit).await?;
            if gone > 0 {
                return Ok(gone);
            }
        }
        Ok(0)
    }

    async fn remove_old_of(
        &self,
        partner: PartnerId,
        before: Timestamp,
        limit: i64,
    ) -> Result<u64, Error> {
        let scope = Scope::platform(partner, "records go in their time");
        let mut tx = self.db.read().await?;
        let read = read(&mut tx, scope, before, limit).await;
        let (chain, rows) = match tx.end(read).await {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(0),
            Err(StoreError::Corrupt(_)) => {
                tell(partner);
                return Ok(0);
            }
            Err(error) => return Err(error.into()),
        };
        let key = ChainKey(self.keyring.audit_chain());
        let Ok(old) = old_of(key, &chain, &rows, before) else {
            tell(partner);
            return Ok(0);
        };
        let Some(old) = old else { return Ok(0) };
        let mut tx = self.db.begin().await?;
        let gone = chain::remove(&mut tx, scope, &old.rows, (chain.removed.place, &old.removed));
        let gone = gone.await;
        reached("audit-removed");
        match gone {
            Ok(true) => tx.commit().await?,
            Ok(false) | Err(_) => tx.rollback().await,
        }
        // Where another node's janitor was faster there is nothing to be done here now.
        Ok(if gone? { old.rows.len() as u64 } else { 0 })
    }
}

/// How many records are from before a moment, of all partners; 100,000 of each at most.
pub(crate) async fn count_old(tx: &mut Tx, before: Timestamp) -> Result<i64, StoreError> {
    let mut count = 0;
    for partner in chain::partners(tx).await? {
        let scope = Scope::platform(partner, "old records are counted");
        count += chain::count_old(tx, scope, first_id(before)).await?;
    }
    Ok(count)
}

async fn read(
    tx: &mut Tx,
    scope: Scope,
    before: Timestamp,
    limit: i64,
) -> Result<Option<(Chain, Vec<Kept>)>, StoreError> {
    let Some(chain) = chain::find(tx, scope).await? else { return Ok(None) };
    let first = chain::list(tx, scope, chain.removed.place, 1).await?;
    if first.first().is_none_or(|first| first.at >= before.as_microsecond()) {
        return Ok(None);
    }
    let rows = chain::list(tx, scope, chain.removed.place, limit).await?;
    Ok(Some((chain, rows)))
}

fn tell(partner: PartnerId) {
    let partner = partner.0;
    tracing::error!(partner, "an audit chain is broken: nothing of it is removed");
}

/// A row that is due can't be proved.
struct Broken;

/// The rows at the beginning of a chain that are from before a moment, if there are any.
fn old_of(
    key: ChainKey<'_>,
    chain: &Chain,
    rows: &[Kept],
    before: Timestamp,
) -> Result<Option<Old>, Broken> {
    let before = before.as_microsecond();
    let mut old = Old { rows: Vec::new(), removed: chain.removed.clone() };
    for kept in rows.iter().take_while(|kept| kept.at < before) {
        let (place, mac) = kept.sealed.as_ref().ok_or(Broken)?;
        let (own, link) = key.mac(kept, *place, &old.removed.link);
        let follows = *place == old.removed.place + 1 && *place <= chain.place;
        if !follows || halves(mac) != Some((&own, &link)) {
            // What was proved before it goes; the next round finds it first.
            break;
        }
        old.rows.push((kept.id, *place));
        let at = Timestamp::from_microsecond(kept.at).map_err(|_| Broken)?;
        old.removed.until = old.removed.until.max(Some(at));
        (old.removed.place, old.removed.link) = (*place, link.to_vec());
    }
    let is_due = rows.first().is_some_and(|first| first.at < before);
    if is_due && (old.rows.is_empty() || !key.knows_removal(chain)) {
        return Err(Broken);
    }
    let Removed { place, link, until, .. } = &old.removed;
    old.removed.seal = key.removal(chain.partner, *place, link, *until).to_vec();
    Ok(Some(old).filter(|old| !old.rows.is_empty()))
}

/// The least id that a record of this moment can have.
pub(super) fn first_id(at: Timestamp) -> Uuid {
    let milliseconds = u64::try_from(at.as_millisecond()).unwrap_or(0);
    Uuid::from_u128(ordered_v4(milliseconds, 0).as_u128() >> 80 << 80)
}
