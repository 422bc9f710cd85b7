//! Order plastic: a card that works once it was made, sent and activated, or the print of a card
//! that works already (digital first).

use super::issue_virtual::{Holding, IssueVirtual, may_have_card, who_answers};
use crate::audit::{Done, Entry};
use crate::cards::list::{ever_of_holder, of_holder};
use crate::keyring::EPOCH;
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::{App, Error, Once, ids};
use crypto::keys::Purpose;
use crypto::seal::Place;
use domain::Timestamp;
use domain::card::Card;
use domain::card::embossing::CardholderLine;
use domain::card::lifecycle::{CardStatus, Usable};
use domain::card::order::{CardOrder, Delivery, OrderKind, OrderStatus};
use domain::card::pin::is_weak;
use domain::ids::{CardId, OrderId, PartnerId, UserId};
use domain::program::{CardType, Program};
use domain::scope::Scope;
use domain::secret::Pin;
use domain::user::{Address, Profile};
use jiff::ToSpan;
use serde_json::{Value, json};
use store::card_orders::Kept;
use store::cards::SealedPan;
use store::db::Tx;
use store::{balances, card_orders, cards, users};

/// After how many days plastic of which nothing was heard isn't waited for.
const WAY_DAYS: i64 = 30;
/// Orders of a user that are listed.
const ORDERS: i64 = 100;

/// A card on plastic to be.
#[derive(Debug)]
pub struct OrderPhysical {
    /// Who holds it, what it pays from, of which program it is.
    pub card: IssueVirtual,
    /// Where it is sent.
    pub carrier: Carrier,
    /// What stands on it for the holder's name; made of the names that are known, if it's missing.
    pub line: Option<CardholderLine>,
    /// The PIN that it will have.
    pub pin: Option<Pin>,
}

/// Where plastic is sent, and how.
#[derive(Clone, Debug)]
pub struct Carrier {
    /// Where to.
    pub address: Address,
    /// How.
    pub delivery: Delivery,
}

/// A card that was made for an order, and is written with it.
struct Made {
    program: Program,
    card: Card,
    pan: SealedPan,
    order: CardOrder,
    /// The chosen PIN, sealed: for the bureau, and its verification value.
    pin: Option<(Vec<u8>, Vec<u8>)>,
}

impl App {
    /// Orders a card on plastic; the answer is the order. Nobody sees the card until the bureau has
    /// made it.
    pub async fn order_physical_card(
        &self,
        scope: Scope,
        command: OrderPhysical,
        once: Once<OrderId>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let made = self.make_physical(scope, &command).await;
        let mut tx = self.db.begin().await?;
        let result = match made {
            Ok(made) => self.order_in(&mut tx, scope, &made).await,
            Err(error) => Err(error),
        };
        self.finish(scope, &once, tx, result).await
    }

    /// Makes card, number and PIN, before any transaction that could wait for them.
    async fn make_physical(&self, scope: Scope, command: &OrderPhysical) -> Result<Made, Error> {
        let program = self.live_program(scope, &command.card.config_id, CardType::Physical).await?;
        if program.plastic.is_none() {
            return Err(Refusal::PlasticNotSupported.into());
        }
        let mut tx = self.db.read().await?;
        let checked = async {
            let holding = Holding::find(&mut tx, scope, &command.card).await?;
            let answers = who_answers(&mut tx, scope, holding).await?;
            may_have_card(&mut tx, scope, &program, (holding, &answers)).await?;
            Ok::<_, Error>((holding, answers.holder.profile))
        };
        let checked = checked.await;
        let (holding, profile) = tx.end(checked).await?;
        let line = line_of(command.line.clone(), &profile)?;
        let pin = command.pin.as_ref();
        // A number that is drawn is used up, so that nothing can be refused any more.
        if pin.is_some_and(|pin| is_weak(pin, None, Some(profile.birth_date))) {
            return Err(Refusal::WeakPin.into());
        }
        let wanted = (holding, command.card.label.clone());
        let (card, pan) = self.new_card_for(scope, &program, wanted, pin).await?;
        let holding = (card.holder, card.id);
        let order = order_of(holding, OrderKind::Card, &command.carrier, line);
        let pin = match pin {
            Some(pin) => Some((
                self.seal_ordered_pin(scope.partner(), order.id, pin).await?,
                self.seal_pvv(scope, &card, &pan.sealed, pin).await?,
            )),
            None => None,
        };
        Ok(Made { program, card, pan, order, pin })
    }

