//! What each command of the command line does.

mod admins;
mod audit;
mod certificates;
mod keys;
mod partner_check;
mod pin_keys;
mod plastic;
mod simulate;

use crate::acts::{Act, Desk, SetAlert, SetProgram, VerifyLedger, verified};
use crate::backup::{self, Backup, Content, RestoreArgs};
use crate::cli::{
    At, BackupArgs, Command, ConfigCommand, CorporationCommand, LedgerCommand, PartnerCommand,
    ProcessorCommand, ProgramCommand, ProgramSetArgs, ScreeningCommand, VerificationCommand,
    VerifyArgs, With,
};
use crate::clock::Clocks;
use crate::config::{self, Config};
use crate::database::{self, Kind, Place};
use crate::failure::Failure;
use crate::folder::Folder;
use crate::instance::{self, PATIENCE, Use};
use crate::logs::{self, Format};
use crate::output::Progress;
use crate::secrets::Provider;
use crate::{bench, clock, control, output, sandbox, secrets, serve, tls};
use app::ledger::verify::Tell;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// How long threads may take to end when all is done.
const LAST_THREADS: Duration = Duration::from_secs(1);
/// After this time a person is told that a command is at work.
const QUIET: Duration = Duration::from_secs(2);

/// Runs a command to its end.
pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    tls::install_provider();
    arm_fault()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("No threads can be started ({error}).")))?;
    let done = runtime.block_on(perform(command));
    runtime.shutdown_timeout(LAST_THREADS);
    done
}

/// Lets a test stop this process between two steps of the engine.
fn arm_fault() -> Result<(), Failure> {
    match config::fault() {
        Some(text) if !app::ledger::arm_fault(&text) => Err(Failure::new(
            "ANTACA_FAULT is set, but this build has no faults or the text isn't step:nth:file.",
        )),
        Some(_) | None => Ok(()),
    }
}

