//! Made-up cards and a made-up past of theirs, for measuring: many rows at once, not through the
//! use cases and not through the engine, but decided by the same rules, so that the ledger holds
//! after every slice. Only for the partner [`PARTNER`], which belongs to benchmarks.

mod cards;
mod history;

pub use cards::{Holding, Made};
pub use history::Past;

use crate::{App, Error};
use domain::ids::PartnerId;
use domain::program::Program;
use domain::scope::Scope;
use store::outbox::log;

/// The code of the partner that measurements are made with. Nothing here touches another's rows or
/// opens another's card numbers.
pub const PARTNER: &str = "bench";

/// What all of this works on.
struct Bench<'a> {
    app: &'a App,
    scope: Scope,
    program: Program,
}

impl Bench<'_> {
    fn partner(&self) -> PartnerId {
        self.scope.partner()
    }

    /// Gives the database a moment for what no server's worker does while rows are made.
    async fn breathe(&self) -> Result<(), Error> {
        tokio::task::yield_now().await;
        let db = self.app.db.clone();
        tokio::task::spawn_blocking(move || db.checkpoint())
            .await
            .map_err(|_| Error::broken("a checkpoint panicked"))??;
        self.app.db.restart_wal_if_large().await?;
        Ok(())
    }
}

impl App {
    /// Drops what the partner for measuring wasn't told yet: the next measurement would begin with
    /// telling it.
    pub async fn drop_untold_of_measurements(&self) -> Result<(), Error> {
        let bench = self.bench()?;
        loop {
            let mut tx = self.db.begin().await?;
            let dropped = log::delete_open(&mut tx, bench.partner()).await;
            if tx.end(dropped).await? == 0 {
                return Ok(());
            }
            bench.breathe().await?;
        }
    }

    fn bench(&self) -> Result<Bench<'_>, Error> {
        let settings = self.settings.get();
        let partner = settings.partner_of_code(PARTNER).map(|partner| partner.id);
        let partner = partner.ok_or(Error::broken("there is no partner for measuring"))?;
        let program = settings.programs_of(partner).first().map(|program| (*program).clone());
        let program = program.ok_or(Error::broken("there is no program for measuring"))?;
        let scope = Scope::platform(partner, "rows for measuring");
        Ok(Bench { app: self, scope, program })
    }
}
