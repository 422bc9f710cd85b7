//! The checks of what may be spent: program, card, owner, budget (spec "Limits and controls").

use super::{Decline, Facts, Request, original};
use crate::ledger::internal::positive;
use crate::limits::Rules;
use crate::spending::{Asked, Spending};
use crate::transaction::Description;

/// What a request that takes money asks of the limits; nothing for the others.
fn asked<'a>(request: &Request, facts: &Facts<'a>) -> Result<Option<Asked<'a>>, Description> {
    if !request.ask.takes_money() {
        return Ok(None);
    }
    let amount = positive(request.order.amount)?;
    let raises = original(request, facts)?;
    Ok(Some(Asked::of(&request.order, amount, facts.today, raises)))
}

/// A program's limits are ceilings of each of its cards, so they count what the card has spent.
pub(super) fn check_program_limits(request: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    let Some(program) = facts.program else { return Ok(()) };
    let ceilings = program.ceilings();
    check_rules(request, facts, &ceilings, (facts.card_spending, Description::LimitExceed))
}

pub(super) fn check_card_limits(request: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    let card = facts.card_spending;
    check_rules(request, facts, &card.rules, (card, Description::ExceedsAmountLimit))
}

pub(super) fn check_owner_limits(request: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    let owner = facts.owner_spending;
    check_rules(request, facts, &owner.rules, (owner, Description::LimitExceed))
}

fn check_rules(
    request: &Request,
    facts: &Facts<'_>,
    rules: &Rules,
    (spending, exceeded): (&Spending, Description),
) -> Result<(), Decline> {
    let Some(asked) = asked(request, facts)? else { return Ok(()) };
    if !rules.controls.permit(&request.order, asked.raises.is_some()) {
        return Err(Description::TransactionNotPermitted.into());
    }
    if spending.is_within(&rules.limits, &asked) { Ok(()) } else { Err(exceeded.into()) }
}

pub(super) fn check_budget(request: &Request, facts: &Facts<'_>) -> Result<(), Decline> {
    let Some(asked) = asked(request, facts)? else { return Ok(()) };
    let both = [facts.card_spending, facts.owner_spending];
    if both.iter().all(|spending| spending.is_within_budget(&asked)) {
        Ok(())
    } else {
        Err(Description::BudgetExceeded.into())
    }
}