async fn perform(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Sandbox(arguments) => {
            let config = Config::of_sandbox()?;
            logs::start(config.log_format.unwrap_or(Format::Text), &config.log);
            sandbox::run(arguments, &config).await?;
        }
        Command::Serve(file) => {
            let config = Config::load(file.config.as_deref())?;
            logs::start(config.log_format.unwrap_or(Format::Json), &config.log);
            serve::serve(&config).await?;
        }
        Command::Migrate(at) => migrate(&at).await?,
        Command::Config(ConfigCommand::Check(file)) => {
            output::line(&Config::load(file.config.as_deref())?.shown());
        }
        Command::Keys(command) => keys::perform(command).await?,
        Command::Ca(command) => certificates::perform(command).await?,
        Command::Partner(command) => partner(command).await?,
        Command::Program(command) => program(command).await?,
        Command::Admin(command) => admins::admin(command).await?,
        Command::Corporation(command) => corporation(command).await?,
        Command::Screening(command) => screening(command).await?,
        Command::Verification(VerificationCommand::Decide(it)) => {
            show(&it.at, Act::DecideVerification(it.what)).await?;
        }
        Command::Bureau(command) => plastic::bureau(command).await?,
        Command::Orders(command) => plastic::orders(command).await?,
        Command::Processor(ProcessorCommand::Create(it)) => {
            show(&it.at, Act::CreateProcessor(it.what)).await?;
        }
        Command::Ledger(LedgerCommand::Verify(arguments)) => return verify(arguments).await,
        Command::Audit(command) => return audit::perform(command).await,
        Command::Backup(arguments) => back_up(arguments).await?,
        Command::Restore(arguments) => return restore(arguments).await,
        Command::Openapi(arguments) => write_documents(&arguments.folder)?,
        Command::Simulate(command) => simulate::perform(command).await?,
        Command::Bench(command) => return bench::run(command).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the documents of the interface, which are the same for every instance.
fn write_documents(folder: &Path) -> Result<(), Failure> {
    let documents = api::openapi::documents().into_iter();
    let documents = documents.map(|(name, text)| (format!("openapi/{name}.json"), text));
    let titles = ("ERRORS.md".to_owned(), api::titles_reference());
    for (name, text) in documents.chain([titles]) {
        let file = folder.join(name);
        let above = file.parent().unwrap_or(folder);
        std::fs::create_dir_all(above).and_then(|()| std::fs::write(&file, text)).map_err(
            |error| Failure::new(format!("{} can't be written: {error}", file.display())),
        )?;
        output::line(&file.display().to_string());
    }
    Ok(())
}

async fn partner(command: PartnerCommand) -> Result<(), Failure> {
    match command {
        PartnerCommand::Create(it) => show(&it.at, Act::CreatePartner(it.what)).await,
        PartnerCommand::Set(it) => show(&it.at, Act::SetPartner(it.what)).await,
        PartnerCommand::Trust(arguments) => certificates::trust(arguments).await,
        PartnerCommand::Secret(it) => certificates::secret(it).await,
        PartnerCommand::Balance(it) => show(&it.at, Act::CreateBalance(it.what)).await,
        PartnerCommand::Balances(it) => show(&it.at, Act::ListBalances(it.what)).await,
        PartnerCommand::Summary(it) => show(&it.at, Act::SumUp(it.what)).await,
        PartnerCommand::Move(it) => show(&it.at, Act::MoveMoney(it.what)).await,
        PartnerCommand::Alert(it) => alert(it).await,
        PartnerCommand::Notifications(it) => show(&it.at, Act::ListNotifications(it.what)).await,
        PartnerCommand::Resume(it) => show(&it.at, Act::ResumeNotifications(it.what)).await,
        PartnerCommand::Check(arguments) => partner_check::perform(*arguments).await,
        PartnerCommand::Resend(it) => show(&it.at, Act::ResendNotifications(it.what)).await,
        PartnerCommand::Example(it) => show(&it.at, Act::SendExample(it.what)).await,
        PartnerCommand::List(at) => show(&at, Act::ListPartners).await,
    }
}

/// Sets or shows an alert; a warning goes to the standard error.
async fn alert(command: Box<With<SetAlert>>) -> Result<(), Failure> {
    let mut answer = perform_act(&command.at, Act::SetAlert(command.what)).await?;
    let warning = answer.as_object_mut().and_then(|answer| answer.remove("warning"));
    if let Some(warning) = warning.as_ref().and_then(Value::as_str) {
        output::error(warning);
    }
    output::line(&answer.to_string());
    Ok(())
}

async fn program(command: ProgramCommand) -> Result<(), Failure> {
    match command {
        ProgramCommand::Create(it) => show(&it.at, Act::CreateProgram(it.what)).await,
        ProgramCommand::Set(it) => {
            let limits = it.limits.as_deref().map(read_json).transpose()?;
            let ProgramSetArgs { bureau, chip_profile, at, .. } = it;
            let plastic = bureau.zip(chip_profile);
            let (partner, config_id) = (it.partner, it.config_id);
            let (add_bin, state) = (it.add_bin, it.state);
            let set = SetProgram { partner, config_id, limits, plastic, add_bin, state };
            show(&at, Act::SetProgram(set)).await
        }
        ProgramCommand::List(it) => show(&it.at, Act::ListPrograms(it.what)).await,
    }
}

async fn corporation(command: CorporationCommand) -> Result<(), Failure> {
    match command {
        CorporationCommand::Decide(it) => show(&it.at, Act::DecideCorporation(it.what)).await,
        CorporationCommand::Show(it) => show(&it.at, Act::ShowCorporation(it.what)).await,
    }
}

async fn screening(command: ScreeningCommand) -> Result<(), Failure> {
    match command {
        ScreeningCommand::Load(it) => show(&it.at, Act::LoadList(it.what.absolute()?)).await,
        ScreeningCommand::List(at) => show(&at, Act::ListLists).await,
        ScreeningCommand::Remove(it) => show(&it.at, Act::RemoveList(it.what)).await,
        ScreeningCommand::Hits(it) => show(&it.at, Act::ListHits(it.what)).await,
        ScreeningCommand::Decide(it) => show(&it.at, Act::DecideHit(it.what)).await,
    }
}

/// The object of a JSON file.
fn read_json(file: &Path) -> Result<Map<String, Value>, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(format!("{} can't be read: {error}", file.display())))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("{} holds no JSON object: {error}", file.display())))
}

