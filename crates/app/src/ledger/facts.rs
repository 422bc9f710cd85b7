//! What a batch knows, and what it will write: steps 3, 4 and 6 of the protocol.

mod asked;
mod checks;
mod counting;
mod meant;

use super::command::Command;
use super::{Step, reached};
use crate::settings::Snapshot;
use domain::Timestamp;
use domain::authorization::OwnerFacts;
use domain::balance::{self, Balance, PartnerBalanceKind};
use domain::card::Card;
use domain::ids::{BalanceId, CardId, CorporationId, MessageId, PartnerId, TransactionId, UserId};
use domain::ledger::accounts::Accounts;
use domain::ledger::{Change, Leg, Posting};
use domain::money::Currency;
use domain::spending::Spending;
use domain::transaction::Transaction;
use jiff::ToSpan;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use store::audit::Record;
use store::db::{Db, Tx};
use store::ledger::{EarlyReversal, Message};
use store::outbox::{self, Entry};
use store::spending::{self, Kept};
use store::transactions::asked::CardDay;
use store::{StoreError, audit, balances, cards, corporations, ledger, transactions, users};

/// How long a reversal waits for what it reverses, in hours (spec "From the network").
const EARLY_REVERSAL_HOURS: i64 = 24;

type Owned<T> = (PartnerId, T);

/// The facts of a batch in memory, and which of them have changed.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) settings: Arc<Snapshot>,
    /// When the batch was begun, in real time.
    pub(super) real_time: Timestamp,
    pub(super) balances: HashMap<Owned<BalanceId>, Balance>,
    pub(super) cards: HashMap<Owned<CardId>, Card>,
    pub(super) users: HashMap<Owned<UserId>, OwnerFacts>,
    pub(super) corporations: HashMap<Owned<CorporationId>, OwnerFacts>,
    pub(super) transactions: HashMap<Owned<TransactionId>, Transaction>,
    /// Transactions of a card, those made in this batch included.
    of_card: HashMap<Owned<CardId>, Vec<TransactionId>>,
    by_key: HashMap<(PartnerId, String, String), Message>,
    by_name: HashMap<(PartnerId, String), Message>,
    by_id: HashMap<Owned<MessageId>, Message>,
    pub(super) waiting_reversals: HashSet<EarlyReversal>,
    /// What cards and owners may spend, and have.
    spending: HashMap<spending::Key, Kept>,
    nobodys: Spending,
    /// What was paid without the partner's answer, by card and day.
    stand_ins: HashMap<CardDay, i64>,
    writes: Writes,
}

/// Who answers for the commands of a batch.
struct Payers {
    users: BTreeSet<Owned<UserId>>,
    corporations: BTreeSet<Owned<CorporationId>>,
}

impl Payers {
    fn of(commands: &[&Command]) -> Self {
        let all = || commands.iter().map(|command| (command.scope.partner(), command.payers));
        let user = |(partner, payers): (_, balance::Payers)| Some((partner, payers.user?));
        let corporation =
            |(partner, payers): (_, balance::Payers)| Some((partner, payers.corporation?));
        Self {
            users: all().filter_map(user).collect(),
            corporations: all().filter_map(corporation).collect(),
        }
    }
}

/// What is to be written.
#[derive(Default)]
struct Writes {
    balances: BTreeSet<Owned<BalanceId>>,
    cards: BTreeSet<Owned<CardId>>,
    new_transactions: Vec<Owned<TransactionId>>,
    /// Those that can be seen from now on, in the order in which they came about, which is that of
    /// their numbers: new ones, and those that a partner has answered about.
    numbered: Vec<Owned<TransactionId>>,
    /// Those that were only asked about, and are taken away.
    removed_transactions: Vec<Owned<TransactionId>>,
    /// The same, to look one up.
    is_new: HashSet<Owned<TransactionId>>,
    changed_transactions: BTreeSet<Owned<TransactionId>>,
    spending: BTreeSet<spending::Key>,
    movements: Vec<(PartnerId, TransactionId, i64, Vec<Leg>)>,
    early_reversals: Vec<EarlyReversal>,
    messages: Vec<Message>,
    outcomes: Vec<Message>,
    changed_messages: BTreeSet<Owned<MessageId>>,
    outbox: Vec<Entry>,
    records: Vec<Record>,
}

/// Why a batch wasn't written.
#[derive(Debug)]
pub(super) enum WriteError {
    /// A twin on another node was faster: again from step 3, where it can be seen.
    Twin,
    /// The database.
    Store(StoreError),
}

