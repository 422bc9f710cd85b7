//! KYC forms and their pictures, sealed.

use crate::db::{Row, Sql, Table, Tx, Type};
use crate::read::{corrupt, word, word_or_none};
use crate::{StoreError, values};
use domain::ids::{PartnerId, UserId, VerificationId};
use domain::scope::Scope;
use domain::verification::picture::MediaType;
use domain::verification::{Finding, Reason, Verification, VerificationStatus};
use domain::{Date, Timestamp};

const FORMS: Table = Table {
    name: "verification",
    key: &["partner_id", "id"],
    columns: &[
        ("partner_id", Type::Int),
        ("id", Type::Uuid),
        ("user_id", Type::Int),
        ("status", Type::Text),
        ("findings", Type::Text),
        ("form", Type::Bytes),
        ("created_at", Type::Time),
    ],
};

const IMAGES: Table = Table {
    name: "verification_image",
    key: &["partner_id", "verification_id", "kind"],
    columns: &[
        ("partner_id", Type::Int),
        ("verification_id", Type::Uuid),
        ("kind", Type::Text),
        ("media_type", Type::Text),
        ("image", Type::Bytes),
    ],
};

/// What every reading of forms selects.
macro_rules! select {
    ($rest:literal) => {
        Sql(concat!(
            "select id, user_id, status, reason, findings, created_at, decided_at, referred_at
            from verification
            where partner_id = $1 and ",
            $rest
        ))
    };
}

const BY_ID: Sql = select!("id = $2");
const BY_ID_LOCKED: Sql = select!("id = $2 for no key update");
const OF_USER: Sql = select!("user_id = $2 order by created_at desc, id desc limit 200");
const OPEN: Sql = select!(
    "status = 'IN_PROGRESS' and exists (
            select 1
            from \"user\" u
            where u.partner_id = $1 and u.id = user_id and u.deleted_at is null)
    order by created_at, id
    limit $2"
);
const OPEN_AFTER: Sql = select!(
    "status = 'IN_PROGRESS' and exists (
            select 1
            from \"user\" u
            where u.partner_id = $1 and u.id = user_id and u.deleted_at is null)
        and (created_at, id) > (
            select created_at, id from verification where partner_id = $1 and id = $2)
    order by created_at, id
    limit $3"
);
const DECIDED: Sql = select!(
    "status = $2 and decided_at is not null
    order by decided_at desc, id desc
    limit $3"
);
const DECIDED_AFTER: Sql = select!(
    "status = $2 and decided_at is not null
        and (decided_at, id) < (
            select decided_at, id from verification where partner_id = $1 and id = $3)
    order by decided_at desc, id desc
    limit $4"
);
const TO_CHECK: Sql = select!(
    "status = 'IN_PROGRESS' and referred_at is null and ekyc_view is null and exists (
            select 1
            from \"user\" u
            where u.partner_id = $1 and u.id = user_id and u.deleted_at is null)
    order by created_at, id
    limit $2"
);
const FORM: Sql = Sql("select form from verification where partner_id = $1 and id = $2");
const DECIDED_BY: Sql =
    Sql("select decided_by from verification where partner_id = $1 and id = $2");
