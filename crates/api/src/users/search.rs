//! `GET /admin/customers?search=` and `GET /admin/customers/{customerId}`.

use super::{TAG, UserJson};
use crate::Api;
use crate::answer::{Done, List, Named};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::{moment, parsed, schema, text, word};
use app::users::{Known, Place, Search};
use domain::search::Meant;
use domain::user::{Kyc, TransactionalLock, UserState};
use serde::Serialize;
use utoipa::ToSchema;

type Reason = Named<TransactionalLock>;

/// A user with what is known beside the profile.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KnownUser)]
pub(super) struct KnownJson {
    #[serde(flatten)]
    user: UserJson,
    /// Why no money may leave their balances.
    transactional_locks: Vec<Reason>,
    /// When they were registered.
    #[schema(format = DateTime)]
    created_at: String,
    /// How often they were changed.
    version: i64,
}

impl From<&Known> for KnownJson {
    fn from(known: &Known) -> Self {
        Self {
            user: UserJson::from(&known.user),
            transactional_locks: known.locks.iter().map(|lock| Named(*lock)).collect(),
            created_at: moment(known.created_at),
            version: known.user.version,
        }
    }
}

/// Finds users by what somebody typed, or lists them.
pub(crate) fn search() -> Endpoint {
    Endpoint::of(read, searched).about(
        TAG,
        "Look for users",
        "Newest first. With `search` those whom it means: by an id, an e-mail address or a \
         telephone number, as a whole; by the last four digits of a card that they have or had; by \
         how the given or the family name begins, or both in either order, without regard to case \
         and signs. Names come in their order, all else by id. `state` and `kyc` must be so too. \
         Where few of many fit, a page may hold less than `limit` of them, even none: only a null \
         `next` tells that it is the last.",
    )
}

/// Finds the user of an id.
pub(crate) fn known() -> Endpoint {
    Endpoint::of(nothing, found).about(
        TAG,
        "Show a user",
        "What the partner told of them, where they and their KYC stand, and the locks of their \
         money.",
    )
}

type Asked = (Search, Option<Place>, i64);

fn read(call: &Call) -> Result<Asked, Problem> {
    let mut query = call.query();
    let meant = query.optional("search", text(255)).map(|text| Meant::by(&text));
    let state = query.optional("state", word(STATES, "must be NEW, VERIFIED or LOCKED"));
    let kyc = query.optional("kyc", word(Kyc::ALL, "must be what may come of KYC"));
    let known = "must be the next of another page";
    let place = parsed(Place::parse, || schema::text(400), known);
    let (limit, after) = Call::read_page(&mut query, place);
    let asked = Search { meant, state, kyc };
    if after.as_ref().is_some_and(|place| !asked.has(place)) {
        query.wrong("after", known);
    }
    query.only(&["search", "state", "kyc", "limit", "after"]);
    query.finish()?;
    Ok((asked, after, limit))
}

/// Those in which a user can be found.
const STATES: &[UserState] = &[UserState::New, UserState::Verified, UserState::Locked];

async fn searched(
    api: Api,
    head: Head,
    (asked, after, limit): Asked,
) -> Result<Done<List<KnownJson>>, Problem> {
    let page = api.app.search_users(head.scope()?, &asked, after, limit).await?;
    Ok(Done::with(&List::page(&page, |known| KnownJson::from(known))))
}

async fn found(api: Api, head: Head, (): ()) -> Result<Done<KnownJson>, Problem> {
    let known = api.app.known_user(head.scope()?, head.user()?).await?;
    Ok(Done::with(&KnownJson::from(&known)))
}
