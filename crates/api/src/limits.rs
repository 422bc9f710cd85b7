//! What one caller may take of the service: requests a second, and requests at once.
//!
//! Both are decided from memory, before the body is read and before the database is asked. Whoever
//! can't be told by a certificate is counted by its address.

use crate::identity::{self, Caller, Holder};
use crate::problem::Problem;
use crate::rate::Rate;
use crate::{Api, Peer};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The limits of a node, as they are configured. A rate of 0 is no limit.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Requests a second of each partner; twice as many at once after a pause.
    pub requests_per_second: u32,
    /// The same for each processor.
    pub processor_requests_per_second: u32,
    /// The same for each address whose caller has no certificate that is accepted.
    pub anonymous_requests_per_second: u32,
    /// Requests of all partners that are worked on at once; one partner gets half of them.
    pub requests_at_once: usize,
    /// Requests of all processors that are worked on at once.
    pub processor_requests_at_once: usize,
    /// Of the partners' requests, those with a form; one partner gets half of them.
    pub forms_at_once: usize,
    /// How long a request may take, from its head to its answer.
    pub request_time: Duration,
}

/// The limits at work.
pub(crate) struct Guard {
    partners: Option<Rate<Holder>>,
    processors: Option<Rate<Holder>>,
    addresses: Option<Rate<IpAddr>>,
    sign_ins: Rate<IpAddr>,
    beginnings: Rate<IpAddr>,
    partner_places: Arc<Places>,
    processor_places: Arc<Places>,
    form_places: Arc<Places>,
    stream_places: Arc<Places>,
    /// Strangers who sign in take none of anybody's.
    visitor_places: Arc<Places>,
    /// Neither do apps that have no session yet.
    app_places: Arc<Places>,
    /// How long a request may take.
    pub(crate) request_time: Duration,
}

/// How many streamed bodies are taken at once, of which one partner gets half: each may last for
/// hours and have some MiB in memory, and all of them write as fast as they can.
const STREAMS_AT_ONCE: usize = 8;
/// How many strangers may sign in at once.
const VISITORS_AT_ONCE: usize = 32;
/// How many apps may pair a device or begin a session at once.
const APPS_AT_ONCE: usize = 128;
/// How many devices and sessions an address may begin a second, and after a pause: many users may
/// be behind one.
const BEGINNINGS_PER_SECOND: NonZero<u32> = NonZero::new(20).expect("it isn't 0");
const BEGINNINGS_AT_ONCE: u32 = 200;
/// How often an address may try to sign in after a pause; then once a second.
const SIGN_INS_AT_ONCE: u32 = 20;

impl Guard {
    /// Begins to count.
    pub(crate) fn new(limits: &Limits) -> Self {
        let halved = |max: usize| Arc::new(Places::new(max, max.div_ceil(2)));
        let all = limits.processor_requests_at_once;
        Self {
            partners: Rate::per_second(limits.requests_per_second),
            processors: Rate::per_second(limits.processor_requests_per_second),
            addresses: Rate::per_second(limits.anonymous_requests_per_second),
            sign_ins: Rate::new(NonZero::<u32>::MIN, SIGN_INS_AT_ONCE),
            beginnings: Rate::new(BEGINNINGS_PER_SECOND, BEGINNINGS_AT_ONCE),
            partner_places: halved(limits.requests_at_once),
            processor_places: Arc::new(Places::new(all, all)),
            form_places: halved(limits.forms_at_once),
            stream_places: halved(STREAMS_AT_ONCE),
            visitor_places: Arc::new(Places::new(VISITORS_AT_ONCE, VISITORS_AT_ONCE)),
            app_places: Arc::new(Places::new(APPS_AT_ONCE, APPS_AT_ONCE)),
            request_time: limits.request_time,
        }
    }

    /// Counts a request for its sender.
    fn count(&self, sender: Sender) -> Result<(), Duration> {
        let now = Instant::now();
        match sender {
            Sender::Known(
                holder @ (Holder::Partner(_)
                | Holder::Operator(_)
                | Holder::Users(_)
                | Holder::Admins(_)
                | Holder::Apps
                | Holder::Visitors),
            ) => take(&self.partners, holder, now),
            Sender::Known(Holder::Processor(id)) => {
                take(&self.processors, Holder::Processor(id), now)
            }
            Sender::Address(address) => take(&self.addresses, address, now),
        }
    }

    /// Counts what a stranger begins for its address: a try to sign in, or what an app does.
    pub(crate) fn count_stranger(&self, caller: Caller, address: IpAddr) -> Result<(), Duration> {
        let (rate, cause) = if matches!(caller, Caller::App) {
            (&self.beginnings, "beginnings")
        } else {
            (&self.sign_ins, "sign-ins")
        };
        rate.take(counted(address), 1, Instant::now()).inspect_err(|_| refused(cause))
    }

