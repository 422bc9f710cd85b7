//! Transactions: looked for, and one with its life: what was heard, which check failed, what moved,
//! what the partner was told.

use crate::Panel;
use crate::answer::{Answer, Failed, show as shown, told_if_new};
use crate::filters::{self, amount, typed_amount};
use crate::frame::Frame;
use crate::session::Staff;
use crate::texts::text;
use crate::{query, users};
use app::outbox::Told;
use app::transactions::{
    Heard, History, Life, Moved, Place, Record, check_sentence, outcome_sentence, reason_sentence,
};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use domain::authorization::CheckOutcome;
use domain::ids::{BalanceId, CardId, TransactionId};
use domain::ledger::Account;
use domain::money::{Amount, Currency};
use domain::response_codes::response_codes;
use domain::search::LastFour;
use domain::transaction::{
    Category, Description, Processing, Status, Transaction, TransactionType,
};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Transactions on a page.
const LINES: i64 = 50;

/// Where a partner's newest are told as they change.
pub(crate) const LIVE: &str = "/transactions/live";
/// What a list can be asked for, as its form asks for it.
pub(crate) const ASKED: &[&str] = &[
    "from",
    "to",
    "status",
    "result",
    "type",
    "reason",
    "amountFrom",
    "amountTo",
    "currency",
    "user",
    "card",
    "balance",
    "lastFour",
];

#[derive(Template)]
#[template(path = "transactions.html")]
struct List {
    frame: Frame,
    at: String,
    zone: TimeZone,
    asked: query::Asked,
    currencies: BTreeSet<String>,
    found: Vec<Record>,
    /// Whether there are pages behind.
    more: bool,
    next: Option<String>,
    /// Where the list is told as it changes: the newest, not the pages behind.
    live: Option<String>,
}

/// What a list shows of transactions, a line each.
#[derive(Template)]
#[template(path = "transaction_rows.html")]
struct Rows {
    at: String,
    zone: TimeZone,
    found: Vec<Record>,
    /// Whether there are pages behind.
    more: bool,
}

impl List {
    fn statuses(&self) -> &'static [Status] {
        Status::ALL
    }

    fn kinds(&self) -> &'static [TransactionType] {
        TransactionType::ALL
    }

    /// Why one may have been decided as it was: the word, and what it says.
    fn reasons(&self) -> Vec<(&'static str, &'static str)> {
        Description::ALL.iter().map(|it| (it.as_str(), reason_sentence(*it))).collect()
    }

    /// What was asked for, to ask for it as a file.
    fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        ASKED.iter().filter_map(|name| Some((*name, self.asked.typed(name)?)))
    }
}

/// A transaction's amount, with its sign.
pub(crate) fn signed(transaction: &Transaction) -> String {
    let order = &transaction.order;
    let sign = match order.category {
        Category::Debit => "−",
        Category::Credit => "+",
    };
    format!("{sign}{}", amount(order.amount, order.currency))
}

/// `GET …/transactions`: newest first, with what is asked for in the address.
pub(crate) async fn list(
    State(panel): State<Panel>,
    staff: Staff,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let asked = query::Asked::of(query, ASKED)?;
    let history = history(&panel, &staff, &asked)?;
    let after = asked.after(|text| {
        if history.is_of_balances() {
            text.parse().ok().map(Place::Number)
        } else {
            Uuid::try_parse(text).ok().map(Place::Id)
        }
    })?;
    let is_newest = after.is_none();
    let page = panel.app.history(staff.scope()?, history, after, LINES).await?;
    let currencies = currencies(&panel, &staff)?;
    let (frame, at, zone) = (staff.frame(), staff.to(""), staff.zone());
    let next = asked.next(&format!("{at}/transactions"), page.next)?;
    let live = asked.path(&format!("{at}{LIVE}"), None)?;
    let live = is_newest.then_some(live);
    let more = next.is_some();
    let found = page.items;
    shown(&List { frame, at, zone, asked, currencies, found, more, next, live })
}

