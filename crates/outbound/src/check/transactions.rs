//! `/transactions/…` of a partner that holds the money: after each call the balance is read.

use super::balances::{Account, amount, same};
use super::player::{Came, Checked, Player, Sending, warning, wrong};
use crate::client::Method;
use crate::transactions::{Subject, object};
use domain::ids::{CardId, TransactionId};
use domain::money::Currency;
use domain::transaction::{Category, Order, Place, Resource, Status, TransactionType};
use serde_json::Value;

pub(super) const DEBIT: &str = "/transactions/debit";
pub(super) const CREDIT: &str = "/transactions/credit";
pub(super) const FORCE_DEBIT: &str = "/transactions/force-debit";
pub(super) const FORCE_CREDIT: &str = "/transactions/force-credit";
pub(super) const REVERSAL: &str = "/transactions/reversal";

/// What the checks have to spend, in minor units.
const FUNDS: i64 = 10_000;

/// What a shop tells of a purchase.
pub(super) const DATA: &str = r#"{"mcc": "5942", "merchantIdentifier": "003060300000005",
    "merchantName": "Book store", "captureMode": "NFC", "lastFourDigits": "4560",
    "acquirerCountry": "POL", "retrievalReferenceNumber": "749248185012"}"#;

/// A transaction's object with every key of the seeds' example.
pub(super) struct Object(Value);

impl Object {
    /// A purchase on this balance, with an id of its own, as we send one. What a partner calls its
    /// balance and card may be any text.
    pub(super) fn new(player: &Player<'_>, balance: &str, amount: i64) -> Self {
        let currency = Currency::parse(player.plan.currency).ok();
        let order = Order {
            balance: None,
            card: Some(CardId(6_876_783)),
            processor: None,
            network_id: player.id().to_string(),
            network_date: (player.plan.now)(),
            reference_id: None,
            reference_date: None,
            kind: TransactionType::Pos,
            category: Category::Debit,
            amount,
            currency: currency.unwrap_or(Currency::EUR),
            original_amount: Some(amount),
            original_currency: currency,
            conversion_rate: None,
            text: "A check of the partner's side".to_owned(),
            data: Some(DATA.to_owned()),
            mcc: None,
            retrieval_reference: None,
            place: Place::default(),
        };
        let subject = Subject {
            id: TransactionId(player.id()),
            order: &order,
            resource: Resource::card(player.id()),
            status: Status::Authorized,
        };
        Self(object(&subject)).with("balanceId", balance).with("currency", player.plan.currency)
    }

    pub(super) fn body(&self) -> &Value {
        &self.0
    }

    /// The same with another value of a key.
    pub(super) fn with(&self, key: &str, value: impl Into<Value>) -> Self {
        let mut object = self.0.clone();
        object[key] = value.into();
        Self(object)
    }

    /// Money that the network gives.
    pub(super) fn adjustment(&self) -> Self {
        let mut object = self.with("type", "adjustment");
        object.0["transactionData"]["adjustmentReasonDescription"] = "REFUND".into();
        object
    }

    /// The network takes the whole transaction back: the same `id`, and what isn't known of the
    /// reversal is null.
    pub(super) fn reversed(&self, player: &Player<'_>) -> Self {
        let network_id = self.0["transactionId"].clone();
        let mut object = self.with("type", "adjustment").with("status", "REVERSED");
        object = object.with("transactionId", player.id().to_string());
        object = object.with("referenceTransactionId", network_id);
        object = object.with("originalAmount", Value::Null).with("originalCurrency", Value::Null);
        if let Some(data) = object.0["transactionData"].as_object_mut() {
            data.iter_mut()
                .filter(|(key, _)| *key != "cardId")
                .for_each(|(_, it)| *it = Value::Null);
        }
        object
    }
}

pub(super) async fn check(player: &mut Player<'_>, account: &Account) {
    let funded = funded(player, account).await;
    player.note("force-credit: is booked, once for its key", funded);
    // Without money nothing else can be told.
    if !amount(player, account).await.is_ok_and(|has| has >= FUNDS) {
        return;
    }
    let checked = debit(player, account).await;
    player.note("debit: is booked, once for its key", checked);
    let checked = at_once(player, account).await;
    player.note("debit: two at once under one key are one", checked);
    let checked = other_body(player, account).await;
    player.note("debit: another body under a known key does nothing", checked);
    let checked = too_much(player, account).await;
    player.note("debit: more than the balance has is refused", checked);
    let checked = unknown(player, DEBIT).await;
    player.note("debit: of an unknown balance is refused", checked);
    let checked = credit(player, account).await;
    player.note("credit: is booked, once for its key", checked);
    let checked = unknown(player, CREDIT).await;
    player.note("credit: of an unknown balance is refused", checked);
    let checked = forced(player, account).await;
    player.note("force-debit: is booked below 0 too, once for its key", checked);
    let checked = undone(player, account).await;
    player.note("reversal: undoes its debit, once", checked);
    let checked = credit_undone(player, account).await;
    player.note("reversal: undoes its credit", checked);
    let checked = overtaken(player, account).await;
    player.note("reversal: of an unknown id is done, and its debit is refused", checked);
    let checked = by_network(player, account).await;
    player.note("force-credit: with the id of its debit gives the money back", checked);
    let checked = cleared(player, account).await;
    player.note("clearing: moves no money", checked);
    let checked = cleared_by_encoded_id(player, account).await;
    player.note("clearing: the id in its path is percent-encoded", checked);
    let checked = unknown_cleared(player, account).await;
    player.note("clearing: of an unknown transaction is refused", checked);
}

