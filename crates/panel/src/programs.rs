//! Programs of all partners, for the operator: made, looked at, changed, closed and opened; and the
//! processors that they may name.

use crate::Panel;
use crate::answer::{Answer, Done, Failed, back, back_or_again, show as shown};
use crate::fields::{Field, number, switch, word};
use crate::filters::{self, amount, typed_amount};
use crate::form::Posted;
use crate::frame::{Frame, Typed};
use crate::limits::{self, Shown};
use crate::query;
use crate::session::Staff;
use crate::texts::text;
use app::Refusal;
use app::admins::Manager;
use app::cards::{BinRange, run_out};
use app::programs::{
    self, Change, Made, Processor, USUAL_BUDGET_MS, USUAL_CARD_CAP, USUAL_HOLD_DAYS,
    USUAL_LIFETIME_MONTHS,
};
use app::settings::Snapshot;
use askama::Template;
use axum::extract::{Path, Query, State};
use domain::gift::{self, ECOMMERCE_MINOR, GiftProgram};
use domain::limits::{Limit, LimitType, Rules, TimeUnit};
use domain::money::{Amount, Currency};
use domain::program::{
    Audience, CardType, FxDifferenceTo, Plastic, Port, Product, Program, ProgramState, Scheme,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Programs on a page.
const LINES: i64 = 50;
/// Where the list is.
const HERE: &str = "/panel/programs";
/// Where one is made.
const NEW: &str = "/panel/new-program";

/// A program as a line of the list.
struct Line {
    code: String,
    processor: String,
    program: Program,
}

#[derive(Template)]
#[template(path = "programs.html")]
struct List {
    frame: Frame,
    asked: query::Asked,
    partners: Vec<String>,
    found: Vec<Line>,
    next: Option<String>,
    processors: Vec<Processor>,
    usual_budget_ms: i64,
}

fn processor_of(program: &Program, settings: &Snapshot) -> String {
    settings.processor(program.processor).map(|it| it.name.clone()).unwrap_or_default()
}

/// `GET /panel/programs`: by their partners' codes.
pub(crate) async fn list(
    State(panel): State<Panel>,
    staff: Staff,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let asked = query::Asked::of(query, &["partner"])?;
    let settings = panel.app.settings.get();
    let after = asked.after(programs::place)?;
    let page = programs::page(&settings, asked.typed("partner"), after.as_ref(), LINES)?;
    let line = |(code, program): (String, Program)| Line {
        code,
        processor: processor_of(&program, &settings),
        program,
    };
    let found = page.items.into_iter().map(line).collect();
    let next = asked.next(HERE, page.next)?;
    shown(&List {
        frame: staff.frame(),
        asked,
        partners: settings.codes(),
        found,
        next,
        processors: settings.processors().into_iter().cloned().collect(),
        usual_budget_ms: USUAL_BUDGET_MS,
    })
}

/// `POST /panel/new-processor`: who sends the messages about programs' cards.
pub(crate) async fn create_processor(
    State(panel): State<Panel>,
    staff: Staff,
    posted: Posted,
) -> Answer {
    let budget = posted.field("timeBudgetMs").parse().map_err(|_| Failed::Unreadable)?;
    let manager = Manager::of(&staff.session);
    let once = posted.once_kept(|_: &Processor| Value::Null);
    let result =
        panel.app.create_processor_once(manager, (posted.field("name"), budget), once).await;
    back(&staff, HERE, Done("done.processor-made"), result)
}

#[derive(Template)]
#[template(path = "new_program.html")]
struct New {
    frame: Frame,
    fields: Vec<Field>,
}

/// `GET /panel/new-program`.
pub(crate) async fn new(
    State(panel): State<Panel>,
    staff: Staff,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let asked = query::Asked::of(query, &["partner"])?;
    let settings = panel.app.settings.get();
    let names = settings.processors().into_iter().map(|it| it.name.clone()).collect();
    let ecommerce = gift::CURRENCY.decimal(ECOMMERCE_MINOR);
    let months = Some(i64::from(USUAL_LIFETIME_MONTHS));
    let fields = [
        Field::one_of("partner", text("program.partner"), settings.codes())
            .chosen(asked.get("partner")),
        Field::typed("configId", text("program.config-id"), "").hinted("0000000042"),
        Field::one_of("processor", text("program.processor"), names),
        Field::words("program.cardType", text("program.card-type"), CardType::Virtual),
        Field::switch("digitalFirst", text("program.digital-first"), false),
        Field::typed("currency", text("program.currency"), "").hinted("EUR"),
        Field::typed("bin", text("program.bin"), "").hinted("53208799"),
        Field::words("program.scheme", text("program.scheme"), Scheme::Mastercard),
        Field::words("program.product", text("program.product"), Product::Prepaid),
        Field::words("program.audience", text("program.audience"), Audience::Consumer),
        Field::number("lifetimeMonths", text("program.lifetime"), months),
        Field::number("cardCap", text("program.cap"), Some(USUAL_CARD_CAP)),
        Field::number("holdDays", text("program.hold"), Some(i64::from(USUAL_HOLD_DAYS))),
        Field::words("program.fxDifferenceTo", text("program.fx"), FxDifferenceTo::Company),
        Field::words("program.port", text("program.made-by"), Port::Builtin),
        Field::typed("giftApproval", text("program.gift"), ""),
        Field::typed("giftEcommerceMax", text("program.gift.most"), ecommerce),
    ];
    let frame = staff.frame();
    let typed = frame.typed(NEW, "", "");
    let fields = fields.into_iter().map(|field| field.again(typed)).collect();
    shown(&New { frame, fields })
}

/// `POST /panel/new-program`.
pub(crate) async fn create(State(panel): State<Panel>, staff: Staff, posted: Posted) -> Answer {
    let made = async {
        let program = read_new(&panel.app.settings.get(), &posted)?;
        let once = posted.once_kept(|_: &Made| Value::Null);
        Ok(panel.app.create_program(Manager::of(&staff.session), program, once).await?)
    };
    let made = made.await;
    let page = page_of(posted.field("partner"), posted.field("configId"));
    let again = |staff| new(State(panel), staff, Query(BTreeMap::new()));
    let done = (page.as_str(), Done("done.program-made"));
    back_or_again((&staff, &posted), done, made, again).await
}

fn read_new(settings: &Snapshot, posted: &Posted) -> Result<Program, Failed> {
    let partner = settings.partner_of_code(posted.field("partner"));
    let processor = settings.processor_of_name(posted.field("processor"));
    let currency = Currency::parse(posted.field("currency"));
    let small = |name: &str, usual: i32| {
        let told = number(posted, name)?.unwrap_or(i64::from(usual));
        // What is far from what can be is refused with what is near.
        Ok::<i32, Failed>(i32::try_from(told).unwrap_or(i32::MAX))
    };
    Ok(Program {
        partner: partner.ok_or(Refusal::PartnerNotFound)?.id,
        config_id: posted.field("configId").to_owned(),
        card_type: word(posted, "cardType")?.ok_or(Failed::Unreadable)?,
        digital_first: switch(posted, "digitalFirst")?.unwrap_or_default(),
        currency: currency.map_err(|_| Failed::Unreadable)?,
        scheme: word(posted, "scheme")?.unwrap_or(Scheme::Mastercard),
        product: word(posted, "product")?.unwrap_or(Product::Prepaid),
        audience: word(posted, "audience")?.unwrap_or(Audience::Consumer),
        processor: processor.ok_or(Refusal::ProcessorNotFound)?.id,
        bins: vec![posted.field("bin").to_owned()],
        lifetime_months: small("lifetimeMonths", USUAL_LIFETIME_MONTHS)?,
        card_cap: number(posted, "cardCap")?.unwrap_or(USUAL_CARD_CAP),
        hold_days: small("holdDays", USUAL_HOLD_DAYS)?,
        fx_difference_to: word(posted, "fxDifferenceTo")?.unwrap_or(FxDifferenceTo::Company),
        state: ProgramState::Live,
        port: word(posted, "port")?.unwrap_or(Port::Builtin),
        rules: Rules::default(),
        plastic: None,
        gift: gift(posted)?,
    })
}

/// What makes it one for anonymous gifts, if an approval was typed.
fn gift(posted: &Posted) -> Result<Option<GiftProgram>, Failed> {
    let Some(approval) = posted.typed("giftApproval") else { return Ok(None) };
    let usual = Amount::from_minor(ECOMMERCE_MINOR).ok();
    let typed = posted.typed("giftEcommerceMax");
    let most = typed.map_or(usual, |text| typed_amount(text, gift::CURRENCY));
    let ecommerce_max = most.ok_or(Failed::Unreadable)?;
    Ok(Some(GiftProgram { approval: approval.to_owned(), ecommerce_max }))
}

/// How full a BIN is.
struct Range {
    bin: String,
    taken: u64,
    of: u64,
    /// How many numbers of a hundred are taken, rounded down.
    hundredths: u64,
}

impl Range {
    fn of(range: &BinRange) -> Self {
        let BinRange { bin, taken, of } = range;
        let hundredths = taken.saturating_mul(100).checked_div(*of).unwrap_or_default();
        Self { bin: bin.clone(), taken: *taken, of: *of, hundredths }
    }
}

#[derive(Template)]
#[template(path = "program.html")]
struct OfProgram {
    frame: Frame,
    code: String,
    processor: String,
    currency: Currency,
    ranges: Vec<Range>,
    running_out: bool,
    bureaus: Vec<String>,
    /// Where the page is.
    here: String,
    /// Where the forms of limits and controls go.
    action: String,
    /// What comes of permitting everything.
    off: String,
    may_set: bool,
    program: Program,
}

impl OfProgram {
    fn is_live(&self) -> bool {
        self.program.state == ProgramState::Live
    }

    /// Whether its cards are made here, so that it has numbers and may have plastic.
    fn is_made_here(&self) -> bool {
        self.program.port == Port::Builtin
    }

    /// Whether that bureau makes its plastic now.
    fn is_bureau(&self, name: &str) -> bool {
        self.program.plastic.as_ref().is_some_and(|plastic| plastic.bureau == name)
    }

    fn most(&self, limit: &Limit) -> String {
        limits::most(limit)
    }

    fn of_gift(&self, gift: &GiftProgram) -> String {
        amount(gift.ecommerce_max.minor(), gift::CURRENCY)
    }

    fn controls(&self) -> [Shown; 4] {
        Shown::all(&self.program.rules.controls)
    }

    fn currencies(&self) -> [&str; 1] {
        [self.currency.code()]
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

/// What a program's path names it by: the partner's code, its configId.
type Name = (String, String);

fn page_of(code: &str, config_id: &str) -> String {
    format!("{HERE}/{code}/{config_id}")
}

/// The program that a path names.
fn named(panel: &Panel, (code, config_id): &Name) -> Result<Program, Failed> {
    let settings = panel.app.settings.get();
    let partner = settings.partner_of_code(code).ok_or(Failed::NotFound)?;
    settings.program(partner.id, config_id).cloned().ok_or(Failed::NotFound)
}

/// `GET /panel/programs/{code}/{configId}`.
pub(crate) async fn show(
    State(panel): State<Panel>,
    staff: Staff,
    Path(name): Path<Name>,
) -> Answer {
    let program = named(&panel, &name)?;
    let ranges = panel.app.bin_ranges(&program).await?;
    let here = page_of(&name.0, &name.1);
    shown(&OfProgram {
        frame: staff.frame(),
        processor: processor_of(&program, &panel.app.settings.get()),
        currency: program.currency,
        running_out: run_out(&ranges),
        ranges: ranges.iter().map(Range::of).collect(),
        bureaus: panel.app.bureau_names().await?,
        action: format!("{here}/limits"),
        here,
        off: text("program.control.off.detail"),
        may_set: true,
        code: name.0,
        program,
    })
}

/// `POST /panel/programs/{code}/{configId}/limits`: one limit or control.
pub(crate) async fn change_limits(
    State(panel): State<Panel>,
    staff: Staff,
    Path(name): Path<Name>,
    posted: Posted,
) -> Answer {
    let program = named(&panel, &name)?;
    let made = async {
        let change = limits::Change::read_of_program(&posted, program.currency);
        let change = change.ok_or(Failed::Unreadable)?;
        let named = (program.partner, program.config_id.as_str());
        let manager = Manager::of(&staff.session);
        let make = |rules: &mut Rules| change.make(rules);
        let once = posted.once_kept(|_: &Program| Value::Null);
        Ok(panel.app.change_program_rules(manager, named, make, once).await?)
    };
    let (made, page) = (made.await, page_of(&name.0, &name.1));
    let again = |staff| show(State(panel), staff, Path(name));
    back_or_again((&staff, &posted), (&page, Done("done.program-limits")), made, again).await
}

/// `POST /panel/programs/{code}/{configId}/bin`: a further BIN.
pub(crate) async fn add_bin(
    panel: State<Panel>,
    staff: Staff,
    name: Path<Name>,
    posted: Posted,
) -> Answer {
    let bin = posted.field("bin").to_owned();
    let change = Change { bin: Some(bin), ..Change::default() };
    changed(panel, staff, (name, posted), (change, Done("done.program-bin"))).await
}

/// `POST /panel/programs/{code}/{configId}/plastic`: who makes it.
pub(crate) async fn set_plastic(
    panel: State<Panel>,
    staff: Staff,
    name: Path<Name>,
    posted: Posted,
) -> Answer {
    let told = |name: &str| posted.field(name).to_owned();
    let plastic = Plastic { bureau: told("bureau"), chip_profile: told("chipProfile") };
    let change = Change { plastic: Some(plastic), ..Change::default() };
    changed(panel, staff, (name, posted), (change, Done("done.program-plastic"))).await
}

/// `POST /panel/programs/{code}/{configId}/close`: its cards pay nothing, and none is made.
pub(crate) async fn close(
    panel: State<Panel>,
    staff: Staff,
    name: Path<Name>,
    posted: Posted,
) -> Answer {
    let change = Change { state: Some(ProgramState::Closed), ..Change::default() };
    changed(panel, staff, (name, posted), (change, Done("done.program-closed"))).await
}

/// `POST /panel/programs/{code}/{configId}/open`.
pub(crate) async fn open(
    panel: State<Panel>,
    staff: Staff,
    name: Path<Name>,
    posted: Posted,
) -> Answer {
    let change = Change { state: Some(ProgramState::Live), ..Change::default() };
    changed(panel, staff, (name, posted), (change, Done("done.program-open"))).await
}

async fn changed(
    State(panel): State<Panel>,
    staff: Staff,
    (Path(name), posted): (Path<Name>, Posted),
    (change, done): (Change, Done),
) -> Answer {
    let program = named(&panel, &name)?;
    let named = (program.partner, program.config_id.as_str());
    let once = posted.once_kept(|_: &Program| Value::Null);
    let result = panel.app.change_program(Manager::of(&staff.session), named, change, once).await;
    back(&staff, &page_of(&name.0, &name.1), done, result)
}
