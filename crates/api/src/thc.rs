//! The transaction history core: its records found, listed, written beside and added (spec
//! "Transaction history core").

mod list;
mod record;
mod write;

pub(crate) use list::{list, list_own};
pub(crate) use write::{add, note};

use crate::Api;
use crate::answer::Done;
use crate::call::Head;
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use record::RecordJson;

/// The chapter of the documents.
const TAG: &str = "Transaction history";

/// `GET /thc/transactions/{recordId}`.
pub(crate) fn find() -> Endpoint {
    Endpoint::of(nothing, found).about(
        TAG,
        "Show a record of the history",
        "By its `id`, as an event of `POST /transaction-event` names it.",
    )
}

async fn found(api: Api, head: Head, (): ()) -> Result<Done<RecordJson>, Problem> {
    let found = api.app.history_record(head.scope()?, head.record()?).await?;
    Ok(Done::with(&RecordJson::from(&found)))
}
