//! Who looks at a page: the session of a cookie, looked up at every request, and what it allows.

use crate::Panel;
use crate::answer::{Failed, see, show_failure};
use crate::form::{Posted, posted};
use crate::frame::{Notice, Refused};
use crate::{exports, transactions};
use app::admins::{AdminSession, form_token};
use app::audit::Origin;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::admin::Role;
use domain::partner::{Partner, PartnerState};
use domain::scope::Scope;
use jiff::tz::TimeZone;
use std::sync::Arc;

/// The cookie of a session. A name that begins so is taken by browsers only over TLS, for this
/// host alone: no neighbour can set it for us.
pub(crate) const COOKIE: &str = "__Host-antaca";
/// Where partners' pages are, their code behind it.
const OF_PARTNER: &str = "/panel/of/";

/// The page of an account whose secrets were shown to somebody else: all others lead there.
pub(crate) const RENEWING: &str = "/panel/account/secrets";
/// What such an account may send beside.
const ENDING: &[&str] = &["/panel/sign-out", "/panel/account/sign-out"];
/// Where pages are told as they change.
const LIVE: [&str; 2] = [transactions::LIVE, exports::LIVE];

/// Whom a page admits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allows(&'static [Role]);

impl Allows {
    /// Who has an account.
    pub(crate) const ALL: Self = Self(Role::ALL);
    /// Who makes balances and virtual cards.
    pub(crate) const MAKERS: Self = Self(&[Role::Admin, Role::Manager]);
    /// Who decides KYC.
    pub(crate) const DECIDERS: Self = Self(&[Role::Admin, Role::Operator]);
    /// Who manages the panel's accounts.
    pub(crate) const MANAGERS: Self = Self(&[Role::Admin, Role::Operator]);
    /// The operator's own.
    pub(crate) const OPERATORS: Self = Self(&[Role::Operator]);

    /// Whether a role is among them.
    pub(crate) fn has(self, role: Role) -> bool {
        self.0.contains(&role)
    }
}

/// Who is signed in, and what for.
#[derive(Clone)]
pub(crate) struct Staff(Arc<Who>);

/// The parts of [`Staff`].
#[derive(Clone)]
pub(crate) struct Who {
    pub(crate) session: AdminSession,
    pub(crate) email: String,
    /// The partner whose pages these are; none where a page is about no partner's.
    partner: Option<Partner>,
    /// Where commands come from.
    pub(crate) origin: Origin,
    /// What the forms of this session carry.
    pub(crate) csrf: String,
    /// Path and query of the request.
    pub(crate) path: String,
    /// What came of the act before.
    pub(crate) notice: Option<Notice>,
    /// The form that wasn't done, where its page is shown again.
    pub(crate) refused: Option<Arc<Refused>>,
}

impl std::ops::Deref for Staff {
    type Target = Who;

    fn deref(&self) -> &Who {
        &self.0
    }
}

impl Staff {
    /// The partner whose pages these are.
    pub(crate) fn partner(&self) -> Result<&Partner, Failed> {
        self.partner.as_ref().ok_or(Failed::NotFound)
    }

    /// The same, if it is one's.
    pub(crate) fn partner_if_any(&self) -> Option<&Partner> {
        self.partner.as_ref()
    }

    /// The right to that partner's data.
    pub(crate) fn scope(&self) -> Result<Scope, Failed> {
        self.partner().map(|partner| Scope::of_caller(partner.id))
    }

    /// The time zone that its moments are shown in.
    pub(crate) fn zone(&self) -> TimeZone {
        let name = self.partner.as_ref().map(|partner| partner.settings.time_zone.as_str());
        name.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC)
    }

    /// The address of a page of this partner's.
    pub(crate) fn to(&self, rest: &str) -> String {
        let code = self.partner.as_ref().map_or("", |partner| partner.code.as_str());
        format!("{OF_PARTNER}{code}{rest}")
    }

    /// The same, for the page of a form that wasn't done: it tells why, and shows what was typed.
    pub(crate) fn refused(&self, posted: &Posted, why: String) -> Self {
        let action = self.path.split('?').next().unwrap_or_default().to_owned();
        let refused = Refused { action, fields: posted.shown_again() };
        let mut who = Who::clone(&self.0);
        who.notice = Some(Notice { good: false, text: why });
        who.refused = Some(Arc::new(refused));
        Self(Arc::new(who))
    }

    /// Whether the account may do what these may.
    pub(crate) fn may(&self, allows: Allows) -> bool {
        allows.has(self.session.role)
    }
}

impl<S: Sync> FromRequestParts<S> for Staff {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        parts.extensions.get::<Self>().cloned().ok_or(Failed::Broken)
    }
}

