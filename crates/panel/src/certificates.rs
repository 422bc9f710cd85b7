//! Certificates of those who call us, for the operator: listed, signed, revoked.

use crate::Panel;
use crate::answer::{Answer, Done, Failed, again, back, show as shown};
use crate::filters;
use crate::form::{Posted, confirmation};
use crate::frame::Frame;
use crate::query;
use crate::session::Staff;
use app::Refusal;
use app::admins::Manager;
use app::certificates::{self, Certificate, Holder, Sign, SignedCertificate, USUAL_DAYS};
use app::settings::Snapshot;
use askama::Template;
use axum::extract::{Path, Query, State};
use domain::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Certificates on a page.
const LINES: i64 = 50;
/// Where the list is.
const HERE: &str = "/panel/certificates";
/// Where one is signed.
const SIGN: &str = "/panel/certificates/sign";

/// Whose a certificate is, in words.
fn holder_of(held: &Certificate, settings: &Snapshot) -> String {
    let partner = held.partner.and_then(|id| settings.partner(id)).map(|it| it.code.clone());
    let processor = held.processor.and_then(|id| settings.processor(id));
    let processor = processor.map(|it| it.name.clone());
    partner.or(processor).or(held.operator.clone()).unwrap_or_default()
}

/// Where it stands, as a word of ours.
fn standing(held: &Certificate, now: Timestamp) -> &'static str {
    match held.revoked_at {
        Some(_) => "REVOKED",
        None if now > held.not_after => "ENDED",
        None => "IN_FORCE",
    }
}

#[derive(Template)]
#[template(path = "certificates.html")]
struct List {
    frame: Frame,
    now: Timestamp,
    settings: Arc<Snapshot>,
    asked: query::Asked,
    zone: TimeZone,
    found: Vec<Certificate>,
    partners: Vec<String>,
    next: Option<String>,
}

impl List {
    fn holder(&self, held: &Certificate) -> String {
        holder_of(held, &self.settings)
    }

    fn standing(&self, held: &Certificate) -> &'static str {
        standing(held, self.now)
    }

    /// Whether a scope was ticked in the form that wasn't done.
    fn is_ticked(&self, scope: &str) -> bool {
        let typed = self.frame.typed(SIGN, "", "");
        typed.get(&format!("scope.{scope}")) == "on"
    }

    fn digits(held: &Certificate) -> String {
        certificates::fingerprint(held)
    }
}

/// `GET /panel/certificates`: those that began last first.
pub(crate) async fn list(
    State(panel): State<Panel>,
    staff: Staff,
    Query(query): Query<BTreeMap<String, String>>,
) -> Answer {
    let asked = query::Asked::of(query, &["partner"])?;
    let settings = panel.app.settings.get();
    let holder = match asked.typed("partner") {
        Some(code) => {
            let partner = settings.partner_of_code(code).ok_or(Refusal::PartnerNotFound)?;
            Some(Holder::Partner(partner.id))
        }
        None => None,
    };
    let after = asked.after(|text| Some(text.to_owned()))?;
    let page = certificates::page(&settings, holder.as_ref(), after.as_deref(), LINES);
    let next = asked.next(HERE, page.next)?;
    let partners = settings.codes();
    let (frame, zone) = (staff.frame(), staff.zone());
    let (now, found) = ((panel.real_time)(), page.items);
    shown(&List { frame, now, settings, asked, zone, found, partners, next })
}

#[derive(Template)]
#[template(path = "certificate.html")]
struct Page {
    frame: Frame,
    zone: TimeZone,
    holder: String,
    standing: &'static str,
    fingerprint: String,
    held: Certificate,
}