/// Does a command and prints what it answers, a line for each item of a list.
async fn show(at: &At, act: Act) -> Result<(), Failure> {
    let answer = perform_act(at, act).await?;
    match answer.as_array() {
        Some(items) => items.iter().for_each(|item| output::line(&item.to_string())),
        None => output::line(&answer.to_string()),
    }
    Ok(())
}

/// Where an instance is, by the options and the configuration.
struct Located {
    config: Config,
    data: PathBuf,
    database: Option<Place>,
}

fn locate(at: &At) -> Result<Located, Failure> {
    let config = Config::load(at.file.config.as_deref())?;
    let data = match (&at.data, &config.data) {
        (Some(data), _) | (None, Some(data)) => data.clone(),
        (None, None) if config.from_file => config.data().to_owned(),
        (None, None) => PathBuf::from(sandbox::DATA),
    };
    let database = at.database.as_deref().map(Place::parse).transpose()?;
    let database = database.or_else(|| config.database.clone());
    Ok(Located { config, data, database })
}

impl Located {
    fn folder(&self) -> Result<Folder, Failure> {
        if self.data.is_dir() {
            return Folder::open(&self.data);
        }
        Err(Failure::new(format!(
            "There is no data folder {}: name one with --data or in the configuration.",
            self.data.display()
        )))
    }

    fn place(&self, folder: &Folder) -> Result<Place, Failure> {
        match &self.database {
            Some(place) => Ok(place.clone()),
            None => sandbox::kept_place(folder),
        }
    }

    /// Opens the instance as a server would, to do one command.
    async fn desk(&self, folder: Arc<Folder>) -> Result<Desk, Failure> {
        let provider = Provider::of(&self.config, &folder)?;
        let masters = secrets::need_master_keys(&folder, &provider)?;
        let kind = kind_of(masters.current().kind())?;
        let place = self.place(&folder)?;
        let db = instance::open_database(&place, kind, Use::COMMAND.connections).await?;
        let real = clock::real();
        let keyring = instance::open_keyring(&db, masters, real()).await?;
        let authority = secrets::open_authority(&folder, keyring.masters(), kind)?;
        let clocks = Clocks { business: real.clone(), real: real.clone() };
        let app = instance::start(db, keyring, kind, clocks, Use::COMMAND.engines).await?;
        let jwe_previous_days = self.config.jwe.previous_days;
        let sends_mail = self.config.smtp.is_some();
        let provider = Arc::new(provider);
        let real_time = real;
        let desk =
            Desk { app, authority, real_time, folder, provider, jwe_previous_days, sends_mail };
        desk.settle_master_key().await?;
        Ok(desk)
    }
}

fn kind_of(name: &str) -> Result<Kind, Failure> {
    [Kind::Sandbox, Kind::Production].into_iter().find(|kind| kind.name() == name).ok_or_else(
        || Failure::new("The master key belongs to a kind of instance that is unknown."),
    )
}

/// Has a command done: by the server that runs on the data folder, or here if none does.
async fn perform_act(at: &At, act: Act) -> Result<Value, Failure> {
    perform_and_tell(at, act, &|_| {}).await
}

/// As [`perform_act`]; of a command that takes long `tell` is told how far it is.
async fn perform_and_tell(at: &At, act: Act, tell: Tell<'_>) -> Result<Value, Failure> {
    let located = locate(at)?;
    if let Some(answer) = control::ask(&located.data, &act, tell).await? {
        return Ok(answer);
    }
    perform_at(&located, act, tell).await
}

/// Has a command done here, where no server may run on the data folder.
async fn perform_here(at: &At, act: Act, tell: Tell<'_>) -> Result<Value, Failure> {
    perform_at(&locate(at)?, act, tell).await
}

async fn perform_at(located: &Located, act: Act, tell: Tell<'_>) -> Result<Value, Failure> {
    let folder = Arc::new(located.folder()?);
    let operator = control::operator_here()?;
    let desk = located.desk(folder.clone()).await?;
    let done = desk.act_and_tell(&operator, act, tell).await;
    let Desk { app, .. } = desk;
    app.tasks.finish(PATIENCE).await;
    let closed = instance::close(app).await;
    let answer = done?;
    closed.map(|()| answer)
}

