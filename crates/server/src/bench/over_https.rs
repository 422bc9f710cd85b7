//! The measurement through the processor's channel: HTTPS with client certificates, each answer
//! durable, the partners told of every transaction.

use super::child::Process;
use super::generator::{Said, Sent};
use super::ground::{Ground, Opened};
use super::played::{Counts, Played};
use super::report::{Memory, Phase, Report, memory, processor_time};
use super::{Offer, in_turn, isolation};
use crate::cli::BenchArgs;
use crate::failure::Failure;
use crate::output::Progress;
use app::preload::{BenchPartner, Holding};
use domain::partner::AuthorizationMode;
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
    ground: &mut Ground,
    arguments: &BenchArgs,
    progress: &Progress,
) -> Result<Report, Failure> {
    if let Some(count) = arguments.hanging {
        return isolation::measure(ground, (arguments, count), progress).await;
    }
    let mut begun = Begun::begin(ground, arguments, progress).await?;
    let load = begun.load(ground, arguments);
    let drive = async |offers: Vec<Offer>| load.drive(&offers, None, progress).await;
    let report = in_turn(arguments, drive).await;
    progress.tell(|| "Stopping the server…".to_owned());
    let ended = begun.server.end().await;
    let counts = begun.played.end().await?;
    let mut report = report?;
    counted(&mut report, &counts, arguments);
    if ended?.success() { Ok(report) } else { Err(begun.server.gone()) }
}

/// Tells how often the partners were called.
pub(super) fn counted(report: &mut Report, counts: &Counts, arguments: &BenchArgs) {
    let of = |partner| counts.of(partner);
    let told = |partner| of(partner).map(|count| count.all - count.asked);
    report.notified = told(BenchPartner::Measured);
    report.asked = of(BenchPartner::Measured).map(|count| count.asked).zip(arguments.asked);
    if let Some(fairness) = &mut report.fairness {
        fairness.notified = told(BenchPartner::Greedy);
    }
}

/// A server with the partners of a measurement.
pub(super) struct Begun {
    pub(super) server: Process,
    pub(super) played: Played,
    numbers: Zeroizing<Vec<u8>>,
}

impl Begun {
    /// Prepares the ground, and starts the partners and a server upon it.
    pub(super) async fn begin(
        ground: &Ground,
        arguments: &BenchArgs,
        progress: &Progress,
    ) -> Result<Self, Failure> {
        let mut opened = ground.prepare(&arguments.partners(), progress).await?;
        let numbers = numbers(&opened.take_cards());
        let played = start_partners(&opened, arguments).await;
        opened.close().await?;
        let played = played?;
        progress.tell(|| "Starting the server…".to_owned());
        let server = start_server(ground.dir(), arguments.connections_allowed()).await?;
        Ok(Self { server, played, numbers })
    }

    /// What is sent to it.
    pub(super) fn load<'a>(&'a self, ground: &'a Ground, arguments: &'a BenchArgs) -> Sending<'a> {
        Sending { dir: ground.dir(), arguments, numbers: &self.numbers, server: self.server.id() }
    }
}

/// Starts the partners, and has them asked if that is wanted.
async fn start_partners(opened: &Opened, arguments: &BenchArgs) -> Result<Played, Failure> {
    if arguments.asked.is_some() {
        let at_once = Some(arguments.asks_at_once);
        opened.set_mode(AuthorizationMode::Shared, at_once).await?;
    }
    Played::start(opened, arguments.how()).await
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
        ("ANTACA_LIMITS_ANONYMOUS_REQUESTS_PER_SECOND", "0".to_owned()),
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
pub(super) struct Sending<'a> {
    dir: &'a Path,
    /// The options of the measurement.
    pub(super) arguments: &'a BenchArgs,
    numbers: &'a [u8],
    server: u32,
}

impl Sending<'_> {
    /// Has the generator send the load of each partner, so many of which, from the first on, are
    /// also told of together, and looks at the server meanwhile.
    pub(super) async fn drive(
        &self,
        offers: &[Offer],
        together: Option<usize>,
        progress: &Progress,
    ) -> Result<Phase, Failure> {
        let server = self.server;
        let mut generator = self.start_generator(offers, together)?;
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
                Some(Said::Ended(Sent { each: figures, together })) => {
                    let after = processor_time(server).zip(processor_time(generator.id()));
                    let spent = before.zip(after).map(|(before, after)| {
                        (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1))
                    });
                    let memory = seen.max(memory(server));
                    generator.end().await?;
                    let (cpu, generator_cpu) = spent.unzip();
                    return Ok(Phase { figures, together, cpu, generator_cpu, memory });
                }
                None => return Err(generator.gone()),
            }
        }
    }

    fn start_generator(
        &self,
        offers: &[Offer],
        together: Option<usize>,
    ) -> Result<Process, Failure> {
        let load = self.arguments.load();
        let mut options = vec!["bench".to_owned(), "generator".to_owned()];
        for (name, value) in [
            ("--threads", load.threads.to_string()),
            ("--warm-up", load.warm_up.as_secs().to_string()),
            ("--duration", load.duration.as_secs().to_string()),
        ] {
            options.extend([name.to_owned(), value]);
        }
        for offer in offers {
            options.extend(["--connections".to_owned(), offer.connections.to_string()]);
            let rate = offer.rate.map(|rate| ["--rate".to_owned(), rate.to_string()]);
            options.extend(rate.into_iter().flatten());
        }
        let together = together.map(|count| ["--together".to_owned(), count.to_string()]);
        options.extend(together.into_iter().flatten());
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
