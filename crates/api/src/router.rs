//! Every route, by channel.

mod admin;

use crate::encryption::{Decryption, PublicKeys};
use crate::identity::{Admits, Caller};
use crate::limits::{Body, Guard};
use crate::openapi::Channel;
use crate::problem::Problem;
use crate::routes::{Routes, delete, get, post, put};
use crate::{
    Api, Options, Pages, Parts, balances, cards, corporations, devices, documents, encryption,
    identity, layers, limits, notifications, partner_balances, partner_calls, processor,
    public_key, sandbox, sessions, statements, thc, transactions, users, verifications,
};
use app::App;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::routing;
use std::sync::Arc;

/// A body of JSON.
const BODY_MAX: usize = 1024 * 1024;
/// A form with pictures of 20 MiB, and what surrounds them.
const FORM_MAX: usize = 21 * 1024 * 1024;

/// The routes under `/lifecycle`.
fn lifecycle() -> Routes {
    Routes::of(Channel::Lifecycle)
        .route("/lifecycle/v1/wallet", post(users::register()))
        .route("/lifecycle/v1/import/{importKey}", get(users::import_progress()))
        .route("/lifecycle/v1/users", get(users::find_by()))
        .route(
            "/lifecycle/v1/users/{customerId}",
            get(users::find()).put(users::change()).delete(users::remove()),
        )
        .route("/lifecycle/v1/users/{customerId}/lock", post(users::lock()))
        .route("/lifecycle/v1/users/{customerId}/unlock", post(users::unlock()))
        .route("/lifecycle/v1/users/{customerId}/address", put(users::set_address()))
        .route("/lifecycle/v1/users/{customerId}/pairing", post(devices::offer()))
        .route("/lifecycle/v1/users/{customerId}/devices", get(devices::list()))
        .route("/lifecycle/v1/users/{customerId}/devices/{installationId}", delete(devices::end()))
        .route("/lifecycle/v1/users/{customerId}/cards", get(cards::list()))
        .route("/lifecycle/v1/users/{customerId}/cards/{cardId}", delete(cards::remove()))
        .route("/lifecycle/v1/corporations", post(corporations::register()))
        .route(
            "/lifecycle/v1/corporations/{dcCorporationId}",
            get(corporations::find()).put(corporations::change()).delete(corporations::remove()),
        )
        .route("/lifecycle/v1/public-key", get(public_key::show()))
}

/// The one under `/lifecycle` whose body is streamed.
fn imports() -> Routes {
    Routes::of(Channel::Lifecycle).route("/lifecycle/v1/import", post(users::import()))
}

/// The routes under `/secure` that take forms.
fn forms() -> Routes {
    Routes::of(Channel::Secure)
        .route("/secure/customers/{customerId}/verification", post(verifications::submit()))
        .route("/secure/customers/{customerId}/register", post(verifications::submit()))
        .route(
            "/secure/corporations/{dcCorporationId}/documents",
            post(corporations::submit_documents()),
        )
}

/// The other routes under `/secure`.
fn secure() -> Routes {
    Routes::of(Channel::Secure)
        .route("/secure/public-key", get(public_key::show()))
        .route(
            "/secure/customers/{customerId}/balances",
            get(balances::list()).post(balances::create()),
        )
        .route(
            "/secure/customers/{customerId}/balances/{balanceId}",
            get(balances::find()).delete(balances::remove()),
        )
        .route("/secure/customers/{customerId}/verifications", get(verifications::list()))
        .route("/secure/balances", post(balances::create_for()))
        .route("/secure/balances/{balanceId}", get(balances::find()).delete(balances::remove()))
        .route("/secure/balances/{balanceId}/lock", post(balances::lock()))
        .route("/secure/balances/{balanceId}/unlock", post(balances::unlock()))
        .route("/secure/balances/{balanceId}/transactions", get(transactions::list_of_balance()))
        .route("/secure/balances/{balanceId}/statement", get(statements::show()))
        .route("/secure/partner-balances", get(partner_balances::list()))
        .route("/secure/partner-balances/{balanceId}", get(partner_balances::find()))
        .route("/secure/transactions", get(transactions::list()))
        .route("/secure/transactions/{transactionId}", get(transactions::find()))
        .route("/secure/cards/virtual", post(cards::issue_virtual()))
        .route("/secure/customers/{customerId}/cards/virtual", post(cards::issue_virtual()))
        .route("/secure/customers/{customerId}/cards/virtual/async", post(cards::issue_later()))
        .route("/secure/cards/physical", post(cards::order_physical()))
        .route("/secure/cards/physical_with_pin", post(cards::order_physical_with_pin()))
        .route("/secure/customers/{customerId}/cards/physical", post(cards::order_physical()))
        .route(
            "/secure/customers/{customerId}/cards/physical_with_pin",
            post(cards::order_physical_with_pin()),
        )
        .route("/secure/customers/{customerId}/cards/orders/{orderId}", get(cards::order()))
        .route(
            "/secure/customers/{customerId}/cards/operations/{operationId}",
            get(cards::operation()),
        )
        .route("/secure/customers/{customerId}/cards", get(cards::list()))
        .route("/secure/customers/{customerId}/cards/{cardId}", get(cards::full_data()))
        .route(
            "/secure/customers/{customerId}/cards/{cardId}/limits",
            get(cards::limits()).put(cards::set_limits()),
        )
        .route(
            "/secure/customers/{customerId}/limits",
            get(users::limits()).put(users::set_limits()),
        )
        .route(
            "/secure/customers/{customerId}/transactional-locks",
            get(users::transactional_locks()).post(users::set_transactional_lock()),
        )
        .route(
            "/secure/customers/{customerId}/transactional-locks/{reason}",
            delete(users::take_off_transactional_lock()),
        )
        .route("/secure/customers/{customerId}/cards/{cardId}/lock", post(cards::lock()))
        .route("/secure/customers/{customerId}/cards/{cardId}/unlock", post(cards::unlock()))
        .route("/secure/customers/{customerId}/cards/{cardId}/activate", post(cards::activate()))
        .route("/secure/customers/{customerId}/cards/{cardId}/print", post(cards::print()))
        .route("/secure/customers/{customerId}/cards/{cardId}/renew", post(cards::renew()))
        .route("/secure/customers/{customerId}/cards/{cardId}/replace", post(cards::replace()))
}

