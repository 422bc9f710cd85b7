//! The file of an export: its lines, and its parts as they are kept and read.

use super::{Shown, exports};
use crate::audit::{Entry, Origin};
use crate::error::Chain;
use crate::keyring::EPOCH;
use crate::refusals::Refusal;
use crate::transactions::Record;
use crate::{App, Error, spreadsheet};
use crypto::keys::Purpose;
use crypto::seal::{Place, SealingKey};
use domain::export::ExportState;
use domain::ids::CardId;
use domain::scope::Scope;
use futures_util::stream::{Stream, try_unfold};
use jiff::tz::TimeZone;
use std::collections::HashMap;
use uuid::Uuid;

/// The names of the columns.
const NAMES: [&str; 21] = [
    "id",
    "receivedAt",
    "type",
    "category",
    "processingStatus",
    "status",
    "descriptionCode",
    "amount",
    "currency",
    "heldAmount",
    "clearedAmount",
    "originalAmount",
    "originalCurrency",
    "description",
    "mcc",
    "cardId",
    "cardNumber",
    "balanceId",
    "externalTransactionId",
    "date",
    "authorizationCode",
];

/// A file that somebody takes away, part by part.
pub struct ExportFile {
    app: App,
    scope: Scope,
    key: SealingKey,
    id: Uuid,
    chunks: i64,
    /// What it is called.
    pub name: String,
    /// How many bytes it has.
    pub bytes: i64,
}

impl App {
    /// The file of an export that is done. That somebody takes it is recorded.
    pub async fn export_file(
        &self,
        scope: Scope,
        id: Uuid,
        origin: &Origin,
    ) -> Result<ExportFile, Error> {
        let Shown { export, .. } = self.export(scope, id).await?;
        if export.state != ExportState::Done {
            return Err(Refusal::ExportNotReady.into());
        }
        let key = self.sealing_of_exports(scope).await?;
        let mut tx = self.db.begin().await?;
        let entry = Entry::shown("export.download", id, &["file"]);
        let recorded = self.record(&mut tx, scope.partner(), origin, entry).await;
        tx.end(recorded).await?;
        let day = export.created_at.to_zoned(TimeZone::UTC).date();
        let name = format!("transactions-{day}-{}.csv", &id.to_string()[..13]);
        let (app, chunks, bytes) = (self.clone(), export.size.chunks, export.size.bytes);
        Ok(ExportFile { app, scope, key, id, chunks, name, bytes })
    }

    /// What files of a partner are sealed with. Asked before a transaction: it may need one.
    pub(super) async fn sealing_of_exports(&self, scope: Scope) -> Result<SealingKey, Error> {
        Ok(self.partner_key(scope.partner()).await?.sealing(Purpose::Document, EPOCH))
    }
}

impl ExportFile {
    /// Its parts, one after the other, each read when it is asked for: whoever takes them slowly
    /// keeps nothing open.
    pub fn into_parts(self) -> impl Stream<Item = Result<Vec<u8>, Error>> + Send {
        try_unfold((self, 0), |(file, number)| async move {
            Ok(file.part(number).await?.map(|part| (part, (file, number + 1))))
        })
    }

    /// A part of it, from 0; none behind the last. Fails where it was removed meanwhile.
    async fn part(&self, number: i64) -> Result<Option<Vec<u8>>, Error> {
        if number >= self.chunks {
            return Ok(None);
        }
        let part = self.read(number).await;
        if let Err(error) = &part {
            tracing::warn!(export = %self.id, error = %Chain(error), "An export's file broke off");
        }
        part.map(Some)
    }

    async fn read(&self, number: i64) -> Result<Vec<u8>, Error> {
        let mut tx = self.app.db.read().await?;
        let sealed = exports::chunk(&mut tx, self.scope, (self.id, number)).await;
        let sealed = tx.end(sealed).await?.ok_or(Refusal::ExportNotFound)?;
        let row = row_of(self.id, number);
        Ok(self.key.open(&place(self.scope, &row), &sealed)?.to_vec())
    }
}

/// Seals a part of a file, to its own row.
pub(super) fn seal(
    key: &SealingKey,
    scope: Scope,
    (id, number): (Uuid, i64),
    part: &str,
) -> Vec<u8> {
    key.seal(&place(scope, &row_of(id, number)), part.as_bytes())
}

fn row_of(id: Uuid, number: i64) -> String {
    format!("{id}/{number}")
}

fn place(scope: Scope, row: &str) -> Place<'_> {
    Place { table: "export_chunk", column: "content", partner: scope.partner(), row }
}

/// The first line of a file.
pub(super) fn head() -> String {
    let mut line = String::new();
    spreadsheet::row(&mut line, &NAMES);
    line
}

/// The lines of transactions; `digits` are the last four of their cards.
pub(super) fn lines(found: &[Record], digits: &HashMap<CardId, String>) -> String {
    let mut lines = String::new();
    for it in found {
        let order = &it.order;
        let (money, other) = (order.currency, order.original_currency);
        let shown = order.card.and_then(|card| digits.get(&card)).filter(|it| !it.is_empty());
        let original = other.zip(order.original_amount).map(|(of, minor)| of.decimal(minor));
        let cells: [String; NAMES.len()] = [
            it.id.0.to_string(),
            it.received_at.to_string(),
            order.kind.to_string(),
            order.category.to_string(),
            it.processing.to_string(),
            it.status.to_string(),
            it.description.to_string(),
            money.decimal(order.amount),
            money.code().to_owned(),
            money.decimal(it.held.minor()),
            money.decimal(it.cleared.minor()),
            original.unwrap_or_default(),
            other.map(|other| other.code().to_owned()).unwrap_or_default(),
            spreadsheet::harmless(&order.text),
            spreadsheet::harmless(order.mcc.as_deref().unwrap_or_default()),
            order.card.map(|card| card.0.to_string()).unwrap_or_default(),
            shown.map(|last| format!("**** {last}")).unwrap_or_default(),
            order.balance.map(|balance| balance.0.to_string()).unwrap_or_default(),
            spreadsheet::harmless(&order.network_id),
            order.network_date.to_string(),
            spreadsheet::harmless(it.authorization_code.as_deref().unwrap_or_default()),
        ];
        spreadsheet::row(&mut lines, &cells);
    }
    lines
}
