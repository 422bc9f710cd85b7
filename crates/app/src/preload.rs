//! Made-up cards and a made-up past of theirs, for measuring: many rows at once, not through the
//! use cases and not through the engine, but decided by the same rules, so that the ledger holds
//! after every slice. Only for the partners of [`BenchPartner`], which belong to benchmarks.

mod cards;
mod history;
mod names;

pub use cards::{Holding, Made};
pub use history::Past;
pub use names::list_for_measuring;

use crate::cards::BinRange;
use crate::{App, Error};
use domain::ids::PartnerId;
use domain::program::Program;
use domain::scope::Scope;
use store::outbox::log;

/// A partner that measurements are made with. Nothing here touches another's rows or opens
/// another's card numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BenchPartner {
    /// Whose authorizations are measured.
    Measured,
    /// Who asks for more than its share beside that.
    Greedy,
    /// Who asks for as much beside it; there are several, from 0 on.
    Another(u8),
}

impl BenchPartner {
    /// How many there can be of [`BenchPartner::Another`].
    pub const OTHERS: u8 = 9;

    /// All there can be.
    pub fn all() -> impl Iterator<Item = Self> {
        let others = (0..Self::OTHERS).map(Self::Another);
        [Self::Measured, Self::Greedy].into_iter().chain(others)
    }

    /// The partner's code.
    #[must_use]
    pub fn code(self) -> String {
        match self {
            Self::Measured => "bench".to_owned(),
            Self::Greedy => "bench-greedy".to_owned(),
            Self::Another(number) => format!("bench-{number}"),
        }
    }
}

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
    /// Drops what the partners for measuring weren't told yet: the next measurement would begin
    /// with telling them.
    pub async fn drop_untold_of_measurements(&self) -> Result<(), Error> {
        for of in BenchPartner::all() {
            if self.settings.get().partner_of_code(&of.code()).is_some() {
                self.drop_untold(&self.bench(of)?).await?;
            }
        }
        Ok(())
    }

    /// How much the partners for measuring are still to be told.
    pub async fn untold_of_measurements(&self) -> Result<i64, Error> {
        let settings = self.settings.get();
        let partner = |of: BenchPartner| settings.partner_of_code(&of.code()).map(|it| it.id);
        let partners: Vec<PartnerId> = BenchPartner::all().filter_map(partner).collect();
        let mut tx = self.db.read().await?;
        let open = log::count_open(&mut tx, &partners).await;
        Ok(tx.end(open).await?)
    }

    /// Has the next card of a partner for measuring be the one behind so many hundredths of its
    /// BIN's numbers; `false` if more are taken.
    pub async fn fill_range_for_measuring(
        &self,
        of: BenchPartner,
        hundredths: u8,
    ) -> Result<bool, Error> {
        let Bench { program, .. } = self.bench(of)?;
        let bin = program.bins.first().ok_or(Error::broken("a program has no BIN"))?;
        self.fill_range(program.partner, bin, hundredths).await
    }

    /// How many numbers a partner for measuring has taken of its BIN, and of how many.
    pub async fn range_for_measuring(&self, of: BenchPartner) -> Result<BinRange, Error> {
        let ranges = self.bin_ranges(&self.bench(of)?.program).await?;
        ranges.into_iter().next().ok_or(Error::broken("a program has no BIN"))
    }

    async fn drop_untold(&self, bench: &Bench<'_>) -> Result<(), Error> {
        loop {
            let mut tx = self.db.begin().await?;
            let dropped = log::delete_open(&mut tx, bench.partner()).await;
            if tx.end(dropped).await? == 0 {
                return Ok(());
            }
            bench.breathe().await?;
        }
    }

    fn bench(&self, of: BenchPartner) -> Result<Bench<'_>, Error> {
        let settings = self.settings.get();
        let partner = settings.partner_of_code(&of.code()).map(|partner| partner.id);
        let partner = partner.ok_or(Error::broken("there is no partner for measuring"))?;
        let program = settings.programs_of(partner).first().map(|program| (*program).clone());
        let program = program.ok_or(Error::broken("there is no program for measuring"))?;
        let scope = Scope::platform(partner, "rows for measuring");
        Ok(Bench { app: self, scope, program })
    }
}
