//! Audit records: who did what, when, from where, and what was there before and after. A record is
//! written in the transaction that it reports. A use case that changes something can't be written
//! without one: `App::finish` takes a `Done`, the engine makes its own (`ledger/decide.rs`),
//! and the only way to a card's number ([`App::full_card`]) leaves one.

mod chain;
mod check;
mod page;
mod retention;
mod seal;
#[cfg(test)]
mod tests;
pub mod verify;

pub use page::{Asked, Shown};
pub(crate) use retention::count_old;
pub use seal::{Head, Sealed, Sealer};

use crate::keyring::Keyring;
use crate::{App, Error};
use domain::Timestamp;
use domain::ids::PartnerId;
use serde_json::{Map, Value, json};
use std::net::IpAddr;
use store::audit::{Record, insert};
use store::db::Tx;
use uuid::Uuid;

/// Where a command comes from, as its audit record tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who gave it: `certificate:NAME/SERIAL` of a partner's certificate, `processor:ID`.
    pub actor: String,
    /// The IP address that it came from; none where it was given on this machine.
    pub address: Option<IpAddr>,
    /// The name of its request, as the logs tell it; empty where a worker acts by itself.
    pub request_id: String,
}

impl Origin {
    /// Somebody on this machine, or a worker, whose act is a request of its own.
    pub(crate) fn here(actor: impl Into<String>) -> Self {
        let request_id = crate::ids::random_id().to_string();
        Self { actor: actor.into(), address: None, request_id }
    }
}

/// Whether an operator's words beside a decision can be kept: so many characters at most, in one
/// line.
pub(crate) fn is_remark(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.trim().chars().count()) && !text.chars().any(char::is_control)
}

/// Who acts on the command line or the control socket: `os:` and the name of the OS user.
#[derive(Clone, Debug)]
pub struct Operator(pub String);

impl Operator {
    /// Where their commands come from: this machine, and no request.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin { actor: self.0.clone(), address: None, request_id: String::new() }
    }
}

/// What an audit record tells of a command, beside who gave it and when.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a change without its record must not be committed"]
pub(crate) struct Entry {
    action: &'static str,
    object: String,
    detail: Value,
}

impl Entry {
    /// Something was made.
    pub(crate) fn made(action: &'static str, object: impl ToString, after: Value) -> Self {
        Self { action, object: object.to_string(), detail: json!({ "after": after }) }
    }

    /// Something was done, and this is told of it.
    pub(crate) fn of(action: &'static str, object: impl ToString, detail: Value) -> Self {
        Self { action, object: object.to_string(), detail }
    }

    /// Something was changed: of both objects it keeps the fields that differ.
    pub(crate) fn changed(
        action: &'static str,
        object: impl ToString,
        before: &Value,
        after: &Value,
    ) -> Self {
        Self { action, object: object.to_string(), detail: change_json(before, after) }
    }

    /// Secrets of these names were shown.
    pub(crate) fn shown(action: &'static str, object: impl ToString, names: &[&str]) -> Self {
        Self { action, object: object.to_string(), detail: json!({ "shown": names }) }
    }

    /// Tells one thing more.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.detail[name] = value;
        self
    }

    /// The row of it.
    pub(crate) fn record(
        self,
        id: Uuid,
        partner: PartnerId,
        origin: &Origin,
        at: Timestamp,
    ) -> Record {
        Record {
            id,
            partner,
            actor: origin.actor.clone(),
            action: self.action.to_owned(),
            object: self.object,
            detail: self.detail,
            at,
            address: origin.address.map(|address| address.to_string()),
            request_id: Some(origin.request_id.clone()).filter(|name| !name.is_empty()),
        }
    }
}

/// What has changed of an object: of before and after, the fields that differ.
pub(crate) fn change_json(before: &Value, after: &Value) -> Value {
    json!({ "before": differing(before, after), "after": differing(after, before) })
}

