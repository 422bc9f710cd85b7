//! What comes over HTTP, through the router: the readers of bodies, queries and headers aren't
//! public by themselves.
//!
//! Where there are several routes, the first letter of an input chooses one.

use crate::doors::{Answer, Doors};
use crate::jwe;
use axum::http::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Posts or puts an input as JSON to the route that its first letter chooses; which one that was.
fn sent(data: &[u8], routes: &[Route]) -> Option<(usize, Answer)> {
    let doors = Doors::get();
    let (which, text) = chosen(data, routes.len())?;
    let Route { caller, method, path } = routes[which];
    let peer = match caller {
        Caller::Partner => &doors.partner,
        Caller::Processor => &doors.processor,
        Caller::Operator => &doors.operator,
    };
    let mut request = doors.request(peer, method, path).header("content-type", "application/json");
    if path.ends_with("/cards/virtual") {
        request = request
            .header("encrypt-response", "true")
            .header("public-key", jwe::KEY.public_header());
    }
    Some((which, doors.ask(request, doors.filled(&text))?))
}

/// The number that an input's first letter stands for, below `count`, and what follows it.
fn chosen(data: &[u8], count: usize) -> Option<(usize, String)> {
    let (first, rest) = data.split_first()?;
    let which = usize::from(first.wrapping_sub(b'a')) % count;
    Some((which, String::from_utf8_lossy(rest).into_owned()))
}

#[derive(Clone, Copy)]
enum Caller {
    Partner,
    Processor,
    Operator,
}

#[derive(Clone, Copy)]
struct Route {
    caller: Caller,
    method: &'static str,
    path: &'static str,
}

const fn route(caller: Caller, method: &'static str, path: &'static str) -> Route {
    Route { caller, method, path }
}

/// Messages of processors: authorizations, reversals, clearings.
pub fn processor(data: &[u8]) {
    const ROUTES: [Route; 3] = [
        route(Caller::Processor, "POST", "/processor/v1/authorizations"),
        route(Caller::Processor, "POST", "/processor/v1/reversals"),
        route(Caller::Processor, "POST", "/processor/v1/clearings"),
    ];
    if let Some((_, answer)) = sent(data, &ROUTES)
        && answer.status.is_success()
    {
        assert!(answer.json()["id"].is_string(), "whatever was understood has a transaction");
    }
}

/// The bodies of partners' calls: transfers, balances, cards, limits, locks.
pub fn secure(data: &[u8]) {
    use Caller::{Operator, Partner};
    const ROUTES: [Route; 15] = [
        route(Partner, "POST", "/secure/balances/@balance/transactions"),
        route(Operator, "POST", "/secure/balances/@balance/transactions"),
        route(Operator, "POST", "/secure/partner-balances/@deposit/transactions"),
        route(Partner, "POST", "/secure/partner-balances"),
        route(Partner, "POST", "/secure/balances"),
        route(Partner, "POST", "/secure/customers/@user/balances"),
        route(Partner, "POST", "/secure/customers/@user/cards/virtual"),
        route(Partner, "POST", "/secure/cards/virtual"),
        route(Partner, "POST", "/secure/customers/@user/cards/virtual/async"),
        route(Partner, "PUT", "/secure/customers/@user/cards/@card/limits"),
        route(Partner, "PUT", "/secure/customers/@user/limits"),
        route(Partner, "POST", "/secure/customers/@other-user/transactional-locks"),
        route(Partner, "POST", "/secure/customers/@other-user/cards/@other-card/lock"),
        route(Partner, "POST", "/secure/customers/@other-user/cards/@other-card/unlock"),
        route(Partner, "POST", "/secure/balances/@other-balance/lock"),
    ];
    sent(data, &ROUTES);
}

/// The bodies of `/lifecycle`: a user registered, a user changed.
pub fn lifecycle(data: &[u8]) {
    const ROUTES: [Route; 2] = [
        route(Caller::Partner, "POST", "/lifecycle/v1/wallet"),
        route(Caller::Partner, "PUT", "/lifecycle/v1/users/@other-user"),
    ];
    sent(data, &ROUTES);
}

