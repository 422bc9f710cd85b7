//! Statements of balances, as JSON, CSV and PDF (spec "The record").

mod csv;
mod pdf;

use crate::Api;
use crate::answer::{Code, Done, Named, Shown};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{date, moment, parsed, schema};
use app::Refusal;
use app::statements::{Line, Period, Statement};
use domain::balance::PartnerBalanceKind;
use domain::transaction::{Category, TransactionType};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// As what a statement may come, beside JSON.
pub(crate) const MEDIA: &[&str] = &["text/csv", "application/pdf"];

/// `GET /secure/balances/{balanceId}/statement?from=&to=&format=`, and under `/customers/me`.
pub(crate) fn show() -> Endpoint {
    Endpoint::of(read, shown)
        .about(
            "Balances",
            "Show a balance's statement",
            "A user's or the partner's own, removed or not. What was posted from the day `from` to \
             the day `to`, both of them included, in the partner's `timeZone`; holds aren't part \
             of it. `format` is `json` (unless told), `csv`, with decimal amounts, where texts \
             that a spreadsheet could take for a formula have an apostrophe before them, or \
             `pdf`, for people.",
        )
        .refuses(&[Refusal::StatementTooLong, Refusal::ModeNotSupported])
}

/// What a statement comes as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
    Pdf,
}

impl Format {
    const ALL: [(&'static str, Self); 3] =
        [("json", Self::Json), ("csv", Self::Csv), ("pdf", Self::Pdf)];

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, format)| *format)
    }
}

fn read(call: &Call) -> Result<(Period, Format), Problem> {
    let mut query = call.query();
    let from = query.required("from", date());
    let to = query.required("to", date());
    let words = || schema::words(Format::ALL.map(|(name, _)| name));
    let format = query.optional("format", parsed(Format::parse, words, "must be json, csv or pdf"));
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        query.wrong("to", "must not be before from");
    }
    query.only(&["from", "to", "format"]);
    let period = from.zip(to).map(|(from, to)| Period { from, to });
    let Some(period) = period else { return Err(query.problem()) };
    query.finish()?;
    Ok((period, format.unwrap_or(Format::Json)))
}

async fn shown(
    api: Api,
    head: Head,
    (period, format): (Period, Format),
) -> Result<Shown<StatementJson>, Problem> {
    let (scope, owner) = (head.scope()?, head.user_if_named()?);
    let made = api.app.statement(scope, owner, head.balance()?, period).await?;
    Ok(match format {
        Format::Json => Shown::Json(Done::with(&StatementJson::from(&made))),
        Format::Csv => Shown::File("text/csv", name(&made, "csv"), csv::written(&made)),
        Format::Pdf => {
            let name = name(&made, "pdf");
            // A long one takes longer than those who serve may be kept from it.
            let written = tokio::task::spawn_blocking(move || pdf::written(&made)).await;
            Shown::File("application/pdf", name, written.map_err(|_| Problem::internal())?)
        }
    })
}

/// The name of its file.
fn name(made: &Statement, end: &str) -> String {
    let Period { from, to } = made.period;
    format!("statement-{}-{from}-{to}.{end}", made.balance.id.0)
}

type Kind = Named<TransactionType>;
type Way = Named<Category>;
type Purpose = Named<PartnerBalanceKind>;

/// A statement. Amounts are in minor units.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Statement)]
struct StatementJson {
    /// The balance.
    balance_id: Uuid,
    /// The user whose it is; none where it is the partner's own.
    customer_id: Option<i64>,
    /// Of a corporation's.
    dc_corporation_id: Option<Uuid>,
    /// What it is for, where it is the partner's own.
    kind: Option<Purpose>,
    /// The user's given and family name, or the partner's name.
    name: String,
    /// The balance's currency.
    currency: Code,
    /// The first day.
    #[schema(format = Date)]
    from: String,
    /// The last day.
    #[schema(format = Date)]
    to: String,
    /// The zone of these days.
    time_zone: String,
    /// What was posted before the first day.
    opening_balance: i64,
    /// All that came.
    total_credits: i64,
    /// All that left.
    total_debits: i64,
    /// What was posted until the end of the last day, or until it was made.
    closing_balance: i64,
    /// What moved, in the order of time.
    items: Vec<LineJson>,
    /// When it was made.
    #[schema(format = DateTime)]
    made_at: String,
    /// Whether it can't change any more: its last day ended ten minutes before it was made, or
    /// earlier.
    r#final: bool,
}

/// One movement of a statement.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StatementItem)]
struct LineJson {
    /// The transaction that moved it; one may move several times.
    transaction_id: Uuid,
    /// The caller's or network's id.
    external_transaction_id: String,
    /// What kind of event it is.
    r#type: Kind,
    /// Whether it came or left.
    category: Way,
    /// How much, above zero.
    amount: i64,
    /// What was posted after it.
    balance: i64,
    /// The merchant's line, or the caller's words.
    description: String,
    /// When it was posted.
    #[schema(format = DateTime)]
    date: String,
}

impl From<&Statement> for StatementJson {
    fn from(made: &Statement) -> Self {
        Self {
            balance_id: made.balance.id.0,
            customer_id: made.balance.owner.user().map(|user| user.0),
            dc_corporation_id: made.corporation,
            kind: made.balance.owner.kind().map(Named),
            name: made.name.clone(),
            currency: Code(made.balance.currency),
            from: made.period.from.to_string(),
            to: made.period.to.to_string(),
            time_zone: made.zone.iana_name().unwrap_or("Etc/UTC").to_owned(),
            opening_balance: made.opening,
            total_credits: made.credits,
            total_debits: made.debits,
            closing_balance: made.closing,
            items: made.lines.iter().map(LineJson::from).collect(),
            made_at: moment(made.made_at),
            r#final: made.is_final,
        }
    }
}

impl From<&Line> for LineJson {
    fn from(line: &Line) -> Self {
        Self {
            transaction_id: line.of.id.0,
            external_transaction_id: line.of.network_id.clone(),
            r#type: Named(line.of.kind),
            category: Named(line.way),
            amount: line.amount.minor(),
            balance: line.balance,
            description: line.of.text.clone(),
            date: moment(line.at),
        }
    }
}
