//! A record of the history as a function of what is known: a transaction or a record of the
//! partner's own, and who and what it concerns.

use domain::Timestamp;
use domain::card::Card;
use domain::ids::{BalanceId, CardId, UserId};
use domain::money::Currency;
use domain::partner::DescriptionCodes;
use domain::program::{Product, Program};
use domain::thc::{Channel, RecordStatus, RecordType, amount, exchange_rate};
use domain::transaction::{CaptureMode, Order, Transaction};
use serde_json::Value;
use store::thc::{Notes, Own};
use store::users::Contact;
use uuid::Uuid;

/// How many digits of a card's number are shown as its BIN (seeds, `cardBin`).
const BIN_DIGITS: usize = 6;

/// What is known beside a transaction or a record of the partner's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The card.
    pub card: Option<&'a Card>,
    /// The card's program.
    pub program: Option<&'a Program>,
    /// Whose it is: the user whose balance it is, or who holds a corporation's card.
    pub user: Option<UserId>,
    /// How they are addressed.
    pub contact: Option<&'a Contact>,
    /// The corporation whose balance it is, by its UUID.
    pub corporation: Option<Uuid>,
    /// What the partner has written beside it.
    pub notes: Option<&'a Notes>,
    /// The network's id of the message that reversed it.
    pub reversal: Option<&'a str>,
    /// In which codes the partner is told why something was refused.
    pub codes: Option<DescriptionCodes>,
}

/// A record of the history. Amounts are in minor units, negative for a refund or a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRecord {
    /// Its number in the partner's history.
    pub id: i64,
    /// The transaction's UUID, or the partner's own name; unique with the type.
    pub client_id: String,
    /// What is held or has moved, or was asked for.
    pub amount: i64,
    /// Of all amounts but the original one.
    pub currency: Currency,
    /// What it is about.
    pub kind: RecordType,
    /// Where it stands.
    pub status: RecordStatus,
    /// Why it was refused, by a code that the partner wants to see.
    pub refusal: Option<&'static str>,
    /// When it was, by the network's clock.
    pub at: Timestamp,
    /// The merchant's line, or the caller's words.
    pub description: Option<String>,
    /// The merchant's amount.
    pub original_amount: Option<i64>,
    /// The merchant's currency.
    pub original_currency: Option<Currency>,
    /// A decimal text.
    pub exchange_rate: Option<String>,
    /// What could be spent just after it was first processed.
    pub balance_after: Option<i64>,
    /// What it cost.
    pub commission: Option<i64>,
    /// When it was cleared.
    pub cleared_at: Option<Timestamp>,
    /// Who and what it concerns.
    pub parties: Parties,
    /// What is known of the merchant, or of whoever is on the other side.
    pub merchant: Merchant,
    /// What the partner has written beside it.
    pub notes: Notes,
}

/// Who and what a record concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parties {
    /// The user.
    pub user: Option<UserId>,
    /// The partner's own name for the user: of this record, else the user's.
    pub user_external_id: Option<String>,
    /// The user's phone, digits alone.
    pub phone: Option<String>,
    /// The user's e-mail address.
    pub email: Option<String>,
    /// The card.
    pub card: Option<CardId>,
    /// The last four digits of its number.
    pub last_four: Option<String>,
    /// The first six digits of its number, if its program has one BIN.
    pub bin: Option<String>,
    /// The last four digits of the token that it was used by.
    pub token_last_four: Option<String>,
    /// The wallet that it was used by.
    pub wallet: Option<String>,
    /// How it was used.
    pub channel: Option<Channel>,
    /// What the card's program is.
    pub area: Option<Product>,
    /// The corporation.
    pub corporation: Option<Uuid>,
    /// The balance.
    pub balance: Option<BalanceId>,
}

/// What is known of the merchant, or of whoever is on the other side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merchant {
    /// The merchant's name, or its line.
    pub name: Option<String>,
    /// Where it is.
    pub postal_code: Option<String>,
    /// The network's id; of what was reversed the reversal's.
    pub transaction_id: Option<String>,
    /// The acquirer's country.
    pub country: Option<String>,
    /// Merchant category code.
    pub mcc: Option<String>,
    /// The account on the other side.
    pub iban: Option<String>,
    /// The bank on the other side.
    pub bic: Option<String>,
    /// Who is on the other side.
    pub contrahent: Option<String>,
}

/// `transactionData` of a transaction.
pub(super) struct Data(Value);

