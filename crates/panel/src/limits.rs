//! What a card may spend, and has, and a user with all balances: limits, a budget, controls. Each
//! form changes one of them and leaves the others as they are. A program's page shows and changes
//! its cards' ceilings so too.

use crate::Panel;
use crate::answer::{Answer, Done, Failed, back_or_again, show as shown};
use crate::cards::{card_id, held, page_of};
use crate::filters::{self, amount, typed_amount};
use crate::form::Posted;
use crate::frame::{Frame, Typed};
use crate::session::{Allows, Staff};
use crate::texts::text;
use crate::users;
use app::Refusal;
use app::owners::OwnerName;
use app::spending::Allowance;
use askama::Template;
use axum::extract::{Path, State};
use domain::calendar::day;
use domain::limits::{Budget, Control, Controls, Limit, LimitType, Rules, TimeUnit};
use domain::money::{Amount, Currency};
use domain::scope::Scope;
use domain::spending::Sum;
use domain::transaction::CaptureMode;
use domain::user::Country;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How many entries a control may have, as under `/admin`.
const ENTRIES_MAX: usize = 500;
/// How many merchants: their identifiers are long, and rules are read with each payment.
const MERCHANTS_MAX: usize = 100;
/// Characters of a merchant's identifier at most.
const MERCHANT_MAX: usize = 40;

#[derive(Template)]
#[template(path = "limits.html")]
struct Page {
    frame: Frame,
    /// Whose they are, and the page of that.
    name: String,
    page: String,
    /// Where the forms go.
    action: String,
    /// What comes of permitting everything.
    off: String,
    /// The currencies that limits may be in: one, of a card.
    currencies: BTreeSet<String>,
    /// What the program allows at most, of a card.
    program: Option<Vec<Limit>>,
    allowance: Allowance,
    may_set: bool,
}

/// A control as a page shows it: what of it, how, and which.
pub(crate) struct Shown {
    pub(crate) name: &'static str,
    pub(crate) mode: &'static str,
    pub(crate) entries: String,
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

    /// What a form tells of it, to be done only where it is still so.
    pub(crate) fn mark(&self) -> String {
        let mut hasher = DefaultHasher::new();
        (self.mode, &self.entries).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    /// What was typed into the form that sets it, if that wasn't done.
    pub(crate) fn typed<'a>(&self, frame: &'a Frame) -> Typed<'a> {
        let sets = frame.typed("", "change", "control");
        if sets.is("control", self.name) { sets } else { Typed::default() }
    }

    /// Each of them.
    pub(crate) fn all(it: &Controls) -> [Self; 4] {
        [
            Self::of("mccs", it.mccs.as_ref(), String::as_str),
            Self::of("countries", it.countries.as_ref(), Country::as_str),
            Self::of("captureModes", it.capture_modes.as_ref(), word_of_mode),
            Self::of("merchants", it.merchants.as_ref(), String::as_str),
        ]
    }
}

/// How much at most, as it is read.
pub(crate) fn most(limit: &Limit) -> String {
    amount(limit.amount.minor(), limit.currency)
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
        most(limit)
    }

    fn of_budget(&self, budget: &Budget) -> String {
        amount(budget.amount.minor(), budget.currency)
    }

    fn used_of_budget(&self) -> i128 {
        self.allowance.spending.used_of_budget().amount
    }

    fn controls(&self) -> [Shown; 4] {
        Shown::all(&self.rules().controls)
    }

    fn currencies(&self) -> &BTreeSet<String> {
        &self.currencies
    }

    /// What was typed into the form of a control, if it wasn't done.
    fn typed_of(&self, control: &Shown) -> Typed<'_> {
        control.typed(&self.frame)
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
    let currency = app.balance(scope, None, card.balance).await?.balance.currency;
    let allowance = app.card_limits(scope, card.holder, id).await?;
    let page = page_of(&staff, id);
    shown(&Page {
        frame: staff.frame(),
        name: format!("{} •••• {}", text("card.title"), card.last_four),
        action: format!("{page}/limits/change"),
        page,
        off: text("limits.control.off.detail"),
        currencies: BTreeSet::from([currency.code().to_owned()]),
        program: Some(allowance.program.limits.clone()),
        allowance,
        may_set: staff.may(Allows::MAKERS),
    })
}

