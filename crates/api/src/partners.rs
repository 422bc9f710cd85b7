//! `/admin/partners…`: partners and their settings, for the operator (spec "Partner settings").

use crate::Api;
use crate::admins::confirming;
use crate::answer::{Code, Created, Done, List, Named, NoContent, json as rendered};
use crate::call::{Call, Head, refused};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{
    Fields, Reader, boolean, currency, events, integer, parsed, pem, schema, text, word,
};
use app::Refusal;
use app::admins::{Confirmation, Manager};
use app::outbound::SetOutbound;
use app::page::Page;
use app::partners::{Called, Change, Create, Set};
use domain::notification::Event;
use domain::partner::{
    AuthorizationMode, BalanceMode, CollateralMode, DescriptionCodes, KybBy, KycMode, Partner,
    PartnerState, Settings, UserMayUnlock, is_partner_code,
};
use domain::session::SessionMode;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The chapter of the documents.
const TAG: &str = "Partners";
/// Characters of a name, and of that of a time zone, at most.
const TEXT_MAX: usize = 100;
/// Characters of a URL at most.
const URL_MAX: usize = 500;
/// Characters of the PEM of a server's authorities at most: ten certificates.
const PEM_MAX: usize = 32 * 1024;

type StateName = Named<PartnerState>;
type BalanceName = Named<BalanceMode>;
type AuthorizationName = Named<AuthorizationMode>;
type CollateralName = Named<CollateralMode>;
type KycName = Named<KycMode>;
type KybName = Named<KybBy>;
type CodesName = Named<DescriptionCodes>;
type UnlockName = Named<UserMayUnlock>;
type SessionName = Named<SessionMode>;
type EventName = Named<Event>;

/// A partner with its settings.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Partner)]
struct PartnerJson {
    /// Its code, as `Issuer-Code` names it.
    issuer_code: String,
    /// Its name, for people.
    name: String,
    /// Whether it may work: the certificates of a closed partner are refused.
    state: StateName,
    /// Who holds its users' money, for ever.
    balance_mode: BalanceName,
    /// Whether it is asked before a user's balance is debited.
    authorization_mode: AuthorizationName,
    /// Which of its balances limits its users.
    collateral_mode: CollateralName,
    /// Whether it owns the range of numbers that its cards have.
    own_bin: bool,
    /// Who decides verifications.
    kyc_mode: KycName,
    /// Who decides KYB: the operator alone, or the partner's ADMIN as well.
    kyb_by: KybName,
    /// Which description codes it is sent.
    description_codes: CodesName,
    /// IANA name of the zone of its days.
    time_zone: String,
    /// Whether sensitive calls of users' apps need a fresh signature of the device.
    step_up: bool,
    /// Which locks of their cards users may take off.
    user_may_unlock: UnlockName,
    /// What lengthens sessions of users' apps: nothing, or each call, up to 12 hours.
    session_mode: SessionName,
    /// For how many minutes they live.
    session_minutes: i64,
    /// The currency of the balance that users get as soon as they are verified.
    automatic_balance: Option<Code>,
    /// Within how many milliseconds it is to answer; null for as long as the processor leaves it.
    ask_within_ms: Option<i64>,
    /// How many questions to it may be open at once on each node.
    asks_at_once: i64,
    /// How much may be paid with a card a day without its answer, in minor units of the balance's
    /// currency; null for nothing.
    stand_in: Option<i64>,
    /// Where its paths begin, once that is set.
    base_url: Option<String>,
    /// The authorities that its server is trusted by, PEM, once they are set.
    trusted_ca: Option<String>,
    /// Whether it can be called: with URL, authorities and a certificate of ours.
    callable: bool,
    /// What it is told of.
    notifications: Vec<EventName>,
    /// Whether what tells who somebody is, or a one-time password, is encrypted for its own key.
    encrypt_notifications: bool,
}

impl PartnerJson {
    fn of((partner, called): &(Partner, Called)) -> Self {
        let settings = &partner.settings;
        Self {
            issuer_code: partner.code.clone(),
            name: partner.name.clone(),
            state: Named(partner.state),
            balance_mode: Named(settings.balance_mode),
            authorization_mode: Named(settings.authorization_mode),
            collateral_mode: Named(settings.collateral_mode),
            own_bin: settings.own_bin,
            kyc_mode: Named(settings.kyc_mode),
            kyb_by: Named(settings.kyb_by),
            description_codes: Named(settings.description_codes),
            time_zone: settings.time_zone.clone(),
            step_up: settings.step_up,
            user_may_unlock: Named(settings.user_may_unlock),
            session_mode: Named(settings.session.mode),
            session_minutes: settings.session.minutes,
            automatic_balance: settings.automatic_balance.map(Code),
            ask_within_ms: settings.asking.within_ms,
            asks_at_once: settings.asking.at_once,
            stand_in: settings.asking.stand_in,
            base_url: called.base_url.clone(),
            trusted_ca: called.trusted_ca.clone(),
            callable: called.complete,
            notifications: called.notifications.iter().copied().map(Named).collect(),
            encrypt_notifications: called.encrypt,
        }
    }
}

