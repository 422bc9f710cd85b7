//! Partners: create, set. Both are the operator's, through the control channel.

use crate::audit::{Operator, change_json};
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::money::Currency;
use domain::partner::{
    Asking, AuthorizationMode, CollateralMode, DescriptionCodes, KybBy, KycMode, Partner,
    PartnerState, Settings, UserMayUnlock, is_partner_code,
};
use domain::session::{Lifetime, SessionMode};
use serde_json::{Value, json};
use store::db::Tx;
use store::{instance, partners};

/// A partner to be.
#[derive(Clone, Debug)]
pub struct Create {
    /// Its `Issuer-Code`.
    pub code: String,
    /// For people.
    pub name: String,
    /// How it works.
    pub settings: Settings,
}

/// What is to change; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct Set {
    /// For people.
    pub name: Option<String>,
    /// Whether it may work.
    pub state: Option<PartnerState>,
    /// Who decides verifications.
    pub kyc_mode: Option<KycMode>,
    /// Who decides KYB.
    pub kyb_by: Option<KybBy>,
    /// Whether it is asked before a user's balance is debited.
    pub authorization_mode: Option<AuthorizationMode>,
    /// Within how many milliseconds it is to answer; within, none for what the processor leaves it.
    pub ask_within_ms: Option<Option<i64>>,
    /// How many questions to it may be open at once.
    pub asks_at_once: Option<i64>,
    /// What may be paid with a card a day without its answer, in minor units; within, none for
    /// nothing.
    pub stand_in: Option<Option<i64>>,
    /// Which of its balances limits its users.
    pub collateral_mode: Option<CollateralMode>,
    /// Whether it owns the range of numbers that its cards have.
    pub own_bin: Option<bool>,
    /// Which description codes it is sent.
    pub description_codes: Option<DescriptionCodes>,
    /// IANA name of the zone of its days.
    pub time_zone: Option<String>,
    /// Whether sensitive calls of users' apps need a fresh signature of the device.
    pub step_up: Option<bool>,
    /// Which locks of their cards users may take off.
    pub user_may_unlock: Option<UserMayUnlock>,
    /// What lengthens sessions of users' apps.
    pub session_mode: Option<SessionMode>,
    /// For how many minutes they live.
    pub session_minutes: Option<i64>,
    /// In which currency users get a balance as soon as they are verified; within, none for none.
    pub automatic_balance: Option<Option<Currency>>,
}

impl App {
    /// Creates a partner, with a key of its own.
    pub async fn create_partner(
        &self,
        operator: &Operator,
        command: Create,
    ) -> Result<Partner, Error> {
        check(&command)?;
        let partner = Partner {
            id: self.new_partner_id().await?,
            code: command.code,
            name: command.name,
            state: PartnerState::Live,
            settings: command.settings,
        };
        let mut tx = self.db.begin().await?;
        let created = self.create_partner_in(&mut tx, operator, &partner).await;
        tx.end(created).await?;
        self.refresh_settings().await?;
        Ok(partner)
    }

    async fn create_partner_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        partner: &Partner,
    ) -> Result<(), Error> {
        // First, since it locks: whoever changes settings takes this lock before any other.
        instance::raise_settings_version(tx).await?;
        if !partners::insert(tx, partner, self.now()).await? {
            return Err(Refusal::PartnerAlreadyExists.into());
        }
        self.create_partner_key(tx, partner.id, self.now()).await?;
        let act = ("partner.create", partner.code.as_str(), &partner_json(partner));
        self.record_act(tx, operator, partner.id, act).await
    }

    /// Changes a partner.
    pub async fn set_partner(
        &self,
        operator: &Operator,
        code: &str,
        command: Set,
    ) -> Result<Partner, Error> {
        command.time_zone.as_deref().map_or(Ok(()), check_time_zone)?;
        let mut tx = self.db.begin().await?;
        let set = self.change_partner_in(&mut tx, operator, code, command).await;
        let partner = tx.end(set).await?;
        self.refresh_settings().await?;
        Ok(partner)
    }

    async fn change_partner_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        code: &str,
        command: Set,
    ) -> Result<Partner, Error> {
        // First, since it locks: what is read after that stays so, and what an earlier one has
        // changed isn't changed back.
        instance::raise_settings_version(tx).await?;
        let held = partners::list(tx).await?.into_iter().find(|partner| partner.code == code);
        let held = held.ok_or(Refusal::PartnerNotFound)?;
        let before = partner_json(&held);
        let partner = changed(held, command);
        check_modes(&partner.settings)?;
        self.set_partner_in(tx, operator, &partner, &before).await?;
        Ok(partner)
    }

    /// Writes a partner that was read under the lock of the settings' version, which the caller
    /// has raised.
    pub(crate) async fn set_partner_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        partner: &Partner,
        before: &Value,
    ) -> Result<(), Error> {
        partners::update(tx, partner).await?;
        let detail = change_json(before, &partner_json(partner));
        let act = ("partner.set", partner.code.as_str(), &detail);
        self.record_act(tx, operator, partner.id, act).await
    }
}

