//! Card numbers: a counter spread by a keyed permutation, so that no number comes twice, none can
//! be guessed from another, and the last costs what the first does.

use crate::keyring::EPOCH;
use crate::refusals::Refusal;
use crate::{App, Error};
use crypto::keys::Purpose;
use crypto::seal::Place;
use domain::ids::{CardId, PartnerId};
use domain::program::Program;
use domain::secret::Pan;
use store::cards::SealedPan;

/// Digits of a number before its check digit.
const DIGITS: usize = 15;

impl App {
    /// The next number of a program's BIN.
    pub(crate) async fn new_pan(&self, program: &Program) -> Result<Pan, Error> {
        let free = u32::try_from(DIGITS - program.bin.len()).unwrap_or_default();
        let size = 10u64.pow(free);
        let series = format!("pan/{}", program.bin);
        let next = self.next_number(program.partner, &series).await?;
        // The series begins at 1, the permutation at 0.
        let place = u64::try_from(next - 1).unwrap_or(u64::MAX);
        if place >= size {
            return Err(Refusal::BinRangeExhausted.into());
        }
        let spread = self.permutation(program.partner, &program.bin, size).await?.apply(place);
        let width = DIGITS - program.bin.len();
        let digits = zeroize::Zeroizing::new(format!("{}{spread:0width$}", program.bin));
        Pan::with_check_digit(&digits).map_err(|_| Error::broken("a made number isn't a number"))
    }

    /// Seals a number to its card's row, and makes what it is found by.
    pub(crate) async fn seal_pan(
        &self,
        partner: PartnerId,
        card: CardId,
        pan: &Pan,
    ) -> Result<SealedPan, Error> {
        let key = self.partner_key(partner).await?;
        #[expect(clippy::disallowed_methods, reason = "sealed at once")]
        let sealed = key
            .sealing(Purpose::Pan, EPOCH)
            .seal(&place(partner, &card.0.to_string()), pan.expose().as_bytes());
        Ok(SealedPan { sealed, index: self.pan_index(partner, pan).await? })
    }

    /// Opens a card's sealed number.
    pub(crate) async fn open_pan(
        &self,
        partner: PartnerId,
        card: CardId,
        sealed: &[u8],
    ) -> Result<Pan, Error> {
        let key = self.partner_key(partner).await?.sealing(Purpose::Pan, EPOCH);
        let digits = key.open(&place(partner, &card.0.to_string()), sealed)?;
        let digits = std::str::from_utf8(&digits);
        digits.ok().and_then(|digits| Pan::parse(digits).ok()).ok_or(Error::broken("no number"))
    }

    /// What a number is found by.
    pub(crate) async fn pan_index(&self, partner: PartnerId, pan: &Pan) -> Result<Vec<u8>, Error> {
        let key = self.partner_key(partner).await?.mac(Purpose::PanIndex, EPOCH);
        #[expect(clippy::disallowed_methods, reason = "digested at once, by a keyed digest")]
        let digest = key.sign(&[pan.expose().as_bytes()]);
        Ok(digest.to_vec())
    }
}

fn place(partner: PartnerId, row: &str) -> Place<'_> {
    Place { table: "card", column: "pan", partner, row }
}
