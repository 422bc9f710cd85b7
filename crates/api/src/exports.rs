//! `/admin/exports`: transactions as a file, written in the background.

use crate::Api;
use crate::answer::{Accepted, Body as Told, Code, Done, List, Named, NoContent, Success, kept};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::identity::Caller;
use crate::problem::Problem;
use crate::wire::{
    currency, integer, minor_units, moment, parsed, place, schema, timestamp, uuid, word,
};
use app::Refusal;
use app::exports::{ExportFile, Shown};
use app::transactions::History;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use domain::export::ExportState;
use domain::ids::{AdminId, BalanceId, CardId, UserId};
use domain::search::LastFour;
use domain::transaction::{Description, Processing, Status, TransactionType};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// The chapter of the documents.
const TAG: &str = "Exports";
/// What a file is.
const MEDIA: &str = "text/csv";

type Stage = Named<ExportState>;
type Standing = Named<Status>;
type Treatment = Named<Processing>;
type Why = Named<Description>;
type Kind = Named<TransactionType>;

/// An export.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Export)]
struct ExportJson {
    /// Its id.
    id: Uuid,
    /// Where it stands.
    state: Stage,
    /// How many transactions are written.
    rows: i64,
    /// How many bytes these have.
    bytes: i64,
    /// Whether there are more transactions than the 1,000,000 of a file; they would be older.
    is_cut: bool,
    /// Why it failed: the title of a problem.
    reason: Option<String>,
    /// What was asked for; null where that can't be read.
    asked: Option<AskedJson>,
    /// The e-mail address of who has asked; null where that is somebody of the operator's.
    asked_by: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was done, or failed.
    #[schema(format = DateTime)]
    finished_at: Option<String>,
    /// When it goes by itself.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// Which transactions an export is of: those of which all that isn't null is true.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AskedOfExport)]
struct AskedJson {
    /// Of this balance.
    balance_id: Option<Uuid>,
    /// Of one of this user's balances.
    customer_id: Option<i64>,
    /// Of this card.
    card_id: Option<i64>,
    /// Of a card with these last digits.
    last_four_digits: Option<String>,
    /// That stand so.
    status: Option<Standing>,
    /// Of which this was done.
    processing_status: Option<Treatment>,
    /// Decided for this reason.
    reason: Option<Why>,
    /// Of this type.
    r#type: Option<Kind>,
    /// That asked for this much or more, in minor units.
    amount_from: Option<i64>,
    /// That asked for this much or less.
    amount_to: Option<i64>,
    /// In this currency.
    currency: Option<Code>,
    /// That came then or later.
    #[schema(format = DateTime)]
    from: Option<String>,
    /// That came before; two minutes before it was asked for, unless earlier.
    #[schema(format = DateTime)]
    to: Option<String>,
}

impl From<&History> for AskedJson {
    fn from(asked: &History) -> Self {
        Self {
            balance_id: asked.balance.map(|id| id.0),
            customer_id: asked.user.map(|id| id.0),
            card_id: asked.card.map(|id| id.0),
            last_four_digits: asked.last_four.map(|it| it.as_str().to_owned()),
            status: asked.status.map(Named),
            processing_status: asked.processing.map(Named),
            reason: asked.reason.map(Named),
            r#type: asked.kind.map(Named),
            amount_from: asked.amount_from,
            amount_to: asked.amount_to,
            currency: asked.currency.map(Code),
            from: asked.from.map(moment),
            to: asked.to.map(moment),
        }
    }
}

impl From<&Shown> for ExportJson {
    fn from(Shown { export, asked, email }: &Shown) -> Self {
        Self {
            id: export.id,
            state: Named(export.state),
            rows: export.size.rows,
            bytes: export.size.bytes,
            is_cut: export.is_cut,
            reason: export.reason.clone(),
            asked: asked.as_ref().map(AskedJson::from),
            asked_by: email.clone(),
            created_at: moment(export.created_at),
            finished_at: export.finished_at.map(moment),
            expires_at: export.expires_at.map(moment),
        }
    }
}

/// Asks for a file → 202 the export.
pub(crate) fn ask() -> Endpoint {
    Endpoint::of(read, asked)
        .about(
            TAG,
            "Ask for transactions as a file",
            "Those that `GET /admin/transactions` would list by the same names, newest first, \
             1,000,000 at most. What came less than two minutes before, or comes later, isn't \
             among them: it may still be on its way. The file is written in the background, \
             which `GET /admin/exports/{exportId}` follows, and kept for 24 hours, or until \
             twenty others of the partner have ended since. Five of a partner may wait or be \
             written at once.",
        )
        .example(json!({ "from": "2026-11-01T00:00:00+00:00", "processingStatus": "DECLINED" }))
        .refuses(&[
            Refusal::BalanceNotFound,
            Refusal::CardNotFound,
            Refusal::CustomerNotFound,
            Refusal::TooManyBalances,
            Refusal::TooManyExports,
        ])
}

/// In which a transaction can be seen.
const DONE: &[Processing] = &[Processing::Success, Processing::Declined, Processing::Invalid];

fn read(call: &Call) -> Result<History, Problem> {
    let mut fields = call.fields_if_sent()?;
    let digits = parsed(
        LastFour::parse,
        || schema::pattern("^[0-9]{4}$"),
        "must be the last four digits of a card",
    );
    let history = History {
        balance: fields.optional("balanceId", uuid()).map(BalanceId),
        user: fields.optional("customerId", integer()).map(UserId),
        card: fields.optional("cardId", integer()).map(CardId),
        last_four: fields.optional("lastFourDigits", digits),
        status: fields.optional("status", word(Status::ALL, "must be a status")),
        processing: fields.optional("processingStatus", word(DONE, "must be what was done")),
        reason: fields.optional("reason", word(Description::ALL, "must be a reason")),
        kind: fields.optional("type", word(TransactionType::ALL, "must be a type of transactions")),
        amount_from: fields.optional("amountFrom", minor_units()),
        amount_to: fields.optional("amountTo", minor_units()),
        currency: fields.optional("currency", currency()),
        from: fields.optional("from", timestamp()),
        to: fields.optional("to", timestamp()),
    };
    if history.amount_from.zip(history.amount_to).is_some_and(|(from, to)| from > to) {
        fields.wrong("amountTo", "must not be less than amountFrom");
    }
    if history.from.zip(history.to).is_some_and(|(from, to)| from > to) {
        fields.wrong("to", "must not be before from");
    }
    fields.finish()?;
    Ok(history)
}

/// The account that calls.
fn account(head: &Head) -> Result<AdminId, Problem> {
    match head.caller() {
        Caller::Admin(_, session) => Ok(session.account),
        Caller::Partner(_)
        | Caller::Operator(..)
        | Caller::Processor(_)
        | Caller::User(_)
        | Caller::App
        | Caller::Visitor => Err(Problem::internal()),
    }
}

async fn asked(api: Api, head: Head, history: History) -> Result<Accepted<ExportJson>, Problem> {
    let (scope, account) = (head.scope()?, account(&head)?);
    let once = head.once(kept::<_, ExportJson>);
    Ok(Accepted::kept(api.app.ask_for_export(scope, account, history, once).await?))
}

/// Lists exports, newest first.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(read_page, listed).about(
        TAG,
        "List exports",
        "Those of everybody who works for the partner, newest first; those whose time is up \
         aren't there any more.",
    )
}

