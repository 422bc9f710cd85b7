//! Link a new balance to the books of the partner that holds its money, while somebody waits for it
//! (spec "External balance"). The row is committed as `LINKING`; then the partner is called, with
//! no transaction open; then what came of it is committed, if nobody else has ended it meanwhile.

use super::create::Made;
use super::links::{due_at, later};
use crate::audit::Done;
use crate::outbound::Patience;
use crate::reached;
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use ::outbound::balances::Came;
use domain::Outcome;
use domain::balance::Balance;
use domain::ids::BalanceId;
use domain::scope::Scope;
use serde_json::Value;
use store::balances::{self, links};
use store::db::Tx;

impl App {
    /// Has a balance linked that was just written, and ends its making.
    pub(super) async fn link_new(
        &self,
        scope: Scope,
        made: Made,
        (patience, once): (Patience, &Once<Balance>),
    ) -> Result<Value, Error> {
        reached("linking");
        let id = made.balance.id;
        let asking = (patience.deadline(), once.origin.request_id.as_str());
        let came = self.link_at_partner(scope, &made.balance, asking).await?;
        reached("link-asked");
        match came {
            Came::Done => {
                let mut tx = self.db.begin().await?;
                let linked = linked_in(&mut tx, scope, made).await;
                self.finish(scope, once, tx, linked).await
            }
            Came::Refused => {
                self.end_link(scope, id, End::None).await?;
                self.keep_refusal(scope, once, Refusal::UserNotFound).await
            }
            Came::NotAsked => {
                self.end_link(scope, id, End::None).await?;
                Err(Refusal::PartnerUnavailable.into())
            }
            Came::Unclear => {
                self.end_link(scope, id, End::Undone).await?;
                Err(Refusal::PartnerUnavailable.into())
            }
        }
    }

    /// Ends a link that wasn't made, or may have been.
    async fn end_link(&self, scope: Scope, id: BalanceId, end: End) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let now = self.real_now();
        let ended = async {
            balances::lock(&mut tx, &[(scope.partner(), id)].into()).await?;
            let found = balances::find(&mut tx, scope, id).await?;
            let mut balance = found.ok_or(Error::broken("a balance went away"))?;
            let (outcome, link) = match end {
                End::None => (balance.unlinked(), None),
                // The call's connection has ended; the partner may still be at it.
                End::Undone => (balance.undo_link(), Some(due_at(later(now), now))),
            };
            match outcome {
                Outcome::Applied => Ok(links::set(&mut tx, scope, &balance, link).await?),
                // A worker was faster, or its owner was removed.
                Outcome::AlreadyApplied => Ok(()),
            }
        };
        let ended = ended.await;
        tx.end(ended).await
    }
}

/// How a link ends that isn't there.
#[derive(Clone, Copy)]
enum End {
    /// There is none.
    None,
    /// There may be one, which has to be undone.
    Undone,
}

/// It is there now, unless it was given up meanwhile: then its link is being undone.
async fn linked_in(tx: &mut Tx, scope: Scope, made: Made) -> Result<Done<Balance>, Error> {
    let id = made.balance.id;
    balances::lock(tx, &[(scope.partner(), id)].into()).await?;
    let found = balances::find(tx, scope, id).await?;
    let mut balance = found.ok_or(Error::broken("a balance went away"))?;
    match balance.linked() {
        Ok(Outcome::Applied) => {
            links::set(tx, scope, &balance, None).await?;
            Ok(Made { balance, ..made }.done())
        }
        // Only we make this one.
        Ok(Outcome::AlreadyApplied) => Err(Error::broken("a balance was linked by two")),
        Err(_) => Err(Refusal::PartnerUnavailable.into()),
    }
}
