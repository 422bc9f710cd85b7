//! Cards: what they are and what may become of them.

pub mod embossing;
pub mod first_use;
pub mod foreign;
pub mod lifecycle;
pub mod order;
pub mod pin;
pub mod plastic;
pub mod stop;
pub mod tries;

use crate::ids::{BalanceId, CardId, CorporationId, OwnerId, UserId};
use crate::program::CardType;
use jiff::civil::Date;
use lifecycle::CardStatus;
use tries::Tries;
use uuid::Uuid;

/// A card: it belongs to one balance for ever. Its number is kept elsewhere, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The integer of the wire.
    pub id: CardId,
    /// Its UUID: `resourceId` in transactions.
    pub resource: Uuid,
    /// The balance that it pays from.
    pub balance: BalanceId,
    /// The user who holds it.
    pub holder: UserId,
    /// The corporation whose balance it pays from; none if that is the holder's own.
    pub corporation: Option<CorporationId>,
    /// The program that it is of.
    pub config_id: String,
    /// What it is made of.
    pub card_type: CardType,
    /// Where it stands.
    pub status: CardStatus,
    /// The last four digits of its number.
    pub last_four: String,
    /// The last day on which it works.
    pub expiry: Date,
    /// Which card verification key makes its CVC2; a reset raises it.
    pub cvc_generation: i64,
    /// Which PIN it has; a new one raises it. 0: it has none yet.
    pub pin_version: i64,
    /// The wrong secrets so far.
    pub tries: Tries,
    /// The owner's name for it.
    pub label: Option<String>,
    /// Raised by one at each change.
    pub version: i64,
}

impl Card {
    /// Whose the balance is that it pays from.
    #[must_use]
    pub fn owner(&self) -> OwnerId {
        self.corporation.map_or_else(|| self.holder.into(), OwnerId::from)
    }
}