/// The routes under `/secure` about corporations.
fn corporate() -> Routes {
    Routes::of(Channel::Secure)
        .route(
            "/secure/corporations/{dcCorporationId}/limits",
            get(users::limits()).put(users::set_limits()),
        )
        .route(
            "/secure/corporations/{dcCorporationId}/transactional-locks",
            get(users::transactional_locks()).post(users::set_transactional_lock()),
        )
        .route(
            "/secure/corporations/{dcCorporationId}/transactional-locks/{reason}",
            delete(users::take_off_transactional_lock()),
        )
}

/// The routes under `/secure` about what the partner is told.
fn told() -> Routes {
    Routes::of(Channel::Secure)
        .route("/secure/notifications", get(notifications::list()))
        .route("/secure/notifications/resend", post(notifications::resend_failed()))
        .route("/secure/notifications/resume", post(notifications::resume()))
        .route("/secure/notifications/example", post(notifications::example()))
        .route("/secure/notifications/{notificationId}", get(notifications::find()))
        .route("/secure/notifications/{notificationId}/resend", post(notifications::resend()))
        .route("/secure/partner-calls", get(partner_calls::list()))
        .route("/secure/partner-calls/resend", post(partner_calls::resend_failed()))
        .route("/secure/partner-calls/{callId}", get(partner_calls::find()))
        .route("/secure/partner-calls/{callId}/resend", post(partner_calls::resend()))
}

/// The routes under `/secure` by which money is moved from outside the network.
fn transfers() -> Routes {
    Routes::of(Channel::Secure)
        .route("/secure/balances/{balanceId}/transactions", post(balances::transfer()))
}

/// The routes under `/secure` of the operator's own systems.
fn loads() -> Routes {
    Routes::of(Channel::Secure).route(
        "/secure/partner-balances/{balanceId}/transactions",
        post(partner_balances::transfer()),
    )
}

/// The routes under `/secure` by which a partner makes balances of its own.
fn creation() -> Routes {
    Routes::of(Channel::Secure).route("/secure/partner-balances", post(partner_balances::create()))
}

/// The routes under `/thc`.
fn history() -> Routes {
    Routes::of(Channel::Thc)
        .route("/thc/transactions", get(thc::list()).post(thc::add()))
        .route("/thc/transactions/{recordId}", get(thc::find()).put(thc::note()))
}

/// The routes under `/processor`.
fn processor() -> Routes {
    Routes::of(Channel::Processor)
        .route("/processor/v1/authorizations", post(processor::authorize()))
        .route("/processor/v1/reversals", post(processor::reverse()))
        .route("/processor/v1/clearings", post(processor::clear()))
        .route("/processor/v1/cards/stop", post(processor::stop()))
        .route("/processor/v1/3ds/otp", post(processor::otp()))
}

/// The routes under `/customers` of apps that have no session yet.
fn beginnings() -> Routes {
    Routes::of(Channel::Customers)
        .route("/customers/public-key", get(public_key::show()))
        .route("/customers/devices", post(devices::pair()))
        .route("/customers/sessions/challenge", post(sessions::nonce()))
        .route("/customers/sessions", post(sessions::begin()))
        .route("/customers/sessions/trusted-identity", post(sessions::begin_trusted()))
}

