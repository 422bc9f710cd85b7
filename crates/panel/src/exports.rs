//! Exports: transactions as files; asked for, followed while they are written, taken, removed.

use crate::Panel;
use crate::answer::{Answer, Done, Failed, back, show as shown, told_if_new};
use crate::filters::{self, amount, moment_in};
use crate::form::Posted;
use crate::frame::Frame;
use crate::session::Staff;
use crate::texts::text;
use crate::{query, transactions};
use app::Refusal;
use app::exports::Shown;
use app::transactions::reason_sentence;
use askama::Template;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use domain::export::ExportState;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Where a partner's newest are told as they change.
pub(crate) const LIVE: &str = "/exports/live";
/// Exports on a page.
const LINES: i64 = 50;

#[derive(Template)]
#[template(path = "exports.html")]
struct List {
    frame: Frame,
    at: String,
    zone: TimeZone,
    found: Vec<Shown>,
    next: Option<String>,
    /// Where the list is told as it changes: the newest, not the pages behind.
    live: Option<String>,
}

/// What a list shows of exports, a line each.
#[derive(Template)]
#[template(path = "export_rows.html")]
struct Rows {
    at: String,
    zone: TimeZone,
    found: Vec<Shown>,
}

/// What was asked for, in words.
fn asked(it: &Shown, zone: &TimeZone) -> String {
    let Some(asked) = &it.asked else { return text("export.unreadable") };
    let moment = |at| moment_in(at, zone);
    let word = |group: &str, word: &str| {
        crate::texts::known(&format!("{group}.{word}")).map_or(word.to_owned(), str::to_owned)
    };
    // Without a currency they are minor units of any.
    let sum = |minor: i64| asked.currency.map_or(minor.to_string(), |it| amount(minor, it));
    let told = [
        ("filter.from", asked.from.map(moment)),
        ("filter.to", asked.to.map(moment)),
        ("transaction.result", asked.processing.map(|it| word("processing", it.as_str()))),
        ("transaction.status", asked.status.map(|it| word("status", it.as_str()))),
        ("transaction.kind", asked.kind.map(|it| word("kind", it.as_str()))),
        ("transaction.reason", asked.reason.map(|it| reason_sentence(it).to_owned())),
        ("filter.amount-from", asked.amount_from.map(sum)),
        ("filter.amount-to", asked.amount_to.map(sum)),
        ("money.currency", asked.currency.map(|it| it.code().to_owned())),
        ("filter.user", asked.user.map(|it| it.0.to_string())),
        ("filter.card", asked.card.map(|it| it.0.to_string())),
        ("card.last-four", asked.last_four.map(|it| it.as_str().to_owned())),
        ("filter.balance", asked.balance.map(|it| it.0.to_string())),
    ];
    let told = told.into_iter().filter_map(|(name, value)| Some((text(name), value?)));
    told.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ")
}

/// `GET …/exports`: newest first.
pub(crate) async fn list(
    State(panel): State<Panel>,
    staff: Staff,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let asked = query::Asked::of(query, &[])?;
    let after = asked.after(|text| Uuid::try_parse(text).ok())?;
    let is_newest = after.is_none();
    let page = panel.app.exports(staff.scope()?, after, LINES).await?;
    let (frame, at, zone) = (staff.frame(), staff.to(""), staff.zone());
    let next = asked.next(&format!("{at}/exports"), page.next)?;
    let live = is_newest.then(|| format!("{at}{LIVE}"));
    shown(&List { frame, at, zone, found: page.items, next, live })
}

/// `GET …/exports/live`: the newest as a server-sent event, unless the browser has them.
pub(crate) async fn live(State(panel): State<Panel>, staff: Staff, headers: HeaderMap) -> Answer {
    let page = panel.app.exports(staff.scope()?, None, LINES).await?;
    let rows = Rows { at: staff.to(""), zone: staff.zone(), found: page.items };
    let known = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    told_if_new(&rows, known)
}

/// `POST …/exports/new`: of what the list of transactions was asked for.
pub(crate) async fn ask(State(panel): State<Panel>, staff: Staff, posted: Posted) -> Answer {
    let asked = query::Asked::of(posted.fields(transactions::ASKED), transactions::ASKED)?;
    let history = transactions::history(&panel, &staff, &asked)?;
    let (scope, account) = (staff.scope()?, staff.session.account);
    let result = panel.app.ask_for_export(scope, account, history, posted.once()).await;
    back(&staff, &staff.to("/exports"), Done("done.export-asked"), result)
}

#[derive(Template)]
#[template(path = "export.html")]
struct Page {
    frame: Frame,
    at: String,
    zone: TimeZone,
    it: Shown,
    is_own: bool,
}

impl Page {
    fn is_done(&self) -> bool {
        self.it.export.state == ExportState::Done
    }

    /// Why it can't be written, in words: a rule's, or that it was tried in vain.
    fn why(reason: &str) -> String {
        let refusal = Refusal::of_title(reason);
        refusal.map_or_else(|| text("export.given-up"), |it| it.sentence().to_owned())
    }
}

fn named(text: &str) -> Result<Uuid, Failed> {
    Uuid::try_parse(text).map_err(|_| Failed::NotFound)
}

/// `GET …/exports/{export}`.
pub(crate) async fn show(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    let it = panel.app.export(staff.scope()?, named(&id)?).await?;
    let is_own = it.export.account == staff.session.account;
    shown(&Page { frame: staff.frame(), at: staff.to(""), zone: staff.zone(), it, is_own })
}

/// `GET …/exports/{export}/file`. That it was taken is recorded.
pub(crate) async fn file(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    let file = panel.app.export_file(staff.scope()?, named(&id)?, &staff.origin).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", file.name)),
        (header::CONTENT_LENGTH, file.bytes.to_string()),
    ];
    Ok((headers, Body::from_stream(file.into_parts())).into_response())
}

/// `POST …/exports/{export}/remove`.
pub(crate) async fn remove(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, id)): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let (scope, named) = (staff.scope()?, (staff.session.account, named(&id)?));
    let result = panel.app.remove_export(scope, named, posted.once()).await;
    let page = if result.is_ok() { "/exports".to_owned() } else { format!("/exports/{}", named.1) };
    back(&staff, &staff.to(&page), Done("done.export-removed"), result)
}
