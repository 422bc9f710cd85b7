//! What a card or a user may spend, and has: the wire's shapes, and how they are read (spec
//! "Limits and controls").

use crate::answer::{Code, Named};
use crate::problem::Problem;
use crate::wire::{Fields, Reader, country, currency, date, reader, schema, word};
use app::spending::{Allowance, Draft, DraftBudget, DraftLimit};
use domain::limits::{Control, Controls, Limit, LimitType, Rules, TimeUnit};
use domain::money::{Amount, Currency};
use domain::transaction::CaptureMode;
use domain::user::Country;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::schema::Array;

/// How many entries a list of a control may have.
const ENTRIES_MAX: usize = 500;
/// How many merchants: their names are long, and rules are read with each payment.
const MERCHANTS_MAX: usize = 100;
/// How many limits there may be: one of each type and time for several currencies.
const LIMITS_MAX: usize = 60;

/// What may be spent, and was.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Limits)]
pub(crate) struct LimitsJson {
    /// At most one of a type, time and currency.
    limits: Vec<LimitJson>,
    /// Where, how and for what may be paid.
    controls: ControlsJson,
    /// What there is in all, for a time.
    budget: Option<BudgetJson>,
    /// What the card's program allows at most; a user has none.
    ceilings: Vec<CeilingJson>,
}

/// What each card of a program may spend at most.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProgramRules)]
pub(crate) struct RulesJson {
    /// At most one of a type and time.
    limits: Vec<CeilingJson>,
    /// Where, how and for what may be paid.
    controls: ControlsJson,
}

type Kind = Named<LimitType>;
type Unit = Named<TimeUnit>;

/// A limit, and what was spent of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Limit)]
struct LimitJson {
    /// Which payments count.
    r#type: Kind,
    /// Over which time, in the partner's time zone; weeks begin on Monday.
    time_unit: Unit,
    /// In which currency.
    currency: Code,
    /// How much at most, in minor units.
    amount_minor: i64,
    /// How many payments at most.
    count: Option<i64>,
    /// What was spent in the running period, in minor units; beyond 64 bits it is the most that
    /// they hold. Nothing for single payments.
    used_minor: i64,
    /// How many payments there were in the running period.
    used_count: i64,
}

/// What a program allows each of its cards at most.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Ceiling)]
struct CeilingJson {
    /// Which payments count.
    r#type: Kind,
    /// Over which time.
    time_unit: Unit,
    /// In which currency.
    currency: Code,
    /// How much at most, in minor units.
    amount_minor: i64,
    /// How many payments at most.
    count: Option<i64>,
}

/// A sum for a time of one's own choice, and what was spent of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Budget)]
struct BudgetJson {
    /// In which currency.
    currency: Code,
    /// How much in all, in minor units.
    amount_minor: i64,
    /// The first day.
    #[schema(format = Date)]
    from: String,
    /// The last day.
    #[schema(format = Date)]
    to: String,
    /// What was spent in these days, in minor units.
    used_minor: i64,
}

/// Where, how and for what may be paid; what is null permits everything.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Controls)]
struct ControlsJson {
    /// Merchant category codes.
    mccs: Option<ControlJson>,
    /// Countries of the acquirers, ISO 3166-1 alpha-2.
    countries: Option<ControlJson>,
    /// How the card is read.
    capture_modes: Option<ControlJson>,
    /// The acquirers' identifiers of merchants.
    merchants: Option<ControlJson>,
}

/// What alone is allowed, or what is blocked: one of both.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Control)]
struct ControlJson {
    /// These and no others.
    allowed: Option<Vec<String>>,
    /// All but these.
    blocked: Option<Vec<String>>,
}

impl From<&Rules> for RulesJson {
    fn from(rules: &Rules) -> Self {
        Self {
            limits: rules.limits.iter().map(CeilingJson::from).collect(),
            controls: ControlsJson::from(&rules.controls),
        }
    }
}

impl From<&Limit> for CeilingJson {
    fn from(limit: &Limit) -> Self {
        Self {
            r#type: Named(limit.kind),
            time_unit: Named(limit.unit),
            currency: Code(limit.currency),
            amount_minor: limit.amount.minor(),
            count: limit.count,
        }
    }
}

