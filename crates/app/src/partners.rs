//! Partners: create, set. Both are the operator's: through the control channel, or by those of its
//! people who have a panel account.

use crate::admins::{Confirmation, Manager};
use crate::audit::{Done, Entry, Operator, Origin, is_remark};
use crate::once::{Once, Turn};
use crate::outbound::{SetOutbound, checked_ca};
use crate::refusals::Refusal;
use crate::settings::Snapshot;
use crate::{App, Error};
use crypto::certificates::describe_chain;
use domain::Timestamp;
use domain::ids::PartnerId;
use domain::money::Currency;
use domain::notification::Event;
use domain::partner::{
    Asking, AuthorizationMode, CollateralMode, DescriptionCodes, KybBy, KycMode, Partner,
    PartnerState, Settings, UserMayUnlock, is_partner_code,
};
use domain::scope::Scope;
use domain::session::{Lifetime, SessionMode};
use serde_json::{Value, json};
use std::ops::RangeInclusive;
use store::db::Tx;
use store::{instance, partners};

/// Characters of a partner's name at most.
const NAME_MAX: usize = 100;
/// Within how many milliseconds a partner can be asked to answer.
const WITHIN_MS: RangeInclusive<i64> = 100..=4_700;
/// How many questions may be open at once on a node.
const AT_ONCE: RangeInclusive<i64> = 1..=1_024;
/// For how many minutes a session of a user's app may live.
const SESSION_MINUTES: RangeInclusive<i64> = 1..=720;

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

/// What is to change of a partner: how it works, and how it is called.
#[derive(Debug, Default)]
pub struct Change {
    /// How it works.
    pub partner: Set,
    /// How it is called.
    pub outbound: SetOutbound,
}

/// The right to what belongs to no partner: the records of what the operator's people did to the
/// platform, and what is kept with the key of an act that makes a partner.
#[must_use]
pub fn platform() -> Scope {
    Scope::platform(PartnerId::PLATFORM, "the operator's people work on the platform")
}

impl App {
    /// Creates a partner, with a key of its own.
    pub async fn create_partner(
        &self,
        operator: &Operator,
        command: Create,
    ) -> Result<Partner, Error> {
        let partner = self.new_partner(command).await?;
        let mut tx = self.db.begin().await?;
        let created = self
            .create_partner_in(&mut tx, (Manager::COMMAND_LINE, &operator.origin()), &partner)
            .await;
        tx.end(created).await?;
        self.refresh_settings().await?;
        Ok(partner)
    }

    /// The same by somebody with a panel account, once for its key.
    pub async fn create_partner_once(
        &self,
        manager: Manager,
        command: Create,
        once: Once<Partner>,
    ) -> Result<Value, Error> {
        let scope = platform();
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let partner = self.new_partner(command).await;
        let mut tx = self.db.begin().await?;
        let created = match partner {
            Ok(partner) => {
                let by = (manager, &once.origin);
                let created = self.create_partner_in(&mut tx, by, &partner).await;
                // Its record is the partner's, not the platform's.
                created.map(|()| Done::unchanged(partner))
            }
            Err(error) => Err(error),
        };
        let answer = self.finish(scope, &once, tx, created).await?;
        self.refresh_settings().await?;
        Ok(answer)
    }

    async fn new_partner(&self, command: Create) -> Result<Partner, Error> {
        check(&command)?;
        Ok(Partner {
            id: self.new_partner_id().await?,
            code: command.code,
            name: command.name,
            state: PartnerState::Live,
            settings: command.settings,
        })
    }

    async fn create_partner_in(
        &self,
        tx: &mut Tx,
        (manager, origin): (Manager, &Origin),
        partner: &Partner,
    ) -> Result<(), Error> {
        // First, since it locks: whoever changes settings takes this lock before any other.
        instance::raise_settings_version(tx).await?;
        self.need_manager(tx, manager).await?;
        if !partners::insert(tx, partner, self.now()).await? {
            return Err(Refusal::PartnerAlreadyExists.into());
        }
        self.create_partner_key(tx, partner.id, self.now()).await?;
        let entry = Entry::of("partner.create", &partner.code, partner_json(partner));
        self.record(tx, partner.id, origin, entry).await
    }

