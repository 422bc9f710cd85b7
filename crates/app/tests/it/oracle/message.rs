//! The messages of a sequence, and how they are sent.

use super::answer::{Answer, Heard};
use app::balances::{Right, Transfer};
use app::processor::{Authorize, Clear, Envelope, Inform, Message, Reverse, Told};
use app::{Error, Refusal};
use domain::authorization::{Ask, PartialApproval};
use domain::ids::BalanceId;
use domain::ledger::clearing::Finality;
use domain::ledger::matching::Reference;
use domain::money::Currency;
use domain::partner::CollateralMode;
use domain::program::PreAuthorization;
use domain::transaction::TransactionType::{
    Cashback, CollateralCredit, CollateralDebit, Commission, Fee, Funding, Interest, Loan, Payment,
    TopUp, Withdrawal,
};
use domain::transaction::{Category, Description, Processing, Status, TransactionType};
use proptest::prelude::*;
use testkit::{Funded, TestApp, origin};

/// What makes a purchase special.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum With {
    Nothing,
    /// The merchant takes less than it asks for.
    Partial,
    /// The same, from a machine that pays out what was typed.
    PartialAtAtm,
    /// The amount is an estimate, so the hold lasts longer.
    Estimate,
}

/// Which of a processor's keys a message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    First,
    /// Only the network's own name tells that it is the same message.
    Second,
}

/// Names are small numbers, so that messages meet; what isn't named by one has its place in the
/// sequence for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// The operator loads what limits the users, or draws from it.
    Collateral {
        kind: TransactionType,
        amount: i64,
    },
    /// The user is given money: a `topUp`, `payment`, `loan` or `cashback`.
    Give {
        kind: TransactionType,
        amount: i64,
    },
    /// The user pays: a `fee`, `withdrawal`, `commission`, `interest` or `funding`.
    Charge {
        kind: TransactionType,
        amount: i64,
    },
    Purchase {
        name: u8,
        amount: i64,
        with: With,
    },
    Raise {
        name: u8,
        of: u8,
        amount: i64,
    },
    Credit {
        name: u8,
        amount: i64,
    },
    Tell {
        told: Told,
        name: u8,
        amount: i64,
    },
    Adjust {
        of: Option<u8>,
        way: Category,
        amount: i64,
    },
    /// `gain` is the difference of exchange rates, smaller than the amount.
    Clear {
        of: Option<u8>,
        way: Category,
        amount: i64,
        last: bool,
        gain: i64,
    },
    Reverse {
        of: u8,
        amount: i64,
    },
}

/// What happens in a sequence.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Send(Sent),
    Wait {
        hours: i64,
    },
    /// An earlier message comes once more.
    Again {
        which: u8,
        key: Key,
    },
}

/// Debits and credits share some names.
const DEBITS: std::ops::Range<u8> = 0..5;
const CREDITS: std::ops::Range<u8> = 4..7;
const INCREMENTS: std::ops::Range<u8> = 8..11;
const ALL: std::ops::Range<u8> = 0..12;
/// From here on a number means one of the names in use.
const USED: u8 = 100;

/// A name in use in most cases, or one that may be nobody's.
fn of() -> impl Strategy<Value = u8> {
    prop_oneof![3 => USED..200, 1 => ALL]
}

/// In steps, so that messages about the same name often have the same amount.
fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![(1..8i64).prop_map(|it| it * 50), 1..600i64]
}

fn way() -> impl Strategy<Value = Category> {
    prop_oneof![Just(Category::Debit), Just(Category::Credit)]
}

fn with() -> impl Strategy<Value = With> {
    prop_oneof![
        4 => Just(With::Nothing),
        2 => Just(With::Partial),
        1 => Just(With::PartialAtAtm),
        1 => Just(With::Estimate),
    ]
}

fn told() -> impl Strategy<Value = (Told, u8)> {
    prop_oneof![
        3 => (Just(Told::Advice), prop_oneof![DEBITS, of()]),
        1 => (Just(Told::DeclineAdvice), DEBITS),
        2 => (Just(Told::ForceDebit), prop_oneof![DEBITS, of()]),
        2 => (Just(Told::ForceCredit), CREDITS),
    ]
}

