//! The command line of `antaca bench`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// `antaca bench`
#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Measure how many authorizations a second are decided, and how fast
    #[command(after_help = "Example:\n  antaca bench authorizations --duration 30\n  \
        antaca bench authorizations --rate 1000 --duration 600 --json\n  \
        antaca bench authorizations --rate 300 --greedy 10 --duration 60\n  \
        antaca bench authorizations --asked 20 --duration 30\n  \
        antaca bench authorizations --asked 20 --rate 200 --hanging 10 --duration 600\n  \
        antaca bench authorizations --ledger-only --database postgres://antaca@db/bench")]
    Authorizations(BenchArgs),
    /// Measure how many virtual cards a second are issued
    #[command(after_help = "Example:\n  antaca bench cards --count 1000000\n  \
        antaca bench cards --count 20000 --callers 32 --https response\n  \
        antaca bench cards --count 20000 --filled 99\n  \
        antaca bench cards --count 20000 --database postgres://antaca@db/bench")]
    Cards(CardsArgs),
    /// Measure how many users a second are registered by an import
    #[command(after_help = "Example:\n  antaca bench import --count 100000\n  \
        antaca bench import --count 100000 --database postgres://antaca@db/bench")]
    Import(ImportBenchArgs),
    /// Measure how fast all users' names are looked for on a list that has changed
    #[command(after_help = "Example:\n  antaca bench screening --cards 1000\n  \
        antaca bench screening --users 1000000 --database postgres://antaca@db/bench")]
    Screening(ScreeningBenchArgs),
    /// Measure how many notifications a second a partner is told of that was away
    #[command(after_help = "Example:\n  antaca bench deliveries --cards 1000\n  \
        antaca bench deliveries --cards 1000 --count 1000000 --streams 64\n  \
        antaca bench deliveries --cards 1000 --database postgres://antaca@db/bench")]
    Deliveries(DeliveriesArgs),
    /// Measure how fast each list and search of the admin API is answered, upon what there is
    #[command(after_help = "Example:\n  antaca bench preload --transactions 10000000\n  \
        antaca bench lists --users 1000000\n  \
        antaca bench lists --users 1000000 --database postgres://antaca@db/bench")]
    Lists(ListsArgs),
    /// Make cards and a past for measuring
    #[command(
        after_help = "Example:\n  antaca bench preload --cards 100000 --transactions 10000000"
    )]
    Preload(PreloadArgs),
    /// Send the load of a measurement
    #[command(
        hide = true,
        after_help = "Example:\n  antaca bench generator --data DIR < card-numbers"
    )]
    Generator(GeneratorArgs),
    /// Write what is delivered in a measurement
    #[command(
        hide = true,
        after_help = "Example:\n  antaca bench backlog --data DIR --count 1000 --streams 16"
    )]
    Backlog(BacklogArgs),
    /// Play the partners of a measurement
    #[command(hide = true, after_help = "Example:\n  antaca bench partner < part.json")]
    Partner,
}

/// Where measurements are made.
#[derive(Args, Clone, Debug)]
pub(crate) struct Where {
    /// The data folder, a sandbox's [default: ./antaca-bench where it is kept]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The database: postgres://… or sqlite:PATH [default: SQLite in the data folder]
    #[arg(long, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// How many cards there are at least; those that lack are made
    #[arg(long, value_name = "N", default_value_t = 100_000,
        value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    pub(crate) cards: u32,
}

/// `antaca bench authorizations`. Without a data folder and a database it is measured in a
/// temporary folder, which is removed afterwards.
#[derive(Args, Clone, Debug)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) at: Where,
    /// Connections of a partner at once; with --ledger-only, callers at once
    #[arg(long, value_name = "C", default_value_t = 64,
        value_parser = clap::value_parser!(u32).range(1..=16_384))]
    pub(crate) connections: u32,
    /// Seconds that are measured
    #[arg(long, value_name = "S", default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) duration: u32,
    /// Seconds of the same load before that
    #[arg(long, value_name = "S", default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(0..=600))]
    pub(crate) warm_up: u32,
    /// Messages a second, at moments fixed beforehand [default: as many as are answered]
    #[arg(long, value_name = "R", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rate: Option<u32>,
    /// Measure twice: beside a second partner that is offered R too, then beside N times R. What is
    /// told is of the first partner in the second phase, and how many times its p99 became
    #[arg(long, value_name = "N", requires = "rate",
        value_parser = clap::value_parser!(u32).range(2..=1_000))]
    pub(crate) greedy: Option<u32>,
    /// Ask the partners about each authorization (authorization mode SHARED), which they answer
    /// after so many milliseconds
    #[arg(long, value_name = "MS", conflicts_with = "ledger_only",
        value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) asked: Option<u32>,
    /// Questions that may be open at once to each partner
    #[arg(long, value_name = "N", requires = "asked", default_value_t = 64,
        value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) asks_at_once: u32,
    /// The partners talk HTTP/1.1 and not HTTP/2: each call that is open has a connection
    #[arg(long, conflicts_with = "ledger_only")]
    pub(crate) http1: bool,
    /// Measure N partners twice, R messages a second of each: first all answer, then one of them
    /// answers nothing. What is told is of the others in the second phase, and how many times their
    /// p99 became
    #[arg(long, value_name = "N", requires_all = ["rate", "asked"], conflicts_with = "greedy",
        value_parser = clap::value_parser!(u8).range(2..=10))]
    pub(crate) hanging: Option<u8>,
    /// Threads of the load generator for each partner [default: a quarter of the processors]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) threads: Option<u32>,
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Measure the ledger engine without HTTP
    #[arg(long)]
    pub(crate) ledger_only: bool,
}

