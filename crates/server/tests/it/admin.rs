//! What people of a partner and of the operator do under `/admin`: look for users, see their money,
//! learn why a payment was declined.

mod accounts;
mod balances;
mod cards;
mod certificates;
mod customers;
mod exports;
mod notifications;
mod overview;
mod own;
mod partners;
mod programs;
mod reports;
mod transactions;

use crate::support::{Caller, Sandbox};

/// Somebody of a role, signed in: of the sandbox's partner, or of the operator.
async fn signed_in(sandbox: &Sandbox, role: &str) -> Caller {
    let of = (role != "OPERATOR").then_some("sandbox");
    sandbox.admin(role, of).await.sign_in(sandbox).await
}

/// A text as a query has it.
fn quoted(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
