//! `GET …/verifications`: a user's forms, and those of a partner by where they stand.

use super::{FormJson, TAG};
use crate::Api;
use crate::answer::{Done, List};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::{place, word};
use domain::ids::VerificationId;
use domain::verification::VerificationStatus;

/// Lists a user's forms.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(nothing, listed).about(
        TAG,
        "List a user's KYC forms",
        "The newest first; the newest 200. One page.",
    )
}

/// Lists the forms that wait to be decided, or that were.
pub(crate) fn queue() -> Endpoint {
    Endpoint::of(read, queued).about(
        TAG,
        "List KYC forms by where they stand",
        "Those of the partner's users that are to be decided, the oldest first, unless `status` \
         asks for the accepted or the rejected ones: these come the last decided first, and those \
         of removed users are among them until these are erased. Where forms are checked \
         automatically, one without `referredAt` is decided by itself within seconds, or by an \
         eKYC provider within a day.",
    )
}

const STATUSES: &str = "must be IN_PROGRESS, ACCEPTED or REJECTED";

type Asked = (VerificationStatus, i64, Option<VerificationId>);

fn read(call: &Call) -> Result<Asked, Problem> {
    let mut query = call.query();
    let status = query.optional("status", word(VerificationStatus::ALL, STATUSES));
    let (limit, after) = Call::read_page(&mut query, place());
    query.finish()?;
    let status = status.unwrap_or(VerificationStatus::InProgress);
    Ok((status, limit, after.map(VerificationId)))
}

async fn listed(api: Api, head: Head, (): ()) -> Result<Done<List<FormJson>>, Problem> {
    let found = api.app.verifications_of(head.scope()?, head.user()?).await?;
    Ok(Done::with(&List::all(&found, FormJson::of)))
}

async fn queued(
    api: Api,
    head: Head,
    (status, limit, after): Asked,
) -> Result<Done<List<FormJson>>, Problem> {
    let page = api.app.verifications_by_status(head.scope()?, status, after, limit).await?;
    Ok(Done::with(&List::page(&page, FormJson::of)))
}
