//! Sending again: one notification, all that were given up since a time, and what was kept while an
//! address was paused. Key and body stay.
//!
//! What is opened again is due at once, and what came later of its stream waits behind it, unless
//! that is in flight already.

use super::Of;
use crate::audit::{Done, Entry, Operator, Origin};
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::Timestamp;
use domain::ids::PartnerId;
use domain::notification::{Event, Standing};
use domain::scope::Scope;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use store::db::Tx;
use store::endpoints;
use store::outbox::again::Failed;
use store::outbox::log::Told;
use store::{StoreError, outbox};
use uuid::Uuid;

/// Entries that are opened again, and streams that are woken, in one commit.
const COMMIT: i64 = 1_000;
/// Commits of one call at most: it must be answered.
const COMMITS: usize = 100;

/// Which of those that were given up are sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResendFailed {
    /// What of the outbox; all of it without it.
    pub of: Option<Of>,
    /// That were given up then or later, in real time.
    pub since: Timestamp,
    /// Of this event; of all without it.
    pub event: Option<Event>,
}

/// What was opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resent {
    /// How many notifications.
    pub count: u64,
    /// Whether there are more than one call does.
    pub more: bool,
}

/// What was resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// The addresses that were paused.
    pub events: Vec<Event>,
    /// How many notifications were kept back.
    pub count: u64,
}

impl App {
    /// Sends one notification or call again: what is over is opened again, what waits for its next
    /// try is tried now. One that is in flight is left alone. With a call goes what was given up
    /// after it about the same balance, in order.
    pub async fn resend_notification(
        &self,
        scope: Scope,
        (of, id): (Of, Uuid),
        once: Once<()>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let result = self.resend_in(&mut tx, scope, (Some(of), id)).await;
        let result = result.map(|(_, entry)| Done::unchanged(()).and(entry));
        let answer = self.finish(scope, &once, tx, result).await;
        self.outbox.bell.ring();
        answer
    }

    /// The same in the name of the operator.
    pub async fn resend_notification_as(
        &self,
        operator: &Operator,
        partner: PartnerId,
        id: Uuid,
    ) -> Result<Told, Error> {
        let scope = Scope::platform(partner, "the operator has a notification sent again");
        let origin = Origin::here(&operator.0);
        let mut tx = self.db.begin().await?;
        let resent = async {
            let (told, entry) = self.resend_in(&mut tx, scope, (None, id)).await?;
            self.record_all(&mut tx, partner, &origin, entry.into_iter().collect()).await?;
            Ok::<_, Error>(told)
        };
        let resent = resent.await;
        let resent = tx.end(resent).await?;
        self.outbox.bell.ring();
        Ok(resent)
    }

    async fn resend_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (of, id): (Option<Of>, Uuid),
    ) -> Result<(Told, Option<Entry>), Error> {
        let found = outbox::log::find(tx, scope, id).await?;
        let found = found.filter(|told| of.is_none_or(|of| of.has(told.event)));
        let told = found.ok_or_else(|| of.unwrap_or_default().unknown())?;
        // It would only be kept back again, or be sent before what was kept.
        let key = (scope.partner(), told.event);
        if !endpoints::lock_paused(tx, &[key].into()).await?.is_empty() {
            return Err(Refusal::NotificationsPaused.into());
        }
        let now = self.outbox.now();
        // A call that the partner has booked would be booked again once it has forgotten the key;
        // one that wasn't tried yet may wait for a connection to end.
        let is_left = told.event.is_call()
            && match told.standing() {
                Standing::Delivered => true,
                Standing::Open => told.tried == 0,
                Standing::Failed | Standing::Paused => false,
            };
        let changed = !is_left
            && match told.standing() {
                Standing::Open => outbox::again::hurry(tx, scope, told.number, now).await?,
                Standing::Delivered | Standing::Failed | Standing::Paused => {
                    outbox::again::reopen(tx, scope, &[told.number], now).await? > 0
                }
            };
        if changed && told.event.is_call() {
            let (stream, _) = outbox::log::said(tx, scope, told.number).await?;
            outbox::again::reopen_behind(tx, scope, (&stream, told.number), now).await?;
        }
        let detail = json!({ "event": told.event.as_str(), "was": told.standing().as_str() });
        let entry = changed.then(|| Entry::made("notification.resend", id, detail));
        Ok((told, entry))
    }

    /// Sends again what was given up since a time: at most 100,000 notifications a call.
    pub async fn resend_failed(
        &self,
        scope: Scope,
        command: ResendFailed,
        once: Once<Resent>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let resent = self.reopen_failed(scope, command).await?;
        let tx = self.db.begin().await?;
        let done = Done::unchanged(resent).and(failed_entry(command, resent));
        self.finish(scope, &once, tx, Ok(done)).await
    }

    /// The same in the name of the operator.
    pub async fn resend_failed_as(
        &self,
        operator: &Operator,
        partner: PartnerId,
        command: ResendFailed,
    ) -> Result<Resent, Error> {
        let scope = Scope::platform(partner, "the operator has notifications sent again");
        let resent = self.reopen_failed(scope, command).await?;
        let entries = failed_entry(command, resent).into_iter().collect();
        let mut tx = self.db.begin().await?;
        let recorded = self.record_all(&mut tx, partner, &Origin::here(&operator.0), entries).await;
        tx.end(recorded).await?;
        Ok(resent)
    }

    /// Opens what was given up a commit after the other, the oldest first: who dies in between has
    /// opened some, and is asked again for the rest.
    async fn reopen_failed(&self, scope: Scope, command: ResendFailed) -> Result<Resent, Error> {
        let (mut after, mut resent) = (0, Resent { count: 0, more: true });
        for _ in 0..COMMITS {
            let mut tx = self.db.begin().await?;
            let opened = reopen_some(&mut tx, scope, command, after, self.outbox.now()).await;
            let (count, last) = tx.end(opened).await?;
            resent.count += count;
            self.outbox.bell.ring();
            let Some(last) = last else {
                resent.more = false;
                break;
            };
            after = last;
        }
        Ok(resent)
    }

    /// The events of a partner's paused addresses.
    pub async fn paused_addresses(&self, scope: Scope) -> Result<Vec<Event>, Error> {
        let mut tx = self.db.read().await?;
        let all = endpoints::list(&mut tx, scope.partner()).await;
        let paused = tx.end(all).await?.into_iter().filter(|it| it.paused_at.is_some());
        Ok(paused.map(|it| it.event).collect())
    }

    /// Has a partner's paused addresses tried again, with all that was kept back.
    pub async fn resume(&self, scope: Scope, once: Once<Resumed>) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let opened = self.reopen_kept(scope.partner()).await?;
        let mut tx = self.db.begin().await?;
        let result = resume_in(&mut tx, scope.partner(), opened).await;
        let result = result.map_err(Error::from).map(|resumed| {
            let entry = resumed_entry(&resumed);
            Done::unchanged(resumed).and(entry)
        });
        let answer = self.finish(scope, &once, tx, result).await?;
        self.wake_waiting(scope.partner()).await?;
        Ok(answer)
    }

    /// The same in the name of the operator.
    pub async fn resume_as(
        &self,
        operator: &Operator,
        partner: PartnerId,
    ) -> Result<Resumed, Error> {
        let opened = self.reopen_kept(partner).await?;
        let mut tx = self.db.begin().await?;
        let resumed = async {
            let resumed = resume_in(&mut tx, partner, opened).await?;
            let entries = resumed_entry(&resumed).into_iter().collect();
            self.record_all(&mut tx, partner, &Origin::here(&operator.0), entries).await?;
            Ok::<_, Error>(resumed)
        };
        let resumed = resumed.await;
        let resumed = tx.end(resumed).await?;
        self.wake_waiting(partner).await?;
        Ok(resumed)
    }

    /// Opens all that was kept back while nothing is sent yet, so that what came later stays behind
    /// it; how many.
    async fn reopen_kept(&self, partner: PartnerId) -> Result<u64, Error> {
        let mut count = 0;
        loop {
            let mut tx = self.db.begin().await?;
            let opened = endpoints::reopen(&mut tx, partner, COMMIT).await;
            match tx.end(opened).await? {
                0 => return Ok(count),
                opened => count += opened,
            }
        }
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
}

