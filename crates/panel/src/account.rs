//! One's own account: what opens it is changed here, and has to be where somebody else was shown
//! it.

use crate::Panel;
use crate::answer::{Answer, Done, Failed, back, see, show as shown};
use crate::filters;
use crate::form::Posted;
use crate::frame::Frame;
use crate::qr::{self, Drawn};
use crate::session::{RENEWING, Staff};
use crate::texts::text;
use app::Error;
use app::admins::{Offer, Password, Renewal, Taken};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;

/// Where it is.
const HERE: &str = "/panel/account";

#[derive(Template)]
#[template(path = "account.html")]
struct Page {
    frame: Frame,
    refused: Option<String>,
}

/// `GET /panel/account`.
pub(crate) async fn show(staff: Staff) -> Answer {
    shown(&Page { frame: staff.frame(), refused: None })
}

/// `POST /panel/account/password`.
pub(crate) async fn set_password(
    State(panel): State<Panel>,
    staff: Staff,
    posted: Posted,
) -> Answer {
    let result = match chosen(&posted) {
        Some(new) => {
            let renewal = Renewal {
                password: posted.password("password"),
                code: Some(posted.field("totp").to_owned()),
                new_password: Some(new),
                authenticator: None,
            };
            renewed(&panel, &staff, renewal).await
        }
        None => Ok(Some(text("account.differ"))),
    };
    match result? {
        None => back(&staff, HERE, Done("done.password"), Ok(())),
        refused @ Some(_) => {
            let page = shown(&Page { frame: staff.frame(), refused })?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
    }
}

/// The password that was chosen, if it was typed twice alike.
fn chosen(posted: &Posted) -> Option<Password> {
    let (new, again) = (posted.password("newPassword"), posted.password("again"));
    (new.expose() == again.expose()).then_some(new)
}

/// Changes what opens the account; in words why not.
async fn renewed(panel: &Panel, staff: &Staff, renewal: Renewal) -> Result<Option<String>, Failed> {
    let now = (panel.real_time)();
    match panel.app.renew_own_secrets(&staff.session, renewal, now, &staff.origin).await {
        Ok(()) => Ok(None),
        Err(Error::Refused(refusal)) => Ok(Some(refusal.sentence().to_owned())),
        Err(error) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "authenticator.html")]
struct Authenticator {
    frame: Frame,
    offer: Offer,
    drawn: Drawn,
    /// Whether a password is to be set as well.
    is_first: bool,
    refused: Option<String>,
}

/// Shows the page with an authenticator to be: another each time that it is loaded.
async fn offering(panel: &Panel, staff: &Staff, is_first: bool) -> Answer {
    let offer = panel.app.offer_authenticator(&staff.session).await?;
    offered(staff, offer, (is_first, None))
}

fn offered(staff: &Staff, offer: Offer, (is_first, refused): (bool, Option<String>)) -> Answer {
    let drawn = qr::draw(&offer.code_url).map_err(|_| Failed::Broken)?;
    shown(&Authenticator { frame: staff.frame(), offer, drawn, is_first, refused })
}

/// `GET /panel/account/authenticator`.
pub(crate) async fn authenticator(State(panel): State<Panel>, staff: Staff) -> Answer {
    offering(&panel, &staff, false).await
}

/// `POST /panel/account/authenticator`.
pub(crate) async fn set_authenticator(
    State(panel): State<Panel>,
    staff: Staff,
    posted: Posted,
) -> Answer {
    let renewal = Renewal {
        password: posted.password("password"),
        code: Some(posted.field("totp").to_owned()),
        new_password: None,
        authenticator: Some(taken(&posted)),
    };
    let refused = renewed(&panel, &staff, renewal).await?;
    told(&panel, &staff, &posted, (false, refused)).await
}

/// `GET /panel/account/secrets`: the first page of an account whose secrets were shown.
pub(crate) async fn secrets(State(panel): State<Panel>, staff: Staff) -> Answer {
    if staff.session.secrets_shown { offering(&panel, &staff, true).await } else { Ok(see(HERE)) }
}

/// `POST /panel/account/secrets`.
pub(crate) async fn set_secrets(
    State(panel): State<Panel>,
    staff: Staff,
    posted: Posted,
) -> Answer {
    let refused = match chosen(&posted) {
        Some(new) if staff.session.secrets_shown => {
            let renewal = Renewal {
                password: posted.password("password"),
                code: None,
                new_password: Some(new),
                authenticator: Some(taken(&posted)),
            };
            renewed(&panel, &staff, renewal).await?
        }
        // It was sent twice, or from a page that is over.
        Some(_) => return Ok(see(HERE)),
        None => Some(text("account.differ")),
    };
    told(&panel, &staff, &posted, (true, refused)).await
}

fn taken(posted: &Posted) -> Taken {
    let field = |name: &str| posted.field(name).to_owned();
    Taken { offer: field("offer"), code: field("newTotp") }
}

/// Back to the account; or the same offer once more, which an authenticator may have read by now.
async fn told(
    panel: &Panel,
    staff: &Staff,
    posted: &Posted,
    (is_first, refused): (bool, Option<String>),
) -> Answer {
    if refused.is_none() {
        return back(staff, HERE, Done("done.authenticator"), Ok(()));
    }
    let offer = panel.app.offered_authenticator(&staff.session, posted.field("offer")).await?;
    match offer {
        Some(offer) => {
            let page = offered(staff, offer, (is_first, refused))?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        None if is_first => Ok(see(RENEWING)),
        None => Ok(see(HERE)),
    }
}
