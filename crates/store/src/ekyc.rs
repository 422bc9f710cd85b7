//! Forms that an eKYC provider is asked about: columns of `verification`.

use crate::StoreError;
use crate::db::{Row, Sql, ToValue, Tx};
use crate::operations::Lease;
use crate::read::word;
use domain::Timestamp;
use domain::ids::{PartnerId, VerificationId};
use domain::scope::Scope;
use domain::verification::provider::View;

const HAND_OVER: Sql = Sql("
    update verification
    set ekyc_view = $3, ekyc_since = $4, ekyc_next_at = $4, ekyc_attempts = 0
    where partner_id = $1 and id = $2 and status = 'IN_PROGRESS' and referred_at is null
        and ekyc_view is null");
/// What was claimed is free again when its lease has ended; see [`crate::operations`].
const CLAIM: Sql = Sql("
    with claimable as materialized (
        select partner_id, id
        from verification v
        where partner_id = any($1) and status = 'IN_PROGRESS' and referred_at is null
            and ekyc_next_at <= $3 and ekyc_since <= $7
            and (claimed_until is null or claimed_until <= $3 or claimed_until > $6)
            and exists (
                select 1
                from \"user\" u
                where u.partner_id = v.partner_id and u.id = v.user_id and u.deleted_at is null)
        order by ekyc_next_at
        limit $5
        for no key update skip locked)
    update verification
    set claimed_by = $2, claimed_until = $4, ekyc_attempts = ekyc_attempts + 1
    where (partner_id, id) in (select partner_id, id from claimable)
    returning partner_id, id, ekyc_view, ekyc_since, ekyc_attempts, ekyc_taken_at");
const ASK_LATER: Sql = Sql("
    update verification
    set ekyc_next_at = $4, ekyc_attempts = $5, ekyc_taken_at = $6, claimed_by = null,
        claimed_until = null
    where partner_id = $1 and id = $2 and claimed_by = $3");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[HAND_OVER, CLAIM, ASK_LATER];

/// A form that was claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Whose user's it is.
    pub partner: PartnerId,
    /// The form.
    pub id: VerificationId,
    /// What the built-in check thinks of it.
    pub view: View,
    /// Since when a provider is to be asked.
    pub since: Timestamp,
    /// How often it was asked since it answered anything else, this time included.
    pub attempts: i64,
    /// Since when the provider has it in work; none while it may not have it.
    pub taken_at: Option<Timestamp>,
}

/// Leaves a form to a provider; `false` if it is decided or left already.
pub async fn hand_over(
    tx: &mut Tx,
    scope: Scope,
    id: VerificationId,
    view: View,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let view = view.as_str();
    Ok(tx.run(&HAND_OVER, &[&scope.partner(), &id, &view, &now]).await? == 1)
}

/// Claims forms of these partners whose provider is to be asked, those that wait longest first: of
/// those that were handed over by `handed_over`, at most `limit`.
pub async fn claim(
    tx: &mut Tx,
    partners: &[PartnerId],
    lease: &Lease,
    handed_over: Timestamp,
    limit: i64,
) -> Result<Vec<Claimed>, StoreError> {
    let partners: Vec<i64> = partners.iter().map(|partner| partner.0).collect();
    // Clocks of two nodes differ by less than a lease.
    let length = lease.until.duration_since(lease.from);
    let beyond = lease.until.checked_add(length).unwrap_or(lease.until);
    let parameters: [&dyn ToValue; 7] =
        [&partners, &lease.holder, &lease.from, &lease.until, &limit, &beyond, &handed_over];
    tx.rows(&CLAIM, &parameters).await?.iter().map(read).collect()
}

/// Gives a claimed form back, with what is known of it now, to be asked about at a time; nothing is
/// changed if somebody else has claimed it since.
pub async fn ask_later(
    tx: &mut Tx,
    form: &Claimed,
    lease: &Lease,
    next_at: Timestamp,
) -> Result<(), StoreError> {
    let parameters: [&dyn ToValue; 6] =
        [&form.partner, &form.id, &lease.holder, &next_at, &form.attempts, &form.taken_at];
    tx.run(&ASK_LATER, &parameters).await.map(|_| ())
}

fn read(row: &Row) -> Result<Claimed, StoreError> {
    Ok(Claimed {
        partner: row.get("partner_id")?,
        id: VerificationId(row.get("id")?),
        view: word(row, "ekyc_view", View::parse)?,
        since: row.get("ekyc_since")?,
        attempts: row.get("ekyc_attempts")?,
        taken_at: row.get("ekyc_taken_at")?,
    })
}
