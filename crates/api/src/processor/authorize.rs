//! `POST /processor/v1/authorizations`: what asks, and what tells of what has happened.

use super::secrets::{checked, cvv, pin_block};
use super::{Reason, TAG, card, details, envelope, example, own, reference};
use crate::Api;
use crate::answer::{Code, Done, Named};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{Fields, Reader, boolean, parsed, schema, word};
use app::Refusal;
use app::processor::{
    Authorize, CardName, Checked, Details, Inform, Message, SentCodes, SentPin, Told,
};
use domain::Word;
use domain::authorization::{Ask, Expiry, PartialApproval};
use domain::ledger::matching::Reference;
use domain::program::PreAuthorization;
use domain::response_codes::{ResponseCodes, response_codes};
use domain::transaction::{Category, Processing, TransactionType};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

/// Decides or records a message → 200 `{"id", "approved", "description", "actionCode", …}`.
pub(crate) fn authorize() -> Endpoint {
    let mut example = example();
    example["kind"] = json!("authorization");
    example["type"] = json!("pos");
    Endpoint::of(read, authorized)
        .about(
            TAG,
            "Decide an authorization",
            "A decline is a 200: the message was understood. What asks (`authorization`, \
             `incremental`, `credit`, `account-verification`, `balance-inquiry`) is decided; what \
             has happened already (`advice`, `force-debit`, `force-credit`, `adjustment`) is taken \
             as it is, below zero if need be. With `partialApproval` less than the amount may be \
             approved, action code 0002. A code or a PIN that is sent is compared; the third \
             wrong PIN in a row locks the card (reason 6), five wrong codes within 24 hours have \
             all refused for as long.",
        )
        .example(example)
        .refuses(&[Refusal::PinKeyNotFound, Refusal::RequestInProgress])
}

/// What a message comes to.
enum Sent {
    Asks(Authorize),
    Tells(Inform),
}

async fn authorized(api: Api, _: Head, sent: Sent) -> Result<Done<DecisionJson>, Problem> {
    let message = match sent {
        Sent::Asks(command) => api.app.authorize(command).await?,
        Sent::Tells(command) => api.app.inform(command).await?,
    };
    Ok(Done::with(&DecisionJson::from(&message)))
}

/// The kinds of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Asks(Ask),
    Tells(Told),
}

impl Word for Kind {
    const NAME: &'static str = "MessageKind";
    const ALL: &'static [Self] = &[
        Self::Asks(Ask::Debit),
        Self::Tells(Told::Advice),
        Self::Asks(Ask::Credit),
        Self::Tells(Told::ForceDebit),
        Self::Tells(Told::ForceCredit),
        Self::Asks(Ask::Increment),
        Self::Tells(Told::Adjustment),
        Self::Asks(Ask::Verification),
        Self::Asks(Ask::Inquiry),
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Asks(ask) => ask.as_str(),
            Self::Tells(told) => told.as_str(),
        }
    }
}

/// The types that a message may have.
const TYPES: [TransactionType; 6] = [
    TransactionType::Pos,
    TransactionType::Atm,
    TransactionType::CashbackAtPos,
    TransactionType::Aft,
    TransactionType::BalanceInquiry,
    TransactionType::Adjustment,
];

fn read(call: &Call) -> Result<Sent, Problem> {
    let mut fields = call.fields()?;
    call.demand_key(&mut fields);
    let card = card(&mut fields);
    let said = details(&mut fields, call, own(card.as_ref()));
    let kinds = "must be authorization, advice, credit, force-debit, force-credit, incremental, \
                 adjustment, account-verification or balance-inquiry";
    let kind = fields.required("kind", word(Kind::ALL, kinds));
    let types = "must be pos, atm, cashback_at_pos, aft, balance_inquiry or adjustment";
    let transaction = fields.required("type", word(&TYPES, types));
    let extras = Extras {
        codes: SentCodes {
            cvv: fields.optional("cvv", cvv()),
            magstripe_cvv: fields.optional("magstripeCvv", cvv()),
            icvv: fields.optional("icvv", cvv()),
        },
        pin: pin_block(&mut fields),
        checked: checked(&mut fields),
        expiry: fields.optional("expiry", expiry()),
        estimated: fields.optional("preAuthorization", boolean()),
        partial: fields.optional("partialApproval", boolean()),
        approved: fields.optional("approved", boolean()),
        category: fields.optional("category", word(Category::ALL, "must be DEBIT or CREDIT")),
    };
    if let (Some(kind), Some(transaction)) = (kind, transaction) {
        check_type(&mut fields, kind, transaction);
        extras.check(&mut fields, kind);
    }
    if kind == Some(Kind::Asks(Ask::Increment)) {
        fields.demand("referenceTransactionId");
    }
    let (Some(card), Some(details), Some(kind), Some(transaction)) =
        (card, said, kind, transaction)
    else {
        return Err(fields.problem());
    };
    fields.finish()?;
    extras.sent(call, (card, details), kind, transaction)
}

/// Which type goes with which kind.
fn check_type(fields: &mut Fields<'_>, kind: Kind, of: TransactionType) {
    let message = match kind {
        Kind::Asks(Ask::Inquiry) if of != TransactionType::BalanceInquiry => {
            "must be balance_inquiry where that is asked"
        }
        Kind::Tells(Told::Adjustment) if of != TransactionType::Adjustment => {
            "must be adjustment for an adjustment"
        }
        Kind::Asks(Ask::Inquiry) | Kind::Tells(Told::Adjustment) => return,
        Kind::Asks(_) | Kind::Tells(_) if of.is_of_the_network() => return,
        Kind::Asks(_) | Kind::Tells(_) => "must be pos, atm, cashback_at_pos or aft",
    };
    fields.wrong("type", message);
}

