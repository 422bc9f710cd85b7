//! Authorizations counted by the hour, by a worker that reads each once: in the order of their ids,
//! which are made of the time at which they came.

use crate::{App, Error};
use domain::Timestamp;
use domain::ids::ordered_v4;
use domain::scope::Scope;
use domain::transaction::{DecidedBy, Processing};
use jiff::{SignedDuration, ToSpan as _};
use std::collections::BTreeMap;
use store::authorizations::{self, Decided, Hour};
use store::db::Tx;
use uuid::Uuid;

/// How old a transaction's id must be: by then it is committed, on whichever node, or never is.
const SETTLED: SignedDuration = SignedDuration::from_mins(2);
/// How far back is counted, where nothing was before.
const BEGIN: SignedDuration = SignedDuration::from_hours(24);
/// For how many days counts are kept.
const KEPT_DAYS: i64 = 40;
/// How many transactions one statement reads.
const STRETCH: i64 = 5_000;
const HOUR_SECONDS: i64 = 3_600;

impl App {
    /// Counts the authorizations that have come since it was last done; how many transactions were
    /// looked at.
    pub async fn count_authorizations(&self) -> Result<u64, Error> {
        let settings = self.settings.get();
        let mut count = 0;
        for partner in settings.partners() {
            let scope = Scope::platform(partner.id, "authorizations are counted by the hour");
            loop {
                let looked_at = self.count_stretch(scope).await?;
                count += looked_at;
                if looked_at < STRETCH.unsigned_abs() {
                    break;
                }
            }
        }
        Ok(count)
    }

    /// Counts a stretch; how many transactions it has.
    async fn count_stretch(&self, scope: Scope) -> Result<u64, Error> {
        let now = self.now();
        let mut tx = self.db.read().await?;
        let read = next(&mut tx, scope, now).await;
        let (from, mut found) = tx.end(read).await?;
        // What a partner is asked about just now is counted once it has answered.
        let asked = found.iter().position(|it| it.processing == Processing::Asking);
        found.truncate(asked.unwrap_or(found.len()));
        let Some(last) = found.last() else { return Ok(0) };
        let hours = by_hour(&found);
        let mut tx = self.db.begin().await?;
        let written = async {
            if authorizations::advance(&mut tx, scope, (from, last.id)).await? {
                authorizations::add(&mut tx, scope, &hours).await?;
                let kept = begin_of(now).checked_sub((KEPT_DAYS * 24).hours());
                if let Ok(before) = kept {
                    authorizations::forget_before(&mut tx, scope, before).await?;
                }
            }
            Ok::<_, Error>(())
        };
        let written = written.await;
        tx.end(written).await?;
        Ok(u64::try_from(found.len()).unwrap_or_default())
    }
}

/// Up to where it was counted, and what comes next.
async fn next(
    tx: &mut Tx,
    scope: Scope,
    now: Timestamp,
) -> Result<(Option<Uuid>, Vec<Decided>), Error> {
    let from = authorizations::counted_to(tx, scope).await?;
    let after = from.unwrap_or_else(|| id_at(now, BEGIN));
    let found = authorizations::list_next(tx, scope, (after, id_at(now, SETTLED)), STRETCH).await?;
    Ok((from, found))
}

/// The least id of that long ago.
fn id_at(now: Timestamp, ago: SignedDuration) -> Uuid {
    let at = now.checked_sub(ago).unwrap_or(now);
    ordered_v4(u64::try_from(at.as_millisecond()).unwrap_or(0), 0)
}

/// When the hour of a moment began.
pub(super) fn begin_of(at: Timestamp) -> Timestamp {
    let seconds = at.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(HOUR_SECONDS)).unwrap_or(at)
}

/// The authorizations among them, by the hour at which they came: what a merchant asked for, and
/// wasn't decided by the network in our place.
fn by_hour(found: &[Decided]) -> Vec<Hour> {
    let mut hours: BTreeMap<Timestamp, Hour> = BTreeMap::new();
    let asked = |it: &&Decided| it.kind.is_asked_for() && it.by != DecidedBy::Network;
    for it in found.iter().filter(asked) {
        let begins = begin_of(it.received_at);
        let hour = hours.entry(begins).or_insert(Hour { begins, approved: 0, declined: 0 });
        match it.processing {
            Processing::Success => hour.approved += 1,
            Processing::Declined | Processing::Invalid => hour.declined += 1,
            Processing::Asking => {}
        }
    }
    hours.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::transaction::TransactionType as Kind;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn authorizations_are_counted_in_the_hour_in_which_they_came() {
        let one = |kind, processing, by, time| Decided {
            id: Uuid::nil(),
            kind,
            processing,
            by,
            received_at: at(time),
        };
        let (done, no, wrong) = (Processing::Success, Processing::Declined, Processing::Invalid);
        let (us, them) = (DecidedBy::Platform, DecidedBy::Network);
        let found = [
            one(Kind::Pos, done, us, "2026-11-21T10:59:59.999Z"),
            one(Kind::Atm, no, us, "2026-11-21T11:00:00Z"),
            one(Kind::Aft, wrong, us, "2026-11-21T11:30:00Z"),
            one(Kind::BalanceInquiry, done, us, "2026-11-21T11:30:00Z"),
            one(Kind::Pos, done, DecidedBy::Partner, "2026-11-21T11:30:00Z"),
            one(Kind::Pos, done, them, "2026-11-21T11:30:00Z"),
            one(Kind::TopUp, done, us, "2026-11-21T11:30:00Z"),
            one(Kind::Adjustment, done, us, "2026-11-21T11:30:00Z"),
        ];
        let hour = |begins, approved, declined| Hour { begins: at(begins), approved, declined };
        let ten = hour("2026-11-21T10:00:00Z", 1, 0);
        assert_eq!(by_hour(&found), [ten, hour("2026-11-21T11:00:00Z", 2, 2)]);
        assert_eq!(begin_of(at("1969-12-31T23:30:00Z")), at("1969-12-31T23:00:00Z"));
    }
}
