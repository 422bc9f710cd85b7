//! Partners, for the operator: whose pages there are, made, and changed in their settings.

use crate::Panel;
use crate::answer::{Answer, Done, Failed, back_or_again, show as shown};
use crate::fields::{Field, number, number_or_none, switch, touched, word};
use crate::filters;
use crate::form::{Posted, confirmation};
use crate::frame::Frame;
use crate::session::Staff;
use crate::texts::text;
use app::admins::Manager;
use app::outbound::SetOutbound;
use app::partners::{Called, Change, Create, Set};
use askama::Template;
use axum::extract::{Path, State};
use domain::money::Currency;
use domain::notification::Event;
use domain::partner::{Partner, PartnerState, Settings};
use jiff::tz::TimeZone;
use serde_json::Value;

/// Where one is made.
const NEW: &str = "/panel/new-partner";

#[derive(Template)]
#[template(path = "partners.html")]
struct List {
    frame: Frame,
    partners: Vec<Partner>,
}

impl List {
    fn is_live(partner: &Partner) -> bool {
        partner.state == PartnerState::Live
    }
}

/// `GET /panel/partners`: whose pages the operator may look at, and what they are set to.
pub(crate) async fn list(State(panel): State<Panel>, staff: Staff) -> Answer {
    let settings = panel.app.settings.get();
    let mut partners: Vec<Partner> = settings.partners().into_iter().cloned().collect();
    partners.sort_by(|one, other| one.code.cmp(&other.code));
    shown(&List { frame: staff.frame(), partners })
}

/// The fields of what may change.
fn fields(name: &str, settings: &Settings) -> Vec<Field> {
    let (asking, session) = (&settings.asking, &settings.session);
    let currency = settings.automatic_balance.as_ref().map_or("", Currency::code);
    let (asked, codes) = (settings.authorization_mode, settings.description_codes);
    let (collateral, unlock) = (settings.collateral_mode, settings.user_may_unlock);
    vec![
        Field::typed("name", text("partners.name"), name),
        Field::typed("timeZone", text("setting.time-zone"), &settings.time_zone)
            .hinted("Europe/Warsaw"),
        Field::words("setting.kycMode", text("setting.kyc"), settings.kyc_mode),
        Field::words("setting.kybBy", text("setting.kyb"), settings.kyb_by),
        Field::words("setting.collateralMode", text("setting.collateral"), collateral),
        Field::switch("ownBin", text("setting.own-bin"), settings.own_bin),
        Field::words("setting.authorizationMode", text("setting.asked"), asked),
        Field::number("askWithinMs", text("setting.within"), asking.within_ms),
        Field::number("asksAtOnce", text("setting.at-once"), Some(asking.at_once)),
        Field::number("standIn", text("setting.stand-in"), asking.stand_in),
        Field::words("setting.descriptionCodes", text("setting.codes"), codes),
        Field::typed("automaticBalance", text("setting.automatic"), currency).hinted("EUR"),
        Field::words("setting.userMayUnlock", text("setting.unlock"), unlock),
        Field::switch("stepUp", text("setting.step-up"), settings.step_up),
        Field::words("setting.sessionMode", text("setting.session"), session.mode),
        Field::number("sessionMinutes", text("setting.minutes"), Some(session.minutes)),
    ]
}

#[derive(Template)]
#[template(path = "new_partner.html")]
struct New {
    frame: Frame,
    fields: Vec<Field>,
}

/// `GET /panel/new-partner`.
pub(crate) async fn new(staff: Staff) -> Answer {
    let usual = Settings::default();
    let mut all = vec![
        Field::typed("code", text("partners.code"), "").hinted("acme"),
        Field::words("setting.balanceMode", text("setting.balance"), usual.balance_mode),
    ];
    all.extend(fields("", &usual));
    let frame = staff.frame();
    let typed = frame.typed(NEW, "", "");
    let fields = all.into_iter().map(|field| field.again(typed)).collect();
    shown(&New { frame, fields })
}

