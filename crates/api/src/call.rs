//! A request as the endpoints see it: who, which key, what path, what body.

mod head;

pub(crate) use head::{Head, NamedCard};

use crate::identity::Caller;
use crate::layers::{Received, request_id};
use crate::problem::Problem;
use crate::wire::{Fields, Notes, Reader, number};
use crate::{Api, Peer};
use app::Refusal;
use app::admins::actor;
use app::audit::Origin;
use axum::body::to_bytes;
use axum::extract::{
    FromRequest, FromRequestParts, MatchedPath, Multipart, RawPathParams, Request,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use domain::Date;
use domain::masking::mask;
use serde_json::{Map, Value};
use std::sync::LazyLock;
use std::sync::atomic::Ordering;
use std::time::Instant;
use uuid::Uuid;

/// How deep a JSON body may be nested.
const DEPTH_MAX: usize = 32;
/// Page sizes: the default and the largest.
const PAGE: (i64, i64) = (50, 200);

/// A request to be read: with a JSON body, a form or nothing.
#[derive(Debug)]
pub(crate) struct Call {
    head: Head,
    query: Map<String, Value>,
    body: Option<Value>,
    parts: Vec<Part>,
    notes: Option<Notes>,
}

/// A request with a form.
#[derive(Debug)]
pub(crate) struct FormCall(pub(crate) Call);

/// Which page of a list is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    /// How many items: `limit`, 1 to 200.
    pub(crate) limit: i64,
    /// Where it begins: `after`, as `next` of the page before told it.
    pub(crate) after: Option<i64>,
}

/// One part of a form.
pub(crate) struct Part {
    /// Its name.
    pub(crate) name: String,
    /// Its content.
    pub(crate) bytes: Vec<u8>,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Part({}, {} bytes)", self.name, self.bytes.len())
    }
}

impl std::ops::Deref for Call {
    type Target = Head;

    fn deref(&self) -> &Head {
        &self.head
    }
}

impl Call {
    /// A request of nothing, to note what is asked for; its path names what the route's does.
    pub(crate) fn empty(route: &str) -> Self {
        let names = route.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        // Good for every kind of name but a UUID, of which there is only one more.
        let nil = Uuid::nil().to_string();
        let value = |name: &str| match name {
            "customerId" | "cardId" | "recordId" => "1".to_owned(),
            _ => nil.clone(),
        };
        let params = names.map(|name| (name.to_owned(), value(name))).collect();
        let head = Head {
            caller: Caller::of_route(route),
            params,
            origin: Origin { actor: String::new(), address: None, request_id: String::new() },
            endpoint: String::new(),
            key: None,
            request_id: String::new(),
            received: Instant::now(),
            today: Date::MAX,
            fingerprint: [0; 32],
        };
        let notes = Some(Notes::default());
        Self { head, query: Map::new(), body: None, parts: Vec::new(), notes }
    }

    /// A line of a request of many: a request by itself, with a key that nobody can send, since
    /// keys hold no control characters.
    pub(crate) fn line(head: Head, number: u32, body: Value, fingerprint: [u8; 32]) -> Self {
        let key = head.key.as_ref().map(|key| format!("{key}\n{number}"));
        let head = Head { key, fingerprint, ..head };
        Self { head, query: Map::new(), body: Some(body), parts: Vec::new(), notes: None }
    }

    /// The request, come in just now: it waited for others.
    pub(crate) fn begun(mut self) -> Self {
        self.head.received = Instant::now();
        self
    }

    /// A field of the body as it was sent.
    pub(crate) fn field(&self, name: &str) -> Option<&Value> {
        self.body.as_ref()?.get(name)
    }

    /// A request of nothing but a body.
    #[cfg(test)]
    pub(crate) fn with_body(route: &str, body: Value) -> Self {
        let mut call = Self::empty(route);
        call.head.key = Some("key".to_owned());
        call.head.today = Date::constant(2026, 11, 21);
        Self { body: Some(body), notes: None, ..call }
    }

    /// What was asked for, where the request is [empty](Self::empty).
    pub(crate) fn into_notes(self) -> Notes {
        self.notes.unwrap_or_default()
    }

    /// The request without what was read.
    pub(crate) fn into_head(self) -> Head {
        self.head
    }

