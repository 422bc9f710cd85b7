//! What records are made from: transactions and the partner's own, and all that they concern.

use super::record::{HistoryRecord, Known};
use crate::Error;
use crate::settings::Snapshot;
use domain::balance::{Balance, Owner};
use domain::card::Card;
use domain::ids::{BalanceId, CardId, CorporationId, OwnerId, PartnerId, TransactionId, UserId};
use domain::scope::Scope;
use domain::thc::RecordStatus;
use domain::transaction::{Processing, Transaction};
use std::collections::{BTreeSet, HashMap};
use store::db::Tx;
use store::thc::{Kept, Notes};
use store::transactions::history::{find_numbered, reversals};
use store::users::Contact;
use store::{StoreError, balances, cards, corporations, thc, users};
use uuid::Uuid;

/// What a record is made from.
#[derive(Clone, Debug)]
pub(super) enum Line {
    /// A transaction of the ledger.
    Ledger(Box<Transaction>),
    /// A record of the partner's own.
    Own(Box<Kept>),
}

impl Line {
    /// The line of a number.
    pub(super) async fn find(
        tx: &mut Tx,
        scope: Scope,
        number: i64,
    ) -> Result<Option<Self>, StoreError> {
        let seen = |found: &Transaction| found.processing != Processing::Asking;
        if let Some(found) = find_numbered(tx, scope, number).await?.filter(seen) {
            return Ok(Some(Self::Ledger(Box::new(found))));
        }
        let kept = thc::find(tx, scope, number).await?.filter(|kept| kept.own.is_some());
        Ok(kept.map(|kept| Self::Own(Box::new(kept))))
    }

    pub(super) fn number(&self) -> i64 {
        match self {
            Self::Ledger(transaction) => transaction.number,
            Self::Own(kept) => kept.number,
        }
    }

    pub(super) fn card(&self) -> Option<CardId> {
        match self {
            Self::Ledger(transaction) => transaction.order.card,
            Self::Own(kept) => kept.own.as_ref()?.card,
        }
    }

    pub(super) fn balance(&self) -> Option<BalanceId> {
        match self {
            Self::Ledger(transaction) => transaction.order.balance,
            Self::Own(kept) => kept.own.as_ref()?.balance,
        }
    }
}

/// Whose a line is, as far as it is erased with somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Noted {
    User(UserId),
    Corporation(CorporationId),
}

impl From<Noted> for OwnerId {
    fn from(noted: Noted) -> Self {
        match noted {
            Noted::User(id) => id.into(),
            Noted::Corporation(id) => id.into(),
        }
    }
}

/// All that some lines concern.
pub(super) struct Sources {
    cards: HashMap<CardId, Card>,
    balances: HashMap<BalanceId, Balance>,
    contacts: HashMap<UserId, Contact>,
    corporations: HashMap<CorporationId, Uuid>,
    notes: HashMap<i64, Notes>,
    reversals: HashMap<TransactionId, String>,
}

impl Sources {
    pub(super) async fn load(tx: &mut Tx, scope: Scope, lines: &[Line]) -> Result<Self, Error> {
        let partner = scope.partner();
        let keys = lines.iter().filter_map(|line| Some((partner, line.card()?))).collect();
        let cards = cards::load(tx, &keys).await?;
        let keys = lines.iter().filter_map(|line| Some((partner, line.balance()?))).collect();
        let balances = balances::load(tx, &keys).await?;
        let mut sources = Self {
            cards: cards.into_iter().map(|(_, card)| (card.id, card)).collect(),
            balances: balances.into_iter().map(|(_, balance)| (balance.id, balance)).collect(),
            contacts: HashMap::new(),
            corporations: HashMap::new(),
            notes: load_notes(tx, partner, lines).await?,
            reversals: load_reversals(tx, partner, lines).await?,
        };
        let named: BTreeSet<UserId> = lines.iter().filter_map(|it| sources.user(it)).collect();
        let contacts = users::contacts(tx, partner, named.into_iter()).await?;
        sources.contacts = contacts.into_iter().collect();
        let named: BTreeSet<_> = lines.iter().filter_map(|it| sources.corporation(it)).collect();
        for id in named {
            // One that was removed has none any more.
            let found = corporations::find_by_id(tx, scope, id).await?;
            sources.corporations.extend(found.map(|it| (id, it.corporation.resource)));
        }
        Ok(sources)
    }