    /// The places that a request needs, or the limit that is in the way.
    fn place(&self, caller: Caller, body: Body) -> Result<Vec<Place>, &'static str> {
        let (holder, places) = match caller {
            Caller::Partner(scope) => (Holder::Partner(scope.partner()), &self.partner_places),
            Caller::Operator(_, operator) => (operator.holder(), &self.partner_places),
            Caller::Processor(id) => (Holder::Processor(id), &self.processor_places),
            Caller::User(session) => (Holder::Users(session.scope.partner()), &self.partner_places),
            Caller::Admin(_, session) => (Holder::Admins(session.partner), &self.partner_places),
            Caller::App => (Holder::Apps, &self.app_places),
            Caller::Visitor => (Holder::Visitors, &self.visitor_places),
        };
        let mut taken = vec![places.take(holder).ok_or("requests at once")?];
        match body {
            Body::Json => {}
            Body::Form => taken.push(self.form_places.take(holder).ok_or("forms at once")?),
            Body::Stream => taken.push(self.stream_places.take(holder).ok_or("streams at once")?),
        }
        Ok(taken)
    }
}

fn take<K: Eq + std::hash::Hash>(
    rate: &Option<Rate<K>>,
    key: K,
    now: Instant,
) -> Result<(), Duration> {
    rate.as_ref().map_or(Ok(()), |rate| rate.take(key, 1, now))
}

/// An answer that is logged for debugging only, so that strangers can't fill the log.
#[derive(Clone, Copy)]
pub(crate) struct Quiet;

/// Who a request is counted for.
#[derive(Clone, Copy)]
enum Sender {
    Known(Holder),
    Address(IpAddr),
}

/// One network of IPv6 counts as one address: each of its users has as many as it likes.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Counts each request, whatever comes of it; 429 when there are too many.
pub(crate) async fn rated(State(api): State<Api>, request: Request, next: Next) -> Response {
    let sender = sender(&api, &request);
    match sender.map_or(Ok(()), |sender| api.guard.count(sender)) {
        Ok(()) => next.run(request).await,
        Err(wait) => {
            let mut response = Problem::too_many(wait).into_response();
            match sender {
                Some(Sender::Known(_)) => refused("requests"),
                Some(Sender::Address(_)) | None => {
                    refused("anonymous requests");
                    response.extensions_mut().insert(Quiet);
                }
            }
            response
        }
    }
}

fn sender(api: &Api, request: &Request) -> Option<Sender> {
    let known = identity::holder(api, request).map(Sender::Known);
    known.or_else(|| {
        let peer = request.extensions().get::<Peer>()?;
        peer.address.map(counted).map(Sender::Address)
    })
}

/// What a route takes as its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// JSON, small.
    Json,
    /// A form with pictures.
    Form,
    /// Lines without end.
    Stream,
}

/// The places of a request; they are given back when its work has ended, and not when its caller
/// has hung up.
#[derive(Clone)]
pub(crate) struct Held(#[expect(dead_code, reason = "held")] Arc<[Place]>);

/// Gives a request its places before its body is read; 503 where none is free.
pub(crate) async fn placed(
    State((api, body)): State<(Api, Body)>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(caller) = request.extensions().get::<Caller>().copied() else {
        return Problem::internal().into_response();
    };
    match api.guard.place(caller, body) {
        Ok(places) => {
            request.extensions_mut().insert(Held(places.into()));
            next.run(request).await
        }
        Err(cause) => {
            refused(cause);
            Problem::unavailable().into_response()
        }
    }
}

/// Counts a refusal that isn't the request's fault, by its cause.
pub(crate) fn refused(cause: &'static str) {
    metrics::counter!("antaca_refused_total", "cause" => cause).increment(1);
}

/// Places for so many at once, and a share of them for each holder.
struct Places {
    max: usize,
    share: usize,
    taken: Mutex<HashMap<Holder, usize>>,
}

/// A place that is taken until it is dropped.
struct Place {
    places: Arc<Places>,
    holder: Holder,
}

impl Places {
    fn new(max: usize, share: usize) -> Self {
        Self { max, share, taken: Mutex::default() }
    }

    fn take(self: &Arc<Self>, holder: Holder) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, own) = (taken.values().sum::<usize>(), taken.get(&holder).copied());
        if all >= self.max || own.unwrap_or_default() >= self.share {
            return None;
        }
        *taken.entry(holder).or_default() += 1;
        Some(Place { places: self.clone(), holder })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::PartnerId;

    #[test]
    fn one_holder_gets_its_share_and_leaves_the_rest_to_others() {
        let places = Arc::new(Places::new(4, 2));
        let [one, two, three] = [1, 2, 3].map(|id| Holder::Partner(PartnerId(id)));
        let held = [places.take(one), places.take(one)];
        assert!(held.iter().all(Option::is_some));
        assert!(places.take(one).is_none());
        let others = [places.take(two), places.take(three)];
        assert!(others.iter().all(Option::is_some));
        assert!(places.take(three).is_none(), "all are taken");
        drop(held);
        assert!(places.take(one).is_some());
        drop(others);
        assert!(places.taken.lock().expect("not poisoned").is_empty(), "nobody is remembered");
    }

    #[test]
    fn a_network_counts_as_one_address() {
        for (address, as_one) in [
            ("10.0.0.1", "10.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::1", "::"),
        ] {
            let read = |text: &str| text.parse::<IpAddr>().expect("an address");
            assert_eq!(counted(read(address)), read(as_one));
        }
    }
}