/// The routes under `/customers`, where the session tells the user.
fn customers() -> Routes {
    Routes::of(Channel::Customers)
        .route("/customers/me", get(users::find()))
        .route("/customers/me/step-up", post(sessions::challenge()))
        .route("/customers/me/devices", get(devices::list()))
        .route("/customers/me/devices/{installationId}", delete(devices::end()))
        .route("/customers/sessions/current", delete(sessions::end()))
        .route("/customers/me/limits", get(users::limits()).put(users::set_limits()))
        .route("/customers/me/verifications", get(verifications::list()))
        .route("/customers/me/balances", get(balances::list()))
        .route("/customers/me/balances/{balanceId}", get(balances::find()))
        .route(
            "/customers/me/balances/{balanceId}/transactions",
            get(transactions::list_of_balance()),
        )
        .route("/customers/me/balances/{balanceId}/statement", get(statements::show()))
        .route("/customers/me/transactions", get(transactions::list_own()))
        .route("/customers/me/transaction-history", get(thc::list_own()))
        .route("/customers/me/transactions/{transactionId}", get(transactions::find()))
        .route("/customers/me/cards", get(cards::list()))
        .route("/customers/me/cards/virtual", post(cards::issue_virtual()))
        .route("/customers/me/cards/virtual/async", post(cards::issue_later()))
        .route("/customers/me/cards/operations/{operationId}", get(cards::operation()))
        .route("/customers/me/cards/physical", post(cards::order_physical()))
        .route("/customers/me/cards/physical_with_pin", post(cards::order_physical_with_pin()))
        .route("/customers/me/cards/orders/{orderId}", get(cards::order()))
        .route("/customers/me/cards/{cardId}/activate", post(cards::activate()))
        .route("/customers/me/cards/{cardId}/print", post(cards::print()))
        .route("/customers/me/cards/{cardId}/lock", post(cards::lock()))
        .route("/customers/me/cards/{cardId}/unlock", post(cards::unlock()))
        .route("/customers/me/cards/{cardId}/limits", get(cards::limits()).put(cards::set_limits()))
}

/// The one under `/customers` that takes a form.
fn own_form() -> Routes {
    Routes::of(Channel::Customers).route("/customers/me/register", post(verifications::submit()))
}

/// Those under `/customers` that need a fresh signature of the device.
fn signed() -> Routes {
    Routes::signed(Channel::Customers)
        .route("/customers/me/cards/{cardId}/cvv", post(cards::reset_cvv()))
        .route("/customers/me/cards/{cardId}/pin", post(cards::set_pin()))
}

/// The one route under `/customers` of which asking shows a card's numbers, which needs a fresh
/// signature, and of which removing doesn't.
fn card() -> (Routes, Routes) {
    let path = "/customers/me/cards/{cardId}";
    let shown = Routes::signed(Channel::Customers).route(path, get(cards::full_data()));
    (shown, Routes::of(Channel::Customers).route(path, delete(cards::remove())))
}

/// The routes under `/sandbox`, which production doesn't have.
fn sandbox() -> Routes {
    Routes::of(Channel::Sandbox)
        .route("/sandbox/v1/received", get(sandbox::received()))
        .route("/sandbox/v1/settings", put(sandbox::change()))
        .route("/sandbox/v1/clock", post(sandbox::advance()))
}

/// The routes of a channel.
pub(crate) fn routes(channel: Channel) -> Vec<Routes> {
    match channel {
        Channel::Secure => {
            vec![secure(), corporate(), told(), forms(), transfers(), loads(), creation()]
        }
        Channel::Lifecycle => vec![lifecycle(), imports()],
        Channel::Thc => vec![history()],
        Channel::Processor => vec![processor()],
        Channel::Sandbox => vec![sandbox()],
        Channel::Customers => {
            let (shown, removed) = card();
            vec![beginnings(), customers(), own_form(), signed(), shown, removed]
        }
        Channel::Admin => admin::routes(),
    }
}

