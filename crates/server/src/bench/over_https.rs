//! The measurement through the processor's channel: HTTPS with client certificates, each answer
//! durable, the partners told of every transaction.

use super::child::Process;
use super::generator::Said;
use super::ground::{Ground, Opened};
use super::report::{Memory, Phase, Report, memory, processor_time};
use super::{in_turn, partner};
use crate::cli::BenchArgs;
use crate::failure::Failure;
use crate::output::Progress;
use crate::sandbox::calls::server_of;
use app::outbound::Kept;
use app::preload::{BenchPartner, Holding};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use simulator::partner::Partner;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

/// How long the server may take to be ready.
const START: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);
/// What the server allows beside the connections that are measured.
const SPARE: u32 = 64;

/// Measures.
pub(super) async fn measure(
    ground: &Ground,
    arguments: &BenchArgs,
    progress: &Progress,
) -> Result<Report, Failure> {
    let mut opened = ground.prepare(arguments.partners(), progress).await?;
    let cards = opened.take_cards();
    let partner = start_partner(&opened).await;
    opened.close().await?;
    let mut partner = partner?;

    progress.tell(|| "Starting the server…".to_owned());
    let mut server = start_server(ground.dir(), arguments.connections_allowed()).await?;
    let numbers = numbers(&cards);
    let load = Sending { dir: ground.dir(), arguments, numbers: &numbers, server: server.id() };
    let mut report = in_turn(arguments, async |rates| load.drive(&rates, progress).await).await;
    progress.tell(|| "Stopping the server…".to_owned());
    let ended = server.end().await;
    let told = end_partner(&mut partner).await;
    if let Ok(report) = &mut report {
        let told = told?;
        let told = |of: BenchPartner| told.get(of.code()).copied();
        report.notified = told(BenchPartner::Measured);
        if let Some(fairness) = &mut report.fairness {
            fairness.notified = told(BenchPartner::Greedy);
        }
    }
    let report = report?;
    if ended?.success() { Ok(report) } else { Err(server.gone()) }
}

/// Starts the partners' server, and has every transaction told there.
async fn start_partner(opened: &Opened) -> Result<Process, Failure> {
    let authority = opened.authority()?;
    let desk = &opened.sandbox.desk;
    let (certificate, key) = server_of(&authority, (desk.real_time)())?;
    let mut secrets = BTreeMap::new();
    for party in opened.partners() {
        // A partner has a secret as soon as anything is known of how it is called.
        opened.tell_at(party.id, "https://localhost:65535".to_owned()).await?;
        let settings = desk.app.settings.get();
        let outbound = settings.outbound(party.id);
        let outbound = outbound.ok_or_else(|| Failure::new("The partner can't be called."))?;
        let secret = desk.app.open_outbound(party.id, Kept::Secret, &outbound.secret).await?;
        secrets.insert(party.of.code().to_owned(), STANDARD.encode(&*secret));
    }
    let part = partner::Part {
        authority: authority.certificate_pem().to_owned(),
        certificate,
        key: key.to_string(),
        secrets,
    };
    let line = serde_json::to_string(&part).map(|line| Zeroizing::new(line + "\n"));
    let line = line.map_err(|_| Failure::new("The partner's part can't be written."))?;
    let mut process = Process::start("partner", ["bench", "partner"], &[])?;
    process.say(line.as_bytes()).await?;
    match process.heard().await? {
        Some(partner::Said::Port(port)) => {
            let server = format!("https://localhost:{port}");
            for party in opened.partners() {
                opened.tell_at(party.id, Partner::base_url(&server, party.of.code())).await?;
            }
            Ok(process)
        }
        Some(partner::Said::Called(_)) | None => Err(process.gone()),
    }
}

/// Ends it and learns how often each partner was called.
async fn end_partner(partner: &mut Process) -> Result<BTreeMap<String, i64>, Failure> {
    let ended = partner.end().await;
    let told = partner.heard().await?;
    ended?;
    Ok(match told {
        Some(partner::Said::Called(counts)) => counts,
        Some(partner::Said::Port(_)) | None => BTreeMap::new(),
    })
}

