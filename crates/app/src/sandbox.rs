//! What a sandbox alone can do: its partners change their own settings, and its clock is moved.

use crate::audit::{Done, Entry, Operator, Origin};
use crate::once::Turn;
use crate::partners::{Change, changed, partner_json};
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::Timestamp;
use domain::ids::PartnerId;
use domain::scope::Scope;
use jiff::ToSpan as _;
use serde_json::{Value, json};
use store::counters;
use store::db::Tx;

/// By how many seconds the clock can be moved in all: ten years.
pub const CLOCK_MAX: i64 = 3_653 * 24 * 60 * 60;

impl App {
    /// Changes how a sandbox's partner works and how it is called, both or neither.
    pub async fn set_sandbox(
        &self,
        operator: &Operator,
        scope: Scope,
        change: Change,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        // Before the lock: reading it needs a connection of its own.
        self.partner_key(scope.partner()).await?;
        let mut tx = self.db.begin().await?;
        let result =
            self.set_sandbox_in(&mut tx, &operator.origin(), scope.partner(), change).await;
        let answer = self.finish(scope, &once, tx, result).await?;
        self.refresh_settings().await?;
        Ok(answer)
    }

    async fn set_sandbox_in(
        &self,
        tx: &mut Tx,
        origin: &Origin,
        id: PartnerId,
        change: Change,
    ) -> Result<Done<()>, Error> {
        // First, since it locks the settings' version: what is read after that stays so.
        self.set_outbound_in(tx, origin, id, (change.outbound, None)).await?;
        let held = store::partners::list(tx).await?.into_iter().find(|partner| partner.id == id);
        let held = held.ok_or(Refusal::PartnerNotFound)?;
        let before = partner_json(&held);
        let partner = changed(held, change.partner);
        self.set_partner_in(tx, origin, &partner, &before).await?;
        // Its records are those of the operator whose sandbox it is.
        Ok(Done::unchanged(()))
    }

    /// By how many seconds a sandbox's business time is ahead of real time.
    pub async fn clock_ahead(&self) -> Result<i64, Error> {
        let mut tx = self.db.begin().await?;
        let next = counters::take(&mut tx, PartnerId::PLATFORM, counters::CLOCK, 0).await;
        Ok(tx.end(next).await? - 1)
    }

    /// Moves a sandbox's business time ahead, for good; the answer is the time that it is then.
    /// `real` is the real time. The caller's clock follows with [`App::clock_ahead`].
    pub async fn advance_clock(
        &self,
        scope: Scope,
        seconds: u32,
        real: Timestamp,
        once: Once<Timestamp>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let result = advance_in(&mut tx, seconds.into(), real).await;
        self.finish(scope, &once, tx, result).await
    }
}

async fn advance_in(tx: &mut Tx, seconds: i64, real: Timestamp) -> Result<Done<Timestamp>, Error> {
    let before = counters::take(tx, PartnerId::PLATFORM, counters::CLOCK, seconds).await? - 1;
    let ahead = before + seconds;
    if ahead > CLOCK_MAX {
        return Err(Refusal::ClockLimitReached.into());
    }
    let now = real.checked_add(ahead.seconds()).map_err(|_| Refusal::ClockLimitReached)?;
    let (before, after) = (json!({ "secondsAhead": before }), json!({ "secondsAhead": ahead }));
    Ok(Done::changed(now, Entry::changed("sandbox.clock", "clock", &before, &after)))
}
