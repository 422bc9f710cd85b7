//! What the engine writes beside transactions and balances: messages, movements and reversals
//! that wait.

use crate::db::{Each, Row, Table, Tx, Type, Value};
use crate::read::{amount, currency, word};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::{CardId, MessageId, PartnerId, TransactionId};
use domain::ledger::{Account, Leg};
use domain::money::{Amount, Currency};
use domain::transaction::{Description, Processing, Status};
use uuid::Uuid;

const MESSAGES: Table = Table {
    name: "message",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Uuid),
        ("scope", Type::Text),
        ("idempotency_key", Type::Text),
        ("card_id", Type::Int),
        ("network_id", Type::Text),
        ("network_key", Type::Text),
        ("fingerprint", Type::Bytes),
        ("kind", Type::Text),
        ("transaction_id", Type::Uuid),
        ("amount", Type::Int),
        ("currency", Type::Text),
        ("processing", Type::Text),
        ("description", Type::Text),
        ("action_code", Type::Text),
        ("status", Type::Text),
        ("approved_amount", Type::Int),
        ("authorization_code", Type::Text),
        ("told", Type::Bool),
        ("request_id", Type::Text),
        ("created_at", Type::Time),
        ("available", Type::Int),
        ("reversed_amount", Type::Int),
    ],
};

const MOVEMENTS: Table = Table {
    name: "movement",
    key: &["partner_id", "transaction_id", "part", "leg"],
    columns: &[
        ("partner_id", Type::Int),
        ("transaction_id", Type::Uuid),
        ("part", Type::Int),
        ("leg", Type::Int),
        ("from_account", Type::Text),
        ("from_balance_id", Type::Uuid),
        ("to_account", Type::Text),
        ("to_balance_id", Type::Uuid),
        ("amount", Type::Int),
        ("currency", Type::Text),
        ("posted_at", Type::Time),
    ],
};

const EARLY_REVERSALS: Table = Table {
    name: "early_reversal",
    key: &["partner_id", "card_id", "reference_id", "reference_date"],
    columns: &[
        ("partner_id", Type::Int),
        ("card_id", Type::Int),
        ("reference_id", Type::Text),
        ("reference_date", Type::Time),
        ("expires_at", Type::Time),
    ],
};

/// Of a message whose name isn't a network's.
const NO_CARD: i64 = 0;

/// The columns of a message.
macro_rules! select_message {
    ($rest:literal) => {
        concat!(
            "select partner_id, id, scope, idempotency_key, card_id, network_id, network_key,
                fingerprint, kind,
                transaction_id, amount, currency, processing, description, action_code, status,
                approved_amount, authorization_code, told, request_id, created_at,
                available, reversed_amount
            from message
            where partner_id = $1 and ",
            $rest
        )
    };
}

pub mod of_transaction;

const BY_KEY: Each = Each {
    sql: select_message!("scope = $2 and idempotency_key = $3 limit 1"),
    keys: &[Type::Int, Type::Text, Type::Text],
};
const BY_NAME: Each = Each {
    sql: select_message!("card_id = $2 and network_id = $3 and network_key = $4 limit 1"),
    keys: &[Type::Int, Type::Int, Type::Text, Type::Text],
};
// What refers to an id that a card has more messages of than these can't be told apart.
const BY_NETWORK_ID: Each = Each {
    sql: select_message!("card_id = $2 and network_id = $3 and network_key is not null limit 256"),
    keys: &[Type::Int, Type::Int, Type::Text],
};
const BY_MESSAGE_ID: Each =
    Each { sql: select_message!("id = $2 limit 1"), keys: &[Type::Int, Type::Uuid] };
