//! `/admin/accounts…`: the accounts of who works with the panel. A partner's ADMIN manages those
//! of its partner, the operator all.

use super::confirming;
use crate::Api;
use crate::answer::{Created, Done, List, Named, NoContent, json as rendered};
use crate::call::{Call, Head, refused};
use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::wire::{moment, place, text, word};
use app::Refusal;
use app::admins::{ChangeAdmin, Confirmation, Enrolled, Manager, NewAdmin, ShownAdmin};
use domain::admin::{AccountState, Role};
use domain::ids::{AdminId, PartnerId};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// The chapter of the documents.
const TAG: &str = "Accounts";
/// Characters of an e-mail address at most.
const EMAIL_MAX: usize = 254;
/// Characters of a partner's code at most.
const CODE_MAX: usize = 64;

type RoleName = Named<Role>;
type StateName = Named<AccountState>;

/// An account of the panel.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PanelAccount)]
struct AccountJson {
    /// The account's id, as audit records name it: `admin:ID`.
    account_id: Uuid,
    /// The e-mail address of whose it is.
    email: String,
    /// What they may do.
    role: RoleName,
    /// The code of the partner that they work for; null for the operator's own.
    partner: Option<String>,
    /// Whether it can be used: `UNUSED` is one that nobody has used for 90 days, which is shut
    /// until it is opened or reset.
    state: StateName,
    /// Until when it is locked, because somebody has failed to sign in ten times.
    #[schema(format = DateTime)]
    locked_until: Option<String>,
    /// When it was last used, made, opened or reset.
    #[schema(format = DateTime)]
    used_at: String,
    /// Whether somebody else was shown what opens it: then it opens nothing but the way to a
    /// password and an authenticator of one's own.
    secrets_to_renew: bool,
}

impl From<&ShownAdmin> for AccountJson {
    fn from(ShownAdmin { account, state, partner }: &ShownAdmin) -> Self {
        Self {
            account_id: account.id.0,
            email: account.email.clone(),
            role: Named(account.role),
            partner: partner.clone(),
            state: Named(*state),
            locked_until: account.locked_until.map(moment),
            used_at: moment(account.used_at),
            secrets_to_renew: account.secrets_shown,
        }
    }
}

/// An account with what opens it.
#[derive(Serialize, ToSchema)]
#[schema(as = EnrolledAccount)]
struct EnrolledJson {
    #[serde(flatten)]
    account: AccountJson,
    /// Its password, told this once: null where the call was made before with the same key.
    password: Option<String>,
    /// What an authenticator reads (`otpauth://…`, mostly shown as a QR code), told this once too.
    authenticator: Option<String>,
}

/// The body of [`EnrolledJson`].
fn enrolled(Enrolled { mut shown, secrets }: Enrolled) -> Value {
    shown["password"] = json!(secrets.as_ref().map(|it| it.password.expose()));
    shown["authenticator"] = json!(secrets.as_ref().map(|it| it.code_url.as_str()));
    shown
}

fn kept(shown: &ShownAdmin) -> Value {
    rendered(&AccountJson::from(shown))
}

/// Lists accounts.
pub(crate) fn list() -> Endpoint {
    Endpoint::of(read_list, listed)
        .about(
            TAG,
            "List the panel's accounts",
            "By e-mail address. An ADMIN sees those of its partner; the operator all, or with \
             `partner` those of one.",
        )
        .refuses(&[Refusal::PartnerNotFound])
}

type Asked = (Option<String>, i64, Option<Uuid>);

fn read_list(call: &Call) -> Result<Asked, Problem> {
    let mut query = call.query();
    let partner = query.optional("partner", text(CODE_MAX));
    let (limit, after) = Call::read_page(&mut query, place());
    query.only(&["partner", "limit", "after"]);
    query.finish()?;
    Ok((partner, limit, after))
}

async fn listed(
    api: Api,
    head: Head,
    (partner, limit, after): Asked,
) -> Result<Done<List<AccountJson>>, Problem> {
    let manager = manager(&head)?;
    let manager = match named(&api, &head, partner)? {
        Some(partner) => manager.within(partner),
        None => manager,
    };
    let page = api.app.admins_page(manager, after.map(AdminId), limit).await?;
    Ok(Done::with(&List::page(&page, |it| AccountJson::from(it))))
}

fn manager(head: &Head) -> Result<Manager, Problem> {
    Ok(Manager::of(head.caller().admin()?))
}

/// The partner that a call names; of who works for one their own, and no other's.
fn named(api: &Api, head: &Head, code: Option<String>) -> Result<Option<PartnerId>, Problem> {
    let own = head.caller().admin()?.partner;
    let Some(code) = code else { return Ok(own) };
    let settings = api.app.settings.get();
    let found = settings.partner_of_code(&code).map(|partner| partner.id);
    let found = found.filter(|id| own.is_none_or(|own| own == *id));
    found.map(Some).ok_or_else(|| refused(Refusal::PartnerNotFound))
}

/// Shows an account.
pub(crate) fn show() -> Endpoint {
    Endpoint::of(read_id, shown).about(TAG, "Show an account of the panel", "By its id.")
}

fn read_id(call: &Call) -> Result<AdminId, Problem> {
    call.account()
}

async fn shown(api: Api, head: Head, account: AdminId) -> Result<Done<AccountJson>, Problem> {
    let shown = api.app.shown_admin(manager(&head)?, account).await?;
    Ok(Done::with(&AccountJson::from(&shown)))
}

