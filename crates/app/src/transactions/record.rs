//! What the record of a transaction shows beside what the ledger keeps: what it was paid by.

use domain::balance::PartnerBalanceKind;
use domain::ids::{BalanceId, CardId, PartnerId};
use domain::transaction::{Resource, Transaction};
use std::collections::{BTreeSet, HashMap};
use store::db::Tx;
use store::{StoreError, balances, cards};
use uuid::Uuid;

/// A transaction, and what it was paid by.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The transaction.
    pub transaction: Transaction,
    /// What it was paid by.
    pub resource: Resource,
}

impl std::ops::Deref for Record {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        &self.transaction
    }
}

/// What some transactions were paid by. None of it ever changes.
#[derive(Debug)]
pub(crate) struct Resources {
    cards: HashMap<CardId, Uuid>,
    /// The partner's own balances.
    kinds: HashMap<BalanceId, PartnerBalanceKind>,
}

impl Resources {
    /// Reads what these were paid by.
    pub(crate) async fn load<'a>(
        tx: &mut Tx,
        partner: PartnerId,
        of: impl Iterator<Item = &'a Transaction> + Clone,
    ) -> Result<Self, StoreError> {
        let of_cards = of.clone().filter_map(|it| it.order.card);
        let keys: BTreeSet<_> = of_cards.map(|card| (partner, card)).collect();
        let cards = cards::load(tx, &keys).await?;
        let without_card = of.filter(|it| it.order.card.is_none());
        let keys = without_card.filter_map(|it| Some((partner, it.order.balance?))).collect();
        let balances = balances::load(tx, &keys).await?;
        let kinds = balances.into_iter().filter_map(|(_, it)| Some((it.id, it.owner.kind()?)));
        Ok(Self {
            cards: cards.into_iter().map(|(_, card)| (card.id, card.resource)).collect(),
            kinds: kinds.collect(),
        })
    }

    /// What one of them was paid by: a card if it names one.
    pub(crate) fn of(&self, transaction: &Transaction) -> Resource {
        match (transaction.order.card, transaction.order.balance) {
            (Some(card), _) => {
                self.cards.get(&card).map_or(Resource::UNKNOWN, |id| Resource::card(*id))
            }
            (None, Some(balance)) => Resource::balance(balance, self.kinds.get(&balance).copied()),
            (None, None) => Resource::UNKNOWN,
        }
    }

    /// The record of one of them.
    pub(crate) fn record(&self, transaction: Transaction) -> Record {
        Record { resource: self.of(&transaction), transaction }
    }
}
