//! Batches: what is laid into a bureau's folder, a record a line. The first line tells `batch`,
//! `bureau`, `records` and `keyId`; each other one is an order: `reference`, `kind`, `configId`,
//! `chipProfile`, `embossedName` (not of a print), `carrier` (`name`, `delivery`, `address`) and
//! `secrets`.
//!
//! `secrets` is a compact JWE for the bureau's key, of `pan`, `expiry`, `serviceCode`, `cvv`
//! (stripe), `icvv` (chip), `cvc2`, and where there is one `pinBlock` (ISO 9564-1 format 0) and
//! `activationCode` (for the letter). Nothing else of it is secret.

use super::{Opened, month, open, origin};
use crate::audit::Entry;
use crate::{App, Error};
use crypto::cvc::ServiceCode;
use crypto::pin::clear_block;
use domain::Timestamp;
use domain::card::Card;
use domain::card::lifecycle::CardStatus;
use domain::card::order::OrderKind;
use domain::ids::PartnerId;
use domain::program::Plastic;
use domain::scope::Scope;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use store::card_orders::{self, Kept};
use store::cards;
use store::users::address_json;
use zeroize::Zeroizing;

/// The most orders of a batch.
const ORDERS_MAX: i64 = 1_000;
/// How many are written down as sent in one transaction.
const AT_ONCE: usize = 100;

impl App {
    /// Sends the orders that were made before a moment to the bureaus of their programs; how many.
    /// What can't be laid waits for the next time.
    pub async fn send_orders(&self, before: Timestamp) -> Result<u64, Error> {
        let bureaus = self.all_bureaus().await?;
        let bureaus: BTreeMap<String, Opened> =
            bureaus.iter().filter_map(|it| open(it).ok()).map(|it| (it.name.clone(), it)).collect();
        let settings = self.settings.get();
        let mut sent = 0;
        for partner in settings.partners() {
            loop {
                let now = self.send_orders_of(partner.id, &bureaus, before).await?;
                sent += now;
                if now < ORDERS_MAX.unsigned_abs() {
                    break;
                }
            }
        }
        Ok(sent)
    }

    async fn send_orders_of(
        &self,
        partner: PartnerId,
        bureaus: &BTreeMap<String, Opened>,
        before: Timestamp,
    ) -> Result<u64, Error> {
        let scope = Scope::platform(partner, "plastic is sent to its bureau");
        let waiting = self.waiting(partner, before).await?;
        if waiting.is_empty() {
            return Ok(0);
        }
        self.batch(scope, &waiting, bureaus).await?;
        let mut batches: BTreeMap<String, Vec<Kept>> = BTreeMap::new();
        for kept in self.waiting(partner, before).await? {
            if let Some(batch) = &kept.batch {
                batches.entry(batch.clone()).or_default().push(kept);
            }
        }
        let mut sent = 0;
        for (name, orders) in batches {
            // All orders of a batch are of programs of one bureau, which may have changed since.
            let first = orders.first().and_then(|kept| self.plastic_of(partner, kept));
            let Some(bureau) = first.and_then(|plastic| bureaus.get(&plastic.bureau)) else {
                tracing::warn!(batch = name, "a batch has no bureau any more");
                continue;
            };
            sent += self.send_batch(scope, bureau, (&name, orders)).await?;
        }
        Ok(sent)
    }

    async fn waiting(&self, partner: PartnerId, before: Timestamp) -> Result<Vec<Kept>, Error> {
        let mut tx = self.db.read().await?;
        let waiting = card_orders::list_waiting(&mut tx, partner, before, ORDERS_MAX).await;
        Ok(tx.end(waiting).await?)
    }

    fn plastic_of(&self, partner: PartnerId, kept: &Kept) -> Option<Plastic> {
        self.settings.get().program(partner, &kept.config_id)?.plastic.clone()
    }