/// `GET …/users/{user}/limits`.
pub(crate) async fn show_of_user(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, user)): Path<(String, String)>,
) -> Answer {
    let (scope, id) = (staff.scope()?, users::named(&user)?);
    let user = panel.app.user(scope, id).await?.profile;
    let allowance = panel.app.owner_limits(scope, OwnerName::User(id)).await?;
    let page = users::page_of(&staff, id);
    shown(&Page {
        frame: staff.frame(),
        name: format!("{} {}", user.first_name, user.last_name),
        action: format!("{page}/limits/change"),
        page,
        off: text("limits.control.off.user"),
        currencies: currencies(&panel, scope, &allowance.spending.rules),
        program: None,
        allowance,
        may_set: staff.may(Allows::MAKERS),
    })
}

/// The currencies that a partner's balances may have, and those that limits are in.
fn currencies(panel: &Panel, scope: Scope, rules: &Rules) -> BTreeSet<String> {
    let settings = panel.app.settings.get();
    let programs = settings.programs_of(scope.partner()).into_iter();
    let programs = programs.map(|program| program.currency);
    let limits = rules.limits.iter().map(|limit| limit.currency);
    programs.chain(limits).map(|currency| currency.code().to_owned()).collect()
}

/// `POST …/users/{user}/limits/change`.
pub(crate) async fn change_of_user(
    State(panel): State<Panel>,
    staff: Staff,
    Path(names): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let (scope, id) = (staff.scope()?, users::named(&names.1)?);
    let made = async {
        // A control has none.
        let currency = posted.typed("currency").map(Currency::parse).transpose();
        let currency = currency.map_err(|_| Failed::Unreadable)?;
        let change = Change::read(&posted, currency).ok_or(Failed::Unreadable)?;
        let make = |rules: &mut Rules| change.make(rules);
        let owner = OwnerName::User(id);
        Ok(panel.app.change_owner_limits(scope, owner, make, posted.once()).await?)
    };
    let (made, page) = (made.await, format!("{}/limits", users::page_of(&staff, id)));
    let again = |staff| show_of_user(State(panel.clone()), staff, Path(names));
    back_or_again((&staff, &posted), (&page, Done("done.user-limits")), made, again).await
}

/// `POST …/cards/{card}/limits/change`.
pub(crate) async fn change(
    State(panel): State<Panel>,
    staff: Staff,
    Path(names): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let (scope, card) = (staff.scope()?, held(&panel, &staff, &names.1).await?);
    let app = &panel.app;
    let balance = app.card_with_orders(scope, card.1).await?.0.balance;
    let currency = app.balance(scope, None, balance).await?.balance.currency;
    let made = async {
        let change = Change::read(&posted, Some(currency)).ok_or(Failed::Unreadable)?;
        let make = |rules: &mut Rules| change.make(rules);
        Ok(app.change_card_limits(scope, card, make, posted.once()).await?)
    };
    let (made, page) = (made.await, format!("{}/limits", page_of(&staff, card.1)));
    let again = |staff| show(State(panel.clone()), staff, Path(names));
    back_or_again((&staff, &posted), (&page, Done("done.limits")), made, again).await
}

/// What a form changes.
pub(crate) enum Change {
    Limit(Limit),
    NoLimit(LimitType, TimeUnit, Currency),
    Budget(Option<Budget>),
    Mccs(Replacing<String>),
    Countries(Replacing<Country>),
    CaptureModes(Replacing<CaptureMode>),
    Merchants(Replacing<String>),
}

/// What takes the place of a control, and the mark of what the page has shown of it.
pub(crate) struct Replacing<T> {
    with: Option<Control<T>>,
    shown: String,
}

impl<T: PartialEq> Replacing<T> {
    /// Reads a form that sets a control, or that takes it off; nothing where it can't be read.
    fn read(posted: &Posted, entry: impl Fn(&str) -> Option<T>, most: usize) -> Option<Self> {
        let with = match posted.field("change") {
            "control" => Some(control(posted, entry, most)?),
            "no-control" => None,
            _ => return None,
        };
        Some(Self { with, shown: posted.field("was").to_owned() })
    }

