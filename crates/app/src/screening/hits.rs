//! Decide what was found: by a person, with a reason, and for good as long as the same is compared.

use crate::audit::{Operator, Origin};
use crate::owners::{self, OwnerName};
use crate::refusals::Refusal;
use crate::{App, Error};
use domain::ids::{CorporationId, HitId, OwnerId, PartnerId, UserId};
use domain::scope::Scope;
use domain::screening::cases::{CaseState, locks};
use serde_json::{Value, json};
use store::db::Tx;
use store::screening::{self, Kept};
use store::{corporations, users};
use uuid::Uuid;

/// Hits that are listed at once.
const LISTED: i64 = 200;
/// Characters of a comment at most.
const COMMENT_MAX: usize = 500;

/// What is decided of a hit.
#[derive(Clone, Debug)]
pub struct DecideHit {
    /// Which.
    pub hit: HitId,
    /// Whether it is somebody else, or the one on the list.
    pub state: CaseState,
    /// Why.
    pub comment: String,
}

impl App {
    /// The hits of a partner's users and corporations that nobody has decided, the oldest first;
    /// 200 at most.
    pub async fn open_hits(&self, partner: PartnerId) -> Result<Vec<Value>, Error> {
        let scope = Scope::platform(partner, "the operator looks at hits");
        let mut tx = self.db.read().await?;
        let listed = async {
            let mut all = Vec::new();
            for hit in screening::open(&mut tx, scope, LISTED).await? {
                let owner = owner_of(&mut tx, scope, hit.owner).await?;
                all.push(hit_json(&hit, owner));
            }
            Ok::<_, Error>(all)
        };
        let listed = listed.await;
        tx.end(listed).await
    }

    /// Decides a hit. It may be decided again, otherwise.
    pub async fn decide_hit(
        &self,
        operator: &Operator,
        partner: PartnerId,
        command: DecideHit,
    ) -> Result<Value, Error> {
        let length = command.comment.trim().chars().count();
        if !(1..=COMMENT_MAX).contains(&length) || command.comment.chars().any(char::is_control) {
            return Err(Refusal::CommentInvalid.into());
        }
        let scope = Scope::platform(partner, "the operator decides a hit");
        let mut tx = self.db.begin().await?;
        let decided = self.decide_hit_in(&mut tx, scope, operator, command).await;
        let decided = tx.end(decided).await?;
        self.outbox.bell().ring();
        Ok(decided)
    }

    async fn decide_hit_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        operator: &Operator,
        DecideHit { hit: id, state, comment }: DecideHit,
    ) -> Result<Value, Error> {
        let hit = screening::find(tx, scope, id).await?.ok_or(Refusal::HitNotFound)?;
        let name = owner_of(tx, scope, hit.owner).await?.ok_or(Refusal::HitNotFound)?;
        let owner = owners::find_locked(tx, scope, name).await?;
        let known = screening::of_owner(tx, scope, owner.id).await?;
        let before = known.iter().find(|kept| kept.id == id).ok_or(Refusal::HitNotFound)?;
        let mut after = before.clone();
        after.case.state = state;
        after.decided_at = Some(self.now());
        after.decided_by = Some(operator.0.clone());
        after.comment = Some(comment.trim().to_owned());
        screening::put(tx, scope, &after).await?;
        let others = known.iter().filter(|kept| kept.id != id).map(|kept| &kept.case);
        let is = locks(others.chain([&after.case]));
        let origin = Origin {
            actor: operator.0.clone(),
            address: None,
            request_id: crate::ids::random_id().to_string(),
        };
        let lock = self.settle_lock(tx, scope, &owner, (&known, is), &origin.request_id).await?;
        if let Some(entry) = lock {
            self.record(tx, scope.partner(), &origin, entry).await?;
        }
        let digests = self.digests(scope.partner(), format!("hit/{}", id.0));
        let detail = json!({
            "before": before.case.state.as_str(), "after": state.as_str(),
            "owner": owner.object_json(),
            "comment": digests.of("comment", after.comment.as_deref()),
        });
        let act = ("screening.decide", &*id.0.to_string(), &detail);
        self.record_act(tx, operator, scope.partner(), act).await?;
        Ok(hit_json(&after, Some(name)))
    }

    /// What the wire calls a corporation.
    pub(super) async fn name_of_corporation(
        &self,
        scope: Scope,
        id: CorporationId,
    ) -> Result<Option<Uuid>, Error> {
        let mut tx = self.db.read().await?;
        let found = corporations::find_by_id(&mut tx, scope, id).await;
        Ok(tx.end(found).await?.map(|kept| kept.corporation.resource))
    }
}

/// Whose number this is; nobody's who was removed.
async fn owner_of(
    tx: &mut Tx,
    scope: Scope,
    OwnerId(id): OwnerId,
) -> Result<Option<OwnerName>, Error> {
    if let Some(user) = users::find(tx, scope, UserId(id)).await? {
        return Ok(Some(OwnerName::User(user.id)));
    }
    let found = corporations::find_by_id(tx, scope, CorporationId(id)).await?;
    Ok(found.map(|kept| OwnerName::Corporation(kept.corporation.resource)))
}

fn hit_json(hit: &Kept, owner: Option<OwnerName>) -> Value {
    let (user, corporation) = match owner {
        Some(OwnerName::User(id)) => (Some(id.0), None),
        Some(OwnerName::Corporation(name)) => (None, Some(name)),
        None => (None, None),
    };
    json!({
        "id": hit.id.0,
        "userId": user,
        "dcCorporationId": corporation,
        "part": hit.case.part,
        "list": hit.case.list.as_str(),
        "entry": hit.case.entry,
        "name": hit.case.name,
        "score": hit.case.score,
        "birth": hit.case.birth.as_str(),
        "state": hit.case.state.as_str(),
        "foundAt": hit.found_at.to_string(),
        "comment": hit.comment,
    })
}