/// Starts a sandbox that allows this many connections of one caller, and waits until it serves.
pub(super) async fn start_server(dir: &Path, connections: u32) -> Result<Process, Failure> {
    let file = dir.join("sandbox.json");
    // A file that a killed sandbox left tells of a server that isn't there.
    let _ = std::fs::remove_file(&file);
    let allowed = |least: u32| least.max(connections + SPARE).to_string();
    let variables = [
        ("ANTACA_LIMITS_CONNECTIONS", allowed(4096)),
        ("ANTACA_LIMITS_CONNECTIONS_PER_CERTIFICATE", allowed(256)),
        ("ANTACA_LIMITS_CONNECTIONS_PER_ADDRESS", allowed(64)),
        ("ANTACA_LIMITS_PROCESSOR_REQUESTS_AT_ONCE", allowed(4096)),
        ("ANTACA_LIMITS_REQUESTS_AT_ONCE", allowed(1024)),
        ("ANTACA_LIMITS_REQUESTS_PER_SECOND", "0".to_owned()),
        ("ANTACA_JWE_PRIVATE_OPERATIONS", "100000".to_owned()),
    ];
    let any = "127.0.0.1:0";
    let dir = dir.as_os_str();
    let arguments =
        ["sandbox", "--stop-with-input", "--listen", any, "--operations", any, "--data"];
    let arguments = arguments.into_iter().map(AsRef::as_ref).chain([dir]);
    let mut server = Process::start("server", arguments, &variables)?;
    let begun = Instant::now();
    while !file.exists() {
        if server.is_over() {
            return Err(server.gone());
        }
        if begun.elapsed() > START {
            return Err(Failure::new("The server isn't ready after a minute."));
        }
        sleep(LOOK).await;
    }
    Ok(server)
}

/// What a phase is sent with, and to whom.
struct Sending<'a> {
    dir: &'a Path,
    arguments: &'a BenchArgs,
    numbers: &'a [u8],
    server: u32,
}

impl Sending<'_> {
    /// Has the generator send the load, so many messages a second of each partner, and looks at the
    /// server meanwhile.
    async fn drive(&self, rates: &[Option<u64>], progress: &Progress) -> Result<Phase, Failure> {
        let server = self.server;
        let mut generator = self.start_generator(rates)?;
        generator.say(self.numbers).await?;
        generator.close_input();
        let mut seen = Memory::default();
        let mut before = None;
        loop {
            seen = seen.max(memory(server));
            match generator.heard().await? {
                Some(Said::Progress(connected, answered)) => progress
                    .tell(|| format!("{connected} connections, {answered} messages answered…")),
                Some(Said::Begun) => {
                    before = processor_time(server).zip(processor_time(generator.id()));
                }
                Some(Said::Ended(figures)) => {
                    let after = processor_time(server).zip(processor_time(generator.id()));
                    let spent = before.zip(after).map(|(before, after)| {
                        (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1))
                    });
                    let memory = seen.max(memory(server));
                    generator.end().await?;
                    let (cpu, generator_cpu) = spent.unzip();
                    return Ok(Phase { figures, cpu, generator_cpu, memory });
                }
                None => return Err(generator.gone()),
            }
        }
    }

    fn start_generator(&self, rates: &[Option<u64>]) -> Result<Process, Failure> {
        let load = self.arguments.load();
        let mut options = vec!["bench".to_owned(), "generator".to_owned()];
        for (name, value) in [
            ("--connections", load.connections.to_string()),
            ("--threads", load.threads.to_string()),
            ("--warm-up", load.warm_up.as_secs().to_string()),
            ("--duration", load.duration.as_secs().to_string()),
        ] {
            options.extend([name.to_owned(), value]);
        }
        for rate in rates.iter().flatten() {
            options.extend(["--rate".to_owned(), rate.to_string()]);
        }
        let options = options.iter().map(AsRef::as_ref);
        let dir = ["--data".as_ref(), self.dir.as_os_str()];
        Process::start("load generator", options.chain(dir), &[])
    }
}

/// The card numbers as the generator reads them.
fn numbers(partners: &[Vec<Holding>]) -> Zeroizing<Vec<u8>> {
    let count: usize = partners.iter().map(Vec::len).sum();
    let mut lines = Zeroizing::new(Vec::with_capacity(count * 17 + partners.len()));
    for (number, cards) in partners.iter().enumerate() {
        if number > 0 {
            lines.push(b'\n');
        }
        for holding in cards {
            #[expect(
                clippy::disallowed_methods,
                reason = "given to the load generator, by a pipe"
            )]
            lines.extend_from_slice(holding.pan.expose().as_bytes());
            lines.push(b'\n');
        }
    }
    lines
}