    /// Changes a partner.
    pub async fn set_partner(
        &self,
        operator: &Operator,
        code: &str,
        command: Set,
    ) -> Result<Partner, Error> {
        let mut tx = self.db.begin().await?;
        let by = (Manager::COMMAND_LINE, &operator.origin());
        let set = self.change_partner_in(&mut tx, by, code, command).await;
        let partner = tx.end(set).await?;
        self.refresh_settings().await?;
        Ok(partner)
    }

    /// Changes how a partner works and how it is called, both or neither, by somebody with a panel
    /// account, once for its key. Calling it elsewhere asks for a code.
    pub async fn change_partner_once(
        &self,
        (manager, confirmation): (Manager, Confirmation<'_>),
        code: &str,
        change: Change,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let settings = self.settings.get();
        let partner = settings.partner_of_code(code).ok_or(Refusal::PartnerNotFound)?.id;
        let scope = Scope::platform(partner, "the operator's people change a partner");
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        self.partner_key(partner).await?;
        let outbound = async {
            let outbound = self.checked_outbound(change.outbound)?;
            if outbound.redirects() {
                self.confirm(manager, confirmation, &once.origin).await?;
            }
            Ok::<_, Error>(outbound)
        };
        let outbound = outbound.await;
        let mut tx = self.db.begin().await?;
        let by = (manager, &once.origin);
        let changed = match outbound {
            Ok(outbound) => {
                let change = Change { outbound, ..change };
                self.set_both_in(&mut tx, by, (code, partner), change).await
            }
            Err(error) => Err(error),
        };
        let changed = changed.map(|()| Done::unchanged(()));
        let answer = self.finish(scope, &once, tx, changed).await?;
        self.refresh_settings().await?;
        Ok(answer)
    }

    fn checked_outbound(&self, set: SetOutbound) -> Result<SetOutbound, Refusal> {
        let url = |text: String| self.checked_url(&text);
        let authorities = |pem: String| checked_ca(&pem, self.outbox.now());
        Ok(SetOutbound {
            base_url: set.base_url.map(url).transpose()?,
            trusted_ca: set.trusted_ca.map(authorities).transpose()?,
            ..set
        })
    }

    async fn set_both_in(
        &self,
        tx: &mut Tx,
        by: (Manager, &Origin),
        (code, partner): (&str, PartnerId),
        change: Change,
    ) -> Result<(), Error> {
        self.change_partner_in(tx, by, code, change.partner).await?;
        if !change.outbound.is_empty() {
            self.set_outbound_in(tx, by.1, partner, (change.outbound, None)).await?;
        }
        Ok(())
    }

    async fn change_partner_in(
        &self,
        tx: &mut Tx,
        (manager, origin): (Manager, &Origin),
        code: &str,
        command: Set,
    ) -> Result<Partner, Error> {
        // First, since it locks: what is read after that stays so, and what an earlier one has
        // changed isn't changed back.
        instance::raise_settings_version(tx).await?;
        self.need_manager(tx, manager).await?;
        let held = partners::list(tx).await?.into_iter().find(|partner| partner.code == code);
        let held = held.ok_or(Refusal::PartnerNotFound)?;
        let before = partner_json(&held);
        let (name, zone) = (command.name.is_some(), command.time_zone.is_some());
        let partner = changed(held, command);
        // What nobody touches stays as it is, whatever was allowed when it was set.
        if name {
            check_name(&partner.name)?;
        }
        check_how(&partner.settings)?;
        if zone {
            check_time_zone(&partner.settings.time_zone)?;
        }
        self.set_partner_in(tx, origin, &partner, &before).await?;
        Ok(partner)
    }

    /// Writes a partner that was read under the lock of the settings' version, which the caller
    /// has raised.
    pub(crate) async fn set_partner_in(
        &self,
        tx: &mut Tx,
        origin: &Origin,
        partner: &Partner,
        before: &Value,
    ) -> Result<(), Error> {
        partners::update(tx, partner).await?;
        let after = partner_json(partner);
        let entry = Entry::changed("partner.set", &partner.code, before, &after);
        self.record(tx, partner.id, origin, entry).await
    }
}

/// How a partner is called, as its page shows it: without keys and secrets.
#[derive(Clone, Debug)]
pub struct Called {
    /// Where its paths begin, once that is set.
    pub base_url: Option<String>,
    /// The authorities that its server is trusted by, PEM, once they are set.
    pub trusted_ca: Option<String>,
    /// Whether it can be called: that needs a certificate of ours too.
    pub complete: bool,
    /// What it is told of.
    pub notifications: Vec<Event>,
    /// Whether what is sensitive of that is encrypted for its key.
    pub encrypt: bool,
}

impl Called {
    /// As the settings have it.
    #[must_use]
    pub fn of(settings: &Snapshot, partner: PartnerId) -> Self {
        match settings.outbound(partner) {
            Some(known) => Self {
                base_url: known.base_url.clone(),
                trusted_ca: known.trusted_ca.clone(),
                complete: known.is_complete(),
                notifications: known.notifications.clone(),
                encrypt: known.encrypt,
            },
            None => Self::usual(),
        }
    }

