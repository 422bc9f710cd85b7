//! What a partner is asked about (spec "Shared authorization", "External balance"): a decision in
//! two halves, with the partner's answer between them.

use super::checks::{BALANCE, CARD, Check, EXPIRY, OWNER, PROGRAM, TRANSACTIONAL_LOCKS, pass};
use super::{Ask, Decision, Decline, Facts, Request, approve_beyond, decision, turned_away};
use crate::ids::TransactionId;
use crate::ledger::Change;
use crate::ledger::release::decline_asked;
use crate::money::Amount;
use crate::transaction::{Asking, Description, Processing, Transaction};

/// What a partner says to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// It agrees, and has booked it.
    Agrees,
    /// It refuses, and has booked nothing.
    Refuses(Description),
    /// It can't be told whether it has booked it: no answer, one that broke off, or one that isn't
    /// in the contract.
    Unclear,
    /// It wasn't reached: it has booked nothing.
    NotAsked,
}

/// What may have changed while the partner thought; limits and money are held since the first half.
const CHECKS_AGAIN: &[Check] = &[CARD, EXPIRY, BALANCE, OWNER, TRANSACTIONAL_LOCKS, PROGRAM];

/// The first half: what all our checks have approved becomes a question. A debit holds its amount
/// meanwhile, so that nobody else spends it; what gives money or raises a hold does nothing yet.
/// Call it for an approval that moves money only.
#[must_use]
pub fn ask(
    id: TransactionId,
    decided: Decision,
    request: &Request,
    facts: &Facts<'_>,
    asking: Asking,
) -> Decision {
    // Should anybody answer from it meanwhile, it is a decline.
    let (processing, why) = (Processing::Asking, Description::PartnerTimeout);
    let Decision { mut change, card, .. } = decided;
    if request.ask == Ask::Debit {
        change.transaction.processing = processing;
        change.transaction.description = why;
    } else {
        change = Change::record(turned_away(id, request, facts, processing, why.into()));
    }
    change.transaction.asking = Some(asking);
    Decision { change, approved: Amount::ZERO, lock: None, card }
}

/// The second half: what the partner said, and whether it still can be. Of a debit what was held is
/// approved or let go; all else is decided as a whole now, code and PIN apart.
#[must_use]
pub fn told(
    asked: &Transaction,
    code: &str,
    request: &Request,
    facts: &Facts<'_>,
    says: Says,
) -> Decision {
    let agreed = match says {
        Says::Agrees => Ok(()),
        Says::Refuses(why) => Err(Decline::from(why)),
        Says::Unclear | Says::NotAsked => Err(Description::PartnerTimeout.into()),
    };
    let agreed = agreed.and_then(|()| pass(CHECKS_AGAIN, request, facts));
    if request.ask != Ask::Debit {
        let amount = agreed.and_then(|()| approve_beyond(request, facts));
        return decision(asked.id, code, request, facts, amount);
    }
    match agreed {
        Ok(()) => {
            let transaction = Transaction {
                processing: Processing::Success,
                description: Description::Approved,
                asking: None,
                changed_at: facts.now,
                ..asked.clone()
            };
            let approved = transaction.held;
            Decision { change: Change::record(transaction), approved, lock: None, card: None }
        }
        Err(Decline { description, lock }) => {
            let declined = decline_asked(asked, facts.accounts, description, facts.now);
            let change = declined.unwrap_or_else(|_| Change::record(asked.clone()));
            Decision { change, approved: Amount::ZERO, lock, card: None }
        }
    }
}