impl From<&Allowance> for LimitsJson {
    fn from(allowance: &Allowance) -> Self {
        let Allowance { spending, program, today } = allowance;
        let rules = &spending.rules;
        let used = |limit: &Limit| {
            let used = spending.used(limit, *today);
            LimitJson {
                r#type: Named(limit.kind),
                time_unit: Named(limit.unit),
                currency: Code(limit.currency),
                amount_minor: limit.amount.minor(),
                count: limit.count,
                used_minor: capped(used.amount),
                used_count: used.count,
            }
        };
        Self {
            limits: rules.limits.iter().map(used).collect(),
            controls: ControlsJson::from(&rules.controls),
            budget: rules.budget.map(|budget| BudgetJson {
                currency: Code(budget.currency),
                amount_minor: budget.amount.minor(),
                from: budget.from.to_string(),
                to: budget.to.to_string(),
                used_minor: capped(spending.used_of_budget().amount),
            }),
            ceilings: program.limits.iter().map(CeilingJson::from).collect(),
        }
    }
}

/// A sum as the wire can tell it.
fn capped(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(if sum > 0 { i64::MAX } else { i64::MIN })
}

impl From<&Controls> for ControlsJson {
    fn from(controls: &Controls) -> Self {
        fn json<T>(control: Option<&Control<T>>, word: fn(&T) -> &str) -> Option<ControlJson> {
            let words = |these: &[T]| Some(these.iter().map(|one| word(one).to_owned()).collect());
            Some(match control? {
                Control::Allowed(these) => ControlJson { allowed: words(these), blocked: None },
                Control::Blocked(these) => ControlJson { allowed: None, blocked: words(these) },
            })
        }
        Self {
            mccs: json(controls.mccs.as_ref(), String::as_str),
            countries: json(controls.countries.as_ref(), Country::as_str),
            capture_modes: json(controls.capture_modes.as_ref(), |mode| mode.as_str()),
            merchants: json(controls.merchants.as_ref(), String::as_str),
        }
    }
}

/// Whether each limit has to tell its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Currencies {
    /// There is one that it can be in.
    Known,
    /// There may be several.
    Told,
}

/// A body that works.
pub(crate) fn example(currencies: Currencies) -> Value {
    let mut limit =
        json!({ "type": "general", "timeUnit": "daily", "amountMinor": 50_000, "count": 10 });
    if currencies == Currencies::Told {
        limit["currency"] = json!("EUR");
    }
    json!({
        "limits": [limit],
        "controls": { "mccs": { "blocked": ["7995"] }, "countries": { "allowed": ["PL", "DE"] } },
    })
}

/// Reads all limits and controls. What isn't sent isn't limited.
pub(crate) fn draft(fields: &mut Fields<'_>, currencies: Currencies) -> Option<Draft> {
    fields.only(&["limits", "controls", "budget"]);
    let rules = rules(fields, currencies);
    let budget = budget(fields, currencies);
    Some(Draft { budget, ..rules })
}

/// Reads the limits and controls of a program's cards, which are in its currency.
pub(crate) fn draft_of_program(fields: &mut Fields<'_>) -> Draft {
    fields.only(&["limits", "controls"]);
    rules(fields, Currencies::Known)
}

fn rules(fields: &mut Fields<'_>, currencies: Currencies) -> Draft {
    let limits = fields.list("limits", LIMITS_MAX, |fields| limit(fields, currencies));
    let limits = limits.unwrap_or_default();
    // Where there is one currency, it is the same whether it is told or not.
    let told = |it: &DraftLimit| it.currency.filter(|_| currencies == Currencies::Told);
    let name = |it: &DraftLimit| (it.kind, it.unit, told(it));
    if limits
        .iter()
        .enumerate()
        .any(|(at, it)| limits[..at].iter().any(|one| name(one) == name(it)))
    {
        fields.wrong("limits", "must have one limit of a type, timeUnit and currency");
    }
    Draft { limits, controls: controls(fields), budget: None }
}

fn told(fields: &mut Fields<'_>, currencies: Currencies) -> Option<Option<Currency>> {
    match currencies {
        Currencies::Known => Some(fields.optional("currency", currency())),
        Currencies::Told => fields.required("currency", currency()).map(Some),
    }
}

fn limit(fields: &mut Fields<'_>, currencies: Currencies) -> Option<DraftLimit> {
    fields.only(&["type", "timeUnit", "currency", "amountMinor", "count"]);
    let kind = fields.required("type", word(LimitType::ALL, TYPES));
    let unit = fields.required("timeUnit", word(TimeUnit::ALL, UNITS));
    let currency = told(fields, currencies);
    let amount = fields.required("amountMinor", amount());
    let count = fields.optional("count", count());
    if unit == Some(TimeUnit::Transaction) && count.is_some() {
        fields.wrong("count", "has no meaning for a single transaction");
    }
    Some(DraftLimit { kind: kind?, unit: unit?, currency: currency?, amount: amount?, count })
}

