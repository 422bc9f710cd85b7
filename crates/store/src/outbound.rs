//! Rows of `outbound`: how each partner is called.

use crate::StoreError;
use crate::db::{Row, Sql, Table, ToValue, Tx, Type};
use crate::read::corrupt;
use domain::Timestamp;
use domain::ids::PartnerId;
use domain::notification::Event;

const TABLE: Table = Table {
    name: "outbound",
    key: &["partner_id"],
    columns: &[
        ("partner_id", Type::Int),
        ("base_url", Type::Text),
        ("trusted_ca", Type::Text),
        ("certificate", Type::Text),
        ("key", Type::Bytes),
        ("pending_key", Type::Bytes),
        ("pending_name", Type::Text),
        ("secret", Type::Bytes),
        ("previous_secret", Type::Bytes),
        ("previous_until", Type::Time),
        ("notifications", Type::Text),
        ("encrypt", Type::Bool),
        ("changed_at", Type::Time),
    ],
};

const LIST: Sql = Sql("
    select partner_id, base_url, trusted_ca, certificate, key, pending_key, pending_name, secret,
        previous_secret, previous_until, notifications, encrypt
    from outbound
    order by partner_id");
const LOCK: Sql = Sql("
    select partner_id, base_url, trusted_ca, certificate, key, pending_key, pending_name, secret,
        previous_secret, previous_until, notifications, encrypt
    from outbound
    where partner_id = $1
    for no key update");
const UPDATE: Sql = Sql("
    update outbound
    set base_url = $2, trusted_ca = $3, certificate = $4, key = $5, pending_key = $6,
        pending_name = $7, secret = $8, previous_secret = $9, previous_until = $10,
        notifications = $11, encrypt = $12, changed_at = $13
    where partner_id = $1");

/// The statements of this module.
pub const STATEMENTS: &[Sql] = &[LIST, LOCK, UPDATE];

/// How a partner is called. Keys and secrets are sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbound {
    /// Who is called.
    pub partner: PartnerId,
    /// Where its paths begin, without a slash at the end; `None` until it is known.
    pub base_url: Option<String>,
    /// The authority of its server, PEM.
    pub trusted_ca: Option<String>,
    /// Our certificate for it, PEM.
    pub certificate: Option<String>,
    /// The key of `certificate`, sealed.
    pub key: Option<Vec<u8>>,
    /// The key of the last request, until its certificate comes, sealed.
    pub pending_key: Option<Vec<u8>>,
    /// The common name of that request.
    pub pending_name: Option<String>,
    /// What calls are signed with, sealed.
    pub secret: Vec<u8>,
    /// What they were signed with before, sealed.
    pub previous_secret: Option<Vec<u8>>,
    /// How long they are signed with that too, in real time.
    pub previous_until: Option<Timestamp>,
    /// What it is told of.
    pub notifications: Vec<Event>,
    /// Whether what is sensitive of that is encrypted for its key.
    pub encrypt: bool,
}

impl Outbound {
    /// Whether it can be called.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let parts = (&self.base_url, &self.trusted_ca, &self.certificate, &self.key);
        matches!(parts, (Some(_), Some(_), Some(_), Some(_)))
    }

    /// Whether the partner is told of such an event: it wants it, and can be called.
    #[must_use]
    pub fn tells(&self, event: Event) -> bool {
        self.is_complete() && self.notifications.contains(&event)
    }
}

/// How every partner is called that can be, or will be.
pub async fn list(tx: &mut Tx) -> Result<Vec<Outbound>, StoreError> {
    tx.rows(&LIST, &[]).await?.iter().map(read).collect()
}

/// A partner's row, locked.
pub async fn find_locked(tx: &mut Tx, partner: PartnerId) -> Result<Option<Outbound>, StoreError> {
    tx.find(&LOCK, &[&partner]).await?.as_ref().map(read).transpose()
}

/// Writes how a partner is called, over what there was.
pub async fn save(tx: &mut Tx, outbound: &Outbound, now: Timestamp) -> Result<(), StoreError> {
    let words: Vec<&str> = outbound.notifications.iter().map(|event| event.as_str()).collect();
    let words = words.join(" ");
    let parameters: [&dyn ToValue; 13] = [
        &outbound.partner,
        &outbound.base_url,
        &outbound.trusted_ca,
        &outbound.certificate,
        &outbound.key,
        &outbound.pending_key,
        &outbound.pending_name,
        &outbound.secret,
        &outbound.previous_secret,
        &outbound.previous_until,
        &words,
        &outbound.encrypt,
        &now,
    ];
    let row = parameters.iter().map(|value| value.to_value()).collect();
    if tx.insert_new(&TABLE, &[row]).await? == 0 {
        tx.run(&UPDATE, &parameters).await?;
    }
    Ok(())
}

fn read(row: &Row) -> Result<Outbound, StoreError> {
    let words: String = row.get("notifications")?;
    let events = words.split_whitespace().map(Event::parse);
    Ok(Outbound {
        partner: PartnerId(row.get("partner_id")?),
        base_url: row.get("base_url")?,
        trusted_ca: row.get("trusted_ca")?,
        certificate: row.get("certificate")?,
        key: row.get("key")?,
        pending_key: row.get("pending_key")?,
        pending_name: row.get("pending_name")?,
        secret: row.get("secret")?,
        previous_secret: row.get("previous_secret")?,
        previous_until: row.get("previous_until")?,
        notifications: events.collect::<Option<_>>().ok_or_else(|| corrupt("notifications"))?,
        encrypt: row.get("encrypt")?,
    })
}