const UPDATE_OUTCOME: Each = Each {
    sql: "update message
        set processing = $3, description = $4, action_code = $5, approved_amount = $6,
            authorization_code = $7, transaction_id = $8
        where partner_id = $1 and id = $2",
    keys: &[
        Type::Int,
        Type::Uuid,
        Type::Text,
        Type::Text,
        Type::Text,
        Type::Int,
        Type::Text,
        Type::Uuid,
    ],
};
const UPDATE_MESSAGE: Each = Each {
    sql: "update message
        set told = $3, reversed_amount = $4
        where partner_id = $1 and id = $2",
    keys: &[Type::Int, Type::Uuid, Type::Bool, Type::Int],
};
const LOAD_EARLY: Each = Each {
    sql: "select partner_id, card_id, reference_id, reference_date
        from early_reversal
        where partner_id = $1 and card_id = $2 and reference_id = $3 and reference_date = $4
            and expires_at > $5
        limit 1",
    keys: &[Type::Int, Type::Int, Type::Text, Type::Time, Type::Time],
};

const DELETE_EARLY: Each = Each {
    sql: "delete from early_reversal
        where partner_id = $1 and card_id = $2 and reference_id = $3 and reference_date = $4",
    keys: &[Type::Int, Type::Int, Type::Text, Type::Time],
};

/// Those that the engine runs for each of a set.
pub const ENGINE: &[Each] = &[
    BY_KEY,
    BY_NAME,
    BY_NETWORK_ID,
    BY_MESSAGE_ID,
    UPDATE_OUTCOME,
    UPDATE_MESSAGE,
    LOAD_EARLY,
    DELETE_EARLY,
];

/// What a message is recognised by for ever.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The card and the network's id of a network's message; nobody else's has them.
    pub of: Option<(CardId, String)>,
    /// All of the name.
    pub key: String,
}

/// What was decided about a message; its answer is a function of this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Whose it is.
    pub partner: PartnerId,
    /// Ours.
    pub id: MessageId,
    /// What its idempotency key is unique in: a processor's or a partner's endpoint.
    pub scope: String,
    /// The caller's key.
    pub idempotency_key: Option<String>,
    /// What it is recognised by for ever.
    pub name: Option<Name>,
    /// The keyed digest of its content.
    pub fingerprint: Vec<u8>,
    /// `authorization`, `reversal`, `clearing`, `internal`, `expiry`, …: the command's name.
    pub kind: String,
    /// The transaction that it made or changed.
    pub transaction: TransactionId,
    /// The amount it named.
    pub amount: i64,
    /// The currency it named.
    pub currency: Currency,
    /// What was done with it.
    pub processing: Processing,
    /// Why.
    pub description: Description,
    /// What the network is told.
    pub action_code: String,
    /// Where the transaction stood after it.
    pub status: Status,
    /// How much was approved.
    pub approved_amount: Amount,
    /// What the merchant keeps of an approval.
    pub authorization_code: Option<String>,
    /// Whether it was recognised by another delivery, which may have been answered.
    pub told: bool,
    /// The request that it came with first.
    pub request_id: String,
    /// When it was decided.
    pub created_at: Timestamp,
    /// What could be spent then, in minor units, if it asked that.
    pub available: Option<i64>,
    /// How much of an increment its own reversals have taken off the hold that it raised.
    pub reversed_amount: Amount,
}

/// A reversal that came before what it reverses.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EarlyReversal {
    /// Whose it is.
    pub partner: PartnerId,
    /// The card of both.
    pub card: CardId,
    /// The network id of what it reverses.
    pub reference_id: String,
    /// The network time of what it reverses.
    pub reference_date: Timestamp,
}

/// Messages by (partner, scope, idempotency key).
pub async fn messages_by_key<'a>(
    tx: &mut Tx,
    keys: impl Iterator<Item = (PartnerId, &'a str, &'a str)>,
) -> Result<Vec<Message>, StoreError> {
    let keys: Vec<Vec<Value>> =
        keys.map(|(partner, scope, key)| values![partner, scope, key]).collect();
    tx.rows_each(&BY_KEY, &keys).await?.iter().map(read_message).collect()
}

/// Messages by (partner, name).
pub async fn messages_by_name<'a>(
    tx: &mut Tx,
    names: impl Iterator<Item = (PartnerId, &'a Name)>,
) -> Result<Vec<Message>, StoreError> {
    let key = |(partner, name): (PartnerId, &Name)| {
        let (card, id) = columns(Some(name));
        values![partner, card, id, name.key]
    };
    let keys: Vec<Vec<Value>> = names.map(key).collect();
    tx.rows_each(&BY_NAME, &keys).await?.iter().map(read_message).collect()
}

