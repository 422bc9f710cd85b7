//! Remove a balance. One whose money a partner holds is asked about there first, and unlinked (spec
//! "External balance"): `UNLINKING` is committed, then the partner is called, with no transaction
//! open, then what came of it is committed. What isn't known a worker finds out.

use super::find::ever_of_user;
use super::links::{asked_until, is_in_use, later};
use super::lock::state_facts;
use crate::audit::{Done, Entry};
use crate::once::Turn;
use crate::outbound::Patience;
use crate::reached;
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use ::outbound::balances::Came;
use domain::Outcome;
use domain::balance::{Balance, BalanceState};
use domain::card::Card;
use domain::ids::{BalanceId, UserId};
use domain::scope::Scope;
use serde_json::Value;
use store::balances::links::{self, Link};
use store::db::Tx;
use store::{balances, cards};

/// A balance by its id, and by its owner if one is named.
type Named = (Option<UserId>, BalanceId);

/// A balance that is being unlinked.
struct Unlinking {
    balance: Balance,
    /// What it was before.
    was: BalanceState,
    link: Link,
}

impl App {
    /// Takes a user's balance, of the user who is named if one is, out of use for ever: at zero,
    /// with nothing held and no card left. What the network tells afterwards of its removed cards
    /// is still posted. A removed balance stays as it is.
    pub async fn remove_balance(
        &self,
        scope: Scope,
        owner: Option<UserId>,
        id: BalanceId,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let remove = |balance: &mut Balance, cards: &[Card]| Ok(balance.remove(cards)?);
        // A balance never changes who holds its money, so that may be read before everything.
        let mut tx = self.db.read().await?;
        let found = balances::find(&mut tx, scope, id).await;
        if tx.end(found).await?.is_some_and(|found| found.is_external()) {
            return self.remove_external(scope, (owner, id), once).await;
        }
        self.change_balance(scope, (owner, id), once, "balance.remove", remove).await
    }

    async fn remove_external(
        &self,
        scope: Scope,
        named: Named,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        match self.try_to_remove(scope, named, &once).await {
            Ok(removed) => {
                let tx = self.db.begin().await?;
                self.finish(scope, &once, tx, Ok(Done::unchanged(removed))).await
            }
            Err(Error::Refused(refusal)) => self.keep_refusal(scope, &once, refusal).await,
            Err(error) => Err(error),
        }
    }

    async fn try_to_remove(
        &self,
        scope: Scope,
        (owner, id): Named,
        once: &Once<()>,
    ) -> Result<(), Error> {
        let mut tx = self.db.read().await?;
        let found = async {
            let balance = ever_of_user(&mut tx, scope, owner, id).await?;
            Ok::<_, Error>((balance, links::find(&mut tx, scope, id).await?))
        };
        let found = found.await;
        let (balance, link) = tx.end(found).await?;
        let (patience, request_id) = (self.patience_with(scope), once.origin.request_id.as_str());
        match (balance.state, link) {
            (BalanceState::Removed, _) => return Ok(()),
            (BalanceState::Unlinking, Some(link)) => {
                return self.unlink_again(scope, (balance, link), once).await;
            }
            (BalanceState::Linking | BalanceState::Unlinking, _) => {
                return Err(Refusal::BalanceNotFound.into());
            }
            (BalanceState::Active | BalanceState::Locked, _) => {}
        }
        let until = patience.deadline();
        if self.left_at_partner(scope, &balance, (until, request_id)).await? != 0 {
            return Err(Refusal::BalanceNotEmpty.into());
        }
        let patience = self.patience_with(scope);
        let mut tx = self.db.begin().await?;
        let begun = self.begin_to_unlink(&mut tx, scope, (owner, id), (&patience, once)).await;
        match tx.end(begun).await? {
            None => Ok(()),
            Some(begun) => self.unlink(scope, begun, (&patience, once)).await,
        }
    }

