//! Cards: shown without number or code, made, ordered, locked, activated, removed.

use crate::Panel;
use crate::answer::{Answer, Done, Failed, back, back_or_again, show as shown};
use crate::filters;
use crate::form::Posted;
use crate::frame::Frame;
use crate::session::{Allows, Staff};
use crate::users;
use app::cards::{Carrier, Evidence, IssueVirtual, More, OrderPhysical, Replace, Replaced};
use app::{Error, Refusal};
use askama::Template;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use domain::card::Card;
use domain::card::embossing::CardholderLine;
use domain::card::lifecycle::{CardStatus, LockReason, Locker, ReplacementReason};
use domain::card::order::{CardOrder, Delivery};
use domain::ids::{BalanceId, CardId, UserId};
use domain::masking::mask;
use domain::program::CardType;
use domain::scope::Scope;
use domain::user::{Address, Country};
use domain::{Date, Timestamp};
use jiff::tz::TimeZone;
use serde_json::Value;
use uuid::Uuid;

#[derive(Template)]
#[template(path = "card.html")]
struct Page {
    frame: Frame,
    at: String,
    zone: TimeZone,
    card: Card,
    holder: String,
    state: &'static str,
    orders: Vec<(CardOrder, Timestamp)>,
    today: Date,
    may_print: bool,
    may_make: bool,
}

impl Page {
    fn lock(&self) -> Option<(LockReason, Timestamp, Option<Locker>)> {
        match self.card.status {
            CardStatus::Locked { reason, since, by, .. } => Some((reason, since, by)),
            CardStatus::Usable(_) | CardStatus::Removed { .. } => None,
        }
    }

    fn is_removed(&self) -> bool {
        matches!(self.card.status, CardStatus::Removed { .. })
    }

    /// The reasons that a person may lock it for: the others are the platform's own findings. One
    /// that stays for good may take the place of one that doesn't.
    fn reasons(&self) -> impl Iterator<Item = LockReason> {
        let own = |reason: &LockReason| {
            !matches!(
                reason,
                LockReason::PinTriesExceeded
                    | LockReason::OfflinePinAttemptsExceeded
                    | LockReason::CardReplaced
            )
        };
        let held = self.lock().map(|(reason, ..)| reason);
        let may = move |reason: &LockReason| match held {
            None => true,
            Some(held) => held.is_reversible() && !reason.is_reversible(),
        };
        LockReason::ALL.iter().copied().filter(own).filter(may)
    }

    fn is_plastic(&self) -> bool {
        self.card.card_type == CardType::Physical
    }

    /// Whether its code can be another: what is printed on plastic can't.
    fn may_have_code(&self) -> bool {
        self.card.clone().reset_code(0, self.today).is_ok()
    }

    /// Whether it may live on, as far as it knows.
    fn may_be_renewed(&self) -> bool {
        self.may_make && self.card.may_be_renewed(Date::MAX, self.today).is_ok()
    }

    fn may_be_replaced(&self) -> bool {
        self.may_make && self.card.clone().replace(Locker::Partner, Timestamp::MAX).is_ok()
    }

    /// Why another may take its place. Damaged plastic of a virtual card is printed again.
    fn replacements(&self) -> impl Iterator<Item = ReplacementReason> {
        let plastic = self.is_plastic();
        let fits = move |it: &ReplacementReason| plastic || *it != ReplacementReason::Damaged;
        ReplacementReason::ALL.iter().copied().filter(fits)
    }

    fn may_be_locked(&self) -> bool {
        self.reasons().next().is_some()
    }
}

pub(crate) fn card_id(text: &str) -> Result<CardId, Failed> {
    users::named(text).map(|UserId(id)| CardId(id))
}

/// `GET …/cards/{card}`.
pub(crate) async fn show(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, card)): Path<(String, String)>,
) -> Answer {
    let (scope, id) = (staff.scope()?, card_id(&card)?);
    let app = &panel.app;
    let (card, orders) = app.card_with_orders(scope, id).await?;
    let holder = match app.user(scope, card.holder).await {
        Ok(user) => format!("{} {}", user.profile.first_name, user.profile.last_name),
        Err(Error::Refused(_)) => String::new(),
        Err(error) => return Err(error.into()),
    };
    let settings = app.settings.get();
    let today = settings.today(scope.partner(), app.now());
    let program = settings.program(scope.partner(), &card.config_id);
    shown(&Page {
        frame: staff.frame(),
        at: staff.to(""),
        zone: staff.zone(),
        state: card.state_on(today),
        today,
        may_make: staff.may(Allows::MAKERS),
        may_print: program.is_some_and(|it| it.digital_first && it.plastic.is_some()),
        card,
        holder,
        orders,
    })
}

pub(crate) fn page_of(staff: &Staff, id: CardId) -> String {
    staff.to(&format!("/cards/{}", id.0))
}

