//! Routes that know what is told of them: a route without a description can't be mounted.

use crate::Api;
use crate::endpoint::Endpoint;
use crate::openapi::{Channel, Operation};
use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use axum::routing::{MethodFilter, MethodRouter};
use std::sync::Arc;

/// The routes of one channel, or some of them.
pub(crate) struct Routes {
    channel: Channel,
    /// Whether its calls need a fresh signature of the caller's device.
    signed: bool,
    routes: Vec<(&'static str, Methods)>,
}

/// What a route does, by method.
pub(crate) struct Methods(Vec<(Method, Endpoint)>);

/// What a route does when it is asked.
pub(crate) fn get(endpoint: Endpoint) -> Methods {
    Methods(Vec::new()).get(endpoint)
}

/// What a route does when something is posted.
pub(crate) fn post(endpoint: Endpoint) -> Methods {
    Methods(Vec::new()).post(endpoint)
}

/// What a route does when something is put.
pub(crate) fn put(endpoint: Endpoint) -> Methods {
    Methods(Vec::new()).put(endpoint)
}

/// What a route does when something is deleted.
pub(crate) fn delete(endpoint: Endpoint) -> Methods {
    Methods(Vec::new()).delete(endpoint)
}

impl Methods {
    /// And what it does when it is asked.
    pub(crate) fn get(self, endpoint: Endpoint) -> Self {
        self.on(Method::GET, endpoint)
    }

    /// And what it does when something is posted.
    pub(crate) fn post(self, endpoint: Endpoint) -> Self {
        self.on(Method::POST, endpoint)
    }

    /// And what it does when something is put.
    pub(crate) fn put(self, endpoint: Endpoint) -> Self {
        self.on(Method::PUT, endpoint)
    }

    /// And what it does when something is deleted.
    pub(crate) fn delete(self, endpoint: Endpoint) -> Self {
        self.on(Method::DELETE, endpoint)
    }

    fn on(mut self, method: Method, endpoint: Endpoint) -> Self {
        self.0.push((method, endpoint));
        self
    }
}

impl Routes {
    /// No routes yet.
    pub(crate) fn of(channel: Channel) -> Self {
        Self { channel, signed: false, routes: Vec::new() }
    }

    /// Calls that need a fresh signature of the caller's device.
    pub(crate) fn signed(channel: Channel) -> Self {
        Self { signed: true, ..Self::of(channel) }
    }

    /// And this one.
    pub(crate) fn route(mut self, path: &'static str, methods: Methods) -> Self {
        self.routes.push((path, methods));
        self
    }

    /// What the documents tell, in the order of the routes.
    pub(crate) fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        self.routes.iter().flat_map(|(path, methods)| {
            methods.0.iter().map(|(method, endpoint)| {
                Operation::new((self.channel, self.signed), method, path, &endpoint.about)
            })
        })
    }

    /// The same, to be served.
    pub(crate) fn mounted(&self) -> Router<Api> {
        self.routes.iter().fold(Router::new(), |router, (path, methods)| {
            let mounted = methods.0.iter().fold(MethodRouter::new(), |all, (method, endpoint)| {
                let filter = MethodFilter::try_from(method.clone());
                let one = endpoint.mounted(filter.expect("a method of HTTP/1.1"));
                let channel = (self.channel, self.signed);
                let operation = Operation::new(channel, method, path, &endpoint.about);
                all.merge(checked(one, &operation))
            });
            router.route(path, mounted)
        })
    }
}

/// In a build for tests, an answer that the document doesn't tell of is a bug that shows.
fn checked(work: MethodRouter<Api>, operation: &Operation<'_>) -> MethodRouter<Api> {
    if !cfg!(debug_assertions) {
        return work;
    }
    let (name, told) = (operation.name(), Arc::new(operation.answers()));
    work.layer(from_fn(move |request: Request, next: Next| {
        let (name, told) = (name.clone(), told.clone());
        async move {
            let response = next.run(request).await;
            let title = response.extensions().get::<crate::problem::Told>().map(|told| told.0);
            let answer = (response.status().as_u16(), title);
            assert!(told.contains(&answer), "{name} doesn't tell of {answer:?}");
            response
        }
    }))
}
