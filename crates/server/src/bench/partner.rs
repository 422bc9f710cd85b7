//! The process that plays the partners of a measurement: it takes what they are told of
//! transactions and answers what they are asked, checks the signatures and counts.

use crate::config::Connections;
use crate::failure::Failure;
use crate::listener::Listener;
use crate::sandbox::calls;
use crate::{clock, output, tls};
use app::tasks::Tasks;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use simulator::partner::{self, Count, Manner, Manners, Mode, Pace, Partner, Secrets};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, BufReader, Stdin};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

/// How long open connections may take to end.
const END: Duration = Duration::from_secs(5);
/// We are the only caller, with a certificate for each of up to ten partners. Over HTTP/1.1 each
/// may have 1,024 questions and 64 notifications open.
const LIMITS: Connections =
    Connections { all: 16_384, per_certificate: 2_048, per_address: 2_048, ..calls::LIMITS };
/// What a partner agrees to, in minor units: all that a card for measuring has.
const LIMIT: i64 = 10_000_000_000;
/// What a partner that doesn't talk HTTP/2 offers.
const HTTP_1_1: &[u8] = b"http/1.1";

/// How the partners are played.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct How {
    /// After how many milliseconds they answer what they are asked, if they are.
    pub(super) asked_ms: Option<u64>,
    /// Whether they talk HTTP/1.1 alone.
    pub(super) http1: bool,
}

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
    /// What they do.
    pub(super) how: How,
}

/// What it is told after that, a line each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Order {
    /// From now on the partner of this code, of which there is one at most, answers nothing.
    Hang(String),
    /// It is to say how often each partner was called.
    Count,
}

/// What it says, a line each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Said {
    /// Where it listens.
    Port(u16),
    /// How often each partner was called, by its code: when it is asked, and in the end.
    Called(BTreeMap<String, Count>),
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
    let mut tls = Arc::unwrap_or_clone(tls);
    if part.how.http1 {
        tls.alpn_protocols = vec![HTTP_1_1.to_vec()];
    }
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let socket = socket.map_err(|error| failed(&error))?;
    let port = socket.local_addr().map_err(|error| failed(&error))?.port();
    let secrets: Secrets = Arc::new(move |code| {
        let known = kept.get(&code).cloned();
        Box::pin(async move { known.into_iter().collect() })
    });
    let hangs = Arc::new(OnceLock::new());
    let partner = Partner::new(secrets, clock::real(), manners(part.how, hangs.clone()));
    let tasks = Tasks::default();
    let listener = Listener {
        tls: Some(TlsAcceptor::from(Arc::new(tls))),
        router: partner::router(partner.clone()),
        tasks: tasks.clone(),
        limits: LIMITS,
    };
    drop(tasks.run(listener.run(socket)));
    say(&Said::Port(port));
    let called = || {
        let count = |code: &String| (code.clone(), partner.count(code));
        say(&Said::Called(part.secrets.keys().map(count).collect()));
    };
    while let Some(order) = heard(&mut input).await {
        match order {
            // A second one changes nothing.
            Order::Hang(code) => drop(hangs.set(code)),
            Order::Count => called(),
        }
    }
    // What hangs would never end.
    let end = if hangs.get().is_some() { Duration::ZERO } else { END };
    tasks.finish(end).await;
    called();
    Ok(())
}

/// The next order; none when the standard input ends, or says what isn't understood.
async fn heard(input: &mut BufReader<Stdin>) -> Option<Order> {
    let mut line = String::new();
    input.read_line(&mut line).await.ok()?;
    serde_json::from_str(&line).ok()
}

/// Who isn't asked is played as a sandbox plays it.
fn manners(how: How, hangs: Arc<OnceLock<String>>) -> Manners {
    Arc::new(move |code| {
        let Some(pause) = how.asked_ms.map(Duration::from_millis) else {
            return Manner::of_sandbox(code);
        };
        let is_hanging = hangs.get().is_some_and(|it| it == code);
        let pace = if is_hanging { Pace::Never } else { Pace::After(pause) };
        Manner { mode: Mode::Shared { limit: LIMIT }, pace }
    })
}

fn say(said: &Said) {
    if let Ok(line) = serde_json::to_string(said) {
        output::line(&line);
    }
}