    /// The user whose balance it is, or who holds the card of a corporation's.
    fn user(&self, line: &Line) -> Option<UserId> {
        if let Line::Own(kept) = line {
            return kept.own.as_ref().map(|own| own.user);
        }
        match self.owner_of_balance(line) {
            Some(Owner::User(user)) => Some(user),
            Some(Owner::Corporation(_) | Owner::Partner(_)) | None => {
                self.cards.get(&line.card()?).map(|card| card.holder)
            }
        }
    }

    fn corporation(&self, line: &Line) -> Option<CorporationId> {
        match self.owner_of_balance(line)? {
            Owner::Corporation(id) => Some(id),
            Owner::User(_) | Owner::Partner(_) => None,
        }
    }

    fn owner_of_balance(&self, line: &Line) -> Option<Owner> {
        self.balances.get(&line.balance()?).map(|balance| balance.owner)
    }

    /// With whom what is written beside a line is erased: with whoever the transaction is.
    pub(super) fn owner(&self, line: &Line) -> Option<Noted> {
        let user = || self.user(line).map(Noted::User);
        self.corporation(line).map(Noted::Corporation).or_else(user)
    }

    /// What the partner has written beside a line.
    pub(super) fn notes(&self, line: &Line) -> Notes {
        self.notes.get(&line.number()).cloned().unwrap_or_default()
    }

    /// The record of a line.
    pub(super) fn record(
        &self,
        settings: &Snapshot,
        partner: PartnerId,
        line: &Line,
    ) -> Option<HistoryRecord> {
        let card = line.card().and_then(|id| self.cards.get(&id));
        let user = self.user(line);
        let mut known = Known {
            card,
            program: card.and_then(|card| settings.program(partner, &card.config_id)),
            user,
            contact: user.and_then(|id| self.contacts.get(&id)),
            corporation: self.corporation(line).and_then(|id| self.corporations.get(&id)).copied(),
            notes: self.notes.get(&line.number()),
            reversal: None,
            codes: settings.partner(partner).map(|it| it.settings.description_codes),
        };
        match line {
            Line::Ledger(transaction) => {
                known.reversal = self.reversals.get(&transaction.id).map(String::as_str);
                Some(HistoryRecord::of(transaction, &known))
            }
            Line::Own(kept) => {
                known.notes = Some(&kept.notes);
                Some(HistoryRecord::of_own(kept.number, kept.own.as_ref()?, &known))
            }
        }
    }
}

/// What was written beside lines; those of the partner's own bring it along.
pub(super) async fn load_notes(
    tx: &mut Tx,
    partner: PartnerId,
    lines: &[Line],
) -> Result<HashMap<i64, Notes>, StoreError> {
    let (mut notes, mut numbers) = (HashMap::new(), Vec::new());
    for line in lines {
        match line {
            Line::Ledger(transaction) => numbers.push(transaction.number),
            Line::Own(kept) => {
                notes.insert(kept.number, kept.notes.clone());
            }
        }
    }
    let kept = thc::load(tx, partner, numbers.into_iter()).await?;
    notes.extend(kept.into_iter().map(|kept| (kept.number, kept.notes)));
    Ok(notes)
}

async fn load_reversals(
    tx: &mut Tx,
    partner: PartnerId,
    lines: &[Line],
) -> Result<HashMap<TransactionId, String>, StoreError> {
    let reversed = lines.iter().filter_map(|line| match line {
        Line::Ledger(it) if RecordStatus::of(it) == RecordStatus::Reversed => Some(it.id),
        Line::Ledger(_) | Line::Own(_) => None,
    });
    reversals(tx, partner, reversed).await
}