async fn migrate(at: &At) -> Result<(), Failure> {
    let located = locate(at)?;
    let db = match &located.database {
        Some(place @ Place::Postgres(_)) => place.open(Use::COMMAND.connections)?,
        Some(Place::Sqlite(_)) | None => {
            let folder = Folder::create(&located.data)?;
            located.place(&folder)?.open(Use::COMMAND.connections)?
        }
    };
    let applied = database::prepare(&db, Kind::Production, clock::real()()).await?;
    db.close().await?;
    if applied.is_empty() {
        output::line("The database is up to date.");
    }
    applied.iter().for_each(|name| output::line(&format!("Applied {name}.")));
    Ok(())
}

fn init_authority(at: &At) -> Result<(), Failure> {
    let located = locate(at)?;
    let folder = located.folder()?;
    let provider = Provider::of(&located.config, &folder)?;
    let masters = secrets::need_master_keys(&folder, &provider)?;
    let kind = kind_of(masters.current().kind())?;
    secrets::create_authority(&folder, &masters, kind, clock::real()())?;
    output::line(&format!("Partners trust {}.", folder.path(secrets::CA).display()));
    Ok(())
}

/// Does what may take long; after a while a person is told what.
async fn told<T>(what: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    tokio::select! {
        done = &mut work => done,
        () = tokio::time::sleep(QUIET) => {
            output::error(what);
            work.await
        }
    }
}

async fn back_up(arguments: BackupArgs) -> Result<(), Failure> {
    let BackupArgs { out, keys, at } = arguments;
    let out = std::path::absolute(&out)
        .map_err(|error| Failure::new(format!("{} isn't a path ({error}).", out.display())))?;
    let content = if keys { Content::Keys } else { Content::Database };
    let act = Act::Backup(Backup { out: out.clone(), content });
    let copied = told("Copying…", perform_act(&at, act)).await?;
    told("Checking the copy…", backup::finish(&out, content, copied)).await
}

async fn restore(arguments: RestoreArgs) -> Result<ExitCode, Failure> {
    let Located { data, database, .. } = locate(&arguments.at)?;
    told("Copying and checking…", backup::restore(&arguments, &data, database)).await
}

async fn verify(arguments: VerifyArgs) -> Result<ExitCode, Failure> {
    let report = verification(&arguments).await?;
    let holds = report["holds"] == true;
    if arguments.json {
        output::line(&report.to_string());
    } else if holds {
        output::line(&format!("The ledger holds: {}.", balances(&report["balances"])));
    } else {
        output::error("The ledger doesn't hold.");
        let faults = report["faults"].as_array().into_iter().flatten();
        faults.filter_map(Value::as_str).for_each(output::error);
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn balances(count: &Value) -> String {
    if *count == 1 { "1 balance".to_owned() } else { format!("{count} balances") }
}

/// Verification needs no key, so a database that is named is opened by itself.
async fn verification(arguments: &VerifyArgs) -> Result<Value, Failure> {
    let VerifyArgs { incremental, json, at } = arguments;
    let command = VerifyLedger { incremental: *incremental };
    let progress = (!json).then(Progress::begin);
    let tell = |count: u64| {
        if let Some(progress) = &progress {
            progress.tell(|| format!("Compared {count} transactions with their movements…"));
        }
    };
    let Some(url) = &at.database else {
        return perform_and_tell(at, Act::VerifyLedger(command), &tell).await;
    };
    let db = Place::parse(url)?.open(Use::COMMAND.connections)?;
    let found = database::look(&db).await?;
    if !found.pending.is_empty() {
        return Err(Failure::new(
            "The database isn't migrated to this release: run `antaca migrate` first.",
        ));
    }
    // A sandbox's clock is ahead of this one: its checkpoint is older than it might be.
    let report = database::verify_as(&db, command.run(clock::real()(), &tell)).await?;
    db.close().await?;
    Ok(verified(&report))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balances_are_counted_in_words() {
        for (count, words) in [(0, "0 balances"), (1, "1 balance"), (2, "2 balances")] {
            assert_eq!(balances(&count.into()), words);
        }
    }
}
