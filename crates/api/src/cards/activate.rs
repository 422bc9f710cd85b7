//! `POST /secure/customers/{customerId}/cards/{cardId}/activate`.

use super::TAG;
use crate::Api;
use crate::answer::NoContent;
use crate::call::{Call, Head, NamedCard};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{Reader, parsed, schema};
use app::Refusal;
use app::cards::{CODE_DIGITS, Evidence, More};
use domain::Date;
use serde_json::{Value, json};

/// Activates a card on plastic → 204.
pub(crate) fn activate() -> Endpoint {
    Endpoint::of(read, activated)
        .about(
            TAG,
            "Activate a card on plastic",
            "Who has it in hand tells the last four digits of its number and the month to whose \
             end it works, or the code in its letter. Five wrong tries in a row lock the card \
             (reason 7). A card that is active already stays so.",
        )
        .example(json!({ "lastFourDigits": "1234", "expiry": "2029-11" }))
        .refuses(&[
            Refusal::ActivationDataWrong,
            Refusal::CardLocked,
            Refusal::CardExpired,
            Refusal::CardMadeElsewhere,
        ])
}

fn read(call: &Call) -> Result<(NamedCard, Evidence), Problem> {
    let card = call.named_card()?;
    let mut fields = call.fields()?;
    let last_four = fields.required("lastFourDigits", digits(4));
    let expiry = fields.optional("expiry", month());
    let code = fields.optional("code", digits(CODE_DIGITS));
    fields.demand_one(&["expiry", "code"], "must be there, or code, and not both");
    let more = expiry.map(More::Expiry).or(code.map(More::Code));
    let (Some(last_four), Some(more)) = (last_four, more) else { return Err(fields.problem()) };
    fields.finish()?;
    Ok((card, Evidence { last_four, more }))
}

/// So many digits.
fn digits(count: usize) -> impl Reader<String> {
    let (form, message) = match count {
        4 => ("^[0-9]{4}$", "must be four digits"),
        _ => ("^[0-9]{6}$", "must be six digits"),
    };
    let plain = move |text: &str| {
        let right = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
        right.then(|| text.to_owned())
    };
    parsed(plain, move || schema::pattern(form), message)
}

/// A month, as its first day.
pub(crate) fn month() -> impl Reader<Date> {
    let parse = |text: &str| {
        let day = (text.len() == 7).then(|| format!("{text}-01"))?;
        day.parse::<Date>().ok()
    };
    parsed(parse, || schema::pattern("^[0-9]{4}-[0-9]{2}$"), "must be a month, YYYY-MM")
}

async fn activated(
    api: Api,
    head: Head,
    (card, evidence): (NamedCard, Evidence),
) -> Result<NoContent, Problem> {
    let (scope, once) = (head.scope()?, head.once(|()| Value::Null));
    api.app.activate_card(scope, card.held(&api, scope).await?, evidence, once).await?;
    Ok(NoContent)
}
