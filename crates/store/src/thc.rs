//! Rows of `history_record`: what partners add to the history of transactions, beside what the
//! ledger knows, and records of their own.

use crate::db::{Each, Row, Sql, Table, Tx, Type, Value};
use crate::read::{corrupt, currency, word, word_or_none};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::{BalanceId, CardId, OwnerId, PartnerId, UserId};
use domain::money::Currency;
use domain::scope::Scope;
use domain::thc::{Channel, RecordStatus, RecordType};
use uuid::Uuid;

const TABLE: Table = Table {
    name: "history_record",
    key: &["partner_id", "number"],
    columns: &[
        ("partner_id", Type::Int),
        ("number", Type::Int),
        ("owner_id", Type::Int),
        ("client_id", Type::Text),
        ("kind", Type::Text),
        ("card_id", Type::Int),
        ("balance_id", Type::Uuid),
        ("status", Type::Text),
        ("amount", Type::Int),
        ("currency", Type::Text),
        ("at", Type::Time),
        ("description", Type::Text),
        ("merchant_name", Type::Text),
        ("merchant_postal_code", Type::Text),
        ("merchant_transaction_id", Type::Text),
        ("country", Type::Text),
        ("channel", Type::Text),
        ("mcc", Type::Text),
        ("original_amount", Type::Int),
        ("original_currency", Type::Text),
        ("exchange_rate", Type::Text),
        ("commission", Type::Int),
        ("cleared_at", Type::Time),
        ("iban", Type::Text),
        ("bic", Type::Text),
        ("contrahent", Type::Text),
        ("comment", Type::Text),
        ("labels", Type::Json),
        ("user_external_id", Type::Text),
        ("external_card_id", Type::Text),
        ("external_device_id", Type::Text),
        ("created_at", Type::Time),
        ("changed_at", Type::Time),
    ],
};

/// The columns of a row.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select number, owner_id, client_id, kind, card_id, balance_id, status, amount,
                currency, at, description, merchant_name, merchant_postal_code,
                merchant_transaction_id, country, channel, mcc, original_amount,
                original_currency, exchange_rate, commission, cleared_at, iban, bic, contrahent,
                comment, labels, user_external_id, external_card_id, external_device_id
            from history_record
            where partner_id = $1 and ",
            $rest
        )
    };
}

const BY_NUMBER: Sql = Sql(select!("number = $2"));
const BEFORE: Sql =
    Sql(select!("number < $2 and client_id is not null order by number desc limit $3"));
