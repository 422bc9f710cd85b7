//! `GET …/verifications`: a user's forms, and those that wait to be decided.

use super::{FormJson, TAG};
use crate::Api;
use crate::answer::{Done, List};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::place;
use domain::ids::VerificationId;

/// Lists a user's forms.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(nothing, listed).about(
        TAG,
        "List a user's KYC forms",
        "The newest first; the newest 200. One page.",
    )
}

/// Lists the forms that wait to be decided.
pub(crate) fn queue() -> Endpoint {
    Endpoint::of(read, queued).about(
        TAG,
        "List the KYC forms that are to be decided",
        "Those of the partner's users, the oldest first. Where forms are checked automatically, \
         one without `referredAt` is decided by itself within seconds, or by an eKYC provider \
         within a day.",
    )
}

type Asked = (i64, Option<VerificationId>);

fn read(call: &Call) -> Result<Asked, Problem> {
    let mut query = call.query();
    let (limit, after) = Call::read_page(&mut query, place());
    query.finish()?;
    Ok((limit, after.map(VerificationId)))
}

async fn listed(api: Api, head: Head, (): ()) -> Result<Done<List<FormJson>>, Problem> {
    let found = api.app.verifications_of(head.scope()?, head.user()?).await?;
    Ok(Done::with(&List::all(&found, FormJson::of)))
}

async fn queued(
    api: Api,
    head: Head,
    (limit, after): Asked,
) -> Result<Done<List<FormJson>>, Problem> {
    let page = api.app.open_verifications(head.scope()?, after, limit).await?;
    Ok(Done::with(&List::page(&page, FormJson::of)))
}
