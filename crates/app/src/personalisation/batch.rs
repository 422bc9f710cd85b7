//! Batches: what is laid into a bureau's folder, a record a line. The first line tells `batch`,
//! `bureau`, `records` and `keyId`; each other one is an order: `reference`, `kind`, `configId`,
//! `chipProfile`, `embossedName` (not of a print), `carrier` (`name`, `delivery`, `address`) and
//! `secrets`.
//!
//! `secrets` is a compact JWE for the bureau's key, of `pan`, `expiry`, `serviceCode`, `cvv`
//! (stripe), `icvv` (chip), `cvc2`, and where there is one `pinBlock` (ISO 9564-1 format 0) and
//! `activationCode` (for the letter). Nothing else of it is secret.

use super::bureau::Opened;
use super::{facts, month, origin};
use crate::audit::Entry;
use crate::error::Chain;
use crate::{App, Error};
use crypto::cvc::ServiceCode;
use crypto::pin::clear_block;
use domain::Timestamp;
use domain::card::Card;
use domain::card::order::{CardOrder, OrderKind};
use domain::ids::PartnerId;
use domain::program::{Plastic, Program};
use domain::scope::Scope;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use store::card_orders::{self, Batch, Kept};
use store::db::Tx;
use store::users::address_json;
use store::{balances, cards};
use zeroize::Zeroizing;

/// The most orders of a batch.
const ORDERS_MAX: i64 = 500;

/// How an order ends that doesn't leave: as it is audited, and whether it does.
type End = (&'static str, fn(&mut CardOrder, &Card) -> bool);

/// Its card is gone or locked for good.
const GIVE_UP: End = ("order.give_up", CardOrder::give_up);
/// What is to be made can't be told.
const FAIL: End = ("order.fail", |order, _| {
    order.fail();
    true
});

/// What is sent, and where to.
struct Sending<'a> {
    scope: Scope,
    program: &'a Program,
    plastic: &'a Plastic,
    bureaus: &'a BTreeMap<String, Opened>,
    before: Timestamp,
}

impl Sending<'_> {
    fn name(&self) -> (PartnerId, &str) {
        (self.program.partner, &self.program.config_id)
    }
}

impl App {
    /// Sends the orders that were made before a moment to the bureaus of their programs; how many.
    /// What can't be laid waits for the next time, and keeps no other program's.
    pub async fn send_orders(&self, before: Timestamp) -> Result<u64, Error> {
        let bureaus = self.all_bureaus().await?;
        let opened = bureaus.iter().filter_map(|it| self.open_bureau(it).ok());
        let bureaus: BTreeMap<String, Opened> = opened.map(|it| (it.name.clone(), it)).collect();
        let settings = self.settings.get();
        let mut sent = 0;
        for partner in settings.partners() {
            let scope = Scope::platform(partner.id, "plastic is sent to its bureau");
            for program in settings.programs_of(partner.id) {
                let Some(plastic) = &program.plastic else { continue };
                let sending = Sending { scope, program, plastic, bureaus: &bureaus, before };
                sent += self.send_orders_of(&sending).await?;
            }
        }
        Ok(sent)
    }

    async fn send_orders_of(&self, sending: &Sending<'_>) -> Result<u64, Error> {
        let mut sent = 0;
        loop {
            let waiting = self.waiting(sending).await?;
            let full = i64::try_from(waiting.len()).is_ok_and(|count| count == ORDERS_MAX);
            let given_up = self.give_up_in_vain(sending.scope, &waiting).await?;
            self.batch(sending, &waiting).await?;
            // Those of runs that didn't end too.
            let waiting = self.waiting(sending).await?;
            let batches: BTreeSet<Batch> = waiting.into_iter().filter_map(|it| it.batch).collect();
            let mut now = 0;
            for batch in batches {
                now += self.send_batch(sending, &batch).await?;
            }
            sent += now;
            if !full || now + given_up == 0 {
                return Ok(sent);
            }
        }
    }

    async fn waiting(&self, of: &Sending<'_>) -> Result<Vec<Kept>, Error> {
        let mut tx = self.db.read().await?;
        let waiting = card_orders::list_waiting(&mut tx, of.name(), of.before, ORDERS_MAX).await;
        Ok(tx.end(waiting).await?)
    }

    /// Ends orders whose cards are gone or locked for good; how many.
    async fn give_up_in_vain(&self, scope: Scope, waiting: &[Kept]) -> Result<u64, Error> {
        let mut given_up = 0;
        for kept in waiting.iter().filter(|kept| kept.batch.is_none()) {
            let mut tx = self.db.read().await?;
            let card = cards::find(&mut tx, scope, kept.order.card).await;
            let card = tx.end(card).await?.ok_or(Error::broken("an order has no card"))?;
            if kept.order.clone().give_up(&card) {
                given_up += u64::from(self.end_order(scope, kept, GIVE_UP).await?);
            }
        }
        Ok(given_up)
    }

    /// Ends an order that doesn't leave; `false` if it isn't to end any more, or was changed.
    async fn end_order(&self, scope: Scope, kept: &Kept, end: End) -> Result<bool, Error> {
        let mut tx = self.db.begin().await?;
        let ended = self.end_order_in(&mut tx, scope, kept, end).await;
        tx.end(ended).await
    }

