//! An operator's commands about partners.

use super::{Desk, maybe, outbound, word};
use crate::failure::Failure;
use app::audit::Operator;
use app::outbound::SetOutbound;
use app::partners::{Create, Set, partner_json};
use clap::Args;
use domain::money::Currency;
use domain::partner::{
    AuthorizationMode, BalanceMode, CollateralMode, DescriptionCodes, KybBy, KycMode, PartnerState,
    Settings, UserMayUnlock,
};
use domain::session::SessionMode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A partner to be.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreatePartner {
    /// Its Issuer-Code: 1 to 64 of a-z, 0-9 and the hyphen
    #[arg(long)]
    pub(crate) code: String,
    /// Its name, for people; the code if it isn't given
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Who decides verifications
    #[arg(long, default_value = "MANUAL", value_parser = ["MANUAL", "AUTOMATIC", "EXTERNAL"])]
    pub(crate) kyc_mode: String,
    /// Who holds its users' money, for ever: we do, or the partner does and is asked. The partner
    /// needs a DEPOSIT then, unless it owns its BIN
    #[arg(long, default_value = "INTERNAL", value_parser = ["INTERNAL", "EXTERNAL"])]
    pub(crate) balance_mode: String,
    /// Whether it owns the range of numbers that its cards have
    #[arg(long)]
    pub(crate) own_bin: bool,
    /// Whether it is asked before a user's balance is debited
    #[arg(long, default_value = "OWN", value_parser = ["OWN", "SHARED"])]
    pub(crate) authorization_mode: String,
    /// Which of its balances limits its users
    #[arg(long, default_value = "NONE", value_parser = ["NONE", "CREDIT", "DEPOSIT"])]
    pub(crate) collateral_mode: String,
    /// Which description codes it is sent
    #[arg(long, default_value = "SEEDS", value_parser = ["SEEDS", "EXTENDED"])]
    pub(crate) description_codes: String,
    /// IANA name of the zone of its days
    #[arg(long, default_value = "Etc/UTC")]
    pub(crate) time_zone: String,
}

/// What is to change of a partner.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SetPartner {
    /// Its Issuer-Code
    #[arg(long)]
    pub(crate) code: String,
    /// Its name, for people
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Whether it may work: the certificates of a closed partner are refused
    #[arg(long, value_parser = ["LIVE", "CLOSED"])]
    pub(crate) state: Option<String>,
    /// Who decides verifications
    #[arg(long, value_parser = ["MANUAL", "AUTOMATIC", "EXTERNAL"])]
    pub(crate) kyc_mode: Option<String>,
    /// Who decides KYB: the operator alone, or the partner's ADMIN as well
    #[arg(long, value_parser = ["OPERATOR", "PARTNER"])]
    pub(crate) kyb_by: Option<String>,
    /// Whether it is asked before a user's balance is debited
    #[arg(long, value_parser = ["OWN", "SHARED"])]
    pub(crate) authorization_mode: Option<String>,
    /// Within how many milliseconds it is to answer when it is asked, 100 to 4700; `none` for as
    /// long as the processor leaves it
    #[arg(long, value_name = "MILLISECONDS")]
    pub(crate) ask_within: Option<String>,
    /// How many questions to it may be open at once on each node
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=1024))]
    pub(crate) asks_at_once: Option<i64>,
    /// How much may be paid with a card a day without its answer, where it gives none, in minor
    /// units of the balance's currency; `none` for nothing
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) stand_in: Option<String>,
    /// Which of its balances limits its users: from now on, not what is open
    #[arg(long, value_parser = ["NONE", "CREDIT", "DEPOSIT"])]
    pub(crate) collateral_mode: Option<String>,
    /// Whether it owns the range of numbers that its cards have
    #[arg(long, value_parser = ["on", "off"])]
    pub(crate) own_bin: Option<String>,
    /// Which description codes it is sent
    #[arg(long, value_parser = ["SEEDS", "EXTENDED"])]
    pub(crate) description_codes: Option<String>,
    /// IANA name of the zone of its days
    #[arg(long)]
    pub(crate) time_zone: Option<String>,
    /// Whether sensitive calls of users' apps need a fresh signature of the device
    #[arg(long, value_parser = ["on", "off"])]
    pub(crate) step_up: Option<String>,
    /// Which locks of their cards users may take off
    #[arg(long, value_parser = ["ALL_REVERSIBLE", "OWN_LOCKS"])]
    pub(crate) user_may_unlock: Option<String>,
    /// What lengthens sessions of users' apps: nothing, or each call, up to 12 hours
    #[arg(long, value_parser = ["FIXED", "SLIDING"])]
    pub(crate) session_mode: Option<String>,
    /// For how many minutes they live
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=720))]
    pub(crate) session_minutes: Option<i64>,
    /// The currency of the balance that users get as soon as they are verified; `none` for none
    #[arg(long, value_name = "CURRENCY")]
    pub(crate) automatic_balance: Option<String>,
    /// What it is told of, separated by commas; `none` for nothing
    #[arg(long, value_delimiter = ',', value_parser = outbound::notifications())]
    pub(crate) notifications: Option<Vec<String>>,
    /// Whether what tells who somebody is, or a one-time password, is encrypted for the key that it
    /// shows at /public-key
    #[arg(long, value_parser = ["on", "off"])]
    pub(crate) encrypt_notifications: Option<String>,
}

