//! The routes under `/admin`, by who may call them.

use super::finished;
use crate::admins::{accounts, own as own_secrets};
use crate::identity::{self, Allows, Caller};
use crate::limits::Body;
use crate::openapi::Channel;
use crate::programs::processors;
use crate::public_key;
use crate::routes::{Routes, delete, get, post, put};
use crate::{
    Api, admins, audit, balances, cards, certificates, corporations, devices, exports,
    notifications, overview, partner_balances, partners, programs, screening, statements,
    transactions, users, verifications,
};
use axum::Router;
use axum::middleware::from_fn_with_state;

/// Signing in.
fn signing_in() -> Routes {
    Routes::of(Channel::Admin).route("/admin/sessions", post(admins::sign_in()))
}

/// Those that are about nobody's users.
fn own() -> Routes {
    Routes::of(Channel::Admin)
        .route("/admin/sessions/current", delete(admins::sign_out()))
        .route("/admin/me/authenticator", post(own_secrets::offer()))
        .route("/admin/me/secrets", put(own_secrets::renew()))
        .route("/admin/public-key", get(public_key::show()))
}

/// Those about users' cards: no answer has a number or a code.
fn of_cards() -> Routes {
    Routes::of(Channel::Admin)
        .route("/admin/customers/{customerId}/cards", get(cards::list()))
        .route("/admin/customers/{customerId}/cards/physical", post(cards::order_physical()))
        .route("/admin/customers/{customerId}/cards/orders", get(cards::orders()))
        .route("/admin/customers/{customerId}/cards/orders/{orderId}", get(cards::order()))
        .route("/admin/customers/{customerId}/cards/{cardId}/limits", get(cards::limits()))
        .route("/admin/corporations/{dcCorporationId}/cards", get(cards::list_of_corporation()))
        .route("/admin/cards/{cardId}", get(cards::show_unseen()).delete(cards::remove()))
        .route("/admin/cards/{cardId}/limits", get(cards::limits()))
        .route("/admin/cards/{cardId}/lock", post(cards::lock()))
        .route("/admin/cards/{cardId}/unlock", post(cards::unlock()))
        .route("/admin/cards/{cardId}/activate", post(cards::activate()))
        .route("/admin/cards/{cardId}/print", post(cards::print()))
        .route("/admin/cards/{cardId}/cvv", post(cards::reset_cvv_unseen()))
}

/// Those about users and corporations, what they may do and by which devices.
fn of_people() -> Routes {
    Routes::of(Channel::Admin)
        .route("/admin/customers", get(users::search()))
        .route("/admin/reports/inactive-users", get(users::inactive()))
        .route("/admin/reports/card-use", get(cards::first_use()))
        .route("/admin/customers/{customerId}", get(users::known()))
        .route("/admin/customers/{customerId}/lock", post(users::lock()))
        .route("/admin/customers/{customerId}/unlock", post(users::unlock()))
        .route("/admin/customers/{customerId}/limits", get(users::limits()))
        .route(
            "/admin/customers/{customerId}/transactional-locks",
            get(users::transactional_locks()),
        )
        .route("/admin/customers/{customerId}/devices", get(devices::list()))
        .route("/admin/customers/{customerId}/devices/{installationId}", delete(devices::end()))
        .route("/admin/corporations/{dcCorporationId}/limits", get(users::limits()))
        .route(
            "/admin/corporations/{dcCorporationId}/transactional-locks",
            get(users::transactional_locks()),
        )
}

/// Those about balances and what happened to them.
fn of_money() -> Routes {
    Routes::of(Channel::Admin)
        .route("/admin/customers/{customerId}/balances", get(balances::list()))
        .route("/admin/overview", get(overview::show()))
        .route("/admin/balances", get(balances::look()))
        .route("/admin/balances/summary", get(balances::summary()))
        .route("/admin/balances/{balanceId}", get(balances::find()))
        .route("/admin/balances/{balanceId}/lock", post(balances::lock()))
        .route("/admin/balances/{balanceId}/unlock", post(balances::unlock()))
        .route("/admin/balances/{balanceId}/transactions", get(transactions::list_of_balance()))
        .route("/admin/balances/{balanceId}/statement", get(statements::show()))
        .route("/admin/transactions", get(transactions::look()))
        .route("/admin/transactions/{transactionId}", get(transactions::life()))
        .route("/admin/exports", get(exports::list()).post(exports::ask()))
        .route("/admin/exports/{exportId}", get(exports::show()).delete(exports::remove()))
        .route("/admin/exports/{exportId}/file", get(exports::file()))
        .route("/admin/partner-balances", get(partner_balances::list()))
        .route("/admin/partner-balances/{balanceId}", get(partner_balances::find()))
}

/// Those about what a partner was told.
fn of_notifications() -> Routes {
    Routes::of(Channel::Admin)
        .route("/admin/notifications", get(notifications::list()))
        .route("/admin/notifications/resume", post(notifications::resume()))
        .route("/admin/notifications/{notificationId}", get(notifications::find()))
        .route("/admin/notifications/{notificationId}/resend", post(notifications::resend()))
}

