//! `/admin/programs…`: the card products of all partners, for the operator (spec "The model").

pub(crate) mod processors;

use crate::Api;
use crate::answer::{Code, Created, Done, List, Named, NoContent, json as rendered};
use crate::call::{Call, Head, refused};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::spending::{self, Currencies, RulesJson};
use crate::wire::{Fields, Reader, boolean, currency, integer, parsed, schema, text, word};
use app::Refusal;
use app::admins::Manager;
use app::cards::{BinRange, run_out};
use app::programs::{self, Change, Made, USUAL_CARD_CAP, USUAL_HOLD_DAYS, USUAL_LIFETIME_MONTHS};
use app::settings::Snapshot;
use app::spending::Draft;
use domain::gift::{ECOMMERCE_MINOR, GiftProgram};
use domain::ids::{PartnerId, ProcessorId};
use domain::limits::Rules;
use domain::money::Amount;
use domain::program::{
    Audience, CardType, FxDifferenceTo, Plastic, Port, Product, Program, ProgramState, Scheme,
    is_bin, is_config_id,
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The chapter of the documents.
const TAG: &str = "Programs";
/// Characters of a name, and of an approval, at most.
const TEXT_MAX: usize = 100;
type TypeName = Named<CardType>;
type SchemeName = Named<Scheme>;
type ProductName = Named<Product>;
type AudienceName = Named<Audience>;
type FxName = Named<FxDifferenceTo>;
type StateName = Named<ProgramState>;
type PortName = Named<Port>;

/// A program.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Program)]
struct ProgramJson {
    /// The code of the partner whose it is.
    issuer_code: String,
    /// What cards name it by: ten digits.
    config_id: String,
    /// What its cards are made of.
    card_type: TypeName,
    /// Whether its cards begin as numbers and may be printed later.
    digital_first: bool,
    /// The currency of its cards' balances.
    currency: Code,
    /// The card network.
    scheme: SchemeName,
    /// Where the money behind a card comes from.
    product: ProductName,
    /// Who it is for.
    audience: AudienceName,
    /// The processor whose messages its cards obey.
    processor: String,
    /// The first digits of its cards' numbers; each is used when those before are full.
    bins: Vec<String>,
    /// How many months a card lives.
    lifetime_months: i32,
    /// How many cards an owner may have of it.
    card_cap: i64,
    /// How many days a hold lasts.
    hold_days: i32,
    /// Who bears a difference between the exchange rates of authorization and clearing.
    fx_difference_to: FxName,
    /// Whether its cards work and new ones may be made.
    state: StateName,
    /// Who makes its cards: we, or nobody here (they are imported).
    port: PortName,
    /// What each of its cards may spend at most, whatever its own limits are.
    rules: RulesJson,
    /// Who makes its cards' plastic.
    plastic: Option<PlasticJson>,
    /// What makes it one for anonymous gifts.
    gift: Option<GiftJson>,
}

/// How a program's cards are made of plastic.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProgramPlastic)]
struct PlasticJson {
    /// The name of the bureau.
    bureau: String,
    /// The bureau's name for what it puts on chips.
    chip_profile: String,
}

/// What makes a program one for anonymous gifts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GiftProgram)]
struct GiftJson {
    /// Where the scheme's approval is found.
    approval: String,
    /// What an e-commerce payment may have, in minor units.
    ecommerce_max_minor: i64,
}

/// A program, and how full its ranges of numbers are.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProgramWithNumbers)]
struct FullJson {
    #[serde(flatten)]
    program: ProgramJson,
    /// Of each BIN, how many numbers are taken; none where nobody here makes its cards.
    numbers: Vec<RangeJson>,
    /// Whether less than a fifth of all its numbers is left.
    running_out: bool,
}

/// A BIN and its numbers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BinRange)]
struct RangeJson {
    /// The BIN.
    bin: String,
    /// How many numbers are taken; nodes take them in blocks of 64.
    taken: u64,
    /// How many there are.
    of: u64,
}

impl ProgramJson {
    fn of(program: &Program, settings: &Snapshot) -> Self {
        let partner = settings.partner(program.partner);
        let processor = settings.processor(program.processor);
        Self {
            issuer_code: partner.map(|it| it.code.clone()).unwrap_or_default(),
            config_id: program.config_id.clone(),
            card_type: Named(program.card_type),
            digital_first: program.digital_first,
            currency: Code(program.currency),
            scheme: Named(program.scheme),
            product: Named(program.product),
            audience: Named(program.audience),
            processor: processor.map(|it| it.name.clone()).unwrap_or_default(),
            bins: program.bins.clone(),
            lifetime_months: program.lifetime_months,
            card_cap: program.card_cap,
            hold_days: program.hold_days,
            fx_difference_to: Named(program.fx_difference_to),
            state: Named(program.state),
            port: Named(program.port),
            rules: RulesJson::from(&program.rules),
            plastic: program
                .plastic
                .clone()
                .map(|it| PlasticJson { bureau: it.bureau, chip_profile: it.chip_profile }),
            gift: program.gift.clone().map(|it| GiftJson {
                approval: it.approval,
                ecommerce_max_minor: it.ecommerce_max.minor(),
            }),
        }
    }
}

/// Lists programs.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(read_list, listed)
        .about(
            TAG,
            "List programs",
            "Of all partners, by their codes, or of the one that `issuerCode` names; closed ones \
             too.",
        )
        .refuses(&[Refusal::PartnerNotFound])
}