fn read_page(call: &Call) -> Result<(Option<Uuid>, i64), Problem> {
    let mut query = call.query();
    let (limit, after) = Call::read_page(&mut query, place());
    query.only(&["limit", "after"]);
    query.finish()?;
    Ok((after, limit))
}

async fn listed(
    api: Api,
    head: Head,
    (after, limit): (Option<Uuid>, i64),
) -> Result<Done<List<ExportJson>>, Problem> {
    let page = api.app.exports(head.scope()?, after, limit).await?;
    Ok(Done::with(&List::page(&page, |it| ExportJson::from(it))))
}

/// Shows one.
pub(crate) fn show() -> Endpoint {
    Endpoint::of(nothing, shown).about(TAG, "Show an export", "How far it is.")
}

async fn shown(api: Api, head: Head, (): ()) -> Result<Done<ExportJson>, Problem> {
    let found = api.app.export(head.scope()?, head.export()?).await?;
    Ok(Done::with(&ExportJson::from(&found)))
}

/// Removes one → 204.
pub(crate) fn remove() -> Endpoint {
    Endpoint::of(nothing, removed)
        .about(
            TAG,
            "Remove an export",
            "With its file, also while that is being written. Only who has asked for it may.",
        )
        .refuses(&[Refusal::ExportNotYours])
}

async fn removed(api: Api, head: Head, (): ()) -> Result<NoContent, Problem> {
    let named = (account(&head)?, head.export()?);
    let once = head.once(|()| Value::Null);
    api.app.remove_export(head.scope()?, named, once).await?;
    Ok(NoContent)
}

/// The file of one.
pub(crate) fn file() -> Endpoint {
    Endpoint::of(nothing, taken)
        .about(
            TAG,
            "Take an export's file",
            "CSV (RFC 4180, UTF-8), a line for each transaction: amounts are decimal, times are \
             UTC, of a card's number the last four digits are told, and texts that a spreadsheet \
             could take for a formula have an apostrophe before them. That it was taken is \
             recorded.",
        )
        .refuses(&[Refusal::ExportNotReady, Refusal::FileTooLarge])
}

async fn taken(api: Api, head: Head, (): ()) -> Result<Download, Problem> {
    let file = api.app.export_file(head.scope()?, head.export()?, head.origin()).await?;
    Ok(Download(file))
}

/// 200 with a file that is read as it is sent.
struct Download(ExportFile);

impl Success for Download {
    const STATUS: StatusCode = StatusCode::OK;
    const FILES: &'static [&'static str] = &[MEDIA];

    fn body() -> Option<Told> {
        None
    }
}

impl IntoResponse for Download {
    fn into_response(self) -> Response {
        let Self(file) = self;
        let headers = [
            (CONTENT_TYPE, format!("{MEDIA}; charset=utf-8")),
            (CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", file.name)),
            (CONTENT_LENGTH, file.bytes.to_string()),
            (CACHE_CONTROL, "no-store".to_owned()),
        ];
        (StatusCode::OK, headers, Body::from_stream(file.into_parts())).into_response()
    }
}
