//! Servers and databases that die at random moments under load.

use crate::load::{Load, VARIABLES};
use crate::support::{Database, OwnPostgres, Sandbox};
use fastrand::Rng;

/// How often a server is killed, unless `ANTACA_SOAK_KILLS` says otherwise.
const KILLS: usize = 5;
/// How often a database is, unless `ANTACA_SOAK_DATABASE_CRASHES` says otherwise.
const DATABASE_CRASHES: usize = 1;

#[expect(clippy::disallowed_methods, reason = "a soak asks for more than a test")]
pub(crate) fn asked<T: std::str::FromStr>(variable: &str) -> Option<T> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

/// Random numbers; `ANTACA_SOAK_SEED` has those of another run again.
pub(crate) fn random() -> Rng {
    let seed = asked("ANTACA_SOAK_SEED").unwrap_or_else(|| fastrand::u64(..));
    eprintln!("ANTACA_SOAK_SEED={seed}");
    Rng::with_seed(seed)
}

on_both_databases! {
    /// Killed at any moment: every answer stands, every retry gets it, nothing is held twice.
    async fn a_server_that_is_killed_under_load_forgets_nothing(database) {
        let mut random = random();
        let mut sandbox = Sandbox::start_with(database, VARIABLES).await;
        let mut load = Load::on(&sandbox, &mut random).await;
        for round in 1..=asked("ANTACA_SOAK_KILLS").unwrap_or(KILLS) {
            load.begin(&[&sandbox]);
            load.some_moment(&mut random).await;
            sandbox.kill();
            load.stranded().await;
            sandbox.restart().await;
            load.check(&sandbox).await;
            eprintln!("killed {round} times, {} answers", load.answers());
        }
        sandbox.stop().await.assert_done();
    }
}

/// The database is killed at any moment: both servers come back by themselves when it does.
#[tokio::test]
async fn a_database_that_is_killed_under_load_forgets_nothing() {
    let mut random = random();
    let postgres = OwnPostgres::start();
    let database = Database::Postgres(postgres.url().to_owned());
    let sandbox = Sandbox::start_with(database, VARIABLES).await;
    let mut load = Load::on(&sandbox, &mut random).await;
    let other = sandbox.sibling().await;
    for round in 1..=asked("ANTACA_SOAK_DATABASE_CRASHES").unwrap_or(DATABASE_CRASHES) {
        load.begin(&[&sandbox, &other]);
        load.some_moment(&mut random).await;
        postgres.crash().await;
        postgres.resume().await;
        load.goes_on(50).await;
        load.end().await;
        load.check(&sandbox).await;
        eprintln!("crashed {round} times, {} answers", load.answers());
    }
}

/// One of two servers is killed at any moment: its callers go on at the other.
#[tokio::test]
async fn a_server_of_two_that_is_killed_under_load_is_replaced_by_the_other() {
    let mut random = random();
    let database = Database::Postgres(testkit::postgres_url().await);
    let mut one = Sandbox::start_with(database, VARIABLES).await;
    let mut load = Load::on(&one, &mut random).await;
    let mut other = one.sibling().await;
    for round in 1..=asked("ANTACA_SOAK_KILLS").unwrap_or(KILLS) {
        load.begin(&[&one, &other]);
        load.some_moment(&mut random).await;
        one.kill();
        load.goes_on(20).await;
        load.break_off().await;
        load.check(&other).await;
        one.restart().await;
        // The next one to be killed is the other.
        std::mem::swap(&mut one, &mut other);
        eprintln!("killed one of two {round} times, {} answers", load.answers());
    }
}