/// `GET …/transactions/live`: the newest of a list as a server-sent event, unless the browser has
/// them. It asks again by itself after a while, so nothing is kept open for it, and each time it is
/// looked who asks.
pub(crate) async fn live(
    State(panel): State<Panel>,
    staff: Staff,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Answer {
    let asked = query::Asked::of(query, ASKED)?;
    let history = history(&panel, &staff, &asked)?;
    let page = panel.app.history(staff.scope()?, history, None, LINES).await?;
    let more = page.next.is_some();
    let rows = Rows { at: staff.to(""), zone: staff.zone(), found: page.items, more };
    let known = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    told_if_new(&rows, known)
}

/// The currencies of a partner's programs.
fn currencies(panel: &Panel, staff: &Staff) -> Result<BTreeSet<String>, Failed> {
    let settings = panel.app.settings.get();
    let programs = settings.programs_of(staff.scope()?.partner()).into_iter();
    Ok(programs.map(|program| program.currency.code().to_owned()).collect())
}

/// In which currency an amount was typed: the one that is asked for, or the only one that there is.
fn currency(
    panel: &Panel,
    staff: &Staff,
    asked: &query::Asked,
) -> Result<Option<Currency>, Failed> {
    let chosen = asked.parsed("currency", |code| Currency::parse(code).ok())?;
    let is_needed = ["amountFrom", "amountTo"].iter().any(|name| asked.typed(name).is_some());
    if chosen.is_some() || !is_needed {
        return Ok(chosen);
    }
    let all = currencies(panel, staff)?;
    let only = all.first().filter(|_| all.len() == 1);
    let only = only.and_then(|code| Currency::parse(code).ok());
    only.ok_or(Failed::Unreadable).map(Some)
}

/// What is asked for.
pub(crate) fn history(
    panel: &Panel,
    staff: &Staff,
    asked: &query::Asked,
) -> Result<History, Failed> {
    let id = |text: &str| users::named(text).ok();
    let currency = currency(panel, staff, asked)?;
    let amount = |name| asked.parsed(name, |text| typed_amount(text, currency?).map(Amount::minor));
    let (amount_from, amount_to) = (amount("amountFrom")?, amount("amountTo")?);
    if amount_from.zip(amount_to).is_some_and(|(from, to)| from > to) {
        return Err(Failed::Unreadable);
    }
    Ok(History {
        balance: asked.parsed("balance", |text| Uuid::try_parse(text).ok().map(BalanceId))?,
        card: asked.parsed("card", id)?.map(|id| CardId(id.0)),
        user: asked.parsed("user", id)?,
        last_four: asked.parsed("lastFour", LastFour::parse)?,
        status: asked.parsed("status", Status::parse)?,
        processing: asked.parsed("result", Processing::parse)?,
        kind: asked.parsed("type", TransactionType::parse)?,
        reason: asked.parsed("reason", Description::parse)?,
        amount_from,
        amount_to,
        currency,
        from: asked.begin_of("from", &staff.zone())?,
        to: asked.end_of("to", &staff.zone())?,
    })
}

#[derive(Template)]
#[template(path = "transaction.html")]
struct Page {
    frame: Frame,
    at: String,
    zone: TimeZone,
    life: Life,
}

/// Where money was, or went.
struct End {
    name: String,
    balance: Option<BalanceId>,
}

impl Page {
    fn transaction(&self) -> &Transaction {
        &self.life.record.transaction
    }

    fn amount(&self) -> String {
        signed(self.transaction())
    }

    fn sum(&self, minor: i64) -> String {
        amount(minor, self.transaction().order.currency)
    }

    fn before(&self) -> Option<String> {
        self.transaction().balance_before.map(|minor| self.sum(minor))
    }

    fn after(&self) -> Option<String> {
        self.transaction().balance_after.map(|minor| self.sum(minor))
    }

    fn why(&self) -> &'static str {
        reason_sentence(self.transaction().description)
    }

    fn is_declined(&self) -> bool {
        self.transaction().processing != Processing::Success
    }

    fn message_why(&self, heard: &Heard) -> &'static str {
        reason_sentence(heard.message.description)
    }

    fn message_amount(&self, heard: &Heard) -> String {
        amount(heard.message.amount, heard.message.currency)
    }

    /// What the checks ask, what came of each, and how that looks.
    fn checks(&self, heard: &Heard) -> Vec<(&'static str, &'static str, &'static str)> {
        let look = |outcome| match outcome {
            CheckOutcome::Passed => "ACCEPTED",
            CheckOutcome::Failed => "DECLINED",
            CheckOutcome::MayHaveFailed => "LOCKED",
            CheckOutcome::Unknown | CheckOutcome::NotReached => "unreached",
        };
        let told = heard.checks.iter();
        told.map(|(check, it)| (check_sentence(*check), outcome_sentence(*it), look(*it))).collect()
    }

    /// What the network was answered, in its own code and in those of the schemes.
    fn codes(&self, heard: &Heard) -> String {
        let code = &heard.message.action_code;
        response_codes(code).map_or_else(
            || code.clone(),
            |it| format!("{code}, Mastercard {}, Visa {}", it.mastercard, it.visa),
        )
    }

    /// What was approved, where that isn't what was asked for.
    fn approved(&self, heard: &Heard) -> Option<String> {
        let it = &heard.message;
        let approved = Some(it.approved_amount.minor()).filter(|minor| *minor != 0);
        approved.filter(|minor| *minor != it.amount).map(|minor| amount(minor, it.currency))
    }

    /// Where one looks at what the partner was told.
    fn told_at(&self, told: &Told) -> String {
        let what = if told.event.is_call() { "partner-calls" } else { "notifications" };
        format!("{}/{what}/{}", self.at, told.id)
    }

    fn moved_amount(&self, moved: &Moved) -> String {
        amount(moved.amount, moved.currency)
    }

    /// Where it came from, and where it went.
    fn ends(&self, moved: &Moved) -> [End; 2] {
        [End::of(moved.from), End::of(moved.to)]
    }
}

impl End {
    fn of(account: Account) -> Self {
        let named = |name: String| Self { name, balance: None };
        match account {
            Account::Balance(id) => Self { name: String::new(), balance: Some(id) },
            Account::Scheme => named(text("account.scheme")),
            Account::Outside => named(text("account.outside")),
            Account::Books => named(text("account.books")),
        }
    }
}

/// `GET …/transactions/{transaction}`.
pub(crate) async fn show(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, id)): Path<(String, String)>,
) -> Answer {
    let id = Uuid::try_parse(&id).map(TransactionId).map_err(|_| Failed::NotFound)?;
    let life = panel.app.life(staff.scope()?, id).await?;
    shown(&Page { frame: staff.frame(), at: staff.to(""), zone: staff.zone(), life })
}
