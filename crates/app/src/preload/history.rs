//! A past for the cards of measurements: purchases that were cleared, reversed, declined or are
//! still held, decided by the ledger's own rules and written in slices.
//!
//! A slice is some transactions of each of a thousand cards, so that the pages of every index that
//! it touches are few; over the whole run keys and network ids are spread as evenly as those of a
//! real network. After each slice the ledger holds.

use super::cards::Holding;
use super::{Bench, BenchPartner};
use crate::{App, Error};
use domain::Timestamp;
use domain::balance::{Balance, PartnerBalanceKind};
use domain::ids::{CardId, TransactionId, ordered_v4};
use domain::ledger::accounts::Accounts;
use domain::ledger::clearing::{Finality, Settlement, clear};
use domain::ledger::force::{Forced, hold};
use domain::ledger::release::reverse;
use domain::ledger::{Change, Leg};
use domain::money::Amount;
use domain::partner::CollateralMode;
use domain::program::PreAuthorization;
use domain::transaction::{
    Category, Description, Order, Place, Processing, Status, Transaction, TransactionType,
};
use jiff::ToSpan as _;
use serde_json::json;
use std::collections::BTreeMap;
use store::db::Tx;
use store::ledger::{Message, Name};
use store::{balances, counters, ledger, transactions};

/// Cards whose transactions are written together.
const CARDS: usize = 1_000;
/// Transactions of a card in a slice, at most.
const OF_CARD: i64 = 20;
/// Rows of one statement: some megabytes.
const ROWS: usize = 5_000;
/// How far back the past begins. Idempotency keys are kept for 30 days: all of these still are.
const DAYS: i64 = 28;
/// A hold that is still open was taken at most this long ago, in milliseconds: it has days to go.
const OPEN: i64 = 2 * 24 * 3_600_000;

/// A past to be made.
#[derive(Debug)]
pub struct Past<'a> {
    /// Whose it is, by ascending id.
    pub cards: &'a [Holding],
    /// How many transactions.
    pub count: i64,
}

/// What became of a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Cleared,
    Held,
    Reversed,
    Declined,
}

/// A transaction to be written, with the movements and messages that it had.
struct Lived {
    transaction: Transaction,
    legs: Vec<Leg>,
    messages: Vec<Message>,
}

/// Where in the past a transaction is.
#[derive(Clone, Copy)]
struct Moment {
    id: TransactionId,
    at: Timestamp,
    /// Where its card is among all, spread over 32 bits.
    spread: u32,
    is_recent: bool,
}

impl App {
    /// Makes a past of the partner that is measured; after each slice it is told how many
    /// transactions are made.
    pub async fn make_past_for_measuring(
        &self,
        past: Past<'_>,
        told: impl Fn(i64) + Send,
    ) -> Result<(), Error> {
        let bench = self.bench(BenchPartner::Measured)?;
        let cards = i64::try_from(past.cards.len()).unwrap_or(i64::MAX).max(1);
        let run = Run {
            bench: &bench,
            now: self.now(),
            count: past.count,
            each: (past.count / cards).clamp(1, OF_CARD),
            cards: past.cards.len().max(1),
        };
        let mut made = 0;
        'past: while made < past.count {
            for (number, slice) in past.cards.chunks(CARDS).enumerate() {
                made += run.slice(number * CARDS, slice, made).await?;
                told(made);
                bench.breathe().await?;
                if made >= past.count {
                    break 'past;
                }
            }
            if past.cards.is_empty() {
                return Err(Error::broken("without cards there is no past"));
            }
        }
        Ok(())
    }
}

/// What stays the same during a run.
struct Run<'a> {
    bench: &'a Bench<'a>,
    now: Timestamp,
    count: i64,
    each: i64,
    cards: usize,
}