/// Of something in most cases, the way that it went in most cases.
fn clearing() -> impl Strategy<Value = Sent> {
    let named = prop_oneof![
        3 => of().prop_map(|of| (Some(of), Category::Debit)),
        2 => of().prop_map(|of| (Some(of), Category::Credit)),
        1 => (prop::option::weighted(0.7, of()), way()),
    ];
    let gain = prop_oneof![3 => Just(0), 1 => -30..30i64];
    (named, amount(), any::<bool>(), gain).prop_map(|((of, way), amount, last, gain)| Sent::Clear {
        of,
        way,
        amount,
        last,
        gain: gain % amount,
    })
}

/// Every internal transaction that a partner or the operator may ask for under mode `CREDIT`.
fn internal() -> impl Strategy<Value = Sent> {
    let collateral = prop_oneof![Just(CollateralCredit), Just(CollateralDebit)];
    let give = prop_oneof![Just(TopUp), Just(Payment), Just(Loan), Just(Cashback)];
    let charge = prop_oneof![
        3 => Just(Funding),
        1 => Just(Withdrawal),
        1 => Just(Commission),
        1 => Just(Interest),
        1 => Just(Fee),
    ];
    prop_oneof![
        1 => (collateral, amount()).prop_map(|(kind, amount)| Sent::Collateral { kind, amount }),
        3 => (give, amount()).prop_map(|(kind, amount)| Sent::Give { kind, amount }),
        2 => (charge, amount()).prop_map(|(kind, amount)| Sent::Charge { kind, amount }),
    ]
}

fn sent() -> impl Strategy<Value = Sent> {
    let charge = prop_oneof![Just(Fee), Just(Withdrawal)];
    prop_oneof![
        1 => (1..800i64).prop_map(|amount| Sent::Collateral { kind: CollateralCredit, amount }),
        2 => (1..800i64).prop_map(|amount| Sent::Give { kind: TopUp, amount }),
        1 => (charge, amount()).prop_map(|(kind, amount)| Sent::Charge { kind, amount }),
        6 => (DEBITS, amount(), with())
            .prop_map(|(name, amount, with)| Sent::Purchase { name, amount, with }),
        3 => (INCREMENTS, of(), amount())
            .prop_map(|(name, of, amount)| Sent::Raise { name, of, amount }),
        2 => (CREDITS, amount()).prop_map(|(name, amount)| Sent::Credit { name, amount }),
        4 => (told(), amount())
            .prop_map(|((told, name), amount)| Sent::Tell { told, name, amount }),
        3 => (prop::option::weighted(0.9, of()), way(), amount())
            .prop_map(|(of, way, amount)| Sent::Adjust { of, way, amount }),
        6 => clearing(),
        4 => (of(), amount()).prop_map(|(of, amount)| Sent::Reverse { of, amount }),
    ]
}

/// Hours that no sum of makes a day, so that nothing ends on the second. What was made of a seed
/// without and with a deposit before there was `CREDIT` is made of it still.
pub(super) fn step(mode: CollateralMode) -> impl Strategy<Value = Step> {
    let sent = match mode {
        CollateralMode::None | CollateralMode::Deposit => sent().boxed(),
        CollateralMode::Credit => prop_oneof![1 => internal(), 1 => sent()].boxed(),
    };
    let hours = prop_oneof![Just(5i64), Just(20), Just(25), Just(7 * 24), Just(30 * 24)];
    let key = prop_oneof![2 => Just(Key::First), 1 => Just(Key::Second)];
    prop_oneof![
        13 => sent.prop_map(Step::Send),
        1 => hours.prop_map(|hours| Step::Wait { hours }),
        2 => (any::<u8>(), key).prop_map(|(which, key)| Step::Again { which, key }),
    ]
}

