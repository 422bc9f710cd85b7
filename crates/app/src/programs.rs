//! Programs and processors: create. Both are the operator's, through the control channel.

use crate::audit::{Operator, change_json};
use crate::personalisation::plastic_json;
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::balance::PartnerBalanceKind;
use domain::gift::{self, GiftProgram};
use domain::ids::{PartnerId, ProcessorId};
use domain::limits::Rules;
use domain::program::{Audience, Port, Product, Program, is_bin, is_config_id};
use serde_json::{Value, json};
use store::db::Tx;
use store::programs::Processor;
use store::spending::to_json as rules_json;
use store::{instance, keys, programs};

impl App {
    /// Creates a program; a BIN that is new to the platform gets its keys.
    pub async fn create_program(
        &self,
        operator: &Operator,
        program: Program,
    ) -> Result<Program, Error> {
        check(&program)?;
        self.refresh_settings().await?;
        let settings = self.settings.get();
        settings.processor(program.processor).ok_or(Refusal::ProcessorNotFound)?;
        // The key is unwrapped before the transaction: it may have to be read.
        self.partner_key(program.partner).await?;
        let mut tx = self.db.begin().await?;
        let created = self.create_program_in(&mut tx, operator, &program).await;
        tx.end(created).await?;
        self.refresh_settings().await?;
        Ok(program)
    }

    async fn create_program_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        program: &Program,
    ) -> Result<(), Error> {
        let partner = program.partner;
        // First, since it locks: of two nodes the later one sees the BIN of the earlier.
        instance::raise_settings_version(tx).await?;
        for bin in &program.bins {
            self.take_bin(tx, program, bin).await?;
        }
        if !programs::insert(tx, program, self.now()).await? {
            return Err(Refusal::ProgramAlreadyExists.into());
        }
        let company = PartnerBalanceKind::Company;
        self.insert_partner_balance(tx, partner, company, program.currency).await?;
        let act = ("program.create", program.config_id.as_str(), &program_json(program));
        self.record_act(tx, operator, partner, act).await
    }

    /// Takes a BIN for a program; one that is new to the platform gets its keys. All cards of a BIN
    /// are made by one: else two could have one number, and a number wouldn't tell whose keys its
    /// codes are made with. A BIN whose cards nobody here makes has no keys.
    async fn take_bin(&self, tx: &mut Tx, program: &Program, bin: &str) -> Result<(), Error> {
        let partner = program.partner;
        let is_made_otherwise = |it: &Program| it.port != program.port && has_bin(it, bin);
        if !is_free(&programs::list_bins(tx).await?, bin, partner)
            || programs::list(tx).await?.iter().any(is_made_otherwise)
        {
            return Err(Refusal::BinTaken.into());
        }
        programs::insert_bin(tx, bin, partner).await?;
        if program.port == Port::None {
            return Ok(());
        }
        if keys::find_card_key(tx, partner, bin, "cvc", 0).await?.is_none() {
            self.create_card_keys(tx, partner, bin, self.now()).await?;
        }
        Ok(())
    }

    /// Gives a program a further BIN, for when those before are full; one that it has stays.
    pub async fn add_program_bin(
        &self,
        operator: &Operator,
        (partner, config_id): (PartnerId, &str),
        bin: &str,
    ) -> Result<Program, Error> {
        if !is_bin(bin) {
            return Err(Refusal::ProgramInvalid.into());
        }
        self.partner_key(partner).await?;
        let mut tx = self.db.begin().await?;
        let added = self.add_bin_in(&mut tx, operator, (partner, config_id), bin).await;
        let added = tx.end(added).await?;
        self.refresh_settings().await?;
        Ok(added)
    }

    async fn add_bin_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        (partner, config_id): (PartnerId, &str),
        bin: &str,
    ) -> Result<Program, Error> {
        // First, since it locks: of two nodes the later one sees the BIN of the earlier.
        instance::raise_settings_version(tx).await?;
        let all = programs::list(tx).await?;
        let known = all.into_iter().find(|it| it.partner == partner && it.config_id == config_id);
        let mut program = known.ok_or(Refusal::ProgramNotFound)?;
        if has_bin(&program, bin) {
            return Ok(program);
        }
        self.take_bin(tx, &program, bin).await?;
        let before = json!({ "bins": program.bins });
        program.bins.push(bin.to_owned());
        programs::set_bins(tx, &program).await?;
        let change = change_json(&before, &json!({ "bins": program.bins }));
        self.record_act(tx, operator, partner, ("program.set", config_id, &change)).await?;
        Ok(program)
    }

    /// Sets what each card of a program may spend at most, whatever its own limits are; what stands
    /// open isn't touched.
    pub async fn set_program_rules(
        &self,
        operator: &Operator,
        partner: PartnerId,
        config_id: &str,
        rules: &Rules,
    ) -> Result<Program, Error> {
        let mut tx = self.db.begin().await?;
        let set = self.set_program_rules_in(&mut tx, operator, (partner, config_id), rules).await;
        tx.end(set).await?;
        self.refresh_settings().await?;
        let settings = self.settings.get();
        Ok(settings.program(partner, config_id).ok_or(Refusal::ProgramNotFound)?.clone())
    }

    async fn set_program_rules_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        (partner, config_id): (PartnerId, &str),
        rules: &Rules,
    ) -> Result<(), Error> {
        // First, since it locks: whoever changes settings takes this lock before any other.
        instance::raise_settings_version(tx).await?;
        let all = programs::list(tx).await?;
        let known = all.iter().find(|it| it.partner == partner && it.config_id == config_id);
        let before = &known.ok_or(Refusal::ProgramNotFound)?.rules;
        programs::set_rules(tx, partner, config_id, rules).await?;
        let change = change_json(&rules_json(before), &rules_json(rules));
        self.record_act(tx, operator, partner, ("program.set", config_id, &change)).await
    }

    /// Creates a processor, or finds the one of this name, which must have the same time budget.
    pub async fn create_processor(
        &self,
        operator: &Operator,
        name: &str,
        time_budget_ms: i64,
    ) -> Result<ProcessorId, Error> {
        self.refresh_settings().await?;
        if let Some(known) = self.known_processor(name, time_budget_ms)? {
            return Ok(known);
        }
        let id = self.new_processor_id().await?;
        let processor = Processor { id, name: name.to_owned(), time_budget_ms };
        let mut tx = self.db.begin().await?;
        let created = self.create_processor_in(&mut tx, operator, &processor).await;
        let created = tx.end(created).await;
        self.refresh_settings().await?;
        match created {
            Ok(()) => Ok(id),
            // Another node was faster.
            Err(Error::Refused(Refusal::ProcessorAlreadyExists)) => self
                .known_processor(name, time_budget_ms)?
                .ok_or(Error::broken("a processor that exists can't be read")),
            Err(error) => Err(error),
        }
    }

    fn known_processor(
        &self,
        name: &str,
        time_budget_ms: i64,
    ) -> Result<Option<ProcessorId>, Refusal> {
        match self.settings.get().processor_of_name(name) {
            None => Ok(None),
            Some(known) if known.time_budget_ms == time_budget_ms => Ok(Some(known.id)),
            Some(_) => Err(Refusal::ProcessorAlreadyExists),
        }
    }

    async fn create_processor_in(
        &self,
        tx: &mut Tx,
        operator: &Operator,
        processor: &Processor,
    ) -> Result<(), Error> {
        // First, since it locks: whoever changes settings takes this lock before any other.
        instance::raise_settings_version(tx).await?;
        if !programs::insert_processor(tx, processor, self.now()).await? {
            return Err(Refusal::ProcessorAlreadyExists.into());
        }
        let detail = json!({ "timeBudgetMs": processor.time_budget_ms });
        let act = ("processor.create", processor.name.as_str(), &detail);
        self.record_act(tx, operator, PartnerId::PLATFORM, act).await
    }
}

