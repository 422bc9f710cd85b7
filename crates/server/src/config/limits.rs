//! The section `limits`: what protects the service.

use super::{Failure, Form, Key, Values, key};
use std::time::Duration;

const fn limit(name: &'static str, default: &'static str, doc: &'static str) -> Key {
    key(name, Form::Number, default, doc)
}

/// Every key.
pub(super) const KEYS: &[Key] = &[
    limit("limits.requests_per_second", "500", "requests a second of each partner; 0: no limit"),
    limit("limits.processor_requests_per_second", "0", "the same for each processor; 0: no limit"),
    limit(
        "limits.anonymous_requests_per_second",
        "100",
        "the same for each address without a certificate",
    ),
    limit(
        "limits.requests_at_once",
        "1024",
        "partners' requests worked on at once, half for one partner",
    ),
    limit("limits.processor_requests_at_once", "4096", "processors' requests worked on at once"),
    limit(
        "limits.forms_at_once",
        "16",
        "forms with pictures worked on at once, half for one partner",
    ),
    limit("limits.connections", "4096", "HTTPS connections at once; further ones wait"),
    limit("limits.connections_per_certificate", "256", "connections at once with one certificate"),
    limit(
        "limits.connections_per_address",
        "64",
        "connections at once from one address without one",
    ),
    limit("limits.handshake_seconds", "5", "how long a TLS handshake may take"),
    limit("limits.request_seconds", "10", "how long a head, and a request, may take; at most 10"),
    limit("limits.idle_seconds", "60", "how long a connection may have no request in flight"),
];

/// More than these a configuration can't mean.
const COUNT_MAX: i64 = 1_000_000;
const SECONDS_MAX: i64 = 3_600;
/// A request is waited for at a server's end too, and that has ten seconds.
const REQUEST_SECONDS_MAX: i64 = 10;

/// What protects the service.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Of requests.
    pub(crate) requests: api::Limits,
    /// Of connections.
    pub(crate) connections: Connections,
}

/// Limits of connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connections {
    /// At once; further ones aren't accepted until one ends.
    pub(crate) all: usize,
    /// At once with one certificate.
    pub(crate) per_certificate: usize,
    /// At once from one address without a certificate, those in their handshake included.
    pub(crate) per_address: usize,
    /// How long a handshake may take.
    pub(crate) handshake: Duration,
    /// How long a head may take to arrive, and a request.
    pub(crate) head: Duration,
    /// How long a connection may have no request in flight.
    pub(crate) idle: Duration,
}

impl Limits {
    pub(super) fn read(values: &Values) -> Result<Self, Failure> {
        let rate = |name| values.number(name, 0, COUNT_MAX).map(whole);
        let count = |name| values.number(name, 1, COUNT_MAX);
        let time = |name, max| {
            values.number(name, 1, max).map(|seconds| Duration::from_secs(seconds as u64))
        };
        let request_time = time("limits.request_seconds", REQUEST_SECONDS_MAX)?;
        Ok(Self {
            requests: api::Limits {
                requests_per_second: rate("limits.requests_per_second")?,
                processor_requests_per_second: rate("limits.processor_requests_per_second")?,
                anonymous_requests_per_second: rate("limits.anonymous_requests_per_second")?,
                requests_at_once: count("limits.requests_at_once")?,
                processor_requests_at_once: count("limits.processor_requests_at_once")?,
                forms_at_once: count("limits.forms_at_once")?,
                request_time,
            },
            connections: Connections {
                all: count("limits.connections")?,
                per_certificate: count("limits.connections_per_certificate")?,
                per_address: count("limits.connections_per_address")?,
                handshake: time("limits.handshake_seconds", SECONDS_MAX)?,
                head: request_time,
                idle: time("limits.idle_seconds", SECONDS_MAX)?,
            },
        })
    }

    /// As lines of a file.
    pub(super) fn shown(&self) -> String {
        let (requests, connections) = (&self.requests, &self.connections);
        let lines = [
            ("requests_per_second", u64::from(requests.requests_per_second)),
            ("processor_requests_per_second", requests.processor_requests_per_second.into()),
            ("anonymous_requests_per_second", requests.anonymous_requests_per_second.into()),
            ("requests_at_once", requests.requests_at_once as u64),
            ("processor_requests_at_once", requests.processor_requests_at_once as u64),
            ("forms_at_once", requests.forms_at_once as u64),
            ("connections", connections.all as u64),
            ("connections_per_certificate", connections.per_certificate as u64),
            ("connections_per_address", connections.per_address as u64),
            ("handshake_seconds", connections.handshake.as_secs()),
            ("request_seconds", requests.request_time.as_secs()),
            ("idle_seconds", connections.idle.as_secs()),
        ];
        lines.map(|(name, value)| format!("{name} = {value}\n")).concat()
    }
}

fn whole(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
