//! `PUT /sandbox/v1/settings`: how the partner works and where it is called.

use super::Sandbox;
use crate::Api;
use crate::answer::Answer;
use crate::call::{Call, refused};
use crate::problem::Problem;
use crate::wire::{Fields, Read, parsed};
use app::Refusal;
use app::audit::Operator;
use app::outbound::{Reach, SetOutbound, base_url, check_trusted_ca};
use app::partners::Set;
use app::sandbox::Change;
use axum::extract::State;
use domain::notification::Event;
use domain::partner::{DescriptionCodes, KycMode, Partner};
use serde_json::Value;

/// What a later release will obey.
const TO_COME: &[&str] = &["timeBudgetMs", "standIn", "stepUp"];
const KNOWN: &[&str] = &[
    "baseUrl",
    "trustedCa",
    "timeBudgetMs",
    "standIn",
    "kycMode",
    "descriptionCodes",
    "stepUp",
    "notifications",
];

/// Changes what is sent and leaves the rest → 204.
pub(crate) async fn change(State(api): State<Api>, call: Call) -> Result<Answer, Problem> {
    let scope = call.scope()?;
    let settings = api.app.settings.get();
    let partner = settings.partner(scope.partner());
    let partner = partner.ok_or_else(|| refused(Refusal::PartnerNotFound))?;
    let current = settings.outbound(partner.id).and_then(|outbound| outbound.base_url.as_deref());
    let change = read(&call, api.sandbox()?.as_ref(), partner, current)?;
    let operator = Operator(format!("partner:{}", partner.code));
    let once = call.once(|()| Value::Null);
    api.app.set_sandbox(&operator, scope, change, once).await?;
    Ok(Answer::NoContent)
}

fn read(
    call: &Call,
    sandbox: &dyn Sandbox,
    partner: &Partner,
    current: Option<&str>,
) -> Result<Change, Problem> {
    let mut fields = call.fields()?;
    fields.only(KNOWN);
    for name in TO_COME {
        if fields.has(name) {
            fields.wrong(name, "isn't supported by this release yet");
        }
    }
    let (base_url, trusted_ca) = target(&mut fields, sandbox, partner, current);
    let set = Set {
        kyc_mode: fields.optional("kycMode", parsed(KycMode::parse, KYC_MODES)),
        description_codes: fields
            .optional("descriptionCodes", parsed(DescriptionCodes::parse, CODES)),
        ..Set::default()
    };
    let notifications = fields.optional("notifications", events);
    fields.finish()?;
    let outbound = SetOutbound { base_url, trusted_ca, identity: None, notifications };
    Ok(Change { partner: set, outbound })
}

const KYC_MODES: &str = "must be MANUAL, AUTOMATIC or EXTERNAL";
const CODES: &str = "must be SEEDS or EXTENDED";

/// Where the partner is to be called and whom we trust there; nothing where that stays as it is.
/// A URL and its authority come together, so that neither is ever used with another's.
fn target(
    fields: &mut Fields<'_>,
    sandbox: &dyn Sandbox,
    partner: &Partner,
    current: Option<&str>,
) -> (Option<String>, Option<String>) {
    let demonstration = sandbox.demonstration(&partner.code);
    let url = fields.optional("baseUrl", https_url);
    let ca = fields.optional("trustedCa", certificates);
    let is_own = current.is_some_and(|current| current != demonstration.base_url);
    if fields.is_null("baseUrl") {
        if fields.has("trustedCa") {
            fields.wrong("trustedCa", "must be left out: the demonstration partner has its own");
        }
        return (Some(demonstration.base_url), Some(demonstration.trusted_ca));
    }
    if fields.has("baseUrl") && !fields.has("trustedCa") && !is_own {
        fields.wrong("trustedCa", "is required with a baseUrl of one's own");
    }
    if fields.has("trustedCa") && !fields.has("baseUrl") && !is_own {
        fields.wrong("trustedCa", "is told together with the baseUrl that it is for");
    }
    (url, ca)
}

fn https_url(value: &Value) -> Read<String> {
    let text = value.as_str().ok_or("must be a text, or null")?;
    base_url(text, Reach::Anywhere).map_err(|error| error.sentence())
}

fn certificates(value: &Value) -> Read<String> {
    let pem = value.as_str().ok_or("must be a text")?;
    check_trusted_ca(pem).map_err(|error| error.sentence())?;
    Ok(pem.to_owned())
}

fn events(value: &Value) -> Read<Vec<Event>> {
    let wrong = "must be a list of transaction, cardLocked and cardUnlocked";
    let words = value.as_array().ok_or(wrong)?;
    let mut events = Vec::new();
    for word in words {
        let event = word.as_str().and_then(Event::parse).ok_or(wrong)?;
        if events.contains(&event) {
            return Err("must name each notification once");
        }
        events.push(event);
    }
    Ok(events)
}
