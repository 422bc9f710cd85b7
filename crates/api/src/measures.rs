//! What is measured of requests. Labels are words of this program: routes as templates, never a
//! path, an id or anybody's name.

use axum::http::{Method, StatusCode};
use std::time::Duration;

/// A request that is being served.
pub(crate) struct Served {
    method: &'static str,
    route: String,
    channel: &'static str,
}

impl Served {
    /// Counts it among those in flight, until it is dropped.
    pub(crate) fn begin(method: &Method, route: Option<String>) -> Self {
        let route = route.unwrap_or_else(|| "none".to_owned());
        let served = Self { method: word(method), channel: channel(&route), route };
        metrics::gauge!("antaca_requests_in_flight", "channel" => served.channel).increment(1);
        served
    }

    /// The method, if it is one that we know: others are a caller's text.
    pub(crate) fn method(&self) -> &'static str {
        self.method
    }

    /// The route's template, or `none`.
    pub(crate) fn route(&self) -> &str {
        &self.route
    }

    /// Counts it by what came of it.
    pub(crate) fn answered(&self, status: StatusCode, took: Duration) {
        let labels = [
            ("channel", self.channel.into()),
            ("method", self.method.into()),
            ("route", self.route.clone().into()),
        ];
        let labels = labels.map(|(name, value): (_, metrics::SharedString)| (name, value));
        metrics::histogram!("antaca_request_seconds", &labels).record(took);
        let class = match status.as_u16() {
            100..=199 => "1xx",
            200..=299 => "2xx",
            300..=399 => "3xx",
            400..=499 => "4xx",
            _ => "5xx",
        };
        let [channel, method, route] = labels;
        let labels = [channel, method, route, ("status", class.into())];
        metrics::counter!("antaca_requests_total", &labels).increment(1);
    }
}

/// Also where the caller has hung up.
impl Drop for Served {
    fn drop(&mut self) {
        metrics::gauge!("antaca_requests_in_flight", "channel" => self.channel).decrement(1);
    }
}

/// Counts an answer that isn't a success, by its title.
pub(crate) fn problem(title: &'static str) {
    metrics::counter!("antaca_problems_total", "title" => title).increment(1);
}

/// Counts a body that was `decrypted` or `encrypted`.
pub(crate) fn jwe(what: &'static str) {
    metrics::counter!("antaca_jwe_total", "operation" => what).increment(1);
}

fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

fn channel(route: &str) -> &'static str {
    match route.split('/').nth(1) {
        Some("lifecycle") => "lifecycle",
        Some("secure") => "secure",
        Some("processor") => "processor",
        Some(_) | None => "none",
    }
}