/// Makes an account → 201.
pub(crate) fn create() -> Endpoint {
    Endpoint::of(read_new, created)
        .about(
            TAG,
            "Make an account of the panel",
            "Its password and what an authenticator reads are told once: pass them on by two \
             ways. An ADMIN makes accounts of its partner, whose code may be left out; the \
             operator names the partner, and none for another OPERATOR. With a key, a retry is \
             answered without the secrets; if they were lost on the way, reset the account. \
             Whoever was made an account sets a password and an authenticator of their own before \
             anything else opens. For an OPERATOR `totp` is a code that the caller's authenticator \
             shows now, and that opened nothing yet.",
        )
        .example(json!({ "email": "ann@acme.example", "role": "MANAGER", "partner": "acme" }))
        .refuses(&[
            Refusal::AdminInvalid,
            Refusal::AdminAlreadyExists,
            Refusal::AdminChanged,
            Refusal::PartnerNotFound,
            Refusal::ConfirmationRequired,
            Refusal::ConfirmationRefused,
        ])
}

type New = (String, Role, Option<String>, Option<String>);

fn read_new(call: &Call) -> Result<New, Problem> {
    let mut fields = call.fields()?;
    let email = fields.required("email", text(EMAIL_MAX));
    let role =
        fields.required("role", word(Role::ALL, "must be ADMIN, MANAGER, EMPLOYEE or OPERATOR"));
    let partner = fields.optional("partner", text(CODE_MAX));
    let code = fields.optional("totp", confirming());
    let (Some(email), Some(role)) = (email, role) else { return Err(fields.problem()) };
    fields.finish()?;
    Ok((email, role, partner, code))
}

async fn created(
    api: Api,
    head: Head,
    (email, role, partner, code): New,
) -> Result<Created<EnrolledJson>, Problem> {
    let partner = named(&api, &head, partner)?;
    let new = NewAdmin { email, role, partner };
    let confirmation = Confirmation { code: code.as_deref(), real_now: (api.real_time)() };
    let made = api.app.create_admin(manager(&head)?, new, confirmation, head.once(kept)).await?;
    Ok(Created::kept(enrolled(made)))
}

/// Changes an account.
pub(crate) fn change() -> Endpoint {
    Endpoint::of(read_change, changed)
        .about(
            TAG,
            "Change an account of the panel",
            "What is left out stays. Whatever changes, the account's sessions end. `DISABLED` \
             shuts it; `ACTIVE` opens it, also one that nobody has used for 90 days. Nobody \
             changes their own account, and the last account of the operator's that can be used \
             stays open.",
        )
        .example(json!({ "role": "EMPLOYEE", "state": "ACTIVE" }))
        .refuses(&[
            Refusal::AdminInvalid,
            Refusal::AdminChanged,
            Refusal::AdminIsYourself,
            Refusal::LastOperator,
        ])
}

const STATES: &[AccountState] = &[AccountState::Active, AccountState::Disabled];

fn read_change(call: &Call) -> Result<(AdminId, ChangeAdmin), Problem> {
    let account = call.account()?;
    let mut fields = call.fields()?;
    let role =
        fields.optional("role", word(Role::ALL, "must be ADMIN, MANAGER, EMPLOYEE or OPERATOR"));
    let state = fields.optional("state", word(STATES, "must be ACTIVE or DISABLED"));
    fields.finish()?;
    let disabled = state.map(|state| state == AccountState::Disabled);
    Ok((account, ChangeAdmin { role, disabled }))
}

async fn changed(
    api: Api,
    head: Head,
    (account, change): (AdminId, ChangeAdmin),
) -> Result<Done<AccountJson>, Problem> {
    let manager = manager(&head)?;
    let changed = api.app.change_admin(manager, account, change, head.once(kept)).await?;
    Ok(Done::kept(changed))
}

/// Gives an account other secrets.
pub(crate) fn reset() -> Endpoint {
    Endpoint::of(read_reset, was_reset)
        .about(
            TAG,
            "Give an account of the panel another password and authenticator",
            "They are told once, as of a new account; those before open nothing any more. Its lock \
             is taken off, and its sessions end. Whose it is sets others of their own before \
             anything else opens. Of an OPERATOR `totp` is a code that the caller's authenticator \
             shows now, and that opened nothing yet.",
        )
        .example(json!({ "totp": "123456" }))
        .refuses(&[
            Refusal::AdminChanged,
            Refusal::AdminIsYourself,
            Refusal::ConfirmationRequired,
            Refusal::ConfirmationRefused,
        ])
}

fn read_reset(call: &Call) -> Result<(AdminId, Option<String>), Problem> {
    let account = call.account()?;
    let mut fields = call.fields_if_sent()?;
    let code = fields.optional("totp", confirming());
    fields.finish()?;
    Ok((account, code))
}

async fn was_reset(
    api: Api,
    head: Head,
    (account, code): (AdminId, Option<String>),
) -> Result<Done<EnrolledJson>, Problem> {
    let confirmation = Confirmation { code: code.as_deref(), real_now: (api.real_time)() };
    let once = head.once(kept);
    let reset = api.app.reset_admin(manager(&head)?, account, confirmation, once).await?;
    Ok(Done::kept(enrolled(reset)))
}

/// Ends an account's sessions → 204.
pub(crate) fn sign_out() -> Endpoint {
    Endpoint::of(read_id, signed_out).about(
        TAG,
        "Sign somebody out everywhere",
        "All sessions of the account end, on every node.",
    )
}

async fn signed_out(api: Api, head: Head, account: AdminId) -> Result<NoContent, Problem> {
    let once = head.once(|()| Value::Null);
    api.app.end_admin_sessions(manager(&head)?, account, once).await?;
    Ok(NoContent)
}
