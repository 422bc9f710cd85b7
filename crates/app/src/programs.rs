//! Programs and processors: create, change. Both are the operator's: through the control channel,
//! or by those of its people who have a panel account.

use crate::admins::Manager;
use crate::audit::{Done, Entry, Operator, Origin, is_remark};
use crate::once::{Once, Turn};
use crate::page::Page;
use crate::partners::platform;
use crate::personalisation::plastic_json;
use crate::refusals::Refusal;
use crate::settings::Snapshot;
use crate::{App, Error};
use domain::balance::PartnerBalanceKind;
use domain::gift::{self, GiftProgram};
use domain::ids::{PartnerId, ProcessorId};
use domain::limits::Rules;
use domain::partner::is_partner_code;
use domain::program::{
    Audience, Plastic, Port, Product, Program, ProgramState, is_bin, is_config_id,
};
use domain::scope::Scope;
use serde_json::{Value, json};
use std::ops::RangeInclusive;
use std::sync::Arc;
use store::db::Tx;
use store::spending::to_json as rules_json;
use store::{instance, keys, programs};

pub use store::programs::Processor;

/// Characters of a processor's name at most.
const NAME_MAX: usize = 64;
/// Characters of a bureau's name for what it puts on chips at most.
const CHIP_PROFILE_MAX: usize = 100;
/// For how many milliseconds a processor may wait for an answer.
const BUDGET_MS: RangeInclusive<i64> = 100..=5_000;

/// How many months a program's cards live, unless the operator says otherwise.
pub const USUAL_LIFETIME_MONTHS: i32 = 36;
/// How many cards an owner may have of it, the same.
pub const USUAL_CARD_CAP: i64 = 10;
/// How many days a hold lasts, the same.
pub const USUAL_HOLD_DAYS: i32 = 7;
/// How long a processor waits for an answer, in milliseconds, the same.
pub const USUAL_BUDGET_MS: i64 = 2_000;

/// What is to change of a program; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// What each of its cards may spend at most, whatever its own limits are; what stands open
    /// isn't touched.
    pub rules: Option<Rules>,
    /// Who makes its cards' plastic.
    pub plastic: Option<Plastic>,
    /// A further BIN, for when those before are full; one that it has stays.
    pub bin: Option<String>,
    /// Whether its cards work and new ones may be made.
    pub state: Option<ProgramState>,
}

/// A program that was made, and the settings in which its partner and its processor are.
#[derive(Clone, Debug)]
pub struct Made {
    /// The program.
    pub program: Program,
    /// Those settings.
    pub settings: Arc<Snapshot>,
}

impl Change {
    fn make(self, program: &mut Program) -> Result<(), Refusal> {
        program.state = self.state.unwrap_or(program.state);
        if let Some(rules) = self.rules {
            program.rules = rules;
        }
        if let Some(plastic) = self.plastic {
            if program.port == Port::None {
                return Err(Refusal::CardMadeElsewhere);
            }
            if !is_remark(&plastic.chip_profile, CHIP_PROFILE_MAX) {
                return Err(Refusal::ProgramInvalid);
            }
            program.plastic = Some(plastic);
        }
        if let Some(bin) = self.bin.filter(|bin| !has_bin(program, bin)) {
            if !is_bin(&bin) {
                return Err(Refusal::ProgramInvalid);
            }
            program.bins.push(bin);
        }
        Ok(())
    }
}

impl App {
    /// Creates a program; a BIN that is new to the platform gets its keys.
    pub async fn create_program(
        &self,
        manager: Manager,
        program: Program,
        once: Once<Made>,
    ) -> Result<Value, Error> {
        let scope = Scope::platform(program.partner, "the operator makes a program");
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let sound = self.check_new(&program).await;
        let mut tx = self.db.begin().await?;
        let created = match sound {
            Ok(settings) => {
                let created = self.create_program_in(&mut tx, manager, program).await;
                created.map(|done| done.map(|program| Made { program, settings }))
            }
            Err(error) => Err(error),
        };
        let answer = self.finish(scope, &once, tx, created).await?;
        self.refresh_settings().await?;
        Ok(answer)
    }

