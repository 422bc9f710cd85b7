//! An operator's commands about programs.

use super::{Desk, maybe, word};
use crate::failure::Failure;
use app::admins::Manager;
use app::audit::Operator;
use app::programs::{
    Change, Made, USUAL_CARD_CAP, USUAL_HOLD_DAYS, USUAL_LIFETIME_MONTHS, program_json,
};
use app::{Once, Refusal};
use clap::Args;
use domain::gift::{ECOMMERCE_MINOR, GiftProgram};
use domain::limits::Rules;
use domain::money::{Amount, Currency};
use domain::program::{
    Audience, CardType, FxDifferenceTo, Plastic, Port, Product, Program, ProgramState, Scheme,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A program to be.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CreateProgram {
    /// The partner's Issuer-Code
    #[arg(long)]
    pub(crate) partner: String,
    /// The program's configId: ten digits
    #[arg(long)]
    pub(crate) config_id: String,
    /// The processor whose messages its cards obey
    #[arg(long)]
    pub(crate) processor: String,
    /// What its cards are made of
    #[arg(long, value_parser = ["VIRTUAL", "PHYSICAL"])]
    pub(crate) card_type: String,
    /// Cards begin as numbers and may be printed later
    #[arg(long)]
    pub(crate) digital_first: bool,
    /// ISO 4217 code of the currency of its cards' balances
    #[arg(long)]
    pub(crate) currency: String,
    /// The first 6 or 8 digits of its cards' numbers
    #[arg(long)]
    pub(crate) bin: String,
    /// The card network
    #[arg(long, default_value = "MASTERCARD", value_parser = ["MASTERCARD", "VISA"])]
    pub(crate) scheme: String,
    /// Where the money behind a card comes from
    #[arg(long, default_value = "PREPAID", value_parser = ["PREPAID", "DEBIT", "CREDIT"])]
    pub(crate) product: String,
    /// Who it is for
    #[arg(long, default_value = "CONSUMER", value_parser = ["CONSUMER", "BUSINESS"])]
    pub(crate) audience: String,
    /// How many months a card lives
    #[arg(long, default_value_t = USUAL_LIFETIME_MONTHS)]
    pub(crate) lifetime_months: i32,
    /// How many cards an owner may have of it
    #[arg(long, default_value_t = USUAL_CARD_CAP)]
    pub(crate) card_cap: i64,
    /// How many days a hold lasts
    #[arg(long, default_value_t = USUAL_HOLD_DAYS)]
    pub(crate) hold_days: i32,
    /// Who bears a difference between the exchange rates of authorization and clearing
    #[arg(long, default_value = "COMPANY", value_parser = ["COMPANY", "CARDHOLDER"])]
    pub(crate) fx_difference_to: String,
    /// Who makes its cards: we, or nobody here (they are imported)
    #[arg(long, default_value = "BUILTIN", value_parser = ["BUILTIN", "NONE"])]
    #[serde(default = "builtin")]
    pub(crate) port: String,
    /// For anonymous gifts: where the scheme's approval is found
    #[arg(long, value_name = "REFERENCE")]
    pub(crate) gift_approval: Option<String>,
    /// What an e-commerce payment of a gift may have, in minor units
    #[arg(long, value_name = "MINOR", requires = "gift_approval")]
    pub(crate) gift_ecommerce_max: Option<i64>,
}

/// What a command that doesn't name the port means.
fn builtin() -> String {
    Port::Builtin.as_str().to_owned()
}

/// What is to change of a program.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SetProgram {
    /// The code of its partner.
    pub(crate) partner: String,
    /// Its configId.
    pub(crate) config_id: String,
    /// What each of its cards may spend at most: limits and controls, as the API takes them.
    #[serde(default)]
    pub(crate) limits: Option<Map<String, Value>>,
    /// The name of the bureau that makes its cards, and the bureau's name for what it puts on their
    /// chips.
    #[serde(default)]
    pub(crate) plastic: Option<(String, String)>,
    /// A further BIN of its cards.
    #[serde(default)]
    pub(crate) add_bin: Option<String>,
    /// Whether its cards work and new ones may be made.
    #[serde(default)]
    pub(crate) state: Option<String>,
}

/// What makes a program one for anonymous gifts: the approval that it has.
fn gift(
    approval: Option<String>,
    ecommerce_max: Option<i64>,
) -> Result<Option<GiftProgram>, Failure> {
    let amount = Amount::from_minor(ecommerce_max.unwrap_or(ECOMMERCE_MINOR));
    let wrong = |_| app::Error::from(Refusal::GiftProgramInvalid);
    let Some(approval) = approval else { return Ok(None) };
    Ok(Some(GiftProgram { approval, ecommerce_max: amount.map_err(wrong)? }))
}

impl Desk {
    pub(super) async fn create_program(
        &self,
        operator: &Operator,
        command: CreateProgram,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let settings = self.app.settings.get();
        let processor = settings.processor_of_name(&command.processor);
        let processor = processor.ok_or(app::Error::from(Refusal::ProcessorNotFound))?.id;
        let currency = Currency::parse(&command.currency)
            .map_err(|_| Failure::new("--currency must be an ISO 4217 code."))?;
        let program = Program {
            partner: self.partner(&command.partner)?,
            config_id: command.config_id,
            card_type: word("--card-type", CardType::parse, &command.card_type)?,
            digital_first: command.digital_first,
            currency,
            scheme: word("--scheme", Scheme::parse, &command.scheme)?,
            product: word("--product", Product::parse, &command.product)?,
            audience: word("--audience", Audience::parse, &command.audience)?,
            processor,
            bins: vec![command.bin],
            lifetime_months: command.lifetime_months,
            card_cap: command.card_cap,
            hold_days: command.hold_days,
            fx_difference_to: word(
                "--fx-difference-to",
                FxDifferenceTo::parse,
                &command.fx_difference_to,
            )?,
            state: ProgramState::Live,
            port: word("--port", Port::parse, &command.port)?,
            rules: Rules::default(),
            plastic: None,
            gift: gift(command.gift_approval, command.gift_ecommerce_max)?,
        };
        let once = Once::unkept(operator.origin(), |made: &Made| program_json(&made.program));
        Ok(self.app.create_program(Manager::COMMAND_LINE, program, once).await?)
    }

    pub(super) async fn set_program(
        &self,
        operator: &Operator,
        command: SetProgram,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(&command.partner)?;
        let settings = self.app.settings.get();
        let program = settings.program(partner, &command.config_id);
        let program = program.ok_or(app::Error::from(Refusal::ProgramNotFound))?;
        let rules = command.limits.map(|limits| {
            let rules = api::spending::program_rules(&limits, program.currency);
            rules.map_err(|wrong| Failure::new(format!("The limits can't be taken: {wrong}.")))
        });
        let change = Change {
            rules: rules.transpose()?,
            plastic: command.plastic.map(|(bureau, chip_profile)| Plastic { bureau, chip_profile }),
            bin: command.add_bin,
            state: maybe("--state", ProgramState::parse, command.state)?,
        };
        let once = Once::unkept(operator.origin(), program_json);
        Ok(self
            .app
            .change_program(Manager::COMMAND_LINE, (partner, &command.config_id), change, once)
            .await?)
    }
}