/// What only some kinds of message may say.
struct Extras {
    codes: SentCodes,
    pin: Option<SentPin>,
    checked: Option<Checked>,
    expiry: Option<Expiry>,
    estimated: Option<bool>,
    partial: Option<bool>,
    approved: Option<bool>,
    category: Option<Category>,
}

impl Extras {
    fn check(&self, fields: &mut Fields<'_>, kind: Kind) {
        if self.approved.is_some() && kind != Kind::Tells(Told::Advice) {
            fields.wrong("approved", "may be told by an advice alone");
        }
        if self.category.is_some() && kind != Kind::Tells(Told::Adjustment) {
            fields.wrong("category", "may be told by an adjustment alone");
        }
        let sent = [
            ("cvv", self.codes.cvv.is_some()),
            ("magstripeCvv", self.codes.magstripe_cvv.is_some()),
            ("icvv", self.codes.icvv.is_some()),
            ("pinBlock", self.pin.is_some()),
            ("verifications", self.checked.is_some()),
        ];
        for (name, _) in sent.into_iter().filter(|(_, is_sent)| *is_sent) {
            if matches!(kind, Kind::Tells(_)) {
                fields.wrong(name, "can't be checked of what has happened already");
            }
        }
    }

    fn sent(
        self,
        call: &Call,
        (card, details): (CardName, Details),
        kind: Kind,
        transaction: TransactionType,
    ) -> Result<Sent, Problem> {
        let envelope = envelope(call, card)?;
        // Its own amount says nothing of the original's.
        let named = reference(envelope.processor, &details)
            .map(|named| Reference { amount: None, ..named });
        let pre_authorization =
            if self.estimated == Some(true) { PreAuthorization::Yes } else { PreAuthorization::No };
        Ok(match kind {
            Kind::Asks(ask) => Sent::Asks(Authorize {
                envelope,
                details,
                ask,
                kind: transaction,
                reference: named.filter(|_| ask == Ask::Increment),
                codes: self.codes,
                pin: self.pin,
                checked: self.checked.unwrap_or_default(),
                expiry: self.expiry,
                pre_authorization,
                partial_approval: if self.partial == Some(true) {
                    PartialApproval::Allowed
                } else {
                    PartialApproval::Refused
                },
            }),
            Kind::Tells(told) => Sent::Tells(Inform {
                envelope,
                details,
                told: if self.approved == Some(false) { Told::DeclineAdvice } else { told },
                kind: transaction,
                category: match told {
                    Told::ForceCredit => Category::Credit,
                    Told::Adjustment => self.category.unwrap_or(Category::Debit),
                    Told::Advice | Told::DeclineAdvice | Told::ForceDebit => Category::Debit,
                },
                pre_authorization,
                reference: named,
            }),
        })
    }
}

/// `2029-11`.
fn expiry() -> impl Reader<Expiry> {
    let parse = |text: &str| {
        let (year, month) = text.split_once('-')?;
        let plausible = year.len() == 4 && month.len() == 2;
        let (year, month) = (year.parse().ok()?, month.parse().ok()?);
        (plausible && (1..=12).contains(&month)).then_some(Expiry { year, month })
    };
    parsed(parse, || schema::pattern("^[0-9]{4}-(0[1-9]|1[0-2])$"), "must be YYYY-MM")
}

/// The decision.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Decision)]
struct DecisionJson {
    /// The transaction's id.
    id: Uuid,
    /// Whether it was approved.
    approved: bool,
    /// Why.
    description: Reason,
    /// The four digits that the network is answered.
    #[schema(pattern = "^[0-9]{4}$")]
    action_code: String,
    /// The same as each scheme writes it.
    response_codes: Option<ResponseCodesJson>,
    /// What is held or was posted, in minor units of `currency`.
    #[schema(minimum = 0)]
    approved_amount: i64,
    /// What the merchant keeps of an approval: six digits.
    authorization_code: Option<String>,
    /// What can be spent, where that was asked.
    balance: Option<AvailableJson>,
}

/// The answer in each scheme's own code.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResponseCodes)]
struct ResponseCodesJson {
    /// Mastercard's: two digits.
    mastercard: &'static str,
    /// Visa's: two digits.
    visa: &'static str,
}

impl From<ResponseCodes> for ResponseCodesJson {
    fn from(ResponseCodes { mastercard, visa }: ResponseCodes) -> Self {
        Self { mastercard, visa }
    }
}

/// What can be spent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Available)]
struct AvailableJson {
    /// In minor units.
    amount: i64,
    /// The currency.
    currency: Code,
}

impl From<&Message> for DecisionJson {
    fn from(message: &Message) -> Self {
        Self {
            id: message.transaction.0,
            approved: message.processing == Processing::Success,
            description: Named(message.description),
            action_code: message.action_code.clone(),
            response_codes: response_codes(&message.action_code).map(ResponseCodesJson::from),
            approved_amount: message.approved_amount.minor(),
            authorization_code: message.authorization_code.clone(),
            balance: message
                .available
                .map(|amount| AvailableJson { amount, currency: Code(message.currency) }),
        }
    }
}
