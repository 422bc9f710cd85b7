//! An operator's commands: what they are, and the one function that does them, in a server that
//! was asked through its control socket as well as on the command line without a server.

mod admins;
mod alerts;
mod balances;
mod certificates;
mod corporations;
mod deliveries;
mod outbound;
mod pin_keys;
mod plastic;
mod processors;
mod programs;
mod screening;
mod trust;
mod verifications;

pub(crate) use admins::{CreateAdmin, NamedAdmin, SetAdmin};
pub(crate) use alerts::SetAlert;
pub(crate) use balances::{ListBalances, MoveMoney, NamedBalance, SumUp};
pub(crate) use certificates::{HolderArgs, ListCertificates, RevokeCertificate, SignCertificate};
pub(crate) use corporations::{DecideCorporation, NamedCorporation};
pub(crate) use deliveries::{ListNotifications, ResumeNotifications};
pub(crate) use outbound::{ImportCertificate, RequestCertificate, ShowSecret};
pub(crate) use pin_keys::{Digits, ImportPinKey, ListPinKeys, NamedPinKey, bytes};
pub(crate) use plastic::{NamedBureau, OverdueOrders, SetBureau, TakeReport};
pub(crate) use processors::CreateProcessor;
pub(crate) use programs::{CreateProgram, SetProgram};
pub(crate) use screening::{DecideHit, ListHits, LoadList, NamedList};
pub(crate) use trust::SetTrust;
pub(crate) use verifications::DecideVerification;

use crate::backup::Backup;
use crate::failure::Failure;
use crate::folder::Folder;
use crate::master_key::RotateMasterKey;
use crate::secrets::Provider;
use app::audit::Operator;
use app::cards::BinRange;
use app::ledger::verify::{Report, Run, Tell, verify_as};
use app::outbound::{SetOutbound, outbound_json};
use app::partners::{Create, Set, partner_json};
use app::programs::program_json;
use app::{App, Clock, Refusal};
use clap::Args;
use crypto::certificates::Authority;
use domain::Timestamp;
use domain::ids::PartnerId;
use domain::money::Currency;
use domain::partner::{
    CollateralMode, DescriptionCodes, KybBy, KycMode, Partner, PartnerState, Settings,
    UserMayUnlock,
};
use domain::session::SessionMode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// A command.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Act {
    /// `partner create`
    CreatePartner(CreatePartner),
    /// `partner set`
    SetPartner(SetPartner),
    /// `partner list`
    ListPartners,
    /// `partner balance`
    CreateBalance(NamedBalance),
    /// `partner balances`
    ListBalances(ListBalances),
    /// `partner summary`
    SumUp(SumUp),
    /// `partner move`
    MoveMoney(MoveMoney),
    /// `partner alert`
    SetAlert(SetAlert),
    /// `program create`
    CreateProgram(CreateProgram),
    /// `program set`
    SetProgram(SetProgram),
    /// `program list`
    ListPrograms(ListPrograms),
    /// `admin create`
    CreateAdmin(CreateAdmin),
    /// `admin set`
    SetAdmin(SetAdmin),
    /// `admin reset`
    ResetAdmin(NamedAdmin),
    /// `admin list`
    ListAdmins,
    /// `corporation decide`
    DecideCorporation(DecideCorporation),
    /// `corporation show`
    ShowCorporation(NamedCorporation),
    /// Put a list in force that names are looked for on.
    LoadList(LoadList),
    /// Take one away.
    RemoveList(NamedList),
    /// List the lists, and how far names were looked for.
    ListLists,
    /// List those who were found.
    ListHits(ListHits),
    /// Decide one of them.
    DecideHit(DecideHit),
    /// Decide a KYC form.
    DecideVerification(DecideVerification),
    /// `bureau set`
    SetBureau(SetBureau),
    /// `bureau list`
    ListBureaus,
    /// `bureau check`
    CheckBureau(NamedBureau),
    /// `orders run`
    RunOrders,
    /// `orders import`
    TakeReport(TakeReport),
    /// `orders overdue`
    OverdueOrders(OverdueOrders),
    /// `processor create`
    CreateProcessor(CreateProcessor),
    /// `ca sign`
    SignCertificate(SignCertificate),
    /// `keys rotate`
    RotateMasterKey(RotateMasterKey),
    /// `keys rotate-jwe`
    RotateJweKey(RotateJweKey),
    /// `keys import-pin`
    ImportPinKey(ImportPinKey),
    /// `keys remove-pin`
    RemovePinKey(NamedPinKey),
    /// `keys list-pin`
    ListPinKeys(ListPinKeys),
    /// `ca revoke`
    RevokeCertificate(RevokeCertificate),
    /// `ca csr`
    RequestCertificate(RequestCertificate),
    /// `ca import`
    ImportCertificate(ImportCertificate),
    /// `partner trust`
    SetTrust(SetTrust),
    /// `partner secret`
    ShowSecret(ShowSecret),
    /// `ca list`
    ListCertificates(ListCertificates),
    /// `ca crl`
    MakeRevocationList,
    /// `partner notifications`
    ListNotifications(ListNotifications),
    /// `partner resume`
    ResumeNotifications(ResumeNotifications),
    /// `ledger verify`
    VerifyLedger(VerifyLedger),
    /// `backup`
    Backup(Backup),
}

