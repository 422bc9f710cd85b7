//! Rows of `balance_alert`: who is told when a partner's own balance runs low, and what is still to
//! be sent. Nobody else's rows are locked by whoever holds one of these, and no engine reads them.

use crate::db::{Row, Sql, Table, ToValue, Tx, Type, Value};
use crate::read::{amount, corrupt, currency, word};
use crate::{StoreError, values};
use domain::Timestamp;
use domain::alert::{MailAddress, Rule};
use domain::balance::PartnerBalanceKind;
use domain::ids::{BalanceId, PartnerId};
use domain::money::{Amount, Currency};
use domain::scope::Scope;
use uuid::Uuid;

const TABLE: Table = Table {
    name: "balance_alert",
    key: &["partner_id", "balance_id"],
    columns: &[
        ("partner_id", Type::Int),
        ("balance_id", Type::Uuid),
        ("threshold", Type::Int),
        ("addresses", Type::Text),
        ("changed_at", Type::Time),
    ],
};

const OF_PARTNER: Sql = Sql("
    select partner_id, balance_id, threshold, addresses, low_since, mail_id, mail_to, mail_amount,
        mail_at, mail_next_at, mail_attempts
    from balance_alert
    where partner_id = $1
    order by balance_id");
const LOCK: Sql = Sql("
    select partner_id, balance_id, threshold, addresses, low_since, mail_id, mail_to, mail_amount,
        mail_at, mail_next_at, mail_attempts
    from balance_alert
    where partner_id = $1 and balance_id = $2
    for no key update");
const COUNT: Sql = Sql("
    select count(*) as alerts
    from balance_alert
    where partner_id = any($1)");
const LOOK: Sql = Sql("
    select a.partner_id, a.balance_id, a.threshold, a.addresses, a.low_since, a.mail_id, a.mail_to,
        a.mail_amount, a.mail_at, a.mail_next_at, a.mail_attempts, b.kind, b.currency, b.posted,
        b.held
    from balance_alert a
    join balance b on b.partner_id = a.partner_id and b.id = a.balance_id
    where a.partner_id = any($1)
    order by a.partner_id, a.balance_id");
const UPDATE: Sql = Sql("
    update balance_alert
    set threshold = $3, addresses = $4, low_since = $5, mail_id = $6, mail_to = $7,
        mail_amount = $8, mail_at = $9, mail_next_at = $10, mail_attempts = $11, changed_at = $12
    where partner_id = $1 and balance_id = $2");
const DELETE: Sql = Sql("
    delete from balance_alert
    where partner_id = $1 and balance_id = $2");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[OF_PARTNER, LOCK, COUNT, LOOK, UPDATE, DELETE];

/// An alert of a partner's own balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Whose balance.
    pub partner: PartnerId,
    /// Which balance.
    pub balance: BalanceId,
    /// Who is told below which amount.
    pub rule: Rule,
    /// Since when it is known to be below, in real time; none while it is enough.
    pub low_since: Option<Timestamp>,
    /// The e-mail that is still to be sent.
    pub mail: Option<Mail>,
}

/// An e-mail that is still to be sent. All times are real time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// What names it at every try.
    pub id: Uuid,
    /// To whom it wasn't sent yet.
    pub to: Vec<MailAddress>,
    /// What could be spent when the fall was seen, in minor units.
    pub amount: i64,
    /// When the fall was seen.
    pub at: Timestamp,
    /// When it is tried next; while it is being sent, when its claim ends.
    pub next_at: Timestamp,
    /// How often it was tried, a try that goes on included.
    pub attempts: i64,
}

/// An alert with its balance as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The alert.
    pub alert: Alert,
    /// What the balance is for.
    pub kind: PartnerBalanceKind,
    /// Its currency.
    pub currency: Currency,
    /// Movements in less movements out, in minor units.
    pub posted: i64,
    /// What authorizations hold.
    pub held: Amount,
}

/// The alerts of a partner.
pub async fn list(tx: &mut Tx, scope: Scope) -> Result<Vec<Alert>, StoreError> {
    tx.rows(&OF_PARTNER, &[&scope.partner()]).await?.iter().map(read).collect()
}

/// The alert of a balance, which nobody else changes before the transaction ends.
pub async fn find_locked(
    tx: &mut Tx,
    scope: Scope,
    balance: BalanceId,
) -> Result<Option<Alert>, StoreError> {
    let row = tx.find(&LOCK, &[&scope.partner(), &balance]).await?;
    row.as_ref().map(read).transpose()
}

/// How many alerts these partners have.
pub async fn count(tx: &mut Tx, partners: &[PartnerId]) -> Result<i64, StoreError> {
    tx.row(&COUNT, &[&numbers(partners)]).await?.get("alerts")
}

/// All alerts of these partners, each with its balance.
pub async fn look(tx: &mut Tx, partners: &[PartnerId]) -> Result<Vec<Look>, StoreError> {
    let rows = tx.rows(&LOOK, &[&numbers(partners)]).await?;
    rows.iter()
        .map(|row| {
            Ok(Look {
                alert: read(row)?,
                kind: word(row, "kind", PartnerBalanceKind::parse)?,
                currency: currency(row, "currency")?,
                posted: row.get("posted")?,
                held: amount(row, "held")?,
            })
        })
        .collect()
}

/// Adds an alert that has told nothing yet.
pub async fn insert(
    tx: &mut Tx,
    scope: Scope,
    balance: BalanceId,
    rule: &Rule,
    now: Timestamp,
) -> Result<(), StoreError> {
    let addresses = joined(rule.addresses());
    let row = values![scope.partner(), balance, rule.threshold(), addresses, now];
    tx.insert_all(&TABLE, &[row]).await.map(|_| ())
}

/// Writes an alert that the caller has locked.
pub async fn update(tx: &mut Tx, alert: &Alert, now: Timestamp) -> Result<(), StoreError> {
    let mail = alert.mail.as_ref();
    let (threshold, addresses) = (alert.rule.threshold(), joined(alert.rule.addresses()));
    let to = mail.map(|mail| joined(&mail.to));
    let (id, amount) = (mail.map(|mail| mail.id), mail.map(|mail| mail.amount));
    let (at, next_at) = (mail.map(|mail| mail.at), mail.map(|mail| mail.next_at));
    let attempts = mail.map(|mail| mail.attempts);
    let row: [&dyn ToValue; 12] = [
        &alert.partner,
        &alert.balance,
        &threshold,
        &addresses,
        &alert.low_since,
        &id,
        &to,
        &amount,
        &at,
        &next_at,
        &attempts,
        &now,
    ];
    tx.run(&UPDATE, &row).await.map(|_| ())
}

/// Takes an alert away, with what it had still to send; whether there was one.
pub async fn delete(tx: &mut Tx, scope: Scope, balance: BalanceId) -> Result<bool, StoreError> {
    Ok(tx.run(&DELETE, &[&scope.partner(), &balance]).await? == 1)
}

fn numbers(partners: &[PartnerId]) -> Value {
    Value::Ints(partners.iter().map(|partner| partner.0).collect())
}

fn joined(addresses: &[MailAddress]) -> String {
    addresses.iter().map(MailAddress::as_str).collect::<Vec<_>>().join(" ")
}

fn addresses(text: &str) -> Option<Vec<MailAddress>> {
    text.split_whitespace().map(MailAddress::parse).collect()
}

fn read(row: &Row) -> Result<Alert, StoreError> {
    let threshold = amount(row, "threshold")?;
    let told = word(row, "addresses", addresses)?;
    Ok(Alert {
        partner: row.get("partner_id")?,
        balance: BalanceId(row.get::<Uuid>("balance_id")?),
        rule: Rule::new(threshold, told).ok_or_else(|| corrupt("addresses"))?,
        low_since: row.get("low_since")?,
        mail: match row.get::<Option<Uuid>>("mail_id")? {
            None => None,
            Some(id) => Some(Mail {
                id,
                to: word(row, "mail_to", addresses)?,
                amount: row.get("mail_amount")?,
                at: row.get("mail_at")?,
                next_at: row.get("mail_next_at")?,
                attempts: row.get("mail_attempts")?,
            }),
        },
    })
}
