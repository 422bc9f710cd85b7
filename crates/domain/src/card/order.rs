//! Plastic that was ordered: what is to be made and sent, and how far it is.

use super::Card;
use super::embossing::CardholderLine;
use super::lifecycle::CardStatus;
use crate::ids::{CardId, OrderId, UserId};
use crate::outcome::Outcome;
use crate::user::Address;
use crate::words::words;
use jiff::civil::Date;
use thiserror::Error;

words! {
    /// How far plastic is, on its way from the order to the holder.
    pub enum OrderStatus {
        /// It leaves with the next batch.
        Ordered = "ORDERED",
        /// The bureau has it.
        SentToBureau = "SENT_TO_BUREAU",
        /// The card is made.
        Personalised = "PERSONALISED",
        /// It is on its way.
        Shipped = "SHIPPED",
        /// It has arrived.
        Delivered = "DELIVERED",
        /// It came to nothing; `failure` says why.
        Failed = "FAILED",
    }
}

words! {
    /// Why an order came to nothing.
    pub enum OrderFailure {
        /// The card couldn't be made, by the bureau or by what it is told.
        NotPersonalised = "NOT_PERSONALISED",
        /// Nobody took it.
        Undelivered = "UNDELIVERED",
        /// The card was removed before it left for the bureau.
        CardRemoved = "CARD_REMOVED",
        /// The card was locked for good before it left for the bureau.
        CardLocked = "CARD_LOCKED",
    }
}

words! {
    /// How plastic is sent.
    pub enum Delivery {
        /// By post.
        Post = "POST",
        /// By a courier.
        Courier = "COURIER",
    }
}

words! {
    /// What is made.
    pub enum OrderKind {
        /// A new card, which works once its holder has activated it.
        Card = "CARD",
        /// The plastic of a card that works already, with nothing of it printed on (digital first).
        Print = "PRINT",
        /// The same plastic once more, in the place of one that is damaged.
        Reissue = "REISSUE",
        /// Plastic with a later last day and another code, which its holder has to activate; until
        /// then the plastic before works.
        Renewal = "RENEWAL",
    }
}

/// An order of plastic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardOrder {
    /// `orderId` on the wire, and what the bureau calls it.
    pub id: OrderId,
    /// Who gets it.
    pub holder: UserId,
    /// The card.
    pub card: CardId,
    /// What is made.
    pub kind: OrderKind,
    /// How far it is.
    pub status: OrderStatus,
    /// Why it came to nothing, if it did.
    pub failure: Option<OrderFailure>,
    /// How it is sent.
    pub delivery: Delivery,
    /// Where to.
    pub address: Address,
    /// The holder's name on the carrier letter and, unless it is a print, on the card.
    pub line: CardholderLine,
    /// The carrier's name for the parcel.
    pub tracking: Option<String>,
    /// The last day that stands on a renewal's plastic, and is the card's once it was activated.
    pub expiry: Option<Date>,
    /// Raised by one at each change.
    pub version: i64,
}

/// What a bureau reports of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// It was made.
    Personalised,
    /// It is on its way, under the carrier's name for it.
    Shipped(Option<String>),
    /// It has arrived.
    Delivered,
    /// It couldn't be made.
    Failed,
    /// It came back.
    Undelivered,
}

/// Why a report wasn't taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReportFault {
    /// The bureau never got it.
    #[error("the order wasn't sent to the bureau")]
    NotSent,
    /// It has ended otherwise.
    #[error("the order has ended")]
    Ended,
}

impl CardOrder {
    /// The order leaves for the bureau. Again after a crash is the same.
    pub fn send(&mut self) -> Outcome {
        if self.status != OrderStatus::Ordered {
            return Outcome::AlreadyApplied;
        }
        self.status = OrderStatus::SentToBureau;
        Outcome::Applied
    }

    /// The order won't leave, if its card is gone or locked for good; whether that is so.
    pub fn give_up(&mut self, card: &Card) -> bool {
        let failure = match card.status {
            CardStatus::Removed { .. } => OrderFailure::CardRemoved,
            CardStatus::Locked { reason, .. } if !reason.is_reversible() => {
                OrderFailure::CardLocked
            }
            CardStatus::Usable(_) | CardStatus::Locked { .. } => return false,
        };
        self.status = OrderStatus::Failed;
        self.failure = Some(failure);
        true
    }

    /// The order won't leave, since nobody can be told what is to be made.
    pub fn fail(&mut self) {
        self.status = OrderStatus::Failed;
        self.failure = Some(OrderFailure::NotPersonalised);
    }

    /// Its card was activated, so it has arrived, whatever was reported; whether that is new.
    pub fn arrive(&mut self) -> bool {
        let activated = matches!(self.kind, OrderKind::Card | OrderKind::Renewal);
        let new = activated && self.is_open();
        if new {
            self.status = OrderStatus::Delivered;
        }
        new
    }

    /// Takes what the bureau reports. Steps may be left out and may come late: what is behind the
    /// order's state already changes nothing.
    pub fn report(&mut self, report: Report) -> Result<Outcome, ReportFault> {
        let (status, failure) = match &report {
            Report::Personalised => (OrderStatus::Personalised, None),
            Report::Shipped(_) => (OrderStatus::Shipped, None),
            Report::Delivered => (OrderStatus::Delivered, None),
            Report::Failed => (OrderStatus::Failed, Some(OrderFailure::NotPersonalised)),
            Report::Undelivered => (OrderStatus::Failed, Some(OrderFailure::Undelivered)),
        };
        match self.status {
            OrderStatus::Ordered => return Err(ReportFault::NotSent),
            OrderStatus::Failed if failure == self.failure => return Ok(Outcome::AlreadyApplied),
            OrderStatus::Failed => return Err(ReportFault::Ended),
            // What was made can't have failed to be, nor what has arrived have come back.
            OrderStatus::Delivered if failure.is_some() => return Err(ReportFault::Ended),
            OrderStatus::Personalised | OrderStatus::Shipped
                if failure == Some(OrderFailure::NotPersonalised) =>
            {
                return Err(ReportFault::Ended);
            }
            OrderStatus::SentToBureau
            | OrderStatus::Personalised
            | OrderStatus::Shipped
            | OrderStatus::Delivered => {}
        }
        if status <= self.status {
            return Ok(Outcome::AlreadyApplied);
        }
        self.status = status;
        self.failure = failure;
        if let Report::Shipped(Some(tracking)) = report {
            self.tracking = Some(tracking);
        }
        Ok(Outcome::Applied)
    }