    async fn check_new(&self, program: &Program) -> Result<Arc<Snapshot>, Error> {
        check(program)?;
        self.refresh_settings().await?;
        let settings = self.settings.get();
        settings.processor(program.processor).ok_or(Refusal::ProcessorNotFound)?;
        // The key is unwrapped before the transaction: it may have to be read.
        self.partner_key(program.partner).await?;
        Ok(settings)
    }

    async fn create_program_in(
        &self,
        tx: &mut Tx,
        manager: Manager,
        program: Program,
    ) -> Result<Done<Program>, Error> {
        let partner = program.partner;
        // First, since it locks: of two nodes the later one sees the BIN of the earlier.
        instance::raise_settings_version(tx).await?;
        self.need_manager(tx, manager).await?;
        for bin in &program.bins {
            self.take_bin(tx, &program, bin).await?;
        }
        if !programs::insert(tx, &program, self.now()).await? {
            return Err(Refusal::ProgramAlreadyExists.into());
        }
        let company = PartnerBalanceKind::Company;
        self.insert_partner_balance(tx, partner, company, program.currency).await?;
        let entry = Entry::of("program.create", &program.config_id, program_json(&program));
        Ok(Done::changed(program, entry))
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

    /// Changes a program: all that is told, or nothing.
    pub async fn change_program(
        &self,
        manager: Manager,
        named: (PartnerId, &str),
        change: Change,
        once: Once<Program>,
    ) -> Result<Value, Error> {
        let bureau = change.plastic.as_ref().map(|plastic| plastic.bureau.clone());
        let make = |program: &mut Program| change.make(program);
        self.change_program_by((manager, named), bureau, make, once).await
    }

    /// Changes what each of a program's cards may spend at most: what isn't touched stays, whoever
    /// else changes it meanwhile. The change is told what is there, and may refuse.
    pub async fn change_program_rules(
        &self,
        manager: Manager,
        named: (PartnerId, &str),
        change: impl FnOnce(&mut Rules) -> Result<(), Refusal> + Send,
        once: Once<Program>,
    ) -> Result<Value, Error> {
        let make = |program: &mut Program| change(&mut program.rules);
        self.change_program_by((manager, named), None, make, once).await
    }

    async fn change_program_by(
        &self,
        (manager, named): (Manager, (PartnerId, &str)),
        bureau: Option<String>,
        change: impl FnOnce(&mut Program) -> Result<(), Refusal> + Send,
        once: Once<Program>,
    ) -> Result<Value, Error> {
        let partner = named.0;
        let scope = Scope::platform(partner, "the operator changes a program");
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        // Keys are unwrapped before the transaction: they may have to be read.
        self.partner_key(partner).await?;
        let known = match bureau {
            Some(bureau) => self.bureau(&bureau).await.map(|_| ()),
            None => Ok(()),
        };
        let mut tx = self.db.begin().await?;
        let changed = match known {
            Ok(()) => self.change_program_in(&mut tx, (manager, named), change).await,
            Err(error) => Err(error),
        };
        let answer = self.finish(scope, &once, tx, changed).await?;
        self.refresh_settings().await?;
        Ok(answer)
    }

    async fn change_program_in(
        &self,
        tx: &mut Tx,
        (manager, (partner, config_id)): (Manager, (PartnerId, &str)),
        change: impl FnOnce(&mut Program) -> Result<(), Refusal> + Send,
    ) -> Result<Done<Program>, Error> {
        // First, since it locks: of two nodes the later one sees what the earlier has changed.
        instance::raise_settings_version(tx).await?;
        self.need_manager(tx, manager).await?;
        let all = programs::list(tx).await?;
        let known = all.into_iter().find(|it| it.partner == partner && it.config_id == config_id);
        let before = known.ok_or(Refusal::ProgramNotFound)?;
        let mut program = before.clone();
        change(&mut program)?;
        if program == before {
            return Ok(Done::unchanged(program));
        }
        for bin in program.bins.iter().filter(|bin| !has_bin(&before, bin)) {
            self.take_bin(tx, &program, bin).await?;
        }
        programs::update(tx, &program).await?;
        let (was, is) = (program_json(&before), program_json(&program));
        Ok(Done::changed(program, Entry::changed("program.set", config_id, &was, &is)))
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
        let processor = self.new_processor(name, time_budget_ms).await?;
        let id = processor.id;
        let mut tx = self.db.begin().await?;
        let created = {
            let by = (Manager::COMMAND_LINE, &operator.origin());
            self.create_processor_in(&mut tx, by, &processor).await
        };
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

    /// Creates a processor whose name is free, by somebody with a panel account, once for its key.
    pub async fn create_processor_once(
        &self,
        manager: Manager,
        (name, time_budget_ms): (&str, i64),
        once: Once<Processor>,
    ) -> Result<Value, Error> {
        let scope = platform();
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let processor = self.new_processor(name, time_budget_ms).await;
        let mut tx = self.db.begin().await?;
        let created = match processor {
            Ok(processor) => {
                let by = (manager, &once.origin);
                let created = self.create_processor_in(&mut tx, by, &processor).await;
                // Its record is written already.
                created.map(|()| Done::unchanged(processor))
            }
            Err(error) => Err(error),
        };
        let answer = self.finish(scope, &once, tx, created).await?;
        self.refresh_settings().await?;
        Ok(answer)
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

    async fn new_processor(&self, name: &str, time_budget_ms: i64) -> Result<Processor, Error> {
        if !is_remark(name, NAME_MAX) || !BUDGET_MS.contains(&time_budget_ms) {
            return Err(Refusal::ProcessorInvalid.into());
        }
        let id = self.new_processor_id().await?;
        Ok(Processor { id, name: name.to_owned(), time_budget_ms })
    }

    async fn create_processor_in(
        &self,
        tx: &mut Tx,
        (manager, origin): (Manager, &Origin),
        processor: &Processor,
    ) -> Result<(), Error> {
        // First, since it locks: whoever changes settings takes this lock before any other.
        instance::raise_settings_version(tx).await?;
        self.need_manager(tx, manager).await?;
        if !programs::insert_processor(tx, processor, self.now()).await? {
            return Err(Refusal::ProcessorAlreadyExists.into());
        }
        let detail = json!({ "timeBudgetMs": processor.time_budget_ms });
        let entry = Entry::of("processor.create", &processor.name, detail);
        self.record(tx, PartnerId::PLATFORM, origin, entry).await
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

/// A place in the list of programs: the partner's code and the configId.
pub type Place = (String, String);

/// Reads a place as a page tells it.
#[must_use]
pub fn place(text: &str) -> Option<Place> {
    let (code, config_id) = text.split_once(':')?;
    let fits = is_partner_code(code) && is_config_id(config_id);
    fits.then(|| (code.to_owned(), config_id.to_owned()))
}

/// A page of the programs, each with its partner's code, by both; of one partner, if one is named.
pub fn page(
    settings: &Snapshot,
    partner: Option<&str>,
    after: Option<&Place>,
    limit: i64,
) -> Result<Page<(String, Program), String>, Refusal> {
    if partner.is_some_and(|code| settings.partner_of_code(code).is_none()) {
        return Err(Refusal::PartnerNotFound);
    }
    let after = after.map(|(code, config_id)| (code.as_str(), config_id.as_str()));
    let all = settings.programs_by_code(partner).into_iter();
    let behind = all.filter(|(code, it)| after.is_none_or(|at| (*code, &*it.config_id) > at));
    let rows = behind.map(|(code, program)| (code.to_owned(), program.clone())).collect();
    Ok(Page::of(rows, limit, |(code, program)| format!("{code}:{}", program.config_id)))
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
