//! Configuration: one TOML file and the environment. The only place that reads either.
//!
//! Every key is one line of [`KEYS`] or of `ekyc`, `limits` and `mail`; in the environment it is
//! `ANTACA_<SECTION>_<KEY>`, which wins over the file. What isn't known is refused, in the file as
//! in the environment.

mod ekyc;
mod limits;
mod mail;
mod master_key;

pub(crate) use ekyc::Ekyc;
pub(crate) use limits::{Connections, Limits};
pub(crate) use mail::Smtp;
pub(crate) use master_key::{PassphraseSource, TokenSettings, passphrase_of_environment};

use crate::database::Place;
use crate::failure::Failure;
use crate::logs::Format;
use app::janitor::{AUDIT_MONTHS, MONTHS_MAX, Retention};
use jiff::civil::Time;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Where the file is, unless `--config` says otherwise.
pub(crate) const FILE: &str = "/etc/antaca/antaca.toml";
/// Where the data is, unless it is configured.
const DATA: &str = "/var/lib/antaca";
/// Variables that aren't keys: of tests, and of builds for tests.
const OTHER_VARIABLES: &[&str] = &["ANTACA_FAULT", "ANTACA_CLOCK"];
const TEST_VARIABLES: &str = "ANTACA_TEST_";
/// What a sandbox heeds, beside its options.
const SECTIONS_OF_SANDBOX: &[&str] = &["ekyc.", "jwe.", "limits.", "sandbox.", "smtp."];
const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];
/// More engines or connections than these only wait for one another.
const ENGINES_MAX: i64 = 64;
const CONNECTIONS_MAX: i64 = 256;
/// A year: a key that is accepted for longer needn't be replaced.
const DAYS_MAX: i64 = 365;
/// More private operations than these a second no machine does.
const OPERATIONS_MAX: i64 = 100_000;

/// What a key's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Number,
    List,
}

/// A key of the configuration.
struct Key {
    /// With its section, separated by a dot.
    name: &'static str,
    form: Form,
    /// As it is told to people.
    default: &'static str,
    doc: &'static str,
}

const fn key(name: &'static str, form: Form, default: &'static str, doc: &'static str) -> Key {
    Key { name, form, default, doc }
}

/// Every key but those of the sections `ekyc`, `keys`, `limits` and `smtp`, which are beside what
/// they say.
const KEYS: &[Key] = &[
    key("data", Form::Text, DATA, "the data folder: keys, certificates, the SQLite database"),
    key("listen", Form::Text, "0.0.0.0:8443", "address and port of the HTTPS listener"),
    key("operations", Form::Text, "127.0.0.1:9443", "address and port of health checks"),
    key("names", Form::List, "localhost", "DNS names and IP addresses of the server certificate"),
    key("engines", Form::Number, "1", "ledger engines: 1 on SQLite, at most 64 on PostgreSQL"),
    key("log", Form::Text, "info", "error, warn, info, debug or trace"),
    key("log_format", Form::Text, "json", "json or text; a sandbox's is text"),
    key("database.url", Form::Text, "sqlite:DATA/antaca.db", "postgres://… or sqlite:PATH"),
    key("database.connections", Form::Number, "8", "connections to the database, at most 256"),
    key(
        "jwe.previous_days",
        Form::Number,
        "7",
        "days for which a JWE key is accepted after it was replaced, at most 365",
    ),
    key(
        "jwe.private_operations",
        Form::Number,
        "50",
        "attempts to decrypt a request that a certificate may cause in a second, on each node",
    ),
    key(
        "retention.audit_months",
        Form::Number,
        "12",
        "months that audit records stay, at least 12",
    ),
    key(
        "retention.user_months",
        Form::Number,
        "60",
        "months after which removed users are erased, at most 1200",
    ),
    key(
        "orders.at",
        Form::Text,
        "02:00",
        "when the day's orders of plastic leave for their bureaus, UTC",
    ),
    key(
        "sandbox.bureau_seconds",
        Form::Number,
        "2",
        "after how many seconds a sandbox's bureau reports that cards were made",
    ),
];

fn keys() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().chain(master_key::KEYS).chain(mail::KEYS).chain(ekyc::KEYS).chain(limits::KEYS)
}

/// The keys as `antaca config check --help` tells them.
pub(crate) fn help() -> String {
    let line = |key: &Key| {
        let default = if key.default.is_empty() { "none" } else { key.default };
        format!("  {}\n      {} (default: {default})\n", key.name, key.doc)
    };
    format!(
        "Keys of the file; each may be given as ANTACA_<SECTION>_<KEY> in the environment, lists \
         with commas between:\n\n{}\nThe passphrase may also come from systemd's credential \
         antaca-passphrase.\n\nExample:\n  antaca config check --config {FILE}",
        keys().map(line).collect::<String>()
    )
}

