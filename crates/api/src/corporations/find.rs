//! `GET /lifecycle/v1/corporations/{dcCorporationId}`.

use super::{CorporationJson, TAG};
use crate::Api;
use crate::answer::Done;
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;

/// Shows a corporation.
pub(crate) fn find() -> Endpoint {
    Endpoint::of(nothing, found).about(
        TAG,
        "Show a corporation",
        "`kyb` tells whether it may have balances and cards: `ACCEPTED`.",
    )
}

async fn found(api: Api, head: Head, (): ()) -> Result<Done<CorporationJson>, Problem> {
    let found = api.app.corporation_with_persons(head.scope()?, head.corporation()?).await?;
    Ok(Done::with(&CorporationJson::from(&found)))
}