impl From<StoreError> for WriteError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Reads what of an engine's reads is of a history that grows, and where a balance's ends, so that
/// it is in memory when an engine reads it under its locks. Nothing is kept of it.
pub(crate) async fn read_ahead(db: &Db, commands: &[&Command]) -> Result<(), StoreError> {
    let mut tx = db.read().await?;
    let read = async {
        let mut facts = Facts::default();
        facts.load_messages(&mut tx, commands).await?;
        facts.load_transactions(&mut tx, commands).await?;
        let balances = commands
            .iter()
            .filter_map(|command| Some((command.scope.partner(), command.event.balance()?)));
        transactions::read_ends(&mut tx, balances).await
    };
    let read = read.await;
    tx.end(read).await
}

impl Facts {
    /// Locks the guards of all commands, then reads all that they can depend on.
    pub(super) async fn load(
        tx: &mut Tx,
        settings: Arc<Snapshot>,
        commands: &[&Command],
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let payers = Payers::of(commands);
        users::lock(tx, &payers.users).await?;
        corporations::lock(tx, &payers.corporations).await?;
        let guards: BTreeSet<_> = commands
            .iter()
            .flat_map(|command| {
                let partner = command.scope.partner();
                let guards = command.event.guards(partner, &settings);
                guards.into_iter().map(move |balance| (partner, balance))
            })
            .collect();
        balances::lock(tx, &guards).await?;
        reached(Step::Locked);

        let mut facts = Self { settings, ..Self::default() };
        for (partner, balance) in balances::load(tx, &guards).await? {
            facts.balances.insert((partner, balance.id), balance);
        }
        facts.load_cards(tx, commands).await?;
        facts.load_payers(tx, payers).await?;
        facts.load_messages(tx, commands).await?;
        facts.load_transactions(tx, commands).await?;
        facts.load_early_reversals(tx, commands, now).await?;
        facts.check_backings()?;
        facts.check_owners(commands)?;
        facts.load_spending(tx, commands).await?;
        facts.load_stand_ins(tx, commands).await?;
        Ok(facts)
    }

    async fn load_cards(&mut self, tx: &mut Tx, commands: &[&Command]) -> Result<(), StoreError> {
        let keys: BTreeSet<_> = commands
            .iter()
            .filter_map(|command| Some((command.scope.partner(), command.event.card()?)))
            .collect();
        for (partner, card) in cards::load(tx, &keys).await? {
            self.cards.insert((partner, card.id), card);
        }
        Ok(())
    }

    async fn load_payers(&mut self, tx: &mut Tx, payers: Payers) -> Result<(), StoreError> {
        let Payers { users, corporations } = payers;
        let users: Vec<_> = users.into_iter().collect();
        self.users = users::facts(tx, &users).await?.into_iter().collect();
        self.corporations = corporations::facts(tx, &corporations).await?.into_iter().collect();
        Ok(())
    }

    async fn load_early_reversals(
        &mut self,
        tx: &mut Tx,
        commands: &[&Command],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let keys: BTreeSet<EarlyReversal> = commands.iter().filter_map(|c| early_key(c)).collect();
        let waiting = ledger::load_early_reversals(tx, keys.iter(), now).await?;
        self.waiting_reversals = waiting.into_iter().collect();
        Ok(())
    }

    fn know(&mut self, partner: PartnerId, transaction: Transaction) {
        let key = (partner, transaction.id);
        if let Some(card) = transaction.order.card
            && !self.transactions.contains_key(&key)
        {
            self.of_card.entry((partner, card)).or_default().push(transaction.id);
        }
        self.transactions.insert(key, transaction);
    }

    fn remember(&mut self, message: Message) {
        let partner = message.partner;
        if let Some(key) = &message.idempotency_key {
            let name = (partner, message.scope.clone(), key.clone());
            self.by_key.insert(name, message.clone());
        }
        if let Some(name) = &message.name {
            self.by_name.insert((partner, name.key.clone()), message.clone());
        }
        self.by_id.insert((partner, message.id), message);
    }

    /// A balance and the partner's own in a currency, as far as this batch has locked them.
    pub(super) fn accounts(
        &self,
        partner: PartnerId,
        balance: Option<BalanceId>,
        currency: Currency,
    ) -> Accounts {
        use PartnerBalanceKind::{Company, Credit, Deposit};
        let own = [Company, Credit, Deposit]
            .into_iter()
            .filter_map(|kind| self.settings.partner_balance(partner, kind, currency))
            .filter(|id| Some(*id) != balance);
        let ids = balance.into_iter().chain(own);
        Accounts::of(ids.filter_map(|id| self.balances.get(&(partner, id))))
    }

