//! How long one authorization takes over HTTPS on a warm connection: purchases of one minor unit,
//! one after the other, each durable before its answer.
//!
//! ```sh
//! cargo run --release -p simulator --example latency -- DIR CARD COUNT
//! ```
//!
//! DIR is the folder of a running sandbox, CARD a card whose balance covers COUNT minor units.

use simulator::{Authorization, Target};
use std::path::Path;
use std::time::{Duration, Instant};

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.install_default().map_err(|_| "a provider is installed already")?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, card, count] = arguments.as_slice() else {
        return Err("usage: latency DIR CARD COUNT".into());
    };
    let (card, count): (i64, usize) = (card.parse()?, count.parse()?);
    let target = Target::of_sandbox(Path::new(folder))?;
    let mut times = Vec::with_capacity(count);
    for number in 0..count + 100 {
        let begun = Instant::now();
        #[expect(clippy::disallowed_methods, reason = "the network's time is the real time")]
        let answer =
            target.authorize(&Authorization::purchase(card, 1), jiff::Timestamp::now()).await?;
        if answer["approved"] != true {
            return Err(format!("declined: {}", answer["description"]).into());
        }
        // The first hundred warm connection and caches up.
        if number >= 100 {
            times.push(begun.elapsed());
        }
    }
    times.sort_unstable();
    let at = |hundredth: usize| times[(times.len() * hundredth / 100).min(times.len() - 1)];
    let told = |time: Duration| time.as_micros().to_string();
    println!(
        "{count} authorizations, microseconds: p50 {} p90 {} p99 {} most {}",
        told(at(50)),
        told(at(90)),
        told(at(99)),
        told(at(100)),
    );
    Ok(())
}
