//! Rows of `program`, `bin_range` and `processor`.

use crate::db::{Row, Sql, Table, Tx, Type};
use crate::read::{amount, currency, small, word};
use crate::spending::rules;
use crate::{StoreError, values};
use domain::Timestamp;
use domain::gift::GiftProgram;
use domain::ids::{PartnerId, ProcessorId};
use domain::program::{
    Audience, CardType, FxDifferenceTo, Plastic, Port, Product, Program, ProgramState, Scheme,
};

const PROGRAMS: Table = Table {
    name: "program",
    key: &["partner_id", "config_id"],
    columns: &[
        ("partner_id", Type::Int),
        ("config_id", Type::Text),
        ("card_type", Type::Text),
        ("digital_first", Type::Bool),
        ("currency", Type::Text),
        ("scheme", Type::Text),
        ("product", Type::Text),
        ("audience", Type::Text),
        ("processor_id", Type::Int),
        ("bin", Type::Text),
        ("lifetime_months", Type::Int),
        ("card_cap", Type::Int),
        ("hold_days", Type::Int),
        ("state", Type::Text),
        ("created_at", Type::Time),
        ("version", Type::Int),
        ("fx_difference_to", Type::Text),
        ("rules", Type::Json),
        ("bureau", Type::Text),
        ("chip_profile", Type::Text),
        ("more_bins", Type::Text),
        ("gift_approval", Type::Text),
        ("gift_ecommerce_max", Type::Int),
        ("port", Type::Text),
    ],
};

const BIN_RANGES: Table = Table {
    name: "bin_range",
    key: &["bin"],
    columns: &[("bin", Type::Text), ("partner_id", Type::Int)],
};

const PROCESSORS: Table = Table {
    name: "processor",
    key: &["id"],
    columns: &[
        ("id", Type::Int),
        ("name", Type::Text),
        ("time_budget_ms", Type::Int),
        ("created_at", Type::Time),
    ],
};

const LIST: Sql = Sql("
    select partner_id, config_id, card_type, digital_first, currency, scheme, product, audience,
        processor_id, bin, lifetime_months, card_cap, hold_days, state, fx_difference_to,
        rules, bureau, chip_profile, more_bins, gift_approval, gift_ecommerce_max,
        port
    from program
    order by partner_id, config_id");
const BINS: Sql = Sql("select bin, partner_id from bin_range order by bin");
const LIST_PROCESSORS: Sql = Sql("select id, name, time_budget_ms from processor order by id");

const UPDATE: Sql = Sql("
    update program
    set rules = $3, bureau = $4, chip_profile = $5, more_bins = $6, state = $7,
        version = version + 1
    where partner_id = $1 and config_id = $2");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[LIST, BINS, LIST_PROCESSORS, UPDATE];

/// An issuing processor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Processor {
    /// Ours.
    pub id: ProcessorId,
    /// Its name, as its certificates are signed for.
    pub name: String,
    /// From receipt to answer, in milliseconds.
    pub time_budget_ms: i64,
}

/// Every program.
pub async fn list(tx: &mut Tx) -> Result<Vec<Program>, StoreError> {
    tx.rows(&LIST, &[]).await?.iter().map(read).collect()
}

/// Adds a program; `false` if the partner has one of that `configId`.
pub async fn insert(tx: &mut Tx, program: &Program, now: Timestamp) -> Result<bool, StoreError> {
    let row = values![
        program.partner,
        program.config_id,
        program.card_type.as_str(),
        program.digital_first,
        program.currency,
        program.scheme.as_str(),
        program.product.as_str(),
        program.audience.as_str(),
        program.processor,
        program.bins.first(),
        program.lifetime_months,
        program.card_cap,
        program.hold_days,
        program.state.as_str(),
        now,
        0i64,
        program.fx_difference_to.as_str(),
        rules::to_value(&program.rules),
        program.plastic.as_ref().map(|plastic| &plastic.bureau),
        program.plastic.as_ref().map(|plastic| &plastic.chip_profile),
        more_bins(program),
        program.gift.as_ref().map(|gift| &gift.approval),
        program.gift.as_ref().map(|gift| gift.ecommerce_max),
        program.port.as_str(),
    ];
    Ok(tx.insert_new(&PROGRAMS, &[row]).await? == 1)
}

/// Writes what may change of a program: rules, plastic, further BINs, state. `false` if there is no
/// such program.
pub async fn update(tx: &mut Tx, program: &Program) -> Result<bool, StoreError> {
    let plastic = program.plastic.as_ref();
    let written = tx
        .run(
            &UPDATE,
            &[
                &program.partner,
                &program.config_id,
                &rules::to_value(&program.rules),
                &plastic.map(|plastic| &plastic.bureau),
                &plastic.map(|plastic| &plastic.chip_profile),
                &more_bins(program),
                &program.state.as_str(),
            ],
        )
        .await?;
    Ok(written == 1)
}

fn more_bins(program: &Program) -> String {
    program.bins.get(1..).unwrap_or_default().join(",")
}

/// Every BIN and the partner that it belongs to.
pub async fn list_bins(tx: &mut Tx) -> Result<Vec<(String, PartnerId)>, StoreError> {
    let rows = tx.rows(&BINS, &[]).await?;
    rows.iter().map(|row| Ok((row.get("bin")?, PartnerId(row.get("partner_id")?)))).collect()
}

/// Gives a BIN to a partner; nothing happens if it is somebody's already.
pub async fn insert_bin(tx: &mut Tx, bin: &str, partner: PartnerId) -> Result<(), StoreError> {
    tx.insert_new(&BIN_RANGES, &[values![bin, partner]]).await.map(|_| ())
}

/// Every processor.
pub async fn list_processors(tx: &mut Tx) -> Result<Vec<Processor>, StoreError> {
    let rows = tx.rows(&LIST_PROCESSORS, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(Processor {
                id: ProcessorId(row.get("id")?),
                name: row.get("name")?,
                time_budget_ms: row.get("time_budget_ms")?,
            })
        })
        .collect()
}

