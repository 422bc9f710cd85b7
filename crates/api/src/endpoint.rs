//! What an endpoint is: how its request is read, what is then done, and what is told of both.
//!
//! Reading and doing are two functions, so that the documents can ask the very code that reads
//! what it asks for; what is done sees neither body nor query.

use crate::Api;
use crate::answer::{Body, Done, Success};
use crate::call::{Call, FormCall, Head};
use crate::encryption::{Required, Sealed};
use crate::lines::{self, Answers, Sent};
use crate::problem::Problem;
use crate::streamed::Streamed;
use app::Refusal;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::routing::{MethodFilter, MethodRouter, on};
use serde_json::Value;
use utoipa::ToSchema;

/// A route and method's work.
pub(crate) struct Endpoint {
    mount: Box<dyn Fn(MethodFilter) -> MethodRouter<Api> + Send>,
    /// What is told of it.
    pub(crate) about: About,
}

type Reads = Box<dyn Fn(&Call) -> Result<(), Problem> + Send>;

/// What the documents tell of an endpoint.
pub(crate) struct About {
    /// The chapter that it stands in.
    pub(crate) tag: &'static str,
    /// A few words.
    pub(crate) summary: &'static str,
    /// What a caller should know.
    pub(crate) description: &'static str,
    /// A body that works.
    pub(crate) example: Option<Value>,
    /// What may be refused beside what every call may be.
    pub(crate) refusals: &'static [Refusal],
    /// The status of a success.
    pub(crate) status: StatusCode,
    /// The body of a success.
    pub(crate) body: Option<Body>,
    /// As which media types a success may come too, beside JSON.
    pub(crate) files: &'static [&'static str],
    /// How the body is sent.
    pub(crate) media: &'static str,
    /// As which media type many of it may be sent at once.
    pub(crate) lines: Option<&'static str>,
    /// Whether the answer must be encrypted.
    pub(crate) encrypted: bool,
    reads: Reads,
}

impl About {
    /// Reads a request, to learn what it is asked for.
    pub(crate) fn read(&self, call: &Call) -> Result<(), Problem> {
        (self.reads)(call)
    }
}