const OF_OWNER_BEFORE: Sql = Sql(select!(
    "owner_id = $2 and number < $3 and client_id is not null order by number desc limit $4"
));
const NOTES: Each = Each { sql: select!("number = $2 limit 1"), keys: &[Type::Int, Type::Int] };
const NOTE: Sql = Sql("
    update history_record
    set comment = $3, labels = $4, user_external_id = $5, external_card_id = $6,
        external_device_id = $7, changed_at = $8
    where partner_id = $1 and number = $2");
const ERASE: Sql = Sql("
    delete from history_record
    where partner_id = $1 and number in (
        select number
        from history_record
        where partner_id = $1 and owner_id = $2
        order by number
        limit $3)");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[BY_NUMBER, BEFORE, OF_OWNER_BEFORE, NOTE, ERASE];
/// Those that run for each of a set, and must be answered from an index.
pub const EACH: &[Each] = &[
    NOTES,
    Each { sql: BEFORE.0, keys: &[Type::Int, Type::Int, Type::Int] },
    Each { sql: OF_OWNER_BEFORE.0, keys: &[Type::Int, Type::Int, Type::Int, Type::Int] },
];

/// What a partner has written beside a record, its own or one of the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// A comment.
    pub comment: Option<String>,
    /// Labels, in the order in which they were sent.
    pub labels: Vec<String>,
    /// The partner's own name for the user.
    pub user: Option<String>,
    /// The partner's own name for the card.
    pub card: Option<String>,
    /// The partner's own name for the device.
    pub device: Option<String>,
}

/// A record of a partner's own: nothing of it has touched the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// The partner's name for it; unique in the partner with the type.
    pub client_id: String,
    /// What it is about.
    pub kind: RecordType,
    /// Whose it is.
    pub user: UserId,
    /// The card, if one was used.
    pub card: Option<CardId>,
    /// The balance, if it is about one of ours.
    pub balance: Option<BalanceId>,
    /// Where it stands.
    pub status: RecordStatus,
    /// In minor units; negative for a refund or a payment.
    pub amount: i64,
    /// Of the amount.
    pub currency: Currency,
    /// When it was.
    pub at: Timestamp,
    /// In the partner's words.
    pub description: Option<String>,
    /// The merchant.
    pub merchant_name: Option<String>,
    /// Where the merchant is.
    pub merchant_postal_code: Option<String>,
    /// The network's id.
    pub merchant_transaction_id: Option<String>,
    /// ISO 3166-1 alpha-3.
    pub country: Option<String>,
    /// How the card was used.
    pub channel: Option<Channel>,
    /// Merchant category code.
    pub mcc: Option<String>,
    /// The merchant's amount, with the sign of the other.
    pub original_amount: Option<i64>,
    /// The merchant's currency.
    pub original_currency: Option<Currency>,
    /// A decimal text.
    pub exchange_rate: Option<String>,
    /// What it cost, in minor units.
    pub commission: Option<i64>,
    /// When it was cleared.
    pub cleared_at: Option<Timestamp>,
    /// The account on the other side.
    pub iban: Option<String>,
    /// The bank on the other side.
    pub bic: Option<String>,
    /// Who is on the other side.
    pub contrahent: Option<String>,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The record's number in the partner's history.
    pub number: i64,
    /// What was written beside it.
    pub notes: Notes,
    /// The record, if it is the partner's own.
    pub own: Option<Own>,
}

/// What is kept of a record of a number.
pub async fn find(tx: &mut Tx, scope: Scope, number: i64) -> Result<Option<Kept>, StoreError> {
    tx.find(&BY_NUMBER, &[&scope.partner(), &number]).await?.as_ref().map(read).transpose()
}

/// What is kept of the records of some numbers.
pub async fn load(
    tx: &mut Tx,
    partner: PartnerId,
    numbers: impl Iterator<Item = i64>,
) -> Result<Vec<Kept>, StoreError> {
    let keys: Vec<Vec<Value>> = numbers.map(|number| values![partner, number]).collect();
    tx.rows_each(&NOTES, &keys).await?.iter().map(read).collect()
}

/// A partner's own records before a number, newest first; of one user, if one is named.
pub async fn list_own_before(
    tx: &mut Tx,
    scope: Scope,
    user: Option<UserId>,
    before: i64,
    limit: i64,
) -> Result<Vec<Kept>, StoreError> {
    let partner = scope.partner();
    let rows = match user {
        None => tx.rows(&BEFORE, &[&partner, &before, &limit]).await?,
        Some(user) => tx.rows(&OF_OWNER_BEFORE, &[&partner, &user, &before, &limit]).await?,
    };
    rows.iter().map(read).collect()
}

/// Adds a record of the partner's own; `false` if there is one of its name and type.
pub async fn insert_own(
    tx: &mut Tx,
    scope: Scope,
    (number, own, notes): (i64, &Own, &Notes),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let row = values![
        scope.partner(),
        number,
        own.user,
        own.client_id,
        own.kind.as_str(),
        own.card,
        own.balance,
        own.status.as_str(),
        own.amount,
        own.currency,
        own.at,
        own.description,
        own.merchant_name,
        own.merchant_postal_code,
        own.merchant_transaction_id,
        own.country,
        own.channel.map(Channel::as_str),
        own.mcc,
        own.original_amount,
        own.original_currency,
        own.exchange_rate,
        own.commission,
        own.cleared_at,
        own.iban,
        own.bic,
        own.contrahent,
        notes.comment,
        labels(notes),
        notes.user,
        notes.card,
        notes.device,
        now,
        now,
    ];
    Ok(tx.insert_new(&TABLE, &[row]).await? == 1)
}

