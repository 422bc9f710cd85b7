//! Sane values for tests; a test names only what it is about.

use crate::authorization::{Ask, Chip, OwnerFacts, PartialApproval, Request, Verified};
use crate::balance::{Balance, BalanceState, Owner, PartnerBalanceKind};
use crate::card::Card;
use crate::card::embossing::CardholderLine;
use crate::card::lifecycle::{CardStatus, Usable};
use crate::card::order::{CardOrder, Delivery, OrderKind, OrderStatus};
use crate::card::tries::Tries;
use crate::ids::{BalanceId, CardId, OrderId, PartnerId, ProcessorId, TransactionId, UserId};
use crate::limits::Rules;
use crate::money::{Amount, Currency};
use crate::partner::BalanceMode;
use crate::program::{
    Audience, CardType, FxDifferenceTo, Port, PreAuthorization, Product, Program, ProgramState,
    Scheme,
};
use crate::transaction::{Category, Order, Place, TransactionType};
use crate::user::{Address, Country, Email, Kyc, Phone, Profile, User, UserState};
use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

/// A moment in November 2023.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

/// An owner who may do all.
pub(crate) const OWNER: OwnerFacts = OwnerFacts { state: UserState::Verified, under_lock: false };

/// A user of whom nothing is known yet.
pub(crate) fn user(state: UserState) -> User {
    User {
        id: UserId(1),
        profile: Profile {
            first_name: "John".to_owned(),
            last_name: "Doe".to_owned(),
            phone: Phone::parse("481234567899").expect("a phone"),
            email: Email::parse("john.doe@verestro.com").expect("an address"),
            birth_date: Date::constant(2000, 1, 1),
            external_id: None,
            address: None,
        },
        state,
        before_lock: None,
        kyc: Kyc::None,
        version: 0,
    }
}

pub(crate) fn amount(minor: i64) -> Amount {
    Amount::from_minor(minor).expect("not negative")
}

pub(crate) fn transaction_id(number: u128) -> TransactionId {
    TransactionId(Uuid::from_u128(number))
}

pub(crate) fn balance(posted: i64) -> Balance {
    Balance {
        id: BalanceId(Uuid::from_u128(1)),
        owner: Owner::User(UserId(1)),
        currency: Currency::EUR,
        mode: BalanceMode::Internal,
        state: BalanceState::Active,
        posted,
        held: Amount::ZERO,
        version: 0,
        gift: None,
    }
}

/// A balance of the partner's own.
pub(crate) fn partner_balance(kind: PartnerBalanceKind, posted: i64) -> Balance {
    let id = BalanceId(Uuid::from_u128(100 + kind as u128));
    Balance { id, owner: Owner::Partner(kind), ..balance(posted) }
}

pub(crate) fn card() -> Card {
    Card {
        corporation: None,
        id: CardId(1),
        resource: Uuid::from_u128(2),
        balance: BalanceId(Uuid::from_u128(1)),
        holder: UserId(1),
        config_id: "0019167984".to_owned(),
        card_type: CardType::Virtual,
        status: CardStatus::Usable(Usable::Active),
        last_four: "1234".to_owned(),
        expiry: Date::constant(2029, 11, 30),
        cvc_generation: 0,
        pin_version: 0,
        tries: Tries::default(),
        label: None,
        version: 0,
    }
}

pub(crate) fn card_order() -> CardOrder {
    CardOrder {
        id: OrderId(Uuid::from_u128(3)),
        holder: UserId(1),
        card: CardId(1),
        kind: OrderKind::Card,
        status: OrderStatus::Ordered,
        failure: None,
        delivery: Delivery::Post,
        address: Address {
            street: "Main Street".to_owned(),
            number: "1".to_owned(),
            apartment: None,
            city: "Warsaw".to_owned(),
            post_code: "00-001".to_owned(),
            country: Country::parse("PL").expect("two letters"),
        },
        line: CardholderLine::of("John Doe").expect("a name"),
        tracking: None,
        expiry: None,
        version: 0,
    }
}

pub(crate) fn program() -> Program {
    Program {
        partner: PartnerId(1),
        config_id: "0019167984".to_owned(),
        card_type: CardType::Virtual,
        digital_first: false,
        currency: Currency::EUR,
        scheme: Scheme::Mastercard,
        product: Product::Prepaid,
        audience: Audience::Consumer,
        processor: ProcessorId(1),
        bins: vec!["53208701".to_owned()],
        lifetime_months: 36,
        card_cap: 10,
        hold_days: 7,
        fx_difference_to: FxDifferenceTo::Company,
        state: ProgramState::Live,
        port: Port::Builtin,
        rules: Rules::default(),
        plastic: None,
        gift: None,
    }
}

pub(crate) fn order(minor: i64) -> Order {
    Order {
        balance: Some(BalanceId(Uuid::from_u128(1))),
        card: Some(CardId(1)),
        processor: Some(ProcessorId(1)),
        network_id: "177482".to_owned(),
        network_date: NOW,
        reference_id: None,
        reference_date: None,
        kind: TransactionType::Pos,
        category: Category::Debit,
        amount: minor,
        currency: Currency::EUR,
        original_amount: None,
        original_currency: None,
        conversion_rate: None,
        text: "Book store".to_owned(),
        data: None,
        mcc: None,
        retrieval_reference: None,
        place: Place::default(),
    }
}

pub(crate) fn request(minor: i64) -> Request {
    Request {
        order: order(minor),
        processor: ProcessorId(1),
        ask: Ask::Debit,
        expiry: None,
        cvv: Verified::NotSent,
        read_code: Verified::NotSent,
        pin: Verified::NotSent,
        chip: Chip::NotDoubted,
        pre_authorization: PreAuthorization::No,
        partial_approval: PartialApproval::Refused,
        there_is: None,
    }
}
