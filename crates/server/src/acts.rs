//! An operator's commands: what they are, and the one function that does them, in a server that
//! was asked through its control socket as well as on the command line without a server.

mod admins;
mod alerts;
mod audit;
mod balances;
mod certificates;
mod corporations;
mod deliveries;
mod ledger;
mod outbound;
mod partners;
mod pin_keys;
mod plastic;
mod processors;
mod programs;
mod screening;
mod trust;
mod verifications;

pub(crate) use admins::{CreateAdmin, ResetAdmin, SetAdmin};
pub(crate) use alerts::SetAlert;
pub(crate) use audit::{VerifyAudit, clean, sentences};
pub(crate) use balances::{ListBalances, MoveMoney, NamedBalance, SumUp};
pub(crate) use certificates::{HolderArgs, ListCertificates, RevokeCertificate, SignCertificate};
pub(crate) use corporations::{DecideCorporation, NamedCorporation};
pub(crate) use deliveries::{
    ListNotifications, ResendNotifications, ResumeNotifications, SendExample,
};
pub(crate) use ledger::{VerifyLedger, verified};
pub(crate) use outbound::{
    CheckArgs, CheckPartner, ImportCertificate, RequestCertificate, ShowSecret,
};
pub(crate) use partners::{CreatePartner, SetPartner};
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
use app::ledger::verify::Tell;
use app::outbound::outbound_json;
use app::partners::partner_json;
use app::programs::program_json;
use app::{App, Clock, Refusal};
use clap::Args;
use crypto::certificates::Authority;
use domain::ids::PartnerId;
use domain::partner::Partner;
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
    /// `partner check`
    CheckPartner(CheckPartner),
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
    ResetAdmin(ResetAdmin),
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
    /// `partner resend`
    ResendNotifications(ResendNotifications),
    /// `partner example`
    SendExample(SendExample),
    /// `ledger verify`
    VerifyLedger(VerifyLedger),
    /// `audit verify`
    VerifyAudit(VerifyAudit),
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
            Act::CheckPartner(command) => self.check_partner(operator, command).await,
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
            Act::ResendNotifications(command) => self.resend_notifications(operator, command).await,
            Act::SendExample(command) => self.send_example(operator, &command).await,
            Act::ListCertificates(command) => self.list_certificates(&command).await,
            Act::MakeRevocationList => self.make_revocation_list().await,
            Act::VerifyLedger(command) => self.verify(command, tell).await,
            Act::VerifyAudit(command) => self.verify_audit(command, tell).await,
            Act::Backup(command) => self.back_up(operator, command).await,
        }
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