    /// The fields of the body, which must be there.
    pub(crate) fn fields(&self) -> Result<Fields<'_>, Problem> {
        match &self.body {
            Some(Value::Object(object)) => Ok(self.fields_of(object)),
            Some(_) => Err(Problem::unreadable("The body must be a JSON object.")),
            None if self.notes.is_some() => Ok(self.fields_of(&self.query)),
            None => Err(Problem::unreadable("The body is missing.")),
        }
    }

    /// The fields of the body, which may be missing: then there are none.
    pub(crate) fn fields_if_sent(&self) -> Result<Fields<'_>, Problem> {
        static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        match &self.body {
            None if self.notes.is_none() => Ok(self.fields_of(&NONE)),
            Some(_) | None => self.fields(),
        }
    }

    /// The fields of what is read as a body.
    pub(crate) fn fields_of<'a>(&'a self, object: &'a Map<String, Value>) -> Fields<'a> {
        Fields::of(object, self.notes.as_ref().map(|notes| &notes.body))
    }

    /// The form's texts, as fields: all but its files.
    pub(crate) fn texts_beside(&self, files: &[&str]) -> Map<String, Value> {
        let texts = self.parts.iter().filter(|part| !files.contains(&part.name.as_str()));
        let texts = texts.filter_map(|part| {
            let text = std::str::from_utf8(&part.bytes).ok()?;
            Some((part.name.clone(), Value::String(text.to_owned())))
        });
        texts.collect()
    }

    /// The form's parts, in order.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The parameters of the query, each of them a text.
    pub(crate) fn query(&self) -> Fields<'_> {
        Fields::of(&self.query, self.notes.as_ref().map(|notes| &notes.query))
    }

    /// Which page is asked for.
    pub(crate) fn page(&self) -> Result<Page, Problem> {
        let mut query = self.query();
        let after = number(0, i64::MAX, "must be the next of another page");
        let (limit, after) = Self::read_page(&mut query, after);
        query.finish()?;
        Ok(Page { limit, after })
    }

    /// How many items are asked for, and after which place.
    pub(crate) fn read_page<K>(query: &mut Fields<'_>, place: impl Reader<K>) -> (i64, Option<K>) {
        let limit = query.optional("limit", number(1, PAGE.1, "must be 1 to 200"));
        (limit.unwrap_or(PAGE.0), query.optional("after", place))
    }

    /// Says that the request must have an idempotency key.
    pub(crate) fn demand_key(&self, fields: &mut Fields<'_>) {
        if let Some(notes) = &self.notes {
            notes.key.store(true, Ordering::Relaxed);
        }
        if self.key.is_none() {
            fields.wrong("X-Idempotency-Key", "is required here");
        }
    }
}

/// A refusal as a problem.
pub(crate) fn refused(refusal: Refusal) -> Problem {
    app::Error::from(refusal).into()
}

impl FromRequest<Api> for Call {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let broken = |_| Problem::unreadable("The body broke off.");
        let bytes = to_bytes(body, usize::MAX).await.map_err(broken)?;
        let body = json_body(&parts.headers, &bytes)?;
        let canonical = body.as_ref().map(Value::to_string).unwrap_or_default();
        let head = head(&mut parts, api, &[canonical.as_bytes()]).await?;
        Ok(Self { head, query: query(&parts)?, body, parts: Vec::new(), notes: None })
    }
}

impl FromRequest<Api> for FormCall {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let form = Request::from_parts(parts.clone(), body);
        let wrong = |_| Problem::media_type("The body must be multipart/form-data.");
        let mut form = Multipart::from_request(form, api).await.map_err(wrong)?;
        let broken = |_| Problem::unreadable("The form can't be read.");
        let mut read = Vec::new();
        while let Some(part) = form.next_field().await.map_err(broken)? {
            let name = part.name().unwrap_or_default().to_owned();
            let bytes = part.bytes().await.map_err(broken)?.to_vec();
            read.push(Part { name, bytes });
        }
        let mut digested: Vec<&[u8]> = Vec::new();
        for part in &read {
            digested.extend([part.name.as_bytes(), part.bytes.as_slice()]);
        }
        let head = head(&mut parts, api, &digested).await?;
        let query = query(&parts)?;
        Ok(Self(Call { head, query, body: None, parts: read, notes: None }))
    }
}

/// What a request carries beside its body and query; the body is digested.
pub(crate) async fn head(parts: &mut Parts, api: &Api, body: &[&[u8]]) -> Result<Head, Problem> {
    let caller = parts.extensions.get::<Caller>().copied().ok_or_else(Problem::internal)?;
    let not_there = |_| Problem::not_found("NOT_FOUND", "There is no such route.");
    let params = RawPathParams::from_request_parts(parts, api).await.map_err(not_there)?;
    let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let method = &parts.method;
    let received = parts.extensions.get::<Received>().map_or_else(Instant::now, |at| at.0);
    Ok(Head {
        caller,
        params,
        endpoint: match caller {
            // Its path doesn't name the user, whose keys are its own.
            Caller::User(session) => format!("{method} {route} of user {}", session.user.0),
            // Keys are a person's own, whichever partner they act for.
            Caller::Admin(_, session) => format!("{method} {route} of {}", actor(session.account)),
            Caller::Partner(_)
            | Caller::Operator(..)
            | Caller::Processor(_)
            | Caller::App
            | Caller::Visitor => format!("{method} {route}"),
        },
        key: idempotency_key(method, &parts.headers)?,
        origin: origin(parts, caller, api),
        request_id: request_id(),
        received,
        today: api.app.today(),
        fingerprint: fingerprint(parts, api, body),
    })
}

