//! The measurement of partners beside one that hangs: all are asked about each authorization and
//! offered as much, first while all answer, then while one of them answers nothing.

use super::Offer;
use super::ground::Ground;
use super::over_https::{Begun, counted};
use super::played::Counts;
use super::report::Report;
use crate::cli::BenchArgs;
use crate::failure::Failure;
use crate::output::Progress;
use app::preload::BenchPartner;

/// For how many seconds a message may wait at a partner that hangs: longer than a processor does.
/// So many connections are there for it that it is offered as much as the others all the while.
const HELD: u64 = 6;
/// Connections of one partner's load at most.
const CONNECTIONS_MAX: u32 = 16_384;

/// The partners of such a measurement; the last is the one that will hang.
pub(super) fn partners(count: u8) -> Vec<BenchPartner> {
    let others = (0..count.saturating_sub(1)).map(BenchPartner::Another);
    std::iter::once(BenchPartner::Measured).chain(others).collect()
}

/// What is sent of each of them.
pub(super) fn offers(arguments: &BenchArgs, count: u8) -> Vec<Offer> {
    let rate = arguments.rate.map(u64::from);
    let offer = Offer { rate, connections: arguments.connections };
    let held = u32::try_from(rate.unwrap_or(0).saturating_mul(HELD)).unwrap_or(u32::MAX);
    let connections = arguments.connections.max(held).min(CONNECTIONS_MAX);
    let mut offers = vec![offer; count.into()];
    if let Some(last) = offers.last_mut() {
        last.connections = connections;
    }
    offers
}

/// Measures: the second phase on a ground of its own, so that it finds as small a database as the
/// first, unless the options name a ground that is kept.
pub(super) async fn measure(
    ground: &mut Ground,
    (arguments, count): (&BenchArgs, u8),
    progress: &Progress,
) -> Result<Report, Failure> {
    let offers = offers(arguments, count);
    let others = Some(offers.len().saturating_sub(1));
    let mut begun = Begun::begin(ground, arguments, progress).await?;
    let answered = begun.load(ground, arguments).drive(&offers, others, progress).await?;
    let mut faults = Vec::new();
    if let Some(fresh) = ground.fresh()? {
        end(begun, progress).await?;
        faults = ground.verify().await?;
        *ground = fresh;
        begun = Begun::begin(ground, arguments, progress).await?;
    }
    if let Some(hanging) = partners(count).last() {
        begun.played.hang(*hanging).await?;
    }
    let hanging = begun.load(ground, arguments).drive(&offers, others, progress).await?;
    let counts = end(begun, progress).await?;
    let mut report = Report::beside_hanging(answered, hanging, count);
    counted(&mut report, &counts, arguments);
    report.faults = faults;
    Ok(report)
}

/// Stops the partners, since calls that nobody answers would hold the server up, and the server.
async fn end(begun: Begun, progress: &Progress) -> Result<Counts, Failure> {
    progress.tell(|| "Stopping the server…".to_owned());
    let Begun { mut server, played, .. } = begun;
    let counts = played.end().await?;
    if server.end().await?.success() { Ok(counts) } else { Err(server.gone()) }
}
