//! What a card may spend, and has: limits, a budget, controls. Each form changes one of them and
//! leaves the others as they are.

use crate::Panel;
use crate::answer::{Answer, Done, Failed, back, show as shown};
use crate::cards::{card_id, held, page_of};
use crate::filters::{self, amount, typed_amount};
use crate::form::Posted;
use crate::frame::Frame;
use crate::session::{Allows, Staff};
use app::spending::Allowance;
use askama::Template;
use axum::extract::{Path, State};
use domain::Date;
use domain::card::Card;
use domain::limits::{Budget, Control, Limit, LimitType, Rules, TimeUnit};
use domain::money::{Amount, Currency};
use domain::spending::Sum;
use domain::transaction::CaptureMode;
use domain::user::Country;

/// How many entries a control may have, as under `/admin`.
const ENTRIES_MAX: usize = 500;
/// How many merchants: their names are long, and rules are read with each payment.
const MERCHANTS_MAX: usize = 100;
/// Characters of a merchant's name at most.
const MERCHANT_MAX: usize = 40;

#[derive(Template)]
#[template(path = "limits.html")]
struct Page {
    frame: Frame,
    at: String,
    card: Card,
    currency: Currency,
    allowance: Allowance,
    may_set: bool,
}

/// A control as a page shows it: what of it, how, and which.
struct Shown {
    name: &'static str,
    mode: &'static str,
    entries: String,
}

impl Shown {
    fn of<T>(name: &'static str, control: Option<&Control<T>>, word: fn(&T) -> &str) -> Self {
        let lines = |these: &[T]| these.iter().map(word).collect::<Vec<_>>().join("\n");
        let (mode, entries) = match control {
            None => ("none", String::new()),
            Some(Control::Allowed(these)) => ("allowed", lines(these)),
            Some(Control::Blocked(these)) => ("blocked", lines(these)),
        };
        Self { name, mode, entries }
    }
}

impl Page {
    fn rules(&self) -> &Rules {
        &self.allowance.spending.rules
    }

    fn used(&self, limit: &Limit) -> Option<Sum> {
        let counts = limit.unit != TimeUnit::Transaction;
        counts.then(|| self.allowance.spending.used(limit, self.allowance.today))
    }

    fn most(&self, limit: &Limit) -> String {
        amount(limit.amount.minor(), limit.currency)
    }

    fn of_budget(&self, budget: &Budget) -> String {
        amount(budget.amount.minor(), budget.currency)
    }

    fn used_of_budget(&self) -> i128 {
        self.allowance.spending.used_of_budget().amount
    }

    fn controls(&self) -> [Shown; 4] {
        let it = &self.rules().controls;
        [
            Shown::of("mccs", it.mccs.as_ref(), String::as_str),
            Shown::of("countries", it.countries.as_ref(), Country::as_str),
            Shown::of("captureModes", it.capture_modes.as_ref(), |mode| mode.as_str()),
            Shown::of("merchants", it.merchants.as_ref(), String::as_str),
        ]
    }

    fn types(&self) -> &'static [LimitType] {
        LimitType::ALL
    }

    fn units(&self) -> &'static [TimeUnit] {
        TimeUnit::ALL
    }
}

/// `GET …/cards/{card}/limits`.
pub(crate) async fn show(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, card)): Path<(String, String)>,
) -> Answer {
    let (scope, id) = (staff.scope()?, card_id(&card)?);
    let app = &panel.app;
    let (card, _) = app.card_with_orders(scope, id).await?;
    shown(&Page {
        frame: staff.frame(),
        at: staff.to(""),
        currency: app.balance(scope, None, card.balance).await?.balance.currency,
        allowance: app.card_limits(scope, card.holder, id).await?,
        may_set: staff.may(Allows::MAKERS),
        card,
    })
}

/// `POST …/cards/{card}/limits/change`.
pub(crate) async fn change(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, card)): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let (scope, card) = (staff.scope()?, held(&panel, &staff, &card).await?);
    let app = &panel.app;
    let balance = app.card_with_orders(scope, card.1).await?.0.balance;
    let currency = app.balance(scope, None, balance).await?.balance.currency;
    let change = Change::read(&posted, currency).ok_or(Failed::Unreadable)?;
    let done = |rules: &mut Rules| change.make(rules);
    let result = app.change_card_limits(scope, card, done, posted.once()).await;
    let page = format!("{}/limits", page_of(&staff, card.1));
    back(&staff, &page, Done("done.limits"), result)
}

