//! Code and PIN of a message are compared before the queue: no key is used between begin and
//! commit.

use super::Found;
use crate::refusals::Refusal;
use crate::{App, Error};
use crypto::cvc::ServiceCode;
use crypto::pin::PinBlock;
use domain::authorization::Verified;
use domain::card::Card;
use domain::ids::ProcessorId;
use domain::program::Port;
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

/// The codes of a card that a message carries: each is right alone in its place.
#[derive(Debug, Default)]
pub struct SentCodes {
    /// CVC2: the cardholder typed it.
    pub cvv: Option<Cvv>,
    /// CVV: the terminal read it of the magnetic stripe.
    pub magstripe_cvv: Option<Cvv>,
    /// iCVV: the terminal read it of the chip.
    pub icvv: Option<Cvv>,
}

/// The secrets that a message carries, and what it tells of others.
pub(super) struct Sent {
    pub(super) codes: SentCodes,
    pub(super) pin: Option<SentPin>,
    pub(super) checked: Checked,
}

impl Sent {
    pub(super) fn are_none(&self) -> bool {
        let Checked { cvv, pin, .. } = self.checked;
        let SentCodes { cvv: typed, magstripe_cvv, icvv } = &self.codes;
        [typed, magstripe_cvv, icvv].iter().all(|code| code.is_none())
            && self.pin.is_none()
            && cvv.is_none()
            && pin.is_none()
    }
}

/// What came of comparing them.
pub(super) struct Compared {
    pub(super) cvv: Verified,
    pub(super) read_code: Verified,
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
        if found.port == Port::None {
            return self.compared_elsewhere(found, sent).await;
        }
        let nothing = Verified::NotSent;
        let nothing = Compared { cvv: nothing, read_code: nothing, pin: nothing };
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
        if pan.is_empty() {
            // Its holder was erased: it was removed long ago, which is told before that counts.
            return Ok(nothing);
        }
        let card = card.ok_or(Error::broken("a card went away"))?;
        let pan = self.open_pan(scope.partner(), id, &pan).await?;
        let cvv = match &sent.codes.cvv {
            None => Verified::NotSent,
            Some(cvv) => {
                let right = self.cvc2(scope, &card, &pan).await?;
                matched(crypto::cvc::same(&right, cvv), card.cvc_generation)
            }
        };
        let read_code = self.compare_read_codes(scope, (&card, &pan), &sent.codes).await?;
        let pin = match &sent.pin {
            None => Verified::NotSent,
            Some(pin) => self.compare_pin(scope, (&card, &pan, pvv), processor, pin).await?,
        };
        let Checked { cvv: of_cvv, pin: of_pin, .. } = sent.checked;
        Ok(Compared {
            cvv: both(cvv, of_cvv, card.cvc_generation),
            read_code,
            pin: both(pin, of_pin, card.pin_version),
        })
    }

    /// What the processor tells of a card that it makes: we have no keys for it, so what it hasn't
    /// checked nobody has.
    async fn compared_elsewhere(&self, found: Found, sent: &Sent) -> Result<Compared, Error> {
        let not_sent = Verified::NotSent;
        let Checked { cvv, pin, .. } = sent.checked;
        let Some(id) = found.card.filter(|_| cvv.is_some() || pin.is_some()) else {
            return Ok(Compared { cvv: not_sent, read_code: not_sent, pin: not_sent });
        };
        let mut tx = self.db.read().await?;
        let card = cards::find(&mut tx, found.scope, id).await;
        let card = tx.end(card).await?.ok_or(Error::broken("a card went away"))?;
        Ok(Compared {
            cvv: both(not_sent, cvv, card.cvc_generation),
            read_code: not_sent,
            pin: both(not_sent, pin, card.pin_version),
        })
    }

    /// What stripe and chip hold is made with a BIN's first key: a reset changes the printed code
    /// alone. Both have to be right where both are told.
    async fn compare_read_codes(
        &self,
        scope: Scope,
        (card, pan): (&Card, &Pan),
        sent: &SentCodes,
    ) -> Result<Verified, Error> {
        let read = [
            (&sent.magstripe_cvv, ServiceCode::INTERNATIONAL_CHIP),
            (&sent.icvv, ServiceCode::ICVV),
        ];
        if read.iter().all(|(code, _)| code.is_none()) {
            return Ok(Verified::NotSent);
        }
        let bin = self.bin_of(pan).await?;
        let key = self.verification_key(scope.partner(), &bin, 0).await?;
        let is_right = |(code, service): (&Option<Cvv>, ServiceCode)| {
            let right = || key.code(pan, card.expiry, service);
            code.as_ref().is_none_or(|code| crypto::cvc::same(&right(), code))
        };
        Ok(matched(read.map(is_right) == [true; 2], card.cvc_generation))
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