/// Lists partners.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(read_list, listed).about(TAG, "List partners", "By their codes, closed ones too.")
}

type Asked = (i64, Option<String>);

fn read_list(call: &Call) -> Result<Asked, Problem> {
    let mut query = call.query();
    let (limit, after) = Call::read_page(&mut query, code("must be the next of another page"));
    query.only(&["limit", "after"]);
    query.finish()?;
    Ok((limit, after))
}

fn code(message: &'static str) -> impl Reader<String> {
    let parse = |text: &str| is_partner_code(text).then(|| text.to_owned());
    parsed(parse, || schema::pattern("^[a-z0-9-]{1,64}$"), message)
}

async fn listed(
    api: Api,
    _: Head,
    (limit, after): Asked,
) -> Result<Done<List<PartnerJson>>, Problem> {
    let settings = api.app.settings.get();
    let mut all = settings.partners();
    all.retain(|partner| after.as_ref().is_none_or(|after| partner.code > *after));
    all.sort_by(|one, other| one.code.cmp(&other.code));
    let page = Page::of(all, limit, |partner| partner.code.clone());
    let told = |partner: &&Partner| {
        PartnerJson::of(&((*partner).clone(), Called::of(&settings, partner.id)))
    };
    Ok(Done::with(&List::page(&page, told)))
}

/// Shows a partner.
pub(crate) fn show() -> Endpoint {
    Endpoint::of(read_code, shown).about(TAG, "Show a partner with its settings", "By its code.")
}

fn read_code(call: &Call) -> Result<String, Problem> {
    Ok(call.issuer_code())
}

async fn shown(api: Api, _: Head, code: String) -> Result<Done<PartnerJson>, Problem> {
    let settings = api.app.settings.get();
    let partner = settings.partner_of_code(&code);
    let partner = partner.ok_or_else(|| refused(Refusal::PartnerNotFound))?.clone();
    let called = Called::of(&settings, partner.id);
    Ok(Done::with(&PartnerJson::of(&(partner, called))))
}

/// Makes a partner → 201.
pub(crate) fn create() -> Endpoint {
    Endpoint::of(read_new, created)
        .about(
            TAG,
            "Make a partner",
            "It gets a key of its own. Who holds its users' money is settled for ever; all else \
             may be changed. What isn't sent is as usual: `INTERNAL`, `OWN`, `NONE`, `MANUAL`.",
        )
        .example(json!({ "issuerCode": "acme", "name": "Acme Bank", "timeZone": "Europe/Warsaw" }))
        .refuses(&[
            Refusal::AdminChanged,
            Refusal::PartnerAlreadyExists,
            Refusal::PartnerSettingsInvalid,
            Refusal::ModeNotSupported,
            Refusal::TimeZoneUnknown,
        ])
}

fn read_new(call: &Call) -> Result<Create, Problem> {
    let mut fields = call.fields()?;
    let code = fields.required("issuerCode", code("must be 1 to 64 of a-z, 0-9 and the hyphen"));
    let balance_mode =
        fields.optional("balanceMode", word(BalanceMode::ALL, "must be INTERNAL or EXTERNAL"));
    let set = read_set(&mut fields);
    let Some(code) = code else { return Err(fields.problem()) };
    fields.finish()?;
    let name = set.name.clone().unwrap_or_else(|| code.clone());
    let usual = Settings::default();
    let balance_mode = balance_mode.unwrap_or(usual.balance_mode);
    let settings = set.applied_to(Settings { balance_mode, ..usual });
    Ok(Create { code, name, settings })
}

async fn created(api: Api, head: Head, command: Create) -> Result<Created<PartnerJson>, Problem> {
    let once = head.once(|partner: &Partner| {
        let called = Called::usual();
        rendered(&PartnerJson::of(&(partner.clone(), called)))
    });
    let manager = Manager::of(head.caller().admin()?);
    Ok(Created::kept(api.app.create_partner_once(manager, command, once).await?))
}