    /// As of a new partner.
    #[must_use]
    pub fn usual() -> Self {
        Self {
            base_url: None,
            trusted_ca: None,
            complete: false,
            notifications: Event::USUAL.to_vec(),
            encrypt: false,
        }
    }

    /// The name of the first of the authorities, and until when it is one.
    #[must_use]
    pub fn authority(&self) -> Option<(String, Timestamp)> {
        let told = describe_chain(self.trusted_ca.as_deref()?).ok()?;
        Some((told.common_name, told.not_after))
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
    check_name(&command.name)?;
    check_how(&command.settings)?;
    check_time_zone(&command.settings.time_zone)
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let fits = is_remark(name, NAME_MAX);
    if fits { Ok(()) } else { Err(Refusal::PartnerSettingsInvalid) }
}

fn check_how(settings: &Settings) -> Result<(), Refusal> {
    let Asking { within_ms, at_once, stand_in } = settings.asking;
    let sound = within_ms.is_none_or(|it| WITHIN_MS.contains(&it))
        && AT_ONCE.contains(&at_once)
        && stand_in.is_none_or(|amount| amount > 0)
        && SESSION_MINUTES.contains(&settings.session.minutes);
    if !sound {
        return Err(Refusal::PartnerSettingsInvalid);
    }
    if !settings.agree() {
        return Err(Refusal::ModeNotSupported);
    }
    Ok(())
}

fn check_time_zone(name: &str) -> Result<(), Refusal> {
    jiff::tz::TimeZone::get(name).map(|_| ()).map_err(|_| Refusal::TimeZoneUnknown)
}

/// The partner with what is to change of it.
pub(crate) fn changed(partner: Partner, command: Set) -> Partner {
    Partner {
        name: command.name.clone().unwrap_or(partner.name),
        state: command.state.unwrap_or(partner.state),
        settings: command.applied_to(partner.settings),
        ..partner
    }
}

impl Set {
    /// Settings with what is to change of them.
    #[must_use]
    pub fn applied_to(self, settings: Settings) -> Settings {
        Settings {
            kyc_mode: self.kyc_mode.unwrap_or(settings.kyc_mode),
            kyb_by: self.kyb_by.unwrap_or(settings.kyb_by),
            authorization_mode: self.authorization_mode.unwrap_or(settings.authorization_mode),
            asking: Asking {
                within_ms: self.ask_within_ms.unwrap_or(settings.asking.within_ms),
                at_once: self.asks_at_once.unwrap_or(settings.asking.at_once),
                stand_in: self.stand_in.unwrap_or(settings.asking.stand_in),
            },
            collateral_mode: self.collateral_mode.unwrap_or(settings.collateral_mode),
            own_bin: self.own_bin.unwrap_or(settings.own_bin),
            description_codes: self.description_codes.unwrap_or(settings.description_codes),
            time_zone: self.time_zone.unwrap_or(settings.time_zone),
            step_up: self.step_up.unwrap_or(settings.step_up),
            user_may_unlock: self.user_may_unlock.unwrap_or(settings.user_may_unlock),
            session: Lifetime {
                mode: self.session_mode.unwrap_or(settings.session.mode),
                minutes: self.session_minutes.unwrap_or(settings.session.minutes),
            },
            automatic_balance: self.automatic_balance.unwrap_or(settings.automatic_balance),
            ..settings
        }
    }
}
