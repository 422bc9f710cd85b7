//! The process that plays the partners of a measurement: it takes what they are told of
//! transactions, checks the signatures and counts.

use crate::failure::Failure;
use crate::listener::Listener;
use crate::sandbox::calls::LIMITS;
use crate::serve::input_ends;
use crate::{clock, output, tls};
use app::tasks::Tasks;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use simulator::partner::{self, Partner, Secrets};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

/// How long open connections may take to end.
const END: Duration = Duration::from_secs(5);

/// What it is given, on one line, through a pipe: keys of this measurement alone.
#[derive(Serialize, Deserialize)]
pub(super) struct Part {
    /// The authority of who calls, PEM.
    pub(super) authority: String,
    /// Its own certificate, PEM.
    pub(super) certificate: String,
    /// The certificate's key, PEM.
    pub(super) key: String,
    /// What the calls to each partner are signed with, base64, by the partner's code.
    pub(super) secrets: BTreeMap<String, String>,
}

/// What it says, a line each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Said {
    /// Where it listens.
    Port(u16),
    /// How often each partner was called, by its code, in the end.
    Called(BTreeMap<String, i64>),
}

/// Plays the partners until the standard input ends.
pub(super) async fn run() -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(format!("The partner can't be played: {error}."))
    };
    let mut line = Zeroizing::new(String::new());
    let mut input = BufReader::new(tokio::io::stdin());
    input.read_line(&mut line).await.map_err(|error| failed(&error))?;
    let part: Part = serde_json::from_str(&line).map_err(|_| failed(&"its part isn't JSON"))?;
    let decoded = part.secrets.iter().map(|(code, secret)| {
        STANDARD.decode(secret.as_bytes()).map(|secret| (code.clone(), Zeroizing::new(secret)))
    });
    let kept: Result<BTreeMap<_, _>, _> = decoded.collect();
    let kept = kept.map_err(|_| failed(&"a secret isn't base64"))?;

    let tls = tls::server_config_for_known(&part.authority, &part.certificate, &part.key)?;
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let socket = socket.map_err(|error| failed(&error))?;
    let port = socket.local_addr().map_err(|error| failed(&error))?.port();
    let secrets: Secrets = Arc::new(move |code| {
        let known = kept.get(&code).cloned();
        Box::pin(async move { known.into_iter().collect() })
    });
    let partner = Partner::new(secrets, clock::real());
    let tasks = Tasks::default();
    let listener = Listener {
        tls: Some(TlsAcceptor::from(tls)),
        router: partner::router(partner.clone()),
        tasks: tasks.clone(),
        limits: LIMITS,
    };
    drop(tasks.run(listener.run(socket)));
    say(&Said::Port(port));
    input_ends().await;
    tasks.finish(END).await;
    let called = part.secrets.into_keys().map(|code| {
        let count = partner.count(&code);
        (code, count)
    });
    say(&Said::Called(called.collect()));
    Ok(())
}

fn say(said: &Said) {
    if let Ok(line) = serde_json::to_string(said) {
        output::line(&line);
    }
}