struct Asked {
    partner: Option<String>,
    limit: i64,
    after: Option<(String, String)>,
}

fn read_list(call: &Call) -> Result<Asked, Problem> {
    let mut query = call.query();
    let partner = query.optional("issuerCode", text(TEXT_MAX));
    let next = "must be the next of another page";
    let after = parsed(programs::place, || schema::pattern("^[a-z0-9-]{1,64}:[0-9]{10}$"), next);
    let (limit, after) = Call::read_page(&mut query, after);
    query.only(&["issuerCode", "limit", "after"]);
    query.finish()?;
    Ok(Asked { partner, limit, after })
}

async fn listed(api: Api, _: Head, asked: Asked) -> Result<Done<List<ProgramJson>>, Problem> {
    let settings = api.app.settings.get();
    let Asked { partner, limit, after } = asked;
    let page = programs::page(&settings, partner.as_deref(), after.as_ref(), limit);
    let page = page.map_err(refused)?;
    Ok(Done::with(&List::page(&page, |(_, program)| ProgramJson::of(program, &settings))))
}

/// Shows a program.
pub(crate) fn show() -> Endpoint {
    Endpoint::of(read_named, shown).about(
        TAG,
        "Show a program and its numbers",
        "By its partner's code and its configId.",
    )
}

type Name = (String, String);

fn read_named(call: &Call) -> Result<Name, Problem> {
    Ok((call.issuer_code(), call.config_id()))
}

/// The program that a path names.
fn named(settings: &Snapshot, (code, config_id): &Name) -> Result<Program, Problem> {
    let partner = settings.partner_of_code(code);
    let partner = partner.ok_or_else(|| refused(Refusal::PartnerNotFound))?;
    let program = settings.program(partner.id, config_id);
    program.cloned().ok_or_else(|| refused(Refusal::ProgramUnknown))
}

async fn shown(api: Api, _: Head, name: Name) -> Result<Done<FullJson>, Problem> {
    let settings = api.app.settings.get();
    let program = named(&settings, &name)?;
    let ranges = api.app.bin_ranges(&program).await?;
    let range = |it: &BinRange| RangeJson { bin: it.bin.clone(), taken: it.taken, of: it.of };
    Ok(Done::with(&FullJson {
        program: ProgramJson::of(&program, &settings),
        numbers: ranges.iter().map(range).collect(),
        running_out: run_out(&ranges),
    }))
}

/// Makes a program → 201.
pub(crate) fn create() -> Endpoint {
    Endpoint::of(read_new, created)
        .about(
            TAG,
            "Make a program",
            "What its cards are made of, its currency, network, processor and first BIN are \
             settled for ever. A BIN that is new gets keys of its own, unless nobody here makes \
             its cards (`port`). What isn't sent is as usual: `MASTERCARD`, `PREPAID`, \
             `CONSUMER`, `BUILTIN`, 36 months, 10 cards an owner, holds of 7 days, differences of \
             rates to `COMPANY`.",
        )
        .example(json!({
            "issuerCode": "acme", "configId": "0000000042", "processor": "acme-processing",
            "cardType": "VIRTUAL", "currency": "EUR", "bin": "53208799",
        }))
        .refuses(&[
            Refusal::AdminChanged,
            Refusal::PartnerNotFound,
            Refusal::ProcessorNotFound,
            Refusal::ProgramAlreadyExists,
            Refusal::ProgramInvalid,
            Refusal::GiftProgramInvalid,
            Refusal::BinTaken,
        ])
}

