//! What is decided of facts that no database had.

use super::super::command::Names;
use super::*;
use domain::authorization::{Chip, PartialApproval, Request, Verified};
use domain::balance::Payers;
use domain::card::lifecycle::{CardStatus, Usable};
use domain::card::tries::Tries;
use domain::ids::{BalanceId, CardId, PartnerId, ProcessorId, UserId};
use domain::money::Currency;
use domain::program::{CardType, PreAuthorization};
use domain::scope::Scope;
use domain::transaction::{Category, Place, TransactionType};
use domain::{Date, Timestamp};
use uuid::Uuid;

const PARTNER: PartnerId = PartnerId(1);

fn card() -> Card {
    Card {
        corporation: None,
        id: CardId(1),
        resource: Uuid::nil(),
        balance: BalanceId(Uuid::nil()),
        holder: UserId(1),
        config_id: "0019167984".to_owned(),
        card_type: CardType::Virtual,
        status: CardStatus::Usable(Usable::Active),
        last_four: "1234".to_owned(),
        expiry: Date::constant(2029, 11, 30),
        cvc_generation: 0,
        pin_version: 2,
        tries: Tries::default(),
        label: None,
        version: 0,
    }
}

fn asked(pin: Verified, compared_again: bool) -> Command {
    let order = Order {
        balance: Some(BalanceId(Uuid::nil())),
        card: Some(CardId(1)),
        processor: Some(ProcessorId(1)),
        network_id: "one".to_owned(),
        network_date: Timestamp::UNIX_EPOCH,
        reference_id: None,
        reference_date: None,
        kind: TransactionType::Pos,
        category: Category::Debit,
        amount: 1,
        currency: Currency::EUR,
        original_amount: None,
        original_currency: None,
        conversion_rate: None,
        text: String::new(),
        data: None,
        mcc: None,
        retrieval_reference: None,
        place: Place::default(),
    };
    let request = Request {
        order,
        processor: ProcessorId(1),
        ask: Ask::Debit,
        expiry: None,
        cvv: Verified::NotSent,
        read_code: Verified::NotSent,
        pin,
        chip: Chip::NotDoubted,
        pre_authorization: PreAuthorization::No,
        partial_approval: PartialApproval::Refused,
        there_is: None,
    };
    let (request, code) = (Box::new(request), "123456".to_owned());
    Command {
        scope: Scope::platform(PARTNER, "a test"),
        payers: Payers::default(),
        message: MessageId(Uuid::nil()),
        transaction: TransactionId(Uuid::nil()),
        names: Names { scope: "test".to_owned(), key: None, name: None },
        fingerprint: Vec::new(),
        request_id: String::new(),
        now: Timestamp::UNIX_EPOCH,
        event: Event::Authorize {
            request,
            reference: None,
            code,
            compared_again,
            stage: Stage::New { ask_until: Timestamp::UNIX_EPOCH },
        },
    }
}

fn decided(command: &Command) -> (Outcome, bool) {
    let mut facts = Facts::default();
    facts.cards.insert((PARTNER, CardId(1)), card());
    let outcome = decide(&mut facts, command);
    (outcome, facts.is_untouched())
}

/// The PIN was set between comparison and decision: nothing is decided, and nothing is left.
#[test]
fn what_was_compared_with_something_else_goes_back_once() {
    for pin in [Verified::Match { version: 1 }, Verified::NoMatch { version: 1 }] {
        let (outcome, untouched) = decided(&asked(pin, false));
        assert!(matches!(outcome, Outcome::Outdated) && untouched, "{pin:?}");
        let (outcome, untouched) = decided(&asked(pin, true));
        assert!(matches!(outcome, Outcome::Decided(_)) && !untouched, "{pin:?}");
    }
    let (outcome, _) = decided(&asked(Verified::Match { version: 2 }, false));
    assert!(matches!(outcome, Outcome::Decided(_)));
}