/// Writes what a partner says beside a record of a number, in the place of what it has said. The
/// owner is whoever is erased with it.
pub async fn write_notes(
    tx: &mut Tx,
    scope: Scope,
    (number, owner, notes): (i64, Option<OwnerId>, &Notes),
    now: Timestamp,
) -> Result<(), StoreError> {
    let partner = scope.partner();
    let mut row: Vec<Value> = TABLE.columns.iter().map(|_| Value::Null).collect();
    let known = [
        ("partner_id", values![partner]),
        ("number", values![number]),
        ("owner_id", values![owner]),
        ("labels", values![labels(notes)]),
        ("created_at", values![now]),
        ("changed_at", values![now]),
    ];
    for (name, value) in known {
        let place = TABLE.columns.iter().position(|(column, _)| *column == name);
        row.splice(place.map_or(0..0, |at| at..at + 1), value);
    }
    // If there is one already, this waits for whoever is writing it.
    tx.insert_new(&TABLE, &[row]).await?;
    let Notes { comment, user, card, device, .. } = notes;
    let labels = labels(notes);
    let changed =
        tx.run(&NOTE, &[&partner, &number, comment, &labels, user, card, device, &now]).await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Deletes so many rows of an owner who is erased; how many there were.
pub async fn erase(
    tx: &mut Tx,
    scope: Scope,
    owner: OwnerId,
    limit: i64,
) -> Result<u64, StoreError> {
    tx.run(&ERASE, &[&scope.partner(), &owner, &limit]).await
}

fn labels(notes: &Notes) -> Value {
    Value::Json(serde_json::Value::from(notes.labels.clone()).to_string())
}

fn read(row: &Row) -> Result<Kept, StoreError> {
    let labels: serde_json::Value = row.get("labels")?;
    let labels = labels.as_array().ok_or_else(|| corrupt("labels"))?;
    let label = |label: &serde_json::Value| label.as_str().map(str::to_owned);
    let labels: Option<Vec<String>> = labels.iter().map(label).collect();
    let client_id: Option<String> = row.get("client_id")?;
    Ok(Kept {
        number: row.get("number")?,
        notes: Notes {
            comment: row.get("comment")?,
            labels: labels.ok_or_else(|| corrupt("labels"))?,
            user: row.get("user_external_id")?,
            card: row.get("external_card_id")?,
            device: row.get("external_device_id")?,
        },
        own: client_id.map(|client_id| read_own(row, client_id)).transpose()?,
    })
}

fn read_own(row: &Row, client_id: String) -> Result<Own, StoreError> {
    Ok(Own {
        client_id,
        kind: word(row, "kind", RecordType::parse)?,
        user: UserId(row.get("owner_id")?),
        card: row.get::<Option<i64>>("card_id")?.map(CardId),
        balance: row.get::<Option<Uuid>>("balance_id")?.map(BalanceId),
        status: word(row, "status", RecordStatus::parse)?,
        amount: row.get("amount")?,
        currency: currency(row, "currency")?,
        at: row.get("at")?,
        description: row.get("description")?,
        merchant_name: row.get("merchant_name")?,
        merchant_postal_code: row.get("merchant_postal_code")?,
        merchant_transaction_id: row.get("merchant_transaction_id")?,
        country: row.get("country")?,
        channel: word_or_none(row, "channel", Channel::parse)?,
        mcc: row.get("mcc")?,
        original_amount: row.get("original_amount")?,
        original_currency: word_or_none(row, "original_currency", |text| {
            Currency::parse(text).ok()
        })?,
        exchange_rate: row.get("exchange_rate")?,
        commission: row.get("commission")?,
        cleared_at: row.get("cleared_at")?,
        iban: row.get("iban")?,
        bic: row.get("bic")?,
        contrahent: row.get("contrahent")?,
    })
}