impl Sent {
    /// What the network or the partner knows it by: its kind and its name.
    pub(super) fn identity(&self, place: usize) -> (&'static str, String) {
        let own = format!("m{place}");
        match self {
            Self::Collateral { kind, .. } | Self::Give { kind, .. } | Self::Charge { kind, .. } => {
                (kind.as_str(), own)
            }
            Self::Purchase { name, .. } => ("authorization", format!("p{name}")),
            Self::Raise { name, .. } => ("incremental", format!("p{name}")),
            Self::Credit { name, .. } => ("credit", format!("p{name}")),
            Self::Tell { told, name, .. } => (kind_of(*told), format!("p{name}")),
            Self::Adjust { .. } => ("adjustment", own),
            Self::Clear { .. } => ("clearing", own),
            Self::Reverse { .. } => ("reversal", own),
        }
    }

    /// Whether it tells that somebody else declined: that is a message of its own, whatever else
    /// bears the same name.
    pub(super) fn declines(&self) -> bool {
        matches!(self, Self::Tell { told: Told::DeclineAdvice, .. })
    }

    /// With a name in place of a number that means one of those in use.
    pub(super) fn among(self, names: &[u8]) -> Self {
        let named = |of: u8| match names {
            _ if of < USED => of,
            [] => of % ALL.end,
            names => names[usize::from(of) % names.len()],
        };
        match self {
            Self::Raise { name, of, amount } => Self::Raise { name, of: named(of), amount },
            Self::Reverse { of, amount } => Self::Reverse { of: named(of), amount },
            Self::Adjust { of, way, amount } => Self::Adjust { of: of.map(named), way, amount },
            Self::Clear { of, way, amount, last, gain } => {
                Self::Clear { of: of.map(named), way, amount, last, gain }
            }
            Self::Tell { told, name, amount } => Self::Tell { told, name: named(name), amount },
            other @ (Self::Collateral { .. }
            | Self::Give { .. }
            | Self::Charge { .. }
            | Self::Purchase { .. }
            | Self::Credit { .. }) => other,
        }
    }

    pub(super) fn amount(&self) -> i64 {
        match self {
            Self::Collateral { amount, .. }
            | Self::Give { amount, .. }
            | Self::Charge { amount, .. }
            | Self::Purchase { amount, .. }
            | Self::Raise { amount, .. }
            | Self::Credit { amount, .. }
            | Self::Tell { amount, .. }
            | Self::Adjust { amount, .. }
            | Self::Clear { amount, .. }
            | Self::Reverse { amount, .. } => *amount,
        }
    }
}

fn kind_of(told: Told) -> &'static str {
    match told {
        Told::Advice | Told::DeclineAdvice => "advice",
        Told::ForceDebit => "force-debit",
        Told::ForceCredit => "force-credit",
        Told::Adjustment => "adjustment",
    }
}

/// Where a sequence is played.
pub(super) struct Played<'a> {
    pub(super) node: &'a TestApp,
    pub(super) funded: Funded,
    /// The partner's own balance that limits its users.
    pub(super) collateral: BalanceId,
}

