//! The measurement of partners beside one that hangs: all are asked about each authorization and
//! offered as much, first while all answer, then while one of them answers nothing.

use super::Offer;
use super::over_https::Sending;
use super::played::Played;
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

/// Measures.
pub(super) async fn measure(
    load: &Sending<'_>,
    count: u8,
    played: &mut Played,
    progress: &Progress,
) -> Result<Report, Failure> {
    let offers = offers(load.arguments, count);
    let others = Some(offers.len().saturating_sub(1));
    let answered = load.drive(&offers, others, progress).await?;
    if let Some(hanging) = partners(count).last() {
        played.hang(*hanging).await?;
    }
    let hanging = load.drive(&offers, others, progress).await?;
    Ok(Report::beside_hanging(answered, hanging, count))
}
