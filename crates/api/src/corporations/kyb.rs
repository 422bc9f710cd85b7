//! `/admin/corporations…`: the corporations of a partner, one with all that KYB looks at, and what
//! came of it.

use super::{CorporationJson, KindName, KybState, MediaName, TAG};
use crate::Api;
use crate::answer::{Done, List, Named, NoContent};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::{integer, moment, number, text, word};
use app::Refusal;
use app::corporations::{DecideKyb, Document};
use domain::corporation::{Corporation, Kyb, KybDecision};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// Lists the partner's corporations.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(read_list, listed).about(
        TAG,
        "List corporations",
        "In the order in which they were registered; `kyb` chooses those of one state: \
         `IN_PROGRESS` are to be decided.",
    )
}

/// Shows a corporation to who decides.
pub(crate) fn review() -> Endpoint {
    Endpoint::of(nothing, reviewed).about(
        TAG,
        "Show what KYB looks at",
        "`missing` tells what is needed before it can be accepted: documents by kind, people \
         without an accepted verification by place, and `screening` while somebody of it was \
         found on a list and nobody has said that it is somebody else. That it was shown is \
         recorded.",
    )
}

/// Says what came of KYB → 204.
pub(crate) fn decide() -> Endpoint {
    Endpoint::of(read_decision, decided)
        .about(
            TAG,
            "Decide KYB",
            "Only an accepted corporation has balances and cards; what is paid with the cards of \
             one that isn't accepted any more is declined. A partner's `ADMIN` decides where the \
             partner's setting `kybBy` says so. `version` is that of the corporation that was \
             looked at: what was changed since is looked at again first.",
        )
        .example(json!({ "kyb": "ACCEPTED", "reference": "KYB-2026-117", "version": 3 }))
        .refuses(&[
            Refusal::KybNotInProgress,
            Refusal::KybIncomplete,
            Refusal::KybNotPermitted,
            Refusal::CorporationChanged,
        ])
}

/// A corporation in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CorporationItem)]
struct ItemJson {
    /// Its id.
    dc_corporation_id: Uuid,
    /// Its registered name.
    name: String,
    /// Its number in the register of its country.
    registration_number: String,
    /// Where it is registered: ISO 3166-1 alpha-2.
    country: String,
    /// Where KYB stands.
    kyb: KybState,
}

/// A corporation with all that KYB looks at.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CorporationReview)]
struct ReviewJson {
    #[serde(flatten)]
    corporation: CorporationJson,
    /// What a decision names as what was looked at: it is another after each change.
    version: i64,
    /// Where the last decision is on record.
    kyb_reference: Option<String>,
    /// What it has proved with, the oldest first.
    documents: Vec<DocumentJson>,
}

/// A document, without what it says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CorporationDocument)]
struct DocumentJson {
    /// The document's id.
    document_id: Uuid,
    /// What it proves.
    kind: KindName,
    /// What it is, by its content.
    media_type: MediaName,
    /// When it came in.
    #[schema(format = DateTime)]
    created_at: String,
}

impl DocumentJson {
    fn of(it: &Document) -> Self {
        Self {
            document_id: it.id,
            kind: Named(it.kind),
            media_type: Named(it.media_type),
            created_at: moment(it.created_at),
        }
    }
}

impl ItemJson {
    fn of(it: &Corporation) -> Self {
        let profile = &it.profile;
        Self {
            dc_corporation_id: it.resource,
            name: profile.name.clone(),
            registration_number: profile.registration_number.clone(),
            country: profile.country.as_str().to_owned(),
            kyb: Named(it.kyb),
        }
    }
}

type Asked = (Option<Kyb>, i64, Option<i64>);

fn read_list(call: &Call) -> Result<Asked, Problem> {
    let mut query = call.query();
    let kyb = query.optional(
        "kyb",
        word(Kyb::ALL, "must be NONE, IN_PROGRESS, ACCEPTED, REJECTED or ON_HOLD"),
    );
    let place = number(0, i64::MAX, "must be the next of another page");
    let (limit, after) = Call::read_page(&mut query, place);
    query.finish()?;
    Ok((kyb, limit, after))
}

async fn listed(
    api: Api,
    head: Head,
    (kyb, limit, after): Asked,
) -> Result<Done<List<ItemJson>>, Problem> {
    let page = api.app.corporations(head.scope()?, (kyb, after.unwrap_or(0)), limit).await?;
    Ok(Done::with(&List::page(&page, ItemJson::of)))
}

async fn reviewed(api: Api, head: Head, (): ()) -> Result<Done<ReviewJson>, Problem> {
    let (scope, name) = (head.scope()?, head.corporation()?);
    let shown = api.app.reviewed_corporation(scope, name, head.origin()).await?;
    Ok(Done::with(&ReviewJson {
        corporation: CorporationJson::from(&shown),
        version: shown.corporation.version,
        kyb_reference: shown.corporation.kyb_reference,
        documents: shown.documents.iter().map(DocumentJson::of).collect(),
    }))
}

fn read_decision(call: &Call) -> Result<DecideKyb, Problem> {
    let corporation = call.corporation()?;
    let mut fields = call.fields()?;
    let decisions = word(KybDecision::ALL, "must be ACCEPTED, REJECTED or ON_HOLD");
    let decision = fields.required("kyb", decisions);
    let reference = fields.required("reference", text(200));
    let version = fields.required("version", integer());
    let (Some(decision), Some(reference)) = (decision, reference) else {
        return Err(fields.problem());
    };
    fields.finish()?;
    Ok(DecideKyb { corporation, decision, reference, version })
}

async fn decided(api: Api, head: Head, command: DecideKyb) -> Result<NoContent, Problem> {
    let role = head.caller().admin()?.role;
    api.app.decide_kyb(head.scope()?, (role, command), head.once(|()| Value::Null)).await?;
    Ok(NoContent)
}
