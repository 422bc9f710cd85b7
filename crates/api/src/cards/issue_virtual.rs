//! `POST /secure/customers/{customerId}/cards/virtual` and `POST /secure/cards/virtual`.

use super::{FullCardJson, Kept, Material, TAG};
use crate::Api;
use crate::answer::{self, Created, Named, kept};
use crate::call::{Call, Head};
use crate::endpoint::Endpoint;
use crate::identity::Caller;
use crate::problem::Problem;
use crate::wire::{Fields, integer, text, uuid};
use app::Refusal;
use app::cards::IssueVirtual;
use domain::card::Card;
use domain::ids::{BalanceId, CardId, UserId};
use domain::masking::mask;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// Issues a virtual card → 201 its full data, encrypted.
pub(crate) fn issue_virtual() -> Endpoint {
    Endpoint::encrypted(read, issued)
        .about(
            TAG,
            "Issue a virtual card",
            "It works at once. `dcUserId` is the user who will hold it; it may be left out where \
             the path names them. With `dcCorporationId`, which partners alone may tell, the \
             balance is that corporation's, whose KYB stands for its people. Number and code are \
             never kept with a key: a retry reads them again.",
        )
        .example(example())
        .refuses(REFUSALS)
}

/// The same for who may not see it → 201 the card without number and code, encrypted.
pub(crate) fn issue_virtual_unseen() -> Endpoint {
    Endpoint::encrypted(read, issued_unseen)
        .about(
            TAG,
            "Issue a virtual card",
            "It works at once. The cardholder sees its number and code, and no panel account does.",
        )
        .example(example())
        .refuses(REFUSALS)
}

/// Why there may be no card; `CARD_NOT_FOUND` is for a retry whose card was removed since.
pub(super) const REFUSALS: &[Refusal] = &[
    Refusal::CardNotFound,
    Refusal::CustomerNotFound,
    Refusal::CorporationNotFound,
    Refusal::BalanceNotFound,
    Refusal::ProgramNotFound,
    Refusal::KycNotVerified,
    Refusal::KybNotAccepted,
    Refusal::CurrencyMismatch,
    Refusal::ProgramMismatch,
    Refusal::CustomerMismatch,
    Refusal::CardLimitReached,
    Refusal::BinRangeExhausted,
    Refusal::CardMadeElsewhere,
];

/// A body that can be read.
pub(super) fn example() -> Value {
    json!({
        "balanceId": "00000000-0000-4000-8000-000000000000",
        "configId": "0019167984",
        "dcUserId": 1,
        "label": "Travel",
    })
}

async fn issued(
    api: Api,
    head: Head,
    (holder, command): (UserId, Option<IssueVirtual>),
) -> Result<Created<FullCardJson<'static>>, Problem> {
    let scope = head.scope()?;
    let once = head.once(kept::<_, Kept>);
    let issued = match command {
        Some(command) => api.app.issue_virtual_card(scope, command, once).await?,
        None => api.app.refuse(scope, &once, Refusal::CustomerMismatch).await?,
    };
    // What is kept with the key is the card's id alone; number and code are read again.
    let id = issued.get("id").and_then(Value::as_i64).ok_or_else(Problem::internal)?;
    let full = api.app.full_card(scope, holder, CardId(id), head.origin()).await?;
    Ok(Created::kept(answer::json(&FullCardJson::of(&full))))
}

async fn issued_unseen(
    api: Api,
    head: Head,
    (_, command): (UserId, Option<IssueVirtual>),
) -> Result<Created<NewCardJson>, Problem> {
    let (scope, once) = (head.scope()?, head.once(kept::<_, NewCardJson>));
    Ok(Created::kept(match command {
        Some(command) => api.app.issue_virtual_card(scope, command, once).await?,
        None => api.app.refuse(scope, &once, Refusal::CustomerMismatch).await?,
    }))
}

/// A card that was made, without its number and its code.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewCard)]
struct NewCardJson {
    /// Its id.
    id: i64,
    /// What it is made of.
    r#type: Material,
    /// The last four digits of its number.
    #[schema(pattern = "^[0-9]{4}$")]
    last_four_digits: String,
    /// The last day on which it works.
    #[schema(format = Date)]
    exp: String,
    /// Where it stands: it works.
    #[schema(pattern = "^ACTIVE$")]
    state: &'static str,
}

impl From<&Card> for NewCardJson {
    fn from(card: &Card) -> Self {
        Self {
            id: card.id.0,
            r#type: Named(card.card_type),
            last_four_digits: card.last_four.clone(),
            exp: card.expiry.to_string(),
            state: "ACTIVE",
        }
    }
}

/// Who will hold it, and what is asked; nothing is if path and body name different users.
pub(super) fn read(call: &Call) -> Result<(UserId, Option<IssueVirtual>), Problem> {
    let mut fields = call.fields()?;
    let asked = asked(call, &mut fields)?;
    let Some(asked) = asked else { return Err(fields.problem()) };
    fields.finish()?;
    asked.command()
}

/// The fields of a card to be.
pub(super) struct Asked {
    in_path: Option<UserId>,
    in_body: Option<UserId>,
    corporation: Option<Uuid>,
    balance: BalanceId,
    config_id: String,
    label: Option<String>,
}

/// Reads them; `None` if one that is needed isn't there or isn't right.
pub(super) fn asked(call: &Call, fields: &mut Fields<'_>) -> Result<Option<Asked>, Problem> {
    let in_path = call.user_if_named()?;
    let balance = fields.required("balanceId", uuid()).map(BalanceId);
    let config_id = fields.required("configId", text(10));
    let in_body = match in_path {
        Some(_) => fields.optional("dcUserId", integer()),
        None => fields.required("dcUserId", integer()),
    };
    let in_body = in_body.map(UserId);
    let label = fields.optional("label", text(100)).map(|label| mask(&label));
    let corporation = if matches!(call.caller(), Caller::User(_)) {
        fields.foreign("dcCorporationId", "is for the partner's own calls");
        None
    } else {
        fields.optional("dcCorporationId", uuid())
    };
    let asked =
        |(balance, config_id)| Asked { in_path, in_body, corporation, balance, config_id, label };
    Ok(balance.zip(config_id).map(asked))
}

impl Asked {
    /// Who will hold it, and what is asked; nothing is if path and body name different users.
    pub(super) fn command(self) -> Result<(UserId, Option<IssueVirtual>), Problem> {
        let Self { in_path, in_body, corporation, balance, config_id, label } = self;
        let holder = match (in_path, in_body) {
            (Some(one), Some(other)) if one != other => return Ok((one, None)),
            (Some(user), _) | (None, Some(user)) => user,
            (None, None) => return Err(Problem::invalid_field("dcUserId", "is required")),
        };
        let card = IssueVirtual { holder, corporation, balance, config_id, label };
        Ok((holder, Some(card)))
    }
}
