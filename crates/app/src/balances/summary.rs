//! The summary of balances: what users have, and what there is in all (spec "Summary").

use crate::{App, Error};
use domain::ids::PartnerId;
use domain::money::Currency;
use domain::scope::Scope;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use store::balances::{self, Sum};

/// What some balances have together, in minor units; beyond 64 bits there is room for all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// What can be spent: posted less held.
    pub amount: i128,
    /// What authorizations hold.
    pub blocked: i128,
}

impl Total {
    fn add(&mut self, sum: &Sum) {
        self.amount += sum.posted - sum.held;
        self.blocked += sum.held;
    }
}

/// What there is in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The currency.
    pub currency: Currency,
    /// All users' balances.
    pub users: Total,
    /// Those, and all of the partners' own.
    pub wallet: Total,
}

/// As the command line shows it.
#[must_use]
pub fn summary_json(found: &Summary) -> Value {
    // JSON's numbers end where 64 bits do; what is beyond is a text.
    let number = |sum: i128| match i64::try_from(sum) {
        Ok(sum) => json!(sum),
        Err(_) => json!(sum.to_string()),
    };
    let total = |Total { amount, blocked }| {
        let (amount, blocked) = (number(amount), number(blocked));
        json!({ "amount": amount, "blockedAmount": blocked })
    };
    json!({
        "currency": found.currency.code(),
        "users": total(found.users),
        "wallet": total(found.wallet),
    })
}

impl App {
    /// What there is in each currency, by code: of these partners together, as of one moment.
    pub async fn summary(&self, partners: &[PartnerId]) -> Result<Vec<Summary>, Error> {
        let scope = |id: &PartnerId| Scope::platform(*id, "the operator looks at what there is");
        self.summed(&partners.iter().map(scope).collect::<Vec<_>>()).await
    }

    /// What a partner and its users have in each currency, by code, as of one moment.
    pub async fn summary_of(&self, scope: Scope) -> Result<Vec<Summary>, Error> {
        self.summed(&[scope]).await
    }

    async fn summed(&self, scopes: &[Scope]) -> Result<Vec<Summary>, Error> {
        let mut tx = self.db.read().await?;
        let read = async {
            let mut sums = Vec::new();
            for scope in scopes {
                sums.extend(balances::sums(&mut tx, *scope).await?);
            }
            Ok::<_, Error>(sums)
        };
        let read = read.await;
        Ok(summaries(&tx.end(read).await?))
    }
}

fn summaries(sums: &[Sum]) -> Vec<Summary> {
    let mut all: BTreeMap<&str, Summary> = BTreeMap::new();
    for sum in sums {
        let (users, wallet) = (Total::default(), Total::default());
        let new = Summary { currency: sum.currency, users, wallet };
        let found = all.entry(sum.currency.code()).or_insert(new);
        found.wallet.add(sum);
        if !sum.is_partners {
            found.users.add(sum);
        }
    }
    all.into_values().collect()
}