/// Settings of JWE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Jwe {
    /// Days for which a replaced key is accepted.
    pub(crate) previous_days: u32,
    /// Private operations that a certificate may cause in a second.
    pub(crate) private_operations: NonZero<u32>,
}

/// What is in force.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The data folder, if it is configured.
    pub(crate) data: Option<PathBuf>,
    /// Where to listen for HTTPS.
    pub(crate) listen: SocketAddr,
    /// Where to listen for health checks.
    pub(crate) operations: SocketAddr,
    /// Names of the server certificate.
    pub(crate) names: Vec<String>,
    /// How many ledger engines there are.
    pub(crate) engines: usize,
    /// The level of logs.
    pub(crate) log: String,
    /// How a log line looks, if that is configured.
    pub(crate) log_format: Option<Format>,
    /// The database, if it is configured.
    pub(crate) database: Option<Place>,
    /// Connections to the database.
    pub(crate) connections: usize,
    /// Settings of JWE.
    pub(crate) jwe: Jwe,
    /// How long things are kept.
    pub(crate) retention: Retention,
    /// When the day's orders of plastic leave, UTC.
    pub(crate) orders_at: Time,
    /// After how many seconds a sandbox's bureau answers.
    pub(crate) bureau_seconds: u64,
    /// Where the passphrase comes from, if that is configured.
    pub(crate) passphrase: Option<PassphraseSource>,
    /// The token that wraps the master key, if one does.
    pub(crate) token: Option<TokenSettings>,
    /// By which server e-mail is sent, if one is configured.
    pub(crate) smtp: Option<Smtp>,
    /// Which eKYC provider is asked, if one is configured.
    pub(crate) ekyc: Option<Ekyc>,
    /// What protects the service.
    pub(crate) limits: Limits,
    /// Whether there was a file.
    pub(crate) from_file: bool,
}