const TYPES: &str = "must be general, ecommerce, atm, contactless or foreign_amount";
const UNITS: &str = "must be transaction, daily, weekly, monthly, yearly or lifetime";
const MODES: &str = "must be MAGSTRIPE, MANUAL, EMV, OB, NFC, ECOM or ADJ";

fn budget(fields: &mut Fields<'_>, currencies: Currencies) -> Option<DraftBudget> {
    let mut inner = fields.nested("budget")?;
    inner.only(&["currency", "amountMinor", "from", "to"]);
    let currency = told(&mut inner, currencies);
    let amount = inner.required("amountMinor", amount());
    let (from, to) = (inner.required("from", date()), inner.required("to", date()));
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        inner.wrong("to", "must not be before from");
    }
    fields.absorb(inner);
    Some(DraftBudget { currency: currency?, amount: amount?, from: from?, to: to? })
}

fn controls(fields: &mut Fields<'_>) -> Controls {
    let Some(mut inner) = fields.nested("controls") else { return Controls::default() };
    inner.only(&["mccs", "countries", "captureModes", "merchants"]);
    let mccs = control(&mut inner, "mccs", crate::processor::mcc(), ENTRIES_MAX);
    let countries = control(&mut inner, "countries", country(), ENTRIES_MAX);
    let modes = word(CaptureMode::ALL, MODES);
    let capture_modes = control(&mut inner, "captureModes", modes, ENTRIES_MAX);
    let merchants = control(&mut inner, "merchants", merchant(), MERCHANTS_MAX);
    fields.absorb(inner);
    Controls { mccs, countries, capture_modes, merchants }
}

fn control<T: PartialEq>(
    fields: &mut Fields<'_>,
    name: &'static str,
    item: impl Reader<T>,
    most: usize,
) -> Option<Control<T>> {
    let mut inner = fields.nested(name)?;
    inner.only(&["allowed", "blocked"]);
    inner.demand_one(&["allowed", "blocked"], "or blocked: exactly one is needed");
    let allowed = inner.optional("allowed", these(&item, most)).map(Control::Allowed);
    let blocked = inner.optional("blocked", these(&item, most)).map(Control::Blocked);
    fields.absorb(inner);
    allowed.or(blocked)
}

/// A list of things that are told apart.
fn these<T: PartialEq>(item: &impl Reader<T>, most: usize) -> impl Reader<Vec<T>> {
    let read = move |value: &Value| {
        let values = value.as_array().filter(|values| values.len() <= most);
        let mut all = Vec::new();
        for value in values.ok_or("must be a list, and not too long")? {
            let read = item.read(value)?;
            if all.contains(&read) {
                return Err("must name each once");
            }
            all.push(read);
        }
        Ok(all)
    };
    let schema = move || {
        let max = Some(most);
        Array::builder().items(item.schema()).unique_items(true).max_items(max)
    };
    reader(read, schema)
}

/// An acquirer's identifier of a merchant, without blanks around it: processors fill them up.
fn merchant() -> impl Reader<String> {
    let text = crate::wire::text(40);
    let read = move |value: &Value| text.read(value).map(|text| text.trim().to_owned());
    reader(read, || schema::text(40))
}

/// Minor units, 0 or more.
pub(crate) fn amount() -> impl Reader<Amount> {
    let message = "must be a whole number of minor units, not below zero";
    let read = move |value: &Value| {
        value.as_i64().and_then(|minor| Amount::from_minor(minor).ok()).ok_or(message)
    };
    reader(read, || schema::integer().minimum(Some(0)))
}

fn count() -> impl Reader<i64> {
    let message = "must be a whole number above zero";
    let read = move |value: &Value| value.as_i64().filter(|count| *count > 0).ok_or(message);
    reader(read, || schema::integer().minimum(Some(1)))
}

/// Reads the limits and controls of a program's cards, in its currency, from the JSON of a file:
/// the body of `PUT …/cards/{cardId}/limits` without a budget. What is wrong is told in a sentence.
pub fn program_rules(json: &Map<String, Value>, currency: Currency) -> Result<Rules, String> {
    let mut fields = Fields::of(json, None);
    let draft = draft_of_program(&mut fields);
    fields.finish().map_err(|problem: Problem| problem.violations_text())?;
    let rules = draft.rules(Some(currency));
    rules.map_err(|refusal| refusal.sentence().to_owned())
}