/// Messages of a network by (partner, card, network id).
pub async fn messages_by_network_id<'a>(
    tx: &mut Tx,
    ids: impl Iterator<Item = (PartnerId, CardId, &'a str)>,
) -> Result<Vec<Message>, StoreError> {
    let keys: Vec<Vec<Value>> = ids.map(|(partner, card, id)| values![partner, card, id]).collect();
    tx.rows_each(&BY_NETWORK_ID, &keys).await?.iter().map(read_message).collect()
}

/// Messages by (partner, id).
pub async fn messages_by_id(
    tx: &mut Tx,
    keys: impl Iterator<Item = (PartnerId, MessageId)>,
) -> Result<Vec<Message>, StoreError> {
    let keys: Vec<Vec<Value>> = keys.map(|(partner, id)| values![partner, id]).collect();
    tx.rows_each(&BY_MESSAGE_ID, &keys).await?.iter().map(read_message).collect()
}

/// Adds messages; answers how many were new. Fewer than sent: a twin on another node won.
pub async fn insert_messages<'a>(
    tx: &mut Tx,
    new: impl Iterator<Item = &'a Message>,
) -> Result<u64, StoreError> {
    let rows: Vec<Vec<Value>> = new
        .map(|new| {
            let (card, id) = columns(new.name.as_ref());
            values![
                new.partner,
                new.id,
                new.scope,
                new.idempotency_key,
                card,
                id,
                new.name.as_ref().map(|name| name.key.as_str()),
                new.fingerprint,
                new.kind,
                new.transaction,
                new.amount,
                new.currency,
                new.processing.as_str(),
                new.description.as_str(),
                new.action_code,
                new.status.as_str(),
                new.approved_amount,
                new.authorization_code,
                new.told,
                new.request_id,
                new.created_at,
                new.available,
                new.reversed_amount,
            ]
        })
        .collect();
    tx.insert_new(&MESSAGES, &rows).await
}

/// Turns the outcome of messages: of a late approval, and of what a partner was asked about.
pub async fn update_outcomes<'a>(
    tx: &mut Tx,
    changed: impl Iterator<Item = &'a Message>,
) -> Result<u64, StoreError> {
    let rows: Vec<Vec<Value>> = changed
        .map(|changed| {
            values![
                changed.partner,
                changed.id,
                changed.processing.as_str(),
                changed.description.as_str(),
                changed.action_code,
                changed.approved_amount,
                changed.authorization_code,
                changed.transaction,
            ]
        })
        .collect();
    tx.run_each(&UPDATE_OUTCOME, &rows).await
}

/// Writes what became of messages that were decided earlier: another delivery recognised them, or
/// a part of them was reversed.
pub async fn update_messages<'a>(
    tx: &mut Tx,
    changed: impl Iterator<Item = &'a Message>,
) -> Result<u64, StoreError> {
    let rows: Vec<Vec<Value>> =
        changed.map(|it| values![it.partner, it.id, it.told, it.reversed_amount]).collect();
    tx.run_each(&UPDATE_MESSAGE, &rows).await
}

/// The legs of a part of a transaction: whose they are, which part, and what moves.
pub type PartLegs<'a> = (PartnerId, TransactionId, i64, &'a [Leg]);

/// Adds the legs of parts of transactions, all posted at one time.
pub async fn insert_movements<'a>(
    tx: &mut Tx,
    new: impl Iterator<Item = PartLegs<'a>>,
    now: Timestamp,
) -> Result<(), StoreError> {
    insert_movements_of(tx, new.map(|legs| (legs, now))).await
}