/// `POST /panel/new-partner`.
pub(crate) async fn create(State(panel): State<Panel>, staff: Staff, posted: Posted) -> Answer {
    let page = format!("/panel/partners/{}", posted.field("code"));
    let made = make(&panel, &staff, &posted).await;
    let done = (page.as_str(), Done("done.partner-made"));
    back_or_again((&staff, &posted), done, made, new).await
}

async fn make(panel: &Panel, staff: &Staff, posted: &Posted) -> Result<Value, Failed> {
    let code = posted.field("code").to_owned();
    let usual = Settings::default();
    let balance_mode = word(posted, "balanceMode")?.unwrap_or(usual.balance_mode);
    let set = set(posted)?;
    let name = set.name.clone().unwrap_or_else(|| code.clone());
    let settings = set.applied_to(Settings { balance_mode, ..usual });
    let command = Create { code, name, settings };
    let once = posted.once_kept(|_: &Partner| Value::Null);
    Ok(panel.app.create_partner_once(Manager::of(&staff.session), command, once).await?)
}

#[derive(Template)]
#[template(path = "partner.html")]
struct Page {
    frame: Frame,
    partner: Partner,
    called: Called,
    fields: Vec<Field>,
    encrypt: Field,
}

impl Page {
    fn is_live(&self) -> bool {
        self.partner.state == PartnerState::Live
    }

    fn base_url(&self) -> &str {
        self.called.base_url.as_deref().unwrap_or_default()
    }

    /// Whom its server is trusted by, in words.
    fn authority(&self) -> String {
        match (self.called.authority(), &self.called.trusted_ca) {
            (Some((name, until)), _) => {
                let until = filters::moment_in(until, &TimeZone::UTC);
                format!("{name}, {} {until}", text("partner.authority.until"))
            }
            (None, Some(_)) => text("partner.authority.unnamed"),
            (None, None) => "–".to_owned(),
        }
    }

    /// What it may be told of, and whether it is.
    fn events(&self) -> impl Iterator<Item = (&'static str, bool)> {
        let told = |event: &Event| (event.as_str(), self.called.notifications.contains(event));
        Event::NOTIFICATIONS.iter().map(told)
    }
}

/// `GET /panel/partners/{code}`.
pub(crate) async fn show(
    State(panel): State<Panel>,
    staff: Staff,
    Path(code): Path<String>,
) -> Answer {
    let settings = panel.app.settings.get();
    let partner = settings.partner_of_code(&code).ok_or(Failed::NotFound)?.clone();
    let called = Called::of(&settings, partner.id);
    let frame = staff.frame();
    let typed = frame.typed("/set", "", "");
    let fields = fields(&partner.name, &partner.settings).into_iter();
    let fields = fields.map(|field| field.again(typed)).collect();
    let label = text("setting.encrypt");
    let encrypt = Field::switch("encryptNotifications", label, called.encrypt);
    shown(&Page { frame, partner, called, fields, encrypt })
}

/// `POST /panel/partners/{code}/set`.
pub(crate) async fn change(
    panel: State<Panel>,
    staff: Staff,
    code: Path<String>,
    posted: Posted,
) -> Answer {
    let set = set(&posted).map(|set| Change { partner: set, ..Change::default() });
    changed(panel, staff, (code, posted), (set, Done("done.partner-set"))).await
}

/// `POST /panel/partners/{code}/notifications`: what it is told of.
pub(crate) async fn change_notifications(
    panel: State<Panel>,
    staff: Staff,
    code: Path<String>,
    posted: Posted,
) -> Answer {
    let settings = panel.app.settings.get();
    let partner = settings.partner_of_code(&code.0).ok_or(Failed::NotFound)?;
    let called = Called::of(&settings, partner.id);
    // What nobody touched stays as it is by now.
    let is_on = |name: String| posted.field(&name) == "on";
    let (ticked, was) =
        (|it: &Event| is_on(format!("event.{it}")), |it: &Event| is_on(format!("was.event.{it}")));
    let touched = Event::NOTIFICATIONS.iter().any(|it| ticked(it) != was(it));
    let kept = |it: &Event| called.notifications.contains(it);
    let told = |it: &Event| if ticked(it) == was(it) { kept(it) } else { ticked(it) };
    let events = Event::NOTIFICATIONS.iter().copied().filter(told).collect();
    let outbound = SetOutbound {
        notifications: touched.then_some(events),
        encrypt: switch(&posted, "encryptNotifications")?,
        ..SetOutbound::default()
    };
    let change = Change { outbound, ..Change::default() };
    changed(panel, staff, (code, posted), (Ok(change), Done("done.partner-set"))).await
}