/// The fields of an object that another one doesn't have, or has otherwise.
fn differing(these: &Value, those: &Value) -> Value {
    let fields = these.as_object().into_iter().flatten();
    let differs = |(name, value): &(&String, &Value)| those.get(name.as_str()) != Some(value);
    let kept = fields.filter(differs).map(|(name, value)| (name.clone(), value.clone()));
    Value::Object(kept.collect::<Map<_, _>>())
}

/// What a use case has done: its result, and what the audit records will tell.
#[derive(Debug)]
pub(crate) struct Done<T> {
    pub(crate) result: T,
    pub(crate) entries: Vec<Entry>,
}

impl<T> Done<T> {
    /// Something is otherwise now.
    pub(crate) fn changed(result: T, entry: Entry) -> Self {
        Self { result, entries: vec![entry] }
    }

    /// Everything was already as it was to be; that leaves no record.
    pub(crate) fn unchanged(result: T) -> Self {
        Self { result, entries: Vec::new() }
    }

    /// The same with another result.
    pub(crate) fn map<U>(self, to: impl FnOnce(T) -> U) -> Done<U> {
        Done { result: to(self.result), entries: self.entries }
    }

    /// Other things are otherwise too.
    pub(crate) fn and(mut self, entries: impl IntoIterator<Item = Entry>) -> Self {
        self.entries.extend(entries);
        self
    }
}

/// Keyed digests of one object's personal fields: a record tells that a field was changed, and can
/// prove what it was to who knows the value, but doesn't hold it. Equal values of two objects have
/// different digests.
pub(crate) struct Digests<'a> {
    keyring: &'a Keyring,
    partner: PartnerId,
    object: String,
}

impl Digests<'_> {
    /// The digest of a field; nothing for none.
    pub(crate) fn of(&self, field: &str, value: Option<&str>) -> Value {
        value.map_or(Value::Null, |value| self.of_bytes(field, value.as_bytes()))
    }

    /// The digest of bytes.
    pub(crate) fn of_bytes(&self, field: &str, value: &[u8]) -> Value {
        let partner = self.partner.0.to_be_bytes();
        let parts = [&partner, self.object.as_bytes(), field.as_bytes(), value];
        Value::String(format!("hmac:{}", self.keyring.personal_digest(&parts)))
    }
}

impl App {
    /// The digests of an object's personal fields; `object` names it among all of its partner's.
    pub(crate) fn digests(&self, partner: PartnerId, object: String) -> Digests<'_> {
        Digests { keyring: &self.keyring, partner, object }
    }

    /// Writes what a caller did, in the transaction that does it.
    pub(crate) async fn record(
        &self,
        tx: &mut Tx,
        partner: PartnerId,
        origin: &Origin,
        entry: Entry,
    ) -> Result<(), Error> {
        self.record_all(tx, partner, origin, vec![entry]).await
    }

    /// Writes all that a caller did, in the transaction that does it.
    pub(crate) async fn record_all(
        &self,
        tx: &mut Tx,
        partner: PartnerId,
        origin: &Origin,
        entries: Vec<Entry>,
    ) -> Result<(), Error> {
        let now = self.now();
        let record = |entry: Entry| entry.record(self.ordered_id(), partner, origin, now);
        let records: Vec<Record> = entries.into_iter().map(record).collect();
        Ok(insert(tx, &records).await?)
    }

    /// Writes that an operator has something copied out of the instance.
    pub async fn record_backup(&self, operator: &Operator, what: &str) -> Result<(), Error> {
        let mut tx = self.db.begin().await?;
        let act = ("backup.create", what, &Value::Null);
        let recorded = self.record_act(&mut tx, operator, PartnerId::PLATFORM, act).await;
        tx.end(recorded).await
    }

    /// Writes what an operator does, in the transaction that does it.
    pub(crate) async fn record_act(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        partner: PartnerId,
        act: (&str, &str, &Value),
    ) -> Result<(), Error> {
        let (action, object, detail) = act;
        let record = Record {
            id: self.ordered_id(),
            partner,
            actor: operator.0.clone(),
            action: action.to_owned(),
            object: object.to_owned(),
            detail: detail.clone(),
            at: self.now(),
            address: None,
            request_id: None,
        };
        Ok(insert(tx, &[record]).await?)
    }
}
