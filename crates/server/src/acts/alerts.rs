//! An operator's command about low-balance alerts.

use super::Desk;
use super::balances::NamedBalance;
use crate::failure::Failure;
use app::alerts::alert_json;
use app::audit::Operator;
use app::balances::{PartnerBalance, partner_balance_json};
use clap::Args;
use domain::alert::{ADDRESSES_MAX, MailAddress, Rule};
use domain::money::Amount;
use domain::scope::Scope;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::alerts::Alert;

/// Who is to be told that a partner's own balance runs low.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SetAlert {
    #[command(flatten)]
    pub(crate) balance: NamedBalance,
    /// Tell when less than this can be spent, in minor units: 100000 is 1000.00 EUR
    #[arg(long, requires = "to", conflicts_with = "off",
        value_parser = clap::value_parser!(i64).range(0..))]
    pub(crate) below: Option<i64>,
    /// Whom to tell: an e-mail address; may be given several times
    #[arg(long, requires = "below", value_name = "ADDRESS")]
    pub(crate) to: Vec<String>,
    /// Tell nobody
    #[arg(long)]
    pub(crate) off: bool,
}

impl Desk {
    pub(super) async fn set_alert(
        &self,
        operator: &Operator,
        command: SetAlert,
    ) -> Result<Value, Failure> {
        let (partner, balance, _) = self.own_balance(&command.balance).await?;
        let rule = rule(&command)?;
        let warns = rule.is_some() && !self.sends_mail;
        if rule.is_some() || command.off {
            self.app.set_alert(operator, (partner, balance), rule).await?;
        }
        let scope = Scope::platform(partner, "the operator looks");
        let found = self.app.partner_balance(scope, balance).await?;
        let mut answer = with_alert(&found, &self.app.alerts(scope).await?);
        if warns {
            answer["warning"] = "Nobody is told yet: no mail server is configured here. Set \
                smtp.host and smtp.from, and start the server anew."
                .into();
        }
        Ok(answer)
    }
}

/// A partner's own balance as the command line shows it, with its alert.
pub(super) fn with_alert(found: &PartnerBalance, alerts: &[Alert]) -> Value {
    let mut shown = partner_balance_json(found);
    let alert = alerts.iter().find(|alert| alert.balance == found.balance.id);
    shown["alert"] = alert.map_or(Value::Null, alert_json);
    shown
}

/// What the options say; none where they don't set anything.
fn rule(command: &SetAlert) -> Result<Option<Rule>, Failure> {
    let Some(below) = command.below.filter(|_| !command.off) else { return Ok(None) };
    let below = Amount::from_minor(below)
        .map_err(|_| Failure::new("--below must be an amount in minor units, 0 or more."))?;
    let addresses = command.to.iter().map(|text| {
        MailAddress::parse(text).ok_or_else(|| {
            Failure::new(
                "--to must be one e-mail address in ASCII, without a name and without blanks: \
                 ops@example.com.",
            )
        })
    });
    let rule = Rule::new(below, addresses.collect::<Result<_, _>>()?);
    let wrong = || Failure::new(format!("--to must name 1 to {ADDRESSES_MAX} addresses."));
    rule.map(Some).ok_or_else(wrong)
}
