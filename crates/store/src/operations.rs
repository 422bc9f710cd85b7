//! Rows of `operation`: cards that were ordered and are made by a worker.

use crate::db::{Row, Sql, Table, Tx, Type};
use crate::read::corrupt;
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::{BalanceId, CardId, OperationId, PartnerId, UserId};
use domain::operation::Progress;
use domain::scope::Scope;
use uuid::Uuid;

const TABLE: Table = Table {
    name: "operation",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Uuid),
        ("user_id", Type::Int),
        ("corporation", Type::Uuid),
        ("balance_id", Type::Uuid),
        ("config_id", Type::Text),
        ("label", Type::Text),
        ("actor", Type::Text),
        ("address", Type::Text),
        ("request_id", Type::Text),
        ("status", Type::Text),
        ("attempts", Type::Int),
        ("created_at", Type::Time),
    ],
};

const FIND: Sql = Sql("
    select status, card_id, reason
    from operation
    where partner_id = $1 and id = $2 and user_id = $3 and created_at > $4");
/// What was claimed is free again when its lease has ended. A lease that ends far later than one
/// that is given now is of a clock that was set back since, and is as good as ended. Found in a
/// step of its own: as a subquery it could be run more than once, and claim more than it should.
const CLAIM: Sql = Sql("
    with claimable as materialized (
        select partner_id, id
        from operation
        where partner_id = any($1) and finished_at is null
            and (claimed_until is null or claimed_until <= $3 or claimed_until > $6)
        order by created_at
        limit $5
        for no key update skip locked)
    update operation
    set claimed_by = $2, claimed_until = $4, attempts = attempts + 1
    where (partner_id, id) in (select partner_id, id from claimable)
    returning partner_id, id, user_id, corporation, balance_id, config_id, label, actor, address,
        request_id, attempts");
const FINISH: Sql = Sql("
    update operation
    set status = $3, card_id = $4, reason = $5, finished_at = $6
    where partner_id = $1 and id = $2 and finished_at is null");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[FIND, CLAIM, FINISH];

/// A card to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The operation.
    pub id: OperationId,
    /// Who will hold the card.
    pub holder: UserId,
    /// The corporation whose balance it will pay from; none if that is the holder's own.
    pub corporation: Option<Uuid>,
    /// What it will pay from.
    pub balance: BalanceId,
    /// The program that it will be of.
    pub config_id: String,
    /// The owner's name for it.
    pub label: Option<String>,
    /// Who ordered it.
    pub actor: String,
    /// The IP address that the order came from.
    pub address: Option<String>,
    /// The name of the request that ordered it.
    pub request_id: String,
}

/// A claim on work for a limited time.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    /// Whose it is: another name at each claim.
    pub holder: Uuid,
    /// When it begins.
    pub from: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
}

/// An operation that was claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Whose users' card it is.
    pub partner: PartnerId,
    /// What is to be made.
    pub operation: Operation,
    /// How often it was claimed, this time included.
    pub attempts: i64,
}

/// Adds an operation that waits.
pub async fn insert(
    tx: &mut Tx,
    scope: Scope,
    operation: &Operation,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = values![
        scope.partner(),
        operation.id,
        operation.holder,
        operation.corporation,
        operation.balance,
        operation.config_id,
        operation.label,
        operation.actor,
        operation.address,
        operation.request_id,
        Progress::Pending.as_str(),
        0i64,
        now,
    ];
    tx.insert_all(&TABLE, &[row]).await.map(|_| ())
}

/// How far a user's operation is, if it was made after `since`.
pub async fn find(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    id: OperationId,
    since: Timestamp,
) -> Result<Option<Progress>, StoreError> {
    let row = tx.find(&FIND, &[&scope.partner(), &id, &user, &since]).await?;
    row.as_ref().map(read_progress).transpose()
}

/// Claims operations of these partners that nobody is at, oldest first, at most `limit`.
pub async fn claim(
    tx: &mut Tx,
    partners: &[PartnerId],
    lease: &Lease,
    limit: i64,
) -> Result<Vec<Claimed>, StoreError> {
    let partners: Vec<i64> = partners.iter().map(|partner| partner.0).collect();
    // Clocks of two nodes differ by less than a lease.
    let length = lease.until.duration_since(lease.from);
    let beyond = lease.until.checked_add(length).unwrap_or(lease.until);
    let parameters: [&dyn crate::db::ToValue; 6] =
        [&partners, &lease.holder, &lease.from, &lease.until, &limit, &beyond];
    tx.rows(&CLAIM, &parameters).await?.iter().map(read_claimed).collect()
}

/// Ends an operation; `false` if it has ended already, and then nothing is changed.
pub async fn finish(
    tx: &mut Tx,
    scope: Scope,
    id: OperationId,
    progress: &Progress,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let (card, reason) = match progress {
        Progress::Pending => (None, None),
        Progress::Done { card } => (Some(*card), None),
        Progress::Failed { reason } => (None, Some(reason.as_str())),
    };
    let status = progress.as_str();
    let changed = tx.run(&FINISH, &[&scope.partner(), &id, &status, &card, &reason, &now]).await?;
    Ok(changed == 1)
}

fn read_progress(row: &Row) -> Result<Progress, StoreError> {
    match row.get::<String>("status")?.as_str() {
        "PENDING" => Ok(Progress::Pending),
        "DONE" => Ok(Progress::Done { card: CardId(row.get("card_id")?) }),
        "FAILED" => Ok(Progress::Failed { reason: row.get("reason")? }),
        _ => Err(corrupt("status")),
    }
}

fn read_claimed(row: &Row) -> Result<Claimed, StoreError> {
    Ok(Claimed {
        partner: row.get("partner_id")?,
        operation: Operation {
            id: row.get("id")?,
            holder: row.get("user_id")?,
            corporation: row.get("corporation")?,
            balance: row.get("balance_id")?,
            config_id: row.get("config_id")?,
            label: row.get("label")?,
            actor: row.get("actor")?,
            address: row.get("address")?,
            request_id: row.get("request_id")?,
        },
        attempts: row.get("attempts")?,
    })
}