/// What a form changes.
enum Change {
    Limit(Limit),
    NoLimit(LimitType, TimeUnit),
    Budget(Option<Budget>),
    Mccs(Option<Control<String>>),
    Countries(Option<Control<Country>>),
    CaptureModes(Option<Control<CaptureMode>>),
    Merchants(Option<Control<String>>),
}

impl Change {
    /// Reads a form; nothing where it can't be read.
    fn read(posted: &Posted, currency: Currency) -> Option<Self> {
        let kind = || LimitType::parse(posted.field("type"));
        let unit = || TimeUnit::parse(posted.field("unit"));
        Some(match posted.field("change") {
            "limit" => Self::Limit(limit(posted, (kind()?, unit()?), currency)?),
            "no-limit" => Self::NoLimit(kind()?, unit()?),
            "budget" => Self::Budget(Some(budget(posted, currency)?)),
            "no-budget" => Self::Budget(None),
            "mccs" => Self::Mccs(control(posted, mcc, ENTRIES_MAX)?),
            "countries" => {
                let country = |text: &str| Country::parse(&text.to_ascii_uppercase());
                Self::Countries(control(posted, country, ENTRIES_MAX)?)
            }
            "captureModes" => {
                let mode = |text: &str| CaptureMode::parse(&text.to_ascii_uppercase());
                Self::CaptureModes(control(posted, mode, ENTRIES_MAX)?)
            }
            "merchants" => Self::Merchants(control(posted, merchant, MERCHANTS_MAX)?),
            _ => return None,
        })
    }

    fn make(self, rules: &mut Rules) {
        match self {
            Self::Limit(limit) => match rules.limits.iter_mut().find(|kept| kept.is_like(&limit)) {
                Some(kept) => *kept = limit,
                None => rules.limits.push(limit),
            },
            Self::NoLimit(kind, unit) => {
                rules.limits.retain(|kept| (kept.kind, kept.unit) != (kind, unit));
            }
            Self::Budget(budget) => rules.budget = budget,
            Self::Mccs(control) => rules.controls.mccs = control,
            Self::Countries(control) => rules.controls.countries = control,
            Self::CaptureModes(control) => rules.controls.capture_modes = control,
            Self::Merchants(control) => rules.controls.merchants = control,
        }
    }
}

fn limit(
    posted: &Posted,
    (kind, unit): (LimitType, TimeUnit),
    currency: Currency,
) -> Option<Limit> {
    let amount: Amount = typed_amount(posted.field("amount"), currency)?;
    let count = match posted.typed("count") {
        None => None,
        // A count has no meaning for a single payment.
        Some(_) if unit == TimeUnit::Transaction => return None,
        Some(text) => Some(text.parse::<i64>().ok().filter(|count| *count > 0)?),
    };
    Some(Limit { kind, unit, currency, amount, count })
}

fn budget(posted: &Posted, currency: Currency) -> Option<Budget> {
    let day = |name| posted.field(name).parse::<Date>().ok();
    let (from, to) = (day("from")?, day("to")?);
    let amount = typed_amount(posted.field("amount"), currency)?;
    (from <= to).then_some(Budget { currency, amount, from, to })
}

/// A control that is typed one entry a line; what permits everything is none.
#[expect(clippy::option_option, reason = "none, and what can't be read")]
fn control<T: PartialEq>(
    posted: &Posted,
    read: impl Fn(&str) -> Option<T>,
    most: usize,
) -> Option<Option<Control<T>>> {
    let lines = posted.field("entries").lines().map(str::trim).filter(|line| !line.is_empty());
    let mut these = Vec::new();
    for line in lines {
        let one = read(line)?;
        if !these.contains(&one) {
            these.push(one);
        }
    }
    if these.len() > most {
        return None;
    }
    match posted.field("mode") {
        "none" => Some(None),
        "allowed" => Some(Some(Control::Allowed(these))),
        "blocked" => Some(Some(Control::Blocked(these))),
        _ => None,
    }
}

fn mcc(text: &str) -> Option<String> {
    let is_one = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_one.then(|| text.to_owned())
}

fn merchant(text: &str) -> Option<String> {
    let fits = text.chars().count() <= MERCHANT_MAX && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}