/// How the key that requests are encrypted for is to be replaced.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RotateJweKey {
    /// How many days the replaced key is accepted; 0 ends it at once [default: as configured]
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=365))]
    pub(crate) previous_days: Option<u32>,
}

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
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
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
    /// Which of its balances limits its users: from now on, not what is open
    #[arg(long, value_parser = ["NONE", "CREDIT", "DEPOSIT"])]
    pub(crate) collateral_mode: Option<String>,
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
}

/// A currency, or `none`.
fn automatic(text: String) -> Result<Option<Currency>, Failure> {
    if text == outbound::NONE {
        return Ok(None);
    }
    let wrong = |_| Failure::new("The value of --automatic-balance must be a currency or none.");
    Currency::parse(&text).map(Some).map_err(wrong)
}

/// Whose programs to list.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ListPrograms {
    /// The partner's Issuer-Code
    #[arg(long)]
    pub(crate) partner: String,
}

/// Where commands are done.
#[derive(Clone)]
pub(crate) struct Desk {
    /// The use cases.
    pub(crate) app: App,
    /// The authority, if there is one.
    pub(crate) authority: Option<Arc<Authority>>,
    /// Real time: certificates and JWE keys don't follow the business clock.
    pub(crate) real_time: Clock,
    /// The data folder.
    pub(crate) folder: Arc<Folder>,
    /// What seals the master key in it.
    pub(crate) provider: Arc<Provider>,
    /// How many days a replaced JWE key is accepted, unless the command says.
    pub(crate) jwe_previous_days: u32,
    /// Whether a mail server is configured.
    pub(crate) sends_mail: bool,
}

impl Desk {
    /// Does a command and answers what is to be shown.
    pub(crate) async fn act(&self, operator: &Operator, act: Act) -> Result<Value, Failure> {
        self.act_and_tell(operator, act, &|_| {}).await
    }

    /// As [`Desk::act`]; `tell` is told how far a long command is.
    pub(crate) async fn act_and_tell(
        &self,
        operator: &Operator,
        act: Act,
        tell: Tell<'_>,
    ) -> Result<Value, Failure> {
        match act {
            Act::CreatePartner(command) => self.create_partner(operator, command).await,
            Act::SetPartner(command) => self.set_partner(operator, command).await,
            Act::ListPartners => self.list_partners().await,
            Act::CreateBalance(command) => self.create_balance(operator, command).await,
            Act::ListBalances(command) => self.list_balances(&command).await,
            Act::SumUp(command) => self.sum_up(&command).await,
            Act::MoveMoney(command) => self.move_money(operator, command).await,
            Act::SetAlert(command) => self.set_alert(operator, command).await,
            Act::CreateProgram(command) => self.create_program(operator, command).await,
            Act::SetProgram(command) => self.set_program(operator, command).await,
            Act::ListPrograms(command) => self.list_programs(&command.partner).await,
            Act::CreateAdmin(command) => self.create_admin(operator, command).await,
            Act::SetAdmin(command) => self.set_admin(operator, command).await,
            Act::ResetAdmin(command) => self.reset_admin(operator, &command).await,
            Act::ListAdmins => self.list_admins().await,
            Act::DecideCorporation(command) => self.decide_corporation(operator, command).await,
            Act::ShowCorporation(command) => self.show_corporation(&command).await,
            Act::LoadList(command) => self.load_list(operator, command).await,
            Act::RemoveList(command) => self.remove_list(operator, &command).await,
            Act::ListLists => self.list_lists().await,
            Act::ListHits(command) => self.list_hits(&command).await,
            Act::DecideHit(command) => self.decide_hit(operator, command).await,
            Act::DecideVerification(command) => self.decide_verification(operator, command).await,
            Act::SetBureau(command) => self.set_bureau(operator, command).await,
            Act::ListBureaus => Ok(self.app.bureaus().await?.into()),
            Act::CheckBureau(command) => Ok(self.app.check_bureau(&command.name).await?),
            Act::RunOrders => self.run_orders().await,
            Act::TakeReport(command) => self.take_report(&command).await,
            Act::OverdueOrders(command) => self.overdue_orders(&command).await,
            Act::CreateProcessor(command) => self.create_processor(operator, command).await,
            Act::SignCertificate(command) => self.sign(operator, command).await,
            Act::RotateMasterKey(command) => self.rotate_master_key(operator, &command).await,
            Act::RotateJweKey(command) => self.rotate_jwe_key(operator, command).await,
            Act::ImportPinKey(command) => self.import_pin_key(operator, command).await,
            Act::RemovePinKey(command) => self.remove_pin_key(operator, &command).await,
            Act::ListPinKeys(command) => self.list_pin_keys(&command).await,
            Act::RevokeCertificate(command) => self.revoke(operator, command).await,
            Act::RequestCertificate(command) => self.request_certificate(operator, command).await,
            Act::ImportCertificate(command) => self.import_certificate(operator, command).await,
            Act::SetTrust(command) => self.set_trust(operator, command).await,
            Act::ShowSecret(command) => self.show_secret(operator, &command).await,
            Act::ListNotifications(command) => self.list_notifications(command).await,
            Act::ResumeNotifications(command) => {
                self.resume_notifications(operator, &command).await
            }
            Act::ListCertificates(command) => self.list_certificates(&command).await,
            Act::MakeRevocationList => self.make_revocation_list().await,
            Act::VerifyLedger(command) => self.verify(command, tell).await,
            Act::Backup(command) => self.back_up(operator, command).await,
        }
    }