/// The keyed digest of a request, or of a part of its body as if that were all of it.
pub(crate) fn fingerprint(parts: &Parts, api: &Api, body: &[&[u8]]) -> [u8; 32] {
    let (method, path) = (parts.method.as_str().as_bytes(), parts.uri.path().as_bytes());
    let mut digested: Vec<&[u8]> = vec![method, path];
    digested.extend(body);
    api.app.keyring.fingerprint(&digested)
}

/// Who sent a request, and from where.
fn origin(parts: &Parts, caller: Caller, api: &Api) -> Origin {
    let peer = parts.extensions.get::<Peer>();
    let actor = match caller {
        Caller::Partner(_) | Caller::Operator(..) => certificate_name(peer, api),
        Caller::Processor(id) => format!("processor:{}", id.0),
        Caller::User(session) => format!("user:{}", session.user.0),
        Caller::Admin(_, session) => actor(session.account),
        Caller::App => "app".to_owned(),
        Caller::Visitor => "visitor".to_owned(),
    };
    Origin { actor, address: peer.and_then(|peer| peer.address), request_id: request_id() }
}

/// Common name and serial number of a caller's certificate.
fn certificate_name(peer: Option<&Peer>, api: &Api) -> String {
    let settings = api.app.settings.get();
    let held = peer.and_then(|peer| settings.certificate(&peer.certificate?));
    // It was registered when it was checked, a moment ago.
    let (name, serial) =
        held.map_or(("", "unknown"), |held| (held.common_name.as_str(), held.serial.as_str()));
    format!("certificate:{}/{serial}", mask(name))
}

/// The parameters of a query, decoded; of two with one name the first counts.
fn query(parts: &Parts) -> Result<Map<String, Value>, Problem> {
    let mut query = Map::new();
    for (name, value) in pairs(parts.uri.query().unwrap_or_default())? {
        query.entry(name).or_insert(Value::String(value));
    }
    Ok(query)
}

fn pairs(text: &str) -> Result<Vec<(String, String)>, Problem> {
    serde_urlencoded::from_str(text).map_err(|_| Problem::unreadable("The query can't be read."))
}

/// 1 to 255 printable characters, once, on whatever changes something.
fn idempotency_key(method: &Method, headers: &HeaderMap) -> Result<Option<String>, Problem> {
    if !matches!(*method, Method::POST | Method::PUT | Method::DELETE) {
        return Ok(None);
    }
    let wrong = |message| Problem::invalid_field("X-Idempotency-Key", message);
    let mut sent = headers.get_all("x-idempotency-key").iter();
    let Some(value) = sent.next() else { return Ok(None) };
    if sent.next().is_some() {
        return Err(wrong("must be sent once"));
    }
    let printable = |text: &&str| {
        (1..=255).contains(&text.chars().count()) && text.chars().all(|c| !c.is_control())
    };
    let text = std::str::from_utf8(value.as_bytes()).ok().filter(printable);
    text.map(|text| Some(text.to_owned()))
        .ok_or_else(|| wrong("must be 1 to 255 printable characters"))
}

/// Reads a JSON body; an empty one is none.
fn json_body(headers: &HeaderMap, bytes: &[u8]) -> Result<Option<Value>, Problem> {
    if bytes.is_empty() {
        return Ok(None);
    }
    if !is_of(headers, "application/json") {
        return Err(Problem::media_type("The body must be application/json."));
    }
    json(bytes).map(Some)
}

/// Whether a body is of a media type, by its header.
pub(crate) fn is_of(headers: &HeaderMap, media: &str) -> bool {
    let told = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = told.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(media)
}

/// Reads JSON.
pub(crate) fn json(bytes: &[u8]) -> Result<Value, Problem> {
    let wrong = |_| Problem::unreadable("The body isn't JSON.");
    let value: Value = serde_json::from_slice(bytes).map_err(wrong)?;
    if depth(&value) > DEPTH_MAX {
        return Err(Problem::unreadable("The body is nested too deep."));
    }
    Ok(value)
}

/// How deep a value is nested. The parser itself stops at 128, so this ends.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(items) => 1 + items.values().map(depth).max().unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

#[cfg(test)]
mod tests;
