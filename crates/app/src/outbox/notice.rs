//! What is sent for each row, made from rows that don't change any more.

use super::claim::Claimed;
use super::contact::{Addressed, KEPT};
use crate::error::Chain;
use crate::ledger::CODES;
use crate::transactions::Resources;
use crate::{App, Error};
use domain::card::lifecycle::LockReason;
use domain::ids::{MessageId, PartnerId, TransactionId, UserId};
use domain::money::Currency;
use domain::notification::Event;
use domain::partner::DescriptionCodes;
use domain::transaction::{Category, Order, Status, Transaction, TransactionType};
use outbound::notifications::{self, TransactionNotice, VerificationNotice};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use store::db::Tx;
use store::ledger::Message;
use store::outbox::Entry;
use store::users::Contact;
use store::{StoreError, ledger, transactions, users};
use uuid::Uuid;

/// The rows that the notifications of a claim are made from.
struct Sources {
    codes: DescriptionCodes,
    messages: HashMap<MessageId, Message>,
    transactions: HashMap<TransactionId, Transaction>,
    resources: Resources,
    /// How users are addressed now, of rows that don't keep it.
    contacts: HashMap<UserId, Contact>,
    /// How users were addressed, by the rows that keep it.
    addressed: HashMap<i64, Addressed>,
}

impl App {
    /// The body of each claimed row, by its number; one that can't be made is left out.
    pub(super) async fn bodies(
        &self,
        partner: PartnerId,
        claimed: &Claimed,
    ) -> Result<HashMap<i64, Vec<u8>>, Error> {
        let entries: Vec<&Entry> = claimed.runs.iter().flatten().collect();
        if entries.is_empty() {
            return Ok(HashMap::new());
        }
        let settings = self.settings.get();
        let known = settings.partner(partner).ok_or(Error::broken("a partner is gone"))?;
        let codes = known.settings.description_codes;
        let mut tx = self.db.read().await?;
        let sources = load(&mut tx, partner, codes, &entries).await;
        let mut sources = tx.end(sources).await?;
        for entry in &entries {
            let Some(Value::String(sealed)) = contact_of(entry) else { continue };
            match self.addressed(partner, entry, sealed).await {
                Ok(addressed) => {
                    sources.addressed.insert(entry.number, addressed);
                }
                Err(error) => {
                    let number = entry.number;
                    tracing::error!(number, error = %Chain(&error), "a row can't be read");
                }
            }
        }
        let mut bodies = HashMap::new();
        for entry in entries {
            match body(entry, &sources) {
                Ok(body) => {
                    bodies.insert(entry.number, body.to_string().into_bytes());
                }
                Err(error) => {
                    let number = entry.number;
                    tracing::error!(number, error = %Chain(&error), "a row can't be read");
                }
            }
        }
        Ok(bodies)
    }

    async fn addressed(
        &self,
        partner: PartnerId,
        entry: &Entry,
        sealed: &str,
    ) -> Result<Addressed, Error> {
        let form = (text_of(entry, "verificationId")?, text_of(entry, "status")?);
        self.open_contact(partner, form, sealed).await
    }
}

async fn load(
    tx: &mut Tx,
    partner: PartnerId,
    codes: DescriptionCodes,
    entries: &[&Entry],
) -> Result<Sources, StoreError> {
    let ids: BTreeSet<MessageId> = entries.iter().filter_map(|entry| entry.message).collect();
    let messages = ledger::messages_by_id(tx, ids.into_iter().map(|id| (partner, id))).await?;
    let beside = entries.iter().filter_map(|entry| beside(entry));
    let ids = messages.iter().map(|message| message.transaction).chain(beside);
    let ids: BTreeSet<TransactionId> = ids.collect();
    let keys = ids.into_iter().map(|id| (partner, id));
    let transactions: HashMap<_, _> =
        transactions::load(tx, keys).await?.into_iter().map(|(_, it)| (it.id, it)).collect();
    let resources = Resources::load(tx, partner, transactions.values()).await?;
    let unkept = entries.iter().filter(|entry| contact_of(entry).is_none());
    let named: BTreeSet<UserId> = unkept.filter_map(|entry| user_of(entry)).collect();
    let contacts = users::contacts(tx, partner, named.into_iter()).await?;
    Ok(Sources {
        codes,
        messages: messages.into_iter().map(|message| (message.id, message)).collect(),
        transactions,
        resources,
        contacts: contacts.into_iter().collect(),
        addressed: HashMap::new(),
    })
}

