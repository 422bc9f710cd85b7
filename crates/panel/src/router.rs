//! Every page, on one screen.

use crate::answer::{Failed, see};
use crate::session::{Allows, RENEWING, Staff, admitted};
use crate::{
    Panel, Parts, account, accounts, assets, audit, balances, cards, certificates, corporations,
    exports, limits, notifications, overview, own, partners, programs, reports, screening, sign_in,
    transactions, users, verifications,
};
use app::certificates::Authority;
use app::{App, Clock};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use std::sync::Arc;

/// The panel's routes, to be mounted beside the channels.
pub struct Pages {
    /// Signing in: counted for each address.
    pub strangers: Router,
    /// All others.
    pub others: Router,
}

/// Who has an account.
fn all() -> Router<Panel> {
    Router::new()
        .route("/panel", get(home))
        .route("/panel/sign-out", post(sign_in::sign_out))
        .route("/panel/account", get(account::show))
        .route("/panel/account/password", post(account::set_password))
        .route(
            "/panel/account/authenticator",
            get(account::authenticator).post(account::set_authenticator),
        )
        .route(RENEWING, get(account::secrets).post(account::set_secrets))
        .route("/panel/account/sign-out", post(sign_in::sign_out_everywhere))
        .route("/panel/of/{partner}", get(overview::show))
        .route("/panel/of/{partner}/transactions", get(transactions::list))
        .route("/panel/of/{partner}/transactions/live", get(transactions::live))
        .route("/panel/of/{partner}/transactions/{transaction}", get(transactions::show))
        .route("/panel/of/{partner}/notifications", get(notifications::list))
        .route("/panel/of/{partner}/notifications/resend", post(notifications::resend_failed))
        .route("/panel/of/{partner}/notifications/resume", post(notifications::resume))
        .route("/panel/of/{partner}/notifications/{notification}", get(notifications::show))
        .route(
            "/panel/of/{partner}/notifications/{notification}/resend",
            post(notifications::resend),
        )
        .route("/panel/of/{partner}/partner-calls", get(notifications::calls))
        .route("/panel/of/{partner}/partner-calls/resend", post(notifications::resend_parked))
        .route("/panel/of/{partner}/partner-calls/{call}", get(notifications::show_call))
        .route("/panel/of/{partner}/partner-calls/{call}/resend", post(notifications::resend_call))
        .route("/panel/of/{partner}/reports", get(reports::list))
        .route("/panel/of/{partner}/reports/card-use", get(reports::card_use))
        .route("/panel/of/{partner}/reports/inactive", get(reports::inactive))
        .route("/panel/of/{partner}/users", get(users::list))
        .route("/panel/of/{partner}/users/{user}", get(users::show))
        .route("/panel/of/{partner}/users/{user}/lock", post(users::lock))
        .route("/panel/of/{partner}/users/{user}/unlock", post(users::unlock))
        .route("/panel/of/{partner}/users/{user}/limits", get(limits::show_of_user))
        .route("/panel/of/{partner}/cards/{card}", get(cards::show))
        .route("/panel/of/{partner}/cards/{card}/limits", get(limits::show))
        .route("/panel/of/{partner}/cards/{card}/lock", post(cards::lock))
        .route("/panel/of/{partner}/cards/{card}/unlock", post(cards::unlock))
        .route("/panel/of/{partner}/cards/{card}/remove", post(cards::remove))
        .route("/panel/of/{partner}/cards/{card}/activate", post(cards::activate))
        .route("/panel/of/{partner}/cards/{card}/code", post(cards::reset_code))
        .route("/panel/of/{partner}/cards/{card}/print", post(cards::print))
        .route("/panel/of/{partner}/users/{user}/cards/order", post(cards::order))
}

/// About money, for who has an account.
fn of_money() -> Router<Panel> {
    Router::new()
        .route("/panel/of/{partner}/exports", get(exports::list))
        .route("/panel/of/{partner}/exports/live", get(exports::live))
        .route("/panel/of/{partner}/exports/new", post(exports::ask))
        .route("/panel/of/{partner}/exports/{export}", get(exports::show))
        .route("/panel/of/{partner}/exports/{export}/file", get(exports::file))
        .route("/panel/of/{partner}/exports/{export}/remove", post(exports::remove))
        .route("/panel/of/{partner}/balances", get(balances::list))
        .route("/panel/of/{partner}/balances/{balance}", get(balances::show))
        .route("/panel/of/{partner}/balances/{balance}/statement", get(balances::statement))
        .route("/panel/of/{partner}/balances/{balance}/lock", post(balances::lock))
        .route("/panel/of/{partner}/balances/{balance}/unlock", post(balances::unlock))
        .route("/panel/of/{partner}/partner-balances", get(own::list))
        .route("/panel/of/{partner}/partner-balances/{balance}", get(own::show))
}

/// Who makes balances and virtual cards.
fn makers() -> Router<Panel> {
    Router::new()
        .route("/panel/of/{partner}/users/{user}/balances", post(users::create_balance))
        .route("/panel/of/{partner}/users/{user}/cards", post(cards::issue))
        .route("/panel/of/{partner}/users/{user}/limits/change", post(limits::change_of_user))
        .route(
            "/panel/of/{partner}/corporations/{corporation}/balances",
            post(corporations::create_balance),
        )
        .route("/panel/of/{partner}/corporations/{corporation}/cards", post(corporations::issue))
        .route("/panel/of/{partner}/cards/{card}/limits/change", post(limits::change))
        .route("/panel/of/{partner}/cards/{card}/renew", post(cards::renew))
        .route("/panel/of/{partner}/cards/{card}/replace", post(cards::replace))
}