impl Endpoint {
    /// One that reads JSON, or nothing.
    pub(crate) fn of<C, S, F>(
        read: fn(&Call) -> Result<C, Problem>,
        act: impl Fn(Api, Head, C) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        C: Send + 'static,
        S: Success + 'static,
        F: Future<Output = Result<S, Problem>> + Send + 'static,
    {
        let run = async move |State(api): State<Api>, call: Call| {
            let command = read(&call)?;
            act(api, call.into_head(), command).await
        };
        let mount = Box::new(move |filter| on(filter, run.clone()));
        Self { mount, about: about::<C, S>(read) }
    }

    /// One that reads JSON, or many of the same as NDJSON.
    pub(crate) fn lines<C, W, F>(
        read: fn(&Call) -> Result<C, Problem>,
        act: impl Fn(Api, Head, C) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        C: Send + 'static,
        W: ToSchema + Send + 'static,
        F: Future<Output = Result<Done<W>, Problem>> + Send + 'static,
    {
        let run = async move |State(api): State<Api>, sent: Sent| match sent {
            Sent::One(call) => {
                let command = read(&call)?;
                act(api, call.into_head(), command).await.map(Answers::One)
            }
            Sent::Many(calls) => {
                Ok::<_, Problem>(Answers::Many(lines::answer(&api, calls, read, act).await))
            }
        };
        let mount = Box::new(move |filter| on(filter, run.clone()));
        let about = about::<C, Answers<W>>(read);
        Self { mount, about: About { lines: Some(lines::MEDIA), ..about } }
    }

    /// One whose answer must be encrypted, which is demanded before anything is read.
    pub(crate) fn encrypted<C, S, F>(
        read: fn(&Call) -> Result<C, Problem>,
        act: impl Fn(Api, Head, C) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        C: Send + 'static,
        S: Success + 'static,
        F: Future<Output = Result<S, Problem>> + Send + 'static,
    {
        let run = async move |State(api): State<Api>, _: Required, call: Call| {
            let command = read(&call)?;
            act(api, call.into_head(), command).await
        };
        let mount = Box::new(move |filter| on(filter, run.clone()));
        Self { mount, about: About { encrypted: true, ..about::<C, S>(read) } }
    }

    /// One whose request must be encrypted, which is demanded before anything is read.
    pub(crate) fn sealed<C, S, F>(
        read: fn(&Call) -> Result<C, Problem>,
        act: impl Fn(Api, Head, C) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        C: Send + 'static,
        S: Success + 'static,
        F: Future<Output = Result<S, Problem>> + Send + 'static,
    {
        let run = async move |State(api): State<Api>, _: Sealed, call: Call| {
            let command = read(&call)?;
            act(api, call.into_head(), command).await
        };
        let mount = Box::new(move |filter| on(filter, run.clone()));
        Self { mount, about: About { encrypted: true, ..about::<C, S>(read) } }
    }

    /// One whose body is streamed as NDJSON, or as the other media type, and answered while it
    /// comes; `read` reads a line of it.
    pub(crate) fn streamed<C, F>(
        read: fn(&Call) -> Result<C, Problem>,
        other: &'static str,
        act: impl Fn(Api, Request) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        C: Send + 'static,
        F: Future<Output = Result<Streamed, Problem>> + Send + 'static,
    {
        let run = async move |State(api): State<Api>, request: Request| act(api, request).await;
        let mount = Box::new(move |filter| on(filter, run.clone()));
        let about = about::<C, Streamed>(read);
        Self { mount, about: About { media: lines::MEDIA, lines: Some(other), ..about } }
    }

    /// One that reads a form.
    pub(crate) fn form<C, S, F>(
        read: fn(&Call) -> Result<C, Problem>,
        act: impl Fn(Api, Head, C) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        C: Send + 'static,
        S: Success + 'static,
        F: Future<Output = Result<S, Problem>> + Send + 'static,
    {
        let run = async move |State(api): State<Api>, FormCall(call): FormCall| {
            let command = read(&call)?;
            act(api, call.into_head(), command).await
        };
        let mount = Box::new(move |filter| on(filter, run.clone()));
        Self { mount, about: About { media: "multipart/form-data", ..about::<C, S>(read) } }
    }

    /// The chapter that it stands in, a few words for it, and what a caller should know.
    pub(crate) fn about(
        mut self,
        tag: &'static str,
        summary: &'static str,
        description: &'static str,
    ) -> Self {
        self.about = About { tag, summary, description, ..self.about };
        self
    }

    /// A body that works.
    pub(crate) fn example(mut self, example: Value) -> Self {
        self.about.example = Some(example);
        self
    }

    /// What may be refused, beside what every call may be and names in the path that name nothing.
    pub(crate) fn refuses(mut self, refusals: &'static [Refusal]) -> Self {
        self.about.refusals = refusals;
        self
    }

    /// The work as a route's method.
    pub(crate) fn mounted(&self, filter: MethodFilter) -> MethodRouter<Api> {
        (self.mount)(filter)
    }
}

/// Reads nothing but the path.
#[expect(clippy::unnecessary_wraps, reason = "other readers can fail")]
pub(crate) fn nothing(_: &Call) -> Result<(), Problem> {
    Ok(())
}

fn about<C: 'static, S: Success>(read: fn(&Call) -> Result<C, Problem>) -> About {
    About {
        tag: "",
        summary: "",
        description: "",
        example: None,
        refusals: &[],
        status: S::STATUS,
        body: S::body(),
        files: S::FILES,
        media: "application/json",
        lines: None,
        encrypted: false,
        reads: Box::new(move |call| read(call).map(drop)),
    }
}
