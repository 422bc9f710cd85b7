//! Which rows a worker takes: for each stream those from its first open one on.

use super::parked::Parked;
use crate::{App, Error, reached};
use domain::ids::PartnerId;
use domain::notification::Event;
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use store::db::Tx;
use store::outbox::{self, Entry, Lease};
use store::{StoreError, endpoints};

/// How long claimed rows are ours: longer than a slow answer or two, and as long as those of a node
/// that died wait for another.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// What was claimed: runs, each of one stream, by ascending number.
pub(super) struct Claimed {
    pub(super) runs: Vec<Vec<Entry>>,
    /// What was given up before of streams of calls.
    pub(super) parked: HashMap<String, Parked>,
    /// Addresses that nothing is sent to.
    pub(super) paused: Arc<HashSet<Event>>,
    pub(super) lease: Lease,
    /// Whether rows were taken, be it that all of them must wait behind others: then there may be
    /// more.
    pub(super) any: bool,
}

impl App {
    /// Makes due what a process has claimed that was here before this one and died: SQLite serves
    /// one process at a time, so its claims are nobody's. On PostgreSQL others may be at work.
    pub(super) async fn free_claims(&self) -> Result<(), Error> {
        if self.db.kind() != store::db::Kind::Sqlite {
            return Ok(());
        }
        let partners: Vec<PartnerId> =
            self.settings.get().partners().iter().map(|partner| partner.id).collect();
        let now = self.outbox.now();
        let until = now.checked_add(LEASE).map_err(|_| Error::broken("the calendar ends"))?;
        let mut tx = self.db.begin().await?;
        let freed = outbox::free(&mut tx, &partners, now, until).await;
        let freed = tx.end(freed).await?;
        if freed > 0 {
            tracing::info!(freed, "claims of a process that has died are free");
        }
        Ok(())
    }

    /// Claims at most 500 rows that are due.
    pub(super) async fn claim(&self, partner: PartnerId) -> Result<Claimed, Error> {
        let now = self.outbox.now();
        let lease = Lease {
            by: crate::ids::random_id(),
            until: now.checked_add(LEASE).map_err(|_| Error::broken("the calendar ends"))?,
        };
        let mut claimed = Claimed {
            runs: Vec::new(),
            parked: HashMap::new(),
            paused: Arc::default(),
            lease,
            any: false,
        };
        let mut tx = self.db.read().await?;
        let due = outbox::partners_with_due(&mut tx, &[partner], now).await;
        // Who finds nothing doesn't wait for the one writer of SQLite.
        if tx.end(due).await?.is_empty() {
            return Ok(claimed);
        }
        let mut tx = self.db.begin().await?;
        let taken = take(&mut tx, partner, lease, now).await;
        let Taken { runs, parked, paused, any } = tx.end(taken).await?;
        if !runs.is_empty() {
            reached("call-claimed");
        }
        (claimed.runs, claimed.parked, claimed.paused, claimed.any) = (runs, parked, paused, any);
        Ok(claimed)
    }
}

/// What of [`Claimed`] is read.
struct Taken {
    runs: Vec<Vec<Entry>>,
    parked: HashMap<String, Parked>,
    paused: Arc<HashSet<Event>>,
    any: bool,
}

async fn take(
    tx: &mut Tx,
    partner: PartnerId,
    lease: Lease,
    now: domain::Timestamp,
) -> Result<Taken, StoreError> {
    let due = outbox::list_due(tx, partner, now).await?;
    let streams: BTreeSet<&str> = due.iter().map(|entry| entry.stream.as_str()).collect();
    let streams: Vec<&str> = streams.into_iter().collect();
    let open = outbox::list_open(tx, partner, &streams).await?;
    let Sorted { runs, behind } = sort(due, &open);

    let heads: BTreeSet<i64> = behind.iter().map(|(head, _)| *head).collect();
    let heads: Vec<i64> = heads.into_iter().collect();
    let locked = outbox::lock_open(tx, partner, &heads).await?;
    let waiting: Vec<i64> = behind
        .iter()
        .filter(|(head, _)| locked.contains(head))
        .map(|(_, number)| *number)
        .collect();
    outbox::wait_behind(tx, partner, &waiting).await?;
    let numbers: Vec<i64> = runs.iter().flatten().map(|entry| entry.number).collect();
    outbox::claim(tx, partner, &numbers, lease).await?;
    let paused = endpoints::list(tx, partner).await?;
    let paused = paused.into_iter().filter(|it| it.paused_at.is_some()).map(|it| it.event);
    let any = !numbers.is_empty() || !waiting.is_empty();
    let parked = parked(tx, partner, &runs).await?;
    Ok(Taken { runs, parked, paused: Arc::new(paused.collect()), any })
}

