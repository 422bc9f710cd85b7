//! `/admin/screening/hits…`: who was found on a list, and what a person says of it (spec "Sanctions
//! and watch lists").

use crate::Api;
use crate::answer::{Done, List, Named, NoContent};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{moment, number, place, text, uuid, word};
use app::owners::OwnerName;
use app::page::Page;
use app::screening::{DecideHit, Hit};
use domain::ids::{HitId, UserId};
use domain::screening::cases::{CaseState, HitDecision};
use domain::screening::{BirthMatch, List as ListKind};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// The chapter of the documents.
const TAG: &str = "Screening";

type KindOfList = Named<ListKind>;
type BirthSays = Named<BirthMatch>;
type HitState = Named<CaseState>;

/// Lists the hits that nobody has decided, or all of an owner.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(read, listed).about(
        TAG,
        "List who was found on a list",
        "The hits of the partner's users and corporations that nobody has decided, the oldest \
         first. Their owners have the transactional lock `SCREENING_DETECTED`. With `userId` or \
         `dcCorporationId`, one of the two: all of theirs on one page, decided or not.",
    )
}

/// Decides a hit → 204.
pub(crate) fn decide() -> Endpoint {
    Endpoint::of(read_decision, decided)
        .about(
            TAG,
            "Say who was found",
            "`CLEARED`: somebody else of that name; with the last of an owner's hits the lock \
             goes. `CONFIRMED`: the one on the list; the lock stays. It holds as long as the same \
             is compared, and may be decided again, otherwise.",
        )
        .example(json!({ "state": "CLEARED", "comment": "Born elsewhere." }))
}

/// Somebody of a list who a user, or somebody of a corporation, may be.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScreeningHit)]
struct HitJson {
    /// The hit's id.
    hit_id: Uuid,
    /// The user, if it is one.
    user_id: Option<i64>,
    /// The corporation, if it is one.
    dc_corporation_id: Option<Uuid>,
    /// Who of them: `USER`, `COMPANY`, `REPRESENTATIVE`, `BOARD/1`, `BENEFICIARY/1`, ….
    part: String,
    /// Which list.
    list: KindOfList,
    /// What the list calls the entry.
    entry: String,
    /// That of the entry's names which is most alike, as the list spells it.
    name: String,
    /// How alike, to 100.
    score: u8,
    /// What the birth date says.
    birth: BirthSays,
    /// Where it stands.
    state: HitState,
    /// Whether the partner has given its owner another name since, so that it isn't found any more:
    /// the score is of the name before.
    changed: bool,
    /// When it was found.
    #[schema(format = DateTime)]
    found_at: String,
}

impl HitJson {
    fn of(Hit { kept, owner }: &Hit) -> Self {
        let (user_id, dc_corporation_id) = owner.map(OwnerName::ids).unwrap_or_default();
        let case = &kept.case;
        Self {
            hit_id: kept.id.0,
            user_id,
            dc_corporation_id,
            part: case.part.clone(),
            list: Named(case.list),
            entry: case.entry.clone(),
            name: case.name.clone(),
            score: case.score,
            birth: Named(case.birth),
            state: Named(case.state),
            changed: case.was_changed(),
            found_at: moment(kept.found_at),
        }
    }
}

/// Whose hits, or which page of all that wait.
enum Asked {
    Of(OwnerName),
    Open(i64, Option<HitId>),
}

fn read(call: &Call) -> Result<Asked, Problem> {
    let mut query = call.query();
    let user = query
        .optional("userId", number(1, i64::MAX, "must be an id"))
        .map(|id| OwnerName::User(UserId(id)));
    let corporation = query.optional("dcCorporationId", uuid()).map(OwnerName::Corporation);
    if user.is_some() && corporation.is_some() {
        query.wrong("dcCorporationId", "can't be asked for beside userId");
    }
    let (limit, after) = Call::read_page(&mut query, place());
    query.finish()?;
    let open = Asked::Open(limit, after.map(HitId));
    Ok(user.or(corporation).map_or(open, Asked::Of))
}

async fn listed(api: Api, head: Head, asked: Asked) -> Result<Done<List<HitJson>>, Problem> {
    let page = match asked {
        Asked::Of(owner) => {
            Page { items: api.app.screening_hits_of(head.scope()?, owner).await?, next: None }
        }
        Asked::Open(limit, after) => api.app.open_hits(head.scope()?, after, limit).await?,
    };
    Ok(Done::with(&List::page(&page, HitJson::of)))
}

fn read_decision(call: &Call) -> Result<DecideHit, Problem> {
    let hit = call.hit()?;
    let mut fields = call.fields()?;
    let state = fields.required("state", word(HitDecision::ALL, "must be CLEARED or CONFIRMED"));
    let comment = fields.required("comment", text(500));
    let (Some(state), Some(comment)) = (state, comment) else { return Err(fields.problem()) };
    fields.finish()?;
    let seen = None;
    Ok(DecideHit { hit, state, comment, seen })
}

async fn decided(api: Api, head: Head, command: DecideHit) -> Result<NoContent, Problem> {
    api.app.decide_hit(head.scope()?, command, head.once(|()| Value::Null)).await?;
    Ok(NoContent)
}
