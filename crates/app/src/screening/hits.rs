//! Decide what was found: by a person, with a reason, and for good as long as the same is compared.

use crate::audit::{Done, Entry, Operator, Origin, is_remark};
use crate::once::Turn;
use crate::owners::{self, OwnerName};
use crate::page::Page;
use crate::refusals::Refusal;
use crate::{App, Error, Once};
use domain::ids::{CorporationId, HitId, OwnerId, PartnerId, UserId};
use domain::scope::Scope;
use domain::screening::cases::{CaseState, HitDecision, locks};
use serde_json::{Value, json};
use store::db::Tx;
use store::screening::{self, Kept};
use store::{corporations, users};
use uuid::Uuid;

/// Characters of a comment at most.
const COMMENT_MAX: usize = 500;

/// What is decided of a hit.
#[derive(Clone, Debug)]
pub struct DecideHit {
    /// Which.
    pub hit: HitId,
    /// Whether it is somebody else, or the one on the list.
    pub state: HitDecision,
    /// Why.
    pub comment: String,
    /// Where it stood when it was looked at, if that is known: it is refused if somebody has
    /// decided otherwise since.
    pub seen: Option<CaseState>,
}

/// A hit, and whose it is; nobody's who was removed.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The hit.
    pub kept: Kept,
    /// Whose.
    pub owner: Option<OwnerName>,
}

impl App {
    /// The hits of a partner's users and corporations that nobody has decided, the oldest first.
    pub async fn open_hits(
        &self,
        scope: Scope,
        after: Option<HitId>,
        limit: i64,
    ) -> Result<Page<Hit, Uuid>, Error> {
        let mut tx = self.db.read().await?;
        let listed = async {
            let mut all = Vec::new();
            for kept in screening::open(&mut tx, scope, after, limit + 1).await? {
                let owner = owner_of(&mut tx, scope, kept.owner).await?;
                all.push(Hit { kept, owner });
            }
            Ok::<_, Error>(all)
        };
        let listed = listed.await;
        Ok(Page::of(tx.end(listed).await?, limit, |hit| hit.kept.id.0))
    }

    /// How many hits nobody has decided, counted so far.
    pub async fn count_open_hits(&self, scope: Scope, most: i64) -> Result<i64, Error> {
        let mut tx = self.db.read().await?;
        let counted = screening::count_open(&mut tx, scope, most).await;
        Ok(tx.end(counted).await?)
    }

    /// All hits of a user or a corporation, decided or not; none of one that isn't there.
    pub async fn screening_hits_of(
        &self,
        scope: Scope,
        name: OwnerName,
    ) -> Result<Vec<Hit>, Error> {
        let mut tx = self.db.read().await?;
        let found = hits_of(&mut tx, scope, name).await;
        let kept = tx.end(found).await?.into_iter();
        Ok(kept.map(|kept| Hit { kept, owner: Some(name) }).collect())
    }

    /// Decides a hit, in the name of a panel account. It may be decided again, otherwise.
    pub async fn decide_hit(
        &self,
        scope: Scope,
        command: DecideHit,
        once: Once<()>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let result = self.decide_hit_in(&mut tx, scope, &once.origin, command).await;
        let result = result.map(|(_, entries)| Done::unchanged(()).and(entries));
        let answer = self.finish(scope, &once, tx, result).await;
        self.outbox.bell().ring();
        answer
    }

    /// The same in the name of the operator.
    pub async fn decide_hit_as(
        &self,
        operator: &Operator,
        partner: PartnerId,
        command: DecideHit,
    ) -> Result<Hit, Error> {
        if !is_comment(&command.comment) {
            return Err(Refusal::CommentInvalid.into());
        }
        let scope = Scope::platform(partner, "the operator decides a hit");
        let origin = Origin::here(&operator.0);
        let mut tx = self.db.begin().await?;
        let decided = async {
            let (hit, entries) = self.decide_hit_in(&mut tx, scope, &origin, command).await?;
            self.record_all(&mut tx, partner, &origin, entries).await?;
            Ok::<_, Error>(hit)
        };
        let decided = decided.await;
        let decided = tx.end(decided).await?;
        self.outbox.bell().ring();
        Ok(decided)
    }

    async fn decide_hit_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        origin: &Origin,
        DecideHit { hit: id, state, comment, seen }: DecideHit,
    ) -> Result<(Hit, Vec<Entry>), Error> {
        let hit = screening::find(tx, scope, id).await?.ok_or(Refusal::HitNotFound)?;
        let name = owner_of(tx, scope, hit.owner).await?.ok_or(Refusal::HitNotFound)?;
        let owner = owners::find_locked(tx, scope, name).await?;
        let known = screening::of_owner(tx, scope, owner.id).await?;
        let before = known.iter().find(|kept| kept.id == id).ok_or(Refusal::HitNotFound)?;
        if seen.is_some_and(|seen| seen != before.case.state) {
            return Err(Refusal::HitChanged.into());
        }
        let mut after = before.clone();
        after.case.state = match state {
            HitDecision::Cleared => CaseState::Cleared,
            HitDecision::Confirmed => CaseState::Confirmed,
        };
        after.decided_at = Some(self.now());
        after.decided_by = Some(origin.actor.clone());
        after.comment = Some(comment.trim().to_owned());
        screening::put(tx, scope, &after).await?;
        let others = known.iter().filter(|kept| kept.id != id).map(|kept| &kept.case);
        let is = locks(others.chain([&after.case]));
        let lock = self.settle_lock(tx, scope, &owner, (&known, is), &origin.request_id).await?;
        let digests = self.digests(scope.partner(), format!("hit/{}", id.0));
        let detail = json!({
            "before": before.case.state.as_str(), "after": state.as_str(),
            "owner": owner.object_json(),
            "comment": digests.of("comment", after.comment.as_deref()),
        });
        let entries = lock.into_iter().chain([Entry::made("screening.decide", id.0, detail)]);
        Ok((Hit { kept: after, owner: Some(name) }, entries.collect()))
    }
}

/// Whether a text, in one line, can be kept as why a person has decided so.
#[must_use]
pub fn is_comment(text: &str) -> bool {
    is_remark(text, COMMENT_MAX)
}

/// Whose number this is; nobody's who was removed.
async fn hits_of(tx: &mut Tx, scope: Scope, name: OwnerName) -> Result<Vec<Kept>, Error> {
    let owner = match name {
        OwnerName::User(user) => Some(user.into()),
        OwnerName::Corporation(name) => {
            corporations::find(tx, scope, name).await?.map(|kept| kept.corporation.id.into())
        }
    };
    match owner {
        Some(owner) => Ok(screening::of_owner(tx, scope, owner).await?),
        None => Ok(Vec::new()),
    }
}

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

/// A hit as the operator's commands show it.
#[must_use]
pub fn hit_json(Hit { kept: hit, owner }: &Hit) -> Value {
    let (user, corporation) = owner.map(OwnerName::ids).unwrap_or_default();
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
        "changed": hit.case.was_changed(),
        "foundAt": hit.found_at.to_string(),
        "comment": hit.comment,
    })
}
