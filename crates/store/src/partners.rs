//! Rows of `partner`.

use crate::db::{Row, Sql, Table, Tx, Type};
use crate::read::{word, word_or_none};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::PartnerId;
use domain::money::Currency;
use domain::partner::{
    Asking, AuthorizationMode, BalanceMode, CollateralMode, DescriptionCodes, KybBy, KycMode,
    Partner, PartnerState, Settings, UserMayUnlock,
};
use domain::session::{Lifetime, SessionMode};

const TABLE: Table = Table {
    name: "partner",
    key: &["id"],
    columns: &[
        ("id", Type::Int),
        ("code", Type::Text),
        ("name", Type::Text),
        ("state", Type::Text),
        ("balance_mode", Type::Text),
        ("authorization_mode", Type::Text),
        ("collateral_mode", Type::Text),
        ("kyc_mode", Type::Text),
        ("description_codes", Type::Text),
        ("time_zone", Type::Text),
        ("created_at", Type::Time),
        ("version", Type::Int),
        ("step_up", Type::Bool),
        ("user_may_unlock", Type::Text),
        ("session_mode", Type::Text),
        ("session_minutes", Type::Int),
        ("automatic_balance", Type::Text),
        ("kyb_by", Type::Text),
        ("ask_within_ms", Type::Int),
        ("asks_at_once", Type::Int),
        ("own_bin", Type::Bool),
        ("stand_in", Type::Int),
    ],
};

const LIST: Sql = Sql("
    select id, code, name, state, balance_mode, authorization_mode, collateral_mode, kyc_mode,
        description_codes, time_zone, step_up, user_may_unlock, session_mode, session_minutes,
        automatic_balance, kyb_by, ask_within_ms, asks_at_once, own_bin,
        stand_in
    from partner
    order by id");
const UPDATE: Sql = Sql("
    update partner
    set name = $2, state = $3, kyc_mode = $4, description_codes = $5, time_zone = $6,
        collateral_mode = $7, step_up = $8, user_may_unlock = $9, session_mode = $10,
        session_minutes = $11, automatic_balance = $12, kyb_by = $13, authorization_mode = $14,
        ask_within_ms = $15, asks_at_once = $16, own_bin = $17, stand_in = $18,
        version = version + 1
    where id = $1");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[LIST, UPDATE];

/// Every partner, in the order in which they were made.
pub async fn list(tx: &mut Tx) -> Result<Vec<Partner>, StoreError> {
    tx.rows(&LIST, &[]).await?.iter().map(read).collect()
}

/// Adds a partner; `false` if its code is taken.
pub async fn insert(tx: &mut Tx, partner: &Partner, now: Timestamp) -> Result<bool, StoreError> {
    let settings = &partner.settings;
    let row = values![
        partner.id,
        partner.code,
        partner.name,
        partner.state.as_str(),
        settings.balance_mode.as_str(),
        settings.authorization_mode.as_str(),
        settings.collateral_mode.as_str(),
        settings.kyc_mode.as_str(),
        settings.description_codes.as_str(),
        settings.time_zone,
        now,
        0i64,
        settings.step_up,
        settings.user_may_unlock.as_str(),
        settings.session.mode.as_str(),
        settings.session.minutes,
        settings.automatic_balance.as_ref().map(Currency::code),
        settings.kyb_by.as_str(),
        settings.asking.within_ms,
        settings.asking.at_once,
        settings.own_bin,
        settings.asking.stand_in,
    ];
    Ok(tx.insert_new(&TABLE, &[row]).await? == 1)
}

/// Changes what may change of a partner; its code and who holds its users' money may not.
pub async fn update(tx: &mut Tx, partner: &Partner) -> Result<(), StoreError> {
    let settings = &partner.settings;
    tx.run(
        &UPDATE,
        &[
            &partner.id,
            &partner.name,
            &partner.state.as_str(),
            &settings.kyc_mode.as_str(),
            &settings.description_codes.as_str(),
            &settings.time_zone,
            &settings.collateral_mode.as_str(),
            &settings.step_up,
            &settings.user_may_unlock.as_str(),
            &settings.session.mode.as_str(),
            &settings.session.minutes,
            &settings.automatic_balance.as_ref().map(Currency::code),
            &settings.kyb_by.as_str(),
            &settings.authorization_mode.as_str(),
            &settings.asking.within_ms,
            &settings.asking.at_once,
            &settings.own_bin,
            &settings.asking.stand_in,
        ],
    )
    .await
    .map(|_| ())
}

fn read(row: &Row) -> Result<Partner, StoreError> {
    Ok(Partner {
        id: PartnerId(row.get("id")?),
        code: row.get("code")?,
        name: row.get("name")?,
        state: word(row, "state", PartnerState::parse)?,
        settings: Settings {
            balance_mode: word(row, "balance_mode", BalanceMode::parse)?,
            authorization_mode: word(row, "authorization_mode", AuthorizationMode::parse)?,
            collateral_mode: word(row, "collateral_mode", CollateralMode::parse)?,
            kyc_mode: word(row, "kyc_mode", KycMode::parse)?,
            kyb_by: word(row, "kyb_by", KybBy::parse)?,
            description_codes: word(row, "description_codes", DescriptionCodes::parse)?,
            time_zone: row.get("time_zone")?,
            step_up: row.get("step_up")?,
            user_may_unlock: word(row, "user_may_unlock", UserMayUnlock::parse)?,
            session: Lifetime {
                mode: word(row, "session_mode", SessionMode::parse)?,
                minutes: row.get("session_minutes")?,
            },
            automatic_balance: word_or_none(row, "automatic_balance", |text| {
                Currency::parse(text).ok()
            })?,
            asking: Asking {
                within_ms: row.get("ask_within_ms")?,
                at_once: row.get("asks_at_once")?,
                stand_in: row.get("stand_in")?,
            },
            own_bin: row.get("own_bin")?,
        },
    })
}
