//! What partners add to the history: words and names beside a record, and records of their own.
//! Both are locked by the user or corporation that they are erased with, so nothing is written
//! beside what is just being erased.

use super::sources::{Line, Noted, Sources};
use super::{HistoryRecord, Notes, Own};
use crate::audit::{Done, Entry};
use crate::ledger::stream_of;
use crate::once::Turn;
use crate::outbox::News;
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::ids::{CardId, TransactionId};
use domain::notification::Event;
use domain::scope::Scope;
use serde_json::{Value, json};
use store::db::Tx;
use store::{balances, cards, corporations, counters, thc, transactions, users};
use uuid::Uuid;

/// The stream of an event that is about no card of ours and no balance.
const STREAM: &str = "history";

impl App {
    /// Writes what a partner says beside a record, in the place of what it has said; the answer is
    /// the record. The same again changes nothing.
    pub async fn note_in_history(
        &self,
        scope: Scope,
        number: i64,
        notes: Notes,
        once: Once<HistoryRecord>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let request_id = once.origin.request_id.as_str();
        let result = self.note_in(&mut tx, scope, (number, &notes), request_id).await;
        let answer = self.finish(scope, &once, tx, result).await;
        self.outbox.bell().ring();
        answer
    }

    async fn note_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (number, notes): (i64, &Notes),
        request_id: &str,
    ) -> Result<Done<HistoryRecord>, Error> {
        let line = Line::find(tx, scope, number).await?.ok_or(Refusal::TransactionNotFound)?;
        // Whose it is never changes, so that may be read before the lock; the notes may not.
        let lines = [line];
        let owner = Sources::load(tx, scope, &lines).await?.owner(&lines[0]);
        lock(tx, scope, owner).await?;
        let sources = Sources::load(tx, scope, &lines).await?;
        let before = sources.notes(&lines[0]);
        if before == *notes {
            return Ok(Done::unchanged(self.record_of(tx, scope, number).await?));
        }
        let now = self.now();
        thc::write_notes(tx, scope, (number, owner.map(Into::into), notes), now).await?;
        let record = self.record_of(tx, scope, number).await?;
        self.tell_of_record(tx, scope, &record, request_id).await?;
        let facts = |notes| self.note_facts(scope, number, notes);
        let entry = Entry::changed("history.note", number, &facts(&before), &facts(notes));
        Ok(Done::changed(record, entry))
    }

    /// Adds a record of a partner's own; the answer is the record.
    pub async fn add_to_history(
        &self,
        scope: Scope,
        (own, notes): (Own, Notes),
        once: Once<HistoryRecord>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let request_id = once.origin.request_id.as_str();
        let result = self.add_in(&mut tx, scope, (&own, &notes), request_id).await;
        let answer = self.finish(scope, &once, tx, result).await;
        self.outbox.bell().ring();
        answer
    }

    async fn add_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (own, notes): (&Own, &Notes),
        request_id: &str,
    ) -> Result<Done<HistoryRecord>, Error> {
        lock(tx, scope, Some(Noted::User(own.user))).await?;
        if let Some(id) = own.card {
            let card = cards::find(tx, scope, id).await?;
            let held = card.filter(|card| card.holder == own.user && !card.is_ordered());
            held.ok_or(Refusal::CardNotFound)?;
        }
        if let Some(id) = own.balance {
            let balance = balances::find(tx, scope, id).await?;
            let owned = balance.filter(|balance| balance.owner.user() == Some(own.user));
            owned.ok_or(Refusal::BalanceNotFound)?;
        }
        if is_of_the_ledger(tx, scope, own).await? {
            return Err(Refusal::HistoryRecordAlreadyExists.into());
        }
        let number = counters::take(tx, scope.partner(), counters::EVENTS, 1).await?;
        if !thc::insert_own(tx, scope, (number, own, notes), self.now()).await? {
            return Err(Refusal::HistoryRecordAlreadyExists.into());
        }
        let record = self.record_of(tx, scope, number).await?;
        self.tell_of_record(tx, scope, &record, request_id).await?;
        let after = json!({
            "customerId": own.user.0,
            "type": own.kind.as_str(),
            "status": own.status.as_str(),
            "amountMinor": own.amount,
            "currency": own.currency.code(),
        });
        Ok(Done::changed(record, Entry::made("history.add", number, after)))
    }

    /// Has the partner told that a record was made or changed, after what was told of its card
    /// before.
    async fn tell_of_record(
        &self,
        tx: &mut Tx,
        scope: Scope,
        record: &HistoryRecord,
        request_id: &str,
    ) -> Result<(), Error> {
        let card: Option<CardId> = record.parties.card;
        let stream = stream_of(card, record.parties.balance);
        let stream = stream.unwrap_or_else(|| format!("{STREAM}/{}", record.id));
        let detail = Some(json!({ "id": record.id }));
        let news = News { event: Event::TransactionEvent, stream, card, detail };
        self.tell(tx, scope, news, request_id).await
    }

    /// What an audit record tells of what is written beside a record: a person's, as digests.
    fn note_facts(&self, scope: Scope, number: i64, notes: &Notes) -> Value {
        let digests = self.digests(scope.partner(), format!("history/{number}"));
        let Notes { comment, labels, user, card, device } = notes;
        let labels = (!labels.is_empty()).then(|| json!(labels).to_string());
        json!({
            "comment": digests.of("comment", comment.as_deref()),
            "labels": digests.of("labels", labels.as_deref()),
            "userExternalId": digests.of("userExternalId", user.as_deref()),
            "externalCardId": digests.of("externalCardId", card.as_deref()),
            "externalDeviceId": digests.of("externalDeviceId", device.as_deref()),
        })
    }
}

/// Locks whoever a record is erased with, and refuses one who was removed.
async fn lock(tx: &mut Tx, scope: Scope, owner: Option<Noted>) -> Result<(), Error> {
    match owner {
        Some(Noted::User(id)) => {
            users::find_locked(tx, scope, id).await?.ok_or(Refusal::CustomerNotFound)?;
        }
        Some(Noted::Corporation(id)) => {
            corporations::lock(tx, &[(scope.partner(), id)].into()).await?;
            let found = corporations::find_by_id(tx, scope, id).await?;
            found.ok_or(Refusal::CorporationNotFound)?;
        }
        None => {}
    }
    Ok(())
}

/// Whether the ledger has a transaction of this name and type.
async fn is_of_the_ledger(tx: &mut Tx, scope: Scope, own: &Own) -> Result<bool, Error> {
    let Ok(id) = Uuid::try_parse(&own.client_id) else { return Ok(false) };
    let found = transactions::find(tx, scope, TransactionId(id)).await?;
    Ok(found.is_some_and(|it| super::record::Data::of(&it.order).kind(&it.order) == own.kind))
}