    /// Gives orders to new batches, one for each bureau. Those of cards that are gone have failed.
    async fn batch(
        &self,
        scope: Scope,
        waiting: &[Kept],
        bureaus: &BTreeMap<String, Opened>,
    ) -> Result<(), Error> {
        let now = self.now().to_zoned(TimeZone::UTC).strftime("%Y%m%d-%H%M%S").to_string();
        let id = crate::ids::random_id().simple().to_string();
        let name = |bureau: &str| format!("{bureau}-{now}-{}.ndjson", &id[..8]);
        let new: Vec<&Kept> = waiting.iter().filter(|kept| kept.batch.is_none()).collect();
        for part in new.chunks(AT_ONCE) {
            let mut tx = self.db.begin().await?;
            let batched = async {
                for kept in part {
                    let plastic = self.plastic_of(scope.partner(), kept);
                    let Some(plastic) = plastic.filter(|it| bureaus.contains_key(&it.bureau))
                    else {
                        continue;
                    };
                    let card = cards::find(&mut tx, scope, kept.order.card).await?;
                    let gone =
                        card.is_none_or(|it| matches!(it.status, CardStatus::Removed { .. }));
                    if gone {
                        let mut order = kept.order.clone();
                        order.give_up();
                        card_orders::update(&mut tx, scope, &order, self.now()).await?;
                        continue;
                    }
                    let batch = name(&plastic.bureau);
                    card_orders::set_batch(&mut tx, scope, kept.order.id, &batch).await?;
                }
                Ok::<_, Error>(())
            };
            let batched = batched.await;
            tx.end(batched).await?;
        }
        Ok(())
    }

    async fn send_batch(
        &self,
        scope: Scope,
        bureau: &Opened,
        (name, orders): (&str, Vec<Kept>),
    ) -> Result<u64, Error> {
        let mut lines = vec![
            json!({
                "batch": name,
                "bureau": bureau.name,
                "records": orders.len(),
                "keyId": bureau.key.thumbprint(),
            })
            .to_string(),
        ];
        for kept in &orders {
            lines.push(self.line(scope, bureau, kept).await?.to_string());
        }
        lines.push(String::new());
        let (folder, file) = (bureau.folder.clone(), name.to_owned());
        let laid =
            tokio::task::spawn_blocking(move || folder.put(&file, lines.join("\n").as_bytes()));
        match laid.await.map_err(|_| Error::broken("laying a batch panicked"))? {
            Ok(()) => {}
            Err(error) => {
                tracing::error!(bureau = bureau.name, %error, "a batch can't be laid");
                return Ok(0);
            }
        }
        let mut sent = 0;
        for part in orders.chunks(AT_ONCE) {
            let mut tx = self.db.begin().await?;
            let marked = self.mark_sent(&mut tx, scope, (name, part)).await;
            sent += tx.end(marked).await?;
        }
        tracing::info!(bureau = bureau.name, batch = name, orders = sent, "batch sent");
        Ok(sent)
    }

    async fn mark_sent(
        &self,
        tx: &mut store::db::Tx,
        scope: Scope,
        (name, orders): (&str, &[Kept]),
    ) -> Result<u64, Error> {
        let mut sent = 0;
        for kept in orders {
            let mut order = kept.order.clone();
            order.send();
            // Otherwise another node has laid the same batch, and was faster.
            sent += u64::from(card_orders::update(tx, scope, &order, self.now()).await?);
        }
        if sent > 0 {
            let entry = Entry::made("order.send", name, json!({ "orders": sent }));
            self.record(tx, scope.partner(), &origin(), entry).await?;
        }
        Ok(sent)
    }

    /// One order as the bureau reads it.
    async fn line(&self, scope: Scope, bureau: &Opened, kept: &Kept) -> Result<Value, Error> {
        let order = &kept.order;
        let mut tx = self.db.read().await?;
        let read = async {
            let card = cards::find(&mut tx, scope, order.card).await?;
            let pan = cards::sealed_pan(&mut tx, scope, order.card).await?;
            Ok::<_, Error>((card.ok_or(Error::broken("an order has no card"))?, pan))
        };
        let read = read.await;
        let (card, pan) = tx.end(read).await?;
        let secrets = self.secrets_of(scope, &card, &pan, kept).await?;
        let plastic = self.plastic_of(scope.partner(), kept);
        let mut line = json!({
            "reference": super::report::reference(self, scope.partner(), order.id)?,
            "kind": order.kind.as_str(),
            "configId": kept.config_id,
            "chipProfile": plastic.map(|it| it.chip_profile),
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
        Ok(line)
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
        let key = self.verification_key(partner, &bin, card.cvc_generation).await?;
        let service = ServiceCode::INTERNATIONAL_CHIP;
        let [stripe, chip, printed] = [service, ServiceCode::ICVV, ServiceCode::CVC2]
            .map(|service| key.code(&pan, card.expiry, service));
        let expiry = month(card.expiry);
        let pin = match &kept.pin {
            Some(sealed) => {
                let pin = self.open_ordered_pin(partner, kept.order.id, sealed).await?;
                Some(clear_block(&pin, &pan))
            }
            None => None,
        };
        let letter = match kept.order.kind {
            OrderKind::Card => Some(Zeroizing::new(self.activation_code(partner, card.id).await?)),
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