/// The balance must have moved so since it had `before`.
async fn moved(player: &mut Player<'_>, account: &Account, before: i64, by: i64) -> MovedBy {
    let after = amount(player, account).await?;
    Ok(Moved { before, after, by })
}

type MovedBy = Checked<Moved>;

struct Moved {
    before: i64,
    after: i64,
    by: i64,
}

impl Moved {
    fn after(self, came: &Came, what: &str) -> Checked {
        let Self { before, after, by } = self;
        if after == before + by {
            return Ok(());
        }
        let expected = format!("{what}: the balance goes from {before} to {}", before + by);
        let sent = &came.sent;
        Err(wrong(sent, &expected, &format!("{}, and the balance has {after}", came.shown())))
    }
}

/// Posts twice under one key: booked once, and the same answer.
async fn twice(
    player: &mut Player<'_>,
    account: &Account,
    (path, object, by): (&str, &Object, i64),
) -> Checked {
    let (before, key) = (amount(player, account).await?, player.id());
    let first = player.post_as(path, object.body(), key).await?;
    first.done(&mut player.manners)?;
    moved(player, account, before, by).await?.after(&first, "it is booked")?;
    let second = player.post_as(path, object.body(), key).await?;
    moved(player, account, before, by).await?.after(&second, "the same key books once")?;
    same(&first, &second)
}

/// Makes sure that there is money to check with.
async fn funded(player: &mut Player<'_>, account: &Account) -> Checked {
    let object = Object::new(player, &account.id, FUNDS).adjustment().with("status", "CLEARED");
    twice(player, account, (FORCE_CREDIT, &object, FUNDS)).await
}

async fn debit(player: &mut Player<'_>, account: &Account) -> Checked {
    let object = Object::new(player, &account.id, 1_000);
    twice(player, account, (DEBIT, &object, -1_000)).await
}

async fn credit(player: &mut Player<'_>, account: &Account) -> Checked {
    let object = Object::new(player, &account.id, 700).adjustment();
    twice(player, account, (CREDIT, &object, 700)).await
}

/// As after a broken connection: the first call may be at work still.
async fn at_once(player: &mut Player<'_>, account: &Account) -> Checked {
    let (before, key) = (amount(player, account).await?, player.id());
    let object = Object::new(player, &account.id, 900);
    let [one, other] = player.post_twice(DEBIT, object.body(), key).await?;
    moved(player, account, before, -900).await?.after(&one, "two at once are booked once")?;
    let succeeded = [&one, &other].into_iter().find(|came| came.is_success());
    if succeeded.is_none() {
        return Err(wrong(&one.sent, "204 to one of two at once, at least", &one.shown()));
    }
    // Whoever finds the first at work may say so; asked again it must answer as the first.
    let third = player.post_as(DEBIT, object.body(), key).await?;
    moved(player, account, before, -900).await?.after(&third, "the same key books once")?;
    third.done(&mut player.manners)
}

async fn other_body(player: &mut Player<'_>, account: &Account) -> Checked {
    let key = player.id();
    let object = Object::new(player, &account.id, 1_100);
    player.post_as(DEBIT, object.body(), key).await?.done(&mut player.manners)?;
    let before = amount(player, account).await?;
    let other = object.with("amount", 1_200);
    let came = player.post_as(DEBIT, other.body(), key).await?;
    moved(player, account, before, 0).await?.after(&came, "a known key books nothing")?;
    if came.is_success() || came.status == 409 {
        return Ok(());
    }
    let expected = "409 CLIENT_ERROR, or the answer that this key got before";
    Err(warning(&came.sent, expected, &came.shown()))
}

async fn too_much(player: &mut Player<'_>, account: &Account) -> Checked {
    let (before, key) = (amount(player, account).await?, player.id());
    let object = Object::new(player, &account.id, before.max(0) + 1);
    let first = player.post_as(DEBIT, object.body(), key).await?;
    moved(player, account, before, 0).await?.after(&first, "nothing is booked")?;
    first.refused(&mut player.manners, 422, "INSUFFICIENT_FUNDS")?;
    let second = player.post_as(DEBIT, object.body(), key).await?;
    same(&first, &second)
}

async fn unknown(player: &mut Player<'_>, path: &str) -> Checked {
    let object = Object::new(player, &player.id().to_string(), 100);
    let object = if path == CREDIT { object.adjustment() } else { object };
    let came = player.post(path, object.body()).await?;
    came.refused(&mut player.manners, 404, "BALANCE_NOT_FOUND")
}

