//! Issuing through the partner's channel: HTTPS with a client certificate, encrypted.

use super::super::ground::{CONFIG_ID, Ground};
use super::super::over_https::start_server;
use super::super::report::Issued;
use super::{Caller, drive};
use crate::cli::{CardsArgs, Encrypted};
use crate::failure::Failure;
use crate::output::Progress;
use app::preload::{BenchPartner, Holding};
use crypto::jwe::{PrivateKey, PublicKey};
use serde_json::{Value, json};
use simulator::load::connection::{Connection, Identity};
use simulator::load::tally::Outcome;
use std::path::Path;
use std::sync::Arc;

const PATH: &str = "/secure/cards/virtual";

/// Measures.
pub(super) async fn measure(
    ground: &Ground,
    arguments: &CardsArgs,
    encrypted: Encrypted,
    progress: &Progress,
) -> Result<Issued, Failure> {
    let mut opened = ground.prepare(&[BenchPartner::Measured], progress).await?;
    let from = opened.fill_range(arguments.filled).await?;
    let identity = opened.identity_of_measured().await?;
    let holders: Arc<[_]> = opened.take_cards().into_iter().flatten().collect();
    opened.close().await?;

    progress.tell(|| "Starting the server…".to_owned());
    let mut server = start_server(ground.dir(), arguments.callers).await?;
    let callers = connect(ground.dir(), arguments.callers, &identity, encrypted, &holders).await;
    let issued = match callers {
        Ok(callers) => Ok(drive(callers, arguments.count, server.id(), progress).await),
        Err(failure) => Err(failure),
    };
    progress.tell(|| "Stopping the server…".to_owned());
    let ended = server.end().await?;
    let issued = issued?;
    if !ended.success() {
        return Err(server.gone());
    }
    let opened = ground.open(&[BenchPartner::Measured]).await?;
    let to = opened.range().await?;
    opened.close().await?;
    Ok(Issued { range: Some((from, to)), ..issued })
}

/// One connection for each caller.
async fn connect(
    dir: &Path,
    callers: u32,
    identity: &Identity,
    encrypted: Encrypted,
    holders: &Arc<[Holding]>,
) -> Result<Vec<OverHttps>, Failure> {
    let failed = |error| Failure::new(format!("The server can't be called: {error}."));
    let caller = Arc::new(identity.caller(dir).map_err(failed)?);
    let own: Arc<str> = PrivateKey::generate().public_header().into();
    let mut all: Vec<OverHttps> = Vec::new();
    for _ in 0..callers {
        let mut connection = Connection::open(caller.clone()).await.map_err(failed)?;
        let server = match all.first() {
            Some(first) => first.server.clone(),
            None => Arc::new(public_key(&mut connection).await?),
        };
        let (own, holders) = (own.clone(), holders.clone());
        all.push(OverHttps { connection, encrypted, own, server, holders });
    }
    Ok(all)
}

/// The key that requests are encrypted for.
async fn public_key(connection: &mut Connection) -> Result<PublicKey, Failure> {
    let answer = connection.get("/secure/public-key").await;
    let answer = answer.map_err(|error| Failure::new(format!("The server's key: {error}.")))?;
    let told: Value = serde_json::from_slice(&answer.1).unwrap_or_default();
    let key = told["publicKey"].as_str().unwrap_or_default();
    PublicKey::parse(key).map_err(|_| Failure::new("The server's key can't be used."))
}

/// Calls over one connection. Answers are looked at, not decrypted: that is the partner's work.
struct OverHttps {
    connection: Connection,
    encrypted: Encrypted,
    /// The caller's own key, as the header tells it.
    own: Arc<str>,
    server: Arc<PublicKey>,
    holders: Arc<[Holding]>,
}

impl Caller for OverHttps {
    async fn issue(&mut self, number: usize) -> Outcome {
        let holding = &self.holders[number % self.holders.len()];
        let plain = json!({
            "balanceId": holding.balance.0,
            "configId": CONFIG_ID,
            "dcUserId": holding.holder.0,
        });
        let plain = plain.to_string();
        let (flag, body) = match self.encrypted {
            Encrypted::Response => ("encrypt-response", plain),
            Encrypted::Request => {
                let payload = self.server.encrypt(None, plain.as_bytes());
                ("encrypted-request", json!({ "payload": payload }).to_string())
            }
        };
        let key = app::ids::random_id().to_string();
        let headers = [("x-idempotency-key", &*key), (flag, "true"), ("public-key", &*self.own)];
        match self.connection.post(PATH, &headers, body).await {
            Ok((status, body)) if status == 201 && body.starts_with(br#"{"payload":""#) => {
                Outcome::Approved
            }
            Ok((status, body)) => {
                let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
                let title = problem["title"].as_str().unwrap_or_default();
                Outcome::Error(format!("answered with status {status} {title}"))
            }
            Err(error) => Outcome::Error(error.to_string()),
        }
    }
}
