//! Transactions that a partner is asked about, and the numbers of those that can be seen.

use super::Facts;
use crate::ledger::command::Command;
use domain::Timestamp;
use domain::authorization::Says;
use domain::ids::{CardId, PartnerId, TransactionId};
use domain::ledger::matching::{Match, Reference, find};
use domain::transaction::{Processing, Transaction};
use std::collections::BTreeSet;
use store::db::Tx;
use store::outbox::Entry;
use store::transactions::asked::CardDay;
use store::{StoreError, counters, transactions};

impl Facts {
    /// The transaction of a card that a partner is being asked about, and that a message means. One
    /// that tells no time means what is known of its id before it means a question.
    pub(in crate::ledger) fn asked_about(
        &self,
        partner: PartnerId,
        card: CardId,
        reference: &Reference,
    ) -> Option<&Transaction> {
        if reference.date.is_none()
            && find(self.transactions_of(partner, card), reference) != Match::None
        {
            return None;
        }
        self.transactions_of(partner, card).find(|it| {
            it.processing == Processing::Asking
                && it.order.processor == Some(reference.processor)
                && it.order.network_id == reference.id
                && reference.date.is_none_or(|date| it.order.network_date == date)
                // An increment that bears the id of what it raises isn't meant by that.
                && it.order.reference_id.as_ref() != Some(&reference.id)
        })
    }

    /// Reads what was paid today without an answer with the cards of what has none again.
    pub(super) async fn load_stand_ins(
        &mut self,
        tx: &mut Tx,
        commands: &[&Command],
    ) -> Result<(), StoreError> {
        let days = commands.iter().filter_map(|command| {
            let says = command.event.told()?;
            let asked = self.transactions.get(&(command.scope.partner(), command.transaction))?;
            matches!(says, Says::Unclear | Says::NotAsked)
                .then(|| day_of(command.scope.partner(), asked))?
        });
        let days: BTreeSet<CardDay> = days.collect();
        if !days.is_empty() {
            self.stand_ins = transactions::asked::stand_ins(tx, &days).await?.into_iter().collect();
        }
        Ok(())
    }

    /// What was paid without an answer with the card of a transaction, on the day on which that
    /// counts, in minor units.
    pub(in crate::ledger) fn stood_in(&self, partner: PartnerId, of: &Transaction) -> i64 {
        day_of(partner, of).and_then(|day| self.stand_ins.get(&day)).copied().unwrap_or_default()
    }

    /// Adds a transaction that was approved without an answer.
    pub(in crate::ledger) fn stand_in(&mut self, partner: PartnerId, approved: &Transaction) {
        if let Some(day) = day_of(partner, approved) {
            let sum = self.stand_ins.entry(day).or_default();
            *sum = sum.saturating_add(approved.order.amount);
        }
    }

    /// Takes away what was only asked about and holds nothing: it becomes a transaction anew, or a
    /// part of another one. It was asked about in an earlier batch.
    pub(in crate::ledger) fn forget(&mut self, partner: PartnerId, id: TransactionId) {
        if let Some(gone) = self.transactions.remove(&(partner, id)) {
            if let Some(of) = gone.order.card.and_then(|it| self.of_card.get_mut(&(partner, it))) {
                of.retain(|known| *known != id);
            }
            self.writes.removed_transactions.push((partner, id));
        }
    }

    /// Gives transactions that can be seen from now on and entries of the outbox their numbers,
    /// from one series. Its row is locked after all balances and before any message, by every
    /// batch, so no two wait crosswise; it stays locked until the commit, so numbers ascend in the
    /// order in which they can be read.
    pub(super) async fn number(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let seen = self.writes.numbered.iter().map(|(partner, _)| *partner);
        let told = self.writes.outbox.iter().map(|entry| entry.partner);
        let partners: BTreeSet<PartnerId> = seen.chain(told).collect();
        for partner in partners {
            let seen = self.writes.numbered.iter().filter(|key| key.0 == partner);
            let told = self.writes.outbox.iter_mut().filter(|entry| entry.partner == partner);
            let told: Vec<&mut Entry> = told.collect();
            let count = i64::try_from(seen.clone().count() + told.len()).unwrap_or(i64::MAX);
            let mut numbers = counters::take(tx, partner, counters::EVENTS, count).await?..;
            for (key, number) in seen.zip(&mut numbers) {
                if let Some(transaction) = self.transactions.get_mut(key) {
                    transaction.number = number;
                }
            }
            for (entry, number) in told.into_iter().zip(&mut numbers) {
                entry.number = number;
            }
        }
        Ok(())
    }

    /// Says of transactions that can be seen from now on when they were decided.
    pub(super) fn date(&mut self, now: Timestamp) {
        for key in &self.writes.numbered {
            if let Some(transaction) = self.transactions.get_mut(key) {
                transaction.decided_at = Some(now);
            }
        }
    }
}

fn day_of(partner: PartnerId, of: &Transaction) -> Option<CardDay> {
    Some((partner, of.order.card?, of.counted?.on))
}