    /// The transactions of a card that this batch knows.
    pub(super) fn transactions_of(
        &self,
        partner: PartnerId,
        card: CardId,
    ) -> impl Iterator<Item = &Transaction> {
        let ids = self.of_card.get(&(partner, card));
        ids.into_iter().flatten().filter_map(move |id| self.transactions.get(&(partner, *id)))
    }

    /// The message that a command's idempotency key was used for.
    pub(super) fn message_of_key(&self, command: &Command) -> Option<&Message> {
        let (names, partner) = (&command.names, command.scope.partner());
        self.by_key.get(&(partner, names.scope.clone(), names.key.clone()?))
    }

    /// The message that bears a command's name.
    pub(super) fn message_of_name(&self, command: &Command) -> Option<&Message> {
        let name = command.names.name.as_ref()?;
        self.by_name.get(&(command.scope.partner(), name.key.clone()))
    }

    /// The message of an id.
    pub(super) fn message(&self, partner: PartnerId, id: MessageId) -> Option<&Message> {
        self.by_id.get(&(partner, id))
    }

    /// Takes a whole decision into the facts: later commands of the batch see it. What it makes
    /// anew may follow an earlier transaction.
    pub(super) fn apply(
        &mut self,
        partner: PartnerId,
        change: Change,
        follows: Option<TransactionId>,
    ) {
        let Change { transaction, balances, legs, beside } = change;
        for balance in balances {
            self.writes.balances.insert((partner, balance.id));
            self.balances.insert((partner, balance.id), balance);
        }
        self.take(partner, Posting { transaction, legs }, follows);
        if let Some(posting) = beside {
            self.take(partner, *posting, follows);
        }
    }

    fn take(&mut self, partner: PartnerId, posting: Posting, follows: Option<TransactionId>) {
        let Posting { mut transaction, legs } = posting;
        let key = (partner, transaction.id);
        self.count(partner, &mut transaction, follows);
        let before = self.transactions.get(&key);
        if before.is_none_or(|it| it.asking.is_some() && transaction.asking.is_none()) {
            self.writes.numbered.push(key);
        }
        if before.is_none() {
            self.writes.new_transactions.push(key);
            self.writes.is_new.insert(key);
        } else if !self.writes.is_new.contains(&key) {
            self.writes.changed_transactions.insert(key);
        }
        if !legs.is_empty() {
            self.writes.movements.push((partner, transaction.id, transaction.parts, legs));
        }
        self.know(partner, transaction);
    }

    /// Takes a card as wrong or right secrets have left it; answers with it before and after.
    pub(super) fn change_card(&mut self, partner: PartnerId, card: Card) -> (Card, Card) {
        self.writes.cards.insert((partner, card.id));
        let before = self.cards.insert((partner, card.id), card.clone());
        (before.unwrap_or_else(|| card.clone()), card)
    }

    /// Whether there is nothing to write.
    #[cfg(test)]
    pub(super) fn is_untouched(&self) -> bool {
        self.writes.messages.is_empty() && self.writes.cards.is_empty()
    }

    /// Records a decided message.
    pub(super) fn record(&mut self, message: Message) {
        self.writes.messages.push(message.clone());
        self.remember(message);
    }

    /// Writes an audit record with what it reports.
    pub(super) fn audit(&mut self, record: Record) {
        self.writes.records.push(record);
    }

    /// Turns the outcome of a message that was recorded before this batch.
    pub(super) fn turn(&mut self, message: Message) {
        match self.writes.messages.iter_mut().find(|new| new.id == message.id) {
            // It was recorded in this batch, and isn't written yet.
            Some(new) => *new = message.clone(),
            None => self.writes.outcomes.push(message.clone()),
        }
        self.remember(message);
    }

    /// Marks a message of an earlier batch that is recognised again: what it approved may be told
    /// now, so it can't be taken back as late any more.
    pub(super) fn tell(&mut self, message: &Message) {
        let new = self.writes.messages.iter().any(|new| new.id == message.id);
        if !new && !message.told {
            self.writes.changed_messages.insert((message.partner, message.id));
            self.remember(Message { told: true, ..message.clone() });
        }
    }

    /// The same where another key of the caller is given the answer: the message itself can be of
    /// this batch, and what it says must not be turned either.
    pub(super) fn tell_for_good(&mut self, message: &Message) {
        match self.writes.messages.iter_mut().find(|new| new.id == message.id) {
            Some(new) => {
                new.told = true;
                let told = new.clone();
                self.remember(told);
            }
            None => self.tell(message),
        }
    }