/// Those that make what can be paid with, let it live on, or say how much of it.
fn makes() -> Routes {
    Routes::of(Channel::Admin)
        .route("/admin/customers/{customerId}/balances", post(balances::create()))
        .route(
            "/admin/corporations/{dcCorporationId}/balances",
            post(balances::create_of_corporation()),
        )
        .route("/admin/customers/{customerId}/cards/virtual", post(cards::issue_virtual_unseen()))
        .route("/admin/customers/{customerId}/cards/{cardId}/limits", put(cards::set_limits()))
        .route("/admin/cards/{cardId}/limits", put(cards::set_limits()))
        .route("/admin/cards/{cardId}/renew", post(cards::renew_unseen()))
        .route("/admin/cards/{cardId}/replace", post(cards::replace_unseen()))
        .route("/admin/customers/{customerId}/limits", put(users::set_limits()))
        .route("/admin/corporations/{dcCorporationId}/limits", put(users::set_limits()))
}

/// Those for who decides KYC: about its forms, and why no money may leave.
fn decides() -> Routes {
    Routes::of(Channel::Admin)
        .route("/admin/customers/{customerId}/verifications", get(verifications::list()))
        .route(
            "/admin/customers/{customerId}/transactional-locks",
            post(users::set_transactional_lock()),
        )
        .route(
            "/admin/customers/{customerId}/transactional-locks/{reason}",
            delete(users::take_off_transactional_lock()),
        )
        .route(
            "/admin/corporations/{dcCorporationId}/transactional-locks",
            post(users::set_transactional_lock()),
        )
        .route(
            "/admin/corporations/{dcCorporationId}/transactional-locks/{reason}",
            delete(users::take_off_transactional_lock()),
        )
        .route("/admin/verifications", get(verifications::queue()))
        .route("/admin/verifications/{verificationId}", get(verifications::show()))
        .route("/admin/verifications/{verificationId}/export", get(verifications::export()))
        .route(
            "/admin/verifications/{verificationId}/pictures/{picture}",
            get(verifications::picture()),
        )
        .route("/admin/verifications/{verificationId}/accept", post(verifications::accept()))
        .route("/admin/verifications/{verificationId}/reject", post(verifications::reject()))
        .route("/admin/screening/hits", get(screening::list()))
        .route("/admin/corporations", get(corporations::list()))
        .route("/admin/corporations/{dcCorporationId}", get(corporations::review()))
        .route(
            "/admin/corporations/{dcCorporationId}/documents/{documentId}",
            get(corporations::document()),
        )
        .route("/admin/corporations/{dcCorporationId}/kyb", post(corporations::decide()))
}

/// The one that tells who did what.
fn looks_back() -> Routes {
    Routes::of(Channel::Admin).route("/admin/audit", get(audit::list()))
}

/// Those of the operator's own.
fn operates() -> Routes {
    Routes::of(Channel::Admin)
        .route("/admin/screening/hits/{hitId}/decision", post(screening::decide()))
        .route("/admin/partner-balances", post(partner_balances::create_by_person()))
        .route(
            "/admin/partner-balances/{balanceId}/transactions",
            post(partner_balances::transfer_by_person()),
        )
}

/// Those about the accounts of who works with the panel.
fn manages() -> Routes {
    Routes::of(Channel::Admin)
        .route("/admin/accounts", get(accounts::list()).post(accounts::create()))
        .route("/admin/accounts/{accountId}", get(accounts::show()).put(accounts::change()))
        .route("/admin/accounts/{accountId}/reset", post(accounts::reset()))
        .route("/admin/accounts/{accountId}/sign-out", post(accounts::sign_out()))
}

/// Those of the operator's own about the platform: no partner is acted for.
fn sets_up() -> Routes {
    Routes::of(Channel::Admin)
        .route("/admin/platform/audit", get(audit::list_of_platform()))
        .route("/admin/partners", get(partners::list()).post(partners::create()))
        .route("/admin/certificates", get(certificates::list()).post(certificates::sign()))
        .route("/admin/certificates/{fingerprint}", get(certificates::show()))
        .route("/admin/certificates/{fingerprint}/revoke", post(certificates::revoke()))
        .route("/admin/partners/{issuerCode}", get(partners::show()).put(partners::change()))
        .route("/admin/programs", get(programs::list()).post(programs::create()))
        .route(
            "/admin/programs/{issuerCode}/{configId}",
            get(programs::show()).put(programs::change()),
        )
        .route("/admin/processors", get(processors::list()).post(processors::create()))
        .route("/admin/bureaus", get(processors::bureaus()))
}

/// Those that need a session, each with whom it admits.
fn admitted() -> [(Routes, Allows); 11] {
    [
        (own(), Allows::OWN),
        (of_cards(), Allows::STAFF),
        (of_people(), Allows::STAFF),
        (of_money(), Allows::STAFF),
        (of_notifications(), Allows::STAFF),
        (makes(), Allows::MAKERS),
        (decides(), Allows::DECIDERS),
        (looks_back(), Allows::DECIDERS),
        (manages(), Allows::MANAGERS),
        (operates(), Allows::OPERATORS),
        (sets_up(), Allows::PLATFORM),
    ]
}

/// All of them.
pub(super) fn routes() -> Vec<Routes> {
    let admitted = admitted().into_iter().map(|(routes, _)| routes);
    std::iter::once(signing_in()).chain(admitted).collect()
}

/// The same, to be served.
pub(super) fn mounted(api: &Api) -> Router<Api> {
    let signing_in = finished(&signing_in(), Body::Json, api);
    let visited = from_fn_with_state((api.clone(), Caller::Visitor), identity::stranger);
    admitted().into_iter().fold(signing_in.route_layer(visited), |all, (routes, allows)| {
        let layer = from_fn_with_state((api.clone(), allows), identity::admin);
        all.merge(finished(&routes, Body::Json, api).route_layer(layer))
    })
}