/// A program to be: the partner's code, the processor's name, and all else.
struct New {
    issuer_code: String,
    processor: String,
    /// Of nobody yet.
    program: Program,
}

fn read_new(call: &Call) -> Result<New, Problem> {
    let mut fields = call.fields()?;
    let issuer_code = fields.required("issuerCode", text(TEXT_MAX));
    let config_id = fields.required("configId", config_id());
    let processor = fields.required("processor", text(TEXT_MAX));
    let card_type = fields.required("cardType", word(CardType::ALL, "must be VIRTUAL or PHYSICAL"));
    let currency = fields.required("currency", currency());
    let bin = fields.required("bin", bin());
    let rest = Rest::read(&mut fields);
    let named = issuer_code.zip(processor).zip(config_id).zip(bin);
    let Some(((named, card_type), currency)) = named.zip(card_type).zip(currency) else {
        return Err(fields.problem());
    };
    fields.finish()?;
    let (((issuer_code, processor), config_id), bin) = named;
    let program = Program {
        partner: PartnerId::PLATFORM,
        config_id,
        card_type,
        digital_first: rest.digital_first,
        currency,
        scheme: rest.scheme,
        product: rest.product,
        audience: rest.audience,
        processor: ProcessorId(0),
        bins: vec![bin],
        lifetime_months: rest.lifetime_months,
        card_cap: rest.card_cap,
        hold_days: rest.hold_days,
        fx_difference_to: rest.fx_difference_to,
        state: ProgramState::Live,
        port: rest.port,
        rules: Rules::default(),
        plastic: None,
        gift: rest.gift,
    };
    Ok(New { issuer_code, processor, program })
}

fn config_id() -> impl Reader<String> {
    let parse = |text: &str| is_config_id(text).then(|| text.to_owned());
    parsed(parse, || schema::pattern("^[0-9]{10}$"), "must have ten digits")
}

fn bin() -> impl Reader<String> {
    let parse = |text: &str| is_bin(text).then(|| text.to_owned());
    parsed(parse, || schema::pattern("^([0-9]{6}|[0-9]{8})$"), "must have 6 or 8 digits")
}

/// What needn't be sent of a new program.
struct Rest {
    digital_first: bool,
    scheme: Scheme,
    product: Product,
    audience: Audience,
    lifetime_months: i32,
    card_cap: i64,
    hold_days: i32,
    fx_difference_to: FxDifferenceTo,
    port: Port,
    gift: Option<GiftProgram>,
}

impl Rest {
    fn read(fields: &mut Fields<'_>) -> Self {
        let scheme = word(Scheme::ALL, "must be MASTERCARD or VISA");
        let product = word(Product::ALL, "must be PREPAID, DEBIT or CREDIT");
        let audience = word(Audience::ALL, "must be CONSUMER or BUSINESS");
        let fx = word(FxDifferenceTo::ALL, "must be COMPANY or CARDHOLDER");
        let port = word(Port::ALL, "must be BUILTIN or NONE");
        Self {
            digital_first: fields.optional("digitalFirst", boolean()).unwrap_or_default(),
            scheme: fields.optional("scheme", scheme).unwrap_or(Scheme::Mastercard),
            product: fields.optional("product", product).unwrap_or(Product::Prepaid),
            audience: fields.optional("audience", audience).unwrap_or(Audience::Consumer),
            lifetime_months: small(fields, "lifetimeMonths", USUAL_LIFETIME_MONTHS),
            card_cap: fields.optional("cardCap", integer()).unwrap_or(USUAL_CARD_CAP),
            hold_days: small(fields, "holdDays", USUAL_HOLD_DAYS),
            fx_difference_to: fields
                .optional("fxDifferenceTo", fx)
                .unwrap_or(FxDifferenceTo::Company),
            port: fields.optional("port", port).unwrap_or(Port::Builtin),
            gift: gift(fields),
        }
    }
}