    /// Nothing if it is gone by now.
    async fn begin_to_unlink(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (owner, id): Named,
        (patience, once): (&Patience, &Once<()>),
    ) -> Result<Option<Unlinking>, Error> {
        balances::lock(tx, &[(scope.partner(), id)].into()).await?;
        let mut balance = ever_of_user(tx, scope, owner, id).await?;
        let cards = cards::list_of_balance(tx, scope, id).await?;
        let (was, before) = (balance.state, state_facts(&balance));
        if was.is_there() && is_in_use(tx, scope, id).await? {
            return Err(Refusal::BalanceNotEmpty.into());
        }
        match balance.remove(&cards) {
            Ok(Outcome::Applied) => {}
            Ok(Outcome::AlreadyApplied) => return Ok(None),
            // Somebody else is unlinking it.
            Err(_) if was == BalanceState::Unlinking => {
                return Err(Refusal::PartnerUnavailable.into());
            }
            Err(refusal) => return Err(refusal.into()),
        }
        let link = Link { since: Some(self.real_now()), ..asked_until(patience.until) };
        links::set(tx, scope, &balance, Some(link)).await?;
        let entry = Entry::changed("balance.remove", id.0, &before, &state_facts(&balance));
        self.record(tx, scope.partner(), &once.origin, entry).await?;
        Ok(Some(Unlinking { balance, was, link }))
    }

    async fn unlink(
        &self,
        scope: Scope,
        Unlinking { balance, was, link }: Unlinking,
        (patience, once): (&Patience, &Once<()>),
    ) -> Result<(), Error> {
        reached("unlinking");
        let since = link.since.ok_or(Error::broken("a link has no beginning"))?;
        let asking = (patience.deadline(), once.origin.request_id.as_str());
        let came = self.unlink_at_partner(scope, (&balance, since), asking).await?;
        reached("unlink-asked");
        let end = match came {
            Came::Done => End::Gone,
            Came::Refused | Came::NotAsked => End::Kept(was, link),
            Came::Unclear => return Err(Refusal::PartnerUnavailable.into()),
        };
        self.end_unlinking(scope, (balance.id, end), once).await?;
        match came {
            Came::Done => Ok(()),
            Came::Refused => Err(Refusal::PartnerRefused.into()),
            Came::NotAsked | Came::Unclear => Err(Refusal::PartnerUnavailable.into()),
        }
    }

    /// The same call again, for who asks again after its outcome was unknown, unless somebody else
    /// is calling. It isn't taken back any more.
    async fn unlink_again(
        &self,
        scope: Scope,
        (balance, link): (Balance, Link),
        once: &Once<()>,
    ) -> Result<(), Error> {
        let is_asked = link.until.is_some_and(|until| later(until) > self.real_now());
        let Some(since) = link.since.filter(|_| !is_asked) else {
            return Err(Refusal::PartnerUnavailable.into());
        };
        let until = self.patience_with(scope).deadline();
        let asking = (until, once.origin.request_id.as_str());
        match self.unlink_at_partner(scope, (&balance, since), asking).await? {
            Came::Done => self.end_unlinking(scope, (balance.id, End::Gone), once).await,
            Came::Refused | Came::NotAsked | Came::Unclear => {
                Err(Refusal::PartnerUnavailable.into())
            }
        }
    }

    async fn end_unlinking(
        &self,
        scope: Scope,
        (id, end): (BalanceId, End),
        once: &Once<()>,
    ) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let ended = self.end_unlinking_in(&mut tx, scope, (id, end), once).await;
        tx.end(ended).await
    }

    async fn end_unlinking_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (id, end): (BalanceId, End),
        once: &Once<()>,
    ) -> Result<(), Error> {
        balances::lock(tx, &[(scope.partner(), id)].into()).await?;
        let mut balance = ever_of_user(tx, scope, None, id).await?;
        let before = state_facts(&balance);
        let outcome = match end {
            End::Gone => balance.unlinked(),
            End::Kept(was, link) => {
                // Not if a worker has taken it over: what it finds out counts.
                if links::find(tx, scope, id).await? != Some(link) {
                    return Ok(());
                }
                balance.keep(was)
            }
        };
        match outcome {
            Outcome::Applied => {
                links::set(tx, scope, &balance, None).await?;
                let entry = Entry::changed("balance.remove", id.0, &before, &state_facts(&balance));
                self.record(tx, scope.partner(), &once.origin, entry).await
            }
            // A worker was faster.
            Outcome::AlreadyApplied => Ok(()),
        }
    }
}

/// How the unlinking of a balance ends.
#[derive(Clone, Copy)]
enum End {
    /// There is no link any more.
    Gone,
    /// The link is still there, and so is the balance, as it was before, unless what was to be done
    /// about it has changed.
    Kept(BalanceState, Link),
}
