//! Card numbers: a counter spread by a keyed permutation, so that no number comes twice, none can
//! be guessed from another, and the last costs what the first does.

use crate::keyring::EPOCH;
use crate::refusals::Refusal;
use crate::{App, Error};
use crypto::keys::Purpose;
use crypto::seal::Place;
use domain::card::Card;
use domain::ids::{CardId, PartnerId};
use domain::program::{Port, Program, ProgramState};
use domain::scope::Scope;
use domain::secret::Pan;
use store::cards::SealedPan;
use store::counters;

/// Digits of a number before its check digit.
const DIGITS: usize = 15;

impl App {
    /// The next number of a program: of its first BIN that isn't full.
    pub(crate) async fn new_pan(&self, program: &Program) -> Result<Pan, Error> {
        if program.port == Port::None {
            return Err(Refusal::CardMadeElsewhere.into());
        }
        for bin in &program.bins {
            if let Some(pan) = self.new_pan_of(program.partner, bin).await? {
                return Ok(pan);
            }
        }
        Err(Refusal::BinRangeExhausted.into())
    }

    /// The next number of a BIN; none if it is full.
    async fn new_pan_of(&self, partner: PartnerId, bin: &str) -> Result<Option<Pan>, Error> {
        let size = numbers_of(bin);
        let next = self.next_number(partner, &series(bin)).await?;
        // The series begins at 1, the permutation at 0.
        let place = u64::try_from(next - 1).unwrap_or(u64::MAX);
        if place >= size {
            return Ok(None);
        }
        let spread = self.permutation(partner, bin, size).await?.apply(place);
        let width = DIGITS - bin.len();
        let digits = zeroize::Zeroizing::new(format!("{bin}{spread:0width$}"));
        let pan = Pan::with_check_digit(&digits);
        pan.map(Some).map_err(|_| Error::broken("a made number isn't a number"))
    }

    /// The BIN of a card's number: its keys are those of the BIN, whichever its program uses now.
    /// Whoever wants a key of a card comes here first, and is refused where its cards aren't ours.
    pub(crate) async fn bin_of(&self, pan: &Pan) -> Result<String, Error> {
        if self.settings.get().bin_of_pan(pan).is_none() {
            // Another node has just been told of it.
            self.refresh_settings().await?;
        }
        let settings = self.settings.get();
        let bin = settings.bin_of_pan(pan).ok_or(Error::broken("a number has no BIN"))?;
        if settings.is_foreign_bin(bin) {
            return Err(Refusal::CardMadeElsewhere.into());
        }
        Ok(bin.to_owned())
    }

    /// Refuses what needs numbers or keys of ours for a card that somebody else makes.
    pub(super) async fn need_made_here(&self, scope: Scope, card: &Card) -> Result<(), Error> {
        let program = self.find_program(scope, &card.config_id).await?;
        match program.ok_or(Error::broken("a card has no program"))?.port {
            Port::Builtin => Ok(()),
            Port::None => Err(Refusal::CardMadeElsewhere.into()),
        }
    }

    /// Each BIN of a program: how many numbers were taken of it, and of how many.
    /// Of a program whose cards nobody here makes there are none.
    pub async fn bin_ranges(&self, program: &Program) -> Result<Vec<BinRange>, Error> {
        if program.port == Port::None {
            return Ok(Vec::new());
        }
        let mut tx = self.db.read().await?;
        let read = async {
            let mut ranges = Vec::new();
            for bin in &program.bins {
                let taken = counters::taken(&mut tx, program.partner, &series(bin)).await?;
                let (taken, of) = (taken.unsigned_abs().min(numbers_of(bin)), numbers_of(bin));
                ranges.push(BinRange { bin: bin.clone(), taken, of });
            }
            Ok::<_, Error>(ranges)
        };
        let read = read.await;
        tx.end(read).await
    }

    /// Whether a program has less than a fifth of its numbers left.
    pub(crate) async fn is_running_out(&self, program: &Program) -> Result<bool, Error> {
        Ok(run_out(&self.bin_ranges(program).await?))
    }

    /// The open programs that have less than a fifth of their numbers left.
    pub async fn programs_running_out(&self) -> Result<Vec<Program>, Error> {
        let settings = self.settings.get();
        let mut found = Vec::new();
        for partner in settings.partners() {
            let open = settings.programs_of(partner.id).into_iter();
            let made_here =
                |it: &&Program| it.state == ProgramState::Live && it.port == Port::Builtin;
            for program in open.filter(made_here) {
                if self.is_running_out(program).await? {
                    found.push(program.clone());
                }
            }
        }
        Ok(found)
    }

    /// Has the next number of a BIN be the one behind so many hundredths of all; those before are
    /// left out for ever. `false` if more are taken: none comes twice.
    pub(crate) async fn fill_range(
        &self,
        partner: PartnerId,
        bin: &str,
        hundredths: u8,
    ) -> Result<bool, Error> {
        let filled = numbers_of(bin) / 100 * u64::from(hundredths);
        let first = i64::try_from(filled + 1).unwrap_or(i64::MAX);
        Ok(self.leave_numbers_out(partner, &series(bin), first).await? == first)
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

/// A BIN, how many numbers were taken of it, and of how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinRange {
    /// The BIN.
    pub bin: String,
    /// Numbers that were taken, in blocks; a block that isn't used up is left out.
    pub taken: u64,
    /// Numbers that there are.
    pub of: u64,
}

/// Whether four fifths are taken of all that a program has (spec "Numbers"); of none, none are.
#[must_use]
pub fn run_out(ranges: &[BinRange]) -> bool {
    let sum = |of: fn(&BinRange) -> u64| ranges.iter().map(of).sum::<u64>();
    !ranges.is_empty() && sum(|it| it.taken) * 5 >= sum(|it| it.of) * 4
}

fn series(bin: &str) -> String {
    format!("pan/{bin}")
}

/// How many numbers a BIN has.
fn numbers_of(bin: &str) -> u64 {
    10u64.pow(u32::try_from(DIGITS - bin.len()).unwrap_or_default())
}

fn place(partner: PartnerId, row: &str) -> Place<'_> {
    Place { table: "card", column: "pan", partner, row }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_runs_out_of_numbers_when_a_fifth_is_left() {
        let range = |taken, of| BinRange { bin: "53208701".to_owned(), taken, of };
        for (ranges, expected) in [
            (Vec::new(), false),
            (vec![range(0, 100)], false),
            (vec![range(79, 100)], false),
            (vec![range(80, 100)], true),
            (vec![range(100, 100), range(0, 100)], false),
            (vec![range(100, 100), range(60, 100)], true),
        ] {
            assert_eq!(run_out(&ranges), expected, "{ranges:?}");
        }
        assert_eq!((numbers_of("532087"), numbers_of("53208701")), (1_000_000_000, 10_000_000));
    }
}