/// What of a call is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Encrypted {
    /// The answer.
    Response,
    /// The request too.
    Request,
}

/// `antaca bench cards`
#[derive(Args, Clone, Debug)]
pub(crate) struct CardsArgs {
    #[command(flatten)]
    pub(crate) at: Where,
    /// How many cards are issued, to the holders of those that there are, in turn
    #[arg(long, value_name = "N", default_value_t = 100_000,
        value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    pub(crate) count: u32,
    /// Callers at once
    #[arg(long, value_name = "C", default_value_t = 64,
        value_parser = clap::value_parser!(u32).range(1..=16_384))]
    pub(crate) callers: u32,
    /// Issue them through the partner's channel, with Encrypt-Response or with Encrypted-Request,
    /// each caller over a connection of its own [default: without HTTP]
    #[arg(long, value_name = "WHAT")]
    pub(crate) https: Option<Encrypted>,
    /// Begin behind so many hundredths of the BIN's numbers, as if they had been issued
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=99))]
    pub(crate) filled: Option<u8>,
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `antaca bench import`
#[derive(Args, Clone, Debug)]
pub(crate) struct ImportBenchArgs {
    #[command(flatten)]
    pub(crate) at: Where,
    /// How many users are imported, beside the holders of the cards
    #[arg(long, value_name = "N", default_value_t = 100_000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) count: u32,
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `antaca bench screening`
#[derive(Args, Clone, Debug)]
pub(crate) struct ScreeningBenchArgs {
    #[command(flatten)]
    pub(crate) at: Where,
    /// How many users there are at least; those that lack are made
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
        value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    pub(crate) users: u32,
    /// How many stand on the list, with one or two aliases each
    #[arg(long, value_name = "N", default_value_t = 20_000,
        value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub(crate) entries: u32,
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `antaca bench deliveries`
#[derive(Args, Clone, Debug)]
pub(crate) struct DeliveriesArgs {
    #[command(flatten)]
    pub(crate) at: Where,
    /// How many notifications the partner wasn't told of
    #[arg(long, value_name = "N", default_value_t = 100_000,
        value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    pub(crate) count: u32,
    /// Of how many cards they are, each of which is told of in order
    #[arg(long, value_name = "S", default_value_t = 16,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) streams: u32,
    /// The partner talks HTTP/1.1 and not HTTP/2: each call that is open has a connection
    #[arg(long)]
    pub(crate) http1: bool,
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `antaca bench lists`
#[derive(Args, Clone, Debug)]
pub(crate) struct ListsArgs {
    #[command(flatten)]
    pub(crate) at: Where,
    /// How many users there are at least; those that lack are made
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
        value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    pub(crate) users: u32,
    /// Calls of each list
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) calls: u32,
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `antaca bench backlog`
#[derive(Args, Clone, Debug)]
pub(crate) struct BacklogArgs {
    #[command(flatten)]
    pub(crate) at: Where,
    /// As that of `antaca bench deliveries`
    #[arg(long)]
    pub(crate) count: u32,
    /// As that of `antaca bench deliveries`
    #[arg(long)]
    pub(crate) streams: u32,
}

/// `antaca bench preload`
#[derive(Args, Clone, Debug)]
pub(crate) struct PreloadArgs {
    #[command(flatten)]
    pub(crate) at: Where,
    /// How many transactions to add
    #[arg(long, value_name = "N", default_value_t = 0,
        value_parser = clap::value_parser!(u32).range(0..=1_000_000_000))]
    pub(crate) transactions: u32,
}

/// `antaca bench generator`
#[derive(Args, Clone, Debug)]
pub(crate) struct GeneratorArgs {
    /// The folder of the sandbox that serves
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Of each partner's load
    #[arg(long)]
    pub(crate) connections: Vec<usize>,
    #[arg(long)]
    pub(crate) threads: usize,
    #[arg(long)]
    pub(crate) warm_up: u64,
    #[arg(long)]
    pub(crate) duration: u64,
    /// Of each partner's load, or of none
    #[arg(long)]
    pub(crate) rate: Vec<u64>,
    /// How many partners, from the first on, are also told of together
    #[arg(long)]
    pub(crate) together: Option<usize>,
}
