//! `PUT /sandbox/v1/settings`: how the partner works and where it is called.

use super::{Demonstration, TAG};
use crate::Api;
use crate::answer::NoContent;
use crate::call::{Call, Head, refused};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{Reader, boolean, events, reader, schema, word};
use app::Refusal;
use app::audit::Operator;
use app::outbound::{Reach, SetOutbound, base_url, check_trusted_ca};
use app::partners::{Change, Set};
use crypto::certificates::check_authorities;
use domain::notification::Event;
use domain::partner::{DescriptionCodes, KycMode};
use serde_json::{Value, json};

/// What a later release will obey.
const TO_COME: &[&str] = &["timeBudgetMs", "standIn"];
const KNOWN: &[&str] = &[
    "baseUrl",
    "trustedCa",
    "timeBudgetMs",
    "standIn",
    "kycMode",
    "descriptionCodes",
    "stepUp",
    "notifications",
    "encryptNotifications",
];

/// Changes what is sent and leaves the rest → 204.
pub(crate) fn change() -> Endpoint {
    Endpoint::of(read, changed)
        .about(
            TAG,
            "Change the partner's settings",
            "What isn't sent stays. A `baseUrl` of null is the demonstration partner again; one of \
             one's own comes with the `trustedCa` that it is for.",
        )
        .example(json!({ "notifications": ["cardLocked", "cardUnlocked"] }))
        .refuses(&[Refusal::PartnerNotFound])
}

/// What is asked.
struct Asked {
    set: Set,
    notifications: Option<Vec<Event>>,
    encrypt: Option<bool>,
    base_url: Option<String>,
    /// Whether the demonstration partner is to be called again.
    demonstration: bool,
    trusted_ca: Option<String>,
}

fn read(call: &Call) -> Result<Asked, Problem> {
    let mut fields = call.fields()?;
    fields.only(KNOWN);
    for name in TO_COME {
        fields.unsupported(name);
    }
    let asked = Asked {
        base_url: fields.optional("baseUrl", https_url()),
        demonstration: fields.is_null("baseUrl"),
        trusted_ca: fields.optional("trustedCa", certificates()),
        set: Set {
            kyc_mode: fields.optional("kycMode", word(KycMode::ALL, KYC_MODES)),
            description_codes: fields
                .optional("descriptionCodes", word(DescriptionCodes::ALL, CODES)),
            step_up: fields.optional("stepUp", boolean()),
            ..Set::default()
        },
        notifications: fields.optional("notifications", events()),
        encrypt: fields.optional("encryptNotifications", boolean()),
    };
    if asked.demonstration && fields.has("trustedCa") {
        fields.wrong("trustedCa", "must be left out: the demonstration partner has its own");
    }
    fields.finish()?;
    Ok(asked)
}

async fn changed(api: Api, head: Head, mut asked: Asked) -> Result<NoContent, Problem> {
    if let Some(pem) = &asked.trusted_ca {
        // In their time by real time, which isn't known where a body is read.
        let authorities = check_authorities(pem, (api.real_time)());
        let refused = |_| Problem::invalid_field("trustedCa", AUTHORITIES);
        asked.trusted_ca = Some(authorities.map_err(refused)?);
    }
    let scope = head.scope()?;
    let settings = api.app.settings.get();
    let partner = settings.partner(scope.partner());
    let partner = partner.ok_or_else(|| refused(Refusal::PartnerNotFound))?;
    let current = settings.outbound(partner.id).and_then(|outbound| outbound.base_url.as_deref());
    let demonstration = api.sandbox()?.demonstration(&partner.code);
    let is_own = current.is_some_and(|current| current != demonstration.base_url);
    let (base_url, trusted_ca) = target(&asked, demonstration, is_own)?;
    let Asked { set, notifications, encrypt, .. } = asked;
    let outbound = SetOutbound { base_url, trusted_ca, identity: None, notifications, encrypt };
    let operator = Operator(format!("partner:{}", partner.code));
    let once = head.once(|()| Value::Null);
    api.app.set_sandbox(&operator, scope, Change { partner: set, outbound }, once).await?;
    Ok(NoContent)
}

const AUTHORITIES: &str =
    "must be a PEM of certificates of authorities that are in their time, and nothing else";
const KYC_MODES: &str = "must be MANUAL, AUTOMATIC or EXTERNAL";
const CODES: &str = "must be SEEDS or EXTENDED";

/// Where the partner is to be called and whom we trust there; nothing where that stays as it is.
/// A URL and its authority come together, so that neither is ever used with another's; one of the
/// two is enough where the partner is already called at a URL of its own.
fn target(
    asked: &Asked,
    demonstration: Demonstration,
    is_own: bool,
) -> Result<(Option<String>, Option<String>), Problem> {
    if asked.demonstration {
        return Ok((Some(demonstration.base_url), Some(demonstration.trusted_ca)));
    }
    let message = match (&asked.base_url, &asked.trusted_ca) {
        (Some(_), None) if !is_own => "is required with a baseUrl of one's own",
        (None, Some(_)) if !is_own => "is told together with the baseUrl that it is for",
        (url, ca) => return Ok((url.clone(), ca.clone())),
    };
    Err(Problem::invalid_field("trustedCa", message))
}

fn https_url() -> impl Reader<String> {
    let read = |value: &Value| {
        let text = value.as_str().ok_or("must be a text, or null")?;
        base_url(text, Reach::Anywhere).map_err(|error| error.sentence())
    };
    reader(read, || schema::pattern("^https://"))
}

fn certificates() -> impl Reader<String> {
    let read = |value: &Value| {
        let pem = value.as_str().ok_or("must be a text")?;
        check_trusted_ca(pem).map_err(|error| error.sentence())?;
        Ok(pem.to_owned())
    };
    reader(read, || schema::pattern("-----BEGIN CERTIFICATE-----"))
}