    /// Has the partner told.
    pub(super) fn notify(&mut self, entry: Entry) {
        self.writes.outbox.push(entry);
    }

    /// Whether a partner is to be told of this batch.
    pub(super) fn notifies(&self) -> bool {
        !self.writes.outbox.is_empty()
    }

    /// Lets a reversal wait for what it reverses.
    pub(super) fn wait_for(&mut self, reversal: EarlyReversal) {
        self.writes.early_reversals.push(reversal.clone());
        self.waiting_reversals.insert(reversal);
    }

    /// Writes all that was decided, the messages last. What partners are told is due in real time.
    pub(super) async fn write(
        mut self,
        tx: &mut Tx,
        now: Timestamp,
        real_time: Timestamp,
    ) -> Result<(), WriteError> {
        self.number(tx).await?;
        self.date(now);
        let writes = &self.writes;
        let changed = writes
            .balances
            .iter()
            .filter_map(|key| self.balances.get(key).map(|balance| (key.0, balance)));
        let written = balances::update(tx, changed).await?;
        all_written(written, writes.balances.len())?;
        let changed = writes.cards.iter();
        let changed = changed.filter_map(|key| Some((key.0, self.cards.get(key)?)));
        let written = cards::update_all(tx, changed).await?;
        all_written(written, writes.cards.len())?;

        let removed = writes.removed_transactions.iter().copied();
        let gone = transactions::asked::remove_asked(tx, removed).await?;
        all_written(gone, writes.removed_transactions.len())?;
        let new = writes.new_transactions.iter();
        transactions::insert(tx, new.filter_map(|key| self.pair(key))).await?;
        let changed = writes.changed_transactions.iter();
        let written = transactions::update(tx, changed.filter_map(|key| self.pair(key))).await?;
        all_written(written, writes.changed_transactions.len())?;

        let changed = writes.spending.iter();
        let changed = changed.filter_map(|key| Some((*key, self.spending.get(key)?)));
        let written = spending::update(tx, changed).await?;
        all_written(written, writes.spending.len())?;

        let movements = writes.movements.iter();
        let movements =
            movements.map(|(partner, id, part, legs)| (*partner, *id, *part, legs.as_slice()));
        ledger::insert_movements(tx, movements, now).await?;
        let until = now.checked_add(EARLY_REVERSAL_HOURS.hours()).unwrap_or(now);
        ledger::insert_early_reversals(tx, writes.early_reversals.iter(), until).await?;
        let written = ledger::update_outcomes(tx, writes.outcomes.iter()).await?;
        all_written(written, writes.outcomes.len())?;
        let changed = writes.changed_messages.iter().filter_map(|key| self.by_id.get(key));
        let written = ledger::update_messages(tx, changed).await?;
        all_written(written, writes.changed_messages.len())?;
        outbox::insert(tx, writes.outbox.iter(), real_time).await?;
        audit::insert(tx, &writes.records).await?;
        reached(Step::Written);

        self.record_messages(tx).await
    }

    /// Sorted by key, so that two nodes never wait for one another crosswise.
    async fn record_messages(&self, tx: &mut Tx) -> Result<(), WriteError> {
        let mut messages: Vec<&Message> = self.writes.messages.iter().collect();
        messages.sort_by(|one, other| {
            let name = |message: &&Message| {
                let (scope, key) = (message.scope.clone(), message.idempotency_key.clone());
                (message.partner, message.name.clone(), scope, key)
            };
            name(one).cmp(&name(other))
        });
        let sent = u64::try_from(messages.len()).unwrap_or(u64::MAX);
        let written = ledger::insert_messages(tx, messages.into_iter()).await?;
        if written < sent { Err(WriteError::Twin) } else { Ok(()) }
    }

    fn pair(&self, key: &Owned<TransactionId>) -> Option<(PartnerId, &Transaction)> {
        self.transactions.get(key).map(|transaction| (key.0, transaction))
    }
}

/// The reversal that would stop a command.
pub(super) fn early_key(command: &Command) -> Option<EarlyReversal> {
    let order = command.event.order().filter(|_| command.event.can_be_reversed_early())?;
    Some(EarlyReversal {
        partner: command.scope.partner(),
        card: order.card?,
        reference_id: order.network_id.clone(),
        reference_date: order.network_date,
    })
}

/// All rows are under our locks, so a version that has moved is a bug.
fn all_written(written: u64, sent: usize) -> Result<(), StoreError> {
    if usize::try_from(written).is_ok_and(|written| written == sent) {
        Ok(())
    } else {
        Err(StoreError::Corrupt("version".to_owned()))
    }
}