fn has_bin(program: &Program, bin: &str) -> bool {
    program.bins.iter().any(|it| it == bin)
}

/// Whether a partner may have a BIN. Numbers of two BINs of which one begins the other could be
/// equal, so not even one partner may have both.
fn is_free(taken: &[(String, PartnerId)], bin: &str, partner: PartnerId) -> bool {
    taken.iter().all(|(other, owner)| {
        let overlaps = other.starts_with(bin) || bin.starts_with(other.as_str());
        !overlaps || (other == bin && *owner == partner)
    })
}

/// A program as the command line shows it.
#[must_use]
pub fn program_json(program: &Program) -> Value {
    json!({
        "configId": program.config_id,
        "cardType": program.card_type.as_str(),
        "digitalFirst": program.digital_first,
        "currency": program.currency.code(),
        "scheme": program.scheme.as_str(),
        "product": program.product.as_str(),
        "audience": program.audience.as_str(),
        "bin": program.bins.first(),
        "bins": program.bins,
        "lifetimeMonths": program.lifetime_months,
        "cardCap": program.card_cap,
        "holdDays": program.hold_days,
        "fxDifferenceTo": program.fx_difference_to.as_str(),
        "state": program.state.as_str(),
        "port": program.port.as_str(),
        "rules": rules_json(&program.rules),
        "plastic": program.plastic.as_ref().map(plastic_json),
        "gift": program.gift.as_ref().map(gift_json),
    })
}

fn gift_json(gift: &GiftProgram) -> Value {
    json!({ "approval": gift.approval, "ecommerceMaxMinor": gift.ecommerce_max.minor() })
}

fn check(program: &Program) -> Result<(), Refusal> {
    let anonymous = (program.product, program.audience, program.currency)
        == (Product::Prepaid, Audience::Consumer, gift::CURRENCY);
    if program.gift.as_ref().is_some_and(|gift| !anonymous || !gift.is_sound()) {
        return Err(Refusal::GiftProgramInvalid);
    }
    let is_ours = program.digital_first || program.plastic.is_some() || program.gift.is_some();
    let sound = !(program.port == Port::None && is_ours)
        && is_config_id(&program.config_id)
        && !program.bins.is_empty()
        && program.bins.iter().all(|bin| is_bin(bin))
        && (1..=120).contains(&program.lifetime_months)
        && (1..=1000).contains(&program.card_cap)
        && (1..=30).contains(&program.hold_days);
    if sound { Ok(()) } else { Err(Refusal::ProgramInvalid) }
}
