//! What cards and owners may spend, and have: read with a batch, counted as it is decided.

use super::Facts;
use crate::ledger::command::Command;
use domain::ids::{BalanceId, OwnerId, PartnerId, TransactionId};
use domain::spending::{Counted, Delta, Spending, Subject};
use domain::transaction::{Order, Transaction};
use domain::{Date, Timestamp};
use std::collections::BTreeSet;
use store::StoreError;
use store::db::Tx;
use store::spending::{self, Kept};

impl Facts {
    /// Reads what may be spent and was, of all cards and owners of the batch.
    pub(super) async fn load_spending(
        &mut self,
        tx: &mut Tx,
        commands: &[&Command],
    ) -> Result<(), StoreError> {
        let owners = commands.iter().filter_map(|command| {
            Some((command.scope.partner(), Subject::Owner(command.payers.owner()?)))
        });
        let paid_with = self.transactions.iter().filter_map(|((partner, _), transaction)| {
            Some((*partner, transaction.order.balance?, transaction.order.card?))
        });
        let cards = self.cards.iter().map(|((partner, id), card)| (*partner, card.balance, *id));
        let cards = cards.chain(paid_with).filter_map(|(partner, balance, card)| {
            Some((partner, Subject::Card(self.owner(partner, balance)?, card)))
        });
        let keys: BTreeSet<spending::Key> = owners.chain(cards).collect();
        let kept = spending::load(tx, keys.iter().copied()).await?;
        self.spending = keys.into_iter().map(|key| (key, Kept::default())).collect();
        self.spending.extend(kept);
        Ok(())
    }

    /// What somebody may spend, and has.
    pub(in crate::ledger) fn spending(
        &self,
        partner: PartnerId,
        subject: Option<Subject>,
    ) -> &Spending {
        let kept = subject.and_then(|subject| self.spending.get(&(partner, subject)));
        kept.map_or(&self.nobodys, |kept| &kept.spending)
    }

    /// Whose spending a payment is: its card's, and its balance's owner's.
    pub(in crate::ledger) fn spenders(
        &self,
        partner: PartnerId,
        order: &Order,
    ) -> [Option<Subject>; 2] {
        let owner = order.balance.and_then(|id| self.owner(partner, id));
        let card = owner.zip(order.card).map(|(owner, card)| Subject::Card(owner, card));
        [card, owner.map(Subject::Owner)]
    }

    fn owner(&self, partner: PartnerId, balance: BalanceId) -> Option<OwnerId> {
        self.balances.get(&(partner, balance))?.owner.id()
    }

    /// The partner's day on which a payment counts.
    pub(in crate::ledger) fn day(&self, partner: PartnerId, order: &Order, now: Timestamp) -> Date {
        let today = self.settings.today(partner, now);
        let spenders = self.spenders(partner, order).into_iter();
        let days = spenders.map(|it| self.spending(partner, it).day(order.currency, today));
        days.max().unwrap_or(today)
    }

    /// Counts what an event changes of a transaction; how it counts is fixed when it is made, by
    /// what it is and which one it follows.
    pub(super) fn count(
        &mut self,
        partner: PartnerId,
        after: &mut Transaction,
        follows: Option<TransactionId>,
    ) {
        let before = self.transactions.get(&(partner, after.id));
        let day = self.day(partner, &after.order, after.changed_at);
        if before.is_none() {
            let follows = follows.and_then(|id| self.transactions.get(&(partner, id)));
            after.counted = Counted::of(&after.order, day, follows);
        }
        let Some(delta) = Delta::between(before, after) else { return };
        for subject in self.spenders(partner, &after.order).into_iter().flatten() {
            let key = (partner, subject);
            self.spending.entry(key).or_default().spending.count(&delta, day);
            self.writes.spending.insert(key);
        }
    }
}
