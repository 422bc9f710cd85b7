//! Ends holds whose time is up.

use super::command::{Command, Event, Names, Outcome};
use crate::error::Chain;
use crate::{App, Error};
use domain::ids::PartnerId;
use domain::scope::Scope;
use std::time::{Duration, Instant};
use store::transactions::{self, Expired};
use tokio::task::{JoinError, JoinSet};

/// How many holds of a partner are ended before another partner's turn.
const ROUND: usize = 200;
/// How many rounds of a partner there are at once; the next call goes on.
const ROUNDS_MAX: usize = 50;
/// How many wait for the engine at once: they share its batches, and what is asked meanwhile waits
/// behind so many at most.
const AT_ONCE: usize = 64;
/// How long one may wait for the engine; the next call tries again.
const WAIT: Duration = Duration::from_secs(5);

/// What came of a partner's round, or of all.
#[derive(Default)]
struct Round {
    ended: usize,
    failed: Option<Error>,
    /// Whether there may be more that can be ended now.
    goes_on: bool,
}

impl Round {
    fn note(&mut self, told: Result<bool, Error>) {
        match told {
            Ok(has_ended) => self.ended += usize::from(has_ended),
            Err(error) => self.fail(error),
        }
    }

    fn fail(&mut self, error: Error) {
        self.failed.get_or_insert(error);
    }
}

impl App {
    /// Ends the holds of all partners that have come to their end, in turns, 10,000 of a partner at
    /// most; answers how many. One that can't be ended now keeps nobody else's; the first error is
    /// answered when all were tried.
    pub async fn expire_holds(&self) -> Result<usize, Error> {
        let settings = self.settings.get();
        let mut partners: Vec<PartnerId> = settings.partners().iter().map(|it| it.id).collect();
        let (mut all, stopping) = (Round::default(), self.tasks.stopping());
        for _ in 0..ROUNDS_MAX {
            let mut more = Vec::new();
            for partner in partners {
                let scope = Scope::platform(partner, "holds end by themselves");
                let round = self.expire_holds_of(scope).await;
                all.ended += round.ended;
                if round.goes_on {
                    more.push(partner);
                }
                if let Some(error) = round.failed {
                    tracing::warn!(%partner, error = %Chain(&error), "holds can't be ended now");
                    all.fail(error);
                }
            }
            partners = more;
            if partners.is_empty() || stopping.is_cancelled() {
                break;
            }
        }
        all.failed.map_or(Ok(all.ended), Err)
    }

    async fn expire_holds_of(&self, scope: Scope) -> Round {
        let mut round = Round::default();
        let expired = match self.list_expired(scope).await {
            Ok(expired) => expired,
            Err(error) => {
                round.fail(error);
                return round;
            }
        };
        let is_full = expired.len() == ROUND;
        let mut waiting = JoinSet::new();
        for hold in expired {
            if waiting.len() == AT_ONCE
                && let Some(told) = waiting.join_next().await
            {
                round.note(whole(told));
            }
            let app = self.clone();
            waiting.spawn(async move { app.expire_hold(scope, hold).await });
        }
        while let Some(told) = waiting.join_next().await {
            round.note(whole(told));
        }
        // What can't be ended is found again: it mustn't keep the worker busy.
        round.goes_on = is_full && round.ended > 0 && round.failed.is_none();
        round
    }

    async fn list_expired(&self, scope: Scope) -> Result<Vec<Expired>, Error> {
        let mut tx = self.db.read().await?;
        let expired = transactions::list_expired(&mut tx, scope, self.now(), ROUND as i64).await;
        Ok(tx.end(expired).await?)
    }

    /// Whether it has ended: it may have been cleared or raised meanwhile.
    async fn expire_hold(
        &self,
        scope: Scope,
        Expired { id: transaction, balance, card, owner, currency }: Expired,
    ) -> Result<bool, Error> {
        let command = Command {
            scope,
            payers: owner.into(),
            message: self.new_message_id(),
            transaction,
            names: Names {
                scope: "expiry".to_owned(),
                key: Some(format!("expiry:{}", transaction.0)),
                name: None,
            },
            fingerprint: Vec::new(),
            request_id: "expiry".to_owned(),
            now: self.now(),
            event: Event::Expire { transaction, card, balance, currency },
        };
        let outcome = self.engines.submit(command, Instant::now() + WAIT).await?;
        Ok(matches!(outcome, Outcome::Decided(_)))
    }
}

fn whole<T>(told: Result<Result<T, Error>, JoinError>) -> Result<T, Error> {
    told.unwrap_or_else(|error| {
        Err(Error::Internal("a hold's end broke off", Some(Box::new(error))))
    })
}