impl Config {
    /// Reads the file, or the default one if there is one, and the environment.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, Failure> {
        let path = file.unwrap_or(Path::new(FILE));
        let text = crate::folder::read_text(path)?;
        if file.is_some() && text.is_none() {
            return Err(Failure::new(format!("There is no file {}.", path.display())));
        }
        let environment = environment()?;
        let credential = credential();
        let told = text.as_deref().map(|text| (path, text.as_str()));
        Self::read(told, &environment, credential)
    }

    /// What a sandbox heeds: it has no file, and options for all but these.
    pub(crate) fn of_sandbox() -> Result<Self, Failure> {
        let mut heeded = environment()?;
        let of_sandbox = |key: &Key| {
            ["log", "log_format"].contains(&key.name)
                || SECTIONS_OF_SANDBOX.iter().any(|section| key.name.starts_with(section))
        };
        let names: Vec<_> = keys().filter(|key| of_sandbox(key)).map(variable_of).collect();
        heeded.retain(|name, _| names.contains(name));
        Self::read(None, &heeded, None)
    }

    fn read(
        file: Option<(&Path, &str)>,
        environment: &BTreeMap<String, String>,
        credential: Option<PathBuf>,
    ) -> Result<Self, Failure> {
        let mut values = Values::default();
        if let Some((path, text)) = file {
            values.read_file(path, text)?;
        }
        let mut environment = environment.clone();
        let told = environment.remove(master_key::PASSPHRASE).is_some();
        values.read_environment(&environment)?;
        let passphrase = PassphraseSource::read(&values, told, credential)?;
        let config = Self {
            data: values.text("data").map(PathBuf::from),
            listen: values.address("listen")?,
            operations: values.address("operations")?,
            names: values.list("names"),
            engines: values.number("engines", 1, ENGINES_MAX)?,
            log: values.text("log").unwrap_or_else(|| "info".to_owned()),
            log_format: values.log_format()?,
            database: values.text("database.url").map(|url| Place::parse(&url)).transpose()?,
            connections: values.number("database.connections", 1, CONNECTIONS_MAX)?,
            jwe: values.jwe()?,
            retention: Retention {
                audit_months: values.months("retention.audit_months", AUDIT_MONTHS)?,
                user_months: values.months("retention.user_months", 0)?,
            },
            orders_at: values.time("orders.at")?,
            bureau_seconds: values.number("sandbox.bureau_seconds", 0, DAYS_MAX * 86_400)? as u64,
            passphrase,
            token: TokenSettings::read(&values),
            smtp: Smtp::read(&values)?,
            ekyc: Ekyc::read(&values)?,
            limits: Limits::read(&values)?,
            from_file: file.is_some(),
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), Failure> {
        if !LEVELS.contains(&self.log.as_str()) {
            return Err(Failure::new(format!(
                "The level of logs, log or ANTACA_LOG, must be one of {}.",
                LEVELS.join(", ")
            )));
        }
        if self.engines > 1 && !matches!(self.database, Some(Place::Postgres(_))) {
            return Err(Failure::new("The key engines must be 1 on SQLite."));
        }
        if self.names.is_empty() {
            return Err(Failure::new("The key names must have one name at least."));
        }
        Ok(())
    }

    /// The data folder of a server.
    pub(crate) fn data(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new(DATA))
    }

    /// The database of a server whose data is in this folder.
    pub(crate) fn database_in(&self, folder: &Path) -> Place {
        self.database.clone().unwrap_or_else(|| Place::sqlite_in(folder))
    }

    /// What is in force, as a file that says it, without secrets.
    pub(crate) fn shown(&self) -> String {
        let text = |value: &str| Value::from(value).to_string();
        let database = self.database_in(self.data());
        let names: Vec<Value> = self.names.iter().map(|name| Value::from(name.as_str())).collect();
        let mut lines = format!(
            "data = {}\nlisten = {}\noperations = {}\nnames = {}\nengines = {}\nlog = {}\n\
             log_format = {}\n\n\
             [database]\nurl = {}\nconnections = {}\n\n\
             [jwe]\nprevious_days = {}\nprivate_operations = {}\n\n\
             [retention]\naudit_months = {}\nuser_months = {}\n\n[orders]\nat = {}\n\n[keys]\n",
            text(&self.data().display().to_string()),
            text(&self.listen.to_string()),
            text(&self.operations.to_string()),
            Value::from(names),
            self.engines,
            text(&self.log),
            text(self.log_format.unwrap_or(Format::Json).name()),
            text(&database.to_string()),
            self.connections,
            self.jwe.previous_days,
            self.jwe.private_operations,
            self.retention.audit_months,
            self.retention.user_months,
            text(&self.orders_at.strftime("%H:%M").to_string()),
        );
        lines.push_str(&master_key::shown(self.passphrase.as_ref(), self.token.as_ref()));
        lines.push_str("\n\n[smtp]\n");
        lines.push_str(&Smtp::shown(self.smtp.as_ref()));
        lines.push_str("\n\n[ekyc]\n");
        lines.push_str(&Ekyc::shown(self.ekyc.as_ref()));
        lines.push_str("\n\n[limits]\n");
        lines.push_str(self.limits.shown().trim_end());
        lines
    }
}

/// Variables that begin with `ANTACA_` and are of the configuration.
fn environment() -> Result<BTreeMap<String, String>, Failure> {
    let mut found = BTreeMap::new();
    for (name, value) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with("ANTACA_")) else { continue };
        if OTHER_VARIABLES.contains(&name) || name.starts_with(TEST_VARIABLES) {
            continue;
        }
        // Of the passphrase it is enough here that it is there.
        let value = if name == master_key::PASSPHRASE { OsString::new() } else { value };
        let value = value.into_string();
        let value = value.map_err(|_| Failure::new(format!("The variable {name} isn't text.")))?;
        found.insert(name.to_owned(), value);
    }
    Ok(found)
}

/// The passphrase that systemd hands over, if it does.
#[expect(clippy::disallowed_methods, reason = "this is where configuration is read")]
fn credential() -> Option<PathBuf> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY")?;
    Some(Path::new(&folder).join("antaca-passphrase")).filter(|path| path.exists())
}

/// The fault that a test has asked for.
#[expect(clippy::disallowed_methods, reason = "this is where configuration is read")]
pub(crate) fn fault() -> Option<String> {
    std::env::var("ANTACA_FAULT").ok()
}

/// When a test wants a sandbox's clock to begin.
#[expect(clippy::disallowed_methods, reason = "this is where configuration is read")]
pub(crate) fn clock() -> Option<String> {
    std::env::var("ANTACA_CLOCK").ok()
}