    async fn create_partner(
        &self,
        operator: &Operator,
        command: CreatePartner,
    ) -> Result<Value, Failure> {
        let settings = Settings {
            kyc_mode: word("--kyc-mode", KycMode::parse, &command.kyc_mode)?,
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

    async fn set_partner(
        &self,
        operator: &Operator,
        command: SetPartner,
    ) -> Result<Value, Failure> {
        let notifications = command.notifications.map(outbound::events).transpose()?;
        let set = Set {
            name: command.name,
            state: maybe("--state", PartnerState::parse, command.state)?,
            kyc_mode: maybe("--kyc-mode", KycMode::parse, command.kyc_mode)?,
            kyb_by: maybe("--kyb-by", KybBy::parse, command.kyb_by)?,
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
        if notifications.is_some() {
            let change = SetOutbound { notifications, ..SetOutbound::default() };
            self.app.set_outbound(operator, partner.id, change).await?;
        }
        Ok(self.partner_json(&partner))
    }

    async fn list_partners(&self) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let settings = self.app.settings.get();
        let partners = settings.partners();
        Ok(partners.into_iter().map(|partner| self.partner_json(partner)).collect())
    }

    async fn list_programs(&self, partner: &str) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(partner)?;
        let settings = self.app.settings.get();
        let mut all = Vec::new();
        for program in settings.programs_of(partner) {
            let mut told = program_json(program);
            let ranges = self.app.bin_ranges(program).await?;
            let range = |it: &BinRange| json!({ "bin": it.bin, "taken": it.taken, "of": it.of });
            told["numbers"] = ranges.iter().map(range).collect();
            all.push(told);
        }
        Ok(all.into())
    }

    async fn verify(&self, command: VerifyLedger, tell: Tell<'_>) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let settings = self.app.settings.get();
        let mut partners: Vec<PartnerId> =
            settings.partners().iter().map(|partner| partner.id).collect();
        partners.push(PartnerId::PLATFORM);
        let run = command.run(self.app.now(), tell);
        let report = verify_as(&self.app.db, &partners, run).await?;
        Ok(verified(&report))
    }

    /// A partner, and how it is called as far as that is known.
    fn partner_json(&self, partner: &Partner) -> Value {
        let mut shown = partner_json(partner);
        if let Some(outbound) = self.app.settings.get().outbound(partner.id) {
            shown["calls"] = outbound_json(outbound);
        }
        shown
    }

    fn partner(&self, code: &str) -> Result<PartnerId, Failure> {
        let settings = self.app.settings.get();
        let partner = settings.partner_of_code(code);
        Ok(partner.ok_or(app::Error::from(Refusal::PartnerNotFound))?.id)
    }
}

/// What is verified.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerifyLedger {
    /// Whether a former run's checkpoint is gone on from.
    pub(crate) incremental: bool,
}

impl VerifyLedger {
    /// A run that keeps a checkpoint; `now` is the business clock's time, or before it.
    pub(crate) fn run(self, now: Timestamp, tell: Tell<'_>) -> Run<'_> {
        Run { is_incremental: self.incremental, keep: Some(now), tell, ..Run::FULL }
    }
}

/// What the verification of a ledger found, as it is shown.
pub(crate) fn verified(report: &Report) -> Value {
    json!({
        "holds": report.holds(), "balances": report.balances,
        "transactions": report.transactions, "faults": report.faults,
    })
}

fn word<T>(option: &str, parse: fn(&str) -> Option<T>, text: &str) -> Result<T, Failure> {
    parse(text).ok_or_else(|| Failure::new(format!("{option} has a value that isn't known.")))
}

fn maybe<T>(
    option: &str,
    parse: fn(&str) -> Option<T>,
    text: Option<String>,
) -> Result<Option<T>, Failure> {
    text.map(|text| word(option, parse, &text)).transpose()
}
