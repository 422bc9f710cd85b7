//! Code and PIN of a message are compared before the queue: no key is used between begin and
//! commit.

use super::Found;
use crate::refusals::Refusal;
use crate::{App, Error};
use crypto::pin::PinBlock;
use domain::authorization::Verified;
use domain::card::Card;
use domain::ids::ProcessorId;
use domain::scope::Scope;
use domain::secret::{Cvv, Pan};
use store::cards;

/// A PIN as a message carries it.
#[derive(Debug)]
pub struct SentPin {
    /// The name of the key that the block is encrypted under.
    pub key_id: String,
    /// The encrypted block.
    pub block: PinBlock,
}

/// What came of a check that the processor did itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// It was right.
    Match,
    /// It was wrong.
    NoMatch,
}

/// What a processor has checked itself; nothing of what it hasn't.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// A verification code.
    pub cvv: Option<Check>,
    /// A PIN.
    pub pin: Option<Check>,
    /// The chip's cryptogram.
    pub chip: Option<Check>,
}

/// The secrets that a message carries, and what it tells of others.
pub(super) struct Sent {
    pub(super) cvv: Option<Cvv>,
    pub(super) pin: Option<SentPin>,
    pub(super) checked: Checked,
}

impl Sent {
    pub(super) fn are_none(&self) -> bool {
        let Checked { cvv, pin, .. } = self.checked;
        self.cvv.is_none() && self.pin.is_none() && cvv.is_none() && pin.is_none()
    }
}

/// What came of comparing them.
pub(super) struct Compared {
    pub(super) cvv: Verified,
    pub(super) pin: Verified,
}

impl App {
    /// Compares what a message carries with what the card has. For a card that isn't there nothing
    /// is compared: its message is declined before that counts.
    pub(super) async fn compare(
        &self,
        found: Found,
        processor: ProcessorId,
        sent: &Sent,
    ) -> Result<Compared, Error> {
        let nothing = Compared { cvv: Verified::NotSent, pin: Verified::NotSent };
        if let Some(pin) = &sent.pin {
            // Also where there is no card: a message under an unknown key isn't understood.
            let settings = self.settings.get();
            settings.pin_key(processor, &pin.key_id).ok_or(Refusal::PinKeyNotFound)?;
        }
        let Some(id) = found.card.filter(|_| !sent.are_none()) else { return Ok(nothing) };
        let scope = found.scope;
        let mut tx = self.db.read().await?;
        let read = async {
            let card = cards::find(&mut tx, scope, id).await?;
            Ok::<_, store::StoreError>((card, cards::secrets(&mut tx, scope, id).await?))
        };
        let read = read.await;
        let (card, (pan, pvv)) = tx.end(read).await?;
        let card = card.ok_or(Error::broken("a card went away"))?;
        let pan = self.open_pan(scope.partner(), id, &pan).await?;
        let cvv = match &sent.cvv {
            None => Verified::NotSent,
            Some(cvv) => {
                let right = self.cvc2(scope, &card, &pan).await?;
                matched(crypto::cvc::same(&right, cvv), card.cvc_generation)
            }
        };
        let pin = match &sent.pin {
            None => Verified::NotSent,
            Some(pin) => self.compare_pin(scope, (&card, &pan, pvv), processor, pin).await?,
        };
        let Checked { cvv: of_cvv, pin: of_pin, .. } = sent.checked;
        Ok(Compared {
            cvv: both(cvv, of_cvv, card.cvc_generation),
            pin: both(pin, of_pin, card.pin_version),
        })
    }

    /// A card without a PIN has none that matches.
    async fn compare_pin(
        &self,
        scope: Scope,
        (card, pan, pvv): (&Card, &Pan, Option<Vec<u8>>),
        processor: ProcessorId,
        sent: &SentPin,
    ) -> Result<Verified, Error> {
        let key = self.pin_key(processor, &sent.key_id)?;
        let Ok(pin) = key.decrypt(&sent.block, pan) else {
            tracing::warn!(
                processor = processor.0,
                card = card.id.0,
                "no PIN can be read from a block: the processor's key may be another"
            );
            return Ok(Verified::Unreadable);
        };
        let Some(pvv) = pvv else { return Ok(matched(false, card.pin_version)) };
        let kept = self.open_pvv(scope.partner(), card.id, &pvv).await?;
        let made = self.pvv(scope, pan, (&pin, kept.index())).await?;
        Ok(matched(made.is(&kept) && crypto::pin::is_chosen(&pin), card.pin_version))
    }
}

/// What we found, and what the processor did: a secret is right only if nobody says otherwise.
fn both(ours: Verified, theirs: Option<Check>, version: i64) -> Verified {
    match (ours, theirs) {
        (ours, None) => ours,
        (Verified::NotSent, Some(Check::Match)) => matched(true, version),
        (ours, Some(Check::Match)) => ours,
        (_, Some(Check::NoMatch)) => matched(false, version),
    }
}

fn matched(is_same: bool, version: i64) -> Verified {
    if is_same { Verified::Match { version } } else { Verified::NoMatch { version } }
}
