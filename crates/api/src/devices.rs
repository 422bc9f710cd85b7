//! Devices of users: paired, listed, ended (spec "Devices and sessions").

use crate::Api;
use crate::answer::{Created, Done, List, Named, NoContent};
use crate::call::{Call, Head};
use crate::endpoint::{Endpoint, nothing};
use crate::problem::Problem;
use crate::wire::{base64, moment, parsed, schema, text, word};
use app::Refusal;
use app::devices::{Installation, NewDevice, Offered};
use crypto::device::DeviceKey;
use domain::device::{ActivationCode, Platform};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The chapter of the documents.
const TAG: &str = "Devices";

type PlatformName = Named<Platform>;

/// A code by which a device is paired.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Pairing)]
struct PairingJson {
    /// For the user to type, or for the app to read: `7KQX-M2PD-W8RT-3VJN`.
    activation_code: String,
    /// Until when.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// A device that was paired, and its first session.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PairedDevice)]
struct PairedJson {
    /// What the app begins sessions with.
    #[schema(format = Uuid)]
    installation_id: String,
    /// What each call sends, as `Authorization: Bearer …`.
    session_token: String,
    /// When the session ends.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// A device of a user.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Device)]
struct DeviceJson {
    /// Its installation.
    #[schema(format = Uuid)]
    installation_id: String,
    /// What the app calls it.
    device_id: String,
    /// What it runs.
    platform: PlatformName,
    /// When it was paired.
    #[schema(format = DateTime)]
    created_at: String,
    /// Whether it is the one that asks.
    current: bool,
}

/// `POST /lifecycle/v1/users/{customerId}/pairing` → 201 `{"activationCode", "expiresAt"}`.
pub(crate) fn offer() -> Endpoint {
    Endpoint::of(nothing, offered)
        .about(
            TAG,
            "Make an activation code",
            "Hand it to the user, whose app pairs its device with it: once, within 10 minutes, \
             before five wrong tries. The codes before open nothing any more.",
        )
        .refuses(&[Refusal::CustomerLocked])
}

async fn offered(api: Api, head: Head, (): ()) -> Result<Created<PairingJson>, Problem> {
    let once = head.once(|offered: &Offered| {
        let expires_at = moment(offered.expires_at);
        json!({ "activationCode": *offered.code, "expiresAt": expires_at })
    });
    Ok(Created::kept(api.app.offer_pairing(head.scope()?, head.user()?, once).await?))
}

/// `POST /customers/devices` → 201 `{"installationId", "sessionToken", "expiresAt"}`.
pub(crate) fn pair() -> Endpoint {
    Endpoint::of(read, paired)
        .about(
            TAG,
            "Pair a device",
            "With the activation code that the partner has handed on, and the public key of a pair \
             of P-256 that the device has made and keeps: base64 of its SubjectPublicKeyInfo or of \
             the uncompressed point. The user's former installation on this device ends. What was \
             wrong with a code isn't told. No key is kept for this call.",
        )
        .example(json!({
            "activationCode": "7KQX-M2PD-W8RT-3VJN",
            "deviceId": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "platform": "ANDROID",
            "publicKey": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA\
                          8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==",
        }))
}

fn read(call: &Call) -> Result<(ActivationCode, NewDevice), Problem> {
    let mut fields = call.fields()?;
    let code = parsed(
        ActivationCode::parse,
        || schema::text(40),
        "must be 16 letters and digits, with or without hyphens",
    );
    let code = fields.required("activationCode", code);
    let device = fields.required("deviceId", text(100));
    let platform = fields.required("platform", word(Platform::ALL, "must be ANDROID or IOS"));
    let message = "must be base64 of a public key of P-256, as SubjectPublicKeyInfo or as an \
                   uncompressed point";
    let key = base64(|bytes| DeviceKey::parse(&bytes).is_ok().then_some(bytes), message);
    let public_key = fields.required("publicKey", key);
    let (Some(code), Some(device), Some(platform), Some(public_key)) =
        (code, device, platform, public_key)
    else {
        return Err(fields.problem());
    };
    fields.finish()?;
    Ok((code, NewDevice { device, platform, public_key }))
}

async fn paired(
    api: Api,
    head: Head,
    (code, device): (ActivationCode, NewDevice),
) -> Result<Created<PairedJson>, Problem> {
    let paired = api.app.pair_device(&code, device, head.origin()).await?;
    let paired = paired.ok_or_else(|| {
        let detail = "The code is wrong, used or over, or was tried too often, or its user may \
                      not act.";
        Problem::unauthorized("PAIRING_REFUSED", detail)
    })?;
    Ok(Created::with(&PairedJson {
        installation_id: paired.installation.0.to_string(),
        session_token: paired.session.token.to_string(),
        expires_at: moment(paired.session.expires_at),
    }))
}

/// The devices of a user → 200 a list.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(nothing, listed).about(
        TAG,
        "List a user's devices",
        "Those whose installations haven't ended: one at most of each `deviceId`.",
    )
}

async fn listed(api: Api, head: Head, (): ()) -> Result<Done<List<DeviceJson>>, Problem> {
    let devices = api.app.devices(head.scope()?, head.user()?).await?;
    let own = head.caller().session().ok().and_then(|session| session.installation);
    let item = |it: &Installation| DeviceJson {
        installation_id: it.id.0.to_string(),
        device_id: it.device.clone(),
        platform: Named(it.platform),
        created_at: moment(it.created_at),
        current: own == Some(it.id),
    };
    Ok(Done::with(&List::all(&devices, item)))
}

/// Ends an installation → 204.
pub(crate) fn end() -> Endpoint {
    Endpoint::of(nothing, ended).about(
        TAG,
        "End a device's installation",
        "Its sessions end with it, and it begins none any more: the device has to be paired again.",
    )
}

async fn ended(api: Api, head: Head, (): ()) -> Result<NoContent, Problem> {
    let once = head.once(|()| Value::Null);
    let device = (head.user()?, head.installation()?);
    api.app.end_device(head.scope()?, device, once).await?;
    Ok(NoContent)
}
