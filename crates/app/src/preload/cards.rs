//! Cards for measuring: each with a holder, a balance and money on it.

use super::{Bench, BenchPartner};
use crate::{App, Error, ids};
use domain::balance::{Balance, BalanceState, Owner};
use domain::card::Card;
use domain::card::lifecycle::{CardStatus, Usable};
use domain::card::tries::Tries;
use domain::ids::{BalanceId, CardId, PartnerId, UserId};
use domain::ledger::accounts::Accounts;
use domain::ledger::internal::{self, transfer};
use domain::ledger::{Change, Leg};
use domain::limits::{Limit, LimitType, Rules, TimeUnit};
use domain::money::{Amount, Currency};
use domain::partner::{BalanceMode, CollateralMode};
use domain::secret::Pan;
use domain::spending::{Spending, Subject};
use domain::transaction::{
    Category, Order, Place, Processing, Transaction, TransactionType, action_code,
};
use domain::user::{Email, Kyc, Phone, Profile, User, UserState};
use store::cards::{Sealed, SealedPan};
use store::db::Tx;
use store::ledger::{Message, Name};
use store::spending::Kept;
use store::{balances, cards, counters, ledger, spending, transactions, users};

/// Cards that are made in one transaction of the database.
const SLICE: i64 = 1_000;
/// What numbers are made of when no name is needed.
const BORN: domain::Date = jiff::civil::date(1990, 1, 1);

/// A card for measuring.
#[derive(Debug)]
pub struct Holding {
    /// The card.
    pub card: CardId,
    /// Who holds it.
    pub holder: UserId,
    /// What it pays from.
    pub balance: BalanceId,
    /// Its number.
    pub pan: Pan,
}

/// A card that isn't written yet, with all that belongs to it.
pub struct Made {
    user: User,
    card: Card,
    pan: SealedPan,
    balance: Balance,
    transaction: Transaction,
    legs: Vec<Leg>,
    message: Message,
}

impl App {
    /// The first cards of a partner for measuring, at most so many, by ascending id.
    pub async fn cards_for_measuring(
        &self,
        of: BenchPartner,
        count: usize,
    ) -> Result<Vec<Holding>, Error> {
        let bench = self.bench(of)?;
        let mut found = Vec::new();
        let mut after = CardId(0);
        while found.len() < count {
            let mut tx = self.db.read().await?;
            let config_id = &bench.program.config_id;
            let rows = cards::list_sealed(&mut tx, bench.scope, config_id, after, SLICE).await;
            let rows = tx.end(rows).await?;
            let Some(last) = rows.last() else { break };
            after = last.card;
            for Sealed { card, holder, balance, pan } in rows.into_iter().take(count - found.len())
            {
                let pan = self.open_pan(bench.partner(), card, &pan).await?;
                found.push(Holding { card, holder, balance, pan });
            }
        }
        Ok(found)
    }

    /// Makes cards of a partner for measuring, each with this much on a balance of its own; after
    /// each slice it is told how many are made.
    pub async fn make_cards_for_measuring(
        &self,
        of: BenchPartner,
        count: i64,
        opening: Amount,
        told: impl Fn(i64) + Send,
    ) -> Result<(), Error> {
        let bench = self.bench(of)?;
        let mut made = 0;
        while made < count {
            let slice = SLICE.min(count - made);
            let rows = bench.make(slice, opening).await?;
            let mut tx = self.db.begin().await?;
            let written = bench.write(&mut tx, rows).await;
            tx.end(written).await?;
            made += slice;
            told(made);
            bench.breathe().await?;
        }
        Ok(())
    }
}

