//! Cards that are ordered now and made afterwards, by a worker of any node.
//!
//! An operation is a row. A worker claims what waits by a committed lease, makes each card with no
//! lock held meanwhile, and ends the operation in the transaction that inserts the card: whoever
//! comes second finds it ended and inserts nothing. So a worker may die anywhere, and two may work
//! at one operation.

use super::issue_virtual::IssueVirtual;
use crate::audit::{Done, Entry, Origin};
use crate::error::Chain;
use crate::janitor::OPERATION_DAYS;
use crate::once::Turn;
use crate::owners::{self, OwnerName};
use crate::reached;
use crate::refusals::Refusal;
use crate::{App, Error, Once, ids};
use domain::ids::{OperationId, PartnerId, UserId};
use domain::operation::Progress;
use domain::scope::Scope;
use jiff::ToSpan;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use store::db::Tx;
use store::operations::{self, Claimed, Lease, Operation};
use store::users;

/// How many are claimed at once: less than a lease's worth of work, and few enough that a second
/// node finds some too.
const CLAIMED_MAX: i64 = 100;
/// How long a claim lasts in seconds: what a dead worker had claimed waits for so long.
const LEASE_SECONDS: i64 = 10;
/// How long one is tried again while the database is in trouble; shorter than a lease.
const PATIENCE: Duration = Duration::from_secs(5);
/// The first and the longest pause between two tries.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// How often one is claimed that fails for no reason of its own.
const ATTEMPTS_MAX: i64 = 5;
/// The reason of one that was given up.
const INTERNAL_ERROR: &str = "INTERNAL_ERROR";

impl App {
    /// Orders a virtual card; the answer is the operation. Only user and corporation must be
    /// there: the other checks are the operation's.
    pub async fn issue_virtual_card_later(
        &self,
        scope: Scope,
        command: IssueVirtual,
        once: Once<OperationId>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let operation = operation(command, once.origin.clone());
        let mut tx = self.db.begin().await?;
        let result = self.insert_operation(&mut tx, scope, &operation).await;
        let answer = self.finish(scope, &once, tx, result).await?;
        self.operations.notify_one();
        Ok(answer)
    }

    async fn insert_operation(
        &self,
        tx: &mut Tx,
        scope: Scope,
        operation: &Operation,
    ) -> Result<Done<OperationId>, Error> {
        users::find(tx, scope, operation.holder).await?.ok_or(Refusal::CustomerNotFound)?;
        if let Some(name) = operation.corporation {
            owners::find(tx, scope, OwnerName::Corporation(name)).await?;
        }
        operations::insert(tx, scope, operation, self.now()).await?;
        let digests = self.digests(scope.partner(), format!("operation/{}", operation.id.0));
        let after = json!({
            "userId": operation.holder.0,
            "corporationId": operation.corporation.map(|name| name.to_string()),
            "balanceId": operation.balance.0.to_string(),
            "configId": operation.config_id,
            "label": digests.of("label", operation.label.as_deref()),
        });
        let entry = Entry::made("operation.create", operation.id.0, after);
        Ok(Done::changed(operation.id, entry))
    }

    /// How far a user's operation is.
    pub async fn operation(
        &self,
        scope: Scope,
        user: UserId,
        id: OperationId,
    ) -> Result<Progress, Error> {
        let now = self.now();
        let since = now.checked_sub((OPERATION_DAYS * 24).hours()).unwrap_or(now);
        let mut tx = self.db.read().await?;
        let found = operations::find(&mut tx, scope, user, id, since).await;
        Ok(tx.end(found).await?.ok_or(Refusal::OperationNotFound)?)
    }

    /// Makes the cards that were ordered and that nobody is at; answers how many operations ended.
    /// What can't be made because of the database's trouble waits for the end of its lease.
    pub async fn carry_out_operations(&self) -> Result<usize, Error> {
        let mut ended = 0;
        loop {
            let claimed = self.claim_operations().await?;
            let more = i64::try_from(claimed.len()).is_ok_and(|count| count == CLAIMED_MAX);
            for operation in claimed {
                reached("operation-claimed");
                self.carry_out(operation).await?;
                ended += 1;
                // What is left of the claim is anybody's when the lease has ended.
                if self.tasks.is_stopping() {
                    return Ok(ended);
                }
            }
            if !more {
                return Ok(ended);
            }
        }
    }