impl Played<'_> {
    /// Sends a message. Its key depends on all that it says.
    pub(super) async fn send(&self, place: usize, message: &Sent, key: Key) -> Heard {
        let Funded { balance, card, .. } = self.funded;
        let own = format!("{}-{}", message.identity(place).1, card.0);
        let (app, node) = (&self.node.app, self.node);
        let debit = |amount| node.ask(card, amount, &own);
        let envelope = || self.envelope(message, &own, key);
        heard(match *message {
            Sent::Collateral { kind, amount } => {
                return self.move_money(self.collateral, kind, amount, &own).await;
            }
            Sent::Give { kind, amount } | Sent::Charge { kind, amount } => {
                return self.move_money(balance, kind, amount, &own).await;
            }
            Sent::Purchase { amount, with, .. } => {
                let asked = special(debit(amount), with);
                app.authorize(Authorize { envelope: envelope(), ..asked }).await
            }
            Sent::Raise { of, amount, .. } => {
                let (envelope, reference) = (envelope(), Some(self.original(of)));
                let ask = Ask::Increment;
                app.authorize(Authorize { envelope, ask, reference, ..debit(amount) }).await
            }
            Sent::Credit { amount, .. } => {
                let (envelope, ask) = (envelope(), Ask::Credit);
                app.authorize(Authorize { envelope, ask, ..debit(amount) }).await
            }
            Sent::Tell { told, amount, .. } => {
                let told = node.told(card, amount, &own, told);
                app.inform(Inform { envelope: envelope(), ..told }).await
            }
            Sent::Adjust { of, way, amount } => {
                let told = node.told(card, amount, &own, Told::Adjustment);
                let reference = of.map(|of| self.original(of));
                let (envelope, kind) = (envelope(), TransactionType::Adjustment);
                app.inform(Inform { envelope, kind, category: way, reference, ..told }).await
            }
            Sent::Clear { of, .. } => app.clear(self.clearing(message, of, &own, key)).await,
            Sent::Reverse { of, amount } => {
                let reference = self.reference(amount, of);
                let details = node.details(amount, &own, Some(&reference.id));
                app.reverse(Reverse { envelope: envelope(), details, reference }).await
            }
        })
    }

    fn clearing(&self, message: &Sent, of: Option<u8>, own: &str, key: Key) -> Clear {
        let &Sent::Clear { way, amount, last, gain, .. } = message else {
            unreachable!("is a clearing")
        };
        let reference = of.map(|of| self.reference(amount, of));
        let named = reference.as_ref().map(|it| it.id.as_str());
        Clear {
            envelope: self.envelope(message, own, key),
            details: self.node.details(amount, own, named),
            reference,
            category: way,
            finality: if last { Finality::Final } else { Finality::Partial },
            sequence: 1,
            fx_difference: (gain != 0).then_some(gain),
        }
    }

    fn envelope(&self, message: &Sent, own: &str, key: Key) -> Envelope {
        self.node.envelope(self.funded.card, &format!("{own}-{key:?}"), &format!("{message:?}"))
    }

    /// Where a message's own amount says nothing of the original's.
    fn original(&self, of: u8) -> Reference {
        Reference { amount: None, ..self.reference(0, of) }
    }

    fn reference(&self, amount: i64, of: u8) -> Reference {
        self.node.reference(amount, &format!("p{of}-{}", self.funded.card.0))
    }

    /// An internal transaction is known by balance, type and its caller's own id.
    async fn move_money(
        &self,
        balance: BalanceId,
        kind: TransactionType,
        amount: i64,
        own: &str,
    ) -> Heard {
        let asked = Transfer {
            balance,
            kind,
            amount,
            currency: Currency::EUR,
            text: "An internal transaction".to_owned(),
            external_id: own.to_owned(),
            reference_id: None,
            key: None,
            endpoint: None,
            fingerprint: [0; 32],
            origin: origin(),
            right: Right::needed_for(kind).expect("an internal type"),
        };
        let why = match self.node.app.transfer(self.node.scope, asked).await {
            Ok(moved) => return Heard::Decided(Answer::done(moved.status)),
            Err(Error::Refused(Refusal::InsufficientFunds)) => Description::InsufficientFunds,
            Err(Error::Refused(Refusal::InsufficientFundsOnCollateralBalance)) => {
                Description::InsufficientFundsOnCollateralBalance
            }
            Err(error) => panic!("{kind}: {error}"),
        };
        Heard::Decided(Answer::declined(why, Status::Cleared))
    }
}

fn special(asked: Authorize, with: With) -> Authorize {
    let partial_approval = PartialApproval::Allowed;
    match with {
        With::Nothing => asked,
        With::Partial => Authorize { partial_approval, ..asked },
        With::PartialAtAtm => Authorize { partial_approval, kind: TransactionType::Atm, ..asked },
        With::Estimate => Authorize { pre_authorization: PreAuthorization::Yes, ..asked },
    }
}

fn heard(told: Result<Message, Error>) -> Heard {
    match told {
        Ok(message) => {
            let approved = match message.processing {
                Processing::Success => message.approved_amount.minor(),
                Processing::Declined | Processing::Invalid | Processing::Asking => 0,
            };
            Heard::Decided(Answer {
                processing: message.processing,
                description: message.description,
                approved: Some(approved),
                status: message.status,
            })
        }
        Err(Error::KeyReused) => Heard::KeyReused,
        Err(error) => panic!("not decided: {error}"),
    }
}