/// Values by the name of their key, of the right form.
#[derive(Default)]
struct Values(BTreeMap<&'static str, Value>);

impl Values {
    fn read_file(&mut self, path: &Path, text: &str) -> Result<(), Failure> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            Failure::new(format!("{} isn't TOML: {}.", path.display(), error.message()))
        })?;
        for (name, value) in table {
            let Value::Table(section) = value else {
                self.put(path, &name, value)?;
                continue;
            };
            for (key, value) in section {
                self.put(path, &format!("{name}.{key}"), value)?;
            }
        }
        Ok(())
    }

    fn put(&mut self, path: &Path, name: &str, value: Value) -> Result<(), Failure> {
        let Some(key) = keys().find(|key| key.name == name) else {
            return Err(Failure::new(format!(
                "{} has the key {name}, which isn't known: `antaca config check --help` lists all.",
                path.display()
            )));
        };
        let fits = match key.form {
            Form::Text => value.is_str(),
            Form::Number => value.is_integer(),
            Form::List => value.as_array().is_some_and(|all| all.iter().all(Value::is_str)),
        };
        if !fits {
            return Err(wrong_form(key));
        }
        self.0.insert(key.name, value);
        Ok(())
    }

    fn read_environment(&mut self, variables: &BTreeMap<String, String>) -> Result<(), Failure> {
        for (variable, text) in variables {
            let Some(key) = keys().find(|key| variable_of(key) == *variable) else {
                return Err(Failure::new(format!(
                    "The variable {variable} isn't known: `antaca config check --help` lists all."
                )));
            };
            let value = match key.form {
                Form::Text => Value::from(text.as_str()),
                Form::Number => Value::from(text.parse::<i64>().map_err(|_| wrong_form(key))?),
                Form::List => Value::from(text.split(',').map(str::trim).collect::<Vec<_>>()),
            };
            self.0.insert(key.name, value);
        }
        Ok(())
    }

    fn text(&self, name: &str) -> Option<String> {
        let text = self.0.get(name).and_then(Value::as_str).map(str::to_owned);
        text.filter(|text| !text.is_empty())
    }

    fn list(&self, name: &str) -> Vec<String> {
        match self.0.get(name).and_then(Value::as_array) {
            Some(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            None => vec![default(name).to_owned()],
        }
    }

    fn log_format(&self) -> Result<Option<Format>, Failure> {
        let Some(text) = self.text("log_format") else { return Ok(None) };
        let format = Format::parse(&text);
        let wrong = || Failure::new("The key log_format must be json or text.");
        format.map(Some).ok_or_else(wrong)
    }

    fn address(&self, name: &str) -> Result<SocketAddr, Failure> {
        let text = self.text(name).unwrap_or_else(|| default(name).to_owned());
        text.parse().map_err(|_| {
            Failure::new(format!("The key {name} must be an address and a port: 127.0.0.1:8443."))
        })
    }

    fn number(&self, name: &str, min: i64, max: i64) -> Result<usize, Failure> {
        let number = match self.0.get(name).and_then(Value::as_integer) {
            Some(number) => Some(number),
            None => default(name).parse().ok(),
        };
        number
            .filter(|number| (min..=max).contains(number))
            .and_then(|number| usize::try_from(number).ok())
            .ok_or_else(|| Failure::new(format!("The key {name} must be {min} to {max}.")))
    }

    fn jwe(&self) -> Result<Jwe, Failure> {
        let small = |name, min, max| {
            self.number(name, min, max).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
        };
        let private_operations = small("jwe.private_operations", 1, OPERATIONS_MAX)?;
        Ok(Jwe {
            previous_days: small("jwe.previous_days", 0, DAYS_MAX)?,
            private_operations: NonZero::new(private_operations).unwrap_or(NonZero::<u32>::MIN),
        })
    }

    fn months(&self, name: &str, least: i64) -> Result<i64, Failure> {
        let months = self.number(name, least, MONTHS_MAX)?;
        Ok(i64::try_from(months).unwrap_or(MONTHS_MAX))
    }

    fn time(&self, name: &str) -> Result<Time, Failure> {
        let text = self.text(name).unwrap_or_else(|| default(name).to_owned());
        Time::strptime("%H:%M", &text)
            .map_err(|_| Failure::new(format!("The key {name} must be a time as 02:00.")))
    }
}

fn default(name: &str) -> &'static str {
    keys().find(|key| key.name == name).map_or("", |key| key.default)
}

fn variable_of(key: &Key) -> String {
    format!("ANTACA_{}", key.name.replace('.', "_").to_uppercase())
}

fn wrong_form(key: &Key) -> Failure {
    let form = match key.form {
        Form::Text => "a text",
        Form::Number => "a whole number",
        Form::List => "a list of texts",
    };
    Failure::new(format!("The key {} must be {form}.", key.name))
}

#[cfg(test)]
mod tests;