    /// Replaces what is there, unless it isn't any more what the page has shown: whoever set that
    /// since would find it gone.
    fn make(self, kept: &mut Option<Control<T>>, word: fn(&T) -> &str) -> Result<(), Refusal> {
        if Shown::of("", kept.as_ref(), word).mark() != self.shown {
            return Err(Refusal::LimitsChanged);
        }
        *kept = self.with;
        Ok(())
    }
}

impl Change {
    /// Reads a form of limits in a currency; nothing where it can't be read.
    fn read(posted: &Posted, currency: Option<Currency>) -> Option<Self> {
        let kind = || LimitType::parse(posted.field("type"));
        let unit = || TimeUnit::parse(posted.field("unit"));
        Some(match posted.field("change") {
            "limit" => Self::Limit(limit(posted, (kind()?, unit()?), currency?)?),
            "no-limit" => Self::NoLimit(kind()?, unit()?, currency?),
            "budget" => Self::Budget(Some(budget(posted, currency?)?)),
            "no-budget" => Self::Budget(None),
            _ => Self::of_control(posted)?,
        })
    }

    /// The same of a program, which has no budget.
    pub(crate) fn read_of_program(posted: &Posted, currency: Currency) -> Option<Self> {
        Self::read(posted, Some(currency)).filter(|change| !matches!(change, Self::Budget(_)))
    }

    fn of_control(posted: &Posted) -> Option<Self> {
        let country = |text: &str| Country::parse(&text.to_ascii_uppercase());
        let mode = |text: &str| CaptureMode::parse(&text.to_ascii_uppercase());
        Some(match posted.field("control") {
            "mccs" => Self::Mccs(Replacing::read(posted, mcc, ENTRIES_MAX)?),
            "countries" => Self::Countries(Replacing::read(posted, country, ENTRIES_MAX)?),
            "captureModes" => Self::CaptureModes(Replacing::read(posted, mode, ENTRIES_MAX)?),
            "merchants" => Self::Merchants(Replacing::read(posted, merchant, MERCHANTS_MAX)?),
            _ => return None,
        })
    }

    pub(crate) fn make(self, rules: &mut Rules) -> Result<(), Refusal> {
        let controls = &mut rules.controls;
        match self {
            Self::Limit(limit) => match rules.limits.iter_mut().find(|kept| kept.is_like(&limit)) {
                Some(kept) => *kept = limit,
                None => rules.limits.push(limit),
            },
            Self::NoLimit(kind, unit, currency) => {
                let off = (kind, unit, currency);
                rules.limits.retain(|kept| (kept.kind, kept.unit, kept.currency) != off);
            }
            Self::Budget(budget) => rules.budget = budget,
            Self::Mccs(it) => it.make(&mut controls.mccs, String::as_str)?,
            Self::Countries(it) => it.make(&mut controls.countries, Country::as_str)?,
            Self::CaptureModes(it) => it.make(&mut controls.capture_modes, word_of_mode)?,
            Self::Merchants(it) => it.make(&mut controls.merchants, String::as_str)?,
        }
        Ok(())
    }
}

fn word_of_mode(mode: &CaptureMode) -> &str {
    mode.as_str()
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
    let (from, to) = (day(posted.field("from"))?, day(posted.field("to"))?);
    let amount = typed_amount(posted.field("amount"), currency)?;
    (from <= to).then_some(Budget { currency, amount, from, to })
}

/// A control that is typed one entry a line. One without entries permits everything or nothing,
/// which nobody has typed on purpose.
fn control<T: PartialEq>(
    posted: &Posted,
    read: impl Fn(&str) -> Option<T>,
    most: usize,
) -> Option<Control<T>> {
    let lines = posted.field("entries").lines().map(str::trim).filter(|line| !line.is_empty());
    let mut these = Vec::new();
    for line in lines {
        let one = read(line)?;
        if !these.contains(&one) {
            these.push(one);
        }
    }
    if these.is_empty() || these.len() > most {
        return None;
    }
    match posted.field("mode") {
        "allowed" => Some(Control::Allowed(these)),
        "blocked" => Some(Control::Blocked(these)),
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