/// Opens some of those after a number; how many, and where to go on.
async fn reopen_some(
    tx: &mut Tx,
    scope: Scope,
    ResendFailed { of, since, event }: ResendFailed,
    after: i64,
    now: Timestamp,
) -> Result<(u64, Option<i64>), StoreError> {
    let failed = outbox::again::list_failed(tx, scope, after, COMMIT).await?;
    let wants = |failed: &&Failed| {
        of.is_none_or(|of| of.has(failed.event))
            && failed.closed_at >= since
            && event.is_none_or(|event| failed.event == event)
    };
    let wanted: Vec<&Failed> = failed.iter().filter(wants).collect();
    let numbers: Vec<i64> = wanted.iter().map(|failed| failed.number).collect();
    let mut opened = outbox::again::reopen(tx, scope, &numbers, now).await?;
    // With the first call of a balance goes all that is parked behind it.
    let calls = wanted.iter().rev().filter(|failed| failed.event.is_call());
    let first: BTreeMap<&str, i64> =
        calls.map(|failed| (failed.stream.as_str(), failed.number)).collect();
    for behind in first {
        opened += outbox::again::reopen_behind(tx, scope, behind, now).await?;
    }
    Ok((opened, failed.last().map(|failed| failed.number)))
}

fn failed_entry(command: ResendFailed, resent: Resent) -> Option<Entry> {
    let detail = json!({
        "since": command.since.to_string(),
        "event": command.event.map(Event::as_str),
        "notifications": resent.count,
    });
    (resent.count > 0).then(|| Entry::made("notification.resend", "failed", detail))
}

/// Ends the pauses, and opens the last that was kept back; `opened` were before.
async fn resume_in(tx: &mut Tx, partner: PartnerId, opened: u64) -> Result<Resumed, StoreError> {
    // From here on nobody closes an entry as paused: whoever does looks at these rows first.
    let addresses = endpoints::list(tx, partner).await?;
    endpoints::resume(tx, partner).await?;
    let count = opened + endpoints::reopen(tx, partner, COMMIT).await?;
    let paused = addresses.iter().filter(|address| address.paused_at.is_some());
    Ok(Resumed { events: paused.map(|address| address.event).collect(), count })
}

fn resumed_entry(resumed: &Resumed) -> Option<Entry> {
    let events: Vec<&str> = resumed.events.iter().map(|event| event.as_str()).collect();
    let any = !events.is_empty() || resumed.count > 0;
    let detail = json!({ "events": events, "notifications": resumed.count });
    any.then(|| Entry::made("partner.resume", "notifications", detail))
}

/// Answers the last of the streams that were woken.
async fn wake_in(
    tx: &mut Tx,
    partner: PartnerId,
    after: &str,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let streams = endpoints::list_waiting(tx, partner, after, COMMIT).await?;
    let named = streams.iter().map(|stream| (partner, stream.as_str()));
    outbox::wake(tx, named, now).await?;
    Ok(streams.into_iter().last())
}
