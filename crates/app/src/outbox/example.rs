//! An example of a notification, sent at once and beside the outbox: nothing waits for it, nothing
//! of it is kept but what came of it.

use super::encryption::Telling;
use super::run::{ANSWER, attempt};
use crate::audit::{Done, Entry, Operator, Origin};
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::ids::PartnerId;
use domain::notification::Event;
use domain::scope::Scope;
use outbound::notifications::example;
use serde_json::{Value, json};
use std::time::Instant;
use store::outbox::Attempt;

/// What an example's `X-Request-Id` begins with: that of no real notification does.
const MARK: &str = "example-";

/// What came of an example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Whether a notification would count as delivered by this.
    pub delivered: bool,
    /// What was answered, and when.
    pub attempt: Attempt,
}

impl App {
    /// Sends a partner an example, also of what it isn't told of, and where the address is paused.
    pub async fn send_example(
        &self,
        scope: Scope,
        event: Event,
        once: Once<Tried>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let tried = self.try_example(scope.partner(), event).await;
        let tx = self.db.begin().await?;
        let done = tried.map(|tried| {
            let entry = entry(event, &tried);
            Done::changed(tried, entry)
        });
        self.finish(scope, &once, tx, done).await
    }

    /// The same in the name of the operator.
    pub async fn send_example_as(
        &self,
        operator: &Operator,
        partner: PartnerId,
        event: Event,
    ) -> Result<Tried, Error> {
        let tried = self.try_example(partner, event).await?;
        let mut tx = self.db.begin().await?;
        let origin = Origin::here(&operator.0);
        let recorded = self.record(&mut tx, partner, &origin, entry(event, &tried)).await;
        tx.end(recorded).await?;
        Ok(tried)
    }

    async fn try_example(&self, partner: PartnerId, event: Event) -> Result<Tried, Error> {
        let line = self.line_to(partner).await?.ok_or(Refusal::NotificationsNotSetUp)?;
        let body = example(event).to_string().into_bytes();
        let key = crate::ids::random_id();
        let (at, begun) = (self.outbox.now(), Instant::now());
        let telling = Telling {
            event,
            key,
            request_id: &format!("{MARK}{key}"),
            body: &body,
            timeout: ANSWER,
            now: at,
        };
        let answer = line.tell(&telling).await;
        let delivered = answer.as_ref().is_ok_and(|answer| event.is_taken(answer.status));
        Ok(Tried { delivered, attempt: attempt(at, begun.elapsed(), answer) })
    }
}

fn entry(event: Event, tried: &Tried) -> Entry {
    let detail = json!({ "delivered": tried.delivered, "status": tried.attempt.status });
    Entry::made("notification.example", event, detail)
}