/// `GET /panel/certificates/{fingerprint}`.
pub(crate) async fn show(
    State(panel): State<Panel>,
    staff: Staff,
    Path(fingerprint): Path<String>,
) -> Answer {
    let settings = panel.app.settings.get();
    let held = certificates::find(&settings, &fingerprint).ok_or(Failed::NotFound)?.clone();
    let holder = holder_of(&held, &settings);
    let standing = standing(&held, (panel.real_time)());
    let (frame, zone) = (staff.frame(), staff.zone());
    shown(&Page { frame, zone, holder, standing, fingerprint, held })
}

/// `POST /panel/certificates/{fingerprint}/revoke`.
pub(crate) async fn revoke(
    State(panel): State<Panel>,
    staff: Staff,
    Path(fingerprint): Path<String>,
    posted: Posted,
) -> Answer {
    let once = posted.once_kept(|_: &Certificate| Value::Null);
    let (manager, now) = (Manager::of(&staff.session), (panel.real_time)());
    let result = panel.app.revoke_certificate_once(manager, &fingerprint, now, once).await;
    back(&staff, &format!("{HERE}/{fingerprint}"), Done("done.certificate-revoked"), result)
}

#[derive(Template)]
#[template(path = "signed.html")]
struct Signed {
    frame: Frame,
    fingerprint: String,
    name: String,
    pem: String,
    /// The same, to be saved.
    file: String,
}

/// `POST /panel/certificates/sign`: the certificate is on the answer, to be saved.
pub(crate) async fn sign(State(panel): State<Panel>, staff: Staff, posted: Posted) -> Answer {
    let authority = panel.authority.as_ref().ok_or(Failed::Broken)?;
    let signed = async {
        let sign = read(&panel, &posted)?;
        let by = (Manager::of(&staff.session), confirmation(&panel, &posted));
        let once = posted.once_kept(told_json);
        Ok(panel.app.sign_certificate_once(authority, sign, by, once).await?)
    };
    let signed = match signed.await {
        Ok(signed) => signed,
        Err(failed) => {
            let list = |staff| list(State(panel.clone()), staff, Query(BTreeMap::new()));
            return again((&staff, &posted), failed, list).await;
        }
    };
    let told = |name: &str| signed[name].as_str().unwrap_or_default().to_owned();
    let pem = told("pem");
    let encoded: String = pem.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let file = format!("data:application/x-pem-file,{encoded}");
    let (fingerprint, name) = (told("fingerprint"), told("name"));
    shown(&Signed { frame: staff.frame(), fingerprint, name, pem, file })
}

fn told_json(signed: &SignedCertificate) -> Value {
    json!({
        "fingerprint": certificates::fingerprint(&signed.certificate),
        "name": signed.certificate.common_name, "pem": signed.pem,
    })
}

fn read(panel: &Panel, posted: &Posted) -> Result<Sign, Failed> {
    let settings = panel.app.settings.get();
    let name = posted.field("holder");
    let holder = match posted.field("kind") {
        "partner" => {
            let partner = settings.partner_of_code(name).ok_or(Refusal::PartnerNotFound)?;
            Holder::Partner(partner.id)
        }
        "processor" => {
            let processor = settings.processor_of_name(name).ok_or(Refusal::ProcessorNotFound)?;
            Holder::Processor(processor.id)
        }
        "operator" => Holder::Operator(name.to_owned()),
        _ => return Err(Failed::Unreadable),
    };
    let ticked = |scope: &&&str| posted.field(&format!("scope.{scope}")) == "on";
    let scopes: Vec<String> =
        certificates::SCOPES.iter().filter(ticked).map(|scope| (*scope).to_owned()).collect();
    let scopes = if scopes.is_empty() { holder.usual_scopes() } else { scopes };
    let days =
        posted.typed("days").map_or(Ok(USUAL_DAYS), str::parse).map_err(|_| Failed::Unreadable)?;
    // As a file or pasted; the file counts where there is one.
    let csr = posted.typed("csrFile").unwrap_or_else(|| posted.field("csr")).to_owned();
    Ok(Sign { csr, holder, scopes, days })
}
