//! The measurement of looking for all names again: so many users, and a list of so many entries
//! that has just been loaded, in this process.

use super::ground::Ground;
use super::ledger_only::checkpoints;
use super::report::{Screened, processor_time};
use crate::cli::ScreeningBenchArgs;
use crate::failure::Failure;
use crate::output::Progress;
use app::preload::{BenchPartner, list_for_measuring};
use app::screening::LoadList;
use domain::screening::List;
use std::time::{Duration, Instant};
use store::db::Kind;
use tokio::time::sleep;

/// What the list is called.
const NAME: &str = "bench";
/// How often it is looked whether the nodes have had their time to read the list.
const PAUSE: Duration = Duration::from_millis(200);

/// Measures.
pub(super) async fn measure(
    ground: &Ground,
    arguments: &ScreeningBenchArgs,
    progress: &Progress,
) -> Result<Screened, Failure> {
    let opened = ground.prepare(&[BenchPartner::Measured], progress).await?;
    let (app, operator) = (opened.sandbox.desk.app.clone(), opened.sandbox.operator.clone());
    if app.db.kind() == Kind::Sqlite {
        drop(app.tasks.run(checkpoints(app.clone())));
    }
    let users = i64::from(arguments.users);
    let told = |made| progress.tell(|| format!("{made} of {users} users…"));
    app.make_names_for_measuring(users, told).await?;
    app.db.analyze().await?;
    progress.tell(|| "Loading the list…".to_owned());
    let own = (NAME.to_owned(), List::National, "id=id,name=name,aliases=aliases,born=born");
    let load = LoadList {
        file: list_for_measuring(arguments.entries).into_bytes(),
        aliases: None,
        path: NAME.to_owned(),
        own: Some((own.0, own.1, own.2.to_owned())),
    };
    let loaded = app.load_list(&operator, load).await?;
    loaded.map_err(|fault| Failure::new(format!("The list can't be loaded: {fault}.")))?;
    let names = app.screening_progress().await?.iter().map(|of| of.newest).sum();
    let own_time = || processor_time(std::process::id());
    let mut screened = Screened { names, entries: arguments.entries, ..Screened::default() };
    while screened.is_behind(&app).await? {
        progress.tell(|| "Looking for all names…".to_owned());
        let (begun, before) = (Instant::now(), own_time());
        let hits = app.screen_again().await?;
        // Nothing is done until every node has had the time to read the list.
        if screened.is_behind(&app).await? {
            sleep(PAUSE).await;
            continue;
        }
        screened.hits = hits;
        screened.elapsed = begun.elapsed();
        let spent = before.zip(own_time());
        screened.cpu = spent.map(|(before, after)| after.saturating_sub(before));
    }
    app.remove_list(&operator, NAME).await?;
    drop(app);
    opened.close().await?;
    Ok(screened)
}
