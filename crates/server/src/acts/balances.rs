//! An operator's commands about partners' own balances.

use super::alerts::with_alert;
use super::{Desk, word};
use crate::failure::Failure;
use app::Refusal;
use app::audit::{Operator, Origin};
use app::balances::{Right, Transfer, partner_balance_json, summary_json};
use clap::Args;
use domain::balance::PartnerBalanceKind;
use domain::ids::{BalanceId, PartnerId};
use domain::money::Currency;
use domain::scope::Scope;
use domain::transaction::TransactionType;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Which balance of which partner's own.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NamedBalance {
    /// The partner's Issuer-Code
    #[arg(long)]
    pub(crate) code: String,
    /// What it is for
    #[arg(long, value_parser = ["COMPANY", "CREDIT", "DEPOSIT", "IBAN_TECHNICAL"])]
    pub(crate) kind: String,
    /// ISO 4217 code of its currency
    #[arg(long)]
    pub(crate) currency: String,
}

/// Whose own balances to list.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ListBalances {
    /// The partner's Issuer-Code
    #[arg(long)]
    pub(crate) code: String,
}

/// Whose balances to sum up.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SumUp {
    /// The partner's Issuer-Code [default: all partners together]
    #[arg(long)]
    pub(crate) code: Option<String>,
}

/// How a partner's own balance is to be loaded or drawn from.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MoveMoney {
    #[command(flatten)]
    pub(crate) balance: NamedBalance,
    /// collateralCredit, collateralDebit (CREDIT, DEPOSIT), companyCredit, companyDebit,
    /// interchangeCredit (COMPANY), ibanTechnicalCredit or ibanTechnicalDebit
    #[arg(long = "type")]
    pub(crate) transaction_type: String,
    /// In minor units: 1250 is 12.50 EUR
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) amount: i64,
    /// What names it: the same type and name moves money once
    #[arg(long)]
    pub(crate) external_id: String,
    /// What it is for, in words
    #[arg(long, default_value = "By the operator")]
    pub(crate) description: String,
}

impl Desk {
    pub(super) async fn create_balance(
        &self,
        operator: &Operator,
        command: NamedBalance,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let (partner, kind, currency) = self.named(&command)?;
        let made = self.app.create_partner_balance(operator, partner, kind, currency).await?;
        Ok(partner_balance_json(&made))
    }

    pub(super) async fn list_balances(&self, command: &ListBalances) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(&command.code)?;
        let scope = Scope::platform(partner, "the operator looks");
        let found = self.app.partner_balances(scope).await?;
        let alerts = self.app.alerts(scope).await?;
        Ok(found.iter().map(|found| with_alert(found, &alerts)).collect())
    }

    pub(super) async fn sum_up(&self, command: &SumUp) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partners = match &command.code {
            Some(code) => vec![self.partner(code)?],
            None => self.app.settings.get().partners().iter().map(|it| it.id).collect(),
        };
        let found = self.app.summary(&partners).await?;
        Ok(found.iter().map(summary_json).collect())
    }

    pub(super) async fn move_money(
        &self,
        operator: &Operator,
        command: MoveMoney,
    ) -> Result<Value, Failure> {
        let (partner, balance, currency) = self.own_balance(&command.balance).await?;
        let kind = word("--type", TransactionType::parse, &command.transaction_type)?;
        let right = Right::needed_for(kind).filter(|right| *right != Right::Partner);
        let right = right.ok_or_else(|| {
            Failure::new("--type must be a transaction of a partner's own balance.")
        })?;
        let asked = Transfer {
            balance,
            kind,
            amount: command.amount,
            currency,
            text: command.description,
            external_id: command.external_id,
            reference_id: None,
            key: None,
            endpoint: None,
            fingerprint: [0; 32],
            origin: Origin {
                actor: operator.0.clone(),
                address: None,
                request_id: "operator".to_owned(),
            },
            right,
        };
        let scope = Scope::platform(partner, "the operator moves a partner's own money");
        let moved = self.app.transfer(scope, asked).await?;
        Ok(json!({
            "transactionId": moved.id.0.to_string(),
            "before": moved.balance_before,
            "after": moved.balance_after,
        }))
    }

    /// A balance of a partner's own that there is: whose, which, and its currency.
    pub(super) async fn own_balance(
        &self,
        named: &NamedBalance,
    ) -> Result<(PartnerId, BalanceId, Currency), Failure> {
        self.app.refresh_settings().await?;
        let (partner, kind, currency) = self.named(named)?;
        let found = self.app.settings.get().partner_balance(partner, kind, currency);
        let balance = found.ok_or(app::Error::Refused(Refusal::BalanceNotFound))?;
        Ok((partner, balance, currency))
    }

    fn named(
        &self,
        command: &NamedBalance,
    ) -> Result<(PartnerId, PartnerBalanceKind, Currency), Failure> {
        let partner = self.partner(&command.code)?;
        let kind = word("--kind", PartnerBalanceKind::parse, &command.kind)?;
        let currency = Currency::parse(&command.currency)
            .map_err(|_| Failure::new("--currency must be an ISO 4217 code."))?;
        Ok((partner, kind, currency))
    }
}