/// All routes of the HTTPS listener.
pub fn router(app: App, options: Options) -> Router {
    let api = Api(Arc::new(Parts {
        app,
        decryption: Decryption::of(options.private_operations),
        public_keys: PublicKeys::default(),
        real_time: options.real_time,
        authority: options.authority,
        sandbox: options.sandbox,
        guard: Guard::new(&options.limits),
    }));

    let secure = [
        (secure(), Body::Json, Admits::PARTNER),
        (corporate(), Body::Json, Admits::PARTNER),
        (told(), Body::Json, Admits::PARTNER),
        (forms(), Body::Form, Admits::PARTNER),
        (transfers(), Body::Json, Admits::TRANSFERS),
        (loads(), Body::Json, Admits::LOADS),
        (creation(), Body::Json, Admits::CREATION),
        (history(), Body::Json, Admits::PARTNER),
    ];
    let secure = secure.into_iter().fold(Router::new(), |all, (routes, body, admits)| {
        let admitted = from_fn_with_state((api.clone(), admits), identity::secure);
        all.merge(finished(&routes, body, &api).route_layer(admitted))
    });
    let lifecycle = finished(&lifecycle(), Body::Json, &api)
        .merge(streamed(&imports(), &api))
        .route_layer(from_fn_with_state(api.clone(), identity::lifecycle));
    let processor = finished(&processor(), Body::Json, &api)
        .route_layer(from_fn_with_state(api.clone(), identity::processor));

    let pages = pages(options.pages, &api);

    // No certificate, no body.
    let documents = Router::new()
        .route("/docs", routing::get(documents::show))
        .route("/docs/{file}", routing::get(documents::file))
        .route("/openapi/{document}", routing::get(documents::document));

    lifecycle
        .merge(secure)
        .merge(processor)
        .merge(customers_routes(&api))
        .merge(admin::mounted(&api))
        .merge(sandbox_routes(&api))
        .merge(documents)
        .merge(pages)
        .fallback(async || Problem::not_found("NOT_FOUND", "There is no such route."))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(from_fn_with_state(api.clone(), limits::rated))
        .layer(from_fn(layers::named))
        .with_state(api)
}

/// The routes of users' apps.
fn customers_routes(api: &Api) -> Router<Api> {
    let (shown, removed) = card();
    let finish = |routes: &Routes| finished(routes, Body::Json, api);
    let stepped_up = from_fn_with_state(api.clone(), identity::stepped_up);
    let signed = finish(&signed()).merge(finish(&shown)).route_layer(stepped_up);
    let all = finish(&customers()).merge(finish(&removed)).merge(signed);
    let all = all.merge(finished(&own_form(), Body::Form, api));
    let all = all.route_layer(from_fn_with_state(api.clone(), identity::customers));
    all.merge(
        finish(&beginnings())
            .route_layer(from_fn_with_state((api.clone(), Caller::App), identity::stranger)),
    )
}

/// The panel's pages. They run as tasks, as endpoints do.
fn pages(pages: Pages, api: &Api) -> Router<Api> {
    let Pages { strangers, others, worded } = pages;
    let visited = from_fn_with_state((api.clone(), Caller::Visitor), identity::stranger);
    let reading = api.clone();
    // There are none where the channels are served alone.
    strangers
        .layer(visited)
        .merge(others)
        .layer(from_fn_with_state(api.clone(), layers::as_task))
        .layer(from_fn(move |request: Request, next: Next| {
            layers::buffered(reading.clone(), request, next, BODY_MAX)
        }))
        .layer(from_fn(layers::traced))
        .layer(map_response(worded))
        .with_state(())
}

/// The routes of a sandbox; none in production.
fn sandbox_routes(api: &Api) -> Router<Api> {
    if api.sandbox.is_none() {
        return Router::new();
    }
    let admitted = from_fn_with_state((api.clone(), Admits::PARTNER), identity::secure);
    finished(&sandbox(), Body::Json, api).route_layer(admitted)
}

/// What surrounds an endpoint, from the outside in, once it is known who calls: a place among the
/// requests at once, the body is read whole, decrypted, and the endpoint runs as a task.
fn finished(routes: &Routes, body: Body, api: &Api) -> Router<Api> {
    let limit = match body {
        Body::Json => BODY_MAX,
        Body::Form => FORM_MAX,
        Body::Stream => return streamed(routes, api),
    };
    let reading = api.clone();
    routes
        .mounted()
        // `buffered` is what limits a body; axum's own limit of 2 MiB would cut forms short.
        .route_layer(DefaultBodyLimit::disable())
        .route_layer(from_fn_with_state(api.clone(), layers::as_task))
        .route_layer(from_fn_with_state(api.clone(), encryption::both_ways))
        .route_layer(from_fn(move |request: Request, next: Next| {
            layers::buffered(reading.clone(), request, next, limit)
        }))
        .route_layer(from_fn_with_state((api.clone(), body), limits::placed))
}

/// What surrounds an endpoint whose body is streamed: it reads by itself, and runs its own task.
fn streamed(routes: &Routes, api: &Api) -> Router<Api> {
    let placed = from_fn_with_state((api.clone(), Body::Stream), limits::placed);
    routes.mounted().route_layer(DefaultBodyLimit::disable()).route_layer(placed)
}
