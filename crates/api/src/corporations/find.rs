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
        "`kyb` tells whether it may have balances and cards: `ACCEPTED`; `missing`, what is needed \
         before that: documents by kind, people without an accepted verification by place, and \
         `screening` while somebody of it was found on a list and it isn't decided who that is.",
    )
}

async fn found(api: Api, head: Head, (): ()) -> Result<Done<CorporationJson>, Problem> {
    let found = api.app.shown_corporation(head.scope()?, head.corporation()?).await?;
    Ok(Done::with(&CorporationJson::from(&found)))
}
