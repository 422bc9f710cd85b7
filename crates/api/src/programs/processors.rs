//! `/admin/processors` and `/admin/bureaus`: who sends the messages about programs' cards, and who
//! makes their plastic, for the operator.

use super::TAG;
use crate::Api;
use crate::answer::{Created, Done, List, json as rendered};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::{integer, text};
use app::Refusal;
use app::admins::Manager;
use app::programs::{Processor, USUAL_BUDGET_MS};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// Characters of a name at most.
const NAME_MAX: usize = 64;

/// An issuing processor.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Processor)]
struct ProcessorJson {
    /// Its name, as programs and certificates name it.
    name: String,
    /// How long it waits for an answer, in milliseconds.
    time_budget_ms: i64,
}

impl ProcessorJson {
    fn of(processor: &Processor) -> Self {
        Self { name: processor.name.clone(), time_budget_ms: processor.time_budget_ms }
    }
}

/// Lists processors.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(nothing, listed).about(TAG, "List processors", "By their names.")
}

async fn listed(api: Api, _: Head, (): ()) -> Result<Done<List<ProcessorJson>>, Problem> {
    let settings = api.app.settings.get();
    Ok(Done::with(&List::all(&settings.processors(), |it| ProcessorJson::of(it))))
}

/// Makes a processor → 201.
pub(crate) fn create() -> Endpoint {
    Endpoint::of(read_new, created)
        .about(
            TAG,
            "Make a processor",
            "Its name and how long it waits for an answer, 2000 ms unless it is told, are settled \
             for ever. It calls once a certificate of its own is signed.",
        )
        .example(json!({ "name": "acme-processing", "timeBudgetMs": 2_000 }))
        .refuses(&[
            Refusal::AdminChanged,
            Refusal::ProcessorAlreadyExists,
            Refusal::ProcessorInvalid,
        ])
}

fn read_new(call: &Call) -> Result<(String, i64), Problem> {
    let mut fields = call.fields()?;
    let name = fields.required("name", text(NAME_MAX));
    let budget = fields.optional("timeBudgetMs", integer());
    let Some(name) = name else { return Err(fields.problem()) };
    fields.finish()?;
    Ok((name, budget.unwrap_or(USUAL_BUDGET_MS)))
}

async fn created(
    api: Api,
    head: Head,
    (name, budget): (String, i64),
) -> Result<Created<ProcessorJson>, Problem> {
    let manager = Manager::of(head.caller().admin()?);
    let once = head.once(|made: &Processor| rendered(&ProcessorJson::of(made)));
    Ok(Created::kept(api.app.create_processor_once(manager, (&name, budget), once).await?))
}

/// A bureau that makes plastic.
#[derive(Serialize, ToSchema)]
#[schema(as = Bureau)]
struct BureauJson {
    /// Its name, as programs name it.
    name: String,
}

/// Lists bureaus.
pub(crate) fn bureaus() -> Endpoint {
    Endpoint::of(nothing, bureaus_listed).about(
        TAG,
        "List bureaus",
        "By their names. `antaca bureau` makes them and tells all of each.",
    )
}

async fn bureaus_listed(api: Api, _: Head, (): ()) -> Result<Done<List<BureauJson>>, Problem> {
    let names = api.app.bureau_names().await?;
    Ok(Done::with(&List::all(&names, |name| BureauJson { name: name.clone() })))
}