fn body(entry: &Entry, sources: &Sources) -> Result<Value, Error> {
    let card = || entry.card.ok_or(Error::broken("a notification names no card"));
    match entry.event {
        Event::Otp => Err(Error::broken("a one-time password was kept")),
        Event::CardLocked => {
            let reason = entry.detail.as_ref().and_then(|detail| detail["reason"].as_str());
            let reason = reason.and_then(LockReason::parse);
            let reason = reason.ok_or(Error::broken("a lock has no reason"))?;
            let codes = codes_of(entry, sources);
            Ok(notifications::card_locked(card()?, reason, entry.created_at, codes))
        }
        Event::CardUnlocked => Ok(notifications::card_unlocked(card()?, entry.created_at)),
        Event::CardExpiring => {
            let expiry = entry.detail.as_ref().and_then(|detail| detail["exp"].as_str());
            let expiry = expiry.ok_or(Error::broken("a card that expires has no day"))?;
            Ok(notifications::card_expiring(card()?, expiry))
        }
        Event::VerificationInProgress
        | Event::VerificationAccepted
        | Event::VerificationRejected => verification(entry, sources),
        Event::TransactionalLockReasonAdded | Event::TransactionalLockReasonRemoved => {
            let text = |name| text_of(entry, name);
            let resource = (text("resourceType")?, text("resourceId")?);
            Ok(notifications::lock_reason(resource, text("lockReason")?, entry.created_at))
        }
        Event::Transaction => transaction(entry, sources),
        Event::Debit
        | Event::ForceDebit
        | Event::ForceCredit
        | Event::Reversal
        | Event::Clearing => entry.detail.clone().ok_or(Error::broken("a call says nothing")),
        Event::TransactionEvent => transaction_event(entry, sources),
    }
}

/// A form as it stood when that was written, and the user as they were addressed then.
fn verification(entry: &Entry, sources: &Sources) -> Result<Value, Error> {
    let user = user_of(entry).ok_or(Error::broken("a verification is nobody's"))?;
    let addressed = match contact_of(entry) {
        None => sources.contacts.get(&user).and_then(Addressed::of),
        // Whoever is erased isn't named any more.
        Some(Value::Null) => None,
        Some(_) => {
            let addressed = sources.addressed.get(&entry.number).cloned();
            Some(addressed.ok_or(Error::broken("what is kept of a user can't be read"))?)
        }
    };
    let addressed = addressed.as_ref();
    Ok(notifications::verification(&VerificationNotice {
        verification: text_of(entry, "verificationId")?,
        user,
        email: addressed.map(|it| it.email.as_str()),
        first_name: addressed.map(|it| it.first_name.as_str()),
        last_name: addressed.map(|it| it.last_name.as_str()),
        status: text_of(entry, "status")?,
        reason: text_of(entry, "reason").ok(),
    }))
}

/// What a row keeps of how its user was addressed: sealed, or null where they are erased.
fn contact_of(entry: &Entry) -> Option<&Value> {
    entry.detail.as_ref()?.get(KEPT)
}

/// The user of a form that an entry is about.
fn user_of(entry: &Entry) -> Option<UserId> {
    entry.detail.as_ref()?["userId"].as_i64().map(UserId)
}

fn text_of<'a>(entry: &'a Entry, name: &str) -> Result<&'a str, Error> {
    let text = entry.detail.as_ref().and_then(|detail| detail[name].as_str());
    text.ok_or(Error::broken("what a notification reports is missing"))
}

