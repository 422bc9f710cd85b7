//! What is erased of users and corporations that were removed long ago: every column that
//! `docs/personal-data.md` calls personal or sealed. Rows stay where the ledger needs them; the
//! rest goes.

use crate::db::{Each, Row, Sql, Tx, Type};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::ids::{BalanceId, CardId, CorporationId, OwnerId, PartnerId, UserId};
use domain::scope::Scope;

const DUE: Sql = Sql("
    select partner_id, id
    from \"user\"
    where deleted_at < $1 and erased_at is null
    order by deleted_at
    limit $2");
const COUNT: Sql = Sql("
    select count(*) as rows
    from (select 1 from \"user\" where deleted_at < $1 and erased_at is null limit 100000) due");
const DUE_CORPORATIONS: Sql = Sql("
    select partner_id, id
    from corporation
    where deleted_at < $1 and erased_at is null
    order by deleted_at
    limit $2");
const COUNT_CORPORATIONS: Sql = Sql("
    select count(*) as rows
    from (
        select 1 from corporation where deleted_at < $1 and erased_at is null limit 100000
    ) due");
const CARDS: Sql = Sql("
    select id, balance_id from card where partner_id = $1 and user_id = $2 order by id");
const CARDS_OF_CORPORATION: Sql = Sql("
    select id, balance_id from card where partner_id = $1 and corporation_id = $2 order by id");
const CORPORATION: Sql = Sql("
    update corporation
    set name = '', registration_number = '', tax_id = null, address = '{}', persons = $4,
        kyb_reference = null, erased_at = $3
    where partner_id = $1 and id = $2 and deleted_at is not null and erased_at is null");
const DOCUMENT: Sql = Sql("
    delete from corporation_document
    where partner_id = $1 and id in (
        select id
        from corporation_document
        where partner_id = $1 and corporation_id = $2
        order by created_at, id
        limit 1)");
const USER: Sql = Sql("
    update \"user\"
    set first_name = '', last_name = '', phone = '', phone_digits = '', email = '',
        email_folded = '', first_name_folded = '', last_name_folded = '', birth_date = '',
        external_id = null, address = null, erased_at = $3
    where partner_id = $1 and id = $2 and deleted_at is not null and erased_at is null");
/// The index of a number stays, a keyed digest: without it a message that comes late would be of no
/// card, and not posted.
const CARD: Sql = Sql("
    update card
    set last_four = '', label = null, pan = $3, pvv = null
    where partner_id = $1 and id = $2 and removed_at is not null");
const ORDERS: Sql = Sql("delete from card_order where partner_id = $1 and card_id = $2");
const IMAGES: Sql = Sql("
    delete from verification_image
    where partner_id = $1 and verification_id in (
        select id from verification where partner_id = $1 and user_id = $2)");
const FORMS: Sql = Sql("delete from verification where partner_id = $1 and user_id = $2");
const SPENDING: Sql = Sql("delete from spending where partner_id = $1 and owner_id = $2");
const HITS: Sql = Sql("delete from screening_hit where partner_id = $1 and owner_id = $2");
const INSTALLATIONS: Sql = Sql("delete from installation where partner_id = $1 and user_id = $2");
const TOLD: Sql = Sql("
    select number, detail
    from outbox
    where partner_id = $1 and stream = $2
        and event in ('verificationInProgress', 'verificationAccepted', 'verificationRejected')
    order by number");
const UNTOLD: Each = Each {
    sql: "update outbox set detail = $3 where partner_id = $1 and number = $2",
    keys: &[Type::Int, Type::Int, Type::Json],
};
const LAST: Sql = Sql("
    select max(number) as last
    from (
        select number
        from \"transaction\"
        where partner_id = $1 and balance_id = $2 and number > $3
        order by number
        limit $4
    ) block");
const TRANSACTIONS: Sql = Sql("
    update \"transaction\"
    set text = '', data = null
    where partner_id = $1 and balance_id = $2 and number > $3 and number <= $4");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[
    DUE,
    DUE_CORPORATIONS,
    COUNT,
    COUNT_CORPORATIONS,
    CARDS,
    CARDS_OF_CORPORATION,
    CORPORATION,
    DOCUMENT,
    USER,
    CARD,
    ORDERS,
    IMAGES,
    FORMS,
    SPENDING,
    HITS,
    INSTALLATIONS,
    TOLD,
    LAST,
    TRANSACTIONS,
];

/// Those that run for each of a set.
pub const EACH: &[Each] = &[UNTOLD];

/// Which of both is erased.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Users.
    Users,
    /// Corporations.
    Corporations,
}

/// Somebody who was removed.
#[derive(Clone, Copy, Debug)]
pub enum Removed {
    /// A user.
    User(UserId),
    /// A corporation.
    Corporation(CorporationId),
}

impl From<Removed> for OwnerId {
    fn from(removed: Removed) -> Self {
        match removed {
            Removed::User(id) => id.into(),
            Removed::Corporation(id) => id.into(),
        }
    }
}

/// Those that were removed before a moment and aren't erased, those that have waited longest first.
pub async fn list_due(
    tx: &mut Tx,
    kind: Kind,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<(PartnerId, Removed)>, StoreError> {
    let sql = match kind {
        Kind::Users => &DUE,
        Kind::Corporations => &DUE_CORPORATIONS,
    };
    let owner = |row: &Row| {
        Ok(match kind {
            Kind::Users => Removed::User(row.get("id")?),
            Kind::Corporations => Removed::Corporation(row.get("id")?),
        })
    };
    let rows = tx.rows(sql, &[&before, &limit]).await?;
    rows.iter().map(|row| Ok((row.get("partner_id")?, owner(row)?))).collect()
}

/// How many there are; 100,000 also where there are more.
pub async fn count_due(tx: &mut Tx, kind: Kind, before: Timestamp) -> Result<i64, StoreError> {
    let sql = match kind {
        Kind::Users => &COUNT,
        Kind::Corporations => &COUNT_CORPORATIONS,
    };
    tx.row(sql, &[&before]).await?.get("rows")
}

/// Erases what the merchants of so many of a balance's transactions have said, from the one after
/// `after`; the caller holds the balance's lock. The number of the last of them, if there are any.
pub async fn erase_transactions(
    tx: &mut Tx,
    scope: Scope,
    (balance, after): (BalanceId, i64),
    limit: i64,
) -> Result<Option<i64>, StoreError> {
    let partner = scope.partner();
    let row = tx.row(&LAST, &[&partner, &balance, &after, &limit]).await?;
    let Some(last) = row.get::<Option<i64>>("last")? else { return Ok(None) };
    tx.run(&TRANSACTIONS, &[&partner, &balance, &after, &last]).await?;
    Ok(Some(last))
}

/// Deletes a document of a corporation, which may have 20 MiB; whether there was one.
pub async fn erase_document(
    tx: &mut Tx,
    scope: Scope,
    corporation: CorporationId,
) -> Result<bool, StoreError> {
    Ok(tx.run(&DOCUMENT, &[&scope.partner(), &corporation]).await? == 1)
}

/// The cards that a user had, or that paid from a corporation's balances, and the balances that
/// guard them.
pub async fn list_cards(
    tx: &mut Tx,
    scope: Scope,
    owner: Removed,
) -> Result<Vec<(CardId, BalanceId)>, StoreError> {
    let partner = scope.partner();
    let rows = match owner {
        Removed::User(id) => tx.rows(&CARDS, &[&partner, &id]).await?,
        Removed::Corporation(id) => tx.rows(&CARDS_OF_CORPORATION, &[&partner, &id]).await?,
    };
    rows.iter().map(|row| Ok((row.get("id")?, row.get("balance_id")?))).collect()
}

/// Erases all else of an owner who was removed, and of their cards; the caller has locked the
/// owner, and the balances of the cards; whether that hadn't been done.
pub async fn erase(
    tx: &mut Tx,
    scope: Scope,
    (owner, cards): (Removed, &[(CardId, BalanceId)]),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let partner = scope.partner();
    let no_number: &[u8] = &[];
    for (card, _) in cards {
        tx.run(&CARD, &[&partner, card, &no_number]).await?;
        tx.run(&ORDERS, &[&partner, card]).await?;
    }
    let erased = match owner {
        Removed::User(id) => {
            for sql in [IMAGES, FORMS, SPENDING, HITS, INSTALLATIONS] {
                tx.run(&sql, &[&partner, &id]).await?;
            }
            erase_contacts(tx, partner, id).await?;
            tx.run(&USER, &[&partner, &id, &now]).await?
        }
        Removed::Corporation(id) => {
            for sql in [SPENDING, HITS] {
                tx.run(&sql, &[&partner, &id]).await?;
            }
            let no_people: &[u8] = &[];
            tx.run(&CORPORATION, &[&partner, &id, &now, &no_people]).await?
        }
    };
    Ok(erased == 1)
}

/// Erases how a user was addressed from what tells, or told, of their forms: what is told again
/// names nobody.
async fn erase_contacts(tx: &mut Tx, partner: PartnerId, user: UserId) -> Result<(), StoreError> {
    let stream = format!("user/{}", user.0);
    let mut rows = Vec::new();
    for row in tx.rows(&TOLD, &[&partner, &stream]).await? {
        let detail: Option<serde_json::Value> = row.get("detail")?;
        let Some(mut detail) = detail else { continue };
        detail["contact"] = serde_json::Value::Null;
        rows.push(values![partner, row.get::<i64>("number")?, detail]);
    }
    tx.run_each(&UNTOLD, &rows).await.map(|_| ())
}