async fn forced(player: &mut Player<'_>, account: &Account) -> Checked {
    let more = amount(player, account).await?.max(0) + 300;
    let object = Object::new(player, &account.id, more).with("status", "CLEARED");
    let checked = twice(player, account, (FORCE_DEBIT, &object, -more)).await;
    // What follows needs money again.
    settle(player, account, FUNDS).await?;
    checked
}

async fn undone(player: &mut Player<'_>, account: &Account) -> Checked {
    let before = amount(player, account).await?;
    let object = Object::new(player, &account.id, 1_300);
    player.post(DEBIT, object.body()).await?.done(&mut player.manners)?;
    for what in ["it never was", "a second reversal undoes nothing more"] {
        let came = player.post(REVERSAL, object.body()).await?;
        came.done(&mut player.manners)?;
        moved(player, account, before, 0).await?.after(&came, what)?;
    }
    Ok(())
}

async fn credit_undone(player: &mut Player<'_>, account: &Account) -> Checked {
    let before = amount(player, account).await?;
    let object = Object::new(player, &account.id, 800).adjustment();
    player.post(CREDIT, object.body()).await?.done(&mut player.manners)?;
    let came = player.post(REVERSAL, object.body()).await?;
    came.done(&mut player.manners)?;
    moved(player, account, before, 0).await?.after(&came, "it never was")
}

/// A reversal can be faster than its debit.
async fn overtaken(player: &mut Player<'_>, account: &Account) -> Checked {
    let before = amount(player, account).await?;
    let object = Object::new(player, &account.id, 1_400);
    let came = player.post(REVERSAL, object.body()).await?;
    came.done(&mut player.manners)?;
    moved(player, account, before, 0).await?.after(&came, "there is nothing to undo")?;
    let came = player.post(DEBIT, object.body()).await?;
    moved(player, account, before, 0).await?.after(&came, "it was undone before")?;
    refused_after_reversal(&came)
}

/// Any refusal of the caller's will do, as nobody waits for it any more.
pub(super) fn refused_after_reversal(came: &Came) -> Checked {
    if came.is_success() {
        let expected = "409 CLIENT_ERROR: a reversal of this id was here before, within 24 hours";
        return Err(wrong(&came.sent, expected, &came.shown()));
    }
    if !(400..500).contains(&came.status) {
        return Err(warning(&came.sent, "409 CLIENT_ERROR", &came.shown()));
    }
    Ok(())
}

async fn by_network(player: &mut Player<'_>, account: &Account) -> Checked {
    let before = amount(player, account).await?;
    let object = Object::new(player, &account.id, 1_500);
    player.post(DEBIT, object.body()).await?.done(&mut player.manners)?;
    let reversed = object.reversed(player);
    let came = player.post(FORCE_CREDIT, reversed.body()).await?;
    came.done(&mut player.manners)?;
    let what = "the id is the debit's, but the key isn't: that is no repetition";
    moved(player, account, before, 0).await?.after(&came, what)
}

async fn clear(player: &mut Player<'_>, path: &str, object: &Object) -> Checked<Came> {
    let (key, object) = (player.id(), object.with("status", "CLEARED"));
    player.send(Sending { method: Method::Put, path, body: object.body(), key }).await
}

async fn cleared(player: &mut Player<'_>, account: &Account) -> Checked {
    let object = Object::new(player, &account.id, 1_600);
    let path = format!("/transactions/{}", object.body()["transactionId"].as_str().unwrap_or(""));
    cleared_at(player, account, (&path, &object)).await
}

async fn cleared_by_encoded_id(player: &mut Player<'_>, account: &Account) -> Checked {
    let id = player.id();
    let object = Object::new(player, &account.id, 1_600).with("transactionId", format!("{id}/1 %"));
    let path = format!("/transactions/{id}%2F1%20%25");
    cleared_at(player, account, (&path, &object)).await
}

async fn cleared_at(
    player: &mut Player<'_>,
    account: &Account,
    (path, object): (&str, &Object),
) -> Checked {
    player.post(DEBIT, object.body()).await?.done(&mut player.manners)?;
    let before = amount(player, account).await?;
    let came = clear(player, path, object).await?;
    came.done(&mut player.manners)?;
    moved(player, account, before, 0).await?.after(&came, "a clearing moves no money")
}

async fn unknown_cleared(player: &mut Player<'_>, account: &Account) -> Checked {
    let object = Object::new(player, &account.id, 100);
    let path = format!("/transactions/{}", object.body()["transactionId"].as_str().unwrap_or(""));
    let came = clear(player, &path, &object).await?;
    came.refused(&mut player.manners, 404, "TRANSACTION_NOT_FOUND")
}

/// Makes the balance have so much, by force.
pub(super) async fn settle(player: &mut Player<'_>, account: &Account, has: i64) -> Checked {
    let before = amount(player, account).await?;
    let by = has - before;
    if by == 0 {
        return Ok(());
    }
    let object = Object::new(player, &account.id, by.abs()).with("status", "CLEARED");
    let (path, object) =
        if by > 0 { (FORCE_CREDIT, object.adjustment()) } else { (FORCE_DEBIT, object) };
    let came = player.post(path, object.body()).await?;
    came.done(&mut player.manners)?;
    moved(player, account, before, by).await?.after(&came, "it is booked")
}
