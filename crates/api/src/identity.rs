//! Who is calling: the client certificate, looked up in the register at every request.

use crate::problem::Problem;
use crate::{Api, Peer};
use app::certificates::Certificate;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::ids::{PartnerId, ProcessorId};
use domain::partner::{Partner, PartnerState};
use domain::scope::Scope;

/// Who is calling, as the endpoints see it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caller {
    /// A partner's back end.
    Partner(Scope),
    /// An issuing processor.
    Processor(ProcessorId),
}

/// Whose certificate it is, however little it allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// A partner's.
    Partner(PartnerId),
    /// A processor's.
    Processor(ProcessorId),
}

/// Whom a request is counted for; nobody where its certificate isn't accepted.
pub(crate) fn holder(api: &Api, request: &Request) -> Option<Holder> {
    let held = certificate(api, request).ok()?;
    held.partner.map(Holder::Partner).or(held.processor.map(Holder::Processor))
}

/// `/secure`: a partner's certificate with the scope `secure`.
pub(crate) async fn secure(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    match partner(&api, &request) {
        Ok(partner) => {
            request.extensions_mut().insert(Caller::Partner(Scope::of_caller(partner.id)));
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// `/lifecycle`: the same, and the header `Issuer-Code`, sent once, names that partner.
pub(crate) async fn lifecycle(
    State(api): State<Api>,
    mut request: Request,
    next: Next,
) -> Response {
    let partner = match partner(&api, &request) {
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

/// Whoever has a certificate of ours that is good for one of the channels.
pub(crate) fn known(api: &Api, request: &Request) -> Result<(), Problem> {
    match certificate(api, request)?.processor {
        Some(_) => Ok(()),
        None => partner(api, request).map(drop),
    }
}

/// The live partner of a certificate that may use the partner's channels.
fn partner(api: &Api, request: &Request) -> Result<Partner, Problem> {
    let held = certificate(api, request)?;
    let settings = api.app.settings.get();
    let id = held.partner.ok_or_else(not_allowed)?;
    let partner = settings.partner(id).filter(|partner| partner.state == PartnerState::Live);
    let partner = partner.cloned().ok_or_else(not_accepted)?;
    if allows(&held, "secure") { Ok(partner) } else { Err(not_allowed()) }
}

fn allows(held: &Certificate, scope: &str) -> bool {
    held.scopes.split(' ').any(|allowed| allowed == scope)
}

/// The registered certificate of the connection, neither revoked nor ended.
fn certificate(api: &Api, request: &Request) -> Result<Certificate, Problem> {
    let sent = request.extensions().get::<Peer>().and_then(|peer| peer.certificate.clone());
    let der = sent.ok_or_else(|| {
        let detail = "This channel needs a client certificate.";
        Problem::unauthorized("CERTIFICATE_REQUIRED", detail)
    })?;
    let settings = api.app.settings.get();
    let held = settings.certificate(&crypto::certificates::fingerprint(&der));
    held.filter(|held| held.revoked_at.is_none() && (api.real_time)() <= held.not_after)
        .cloned()
        .ok_or_else(not_accepted)
}

fn not_allowed() -> Problem {
    Problem::forbidden("FORBIDDEN", "The certificate doesn't allow this.")
}

fn not_accepted() -> Problem {
    let detail = "The certificate isn't registered, was revoked or has ended.";
    Problem::unauthorized("CERTIFICATE_REVOKED", detail)
}
