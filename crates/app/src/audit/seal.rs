//! Sealing: records that are committed get their places in their partners' chains, a set at a time.
//!
//! What isn't sealed is found by that, so a record whose transaction was committed late is found
//! too. Reading and signing hold nobody up; a set is written by a handful of statements, under a
//! lease that one node has at a time, and only if each chain still ends where it was read to end:
//! so two that seal at once make one chain.
//!
//! A chain that doesn't end as it was left is gone on with, in a way that shows for ever: what is
//! missing stays missing, and where the end itself was tampered with, a place is left out.

use super::chain::{ChainKey, NOTHING, halves};
use crate::{App, Error, reached};
use domain::Timestamp;
use domain::ids::PartnerId;
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use store::audit::chain::{self, Chain, Extended, Kept, Placed};
use store::db::Tx;
use store::operations::Lease;
use uuid::Uuid;

/// Rows of one commit: some milliseconds of SQLite's only writer.
const ROWS: i64 = 1_000;
/// Commits of one turn, of which there is one a second.
const COMMITS: u64 = 4;
/// Between two commits others have the database for themselves.
const PAUSE: Duration = Duration::from_millis(150);
/// How long one node seals before another may, where it has died.
const LEASE: SignedDuration = SignedDuration::from_secs(5);

/// After how long it is told that records wait to be sealed while another has the right to.
const WAITED: SignedDuration = SignedDuration::from_mins(2);

/// One node's right to seal, and how far it has come around.
#[derive(Debug)]
pub struct Sealer {
    holder: Uuid,
    /// The partner whose rows were last in a full set: the next begins behind it.
    after: AtomicI64,
}

impl Default for Sealer {
    fn default() -> Self {
        Self { holder: crate::ids::random_id(), after: AtomicI64::new(-1) }
    }
}

/// Where a chain ended, once: the chain that goes on from there can be told by it from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whose chain.
    pub partner: PartnerId,
    /// The last place.
    pub place: i64,
    /// The link of its row.
    pub link: Vec<u8>,
    /// When that was, of real time.
    pub at: Timestamp,
}

/// What one turn has sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// How many rows.
    pub rows: u64,
    /// In how many commits.
    pub commits: u64,
    /// Where the chains end that it has moved on.
    pub heads: Vec<Head>,
}

/// A set that was read, and what is to be written of it.
struct Set {
    rows: Vec<Placed>,
    chains: Vec<Extended>,
    is_full: bool,
    /// When the oldest record of it was made, in microseconds since 1970.
    oldest: Option<i64>,
}