const PICTURES: Sql = Sql("
    select kind, media_type, image
    from verification_image
    where partner_id = $1 and verification_id = $2
    order by kind");
const KINDS: Sql = Sql("
    select kind
    from verification_image
    where partner_id = $1 and verification_id = $2
    order by kind");
const PICTURE: Sql = Sql("
    select kind, media_type, image
    from verification_image
    where partner_id = $1 and verification_id = $2 and kind = $3");
const DECIDE: Sql = Sql("
    update verification
    set status = $3, reason = $4, decided_at = $5, decided_by = $6, watched_until = $7
    where partner_id = $1 and id = $2 and status = 'IN_PROGRESS'");
const REFER: Sql = Sql("
    update verification
    set referred_at = $3
    where partner_id = $1 and id = $2 and status = 'IN_PROGRESS' and referred_at is null");
const OPEN_OF_USER: Sql = Sql("
    select id
    from verification
    where partner_id = $1 and user_id = $2 and status = 'IN_PROGRESS' and id <> $3
    limit 1");
const ACCEPTED: Sql = Sql("
    select id, form
    from verification
    where partner_id = $1 and user_id = $2 and status = 'ACCEPTED'
    order by created_at desc, id desc
    limit 10");
const REFER_ALL: Sql = Sql("
    update verification
    set referred_at = $3
    where partner_id = $1 and user_id = $2 and status = 'IN_PROGRESS' and referred_at is null");
const UNWATCH: Sql = Sql("
    update verification
    set watched_until = null
    where partner_id = $1 and user_id = $2 and watched_until is not null");
const UNWATCH_ENDED: Sql = Sql("
    update verification
    set watched_until = null
    where partner_id = $1 and user_id = $2 and watched_until < $3");
const WATCHED: Sql = Sql("
    select distinct user_id
    from verification
    where partner_id = $1 and watched_until < $2
    order by user_id
    limit $3");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[
    BY_ID,
    BY_ID_LOCKED,
    OF_USER,
    OPEN,
    OPEN_AFTER,
    DECIDED,
    DECIDED_AFTER,
    TO_CHECK,
    FORM,
    DECIDED_BY,
    PICTURES,
    KINDS,
    PICTURE,
    DECIDE,
    REFER,
    OPEN_OF_USER,
    ACCEPTED,
    REFER_ALL,
    UNWATCH,
    UNWATCH_ENDED,
    WATCHED,
];

/// A picture, sealed.
#[derive(Clone, Debug)]
pub struct Image {
    /// `imageFace`, `imageFront` or `imageBack`.
    pub kind: String,
    /// What it is.
    pub media_type: MediaType,
    /// The sealed bytes.
    pub sealed: Vec<u8>,
}

/// What a form says and shows, sealed.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Its fields.
    pub form: Vec<u8>,
    /// Its pictures.
    pub images: Vec<Image>,
}

/// Adds a form with its pictures.
pub async fn insert(
    tx: &mut Tx,
    scope: Scope,
    verification: &Verification,
    sealed: &Sealed,
) -> Result<(), StoreError> {
    let findings: Vec<&str> = verification.findings.iter().map(|found| found.as_str()).collect();
    let form = values![
        scope.partner(),
        verification.id,
        verification.user,
        verification.status.as_str(),
        findings.join(" "),
        sealed.form,
        verification.created_at,
    ];
    tx.insert_all(&FORMS, &[form]).await?;
    for image in &sealed.images {
        let media_type = image.media_type.as_str();
        let row = values![scope.partner(), verification.id, image.kind, media_type, image.sealed];
        tx.insert_all(&IMAGES, &[row]).await?;
    }
    Ok(())
}

/// A form.
pub async fn find(
    tx: &mut Tx,
    scope: Scope,
    id: VerificationId,
) -> Result<Option<Verification>, StoreError> {
    tx.find(&BY_ID, &[&scope.partner(), &id]).await?.as_ref().map(read).transpose()
}

/// The same, locked until the transaction ends; its user is locked before.
pub async fn find_locked(
    tx: &mut Tx,
    scope: Scope,
    id: VerificationId,
) -> Result<Option<Verification>, StoreError> {
    tx.find(&BY_ID_LOCKED, &[&scope.partner(), &id]).await?.as_ref().map(read).transpose()
}

/// A user's forms, the newest first; 200 at most.
pub async fn list_of_user(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
) -> Result<Vec<Verification>, StoreError> {
    tx.rows(&OF_USER, &[&scope.partner(), &user]).await?.iter().map(read).collect()
}

/// The forms of users who are there that are to be decided, the oldest first: those after one of
/// them, or from the beginning on.
pub async fn list_open(
    tx: &mut Tx,
    scope: Scope,
    after: Option<VerificationId>,
    limit: i64,
) -> Result<Vec<Verification>, StoreError> {
    let partner = scope.partner();
    let rows = match after {
        None => tx.rows(&OPEN, &[&partner, &limit]).await?,
        Some(after) => tx.rows(&OPEN_AFTER, &[&partner, &after, &limit]).await?,
    };
    rows.iter().map(read).collect()
}

/// The forms of which this was decided, the last decided first: those after one of them, or from
/// the beginning on. Those of users who were removed are among them until these are erased.
pub async fn list_decided(
    tx: &mut Tx,
    scope: Scope,
    (status, after): (VerificationStatus, Option<VerificationId>),
    limit: i64,
) -> Result<Vec<Verification>, StoreError> {
    let (partner, status) = (scope.partner(), status.as_str());
    let rows = match after {
        None => tx.rows(&DECIDED, &[&partner, &status, &limit]).await?,
        Some(after) => tx.rows(&DECIDED_AFTER, &[&partner, &status, &after, &limit]).await?,
    };
    rows.iter().map(read).collect()
}

/// The forms that are to be decided and that the automatic check hasn't looked at: it has left them
/// neither to a person nor to a provider.
pub async fn list_to_check(
    tx: &mut Tx,
    partner: PartnerId,
    limit: i64,
) -> Result<Vec<Verification>, StoreError> {
    tx.rows(&TO_CHECK, &[&partner, &limit]).await?.iter().map(read).collect()
}

/// What a form says, sealed.
pub async fn form(
    tx: &mut Tx,
    scope: Scope,
    id: VerificationId,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row = tx.find(&FORM, &[&scope.partner(), &id]).await?;
    row.map(|row| row.get("form")).transpose()
}

/// Who has decided a form, as their audit record names them; nobody as long as it is open.
pub async fn decided_by(
    tx: &mut Tx,
    scope: Scope,
    id: VerificationId,
) -> Result<Option<String>, StoreError> {
    let row = tx.find(&DECIDED_BY, &[&scope.partner(), &id]).await?;
    row.map_or(Ok(None), |row| row.get("decided_by"))
}

/// Which pictures a form has.
pub async fn kinds(
    tx: &mut Tx,
    scope: Scope,
    id: VerificationId,
) -> Result<Vec<String>, StoreError> {
    let rows = tx.rows(&KINDS, &[&scope.partner(), &id]).await?;
    rows.iter().map(|row| row.get("kind")).collect()
}

/// A form's pictures.
pub async fn pictures(
    tx: &mut Tx,
    scope: Scope,
    id: VerificationId,
) -> Result<Vec<Image>, StoreError> {
    let rows = tx.rows(&PICTURES, &[&scope.partner(), &id]).await?;
    rows.iter().map(read_image).collect()
}

/// One of them.
pub async fn picture(
    tx: &mut Tx,
    scope: Scope,
    id: VerificationId,
    kind: &str,
) -> Result<Option<Image>, StoreError> {
    let row = tx.find(&PICTURE, &[&scope.partner(), &id, &kind]).await?;
    row.as_ref().map(read_image).transpose()
}

/// Writes what was decided of a form that was read locked, by whom, and until which day its
/// document is watched.
pub async fn decide(
    tx: &mut Tx,
    scope: Scope,
    form: &Verification,
    (by, watched_until): (&str, Option<Date>),
) -> Result<(), StoreError> {
    let changed = tx
        .run(
            &DECIDE,
            &[
                &scope.partner(),
                &form.id,
                &form.status.as_str(),
                &form.reason.map(Reason::as_str),
                &form.decided_at,
                &by,
                &watched_until,
            ],
        )
        .await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Leaves a form to a person; `false` if it is decided or left already.
pub async fn refer(
    tx: &mut Tx,
    scope: Scope,
    id: VerificationId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(tx.run(&REFER, &[&scope.partner(), &id, &now]).await? == 1)
}

/// Whether another form of a user is still to be decided.
pub async fn others_open(
    tx: &mut Tx,
    scope: Scope,
    form: &Verification,
) -> Result<bool, StoreError> {
    let found = tx.find(&OPEN_OF_USER, &[&scope.partner(), &form.user, &form.id]).await?;
    Ok(found.is_some())
}

/// What the newest accepted forms of a user say, sealed.
pub async fn accepted(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
) -> Result<Vec<(VerificationId, Vec<u8>)>, StoreError> {
    let rows = tx.rows(&ACCEPTED, &[&scope.partner(), &user]).await?;
    rows.iter().map(|row| Ok((VerificationId(row.get("id")?), row.get("form")?))).collect()
}

/// Leaves all forms of a user who is removed to a person, who doesn't see them either: nobody has
/// to step over them.
pub async fn refer_all(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.run(&REFER_ALL, &[&scope.partner(), &user, &now]).await.map(|_| ())
}

/// Watches no document of a user any more.
pub async fn unwatch(tx: &mut Tx, scope: Scope, user: UserId) -> Result<(), StoreError> {
    tx.run(&UNWATCH, &[&scope.partner(), &user]).await.map(|_| ())
}

/// Watches no document any more of a user who was locked that has ended before a day; whether there
/// was one.
pub async fn unwatch_ended(
    tx: &mut Tx,
    scope: Scope,
    user: UserId,
    today: Date,
) -> Result<bool, StoreError> {
    Ok(tx.run(&UNWATCH_ENDED, &[&scope.partner(), &user, &today]).await? > 0)
}

/// Users whose watched document has ended before a day.
pub async fn list_ended(
    tx: &mut Tx,
    scope: Scope,
    today: Date,
    limit: i64,
) -> Result<Vec<UserId>, StoreError> {
    let rows = tx.rows(&WATCHED, &[&scope.partner(), &today, &limit]).await?;
    rows.iter().map(|row| row.get("user_id").map(UserId)).collect()
}

fn read(row: &Row) -> Result<Verification, StoreError> {
    let findings = row.get::<String>("findings")?;
    let finding = |word| Finding::parse(word).ok_or_else(|| corrupt("findings"));
    Ok(Verification {
        id: VerificationId(row.get("id")?),
        user: UserId(row.get("user_id")?),
        status: word(row, "status", VerificationStatus::parse)?,
        reason: word_or_none(row, "reason", Reason::parse)?,
        findings: findings.split_ascii_whitespace().map(finding).collect::<Result<_, _>>()?,
        created_at: row.get("created_at")?,
        decided_at: row.get("decided_at")?,
        referred_at: row.get("referred_at")?,
    })
}

fn read_image(row: &Row) -> Result<Image, StoreError> {
    Ok(Image {
        kind: row.get("kind")?,
        media_type: word(row, "media_type", MediaType::parse)?,
        sealed: row.get("image")?,
    })
}
