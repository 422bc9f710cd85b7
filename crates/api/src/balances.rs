//! Balances: create, find, list, look for, lock, unlock, remove, top up, sum up (spec "Balances").

mod create;
mod find;
mod lock;
mod look;
mod remove;
mod summary;
mod transfer;
mod unlock;

pub(crate) use create::{create, create_for, create_of_corporation};
pub(crate) use find::{find, list};
pub(crate) use lock::lock;
pub(crate) use look::look;
pub(crate) use remove::remove;
pub(crate) use summary::{SummaryJson, summary};
pub(crate) use transfer::{transfer, transfer_of_partner, transfer_of_partner_by_person};
pub(crate) use unlock::unlock;

use crate::answer::{Code, Named};
use crate::cards::CardJson;
use domain::balance::{Balance, BalanceState};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The chapter of the documents.
const TAG: &str = "Balances";

type State = Named<BalanceState>;

/// A balance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Balance)]
pub(crate) struct BalanceJson {
    /// Its id.
    balance_id: Uuid,
    /// Its currency.
    currency: Code,
    /// What can be spent now, in minor units; below zero after a forced clearing. Where the partner
    /// holds the money, what its server says; of a balance just made 0.
    amount: i64,
    /// What authorizations hold, in minor units.
    blocked_amount: i64,
    /// Whether it can be used.
    state: State,
    /// Its bank account: not supported yet.
    iban: Option<String>,
    /// Of a gift alone: the program whose card pays from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    config_id: Option<String>,
}

/// A balance with its cards.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BalanceWithCards)]
pub(crate) struct BalanceWithCardsJson {
    #[serde(flatten)]
    balance: BalanceJson,
    /// The cards that pay from it.
    cards: Vec<CardJson>,
}

impl From<&Balance> for BalanceJson {
    fn from(balance: &Balance) -> Self {
        Self {
            balance_id: balance.id.0,
            currency: Code(balance.currency),
            amount: balance.available(),
            blocked_amount: balance.held.minor(),
            state: Named(balance.state),
            iban: None,
            config_id: balance.gift.as_ref().map(|gift| gift.config_id.clone()),
        }
    }
}
