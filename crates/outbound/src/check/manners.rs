//! What holds for all answers.

use super::player::{Checked, Manners, Player, Sending, warning, wrong};
use super::{Mode, Verdict};
use crate::SharedSecret;
use crate::client::Method;
use serde_json::{Value, json};
use std::collections::HashSet;

/// A secret that nobody has given us.
const WRONG_SECRET: &[u8] = b"a secret that signs nothing else";

pub(super) async fn check(player: &mut Player<'_>) {
    if !player.plan.secrets.is_empty() {
        let checked = signed(player).await;
        player.note("a wrong signature is refused", checked);
    }
    let checked = public_key(player).await;
    player.note("the public key for sensitive data", checked);
    let manners = std::mem::take(&mut player.manners);
    if player.plan.mode != Mode::Notifications {
        let expected = format!("an answer within {} ms", player.plan.patience.as_millis());
        let checked = none(&manners.late, Verdict::Wrong, &expected);
        player.note("debits and credits are answered in time", checked);
    }
    let expected = "Content-Type application/json, or application/problem+json of a refusal";
    player
        .note("bodies say that they are JSON", none(&manners.untyped, Verdict::Warning, expected));
    let expected = r#"{"title": "…", "detail": "…"}"#;
    player.note("refusals have a detail", none(&manners.bare, Verdict::Warning, expected));
    let expected = "204 without a body";
    player.note("what is done is answered 204", none(&manners.unusual, Verdict::Warning, expected));
    player.note("connections are kept open", kept_open(&manners));
}

/// Something harmless, signed by somebody else.
async fn signed(player: &mut Player<'_>) -> Checked {
    let path = match player.plan.mode {
        Mode::External => format!("/users/{}/balances", player.plan.user),
        Mode::Shared | Mode::Notifications => "/notifications/cardUnlocked".to_owned(),
    };
    let date = (player.plan.now)().strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string();
    let (method, body) = match player.plan.mode {
        Mode::External => (Method::Get, Value::Null),
        Mode::Shared | Mode::Notifications => {
            (Method::Post, json!({ "dcCardId": "11", "date": date }))
        }
    };
    let sending = Sending { method, path: &path, body: &body, key: player.id() };
    let (seen, _) = player.look(sending, &[SharedSecret::new(WRONG_SECRET)]).await;
    let sent = format!("{path}, webhook-signature by another secret");
    let expected = "401, or 403: anybody who gets to the server can send it";
    match seen {
        Ok(seen) if [401, 403].contains(&seen.answer.status) => Ok(()),
        Ok(seen) => Err(warning(&sent, expected, &seen.answer.status.to_string())),
        Err(error) => Err(warning(&sent, expected, &error.to_string())),
    }
}

async fn public_key(player: &mut Player<'_>) -> Checked {
    let came = player.get("/public-key").await?;
    let body = came.json();
    let key = body["publicKey"].as_str().filter(|_| came.status == 200);
    if key.is_some_and(|key| crypto::jwe::PublicKey::parse(key).is_ok()) {
        return Ok(());
    }
    let expected = r#"200 {"publicKey": "…"}, base64 of a PEM of an RSA key of 2048 to 4096 bits"#;
    Err(warning(&came.sent, expected, &came.shown()))
}

/// Nothing of this kind was seen; else the first, and how many there were.
fn none(seen: &[String], verdict: Verdict, expected: &str) -> Checked {
    let Some(first) = seen.first() else { return Ok(()) };
    let sent = format!("{} calls", seen.len());
    let fault = match verdict {
        Verdict::Wrong => wrong(&sent, expected, first),
        Verdict::Ok | Verdict::Warning => warning(&sent, expected, first),
    };
    Err(fault)
}

/// A new connection costs a handshake, of both sides' certificates.
fn kept_open(manners: &Manners) -> Checked {
    let answers = manners.connections.len();
    let connections: HashSet<_> = manners.connections.iter().collect();
    // A few are opened for two calls at once, or after an answer that didn't come.
    if answers < 5 || connections.len() <= answers / 2 {
        return Ok(());
    }
    let sent = format!("{answers} calls, one after the other");
    let came = format!("{} connections were needed", connections.len());
    Err(warning(&sent, "a connection is used for many calls", &came))
}
