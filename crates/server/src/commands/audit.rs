//! `antaca audit`.

use super::{perform_and_tell, perform_here};
use crate::acts::{Act, VerifyAudit, clean, sentences};
use crate::cli::{AuditCommand, VerifyAuditArgs};
use crate::failure::Failure;
use crate::output::{self, Progress};
use std::path::PathBuf;
use std::process::ExitCode;

pub(super) async fn perform(command: AuditCommand) -> Result<ExitCode, Failure> {
    let AuditCommand::Verify(VerifyAuditArgs { heads, json, at }) = command;
    let whole = |path: PathBuf| {
        std::path::absolute(&path)
            .map_err(|error| Failure::new(format!("{} isn't a path ({error}).", path.display())))
    };
    let heads = heads.into_iter().map(whole).collect::<Result<_, Failure>>()?;
    let act = Act::VerifyAudit(VerifyAudit { heads });
    let progress = (!json).then(Progress::begin);
    let tell = |count: u64| {
        if let Some(progress) = &progress {
            progress.tell(|| format!("Proved {count} audit records…"));
        }
    };
    // A database that is named may be another than the one that is served.
    let report = match &at.database {
        None => perform_and_tell(&at, act, &tell).await,
        Some(_) => perform_here(&at, act, &tell).await,
    };
    drop(progress);
    let report = report?;
    let is_clean = report["clean"] == true;
    if json {
        output::line(&report.to_string());
    } else if is_clean {
        output::line(&clean(&report));
    } else {
        output::error("The audit records aren't whole.");
        sentences(&report).iter().for_each(|line| output::error(line));
    }
    Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