impl Run<'_> {
    /// Makes and writes the next transactions of some cards; how many.
    async fn slice(&self, first: usize, cards: &[Holding], before: i64) -> Result<i64, Error> {
        let mut tx = self.bench.app.db.begin().await?;
        let written = self.slice_in(&mut tx, first, cards, before).await;
        tx.end(written).await
    }

    async fn slice_in(
        &self,
        tx: &mut Tx,
        first: usize,
        cards: &[Holding],
        before: i64,
    ) -> Result<i64, Error> {
        let (partner, currency) = (self.bench.partner(), self.bench.program.currency);
        let deposit = self.bench.app.settings.get().partner_balance(
            partner,
            PartnerBalanceKind::Deposit,
            currency,
        );
        let deposit = deposit.ok_or(Error::broken("the partner for measuring has no deposit"))?;
        let keys = cards.iter().map(|card| (partner, card.balance));
        let keys = keys.chain([(partner, deposit)]).collect();
        balances::lock(tx, &keys).await?;
        let found = balances::load(tx, &keys).await?.into_iter();
        let mut held: BTreeMap<_, Balance> =
            found.map(|(_, balance)| (balance.id, balance)).collect();

        let mut lived = Vec::new();
        for (place, card) in (first..).zip(cards) {
            for n in 0..self.each {
                let nth = before + i64::try_from(lived.len()).unwrap_or(i64::MAX);
                if nth >= self.count {
                    break;
                }
                let moment = self.moment(place, n, nth);
                let own = held.get(&card.balance).zip(held.get(&deposit));
                let own = own.ok_or(Error::broken("a balance for measuring is gone"))?;
                let (one, changed) = self.live(moment, card, own)?;
                held.extend(changed.into_iter().map(|balance| (balance.id, balance)));
                lived.push(one);
            }
        }
        self.write(tx, lived, &held).await
    }

    /// When the `n`th transaction of a card in this slice was, `nth` of all.
    fn moment(&self, place: usize, n: i64, nth: i64) -> Moment {
        let span = DAYS * 24 * 3_600_000;
        let cards = i64::try_from(self.cards).unwrap_or(i64::MAX);
        let round = self.each.saturating_mul(cards);
        let rounds = (self.count + round - 1) / round;
        let turn = nth / round * self.each + n;
        let ago = |part: i64, of: i64| span - span.saturating_mul(part) / of.max(1);
        let jitter = i64::try_from(place % 997).unwrap_or(0) * 1_000;
        let ago_of_card = (ago(turn, rounds * self.each) - jitter).clamp(1_000, span);
        let at = self.now.checked_sub(ago_of_card.milliseconds()).unwrap_or(self.now);
        let made = self.now.as_millisecond() - ago(nth, self.count);
        let random = crypto::random::number();
        Moment {
            id: TransactionId(ordered_v4(u64::try_from(made).unwrap_or(0), random)),
            at,
            spread: u32::try_from(place as u64 * u64::from(u32::MAX) / self.cards as u64)
                .unwrap_or(u32::MAX),
            is_recent: ago_of_card < OPEN,
        }
    }

    /// What happened to a purchase, and the two balances after it.
    fn live(
        &self,
        moment: Moment,
        card: &Holding,
        (own, deposit): (&Balance, &Balance),
    ) -> Result<(Lived, Vec<Balance>), Error> {
        let chance = (moment.id.0.as_u128() & 0xffff) % 100;
        let fate = match chance {
            0..=4 => Fate::Declined,
            5..=6 => Fate::Reversed,
            7..=46 if moment.is_recent => Fate::Held,
            _ => Fate::Cleared,
        };
        let order = self.order(moment, card, fate);
        let network = order.network_id.clone();
        let done = self.decided(moment, order, fate, (own, deposit));
        let (asked, Change { transaction, balances, legs, .. }) =
            done.map_err(|_| Error::broken("a made-up purchase can't be made"))?;
        let mut messages =
            vec![self.message(moment, "authorization", &asked, (card.card, &network))];
        match fate {
            Fate::Cleared => {
                messages.push(self.message(
                    moment,
                    "clearing",
                    &transaction,
                    (card.card, &network),
                ));
            }
            Fate::Reversed => {
                messages.push(self.message(
                    moment,
                    "reversal",
                    &transaction,
                    (card.card, &network),
                ));
            }
            Fate::Held | Fate::Declined => {}
        }
        Ok((Lived { transaction, legs, messages }, balances))
    }

    /// The transaction after its authorization, and what it came to in the end.
    fn decided(
        &self,
        moment: Moment,
        order: Order,
        fate: Fate,
        (own, deposit): (&Balance, &Balance),
    ) -> Result<(Transaction, Change), Description> {
        let at = moment.at;
        if fate == Fate::Declined {
            let (asked, declined) = (Status::Authorized, Processing::Declined);
            let why = Description::InsufficientFunds;
            let mut record = Transaction::turned_away(moment.id, order, asked, declined, why, at);
            record.balance_before = Some(own.available());
            record.balance_after = record.balance_before;
            return Ok((record.clone(), Change::record(record)));
        }
        let program = &self.bench.program;
        let amount = Amount::from_minor(order.amount).map_err(|_| Description::InvalidAmount)?;
        let forced = Forced {
            id: moment.id,
            order: &order,
            amount,
            mode: CollateralMode::Deposit,
            code: "417283",
            expires_at: program.hold_end(order.mcc.as_deref(), PreAuthorization::No, at),
            pre_authorization: PreAuthorization::No,
            now: at,
        };
        let held = hold(&forced, &Accounts::of([own, deposit]))?;
        let asked = held.transaction.clone();
        let accounts = Accounts::of(&held.balances);
        let later = at.checked_add(1.hour()).map_or(at, |later| later.min(self.now));
        let change = match fate {
            Fate::Held | Fate::Declined => held,
            Fate::Reversed => reverse(&asked, &accounts, amount, later)?,
            Fate::Cleared => {
                let settlement = Settlement {
                    ids: (moment.id, moment.id),
                    amount,
                    finality: Finality::Final,
                    fx_difference: None,
                    fx_difference_to: program.fx_difference_to,
                    now: later,
                };
                clear(&asked, &order, &accounts, &settlement)?
            }
        };
        Ok((asked, change))
    }

    fn order(&self, moment: Moment, card: &Holding, fate: Fate) -> Order {
        let bits = moment.id.0.as_u128();
        let pick = (bits >> 16) as usize;
        let (merchant, mcc, country) = MERCHANTS[pick % MERCHANTS.len()];
        let small = i64::try_from((bits >> 24) & 0x0fff).unwrap_or(0);
        let reference = format!("{:012}", (bits >> 8) % 1_000_000_000_000);
        let data = json!({
            "mcc": mcc, "merchantName": merchant, "captureMode": "NFC",
            "acquirerCountry": country, "retrievalReferenceNumber": reference,
        });
        Order {
            balance: Some(card.balance),
            card: Some(card.card),
            processor: Some(self.bench.program.processor),
            // Ids spread evenly over the run, near to one another in a slice.
            network_id: format!(
                "{:06}{:06}",
                u64::from(moment.spread) * 1_000_000 / (u64::from(u32::MAX) + 1),
                bits % 1_000_000
            ),
            network_date: moment.at,
            reference_id: None,
            reference_date: None,
            kind: TransactionType::Pos,
            category: Category::Debit,
            amount: if fate == Fate::Declined { 1_000_000_000_000 } else { 100 + small },
            currency: self.bench.program.currency,
            original_amount: None,
            original_currency: None,
            conversion_rate: None,
            text: merchant.to_owned(),
            data: Some(data.to_string()),
            mcc: Some(mcc.to_owned()),
            retrieval_reference: Some(reference),
            place: Place::default(),
        }
    }

    fn message(
        &self,
        moment: Moment,
        kind: &str,
        transaction: &Transaction,
        (card, network): (CardId, &str),
    ) -> Message {
        let processor = self.bench.program.processor.0;
        let (random, date) = (crypto::random::number(), moment.at.as_microsecond());
        let key = (u128::from(moment.spread) << 96) | (random >> 32);
        let key = uuid::Builder::from_u128(key)
            .with_version(uuid::Version::Random)
            .with_variant(uuid::Variant::RFC4122)
            .into_uuid();
        let sequence = if kind == "clearing" { "|1" } else { "" };
        let names = (
            format!("processor/{processor}/{kind}"),
            key.to_string(),
            Name {
                of: Some((card, network.to_owned())),
                key: format!("{processor}|{network}|{date}|{kind}|{}{sequence}", card.0),
            },
        );
        let id = domain::ids::MessageId(ordered_v4(
            u64::try_from(moment.id.0.as_u128() >> 80).unwrap_or(0),
            random,
        ));
        Message { id, ..self.bench.message(kind, transaction, Some(names)) }
    }

    async fn write(
        &self,
        tx: &mut Tx,
        mut lived: Vec<Lived>,
        held: &BTreeMap<domain::ids::BalanceId, Balance>,
    ) -> Result<i64, Error> {
        let partner = self.bench.partner();
        let count = i64::try_from(lived.len()).unwrap_or(i64::MAX);
        let number = counters::take(tx, partner, counters::EVENTS, count).await?;
        for (one, number) in lived.iter_mut().zip(number..) {
            one.transaction.number = number;
        }
        let changed: Vec<_> = held.values().map(|balance| (partner, balance)).collect();
        if balances::update(tx, changed.iter().copied()).await? != changed.len() as u64 {
            return Err(Error::broken("a balance for measuring was changed meanwhile"));
        }
        for part in lived.chunks(ROWS) {
            let new = part.iter().map(|one| (partner, &one.transaction));
            transactions::insert(tx, new).await?;
            let legs = part.iter().map(|Lived { transaction: of, legs, .. }| {
                ((partner, of.id, of.parts, legs.as_slice()), of.changed_at)
            });
            ledger::insert_movements_of(tx, legs).await?;
            let messages = part.iter().flat_map(|one| &one.messages);
            let sent = part.iter().map(|one| one.messages.len() as u64).sum::<u64>();
            if ledger::insert_messages(tx, messages).await? != sent {
                return Err(Error::broken("a made-up message is there already"));
            }
        }
        Ok(count)
    }
}

/// Where cards were used: the merchant's name, its category, its country.
const MERCHANTS: &[(&str, &str, &str)] = &[
    ("Corner market", "5411", "POL"),
    ("Book store", "5942", "POL"),
    ("Filling station", "5541", "DEU"),
    ("Fast food", "5814", "POL"),
    ("Pharmacy", "5912", "CZE"),
    ("City buses", "4111", "POL"),
    ("Clothes", "5651", "FRA"),
    ("Cinema", "7832", "POL"),
];