/// A number that is refused later if it is far from what can be.
fn small(fields: &mut Fields<'_>, name: &str, usual: i32) -> i32 {
    let told = fields.optional(name, integer());
    told.map_or(usual, |told| i32::try_from(told).unwrap_or(i32::MAX))
}

fn gift(fields: &mut Fields<'_>) -> Option<GiftProgram> {
    let mut inner = fields.nested("gift")?;
    inner.only(&["approval", "ecommerceMaxMinor"]);
    let approval = inner.required("approval", text(TEXT_MAX));
    let most = inner.optional("ecommerceMaxMinor", spending::amount());
    fields.absorb(inner);
    let usual = || Amount::from_minor(ECOMMERCE_MINOR).ok();
    Some(GiftProgram { approval: approval?, ecommerce_max: most.or_else(usual)? })
}

async fn created(api: Api, head: Head, new: New) -> Result<Created<ProgramJson>, Problem> {
    let settings = api.app.settings.get();
    let partner = settings.partner_of_code(&new.issuer_code);
    let partner = partner.ok_or_else(|| refused(Refusal::PartnerNotFound))?.id;
    let processor = settings.processor_of_name(&new.processor);
    let processor = processor.ok_or_else(|| refused(Refusal::ProcessorNotFound))?.id;
    let program = Program { partner, processor, ..new.program };
    let manager = Manager::of(head.caller().admin()?);
    let once = head.once(|made: &Made| rendered(&ProgramJson::of(&made.program, &made.settings)));
    Ok(Created::kept(api.app.create_program(manager, program, once).await?))
}

/// Changes a program → 204.
pub(crate) fn change() -> Endpoint {
    Endpoint::of(read_change, changed)
        .about(
            TAG,
            "Change a program",
            "All that is sent, or nothing; what isn't sent stays. `rules` takes the place of all \
             limits and controls; they hold from the next authorization on. `plastic` tells who \
             makes its cards' plastic from now on. `addBin` is a further BIN, for when those \
             before are full. `CLOSED`: its cards' payments are declined and none is made of it, \
             until it is `LIVE` again; what is open is cleared as before.",
        )
        .example(json!({
            "rules": spending::example(Currencies::Known), "addBin": "53208798", "state": "LIVE",
            "plastic": { "bureau": "acme-cards", "chipProfile": "MCHIP-EUR" },
        }))
        .refuses(&[
            Refusal::AdminChanged,
            Refusal::ProgramInvalid,
            Refusal::CurrencyMismatch,
            Refusal::BureauNotFound,
            Refusal::BinTaken,
            Refusal::CardMadeElsewhere,
        ])
}

/// What is to change; limits needn't tell the program's currency.
struct Changes {
    rules: Option<Draft>,
    rest: Change,
}

fn read_change(call: &Call) -> Result<(Name, Changes), Problem> {
    let name = (call.issuer_code(), call.config_id());
    let mut fields = call.fields()?;
    let rules = fields.nested("rules").map(|mut inner| {
        let draft = spending::draft_of_program(&mut inner);
        fields.absorb(inner);
        draft
    });
    let rest = Change {
        rules: None,
        plastic: plastic(&mut fields),
        bin: fields.optional("addBin", bin()),
        state: fields.optional("state", word(ProgramState::ALL, "must be LIVE or CLOSED")),
    };
    fields.finish()?;
    Ok((name, Changes { rules, rest }))
}

fn plastic(fields: &mut Fields<'_>) -> Option<Plastic> {
    let mut inner = fields.nested("plastic")?;
    inner.only(&["bureau", "chipProfile"]);
    let bureau = inner.required("bureau", text(TEXT_MAX));
    let chip_profile = inner.required("chipProfile", text(TEXT_MAX));
    fields.absorb(inner);
    Some(Plastic { bureau: bureau?, chip_profile: chip_profile? })
}

async fn changed(
    api: Api,
    head: Head,
    (name, changes): (Name, Changes),
) -> Result<NoContent, Problem> {
    let program = named(&api.app.settings.get(), &name)?;
    let rules = changes.rules.map(|draft| draft.rules(Some(program.currency))).transpose();
    let change = Change { rules: rules.map_err(refused)?, ..changes.rest };
    let named = (program.partner, program.config_id.as_str());
    let manager = Manager::of(head.caller().admin()?);
    api.app.change_program(manager, named, change, head.once(|_| Value::Null)).await?;
    Ok(NoContent)
}
