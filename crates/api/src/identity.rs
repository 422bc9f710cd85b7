//! Who is calling: the client certificate, looked up in the register at every request.

mod admin;

pub(crate) use admin::{Allows, admin};

use crate::call::refused;
use crate::problem::Problem;
use crate::{Api, Peer};
use app::Refusal;
use app::admins::AdminSession;
use app::balances::Right;
use app::certificates::Certificate;
use app::sessions::{Session, Signed};
use app::spending::Setter;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use crypto::encoding::from_url_safe;
use domain::admin::Role;
use domain::card::lifecycle::Locker;
use domain::ids::{AdminId, PartnerId, ProcessorId, UserId};
use domain::partner::{Partner, PartnerState};
use domain::scope::Scope;
use std::sync::Arc;
use uuid::Uuid;

/// Who is calling, as the endpoints see it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caller {
    /// A partner's back end.
    Partner(Scope),
    /// A system of the operator's own, for the partner that it names.
    Operator(Scope, Operator),
    /// An issuing processor.
    Processor(ProcessorId),
    /// A user, by an app.
    User(Session),
    /// Somebody with a panel account, for the partner that they act for; none where a call is about
    /// no partner's.
    Admin(Option<Scope>, AdminSession),
    /// An app whose user isn't known yet.
    App,
    /// Somebody who wants to sign in.
    Visitor,
}

impl Caller {
    /// Somebody who calls a route, to note what is asked for there.
    pub(crate) fn of_route(route: &str) -> Self {
        if route.starts_with("/customers/") {
            let (scope, user) = (Scope::of_caller(PartnerId::PLATFORM), UserId(1));
            return Self::User(Session { scope, user, installation: None, digest: [0; 32] });
        }
        if route.starts_with("/admin/") {
            let account = AdminId(Uuid::nil());
            let (role, digest) = (Role::Operator, [0; 32]);
            let session =
                AdminSession { account, partner: None, role, secrets_shown: false, digest };
            return Self::Admin(Some(Scope::of_caller(PartnerId::PLATFORM)), session);
        }
        Self::Processor(ProcessorId(0))
    }

    /// The session of a panel account.
    pub(crate) fn admin(&self) -> Result<&AdminSession, Problem> {
        let Self::Admin(_, session) = self else { return Err(Problem::internal()) };
        Ok(session)
    }

    /// The session of a user.
    pub(crate) fn session(&self) -> Result<&Session, Problem> {
        let Self::User(session) = self else { return Err(Problem::internal()) };
        Ok(session)
    }

    /// Who locks or unlocks a card by a call.
    pub(crate) fn locker(self) -> Locker {
        match self {
            Self::User(_) => Locker::User,
            Self::Partner(_) | Self::Operator(..) | Self::Admin(..) | Self::App | Self::Visitor => {
                Locker::Partner
            }
            Self::Processor(_) => Locker::Network,
        }
    }

    /// Who sets limits by a call.
    pub(crate) fn setter(self) -> Setter {
        match self {
            Self::User(_) => Setter::User,
            Self::Partner(_)
            | Self::Operator(..)
            | Self::Processor(_)
            | Self::Admin(..)
            | Self::App
            | Self::Visitor => Setter::Partner,
        }
    }
}

/// A system of the operator's own, and what its certificate lets it move.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operator {
    /// The certificate's.
    fingerprint: Fingerprint,
    collateral: bool,
    iban: bool,
}

/// SHA-256 of a certificate's DER.
type Fingerprint = [u8; 32];

impl Operator {
    /// Whose certificate it is.
    pub(crate) fn holder(self) -> Holder {
        Holder::Operator(self.fingerprint)
    }

    /// Whether it may move money by this right.
    pub(crate) fn may(self, right: Right) -> bool {
        match right {
            Right::Partner => false,
            Right::Collateral => self.collateral,
            Right::Iban => self.iban,
        }
    }
}

/// Which certificates open a route under `/secure`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admits {
    /// The scope that a partner's must have; none where it is no partner's route.
    partner: Option<&'static str>,
    /// The scopes of which one of the operator's own must have one.
    operator: &'static [&'static str],
}

impl Admits {
    /// A partner's usual ones.
    pub(crate) const PARTNER: Self = Self { partner: Some("secure"), operator: &[] };
    /// Those, and the operator's for bank transfers.
    pub(crate) const TRANSFERS: Self = Self { partner: Some("secure"), operator: &["iban"] };
    /// The operator's.
    pub(crate) const LOADS: Self = Self { partner: None, operator: &["collateral", "iban"] };
    /// A partner's that may make balances of its own.
    pub(crate) const CREATION: Self =
        Self { partner: Some("partner-balance-create"), operator: &[] };
}