    /// Makes a card that is ordered. Whoever chose its PIN didn't know its number: if one ends with
    /// the other, another number is drawn.
    async fn new_card_for(
        &self,
        scope: Scope,
        program: &Program,
        wanted: (Holding, Option<String>),
        pin: Option<&Pin>,
    ) -> Result<(Card, SealedPan), Error> {
        loop {
            let status = CardStatus::Usable(Usable::Ordered);
            let (mut card, pan) = self.new_card(scope, program, wanted.clone(), status).await?;
            if pin.is_some_and(|pin| is_weak(pin, Some(&card.last_four), None)) {
                continue;
            }
            card.pin_version = pin.map_or(0, |_| 1);
            return Ok((card, pan));
        }
    }

    async fn order_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        made: &Made,
    ) -> Result<Done<OrderId>, Error> {
        let Made { program, card, pan, order, pin } = made;
        let entry = self.issue_in(tx, scope, program, (card, pan)).await?;
        let (pin, pvv) = pin.as_ref().map(|(pin, pvv)| (pin.as_slice(), pvv.as_slice())).unzip();
        if let Some(pvv) = pvv {
            cards::set_pvv(tx, scope, card.id, pvv).await?;
        }
        card_orders::insert(tx, scope, (order, &card.config_id), pin, self.now()).await?;
        Ok(Done::changed(order.id, entry.with("order", self.order_facts(scope, order))))
    }

    /// Orders the plastic of a card that works already; the answer is the order. One at a time.
    pub async fn print_card(
        &self,
        scope: Scope,
        card: (UserId, CardId),
        carrier: Carrier,
        once: Once<OrderId>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        let mut tx = self.db.begin().await?;
        let result = self.print_in(&mut tx, scope, card, carrier).await;
        self.finish(scope, &once, tx, result).await
    }

    async fn print_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (holder, id): (UserId, CardId),
        carrier: Carrier,
    ) -> Result<Done<OrderId>, Error> {
        let guard = ever_of_holder(tx, scope, holder, id).await?.balance;
        balances::lock(tx, &[(scope.partner(), guard)].into()).await?;
        let card = of_holder(tx, scope, holder, id).await?;
        self.need_made_here(scope, &card).await?;
        let program = self.live_program(scope, &card.config_id, card.card_type).await?;
        if !program.digital_first || program.plastic.is_none() {
            return Err(Refusal::PlasticNotSupported.into());
        }
        card.may_be_printed(self.today())?;
        let earlier = card_orders::list_of_card(tx, scope, id).await?;
        if self.is_on_its_way(&earlier) {
            return Err(Refusal::PlasticAlreadyOrdered.into());
        }
        let user = users::find(tx, scope, holder).await?.ok_or(Refusal::CustomerNotFound)?;
        let line = line_of(None, &user.profile)?;
        let order = order_of((holder, id), OrderKind::Print, &carrier, line);
        let kept = (&order, card.config_id.as_str());
        card_orders::insert(tx, scope, kept, None, self.now()).await?;
        let entry = Entry::made("card.print", id.0, self.order_facts(scope, &order));
        Ok(Done::changed(order.id, entry))
    }

    /// Whether plastic may still come. Not every carrier reports that it has, so what was ordered
    /// long ago doesn't count.
    pub(super) fn is_on_its_way(&self, orders: &[Kept]) -> bool {
        let long_ago = self.now().checked_sub((WAY_DAYS * 24).hours()).ok();
        let recent = |kept: &&Kept| long_ago.is_none_or(|long_ago| kept.created_at > long_ago);
        orders.iter().filter(recent).any(|kept| kept.order.is_open())
    }

    /// How far a holder's order is.
    pub async fn card_order(
        &self,
        scope: Scope,
        holder: UserId,
        id: OrderId,
    ) -> Result<CardOrder, Error> {
        let mut tx = self.db.read().await?;
        let found = card_orders::find(&mut tx, scope, id).await;
        let found = tx.end(found).await?.map(|kept| kept.order);
        let found = found.filter(|order| order.holder == holder);
        Ok(found.ok_or(Refusal::OrderNotFound)?)
    }

    /// A user's latest orders, and when each was made, the newest first: those too whose card isn't
    /// seen yet, and those that came to nothing.
    pub async fn card_orders(
        &self,
        scope: Scope,
        holder: UserId,
    ) -> Result<Vec<(CardOrder, Timestamp)>, Error> {
        let mut tx = self.db.read().await?;
        let found = async {
            users::find(&mut tx, scope, holder).await?.ok_or(Refusal::CustomerNotFound)?;
            let found = card_orders::list_of_user(&mut tx, scope, holder, ORDERS).await?;
            Ok::<_, Error>(found.into_iter().map(|kept| (kept.order, kept.created_at)).collect())
        };
        let found = found.await;
        tx.end(found).await
    }

    /// What an audit record tells of an order.
    pub(super) fn order_facts(&self, scope: Scope, order: &CardOrder) -> Value {
        let digests = self.digests(scope.partner(), format!("order/{}", order.id.0));
        let address = store::users::address_json(&order.address).to_string();
        json!({
            "orderId": order.id.0.to_string(),
            "kind": order.kind.as_str(),
            "delivery": order.delivery.as_str(),
            "address": digests.of("address", Some(&address)),
            "line": digests.of("line", Some(order.line.as_str())),
        })
    }

    async fn seal_ordered_pin(
        &self,
        partner: PartnerId,
        order: OrderId,
        pin: &Pin,
    ) -> Result<Vec<u8>, Error> {
        let key = self.partner_key(partner).await?.sealing(Purpose::CardKey, EPOCH);
        #[expect(clippy::disallowed_methods, reason = "sealed at once")]
        Ok(key.seal(&place(partner, &order.0.to_string()), pin.expose().as_bytes()))
    }

    /// Opens the PIN that was chosen with an order.
    pub(crate) async fn open_ordered_pin(
        &self,
        partner: PartnerId,
        order: OrderId,
        sealed: &[u8],
    ) -> Result<Pin, Error> {
        let key = self.partner_key(partner).await?.sealing(Purpose::CardKey, EPOCH);
        let digits = key.open(&place(partner, &order.0.to_string()), sealed)?;
        let digits = std::str::from_utf8(&digits).ok();
        digits.and_then(|digits| Pin::parse(digits).ok()).ok_or(Error::broken("no PIN"))
    }
}

/// An order of plastic that is made now.
pub(super) fn order_of(
    (holder, card): (UserId, CardId),
    kind: OrderKind,
    carrier: &Carrier,
    line: CardholderLine,
) -> CardOrder {
    CardOrder {
        id: OrderId(ids::random_id()),
        holder,
        card,
        kind,
        status: OrderStatus::Ordered,
        failure: None,
        delivery: carrier.delivery,
        address: carrier.address.clone(),
        line,
        tracking: None,
        expiry: None,
        version: 0,
    }
}

/// What stands on the card: what was asked for, or the holder's names.
pub(super) fn line_of(
    asked: Option<CardholderLine>,
    profile: &Profile,
) -> Result<CardholderLine, Refusal> {
    let of_names = || CardholderLine::of_person(&profile.first_name, &profile.last_name);
    asked.map_or_else(of_names, Ok).map_err(|_| Refusal::NameNotEmbossable)
}

fn place(partner: PartnerId, row: &str) -> Place<'_> {
    Place { table: "card_order", column: "pin", partner, row }
}