impl Bench<'_> {
    /// Takes numbers, draws card numbers and seals them: all that needs no transaction.
    async fn make(&self, count: i64, opening: Amount) -> Result<Vec<Made>, Error> {
        let platform = PartnerId::PLATFORM;
        let mut tx = self.app.db.begin().await?;
        let first = async {
            let user = counters::take(&mut tx, platform, "user", count).await?;
            counters::take(&mut tx, platform, "card", count).await.map(|card| (user, card))
        };
        let first = first.await;
        let (first_user, first_card) = tx.end(first).await?;
        let mut made = Vec::new();
        for n in 0..count {
            let ids = (UserId(first_user + n), CardId(first_card + n));
            made.push(self.make_one(ids, opening).await?);
        }
        Ok(made)
    }

    async fn make_one(
        &self,
        (user, card): (UserId, CardId),
        opening: Amount,
    ) -> Result<Made, Error> {
        let pan = self.app.new_pan(&self.program).await?;
        let sealed = self.app.seal_pan(self.partner(), card, &pan).await?;
        let balance = Balance {
            id: ids::new_balance_id(),
            owner: Owner::User(user),
            currency: self.program.currency,
            mode: BalanceMode::Internal,
            state: BalanceState::Active,
            posted: 0,
            held: Amount::ZERO,
            version: 0,
            gift: None,
        };
        let (transaction, balance, legs) = self.funded(balance, opening)?;
        Ok(Made {
            user: holder(user)?,
            card: Card {
                corporation: None,
                id: card,
                resource: ids::random_id(),
                balance: balance.id,
                holder: user,
                config_id: self.program.config_id.clone(),
                card_type: self.program.card_type,
                status: CardStatus::Usable(Usable::Active),
                last_four: pan.last_four().to_owned(),
                expiry: self.program.expiry_of_card_made_on(self.app.today()),
                cvc_generation: 0,
                pin_version: 0,
                tries: Tries::default(),
                label: None,
                version: 0,
            },
            pan: sealed,
            balance,
            message: self.message("internal", &transaction, None),
            transaction,
            legs,
        })
    }

    /// The top-up that puts money on a balance, by the ledger's own rules.
    fn funded(
        &self,
        balance: Balance,
        opening: Amount,
    ) -> Result<(Transaction, Balance, Vec<Leg>), Error> {
        let accounts = Accounts::of([&balance]);
        let facts = internal::Facts {
            accounts: &accounts,
            mode: CollateralMode::Deposit,
            under_lock: false,
            now: self.app.now(),
        };
        let order = Order {
            balance: Some(balance.id),
            card: None,
            processor: None,
            network_id: format!("opening-{}", balance.id.0),
            network_date: self.app.now(),
            reference_id: None,
            reference_date: None,
            kind: TransactionType::TopUp,
            category: Category::Credit,
            amount: opening.minor(),
            currency: balance.currency,
            original_amount: None,
            original_currency: None,
            conversion_rate: None,
            text: "Opening balance".to_owned(),
            data: None,
            mcc: None,
            retrieval_reference: None,
            place: Place::default(),
        };
        let change = transfer(self.app.new_transaction_id(), order, &facts);
        let Change { transaction, balances, legs, .. } = change;
        let balance = balances.into_iter().find(|changed| changed.id == balance.id);
        let balance = balance.ok_or(Error::broken("an opening top-up was declined"))?;
        Ok((transaction, balance, legs))
    }

    /// The message of a transaction; `names` are its idempotency key's scope, that key and the
    /// name of the network's.
    pub(super) fn message(
        &self,
        kind: &str,
        transaction: &Transaction,
        names: Option<(String, String, Name)>,
    ) -> Message {
        let (scope, key, name) = match names {
            Some((scope, key, name)) => (scope, Some(key), Some(name)),
            None => ("preload".to_owned(), None, None),
        };
        let succeeded = transaction.processing == Processing::Success;
        let asked = kind == "authorization" && succeeded;
        let approved =
            if asked { Amount::from_minor(transaction.order.amount) } else { Ok(Amount::ZERO) };
        Message {
            partner: self.partner(),
            id: self.app.new_message_id(),
            scope,
            idempotency_key: key,
            name,
            fingerprint: crypto::random::bytes::<32>().to_vec(),
            kind: kind.to_owned(),
            transaction: transaction.id,
            amount: transaction.order.amount,
            currency: transaction.order.currency,
            processing: transaction.processing,
            description: transaction.description,
            action_code: action_code(transaction.description, None).to_owned(),
            status: transaction.status,
            approved_amount: approved.unwrap_or(Amount::ZERO),
            reversed_amount: Amount::ZERO,
            authorization_code: transaction.authorization_code.clone().filter(|_| asked),
            told: false,
            request_id: "preload".to_owned(),
            created_at: transaction.changed_at,
            available: None,
        }
    }

    async fn write(&self, tx: &mut Tx, mut rows: Vec<Made>) -> Result<(), Error> {
        let (scope, now, partner) = (self.scope, self.app.now(), self.partner());
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let number = counters::take(tx, partner, counters::EVENTS, count).await?;
        for (row, number) in rows.iter_mut().zip(number..) {
            row.transaction.number = number;
        }
        let new = users::insert_all(tx, scope, rows.iter().map(|row| &row.user), now).await?;
        if new != rows.len() as u64 {
            return Err(Error::broken("a made-up user is there already"));
        }
        balances::insert_all(tx, scope, rows.iter().map(|row| &row.balance), now).await?;
        let made = rows.iter().map(|row| (&row.card, &row.pan));
        cards::insert_all(tx, scope, made, now).await?;
        let limited = Kept { spending: limited(self.program.currency)?, version: None };
        let limits = rows.iter().map(|row| {
            let card = Subject::Card(row.card.owner(), row.card.id);
            ((partner, card), &limited)
        });
        spending::update(tx, limits).await?;
        let moved = rows.iter().map(|row| (partner, &row.transaction));
        transactions::insert(tx, moved).await?;
        let legs = rows.iter().map(|row| (partner, row.transaction.id, 1, row.legs.as_slice()));
        ledger::insert_movements(tx, legs, now).await?;
        ledger::insert_messages(tx, rows.iter().map(|row| &row.message)).await?;
        Ok(())
    }
}

/// A daily and a monthly limit that are counted and never reached, with nothing spent.
fn limited(currency: Currency) -> Result<Spending, Error> {
    let amount = Amount::from_minor(1_000_000_000_000);
    let amount = amount.map_err(|_| Error::broken("a limit can't be made"))?;
    let limit = |unit| Limit { kind: LimitType::General, unit, currency, amount, count: None };
    let limits = vec![limit(TimeUnit::Daily), limit(TimeUnit::Monthly)];
    let rules = Rules { limits, ..Rules::default() };
    Spending::of(rules, &[]).ok_or(Error::broken("limits can't be made"))
}

/// A user who was verified, whose names tell the number.
fn holder(id: UserId) -> Result<User, Error> {
    let email = Email::parse(&format!("holder-{}@bench.example", id.0));
    let phone = Phone::parse(&format!("+999{:011}", id.0));
    let (Some(email), Some(phone)) = (email, phone) else {
        return Err(Error::broken("a made-up user has no address"));
    };
    let profile = Profile {
        first_name: "Bench".to_owned(),
        last_name: format!("Holder {}", id.0),
        phone,
        email,
        birth_date: BORN,
        external_id: None,
        address: None,
    };
    let (state, kyc) = (UserState::Verified, Kyc::Success);
    Ok(User { id, profile, state, before_lock: None, kyc, version: 0 })
}