/// Lets in whose session is in force and whose role the page admits. A form is read here, so that
/// none is taken without its token.
pub(crate) async fn admitted(
    State((panel, allows)): State<(Panel, Allows)>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path_and_query().map_or("/panel", |it| it.as_str()).to_owned();
    let token = cookie(request.headers(), COOKIE).map(str::to_owned);
    // A page that is left open doesn't keep its session.
    let is_used = !LIVE.iter().any(|live| request.uri().path().ends_with(live));
    let found = match &token {
        Some(token) => panel.app.signed_in(token, is_used).await,
        None => Ok(None),
    };
    let (signed_in, token) = match (found, token) {
        (Ok(Some(found)), Some(token)) => (found, token),
        (Ok(_), _) => return to_sign_in(&request, &path),
        (Err(error), _) => return Failed::from(error).into_response(),
    };
    let asked = request.uri().path();
    if signed_in.session.secrets_shown && asked != RENEWING && !ENDING.contains(&asked) {
        return see(RENEWING);
    }
    let partner = match partner_of(&panel, signed_in.session, request.uri().path()) {
        Ok(partner) => partner,
        Err(OfPartner::Ended) => return to_sign_in(&request, &path),
        Err(OfPartner::Other) => Err(()).ok(),
    };
    let mut origin = request.extensions().get::<Origin>().cloned().unwrap_or_else(nowhere);
    origin.actor = app::admins::actor(signed_in.session.account);
    let foreign = partner.is_none() && request.uri().path().starts_with(OF_PARTNER);
    let csrf = form_token(&token);
    let staff = Staff(Arc::new(Who {
        notice: Notice::of(request.uri().query(), &csrf),
        refused: None,
        session: signed_in.session,
        email: signed_in.email,
        partner,
        origin,
        csrf,
        path,
    }));
    let answered = if foreign {
        Err(Failed::NotFound)
    } else if !staff.may(allows) {
        Err(Failed::Forbidden)
    } else {
        run(&panel, &staff, request, next).await
    };
    show_failure(&staff, answered)
}

async fn run(
    panel: &Panel,
    staff: &Staff,
    mut request: Request,
    next: Next,
) -> Result<Response, Failed> {
    if request.method() == Method::POST {
        let (parts, body) = request.into_parts();
        let posted: Posted = posted(panel, staff, &parts, body).await?;
        request = Request::from_parts(parts, axum::body::Body::empty());
        request.extensions_mut().insert(posted);
    }
    request.extensions_mut().insert(staff.clone());
    Ok(next.run(request).await)
}

/// Why a page isn't shown for the partner of its path.
enum OfPartner {
    /// The account's own partner is closed: nobody works for it.
    Ended,
    /// It is another's, or nobody's.
    Other,
}

/// The partner that a path names, if the account may see it.
fn partner_of(
    panel: &Panel,
    session: AdminSession,
    path: &str,
) -> Result<Option<Partner>, OfPartner> {
    let settings = panel.app.settings.get();
    if session.partner.is_some_and(|own| !panel.app.is_live(own)) {
        return Err(OfPartner::Ended);
    }
    let Some(rest) = path.strip_prefix(OF_PARTNER) else {
        return Ok(session.partner.and_then(|own| settings.partner(own)).cloned());
    };
    let code = rest.split('/').next().unwrap_or_default();
    let named = settings.partner_of_code(code).filter(|partner| {
        partner.state == PartnerState::Live && session.partner.is_none_or(|own| own == partner.id)
    });
    named.cloned().map(Some).ok_or(OfPartner::Other)
}

fn nowhere() -> Origin {
    Origin { actor: String::new(), address: None, request_id: String::new() }
}

/// To the page of signing in, which leads back to what was asked for; from a form, to the page that
/// it was on, and it is told that the form wasn't done.
fn to_sign_in(parts: &Request, path: &str) -> Response {
    let came_from = parts.headers().get(header::REFERER).and_then(|it| it.to_str().ok());
    let came_from = came_from.and_then(|it| it.find("/panel").map(|at| &it[at..]));
    let query = match *parts.method() {
        Method::GET if path == "/panel" => Vec::new(),
        Method::GET => vec![("next", path)],
        _ => vec![("ended", "yes"), ("next", came_from.unwrap_or("/panel"))],
    };
    let query = serde_urlencoded::to_string(query).unwrap_or_default();
    let joint = if query.is_empty() { "" } else { "?" };
    see(&format!("/panel/sign-in{joint}{query}"))
}

/// The value of a cookie, sent once.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim());
    values.next().filter(|_| values.next().is_none())
}

/// Whether a request was sent by a page of ours: browsers say so themselves, and no page can make
/// them say otherwise.
pub(crate) fn is_ours(parts: &Parts) -> bool {
    let told = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    // HTTP/2 tells the host in the address, HTTP/1.1 in a header.
    let host = parts.uri.authority().map(|it| it.as_str()).or_else(|| told("host"));
    match (told("origin"), told("sec-fetch-site")) {
        (Some(origin), _) => host.is_some_and(|host| origin == format!("https://{host}")),
        (None, Some(site)) => site == "same-origin",
        (None, None) => false,
    }
}