/// Milliseconds, or `none`.
fn milliseconds(text: String) -> Result<Option<i64>, Failure> {
    if text == outbound::NONE {
        return Ok(None);
    }
    let told = text.parse().ok().filter(|told| (100..=4_700).contains(told));
    let wrong = "The value of --ask-within must be 100 to 4700 milliseconds or none.";
    told.map(Some).ok_or_else(|| Failure::new(wrong))
}

/// An amount in minor units, or `none`.
fn stand_in(text: String) -> Result<Option<i64>, Failure> {
    if text == outbound::NONE {
        return Ok(None);
    }
    let told = text.parse().ok().filter(|told| *told > 0);
    let wrong = "The value of --stand-in must be an amount in minor units above 0, or none.";
    told.map(Some).ok_or_else(|| Failure::new(wrong))
}

/// A currency, or `none`.
fn automatic(text: String) -> Result<Option<Currency>, Failure> {
    if text == outbound::NONE {
        return Ok(None);
    }
    let wrong = |_| Failure::new("The value of --automatic-balance must be a currency or none.");
    Currency::parse(&text).map(Some).map_err(wrong)
}

impl Desk {
    pub(super) async fn create_partner(
        &self,
        operator: &Operator,
        command: CreatePartner,
    ) -> Result<Value, Failure> {
        let settings = Settings {
            kyc_mode: word("--kyc-mode", KycMode::parse, &command.kyc_mode)?,
            authorization_mode: word(
                "--authorization-mode",
                AuthorizationMode::parse,
                &command.authorization_mode,
            )?,
            balance_mode: word("--balance-mode", BalanceMode::parse, &command.balance_mode)?,
            own_bin: command.own_bin,
            collateral_mode: word(
                "--collateral-mode",
                CollateralMode::parse,
                &command.collateral_mode,
            )?,
            description_codes: word(
                "--description-codes",
                DescriptionCodes::parse,
                &command.description_codes,
            )?,
            time_zone: command.time_zone,
            ..Settings::default()
        };
        let name = command.name.unwrap_or_else(|| command.code.clone());
        let create = Create { code: command.code, name, settings };
        let partner = self.app.create_partner(operator, create).await?;
        Ok(partner_json(&partner))
    }

    pub(super) async fn set_partner(
        &self,
        operator: &Operator,
        command: SetPartner,
    ) -> Result<Value, Failure> {
        let notifications = command.notifications.map(outbound::events).transpose()?;
        let encrypt = command.encrypt_notifications.map(|told| told == "on");
        let set = Set {
            name: command.name,
            state: maybe("--state", PartnerState::parse, command.state)?,
            kyc_mode: maybe("--kyc-mode", KycMode::parse, command.kyc_mode)?,
            kyb_by: maybe("--kyb-by", KybBy::parse, command.kyb_by)?,
            authorization_mode: maybe(
                "--authorization-mode",
                AuthorizationMode::parse,
                command.authorization_mode,
            )?,
            ask_within_ms: command.ask_within.map(milliseconds).transpose()?,
            asks_at_once: command.asks_at_once,
            stand_in: command.stand_in.map(stand_in).transpose()?,
            collateral_mode: maybe(
                "--collateral-mode",
                CollateralMode::parse,
                command.collateral_mode,
            )?,
            description_codes: maybe(
                "--description-codes",
                DescriptionCodes::parse,
                command.description_codes,
            )?,
            own_bin: command.own_bin.map(|told| told == "on"),
            time_zone: command.time_zone,
            step_up: command.step_up.map(|told| told == "on"),
            user_may_unlock: maybe(
                "--user-may-unlock",
                UserMayUnlock::parse,
                command.user_may_unlock,
            )?,
            session_mode: maybe("--session-mode", SessionMode::parse, command.session_mode)?,
            session_minutes: command.session_minutes,
            automatic_balance: command.automatic_balance.map(automatic).transpose()?,
        };
        let partner = self.app.set_partner(operator, &command.code, set).await?;
        if notifications.is_some() || encrypt.is_some() {
            let change = SetOutbound { notifications, encrypt, ..SetOutbound::default() };
            self.app.set_outbound(operator, partner.id, change).await?;
        }
        Ok(self.partner_json(&partner))
    }

    pub(super) async fn list_partners(&self) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let settings = self.app.settings.get();
        let partners = settings.partners();
        Ok(partners.into_iter().map(|partner| self.partner_json(partner)).collect())
    }
}