/// Many clearings in one body: there is an answer for each line that isn't blank.
pub fn lines(data: &[u8]) {
    let doors = Doors::get();
    let request = doors.request(&doors.processor, "POST", "/processor/v1/clearings");
    let body = doors.filled(&String::from_utf8_lossy(data));
    let sent = body.split('\n').filter(|line| !line.trim_ascii().is_empty()).count();
    let request = request.header("content-type", "application/x-ndjson");
    if let Some(answer) = doors.ask(request, body)
        && answer.status.is_success()
    {
        let told: Vec<Value> = String::from_utf8_lossy(&answer.body)
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line is JSON"))
            .collect();
        assert_eq!(told.len(), sent, "an answer for each line");
        for line in told.iter().filter(|line| line.get("title").is_some()) {
            assert!(line["status"].as_u64() < Some(500), "{line}");
            assert!(!line.to_string().contains(crate::SECRET), "{line}");
        }
    }
}

/// Filters and page cursors: the cursor that a page tells is one.
pub fn query(data: &[u8]) {
    const ROUTES: [&str; 7] = [
        "/secure/balances/@balance/transactions",
        "/secure/transactions",
        "/secure/customers/@user/cards",
        "/secure/customers/@user/balances",
        "/secure/balances/@balance/statement",
        "/secure/partner-balances",
        "/lifecycle/v1/users",
    ];
    let doors = Doors::get();
    let Some((which, query)) = chosen(data, ROUTES.len()) else { return };
    let get = |query: &str| {
        let target = format!("{}?{query}", ROUTES[which]);
        doors.ask(doors.request(&doors.partner, "GET", &target), "")
    };
    let Some(answer) = get(&query) else { return };
    let next = match &answer.json()["next"] {
        Value::String(next) => next.clone(),
        Value::Number(next) => next.to_string(),
        _ => return,
    };
    // Of two with one name the first counts.
    let page = get(&format!("after={next}&{query}")).expect("a cursor can be asked for");
    assert!(page.status.is_success(), "{} to after={next}", page.status);
}

/// Whole requests: a line of method and target, lines of headers, a blank line, a body.
pub fn request(data: &[u8]) {
    let doors = Doors::get();
    let text = String::from_utf8_lossy(data);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let Some((method, target)) = lines.next().and_then(|line| line.split_once(' ')) else { return };
    let peer = if target.starts_with("/processor") { &doors.processor } else { &doors.partner };
    let mut request = doors.request(peer, method, target);
    let Some(headers) = request.headers_mut() else { return };
    let mut told = HashSet::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let (name, value) =
            (HeaderName::try_from(name), HeaderValue::try_from(doors.filled(value)));
        let (Ok(name), Ok(value)) = (name, value) else { return };
        // The first takes the place of what would be sent otherwise, a second one comes beside it.
        if told.insert(name.clone()) {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
    if let Some(answer) = doors.ask(request, doors.filled(body)) {
        let name = answer.headers.get("x-request-id").expect("every answer has a name");
        assert_eq!(testkit::luhn_runs(name.as_bytes()), Vec::<String>::new(), "{name:?}");
    }
}

/// Forms of KYC, `multipart/form-data` with the boundary `X`. `@png` is how a picture begins.
pub fn form(data: &[u8]) {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
    let doors = Doors::get();
    let mut body = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(4).position(|window| window == b"@png") {
        body.extend([&rest[..at], PNG].concat());
        rest = &rest[at + 4..];
    }
    body.extend(rest);
    let request = doors.request(&doors.partner, "POST", "/secure/customers/@user/verification");
    doors.ask(request.header("content-type", "multipart/form-data; boundary=X"), body);
}

/// Encrypted bodies: `a` and what is sent as it is, `b` and what is encrypted first. A success is
/// encrypted for who asked.
pub fn encrypted(data: &[u8]) {
    let doors = Doors::get();
    let Some((which, text)) = chosen(data, 2) else { return };
    let text = doors.filled(&text);
    let body = match which {
        0 => text,
        _ => json!({ "payload": jwe::encrypted(text.as_bytes()) }).to_string(),
    };
    let request = doors
        .request(&doors.processor, "POST", "/processor/v1/authorizations")
        .header("content-type", "application/json")
        .header("encrypted-request", "true")
        .header("public-key", jwe::KEY.public_header());
    if let Some(answer) = doors.ask(request, body)
        && answer.status.is_success()
    {
        let answer = answer.json();
        let token = answer["payload"].as_str().expect("a token");
        let plain = jwe::KEY.decrypt(token).expect("it is for this key");
        assert!(serde_json::from_slice::<Value>(&plain).is_ok(), "what is encrypted is JSON");
    }
}