/// Adds the legs of parts of transactions, each posted at its own time.
pub async fn insert_movements_of<'a>(
    tx: &mut Tx,
    new: impl Iterator<Item = (PartLegs<'a>, Timestamp)>,
) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = new
        .flat_map(|((partner, transaction, part, legs), posted_at)| {
            legs.iter().zip(1i64..).map(move |(leg, number)| {
                let ((from, from_id), (to, to_id)) = (account(leg.from), account(leg.to));
                let (amount, currency) = (leg.amount, leg.currency);
                values![
                    partner,
                    transaction,
                    part,
                    number,
                    from,
                    from_id,
                    to,
                    to_id,
                    amount,
                    currency,
                    posted_at
                ]
            })
        })
        .collect();
    tx.insert_all(&MOVEMENTS, &rows).await.map(|_| ())
}

/// Which of these reversals are waiting.
pub async fn load_early_reversals<'a>(
    tx: &mut Tx,
    keys: impl Iterator<Item = &'a EarlyReversal>,
    now: Timestamp,
) -> Result<Vec<EarlyReversal>, StoreError> {
    let keys: Vec<Vec<Value>> = keys
        .map(|key| values![key.partner, key.card, key.reference_id, key.reference_date, now])
        .collect();
    let rows = tx.rows_each(&LOAD_EARLY, &keys).await?;
    rows.iter()
        .map(|row| {
            Ok(EarlyReversal {
                partner: PartnerId(row.get("partner_id")?),
                card: CardId(row.get("card_id")?),
                reference_id: row.get("reference_id")?,
                reference_date: row.get("reference_date")?,
            })
        })
        .collect()
}

/// Lets reversals wait. One of the same name that waits already waits as long as the new one.
pub async fn insert_early_reversals<'a>(
    tx: &mut Tx,
    new: impl Iterator<Item = &'a EarlyReversal>,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let keys =
        |new: &EarlyReversal| values![new.partner, new.card, new.reference_id, new.reference_date];
    let new: Vec<&EarlyReversal> = new.collect();
    let old: Vec<Vec<Value>> = new.iter().map(|new| keys(new)).collect();
    tx.run_each(&DELETE_EARLY, &old).await?;
    let rows: Vec<Vec<Value>> =
        new.iter().map(|new| keys(new).into_iter().chain(values![expires_at]).collect()).collect();
    tx.insert_new(&EARLY_REVERSALS, &rows).await.map(|_| ())
}

fn account(account: Account) -> (&'static str, Option<Uuid>) {
    match account {
        Account::Balance(id) => ("balance", Some(id.0)),
        Account::Scheme => ("scheme", None),
        Account::Outside => ("outside", None),
        Account::Books => ("books", None),
    }
}

/// The card and the network id of a name.
fn columns(name: Option<&Name>) -> (i64, &str) {
    let of = name.and_then(|name| name.of.as_ref());
    of.map_or((NO_CARD, ""), |(card, id)| (card.0, id.as_str()))
}

fn read_name(row: &Row) -> Result<Option<Name>, StoreError> {
    let Some(key) = row.get::<Option<String>>("network_key")? else { return Ok(None) };
    let of = match row.get("card_id")? {
        NO_CARD => None,
        card => Some((CardId(card), row.get("network_id")?)),
    };
    Ok(Some(Name { of, key }))
}

fn read_message(row: &Row) -> Result<Message, StoreError> {
    Ok(Message {
        partner: PartnerId(row.get("partner_id")?),
        id: MessageId(row.get("id")?),
        scope: row.get("scope")?,
        idempotency_key: row.get("idempotency_key")?,
        name: read_name(row)?,
        fingerprint: row.get("fingerprint")?,
        kind: row.get("kind")?,
        transaction: TransactionId(row.get("transaction_id")?),
        amount: row.get("amount")?,
        currency: currency(row, "currency")?,
        processing: word(row, "processing", Processing::parse)?,
        description: word(row, "description", Description::parse)?,
        action_code: row.get("action_code")?,
        status: word(row, "status", Status::parse)?,
        approved_amount: amount(row, "approved_amount")?,
        authorization_code: row.get("authorization_code")?,
        told: row.get("told")?,
        request_id: row.get("request_id")?,
        created_at: row.get("created_at")?,
        available: row.get("available")?,
        reversed_amount: amount(row, "reversed_amount")?,
    })
}
