//! The partner's own balances: what each has, when it is low, and, by the operator, what comes to
//! it and leaves it.

use crate::Panel;
use crate::answer::{Answer, Done, Failed, back, show as shown, unsure};
use crate::filters::{self, amount, typed_amount};
use crate::form::Posted;
use crate::frame::Frame;
use crate::session::{Allows, Staff};
use crate::{balances, transactions};
use app::Error;
use app::balances::{PartnerBalance, Right, Transfer};
use app::transactions::{History, Record};
use askama::Template;
use axum::extract::{Path, State};
use domain::Date;
use domain::balance::PartnerBalanceKind;
use domain::masking::mask;
use domain::money::Amount;
use domain::transaction::TransactionType;
use jiff::tz::TimeZone;

/// The latest transactions that a page shows.
const LATEST: i64 = 10;
/// Characters of what a movement is for at most.
const TEXT_MAX: usize = 200;

type Own = (PartnerBalance, Option<Amount>);

#[derive(Template)]
#[template(path = "own_balances.html")]
struct List {
    frame: Frame,
    at: String,
    own: Vec<Own>,
}

/// Whether there is less than there should be.
fn is_low((own, threshold): &Own) -> bool {
    threshold.is_some_and(|threshold| own.balance.available() < threshold.minor())
}

/// The amount below which it is low.
fn threshold((own, threshold): &Own) -> String {
    threshold.map_or_else(String::new, |it| amount(it.minor(), own.balance.currency))
}

/// `GET …/partner-balances`: by kind and currency.
pub(crate) async fn list(State(panel): State<Panel>, staff: Staff) -> Answer {
    let own = panel.app.own_balances(staff.scope()?).await?;
    shown(&List { frame: staff.frame(), at: staff.to(""), own })
}

#[derive(Template)]
#[template(path = "own_balance.html")]
struct Page {
    frame: Frame,
    at: String,
    zone: TimeZone,
    today: Date,
    own: Own,
    latest: Vec<Record>,
    may_move: bool,
}

impl Page {
    fn first_day(&self) -> Date {
        self.today.first_of_month()
    }
}

/// `GET …/partner-balances/{balance}`.
pub(crate) async fn show(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, balance)): Path<(String, String)>,
) -> Answer {
    let (scope, id) = (staff.scope()?, balances::named(&balance)?);
    let app = &panel.app;
    let found = app.partner_balance(scope, id).await?;
    let all = app.own_balances(scope).await?.into_iter();
    let threshold = all.filter(|(own, _)| own.balance.id == id).find_map(|(_, at)| at);
    let history = History { balance: Some(id), ..History::default() };
    shown(&Page {
        frame: staff.frame(),
        at: staff.to(""),
        zone: staff.zone(),
        today: app.settings.get().today(scope.partner(), app.now()),
        own: (found, threshold),
        latest: app.history(scope, history, None, LATEST).await?.items,
        may_move: staff.may(Allows::OPERATORS),
    })
}

/// Which way the operator moves money.
#[derive(Clone, Copy)]
enum Way {
    In,
    Out,
}

impl Way {
    fn kind(self, of: PartnerBalanceKind) -> TransactionType {
        use PartnerBalanceKind as K;
        use TransactionType as T;
        match (of, self) {
            (K::Company, Self::In) => T::CompanyCredit,
            (K::Company, Self::Out) => T::CompanyDebit,
            (K::Credit | K::Deposit, Self::In) => T::CollateralCredit,
            (K::Credit | K::Deposit, Self::Out) => T::CollateralDebit,
            (K::IbanTechnical, Self::In) => T::IbanTechnicalCredit,
            (K::IbanTechnical, Self::Out) => T::IbanTechnicalDebit,
        }
    }
}

/// `POST …/partner-balances/{balance}/reload`.
pub(crate) async fn reload(
    panel: State<Panel>,
    staff: Staff,
    balance: Path<(String, String)>,
    posted: Posted,
) -> Answer {
    moved(panel, staff, balance, posted, (Way::In, Done("done.reloaded"))).await
}

/// `POST …/partner-balances/{balance}/withdraw`.
pub(crate) async fn withdraw(
    panel: State<Panel>,
    staff: Staff,
    balance: Path<(String, String)>,
    posted: Posted,
) -> Answer {
    moved(panel, staff, balance, posted, (Way::Out, Done("done.withdrawn"))).await
}

async fn moved(
    State(panel): State<Panel>,
    staff: Staff,
    Path((_, balance)): Path<(String, String)>,
    posted: Posted,
    (way, done): (Way, Done),
) -> Answer {
    let (scope, id) = (staff.scope()?, balances::named(&balance)?);
    let own = panel.app.partner_balance(scope, id).await?;
    let asked = asked(&own, way, &posted)?;
    let page = staff.to(&format!("/partner-balances/{}", id.0));
    match panel.app.transfer(scope, asked).await {
        Err(Error::Unavailable(..)) => unsure(&staff, &page),
        moved => back(&staff, &page, done, moved),
    }
}

/// What a form asks to be moved. It is named by the form, so that it is moved once for ever.
fn asked(own: &PartnerBalance, way: Way, posted: &Posted) -> Result<Transfer, Failed> {
    let kind = way.kind(own.kind);
    let currency = own.balance.currency;
    let minor = typed_amount(posted.field("amount"), currency).filter(|it| !it.is_zero());
    let text = posted.typed("text").filter(|text| text.chars().count() <= TEXT_MAX);
    let text = text.filter(|text| !text.chars().any(char::is_control));
    let once = posted.once::<()>();
    let form = once.key.clone().ok_or(Failed::Unreadable)?;
    Ok(Transfer {
        balance: own.balance.id,
        kind,
        amount: minor.ok_or(Failed::Unreadable)?.minor(),
        currency,
        text: mask(text.ok_or(Failed::Unreadable)?),
        external_id: format!("panel-{form}"),
        reference_id: None,
        key: once.key,
        endpoint: Some(once.endpoint),
        fingerprint: once.fingerprint,
        origin: once.origin,
        right: Right::needed_for(kind).ok_or(Failed::Broken)?,
    })
}