    /// Whether the card exists as plastic, somewhere.
    #[must_use]
    pub fn is_made(&self) -> bool {
        (OrderStatus::Personalised..=OrderStatus::Delivered).contains(&self.status)
            || self.failure == Some(OrderFailure::Undelivered)
    }

    /// Whether its holder sees the card.
    #[must_use]
    pub fn shows_card(&self) -> bool {
        self.kind != OrderKind::Card || self.is_made()
    }

    /// Whether it may still come.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status < OrderStatus::Delivered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::lifecycle::{LockReason, Locker};
    use crate::fixtures::{self, NOW};
    use OrderStatus::{Delivered, Failed, Ordered, Personalised, SentToBureau, Shipped};

    #[test]
    fn each_report_in_each_state() {
        let (made, gone, back) = (Report::Personalised, Report::Failed, Report::Undelivered);
        let shipped = Report::Shipped(Some("RR1".to_owned()));
        let moved = |status| Ok((Outcome::Applied, status));
        let same = |status| Ok((Outcome::AlreadyApplied, status));
        let (unsent, ended) = (Err(ReportFault::NotSent), Err(ReportFault::Ended));
        for (held, expected) in [
            (Ordered, [unsent, unsent, unsent, unsent, unsent]),
            (
                SentToBureau,
                [
                    moved(Personalised),
                    moved(Shipped),
                    moved(Delivered),
                    moved(Failed),
                    moved(Failed),
                ],
            ),
            (
                Personalised,
                [same(Personalised), moved(Shipped), moved(Delivered), ended, moved(Failed)],
            ),
            (Shipped, [same(Shipped), same(Shipped), moved(Delivered), ended, moved(Failed)]),
            (Delivered, [same(Delivered), same(Delivered), same(Delivered), ended, ended]),
        ] {
            let reports = [&made, &shipped, &Report::Delivered, &gone, &back];
            for (report, expected) in reports.into_iter().zip(expected) {
                let before = CardOrder { status: held, ..fixtures::card_order() };
                let mut order = before.clone();
                let told = order.report(report.clone()).map(|outcome| (outcome, order.status));
                assert_eq!(told, expected, "{held:?} {report:?}");
                if !matches!(told, Ok((Outcome::Applied, _))) {
                    assert_eq!(order, before, "{held:?} {report:?}");
                }
            }
        }
    }

    #[test]
    fn an_order_that_failed_stays_as_it_is() {
        let mut order = CardOrder { status: SentToBureau, ..fixtures::card_order() };
        order.report(Report::Failed).expect("fails");
        assert_eq!((order.failure, order.is_made()), (Some(OrderFailure::NotPersonalised), false));
        assert_eq!(order.report(Report::Failed), Ok(Outcome::AlreadyApplied));
        assert_eq!(order.report(Report::Personalised), Err(ReportFault::Ended));
        assert_eq!(order.report(Report::Undelivered), Err(ReportFault::Ended));
    }

    #[test]
    fn an_order_whose_card_is_lost_to_all_does_not_leave() {
        let order = fixtures::card_order();
        let (mut locked, mut gone, mut held) =
            (fixtures::card(), fixtures::card(), fixtures::card());
        locked.lock(LockReason::CardLost, Locker::User, NOW).expect("locks");
        held.lock(LockReason::SuspectedFraud, Locker::User, NOW).expect("locks");
        gone.remove(NOW).expect("removes");
        for (card, failure) in [
            (locked, Some(OrderFailure::CardLocked)),
            (gone, Some(OrderFailure::CardRemoved)),
            (held, None),
            (fixtures::card(), None),
        ] {
            let mut given_up = order.clone();
            assert_eq!(given_up.give_up(&card), failure.is_some());
            assert_eq!(given_up.failure, failure);
            assert!(failure.is_some() || given_up == order);
        }
    }

    #[test]
    fn an_activated_card_has_arrived() {
        for (kind, status, arrives) in [
            (OrderKind::Card, Personalised, true),
            (OrderKind::Card, Shipped, true),
            (OrderKind::Card, Delivered, false),
            (OrderKind::Card, Failed, false),
            (OrderKind::Reissue, Shipped, false),
            (OrderKind::Renewal, Shipped, true),
        ] {
            let mut order = CardOrder { kind, status, ..fixtures::card_order() };
            assert_eq!(order.arrive(), arrives, "{kind:?} {status:?}");
            assert_eq!(order.status, if arrives { Delivered } else { status });
        }
    }

    #[test]
    fn the_parcel_is_known_from_its_shipping_on() {
        let mut order = CardOrder { status: SentToBureau, ..fixtures::card_order() };
        order.report(Report::Shipped(Some("RR1".to_owned()))).expect("ships");
        order.report(Report::Undelivered).expect("comes back");
        assert_eq!(order.tracking.as_deref(), Some("RR1"));
        assert!(order.is_made(), "somebody may have it");
    }
}