/// A card of the path, with who holds it.
pub(crate) async fn held(
    panel: &Panel,
    staff: &Staff,
    card: &str,
) -> Result<(UserId, CardId), Failed> {
    let id = card_id(card)?;
    Ok((panel.app.holder_of(staff.scope()?, id).await?, id))
}

/// A form about the card of the path.
pub(crate) struct OfCard {
    panel: Panel,
    staff: Staff,
    scope: Scope,
    /// With who holds it.
    card: (UserId, CardId),
    posted: Posted,
}

impl FromRequestParts<Panel> for OfCard {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, panel: &Panel) -> Result<Self, Failed> {
        let staff = Staff::from_request_parts(parts, panel).await?;
        let posted = Posted::from_request_parts(parts, panel).await?;
        let path = Path::<(String, String)>::from_request_parts(parts, panel).await;
        let Path((_, card)) = path.map_err(|_| Failed::NotFound)?;
        let (scope, card) = (staff.scope()?, held(panel, &staff, &card).await?);
        Ok(Self { panel: panel.clone(), staff, scope, card, posted })
    }
}

impl OfCard {
    /// Back to the card, with what came of the act.
    fn back<T>(&self, done: &'static str, result: Result<T, Error>) -> Answer {
        back(&self.staff, &page_of(&self.staff, self.card.1), Done(done), result)
    }

    /// The same of a form that takes long to fill in.
    async fn back_or_again<T>(&self, done: &'static str, result: Result<T, Failed>) -> Answer {
        let (path, form) = (page_of(&self.staff, self.card.1), (&self.staff, &self.posted));
        let names = (String::new(), self.card.1.0.to_string());
        let page = |staff| show(State(self.panel.clone()), staff, Path(names));
        back_or_again(form, (&path, Done(done)), result, page).await
    }

    /// Where the plastic goes of a card that is on it.
    async fn carrier(&self) -> Result<Option<Carrier>, Failed> {
        let (card, _) = self.panel.app.card_with_orders(self.scope, self.card.1).await?;
        match card.card_type {
            CardType::Virtual => Ok(None),
            CardType::Physical => carrier(&self.posted).map(Some),
        }
    }
}

/// `POST …/cards/{card}/lock`.
pub(crate) async fn lock(form: OfCard) -> Answer {
    let OfCard { panel, scope, card, posted, .. } = &form;
    let reason = LockReason::parse(posted.field("reason")).ok_or(Failed::Unreadable)?;
    let lock = (reason, Locker::Partner);
    let result = panel.app.lock_card(*scope, *card, lock, posted.once()).await;
    form.back("done.card-locked", result)
}

/// `POST …/cards/{card}/unlock`.
pub(crate) async fn unlock(form: OfCard) -> Answer {
    let OfCard { panel, scope, card, posted, .. } = &form;
    let result = panel.app.unlock_card(*scope, *card, Locker::Partner, posted.once()).await;
    form.back("done.card-unlocked", result)
}

/// `POST …/cards/{card}/remove`.
pub(crate) async fn remove(form: OfCard) -> Answer {
    let OfCard { panel, scope, card, posted, .. } = &form;
    let result = panel.app.remove_card(*scope, card.0, card.1, posted.once()).await;
    form.back("done.card-removed", result)
}

/// `POST …/cards/{card}/code`: another code, which is shown to nobody here.
pub(crate) async fn reset_code(form: OfCard) -> Answer {
    let OfCard { panel, scope, card, posted, .. } = &form;
    let result = panel.app.reset_cvv(*scope, *card, posted.once()).await;
    form.back("done.code-reset", result)
}

/// `POST …/cards/{card}/activate`.
pub(crate) async fn activate(form: OfCard) -> Answer {
    let OfCard { panel, scope, card, posted, .. } = &form;
    let month = posted.field("expiry");
    let expiry = Some(month).filter(|month| month.len() == 7);
    let expiry = expiry.and_then(|month| format!("{month}-01").parse::<Date>().ok());
    let expiry = expiry.ok_or(Failed::from(Refusal::ActivationDataWrong))?;
    let evidence =
        Evidence { last_four: posted.field("lastFour").to_owned(), more: More::Expiry(expiry) };
    let result = panel.app.activate_card(*scope, *card, evidence, posted.once()).await;
    form.back("done.card-activated", result)
}

/// `POST …/cards/{card}/print`: the plastic of a card that works.
pub(crate) async fn print(form: OfCard) -> Answer {
    let OfCard { panel, scope, card, posted, .. } = &form;
    let made = async {
        let carrier = carrier(posted)?;
        Ok::<_, Failed>(panel.app.print_card(*scope, *card, carrier, posted.once()).await?)
    };
    form.back_or_again("done.card-ordered", made.await).await
}

