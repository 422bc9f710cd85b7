//! The proof that no audit record was altered, inserted or removed since it was sealed: every chain
//! is walked through in short slices, each with what its row says of its ends, and compared with
//! heads that were kept elsewhere.

use super::chain::ChainKey;
use super::check::Walk;
pub use super::check::{Finding, Named, Wrong};
use super::seal::Head;
use crate::{App, Error};
use domain::Timestamp;
use domain::ids::PartnerId;
use domain::scope::Scope;
use std::collections::BTreeMap;
use store::StoreError;
use store::audit::chain::{self, Chain, Kept};

/// Rows that are read at once: some milliseconds.
const SLICE: i64 = 2_000;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many partners, the platform too, have a chain.
    pub chains: u64,
    /// How many sealed records were proved or found wrong.
    pub sealed: u64,
    /// How many records aren't sealed yet.
    pub unsealed: u64,
    /// Of whose chain retention has removed the beginning: up to which place, and when the newest
    /// of those records was made.
    pub removed: Vec<(PartnerId, i64, Option<Timestamp>)>,
    /// How many heads were compared.
    pub heads: u64,
    /// What is wrong; at most some of a chain.
    pub findings: Vec<Finding>,
    /// How much more is wrong.
    pub more: u64,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

impl App {
    /// Walks through all chains, and compares them with these heads. `tell` is told now and then
    /// how many records were proved.
    pub async fn verify_audit(
        &self,
        heads: Vec<Head>,
        tell: &(dyn Fn(u64) + Sync),
    ) -> Result<Report, Error> {
        let mut of: BTreeMap<PartnerId, Vec<Head>> = BTreeMap::new();
        for head in heads {
            of.entry(head.partner).or_default().push(head);
        }
        let mut tx = self.db.read().await?;
        let partners = chain::partners(&mut tx).await;
        for partner in tx.end(partners).await? {
            of.entry(partner).or_default();
        }
        let mut report = Report::default();
        for (partner, mut heads) in of {
            heads.sort_by_key(|head| head.place);
            self.verify_chain(partner, &heads, &mut report, tell).await?;
        }
        Ok(report)
    }

    async fn verify_chain(
        &self,
        partner: PartnerId,
        heads: &[Head],
        report: &mut Report,
        tell: &(dyn Fn(u64) + Sync),
    ) -> Result<(), Error> {
        let scope = Scope::platform(partner, "audit verify");
        let mut walk = Walk::of(ChainKey(self.keyring.audit_chain()), partner, heads);
        let mut after = Some(i64::MIN);
        let mut last = None;
        while let Some(place) = after {
            tokio::task::yield_now().await;
            (last, after) = match self.read_slice(scope, place).await {
                Ok((chain, rows)) => {
                    walk.chain(chain.as_ref());
                    rows.iter().for_each(|row| walk.row(row, chain.as_ref()));
                    let last = rows.last().and_then(|row| row.sealed.as_ref());
                    (chain, next(rows.len(), last.map(|(place, _)| *place)))
                }
                Err(StoreError::Corrupt(_)) => self.read_apart(scope, place, &mut walk).await?,
                Err(error) => return Err(error.into()),
            };
            tell(report.sealed + walk.rows);
        }
        let walk = walk.end(last.as_ref());
        let mut tx = self.db.read().await?;
        let unsealed = chain::count_unsealed(&mut tx, scope).await;
        report.unsealed += u64::try_from(tx.end(unsealed).await?).unwrap_or_default();
        report.chains += u64::from(last.is_some() || walk.rows > 0);
        report.sealed += walk.rows;
        report.heads += walk.heads_seen;
        report.more += walk.more;
        report.removed.extend(walk.removed_until.map(|(place, until)| (partner, place, until)));
        report.findings.extend(walk.findings);
        Ok(())
    }

    /// Rows behind a place, and what the chain's row says in the same snapshot.
    async fn read_slice(
        &self,
        scope: Scope,
        after: i64,
    ) -> Result<(Option<Chain>, Vec<Kept>), StoreError> {
        let mut tx = self.db.read().await?;
        let read = async {
            let chain = chain::find(&mut tx, scope).await?;
            Ok((chain, chain::list(&mut tx, scope, after, SLICE).await?))
        };
        let read = read.await;
        tx.end(read).await
    }

    /// The same where one of the rows can't be read: each by itself.
    async fn read_apart(
        &self,
        scope: Scope,
        after: i64,
        walk: &mut Walk<'_>,
    ) -> Result<(Option<Chain>, Option<i64>), Error> {
        let mut tx = self.db.read().await?;
        let read = async {
            let chain = chain::find(&mut tx, scope).await?;
            Ok::<_, StoreError>((chain, chain::places(&mut tx, scope, after, SLICE).await?))
        };
        let read = read.await;
        let (chain, places) = tx.end(read).await?;
        walk.chain(chain.as_ref());
        for place in &places {
            let mut tx = self.db.read().await?;
            let row = chain::at(&mut tx, scope, *place).await;
            match tx.end(row).await {
                Ok(Some(row)) => walk.row(&row, chain.as_ref()),
                // Removed in its time meanwhile: the next slice tells.
                Ok(None) => {}
                Err(StoreError::Corrupt(_)) => walk.unreadable(*place),
                Err(error) => return Err(error.into()),
            }
        }
        Ok((chain, next(places.len(), places.last().copied())))
    }
}

/// Behind which place the next slice begins, if there may be one.
fn next(rows: usize, last: Option<i64>) -> Option<i64> {
    last.filter(|_| i64::try_from(rows).is_ok_and(|rows| rows >= SLICE))
}