/// What was given up of the streams of calls among these runs. Nobody gives up more of them
/// meanwhile: they are claimed.
async fn parked(
    tx: &mut Tx,
    partner: PartnerId,
    runs: &[Vec<Entry>],
) -> Result<HashMap<String, Parked>, StoreError> {
    let calls = runs.iter().flatten().filter(|entry| entry.event.is_call());
    let streams: BTreeSet<&str> = calls.map(|entry| entry.stream.as_str()).collect();
    let streams: Vec<&str> = streams.into_iter().collect();
    let mut parked: HashMap<String, Parked> = HashMap::new();
    for (stream, number, said) in outbox::list_parked(tx, partner, &streams).await? {
        parked.entry(stream).or_default().add(number, &said);
    }
    Ok(parked)
}

/// Due rows, sorted out.
struct Sorted {
    /// Those that may be tried, by stream.
    runs: Vec<Vec<Entry>>,
    /// Those that must wait, each with the first open row of its stream.
    behind: Vec<(i64, i64)>,
}

/// A stream's rows may be tried as far as they are its first open ones without a gap.
fn sort(due: Vec<Entry>, open: &[(String, i64)]) -> Sorted {
    let mut streams: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for entry in due {
        streams.entry(entry.stream.clone()).or_default().push(entry);
    }
    let mut open_of: HashMap<&str, Vec<i64>> = HashMap::new();
    for (stream, number) in open {
        open_of.entry(stream).or_default().push(*number);
    }
    let mut sorted = Sorted { runs: Vec::new(), behind: Vec::new() };
    for (stream, mut entries) in streams {
        entries.sort_by_key(|entry| entry.number);
        let first = open_of.get(&*stream).map_or(&[][..], Vec::as_slice);
        let numbers = entries.iter().map(|entry| entry.number);
        let ready = numbers.zip(first).take_while(|(number, open)| number == *open).count();
        let rest = entries.split_off(ready);
        if let Some(head) = first.first() {
            sorted.behind.extend(rest.iter().map(|entry| (*head, entry.number)));
        }
        if !entries.is_empty() {
            sorted.runs.push(entries);
        }
    }
    // Turns are given in this order: whoever waits longest is first, whatever its stream is called.
    sorted.runs.sort_by_key(|run| run.first().map(|entry| entry.number));
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn entry(stream: &str, number: i64) -> Entry {
        Entry {
            partner: PartnerId(1),
            number,
            id: Uuid::nil(),
            stream: stream.to_owned(),
            event: Event::CardLocked,
            card: None,
            message: None,
            detail: None,
            request_id: String::new(),
            created_at: domain::Timestamp::UNIX_EPOCH,
            attempts: 0,
            attempts_before: 0,
            not_before: None,
        }
    }

    fn check(due: &[i64], open: &[i64], run: &[i64], behind: &[(i64, i64)]) {
        let due = due.iter().map(|number| entry("a", *number)).collect();
        let open: Vec<_> = open.iter().map(|number| ("a".to_owned(), *number)).collect();
        let sorted = sort(due, &open);
        let numbers: Vec<i64> = sorted.runs.iter().flatten().map(|entry| entry.number).collect();
        assert_eq!(numbers, run);
        assert_eq!(sorted.behind, behind);
    }

    #[test]
    fn a_stream_is_taken_from_its_first_open_row_to_the_first_gap() {
        check(&[1, 2, 3], &[1, 2, 3], &[1, 2, 3], &[]);
        check(&[3, 1, 2], &[1, 2, 3], &[1, 2, 3], &[]);
        check(&[1, 3], &[1, 2, 3], &[1], &[(1, 3)]);
        check(&[2, 3], &[1, 2, 3], &[], &[(1, 2), (1, 3)]);
        check(&[1, 2, 3], &[1, 2], &[1, 2], &[(1, 3)]);
        check(&[], &[1], &[], &[]);
    }

    #[test]
    fn streams_do_not_wait_for_one_another() {
        let due = vec![entry("a", 2), entry("b", 3), entry("b", 4)];
        let open = [("a", 1), ("a", 2), ("b", 3), ("b", 4)].map(|(s, n)| (s.to_owned(), n));
        let sorted = sort(due, &open);
        assert_eq!(sorted.runs.len(), 1);
        assert_eq!(sorted.runs[0].len(), 2);
        assert_eq!(sorted.behind, [(1, 2)]);
    }
}