impl Data {
    pub(super) fn of(order: &Order) -> Self {
        let text = order.data.as_deref();
        Self(text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.0[name].as_str().map(str::to_owned)
    }

    /// What a transaction is in the history.
    pub(super) fn kind(&self, order: &Order) -> RecordType {
        RecordType::of(order.kind, order.category, self.0["adjustmentReasonDescription"].as_str())
    }

    /// The merchant's name: what the network calls it, else its line.
    pub(super) fn merchant_name(&self, order: &Order) -> Option<String> {
        let line = order.processor.is_some().then(|| filled(&order.text)).flatten();
        self.text("merchantName").or(line)
    }
}

/// A text; none for an empty one.
fn filled(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

impl HistoryRecord {
    /// The record of a transaction.
    #[must_use]
    pub fn of(transaction: &Transaction, known: &Known<'_>) -> Self {
        let order = &transaction.order;
        let data = Data::of(order);
        let (kind, status) = (data.kind(order), RecordStatus::of(transaction));
        let mode = data.0["captureMode"].as_str().and_then(CaptureMode::parse);
        let name = data.merchant_name(order);
        let reversal = known.reversal.filter(|_| status == RecordStatus::Reversed);
        let code = match known.codes {
            Some(DescriptionCodes::Extended) => transaction.description.as_str(),
            Some(DescriptionCodes::Seeds) | None => transaction.description.code_in_seeds(),
        };
        Self {
            id: transaction.number,
            client_id: transaction.id.0.to_string(),
            amount: amount(transaction, kind),
            currency: order.currency,
            kind,
            status,
            refusal: Some(code).filter(|_| status == RecordStatus::Declined),
            at: order.network_date,
            description: filled(&order.text),
            original_amount: order.original_amount.map(|amount| kind.signed(amount)),
            original_currency: order.original_currency,
            exchange_rate: exchange_rate(order),
            balance_after: transaction.balance_after,
            commission: None,
            cleared_at: Some(transaction.changed_at).filter(|_| status == RecordStatus::Cleared),
            parties: Parties {
                token_last_four: data.text("lastFourDpan"),
                wallet: data.text("mdesDigitizedWalletId"),
                channel: Channel::of(order.kind, mode),
                ..Parties::of(known, order.card, order.balance)
            },
            merchant: Merchant {
                contrahent: name.clone(),
                name,
                transaction_id: Some(reversal.unwrap_or(&order.network_id).to_owned()),
                country: data.text("acquirerCountry"),
                mcc: order.mcc.clone(),
                ..Merchant::default()
            },
            notes: known.notes.cloned().unwrap_or_default(),
        }
    }

    /// The record of a partner's own.
    #[must_use]
    pub fn of_own(number: i64, own: &Own, known: &Known<'_>) -> Self {
        Self {
            id: number,
            client_id: own.client_id.clone(),
            amount: own.amount,
            currency: own.currency,
            kind: own.kind,
            status: own.status,
            refusal: None,
            at: own.at,
            description: own.description.clone(),
            original_amount: own.original_amount,
            original_currency: own.original_currency,
            exchange_rate: own.exchange_rate.clone(),
            balance_after: None,
            commission: own.commission,
            cleared_at: own.cleared_at,
            parties: Parties { channel: own.channel, ..Parties::of(known, own.card, own.balance) },
            merchant: Merchant {
                name: own.merchant_name.clone(),
                postal_code: own.merchant_postal_code.clone(),
                transaction_id: own.merchant_transaction_id.clone(),
                country: own.country.clone(),
                mcc: own.mcc.clone(),
                iban: own.iban.clone(),
                bic: own.bic.clone(),
                contrahent: own.contrahent.clone(),
            },
            notes: known.notes.cloned().unwrap_or_default(),
        }
    }
}

impl Parties {
    fn of(known: &Known<'_>, card: Option<CardId>, balance: Option<BalanceId>) -> Self {
        let contact = known.contact;
        let named = known.notes.and_then(|notes| notes.user.clone());
        let card_known = known.card.filter(|card| !card.last_four.is_empty());
        let bins = card_known.and(known.program).map(|program| program.bins.as_slice());
        let bin = match bins {
            Some([bin]) => bin.get(..BIN_DIGITS),
            Some(_) | None => None,
        };
        Self {
            user: known.user,
            user_external_id: named.or_else(|| contact?.external_id.clone()),
            phone: contact.and_then(|it| filled(it.phone.trim_start_matches('+'))),
            email: contact.and_then(|it| filled(&it.email)),
            card,
            last_four: known.card.and_then(|card| filled(&card.last_four)),
            bin: bin.map(str::to_owned),
            area: known.program.map(|program| program.product),
            corporation: known.corporation,
            balance,
            ..Self::default()
        }
    }
}