/// Adds a processor; `false` if its name is taken.
pub async fn insert_processor(
    tx: &mut Tx,
    processor: &Processor,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let row = values![processor.id, processor.name, processor.time_budget_ms, now];
    Ok(tx.insert_new(&PROCESSORS, &[row]).await? == 1)
}

fn read(row: &Row) -> Result<Program, StoreError> {
    Ok(Program {
        partner: PartnerId(row.get("partner_id")?),
        config_id: row.get("config_id")?,
        card_type: word(row, "card_type", CardType::parse)?,
        digital_first: row.get("digital_first")?,
        currency: currency(row, "currency")?,
        scheme: word(row, "scheme", Scheme::parse)?,
        product: word(row, "product", Product::parse)?,
        audience: word(row, "audience", Audience::parse)?,
        processor: ProcessorId(row.get("processor_id")?),
        bins: read_bins(row)?,
        lifetime_months: small(row, "lifetime_months")?,
        card_cap: row.get("card_cap")?,
        hold_days: small(row, "hold_days")?,
        fx_difference_to: word(row, "fx_difference_to", FxDifferenceTo::parse)?,
        state: word(row, "state", ProgramState::parse)?,
        port: word(row, "port", Port::parse)?,
        rules: rules::read(row, "rules")?,
        plastic: read_plastic(row)?,
        gift: match row.get("gift_approval")? {
            Some(approval) => {
                Some(GiftProgram { approval, ecommerce_max: amount(row, "gift_ecommerce_max")? })
            }
            None => None,
        },
    })
}

fn read_plastic(row: &Row) -> Result<Option<Plastic>, StoreError> {
    let bureau: Option<String> = row.get("bureau")?;
    let chip_profile: Option<String> = row.get("chip_profile")?;
    Ok(bureau.zip(chip_profile).map(|(bureau, chip_profile)| Plastic { bureau, chip_profile }))
}

fn read_bins(row: &Row) -> Result<Vec<String>, StoreError> {
    let more: String = row.get("more_bins")?;
    let more = more.split(',').filter(|bin| !bin.is_empty()).map(str::to_owned);
    Ok(std::iter::once(row.get("bin")?).chain(more).collect())
}