impl App {
    /// One turn: seals what isn't, some thousand rows at most.
    pub async fn seal_audit(&self, sealer: &Sealer) -> Result<Sealed, Error> {
        let (mut sealed, mut heads) = (Sealed::default(), BTreeMap::new());
        while let Some(set) = self.read_unsealed(sealer).await? {
            reached("audit-read");
            if !self.write_sealed(sealer, &set).await? {
                // The node whose turn it is would have sealed them long ago.
                let waited = set.oldest.and_then(|at| self.now().as_microsecond().checked_sub(at));
                if waited.is_some_and(|waited| i128::from(waited) > WAITED.as_micros()) {
                    tracing::error!("audit records aren't sealed: another holds the right to it");
                }
                break;
            }
            reached("audit-committed");
            sealed.rows += set.rows.len() as u64;
            sealed.commits += 1;
            let at = self.outbox.now();
            for Chain { partner, place, link, .. } in set.chains.into_iter().map(|it| it.to) {
                heads.insert(partner, Head { partner, place, link, at });
            }
            if !set.is_full || sealed.commits == COMMITS || self.tasks.is_stopping() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        sealed.heads = heads.into_values().collect();
        metrics::counter!("antaca_audit_sealed_rows_total").increment(sealed.rows);
        Ok(sealed)
    }

    /// How many records aren't sealed; 100,000 also where there are more.
    pub async fn count_unsealed(&self) -> Result<i64, Error> {
        let mut tx = self.db.read().await?;
        let counted = chain::count_all_unsealed(&mut tx).await;
        Ok(tx.end(counted).await?)
    }

    async fn read_unsealed(&self, sealer: &Sealer) -> Result<Option<Set>, Error> {
        let after = PartnerId(sealer.after.load(Ordering::Relaxed));
        let mut tx = self.db.read().await?;
        let read = read(&mut tx, after).await;
        let (rows, chains, last) = tx.end(read).await?;
        let Some(end) = rows.last().map(|row| row.partner) else { return Ok(None) };
        sealer.after.store(end.0, Ordering::Relaxed);
        Ok(Some(self.place(&rows, chains, &last)))
    }

    /// Gives each row its place behind the end of its chain.
    fn place(&self, rows: &[Kept], chains: Vec<Chain>, last: &[(PartnerId, i64, Vec<u8>)]) -> Set {
        let key = ChainKey(self.keyring.audit_chain());
        let mut known: BTreeMap<_, _> = chains.into_iter().map(|it| (it.partner, it)).collect();
        let mut placed = Vec::with_capacity(rows.len());
        let mut extended = Vec::new();
        for of in rows.chunk_by(|one, other| one.partner == other.partner) {
            let partner = of[0].partner;
            let chain = known.remove(&partner);
            let last = last.iter().find(|(of, ..)| *of == partner);
            let last = last.map(|(_, place, mac)| (*place, mac.as_slice()));
            let (mut place, mut link, is_as_left) = end_of(key, chain.as_ref(), last);
            if !is_as_left {
                let partner = partner.0;
                tracing::error!(partner, "an audit chain doesn't end as it was left");
            }
            // Only who writes to the database by hand gets there: this chain is at its end, and the
            // others go on.
            if i64::try_from(of.len()).ok().and_then(|more| place.checked_add(more)).is_none() {
                let partner = partner.0;
                tracing::error!(partner, "an audit chain has no places left");
                continue;
            }
            for kept in of {
                place += 1;
                let (own, next) = key.mac(kept, place, &link);
                link = next.to_vec();
                let mac = [own, next].concat();
                placed.push(Placed { partner, id: kept.id, place, mac });
            }
            let from = chain.as_ref().map(|chain| (chain.place, chain.link.clone()));
            let removed = chain.map_or_else(|| key.unremoved(partner), |chain| chain.removed);
            let seal = key.end(partner, place, &link).to_vec();
            extended.push(Extended { from, to: Chain { partner, place, link, seal, removed } });
        }
        let is_full = i64::try_from(rows.len()).is_ok_and(|count| count >= ROWS);
        let oldest = rows.iter().map(|row| row.at).min();
        Set { rows: placed, chains: extended, is_full, oldest }
    }

    /// One commit; `false` if it is another node's turn.
    async fn write_sealed(&self, sealer: &Sealer, set: &Set) -> Result<bool, Error> {
        let from = self.outbox.now();
        let until = from.checked_add(LEASE).unwrap_or(from);
        let lease = Lease { holder: sealer.holder, from, until };
        let mut tx = self.db.begin().await?;
        let written = async {
            let ours = chain::claim(&mut tx, &lease).await?;
            Ok(ours && chain::seal(&mut tx, &set.rows, &set.chains).await?)
        };
        let written: Result<bool, Error> = written.await;
        reached("audit-written");
        match written {
            Ok(true) => tx.commit().await?,
            Ok(false) | Err(_) => tx.rollback().await,
        }
        written
    }
}

type Read = (Vec<Kept>, Vec<Chain>, Vec<(PartnerId, i64, Vec<u8>)>);

/// The rows of a set, beginning behind a partner and all around, with the ends of their chains.
async fn read(tx: &mut Tx, after: PartnerId) -> Result<Read, Error> {
    let (first, last) = (PartnerId(-1), PartnerId(i64::MAX));
    let mut rows = chain::unsealed(tx, (after, last), ROWS).await?;
    let room = ROWS - i64::try_from(rows.len()).unwrap_or(ROWS);
    if room > 0 && after > first {
        rows.extend(chain::unsealed(tx, (first, after), room).await?);
    }
    let mut partners: Vec<PartnerId> = rows.iter().map(|row| row.partner).collect();
    partners.dedup();
    let chains = chain::find_each(tx, &partners).await?;
    let last = chain::last_each(tx, &partners).await?;
    Ok((rows, chains, last))
}

/// Behind which place and link a chain goes on, and whether it ends as it was left.
fn end_of(
    key: ChainKey<'_>,
    chain: Option<&Chain>,
    last: Option<(i64, &[u8])>,
) -> (i64, Vec<u8>, bool) {
    let link_of = |mac| halves(mac).map_or(NOTHING.to_vec(), |(_, link)| link.to_vec());
    let sound = chain.filter(|chain| key.knows_end(chain));
    match (sound, last) {
        // Rows behind the end: the end was put back, or they were put there.
        (Some(chain), Some((place, mac))) if place > chain.place => (place, link_of(mac), false),
        (Some(chain), Some((place, _))) => (chain.place, chain.link.clone(), place == chain.place),
        // All may have been removed in their time.
        (Some(chain), None) => {
            (chain.place, chain.link.clone(), chain.removed.place == chain.place)
        }
        (None, None) if chain.is_none() => (0, NOTHING.to_vec(), true),
        // Where the chain ended isn't known any more: a place is left out, so that it shows.
        (None, last) => {
            let (place, mac) = last.unwrap_or_default();
            (place.saturating_add(1), link_of(mac), false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::keys::{PlatformKey, Purpose};
    use store::audit::chain::Removed;

    #[test]
    fn a_chain_goes_on_where_it_was_left_and_shows_where_it_was_not() {
        let mac = PlatformKey::generate("sandbox").mac(Purpose::AuditChain, 0);
        let key = ChainKey(&mac);
        let (partner, link) = (PartnerId(1), vec![7; 16]);
        let seal = key.end(partner, 5, &link).to_vec();
        let removed = key.unremoved(partner);
        let chain = Chain { partner, place: 5, link: link.clone(), seal, removed };
        let all_removed = Removed { place: 5, ..chain.removed.clone() };
        let all_removed = Chain { removed: all_removed, ..chain.clone() };
        let forged = Chain { place: 4, ..chain.clone() };
        let tip: Vec<u8> = (0..32).collect();
        let of_tip = tip[16..].to_vec();
        let nothing = NOTHING.to_vec();
        let cases = [
            ("new", None, None, (0, nothing.clone(), true)),
            ("left", Some(&chain), Some(5), (5, link.clone(), true)),
            ("all removed in time", Some(&all_removed), None, (5, link.clone(), true)),
            ("cut", Some(&chain), Some(3), (5, link.clone(), false)),
            ("cut to nothing", Some(&chain), None, (5, link.clone(), false)),
            ("more than was sealed", Some(&chain), Some(6), (6, of_tip.clone(), false)),
            ("forged", Some(&forged), Some(4), (5, of_tip.clone(), false)),
            ("taken away", None, Some(4), (5, of_tip, false)),
            ("forged, and all gone", Some(&forged), None, (1, nothing, false)),
        ];
        for (name, chain, last, expected) in cases {
            let last = last.map(|place| (place, tip.as_slice()));
            assert_eq!(end_of(key, chain, last), expected, "{name}");
        }
    }
}