/// Whose certificate it is, however little it allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// A partner's.
    Partner(PartnerId),
    /// A processor's.
    Processor(ProcessorId),
    /// A system's of the operator's own, by its certificate.
    Operator(Fingerprint),
    /// No certificate, but the sessions of all users of a partner.
    Users(PartnerId),
    /// The panel accounts of a partner, or of the operator.
    Admins(Option<PartnerId>),
    /// Apps whose users aren't known yet.
    Apps,
    /// Everybody who wants to sign in.
    Visitors,
}

/// Whom a request is counted for; nobody where its certificate isn't accepted.
pub(crate) fn holder(api: &Api, request: &Request) -> Option<Holder> {
    let held = certificate(api, request).ok()?;
    let holder = held.partner.map(Holder::Partner).or(held.processor.map(Holder::Processor));
    holder.or_else(|| Some(Holder::Operator(held.fingerprint.as_slice().try_into().ok()?)))
}

/// `/secure`: a certificate that the route admits. The operator's names the partner that it acts
/// for in the header `Issuer-Code`, sent once.
pub(crate) async fn secure(
    State((api, admits)): State<(Api, Admits)>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = certificate(&api, &request).and_then(|held| match &held.operator {
        Some(_) => operator(&api, &request, &held, admits),
        None => {
            let scope = admits.partner.ok_or_else(not_allowed)?;
            let partner = partner(&api, &held, scope)?;
            Ok(Caller::Partner(Scope::of_caller(partner.id)))
        }
    });
    match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// A system of the operator's own, and the live partner that it acts for.
fn operator(
    api: &Api,
    request: &Request,
    held: &Certificate,
    admits: Admits,
) -> Result<Caller, Problem> {
    if !admits.operator.iter().any(|scope| allows(held, scope)) {
        return Err(not_allowed());
    }
    let settings = api.app.settings.get();
    let mut codes = request.headers().get_all("issuer-code").iter();
    let only = codes.next().filter(|_| codes.next().is_none());
    let partner = only.and_then(|code| settings.partner_of_code(code.to_str().ok()?));
    let partner = partner.filter(|partner| partner.state == PartnerState::Live);
    let partner = partner.ok_or_else(|| {
        let detail = "The header Issuer-Code must name the partner that it is for, once.";
        Problem::forbidden("ISSUER_CODE_MISMATCH", detail)
    })?;
    let fingerprint = held.fingerprint.as_slice().try_into().map_err(|_| Problem::internal())?;
    let operator = Operator {
        fingerprint,
        collateral: allows(held, "collateral"),
        iban: allows(held, "iban"),
    };
    Ok(Caller::Operator(Scope::of_caller(partner.id), operator))
}

/// `/lifecycle`: the same, and the header `Issuer-Code`, sent once, names that partner.
pub(crate) async fn lifecycle(
    State(api): State<Api>,
    mut request: Request,
    next: Next,
) -> Response {
    let held = certificate(&api, &request);
    let partner = match held.and_then(|held| partner(&api, &held, "secure")) {
        Ok(partner) => partner,
        Err(problem) => return problem.into_response(),
    };
    let codes = request.headers().get_all("issuer-code");
    if !codes.iter().eq([partner.code.as_str()]) {
        let detail = "The header Issuer-Code must name the certificate's partner, once.";
        return Problem::forbidden("ISSUER_CODE_MISMATCH", detail).into_response();
    }
    request.extensions_mut().insert(Caller::Partner(Scope::of_caller(partner.id)));
    next.run(request).await
}

/// `/processor`: a processor's certificate.
pub(crate) async fn processor(
    State(api): State<Api>,
    mut request: Request,
    next: Next,
) -> Response {
    let processor = certificate(&api, &request).and_then(|held| {
        held.processor.filter(|_| allows(&held, "processor")).ok_or_else(not_allowed)
    });
    match processor {
        Ok(processor) => {
            request.extensions_mut().insert(Caller::Processor(processor));
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// `/customers`: the token of a session, sent once.
pub(crate) async fn customers(
    State(api): State<Api>,
    mut request: Request,
    next: Next,
) -> Response {
    let found = match bearer(request.headers()) {
        Some(token) => api.app.session(token).await,
        None => Ok(None),
    };
    match found {
        Ok(Some(session)) if api.app.is_live(session.scope.partner()) => {
            request.extensions_mut().insert(Caller::User(session));
            next.run(request).await
        }
        Ok(_) => {
            let detail = "This channel needs the token of a session that is in force.";
            Problem::unauthorized("SESSION_EXPIRED", detail).into_response()
        }
        Err(error) => Problem::from(error).into_response(),
    }
}

/// Somebody who signs in, an app that pairs its device or begins a session: nobody is known yet,
/// but for the address.
pub(crate) async fn stranger(
    State((api, caller)): State<(Api, Caller)>,
    mut request: Request,
    next: Next,
) -> Response {
    let address = request.extensions().get::<Peer>().and_then(|peer| peer.address);
    if let Some(Err(wait)) = address.map(|address| api.guard.count_stranger(caller, address)) {
        return Problem::too_many(wait).into_response();
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// The token of the one header `Authorization: Bearer …`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut sent = headers.get_all(header::AUTHORIZATION).into_iter();
    let only = sent.next().filter(|_| sent.next().is_none())?;
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Sensitive calls of an app: a challenge that its device has signed for this very call, unless
/// the partner does without.
pub(crate) async fn stepped_up(State(api): State<Api>, request: Request, next: Next) -> Response {
    let Some(&Caller::User(session)) = request.extensions().get::<Caller>() else {
        return Problem::internal().into_response();
    };
    if !api.app.demands_step_up(session.scope) {
        return next.run(request).await;
    }
    // The request itself can't be held while that is waited for.
    let stepped_up = match signed(&request) {
        Some(signed) => api.app.has_stepped_up(&session, &signed).await,
        None => Ok(false),
    };
    match stepped_up {
        Ok(true) => next.run(request).await,
        Ok(false) => {
            let detail = "This call needs X-Step-Up: a challenge of /customers/me/step-up, a full \
                          stop, and the device's signature over challenge, method and path.";
            Problem::forbidden("STEP_UP_REQUIRED", detail).into_response()
        }
        Err(error) => Problem::from(error).into_response(),
    }
}

/// `X-Step-Up: CHALLENGE.SIGNATURE`, sent once.
fn signed(request: &Request) -> Option<Signed> {
    let mut sent = request.headers().get_all("x-step-up").into_iter();
    let only = sent.next().filter(|_| sent.next().is_none())?;
    let (challenge, signature) = only.to_str().ok()?.split_once('.')?;
    let call = format!("{}\n{}", request.method(), request.uri().path());
    let signature = from_url_safe(signature)?;
    Some(Signed { challenge: challenge.to_owned(), signature, call })
}

/// Whoever has a certificate of ours that is good for one of the channels, or a panel account's
/// session.
pub(crate) async fn known(api: &Api, request: Request) -> Result<(), Problem> {
    // The request itself can't be held while the session is looked for.
    let token = bearer(request.headers()).map(str::to_owned);
    let certified = is_certified(api, &request);
    drop(request);
    match token {
        Some(token) => match api.app.admin_session(&token).await? {
            Some(session) if session.secrets_shown => Err(refused(Refusal::SecretsToRenew)),
            Some(_) => Ok(()),
            None => certified,
        },
        None => certified,
    }
}

fn is_certified(api: &Api, request: &Request) -> Result<(), Problem> {
    let held = certificate(api, request)?;
    match held.processor {
        Some(_) => Ok(()),
        None => partner(api, &held, "secure").map(drop),
    }
}

/// The partner of a certificate that has this scope.
fn partner(api: &Api, held: &Certificate, scope: &str) -> Result<Partner, Problem> {
    let id = held.partner.ok_or_else(not_allowed)?;
    let partner = api.app.settings.get().partner(id).cloned().ok_or_else(not_accepted)?;
    if allows(held, scope) { Ok(partner) } else { Err(not_allowed()) }
}

fn allows(held: &Certificate, scope: &str) -> bool {
    held.scopes.split(' ').any(|allowed| allowed == scope)
}

/// The registered certificate of the connection, neither revoked nor ended nor a closed partner's.
fn certificate(api: &Api, request: &Request) -> Result<Arc<Certificate>, Problem> {
    let sent = request.extensions().get::<Peer>().and_then(|peer| peer.certificate);
    let fingerprint = sent.ok_or_else(|| {
        let detail = "This channel needs a client certificate.";
        Problem::unauthorized("CERTIFICATE_REQUIRED", detail)
    })?;
    registered(api, &fingerprint)
}

/// Whether the certificate of a request that goes on for long is still accepted.
pub(crate) fn is_still_accepted(api: &Api, peer: &Peer) -> Result<(), Problem> {
    let fingerprint = peer.certificate.as_ref().ok_or_else(not_accepted)?;
    registered(api, fingerprint).map(drop)
}

fn registered(api: &Api, fingerprint: &Fingerprint) -> Result<Arc<Certificate>, Problem> {
    let settings = api.app.settings.get();
    let held = settings.certificate(fingerprint);
    let is_live = |id| settings.partner(id).is_some_and(|it| it.state == PartnerState::Live);
    held.filter(|held| held.revoked_at.is_none() && (api.real_time)() <= held.not_after)
        .filter(|held| held.partner.is_none_or(is_live))
        .cloned()
        .ok_or_else(not_accepted)
}

/// 403: the certificate lacks a scope.
pub(crate) fn not_allowed() -> Problem {
    Problem::forbidden("FORBIDDEN", "The certificate doesn't allow this.")
}

fn not_accepted() -> Problem {
    let detail = "The certificate isn't registered, was revoked or has ended.";
    Problem::unauthorized("CERTIFICATE_REVOKED", detail)
}