/// Changes a partner → 204.
pub(crate) fn change() -> Endpoint {
    Endpoint::of(read_change, changed)
        .about(
            TAG,
            "Change a partner",
            "What isn't sent stays; null takes `automaticBalance`, `askWithinMs` and `standIn` \
             off. What is open keeps the modes that it began with. `CLOSED`: its certificates are \
             refused, nobody of it can sign in, and its users' sessions open nothing. `baseUrl` is \
             where its paths begin, `trustedCa` the PEM of the authorities of its server; both \
             hold from the next call on, and need `totp`, a code that the caller's authenticator \
             shows now and that opened nothing yet.",
        )
        .example(json!({ "collateralMode": "CREDIT", "sessionMinutes": 15 }))
        .refuses(&[
            Refusal::AdminChanged,
            Refusal::ConfirmationRequired,
            Refusal::ConfirmationRefused,
            Refusal::PartnerSettingsInvalid,
            Refusal::ModeNotSupported,
            Refusal::TimeZoneUnknown,
            Refusal::BaseUrlInvalid,
            Refusal::TrustedCaRefused,
        ])
}

/// The partner's code, what is to change, and the code of who changes it.
type Changed = (String, Change, Option<String>);

fn read_change(call: &Call) -> Result<Changed, Problem> {
    let code = call.issuer_code();
    let mut fields = call.fields()?;
    let state = fields.optional("state", word(PartnerState::ALL, "must be LIVE or CLOSED"));
    let partner = Set { state, ..read_set(&mut fields) };
    let outbound = SetOutbound {
        base_url: fields.optional("baseUrl", text(URL_MAX)),
        trusted_ca: fields.optional("trustedCa", pem(PEM_MAX)),
        notifications: fields.optional("notifications", events()),
        encrypt: fields.optional("encryptNotifications", boolean()),
        ..SetOutbound::default()
    };
    let totp = fields.optional("totp", confirming());
    fields.finish()?;
    Ok((code, Change { partner, outbound }, totp))
}

/// What may be said of a partner that is made, and changed later.
fn read_set(fields: &mut Fields<'_>) -> Set {
    let kyc = "must be MANUAL, AUTOMATIC or EXTERNAL";
    Set {
        name: fields.optional("name", text(TEXT_MAX)),
        state: None,
        kyc_mode: fields.optional("kycMode", word(KycMode::ALL, kyc)),
        kyb_by: fields.optional("kybBy", word(KybBy::ALL, "must be OPERATOR or PARTNER")),
        authorization_mode: fields
            .optional("authorizationMode", word(AuthorizationMode::ALL, "must be OWN or SHARED")),
        ask_within_ms: optional(fields, "askWithinMs", integer()),
        asks_at_once: fields.optional("asksAtOnce", integer()),
        stand_in: optional(fields, "standIn", integer()),
        collateral_mode: fields.optional(
            "collateralMode",
            word(CollateralMode::ALL, "must be NONE, CREDIT or DEPOSIT"),
        ),
        own_bin: fields.optional("ownBin", boolean()),
        description_codes: fields
            .optional("descriptionCodes", word(DescriptionCodes::ALL, "must be SEEDS or EXTENDED")),
        time_zone: fields.optional("timeZone", text(TEXT_MAX)),
        step_up: fields.optional("stepUp", boolean()),
        user_may_unlock: fields.optional(
            "userMayUnlock",
            word(UserMayUnlock::ALL, "must be ALL_REVERSIBLE or OWN_LOCKS"),
        ),
        session_mode: fields
            .optional("sessionMode", word(SessionMode::ALL, "must be FIXED or SLIDING")),
        session_minutes: fields.optional("sessionMinutes", integer()),
        automatic_balance: optional(fields, "automaticBalance", currency()),
    }
}

/// What null takes off.
fn optional<T>(fields: &mut Fields<'_>, name: &str, reader: impl Reader<T>) -> Option<Option<T>> {
    let is_null = fields.is_null(name);
    let found = fields.optional(name, reader);
    if is_null { Some(None) } else { found.map(Some) }
}

async fn changed(
    api: Api,
    head: Head,
    (code, change, totp): Changed,
) -> Result<NoContent, Problem> {
    let confirmation = Confirmation { code: totp.as_deref(), real_now: (api.real_time)() };
    let by = (Manager::of(head.caller().admin()?), confirmation);
    api.app.change_partner_once(by, &code, change, head.once(|()| Value::Null)).await?;
    Ok(NoContent)
}
