//! The measurement of an import: so many users in one body, over HTTPS with a partner's
//! certificate, each line answered; and the same body once more, of which all is done.

use super::ground::{Ground, Opened};
use super::over_https::start_server;
use super::report::{Imported, Pass, memory, processor_time};
use crate::cli::ImportBenchArgs;
use crate::failure::Failure;
use crate::output::Progress;
use app::preload::BenchPartner;
use serde_json::{Value, json};
use simulator::load::connection::{Connection, Identity};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const PATH: &str = "/lifecycle/v1/import";
/// How often a person is told how far it is, in lines.
const OFTEN: u64 = 2_000;

/// Measures.
pub(super) async fn measure(
    ground: &Ground,
    arguments: &ImportBenchArgs,
    progress: &Progress,
) -> Result<Imported, Failure> {
    let opened: Opened = ground.prepare(&[BenchPartner::Measured], progress).await?;
    let identity = opened.identity_of_measured().await?;
    opened.close().await?;

    progress.tell(|| "Starting the server…".to_owned());
    let mut server = start_server(ground.dir(), 1).await?;
    let sending = Sending {
        dir: ground.dir(),
        identity: &identity,
        key: app::ids::random_id().to_string(),
        body: body(arguments.count),
        server: server.id(),
        progress,
    };
    let passes = async {
        let first = sending.pass().await?;
        Ok::<_, Failure>(Imported { first, again: sending.pass().await? })
    };
    let passes = passes.await;
    progress.tell(|| "Stopping the server…".to_owned());
    let ended = server.end().await?;
    let passes = passes?;
    if ended.success() { Ok(passes) } else { Err(server.gone()) }
}

/// Users that nobody else has, a line each.
fn body(count: u32) -> String {
    let run = app::ids::random_id();
    // With it phones have 15 digits.
    let phones = 100_000_000_000_000 + run.as_u128() % 800_000_000 * 1_000_000;
    let line = |number: u32| {
        let user = json!({
            "firstName": "Bench",
            "lastName": format!("Import {number}"),
            "phone": (phones + u128::from(number)).to_string(),
            "email": format!("import-{number}@{}.example", run.simple()),
            "birthDate": "1990-05-17",
            "state": "VERIFIED",
            "kyc": "SUCCESS",
            "externalId": format!("import-{number}"),
            "address": {
                "street": "Main Street",
                "number": "1",
                "city": "Warsaw",
                "postCode": "00-001",
                "country": "PL",
            },
        });
        format!("{user}\n")
    };
    (0..count).map(line).collect()
}

/// What is sent, and who looks on.
struct Sending<'a> {
    dir: &'a Path,
    identity: &'a Identity,
    key: String,
    body: String,
    server: u32,
    progress: &'a Progress,
}

impl Sending<'_> {
    /// Sends it once, over a connection of its own.
    async fn pass(&self) -> Result<Pass, Failure> {
        let failed = |error| Failure::new(format!("The server can't be called: {error}."));
        let caller = Arc::new(self.identity.caller(self.dir).map_err(failed)?);
        let mut connection = Connection::open(caller).await.map_err(failed)?;
        let code = BenchPartner::Measured.code();
        let headers = [
            ("content-type", "application/x-ndjson"),
            ("issuer-code", &*code),
            ("x-idempotency-key", &*self.key),
        ];
        let (begun, before) = (Instant::now(), processor_time(self.server));
        let mut pass = Pass::default();
        let told = connection.post_lines(PATH, &headers, self.body.clone(), |line| {
            self.heard(&mut pass, line);
        });
        let status =
            told.await.map_err(|error| Failure::new(format!("The import broke off ({error}).")))?;
        if status != 200 {
            pass.error(format!("answered with status {status}"));
        }
        pass.elapsed = begun.elapsed();
        pass.memory = pass.memory.max(memory(self.server));
        let spent = before.zip(processor_time(self.server));
        pass.cpu = spent.map(|(before, after)| after.saturating_sub(before));
        Ok(pass)
    }

    fn heard(&self, pass: &mut Pass, line: &[u8]) {
        let told: Value = serde_json::from_slice(line).unwrap_or_default();
        match told["status"].as_u64() {
            Some(201) => pass.users += 1,
            _ => pass.error(told["title"].as_str().unwrap_or("no answer").to_owned()),
        }
        if pass.users.is_multiple_of(OFTEN) {
            pass.memory = pass.memory.max(memory(self.server));
            self.progress.tell(|| format!("{} users…", pass.users));
        }
    }
}
