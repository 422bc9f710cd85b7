//! `/users/{id}/balances`: which balances the platform knows, and what they have. Only a partner
//! that holds its users' money is called here.

use super::books::{Balance, Books, Mode, Reply};
use serde::Deserialize;
use serde_json::{Value, json};

/// Nobody's id: the ids of users begin with 1. It stands for any user whom a partner doesn't know;
/// this one knows no users of its own, so all others are good.
const NOBODY: &str = "0";

/// What is linked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    balance_id: String,
    currency: String,
}

impl Books {
    /// `POST /users/{id}/balances`: from now on transactions can come for this balance. It is made
    /// here and now, not when the platform was asked for it: this call comes first.
    ///
    /// The same balance linked again is linked still: what became of the first call may be unknown
    /// to its caller.
    pub(super) fn link(&mut self, user: &str, body: &[u8]) -> Reply {
        let Ok(Link { balance_id, currency }) = serde_json::from_slice(body) else {
            return Reply::client_error("balanceId and currency are needed, as texts.");
        };
        if user == NOBODY {
            return Reply::refused(404, "USER_NOT_FOUND", "There is no such user.");
        }
        let starting = match self.mode {
            Mode::External { starting } => starting,
            Mode::Shared { .. } => 0,
        };
        let new = Balance { user: None, currency: currency.clone(), amount: starting };
        let balance = self.balances.entry(balance_id).or_insert(new);
        let is_free = balance.user.as_deref().is_none_or(|owner| owner == user);
        if !is_free || balance.currency != currency {
            return Reply::client_error("The balance is linked otherwise.");
        }
        balance.user = Some(user.to_owned());
        Reply::done()
    }

    /// `GET /users/{id}/balances/{balanceId}`
    pub(super) fn read(&self, user: &str, id: &str) -> Reply {
        match self.of_user(user, id) {
            Ok(it) => Reply::ok(json!({ "currency": it.currency, "amount": it.amount })),
            Err(refused) => refused,
        }
    }

    /// `GET /users/{id}/balances`: an empty list for a user who has none.
    pub(super) fn list(&self, user: &str) -> Reply {
        let is_theirs = |balance: &Balance| balance.user.as_deref() == Some(user);
        let theirs = self.balances.iter().filter(|(_, balance)| is_theirs(balance));
        let mut theirs: Vec<_> = theirs.collect();
        theirs.sort_by_key(|(id, _)| *id);
        let shown = theirs
            .into_iter()
            .map(|(id, it)| json!({ "id": id, "currency": it.currency, "amount": it.amount }));
        Reply::ok(Value::Array(shown.collect()))
    }

    /// `DELETE /users/{id}/balances/{balanceId}`: no debit comes for it any more. The amount isn't
    /// looked at: the platform has read it and found 0, or it takes back a link of which it was
    /// never told that it was made.
    pub(super) fn unlink(&mut self, user: &str, id: &str) -> Reply {
        if let Err(refused) = self.of_user(user, id) {
            return refused;
        }
        if let Some(balance) = self.balances.get_mut(id) {
            balance.user = None;
        }
        Reply::done()
    }

    fn of_user(&self, user: &str, id: &str) -> Result<&Balance, Reply> {
        let balance = self.balances.get(id).filter(|balance| balance.user.is_some());
        let balance = balance.ok_or_else(not_found)?;
        if balance.user.as_deref() == Some(user) {
            return Ok(balance);
        }
        Err(Reply::refused(403, "FORBIDDEN", "The balance is another user's."))
    }
}

pub(super) fn not_found() -> Reply {
    Reply::refused(404, "BALANCE_NOT_FOUND", "There is no such balance.")
}