/// A partner as the command line shows it.
#[must_use]
pub fn partner_json(partner: &Partner) -> Value {
    let settings = &partner.settings;
    json!({
        "issuerCode": partner.code,
        "name": partner.name,
        "state": partner.state.as_str(),
        "balanceMode": settings.balance_mode.as_str(),
        "authorizationMode": settings.authorization_mode.as_str(),
        "collateralMode": settings.collateral_mode.as_str(),
        "kycMode": settings.kyc_mode.as_str(),
        "kybBy": settings.kyb_by.as_str(),
        "descriptionCodes": settings.description_codes.as_str(),
        "timeZone": settings.time_zone,
        "stepUp": settings.step_up,
        "userMayUnlock": settings.user_may_unlock.as_str(),
        "sessionMode": settings.session.mode.as_str(),
        "sessionMinutes": settings.session.minutes,
        "automaticBalance": settings.automatic_balance.as_ref().map(Currency::code),
        "askWithinMs": settings.asking.within_ms,
        "standIn": settings.asking.stand_in,
        "ownBin": settings.own_bin,
        "asksAtOnce": settings.asking.at_once,
    })
}

fn check(command: &Create) -> Result<(), Refusal> {
    if !is_partner_code(&command.code) {
        return Err(Refusal::PartnerCodeInvalid);
    }
    check_modes(&command.settings)?;
    check_time_zone(&command.settings.time_zone)
}

fn check_modes(settings: &Settings) -> Result<(), Refusal> {
    if settings.agree() { Ok(()) } else { Err(Refusal::ModeNotSupported) }
}

fn check_time_zone(name: &str) -> Result<(), Refusal> {
    jiff::tz::TimeZone::get(name).map(|_| ()).map_err(|_| Refusal::TimeZoneUnknown)
}

/// The partner with what is to change of it.
pub(crate) fn changed(partner: Partner, command: Set) -> Partner {
    let settings = partner.settings;
    Partner {
        name: command.name.unwrap_or(partner.name),
        state: command.state.unwrap_or(partner.state),
        settings: Settings {
            kyc_mode: command.kyc_mode.unwrap_or(settings.kyc_mode),
            kyb_by: command.kyb_by.unwrap_or(settings.kyb_by),
            authorization_mode: command.authorization_mode.unwrap_or(settings.authorization_mode),
            asking: Asking {
                within_ms: command.ask_within_ms.unwrap_or(settings.asking.within_ms),
                at_once: command.asks_at_once.unwrap_or(settings.asking.at_once),
                stand_in: command.stand_in.unwrap_or(settings.asking.stand_in),
            },
            collateral_mode: command.collateral_mode.unwrap_or(settings.collateral_mode),
            own_bin: command.own_bin.unwrap_or(settings.own_bin),
            description_codes: command.description_codes.unwrap_or(settings.description_codes),
            time_zone: command.time_zone.unwrap_or(settings.time_zone),
            step_up: command.step_up.unwrap_or(settings.step_up),
            user_may_unlock: command.user_may_unlock.unwrap_or(settings.user_may_unlock),
            session: Lifetime {
                mode: command.session_mode.unwrap_or(settings.session.mode),
                minutes: command.session_minutes.unwrap_or(settings.session.minutes),
            },
            automatic_balance: command.automatic_balance.unwrap_or(settings.automatic_balance),
            ..settings
        },
        ..partner
    }
}
