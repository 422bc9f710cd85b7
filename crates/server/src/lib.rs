//! The binary `antaca`: configuration, listeners, wiring, workers and the command line.
//!
//! | module | what it is for |
//! | --- | --- |
//! | `cli`, `commands` | the command line, and what each command does |
//! | `config`, `clock` | the only places that read configuration and the time |
//! | `folder`, `secrets`, `database`, `instance` | what an instance is made of, and opening it |
//! | `tls`, `listener`, `operations` | the HTTPS listener and the one for monitoring |
//! | `measures`, `logs` | metrics and log lines |
//! | `serve`, `workers`, `watch`, `sandbox` | a running server, from its start to its end |
//! | `checkpoints` | SQLite's log copied into the database |
//! | `backup` | copies of database and keys, and restoring them |
//! | `bench` | measurements of this machine |
//! | `acts`, `control` | an operator's commands, through the control socket or without a server |

mod acts;
mod audit_heads;
mod backup;
mod bench;
mod checkpoints;
mod cli;
mod clock;
mod commands;
mod config;
mod control;
mod database;
mod failure;
mod folder;
mod instance;
mod jwe_keys;
mod listener;
mod logs;
mod master_key;
mod measures;
mod operations;
mod output;
mod sandbox;
mod secrets;
mod serve;
mod tls;
mod watch;
mod workers;

use clap::Parser as _;
use std::process::ExitCode;

/// Runs the command line: 0 done, 1 refused or failed, 2 wrongly used.
#[must_use]
pub fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli.command) {
        Ok(code) => code,
        Err(failure) => {
            output::error(&failure.to_string());
            ExitCode::from(1)
        }
    }
}
