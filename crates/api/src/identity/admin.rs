//! Who is calling under `/admin`: the session of a panel account, and whom a route admits.

use super::{Caller, bearer};
use crate::Api;
use crate::call::refused;
use crate::problem::Problem;
use app::Refusal;
use app::admins::AdminSession;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::admin::Role;
use domain::partner::PartnerState;
use domain::scope::Scope;

/// Whom a route under `/admin` admits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allows {
    roles: &'static [Role],
    /// Whether it is about a partner's, which the operator's own then name in `Issuer-Code`.
    of_partner: bool,
    /// Whether it is open to an account whose secrets were shown to somebody else.
    renews: bool,
}

impl Allows {
    /// Who decides KYC, and may see who did what.
    pub(crate) const DECIDERS: Self =
        Self { roles: &[Role::Admin, Role::Operator], of_partner: true, renews: false };
    /// Who answers to the law for the cards of a partner.
    pub(crate) const OPERATORS: Self =
        Self { roles: &[Role::Operator], of_partner: true, renews: false };
    /// Who manages accounts, of one partner or of all.
    pub(crate) const MANAGERS: Self =
        Self { roles: &[Role::Admin, Role::Operator], of_partner: false, renews: false };
    /// The operator's own, about the platform.
    pub(crate) const PLATFORM: Self =
        Self { roles: &[Role::Operator], of_partner: false, renews: false };
    /// Who has an account.
    pub(crate) const ALL: Self = Self { roles: Role::ALL, of_partner: false, renews: false };
    /// The same, about their own sessions and what opens their account.
    pub(crate) const OWN: Self = Self { renews: true, ..Self::ALL };
    /// Who has an account, about a partner's users and their money.
    pub(crate) const STAFF: Self = Self { roles: Role::ALL, of_partner: true, renews: false };
    /// Who makes balances and virtual cards, and says how much is spent.
    pub(crate) const MAKERS: Self =
        Self { roles: &[Role::Admin, Role::Manager], of_partner: true, renews: false };
}

/// `/admin`: the token of a panel account's session, sent once, of a role that the route admits.
pub(crate) async fn admin(
    State((api, allows)): State<(Api, Allows)>,
    mut request: Request,
    next: Next,
) -> Response {
    let found = match bearer(request.headers()) {
        Some(token) => api.app.admin_session(token).await,
        None => Ok(None),
    };
    let caller = match found {
        Ok(Some(session)) if session.partner.is_none_or(|id| api.app.is_live(id)) => {
            admitted(&api, &request, session, allows)
        }
        Ok(_) => {
            let detail = "This channel needs the token of a session that is in force.";
            Err(Problem::unauthorized("SESSION_EXPIRED", detail))
        }
        Err(error) => Err(error.into()),
    };
    match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Whom an account acts for, if its role may do that at all.
fn admitted(
    api: &Api,
    request: &Request,
    session: AdminSession,
    allows: Allows,
) -> Result<Caller, Problem> {
    if session.secrets_shown && !allows.renews {
        return Err(refused(Refusal::SecretsToRenew));
    }
    if !allows.roles.contains(&session.role) {
        return Err(Problem::forbidden("FORBIDDEN", "The account's role doesn't allow this."));
    }
    if !allows.of_partner {
        return Ok(Caller::Admin(None, session));
    }
    let settings = api.app.settings.get();
    let mut codes = request.headers().get_all("issuer-code").iter();
    let (sent, only) = (codes.next(), codes.next().is_none());
    let named = sent.map(|code| settings.partner_of_code(code.to_str().ok()?)).filter(|_| only);
    let named = named.flatten().filter(|partner| partner.state == PartnerState::Live);
    let of = match (session.partner, sent) {
        (Some(own), None) => Some(own),
        (Some(own), Some(_)) => named.map(|partner| partner.id).filter(|id| *id == own),
        (None, _) => named.map(|partner| partner.id),
    };
    let of = of.ok_or_else(|| {
        let detail = "The header Issuer-Code must name the partner that it is for, once.";
        Problem::forbidden("ISSUER_CODE_MISMATCH", detail)
    })?;
    Ok(Caller::Admin(Some(Scope::of_caller(of)), session))
}
