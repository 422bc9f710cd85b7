//! The card of a line: its processor has made it, so its number comes with it.

use crate::cards::month;
use crate::problem::Problem;
use crate::wire::{Fields, Reader, integer, parsed, schema, text, word};
use app::users::ForeignCard;
use domain::card::foreign::{Standing, State, Unfit};
use domain::card::lifecycle::LockReason;
use domain::masking::mask;
use domain::secret::Pan;

/// Reads the card of a line, if it has one.
pub(super) fn read_card(fields: &mut Fields<'_>) -> Option<ForeignCard> {
    let mut inner = fields.nested("card")?;
    let card = read_fields(&mut inner);
    fields.absorb(inner);
    card
}

fn read_fields(fields: &mut Fields<'_>) -> Option<ForeignCard> {
    // A lock under another name would make a stolen card pay.
    fields.only(&["configId", "cardNo", "expiry", "state", "lockReason", "label"]);
    let config_id = fields.required("configId", text(10));
    let number = fields.required("cardNo", number());
    let expiry = fields.required("expiry", month()).map(|month| month.last_of_month());
    let state = fields.optional("state", word(State::ALL, "must be ACTIVE, INACTIVE or LOCKED"));
    let standing = standing(fields, state.unwrap_or(State::Active));
    let label = fields.optional("label", text(100)).map(|label| mask(&label));
    Some(ForeignCard {
        config_id: config_id?,
        number: number?,
        expiry: expiry?,
        standing: standing?,
        label,
    })
}

fn standing(fields: &mut Fields<'_>, state: State) -> Option<Standing> {
    match state {
        State::Locked => {
            let code = fields.required("lockReason", integer())?;
            let reason = LockReason::from_code(code);
            if reason.is_none() {
                fields.wrong("lockReason", "must be the code of a lock reason");
            }
            reason.map(Standing::Locked)
        }
        State::Active | State::Inactive => {
            fields.foreign("lockReason", "is of a card that is LOCKED");
            Some(if state == State::Active { Standing::Active } else { Standing::Inactive })
        }
    }
}

/// A number whose last digit is right.
fn number() -> impl Reader<Pan> {
    let parse = |text: &str| Pan::parse(text).ok();
    parsed(parse, || schema::pattern("^[0-9]{16}$"), "must be a card number of 16 digits")
}

/// What is told of a card that can't be as it was told.
pub(super) fn unfit(unfit: Unfit) -> Problem {
    match unfit {
        Unfit::NumberLength => {
            Problem::invalid_field("card.cardNo", "must be a card number of 16 digits")
        }
        Unfit::NumberOfOtherBin => {
            Problem::invalid_field("card.cardNo", "must begin with a BIN of the program")
        }
        Unfit::Expired => Problem::invalid_field("card.expiry", "must not be in the past"),
    }
}