/// Who decides KYC.
fn deciders() -> Router<Panel> {
    Router::new()
        .route("/panel/of/{partner}/audit", get(audit::list))
        .route("/panel/of/{partner}/corporations", get(corporations::list))
        .route("/panel/of/{partner}/corporations/{corporation}", get(corporations::show))
        .route(
            "/panel/of/{partner}/corporations/{corporation}/documents/{document}",
            get(corporations::document),
        )
        .route("/panel/of/{partner}/corporations/{corporation}/kyb", post(corporations::decide))
        .route("/panel/of/{partner}/screening/hits", get(screening::list))
        .route("/panel/of/{partner}/verifications", get(verifications::queue))
        .route("/panel/of/{partner}/verifications/{form}", get(verifications::show))
        .route("/panel/of/{partner}/verifications/{form}/export", get(verifications::export))
        .route(
            "/panel/of/{partner}/verifications/{form}/pictures/{picture}",
            get(verifications::picture),
        )
        .route("/panel/of/{partner}/verifications/{form}/accept", post(verifications::accept))
        .route("/panel/of/{partner}/verifications/{form}/reject", post(verifications::reject))
        .route("/panel/of/{partner}/users/{user}/transactional-locks", post(users::set_reason))
}

/// Who manages the accounts of those who work for a partner.
fn managers() -> Router<Panel> {
    Router::new()
        .route("/panel/of/{partner}/accounts", get(accounts::list))
        .route("/panel/of/{partner}/accounts/new", post(accounts::create))
        .route("/panel/of/{partner}/accounts/{account}", get(accounts::show))
        .route("/panel/of/{partner}/accounts/{account}/role", post(accounts::set_role))
        .route("/panel/of/{partner}/accounts/{account}/disable", post(accounts::disable))
        .route("/panel/of/{partner}/accounts/{account}/enable", post(accounts::enable))
        .route("/panel/of/{partner}/accounts/{account}/reset", post(accounts::reset))
        .route("/panel/of/{partner}/accounts/{account}/sign-out", post(accounts::sign_out))
}

/// The operator's own.
fn operators() -> Router<Panel> {
    Router::new()
        .route("/panel/of/{partner}/screening/hits/{hit}/decision", post(screening::decide))
        .route("/panel/of/{partner}/partner-balances/{balance}/reload", post(own::reload))
        .route("/panel/of/{partner}/partner-balances/{balance}/withdraw", post(own::withdraw))
        .route("/panel/audit", get(audit::list))
        .route("/panel/certificates", get(certificates::list))
        .route("/panel/certificates/sign", post(certificates::sign))
        .route("/panel/certificates/{fingerprint}", get(certificates::show))
        .route("/panel/certificates/{fingerprint}/revoke", post(certificates::revoke))
        .route("/panel/partners", get(partners::list))
        .route("/panel/new-partner", get(partners::new).post(partners::create))
        .route("/panel/partners/{code}", get(partners::show))
        .route("/panel/partners/{code}/set", post(partners::change))
        .route("/panel/partners/{code}/notifications", post(partners::change_notifications))
        .route("/panel/partners/{code}/calls", post(partners::change_calls))
        .route("/panel/partners/{code}/close", post(partners::close))
        .route("/panel/partners/{code}/open", post(partners::open))
        .route("/panel/programs", get(programs::list))
        .route("/panel/new-program", get(programs::new).post(programs::create))
        .route("/panel/new-processor", post(programs::create_processor))
        .route("/panel/programs/{code}/{program}", get(programs::show))
        .route("/panel/programs/{code}/{program}/limits", post(programs::change_limits))
        .route("/panel/programs/{code}/{program}/bin", post(programs::add_bin))
        .route("/panel/programs/{code}/{program}/plastic", post(programs::set_plastic))
        .route("/panel/programs/{code}/{program}/close", post(programs::close))
        .route("/panel/programs/{code}/{program}/open", post(programs::open))
        .route("/panel/accounts", get(accounts::list))
        .route("/panel/accounts/new", post(accounts::create))
        .route("/panel/accounts/{account}", get(accounts::show))
        .route("/panel/accounts/{account}/role", post(accounts::set_role))
        .route("/panel/accounts/{account}/disable", post(accounts::disable))
        .route("/panel/accounts/{account}/enable", post(accounts::enable))
        .route("/panel/accounts/{account}/reset", post(accounts::reset))
        .route("/panel/accounts/{account}/sign-out", post(accounts::sign_out))
}

/// The panel's routes.
#[must_use]
pub fn pages(app: App, real_time: Clock, authority: Option<Arc<Authority>>) -> Pages {
    let panel = Panel(Arc::new(Parts { app, real_time, authority }));
    let admitted = |routes: Router<Panel>, allows: Allows| {
        routes.route_layer(from_fn_with_state((panel.clone(), allows), admitted))
    };
    let others = admitted(all().merge(of_money()), Allows::ALL)
        .merge(admitted(makers(), Allows::MAKERS))
        .merge(admitted(deciders(), Allows::DECIDERS))
        .merge(admitted(managers(), Allows::MANAGERS))
        .merge(admitted(operators(), Allows::OPERATORS))
        .route("/panel/sign-in", get(sign_in::show_form))
        .route("/panel/assets/{version}/{file}", get(assets::file))
        .route("/panel/{*rest}", get(async || Failed::NotFound));
    let strangers = Router::new().route("/panel/sign-in", post(sign_in::sign_in));
    Pages { strangers: strangers.with_state(panel.clone()), others: others.with_state(panel) }
}

/// `GET /panel`: where the work is.
async fn home(staff: Staff) -> Response {
    match staff.partner_if_any() {
        Some(_) => see(&staff.to("")),
        None => see("/panel/partners"),
    }
}