fn transaction(entry: &Entry, sources: &Sources) -> Result<Value, Error> {
    let missing = || Error::broken("what a notification reports is gone");
    let id = entry.message.ok_or_else(missing)?;
    let message = sources.messages.get(&id).ok_or_else(missing)?;
    let beside = beside(entry);
    let named = beside.unwrap_or(message.transaction);
    let transaction = sources.transactions.get(&named).ok_or_else(missing)?;
    if beside.is_some() {
        let order = &transaction.order;
        return Ok(notice(entry, (message, transaction), (order, transaction.status), sources));
    }
    let kept = &transaction.order;
    let order = match &entry.detail {
        Some(detail) if detail["id"].is_string() => {
            own_order(kept, detail).ok_or(Error::broken("what a message said can't be read"))?
        }
        Some(detail) => {
            let original_amount = detail["originalAmount"].as_i64().or(kept.original_amount);
            Order { original_amount, ..kept.clone() }
        }
        None => kept.clone(),
    };
    // Of what was asked for less may have been approved, and another amount may have moved.
    let approved = message.approved_amount;
    let amount = if approved.is_zero() { message.amount } else { approved.minor() };
    let moved = entry.detail.as_ref().and_then(|detail| detail["amount"].as_i64());
    let amount = moved.unwrap_or(amount);
    let order = Order { amount, currency: message.currency, ..order };
    Ok(notice(entry, (message, transaction), (&order, message.status), sources))
}

/// Which record of the history was made or changed: it names itself, or it is a decision's
/// transaction.
fn transaction_event(entry: &Entry, sources: &Sources) -> Result<Value, Error> {
    let named = entry.detail.as_ref().and_then(|detail| detail["id"].as_i64());
    let number = named.or_else(|| {
        let message = entry.message.and_then(|id| sources.messages.get(&id));
        let id = beside(entry).or_else(|| Some(message?.transaction))?;
        sources.transactions.get(&id).map(|transaction| transaction.number)
    });
    let number = number.ok_or(Error::broken("what a notification reports is gone"))?;
    Ok(notifications::transaction_event(number, entry.created_at))
}

/// The transaction that came beside the message's own, if an entry is about that: it tells of
/// itself.
fn beside(entry: &Entry) -> Option<TransactionId> {
    let id = entry.detail.as_ref()?["beside"].as_str()?;
    Uuid::parse_str(id).ok().map(TransactionId)
}

/// The codes that the partner was told in when that was written; those of now, if the row doesn't
/// say so.
fn codes_of(entry: &Entry, sources: &Sources) -> DescriptionCodes {
    let word = entry.detail.as_ref().and_then(|detail| detail[CODES].as_str());
    word.and_then(DescriptionCodes::parse).unwrap_or(sources.codes)
}

fn notice(
    entry: &Entry,
    (message, transaction): (&Message, &Transaction),
    (order, status): (&Order, Status),
    sources: &Sources,
) -> Value {
    notifications::transaction(&TransactionNotice {
        processing: message.processing,
        processed_at: message.created_at,
        description: message.description,
        codes: codes_of(entry, sources),
        transaction: transaction.id,
        order,
        resource: sources.resources.of(transaction),
        status,
    })
}

/// The order of a message that has one of its own: what the transaction keeps, with what the
/// message said in its place.
fn own_order(kept: &Order, detail: &Value) -> Option<Order> {
    let text = |name: &str| detail[name].as_str().map(str::to_owned);
    let moment = |name: &str| match detail[name].as_str() {
        None => Some(None),
        Some(text) => text.parse().ok().map(Some),
    };
    Some(Order {
        kind: text("kind").map_or(Some(kept.kind), |word| TransactionType::parse(&word))?,
        category: text("category").map_or(Some(kept.category), |word| Category::parse(&word))?,
        network_id: text("id")?,
        network_date: moment("date")??,
        reference_id: text("referenceId"),
        reference_date: moment("referenceDate")?,
        original_amount: detail["originalAmount"].as_i64(),
        original_currency: match detail["originalCurrency"].as_str() {
            None => None,
            Some(code) => Some(Currency::parse(code).ok()?),
        },
        text: text("text")?,
        data: detail.get("data").filter(|data| !data.is_null()).map(Value::to_string),
        ..kept.clone()
    })
}