    async fn end_order_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        kept: &Kept,
        (action, end): End,
    ) -> Result<bool, Error> {
        let gone = || Error::broken("an order has no card");
        // A card never changes its balance, so it may be read before the lock.
        let guard = cards::find(tx, scope, kept.order.card).await?.ok_or_else(gone)?.balance;
        balances::lock(tx, &[(scope.partner(), guard)].into()).await?;
        let mut card = cards::find(tx, scope, kept.order.card).await?.ok_or_else(gone)?;
        let mut order = kept.order.clone();
        if !end(&mut order, &card) || !card_orders::update(tx, scope, &order, self.now()).await? {
            return Ok(false);
        }
        // Nobody would ever see it.
        if card.is_ordered() {
            card.remove(self.now())?;
            cards::update(tx, scope, &card).await?;
        }
        let entry = Entry::changed(action, order.id.0, &facts(&kept.order), &facts(&order));
        self.record(tx, scope.partner(), &origin(), entry).await?;
        Ok(true)
    }

    /// Gives orders to a new batch, all at once: who sees the batch sees all that is in it.
    async fn batch(&self, of: &Sending<'_>, waiting: &[Kept]) -> Result<(), Error> {
        let new: Vec<&Kept> = waiting.iter().filter(|kept| kept.batch.is_none()).collect();
        let Some(bureau) = of.bureaus.get(&of.plastic.bureau).filter(|_| !new.is_empty()) else {
            return Ok(());
        };
        let now = self.now().to_zoned(TimeZone::UTC).strftime("%Y%m%d-%H%M%S").to_string();
        let id = crate::ids::random_id().simple().to_string();
        let name = format!("{}-{now}-{}.ndjson", bureau.name, &id[..8]);
        let batch = Batch { bureau: bureau.name.clone(), name };
        let mut tx = self.db.begin().await?;
        let given = async {
            for kept in new {
                card_orders::set_batch(&mut tx, of.scope, kept.order.id, &batch).await?;
            }
            Ok::<_, Error>(())
        };
        let given = given.await;
        tx.end(given).await
    }

    /// Lays a batch and writes down that all of it has left. One that can't be laid is told of, and
    /// waits.
    async fn send_batch(&self, of: &Sending<'_>, batch: &Batch) -> Result<u64, Error> {
        let Some(bureau) = of.bureaus.get(&batch.bureau) else {
            tracing::warn!(batch = batch.name, "a batch has no bureau any more");
            return Ok(0);
        };
        let mut tx = self.db.read().await?;
        let orders = card_orders::list_of_batch(&mut tx, of.name(), batch).await;
        let orders = tx.end(orders).await?;
        if orders.is_empty() {
            return Ok(0);
        }
        let (lines, orders) = match self.lines(of, bureau, (batch, orders)).await {
            Ok((_, orders)) if orders.is_empty() => return Ok(0),
            Ok(made) => made,
            Err(error @ Error::Unavailable(..)) => return Err(error),
            Err(error) => {
                let error = Chain(&error).to_string();
                tracing::error!(batch = batch.name, error, "a batch can't be made");
                return Ok(0);
            }
        };
        let lay = async || bureau.place.open().await?.put(&batch.name, lines.as_bytes()).await;
        if let Err(error) = lay().await {
            tracing::error!(bureau = bureau.name, %error, "a batch can't be laid");
            return Ok(0);
        }
        let mut tx = self.db.begin().await?;
        let marked = self.mark_sent(&mut tx, of.scope, (&batch.name, &orders)).await;
        let sent = tx.end(marked).await?;
        tracing::info!(bureau = bureau.name, batch = batch.name, orders = sent, "batch sent");
        Ok(sent)
    }

    /// A batch as its bureau reads it, and the orders that are in it. Others end here: those whose
    /// cards were locked for good or removed meanwhile, and those that can't be made, which would
    /// keep all others waiting.
    async fn lines(
        &self,
        of: &Sending<'_>,
        bureau: &Opened,
        (batch, orders): (&Batch, Vec<Kept>),
    ) -> Result<(String, Vec<Kept>), Error> {
        self.need_keys(of).await?;
        let (mut lines, mut made) = (Vec::new(), Vec::new());
        for kept in orders {
            match self.line(of, bureau, &kept).await {
                Ok(Some(line)) => {
                    lines.push(line.to_string());
                    made.push(kept);
                }
                Ok(None) => {
                    self.end_order(of.scope, &kept, GIVE_UP).await?;
                }
                // No order is to blame for those.
                Err(error @ Error::Unavailable(..)) => return Err(error),
                Err(error) if error.is_of_store() => return Err(error),
                Err(error) => {
                    let (order, error) = (kept.order.id, Chain(&error).to_string());
                    tracing::error!(%order, batch = batch.name, error, "an order can't be made");
                    self.end_order(of.scope, &kept, FAIL).await?;
                }
            }
        }
        let head = json!({
            "batch": batch.name,
            "bureau": bureau.name,
            "records": made.len(),
            "keyId": bureau.key.thumbprint(),
        });
        let all = [head.to_string()].into_iter().chain(lines).chain([String::new()]);
        Ok((all.collect::<Vec<_>>().join("\n"), made))
    }

    /// Looks for what all orders of a program need: without it none of them is to blame.
    async fn need_keys(&self, of: &Sending<'_>) -> Result<(), Error> {
        for bin in &of.program.bins {
            self.verification_key(of.program.partner, bin, 0).await?;
        }
        Ok(())
    }

    /// In one transaction: of a batch all has left, or nothing has.
    async fn mark_sent(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (name, orders): (&str, &[Kept]),
    ) -> Result<u64, Error> {
        let mut sent = 0;
        for kept in orders {
            let mut order = kept.order.clone();
            order.send();
            // Otherwise another node has laid the same batch and was faster, or the bureau was.
            sent += u64::from(card_orders::update(tx, scope, &order, self.now()).await?);
        }
        if sent > 0 {
            let entry = Entry::made("order.send", name, json!({ "orders": sent }));
            self.record(tx, scope.partner(), &origin(), entry).await?;
        }
        Ok(sent)
    }

    /// One order as the bureau reads it; none if its card is gone or locked for good.
    async fn line(
        &self,
        of: &Sending<'_>,
        bureau: &Opened,
        kept: &Kept,
    ) -> Result<Option<Value>, Error> {
        let (scope, order) = (of.scope, &kept.order);
        let mut tx = self.db.read().await?;
        let read = async {
            let card = cards::find(&mut tx, scope, order.card).await?;
            let pan = cards::sealed_pan(&mut tx, scope, order.card).await?;
            Ok::<_, Error>((card.ok_or(Error::broken("an order has no card"))?, pan))
        };
        let read = read.await;
        let (card, pan) = tx.end(read).await?;
        if order.clone().give_up(&card) {
            return Ok(None);
        }
        let secrets = self.secrets_of(scope, &card, &pan, kept).await?;
        let mut line = json!({
            "reference": super::report::reference(self, scope.partner(), order.id)?,
            "kind": order.kind.as_str(),
            "configId": kept.config_id,
            "chipProfile": of.plastic.chip_profile,
            "carrier": {
                "name": order.line.as_str(),
                "delivery": order.delivery.as_str(),
                "address": address_json(&order.address),
            },
            "secrets": bureau.key.encrypt(None, &secrets),
        });
        if order.kind != OrderKind::Print {
            line["embossedName"] = order.line.as_str().into();
        }
        Ok(Some(line))
    }

    #[expect(clippy::disallowed_methods, reason = "encrypted for the bureau at once")]
    async fn secrets_of(
        &self,
        scope: Scope,
        card: &Card,
        sealed: &[u8],
        kept: &Kept,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let partner = scope.partner();
        let pan = self.open_pan(partner, card.id, sealed).await?;
        let bin = self.bin_of(&pan).await?;
        // A reset changes the printed code alone.
        let first = self.verification_key(partner, &bin, 0).await?;
        // What is printed on a renewal is right once that is active.
        let (expiry, generation) = match kept.order.expiry {
            Some(expiry) => (expiry, card.next_code()),
            None => (card.expiry, card.cvc_generation),
        };
        let now = self.verification_key(partner, &bin, generation).await?;
        let service = ServiceCode::INTERNATIONAL_CHIP;
        let [stripe, chip] =
            [service, ServiceCode::ICVV].map(|service| first.code(&pan, expiry, service));
        let printed = now.cvc2(&pan, expiry);
        let expiry = month(expiry);
        let pin = match &kept.pin {
            Some(sealed) => {
                let pin = self.open_ordered_pin(partner, kept.order.id, sealed).await?;
                Some(clear_block(&pin, &pan))
            }
            None => None,
        };
        let letter = match kept.order.kind {
            OrderKind::Card | OrderKind::Renewal => {
                let code = self.activation_code(partner, card.id, kept.order.expiry).await?;
                Some(Zeroizing::new(code))
            }
            OrderKind::Print | OrderKind::Reissue => None,
        };
        let fields = [
            ("pan", Some(pan.expose())),
            ("expiry", Some(expiry.as_str())),
            ("serviceCode", Some(service.as_str())),
            ("cvv", Some(stripe.expose())),
            ("icvv", Some(chip.expose())),
            ("cvc2", Some(printed.expose())),
            ("pinBlock", pin.as_ref().map(|it| it.as_str())),
            ("activationCode", letter.as_ref().map(|it| it.as_str())),
        ]
        // Words of digits and letters alone, so nothing is to be escaped, nor copied by a library.
        .into_iter()
        .filter_map(|(name, value)| Some(format!("\"{name}\":\"{}\"", value?)));
        let fields: Vec<Zeroizing<String>> = fields.map(Zeroizing::new).collect();
        let mut text = Zeroizing::new(Vec::with_capacity(512));
        text.push(b'{');
        for (n, field) in fields.iter().enumerate() {
            if n > 0 {
                text.push(b',');
            }
            text.extend_from_slice(field.as_bytes());
        }
        text.push(b'}');
        Ok(text)
    }
}