    async fn claim_operations(&self) -> Result<Vec<Claimed>, Error> {
        let settings = self.settings.get();
        let partners: Vec<PartnerId> = settings.partners().iter().map(|p| p.id).collect();
        let from = self.now();
        let until = from.checked_add(LEASE_SECONDS.seconds()).unwrap_or(from);
        let lease = Lease { holder: ids::random_id(), from, until };
        let mut tx = self.db.begin().await?;
        let claimed = operations::claim(&mut tx, &partners, &lease, CLAIMED_MAX).await;
        Ok(tx.end(claimed).await?)
    }

    /// Tries until the operation has ended, or the database was in trouble for too long.
    async fn carry_out(&self, claimed: Claimed) -> Result<(), Error> {
        let begun = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            match self.attempt(&claimed).await {
                Err(error @ Error::Unavailable(..)) if begun.elapsed() < PATIENCE => {
                    tracing::warn!(error = %Chain(&error), "an ordered card can't be made now");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
                ended => return ended,
            }
        }
    }

    /// Tries once. A refusal is final; a bug of ours is tried again a few times, each when the
    /// lease has ended, so that it doesn't hold up the others.
    async fn attempt(&self, claimed: &Claimed) -> Result<(), Error> {
        let (app, mine) = (self.clone(), claimed.clone());
        // A task of its own, so that a panic ends this one and not the worker.
        let made = self.tasks.run(async move { app.make_card_of(mine).await }).await;
        match made.unwrap_or_else(|_| Err(Error::broken("making an ordered card panicked"))) {
            Ok(()) => Ok(()),
            Err(Error::Refused(refusal)) => self.fail(claimed, refusal.title()).await,
            Err(error @ Error::Internal(..)) => {
                let (request_id, told) = (&claimed.operation.request_id, Chain(&error).to_string());
                tracing::error!(request_id, error = told, "an ordered card can't be made");
                if claimed.attempts < ATTEMPTS_MAX {
                    return Ok(());
                }
                self.fail(claimed, INTERNAL_ERROR).await
            }
            Err(error @ (Error::Unavailable(..) | Error::KeyReused)) => Err(error),
        }
    }

    async fn make_card_of(&self, claimed: Claimed) -> Result<(), Error> {
        let (scope, operation) = (scope(&claimed), claimed.operation);
        let origin = origin(&operation);
        let command = IssueVirtual {
            holder: operation.holder,
            corporation: operation.corporation,
            balance: operation.balance,
            config_id: operation.config_id,
            label: operation.label,
        };
        let (program, card, pan) = self.make_virtual(scope, &command).await?;
        let mut tx = self.db.begin().await?;
        let ended = async {
            let entry = self.issue_in(&mut tx, scope, &program, (&card, &pan)).await?;
            self.record(&mut tx, scope.partner(), &origin, entry).await?;
            let done = Progress::Done { card: card.id };
            Ok::<_, Error>(
                operations::finish(&mut tx, scope, operation.id, &done, self.now()).await?,
            )
        };
        match ended.await {
            Ok(true) => {
                reached("operation-inserted");
                tx.commit().await?;
                reached("operation-committed");
                tracing::info!(request_id = operation.request_id, card = card.id.0, "card made");
                Ok(())
            }
            // Another worker was faster, or our own commit that seemed to fail: its card counts.
            Ok(false) => {
                tx.rollback().await;
                Ok(())
            }
            Err(error) => {
                tx.rollback().await;
                Err(error)
            }
        }
    }

    async fn fail(&self, claimed: &Claimed, reason: &str) -> Result<(), Error> {
        let (request_id, failed) =
            (&claimed.operation.request_id, Progress::Failed { reason: reason.to_owned() });
        let mut tx = self.db.begin().await?;
        let id = claimed.operation.id;
        let ended = operations::finish(&mut tx, scope(claimed), id, &failed, self.now()).await;
        tx.end(ended).await?;
        tracing::info!(request_id, reason, "an ordered card isn't made");
        Ok(())
    }
}

fn operation(command: IssueVirtual, origin: Origin) -> Operation {
    Operation {
        id: OperationId(ids::random_id()),
        holder: command.holder,
        corporation: command.corporation,
        balance: command.balance,
        config_id: command.config_id,
        label: command.label,
        actor: origin.actor,
        address: origin.address.map(|address| address.to_string()),
        request_id: origin.request_id,
    }
}

/// Where the operation came from: the card's audit record names who ordered it.
fn origin(operation: &Operation) -> Origin {
    Origin {
        actor: operation.actor.clone(),
        address: operation.address.as_deref().and_then(|address| address.parse().ok()),
        request_id: operation.request_id.clone(),
    }
}

fn scope(claimed: &Claimed) -> Scope {
    Scope::platform(claimed.partner, "a worker makes the cards that were ordered")
}