/// `POST …/cards/{card}/renew`: the same number, another last day.
pub(crate) async fn renew(form: OfCard) -> Answer {
    let OfCard { panel, scope, card, posted, .. } = &form;
    let carrier = match form.carrier().await {
        Ok(carrier) => carrier,
        Err(failed) => return form.back_or_again::<()>("done.card-ordered", Err(failed)).await,
    };
    let done = if carrier.is_some() { "done.card-ordered" } else { "done.card-renewed" };
    let result = panel.app.renew_card(*scope, *card, carrier, posted.once()).await;
    form.back_or_again(done, result.map_err(Failed::from)).await
}

/// `POST …/cards/{card}/replace`: leads to the card that takes its place; where that is still to be
/// made, back to the one before.
pub(crate) async fn replace(form: OfCard) -> Answer {
    let OfCard { panel, scope, card, posted, .. } = &form;
    let reason = ReplacementReason::parse(posted.field("reason")).ok_or(Failed::Unreadable)?;
    let carrier = match form.carrier().await {
        Ok(carrier) => carrier,
        Err(failed) => return form.back_or_again::<()>("done.card-ordered", Err(failed)).await,
    };
    let is_ordered = carrier.is_some();
    let command = Replace { card: *card, reason, by: Locker::Partner, carrier };
    let once = posted.once_kept(|made: &Replaced| made.card.0.into());
    let result = panel.app.replace_card(*scope, command, once).await;
    if is_ordered {
        return form.back_or_again("done.card-ordered", result.map_err(Failed::from)).await;
    }
    let made = result.as_ref().ok().and_then(Value::as_i64).map_or(card.1, CardId);
    back(&form.staff, &page_of(&form.staff, made), Done("done.card-replaced"), result)
}

/// `POST …/users/{user}/cards`: a virtual card.
pub(crate) async fn issue(
    State(panel): State<Panel>,
    staff: Staff,
    Path(names): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let (scope, holder) = (staff.scope()?, users::named(&names.1)?);
    let made = async {
        let command = new_card(&posted, holder)?;
        let once = posted.once_kept(|_| Value::Null);
        Ok(panel.app.issue_virtual_card(scope, command, once).await?)
    };
    let (made, page) = (made.await, staff.to(&format!("/users/{}", holder.0)));
    let again = |staff| users::show(State(panel), staff, Path(names));
    back_or_again((&staff, &posted), (&page, Done("done.card-issued")), made, again).await
}

/// `POST …/users/{user}/cards/order`: a card on plastic.
pub(crate) async fn order(
    State(panel): State<Panel>,
    staff: Staff,
    Path(names): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let (scope, holder) = (staff.scope()?, users::named(&names.1)?);
    let made = async {
        let line = posted.typed("embossedName").map(CardholderLine::of).transpose();
        let line = line.map_err(|_| Refusal::NameNotEmbossable)?;
        let card = new_card(&posted, holder)?;
        let command = OrderPhysical { card, carrier: carrier(&posted)?, line, pin: None };
        Ok(panel.app.order_physical_card(scope, command, posted.once()).await?)
    };
    let (made, page) = (made.await, staff.to(&format!("/users/{}", holder.0)));
    let again = |staff| users::show(State(panel), staff, Path(names));
    back_or_again((&staff, &posted), (&page, Done("done.card-ordered")), made, again).await
}

/// Characters of a label at most.
const LABEL_MAX: usize = 100;

/// A card of a holder's own, as a form asks for it.
pub(crate) fn new_card(posted: &Posted, holder: UserId) -> Result<IssueVirtual, Failed> {
    let balance = Uuid::try_parse(posted.field("balance")).map_err(|_| Failed::Unreadable)?;
    let label = posted.typed("label").map(mask);
    if label.as_ref().is_some_and(|it| it.chars().count() > LABEL_MAX || it.contains('\0')) {
        return Err(Failed::Unreadable);
    }
    Ok(IssueVirtual {
        holder,
        corporation: None,
        balance: BalanceId(balance),
        config_id: posted.field("program").to_owned(),
        label,
    })
}

/// Where plastic is sent, as a form says it.
fn carrier(posted: &Posted) -> Result<Carrier, Failed> {
    let field = |name: &str, most: usize| {
        let text = posted.typed(name).filter(|text| text.chars().count() <= most);
        text.filter(|text| !text.chars().any(char::is_control)).map(str::to_owned)
    };
    let country = Country::parse(&posted.field("country").to_ascii_uppercase());
    let address = Address {
        street: field("street", 100).ok_or(Failed::Unreadable)?,
        number: field("number", 20).ok_or(Failed::Unreadable)?,
        apartment: field("apartment", 20),
        city: field("city", 100).ok_or(Failed::Unreadable)?,
        post_code: field("postCode", 20).ok_or(Failed::Unreadable)?,
        country: country.ok_or(Failed::Unreadable)?,
    };
    let delivery = Delivery::parse(posted.field("delivery")).ok_or(Failed::Unreadable)?;
    Ok(Carrier { address, delivery })
}
