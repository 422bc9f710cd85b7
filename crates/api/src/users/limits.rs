//! `GET|PUT /secure/{customers|corporations}/{id}/limits`, `GET|PUT /customers/me/limits`.

use super::TAG;
use crate::Api;
use crate::answer::{Done, kept};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::spending::{Currencies, LimitsJson, draft, example};
use app::Refusal;
use app::spending::Draft;

/// Shows what a user or a corporation may spend, and has.
pub(crate) fn limits() -> Endpoint {
    Endpoint::of(nothing, shown).about(
        TAG,
        "Show an owner's limits and controls",
        "They are for all balances of the user or the corporation together, each limit in one \
         currency. What a corporation's card pays counts as the corporation's.",
    )
}

/// Sets what a user or a corporation may spend.
pub(crate) fn set_limits() -> Endpoint {
    Endpoint::of(read, set)
        .about(
            TAG,
            "Set an owner's limits and controls",
            "What is sent takes the place of what was there; what isn't sent isn't limited. A new \
             limit counts the whole running period. A user may only tighten what is set.",
        )
        .example(example(Currencies::Told))
        .refuses(&[Refusal::LimitLoosened])
}

fn read(call: &Call) -> Result<Draft, Problem> {
    let mut fields = call.fields()?;
    let draft = draft(&mut fields, Currencies::Told);
    fields.finish()?;
    Ok(draft.unwrap_or_default())
}

async fn shown(api: Api, head: Head, (): ()) -> Result<Done<LimitsJson>, Problem> {
    let found = api.app.owner_limits(head.scope()?, head.owner()?).await?;
    Ok(Done::with(&LimitsJson::from(&found)))
}

async fn set(api: Api, head: Head, draft: Draft) -> Result<Done<LimitsJson>, Problem> {
    let once = head.once(kept::<_, LimitsJson>);
    let limits = (draft, head.caller().setter());
    Ok(Done::kept(api.app.set_owner_limits(head.scope()?, head.owner()?, limits, once).await?))
}