/// `POST /panel/partners/{code}/calls`: where it is called, and whom its server is trusted by.
pub(crate) async fn change_calls(
    panel: State<Panel>,
    staff: Staff,
    code: Path<String>,
    posted: Posted,
) -> Answer {
    let outbound = SetOutbound {
        base_url: touched(&posted, "baseUrl").map(str::to_owned),
        trusted_ca: posted.typed("trustedCa").map(str::to_owned),
        ..SetOutbound::default()
    };
    let change = Change { outbound, ..Change::default() };
    changed(panel, staff, (code, posted), (Ok(change), Done("done.partner-set"))).await
}

/// `POST /panel/partners/{code}/close`: its certificates, accounts and sessions open nothing.
pub(crate) async fn close(
    panel: State<Panel>,
    staff: Staff,
    code: Path<String>,
    posted: Posted,
) -> Answer {
    let change = of_state(PartnerState::Closed);
    changed(panel, staff, (code, posted), (Ok(change), Done("done.partner-closed"))).await
}

/// `POST /panel/partners/{code}/open`.
pub(crate) async fn open(
    panel: State<Panel>,
    staff: Staff,
    code: Path<String>,
    posted: Posted,
) -> Answer {
    let change = of_state(PartnerState::Live);
    changed(panel, staff, (code, posted), (Ok(change), Done("done.partner-open"))).await
}

fn of_state(state: PartnerState) -> Change {
    Change { partner: Set { state: Some(state), ..Set::default() }, ..Change::default() }
}

async fn changed(
    State(panel): State<Panel>,
    staff: Staff,
    (Path(code), posted): (Path<String>, Posted),
    (change, done): (Result<Change, Failed>, Done),
) -> Answer {
    let made = async {
        let by = (Manager::of(&staff.session), confirmation(&panel, &posted));
        Ok(panel.app.change_partner_once(by, &code, change?, posted.once()).await?)
    };
    let (made, page) = (made.await, format!("/panel/partners/{code}"));
    let again = |staff| show(State(panel), staff, Path(code));
    back_or_again((&staff, &posted), (&page, done), made, again).await
}

/// What a form changes.
fn set(posted: &Posted) -> Result<Set, Failed> {
    let currency = |text: &str| match text {
        "" => Ok(None),
        code => Currency::parse(code).map(Some).map_err(|_| Failed::Unreadable),
    };
    Ok(Set {
        name: touched(posted, "name").map(str::to_owned),
        state: None,
        kyc_mode: word(posted, "kycMode")?,
        kyb_by: word(posted, "kybBy")?,
        authorization_mode: word(posted, "authorizationMode")?,
        ask_within_ms: number_or_none(posted, "askWithinMs")?,
        asks_at_once: number(posted, "asksAtOnce")?,
        stand_in: number_or_none(posted, "standIn")?,
        collateral_mode: word(posted, "collateralMode")?,
        own_bin: switch(posted, "ownBin")?,
        description_codes: word(posted, "descriptionCodes")?,
        time_zone: touched(posted, "timeZone").map(str::to_owned),
        step_up: switch(posted, "stepUp")?,
        user_may_unlock: word(posted, "userMayUnlock")?,
        session_mode: word(posted, "sessionMode")?,
        session_minutes: number(posted, "sessionMinutes")?,
        automatic_balance: touched(posted, "automaticBalance").map(currency).transpose()?,
    })
}
