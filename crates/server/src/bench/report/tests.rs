//! What is told of a measurement, and in which units.

use super::*;

#[test]
fn figures_are_told_in_their_units() {
    let figures = Figures {
        approved: 900,
        declined: 100,
        elapsed: 2_000_000,
        p50: 1_234,
        p99: 20_000,
        ..Figures::default()
    };
    let cpu = Some(Duration::from_millis(1_500));
    let memory = Memory { resident: Some(2_048), anonymous: None };
    let told = Report { figures, cpu, memory, ..Report::default() }.json();
    assert_eq!(told["throughput"], 500.0);
    assert_eq!((&told["p50_ms"], &told["p99_ms"]), (&1.234.into(), &20.0.into()));
    assert_eq!((&told["cpu_seconds"], &told["rss_mib"]), (&1.5.into(), &2.0.into()));
    assert_eq!(told["rss_anon_mib"], Value::Null);
    assert_eq!(told["ledger_verified"], true);
    let faults = vec!["balance 1: …".to_owned()];
    assert_eq!(Report { faults, ..Report::default() }.json()["ledger_verified"], false);
}

#[test]
fn a_greedy_partner_is_told_of_beside_the_one_that_is_measured() {
    let of = |p99, refused| Figures { approved: 10, p99, refused, ..Figures::default() };
    let phase = |figures: [Figures; 2]| Phase { figures: figures.into(), ..Phase::default() };
    let at_share = phase([of(4_000, 0), of(5_000, 0)]);
    let report = Report::beside_greed(at_share, phase([of(6_000, 0), of(900_000, 7)]), 10, 300);
    let told = report.json();
    assert_eq!((&told["p99_ms"], &told["at_share"]["p99_ms"]), (&6.0.into(), &4.0.into()));
    assert_eq!(told["p99_ratio"], 1.5);
    assert_eq!((&told["refused"], &told["errors"]), (&0.into(), &0.into()), "not its own");
    let greedy = &told["greedy"];
    assert_eq!((&greedy["times"], &greedy["rate"]), (&10.into(), &300.into()));
    assert_eq!((&greedy["p99_ms"], &greedy["refused"]), (&900.0.into(), &7.into()));
    assert!(report.text().contains("p99, times what it was   1.5"), "{}", report.text());
    assert_eq!(Report::default().json().get("greedy"), None);
}

#[test]
fn the_system_tells_of_this_process() {
    let process = std::process::id();
    assert!(processor_time(process).is_some());
    assert!(memory(process).anonymous > Some(0));
    assert!(processor_time(u32::MAX).is_none());
}
