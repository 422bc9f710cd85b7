//! What a partner that holds its users' money is asked of their balances: `/users/{id}/balances`
//! (seeds "Your APIs for us - External Balance"). `{id}` is the user's id, or a corporation's
//! `dcCorporationId`.

use crate::client::{Answer, CallError};
use domain::ids::BalanceId;
use domain::money::Currency;
use serde_json::{Value, json};

/// Where all balances of an owner are, and new ones are linked.
#[must_use]
pub fn path_of_all(owner: &str) -> String {
    format!("/users/{owner}/balances")
}

/// Where one of them is.
#[must_use]
pub fn path(owner: &str, balance: BalanceId) -> String {
    format!("/users/{owner}/balances/{}", balance.0)
}

/// The body that links a balance.
#[must_use]
pub fn link(balance: BalanceId, currency: Currency) -> Value {
    json!({ "balanceId": balance.0, "currency": currency.code() })
}

/// What came of a link that was to be made or undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// It is.
    Done,
    /// The partner says no, by the one title that the seeds have for it: `USER_NOT_FOUND` where it
    /// was to be made, `FORBIDDEN` where it was to be undone. Nothing was done.
    Refused,
    /// Nobody knows: the partner may have done it.
    Unclear,
    /// The partner was never asked.
    NotAsked,
}

impl Came {
    /// The word for it in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Unclear => "unclear",
            Self::NotAsked => "not_asked",
        }
    }
}

/// What an answer to `POST /users/{id}/balances` means.
#[must_use]
pub fn linked(answer: &Result<Answer, CallError>) -> Came {
    came(answer, |status, title| match (status, title) {
        (404, "USER_NOT_FOUND") => Came::Refused,
        (_, _) => Came::Unclear,
    })
}

/// What an answer to `DELETE /users/{id}/balances/{balanceId}` means: what isn't there is gone.
#[must_use]
pub fn unlinked(answer: &Result<Answer, CallError>) -> Came {
    came(answer, |status, title| match (status, title) {
        (404, _) => Came::Done,
        (403, "FORBIDDEN") => Came::Refused,
        (_, _) => Came::Unclear,
    })
}

fn came(answer: &Result<Answer, CallError>, refused: fn(u16, &str) -> Came) -> Came {
    match answer {
        Ok(answer) if (200..300).contains(&answer.status) => Came::Done,
        Ok(answer) => {
            let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            refused(answer.status, problem["title"].as_str().unwrap_or_default())
        }
        Err(CallError::Forbidden | CallError::Connect) => Came::NotAsked,
        Err(CallError::Tls | CallError::Timeout | CallError::Broken | CallError::TooLarge) => {
            Came::Unclear
        }
    }
}

/// What a balance has, in minor units, by the answer to a `GET` of it; none if the answer can't be
/// used.
#[must_use]
pub fn amount(answer: &Answer, currency: Currency) -> Option<i64> {
    amount_of(&body(answer)?, currency)
}

/// What each of these balances has, in their order, by the answer to a `GET` of all of an owner's;
/// none if one of them isn't told, or is told twice. What else is told isn't looked at.
#[must_use]
pub fn amounts(answer: &Answer, of: &[(BalanceId, Currency)]) -> Option<Vec<i64>> {
    let body = body(answer)?;
    let items = body.as_array()?;
    of.iter().map(|(id, currency)| amount_in(items, *id, *currency)).collect()
}

/// As [`amount`], for who removes it: what isn't there has nothing.
#[must_use]
pub fn amount_left(answer: &Answer, currency: Currency) -> Option<i64> {
    if is_gone(answer) { Some(0) } else { amount(answer, currency) }
}

/// As [`amounts`], for who removes them all: what isn't there has nothing.
#[must_use]
pub fn amounts_left(answer: &Answer, of: &[(BalanceId, Currency)]) -> Option<Vec<i64>> {
    if is_gone(answer) {
        return Some(vec![0; of.len()]);
    }
    let body = body(answer)?;
    let items = body.as_array()?;
    let left = |(id, currency): &(BalanceId, Currency)| {
        if named(items, *id).next().is_none() { Some(0) } else { amount_in(items, *id, *currency) }
    };
    of.iter().map(left).collect()
}

/// Whether the partner says that there is no such user or balance.
fn is_gone(answer: &Answer) -> bool {
    let problem: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    answer.status == 404
        && matches!(problem["title"].as_str(), Some("BALANCE_NOT_FOUND" | "USER_NOT_FOUND"))
}

fn body(answer: &Answer) -> Option<Value> {
    if answer.status == 200 { serde_json::from_slice(&answer.body).ok() } else { None }
}

/// What a balance has by a list.
fn amount_in(items: &[Value], id: BalanceId, currency: Currency) -> Option<i64> {
    let mut found = named(items, id);
    match (found.next(), found.next()) {
        (Some(item), None) => amount_of(item, currency),
        (None | Some(_), _) => None,
    }
}

/// The items of a list that are about a balance. The seeds' example and their table name the id
/// differently.
fn named(items: &[Value], id: BalanceId) -> impl Iterator<Item = &Value> {
    items.iter().filter(move |item| {
        let named = item["id"].as_str().or_else(|| item["balanceId"].as_str());
        named.and_then(|named| named.parse().ok()) == Some(id.0)
    })
}

/// A whole number of 64 bits, in this currency and no other.
fn amount_of(told: &Value, currency: Currency) -> Option<i64> {
    let is_same = told["currency"].as_str() == Some(currency.code());
    told["amount"].as_i64().filter(|_| is_same)
}

#[cfg(test)]
mod tests;
