//! The section `smtp`: by which server e-mail is sent.

use super::{Failure, Form, Key, Values, key};
use crate::folder;
use domain::alert::MailAddress;
use outbound::mail::{MailServer, Mailer, Password, Security};
use std::net::IpAddr;
use std::path::PathBuf;

/// Every key.
pub(super) const KEYS: &[Key] = &[
    key("smtp.host", Form::Text, "", "mail server; without it no e-mail is sent"),
    key("smtp.port", Form::Number, "", "its port; without it 465, 587 or 25, by smtp.tls"),
    key(
        "smtp.tls",
        Form::Text,
        "implicit",
        "implicit, starttls, or none to a server on this machine",
    ),
    key("smtp.ca_file", Form::Text, "", "PEM of its authorities; the system's without it"),
    key("smtp.user", Form::Text, "", "user name, if it asks for one"),
    key("smtp.password_file", Form::Text, "", "file that holds the user's password"),
    key("smtp.from", Form::Text, "", "whom e-mail is from: cards@example.com"),
];

const PORT_MAX: i64 = 65_535;

/// By which server e-mail is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Smtp {
    host: String,
    port: u16,
    security: Security,
    ca_file: Option<PathBuf>,
    login: Option<(String, PathBuf)>,
    from: MailAddress,
}

impl Smtp {
    /// Reads the section; none where there is no host.
    pub(super) fn read(values: &Values) -> Result<Option<Self>, Failure> {
        let Some(host) = values.text("smtp.host") else {
            return match KEYS.iter().find(|key| values.0.get(key.name).is_some_and(is_told)) {
                Some(key) => Err(Failure::new(format!("{} is given without smtp.host.", key.name))),
                None => Ok(None),
            };
        };
        let security = security(values)?;
        if security == Security::None && !is_here(&host) {
            return Err(Failure::new(
                "The key smtp.tls may be none only where smtp.host is localhost or a loopback \
                 address: use implicit or starttls.",
            ));
        }
        let from = values.text("smtp.from").and_then(|text| MailAddress::parse(&text));
        let file = |name| values.text(name).map(PathBuf::from);
        Ok(Some(Self {
            host,
            port: port(values, security)?,
            security,
            ca_file: file("smtp.ca_file"),
            login: match (values.text("smtp.user"), file("smtp.password_file")) {
                (Some(user), Some(password)) => Some((user, password)),
                (None, None) => None,
                (Some(_), None) | (None, Some(_)) => {
                    return Err(Failure::new(
                        "Give smtp.user and smtp.password_file together, or neither.",
                    ));
                }
            },
            from: from.ok_or_else(|| {
                Failure::new("The key smtp.from must be an address: cards@example.com.")
            })?,
        }))
    }

    /// What sends by it. The files are read now, so that what is wrong is told at the start.
    pub(crate) fn mailer(&self) -> Result<Mailer, Failure> {
        let login = self.login.as_ref().map(|(user, file)| {
            let text = folder::read_text(file)?.unwrap_or_default();
            let password = text.trim_end_matches(['\r', '\n']);
            if password.is_empty() {
                return Err(Failure::new(format!("There is no password in {}.", file.display())));
            }
            Ok((user.clone(), Password::new(password)))
        });
        let trusted_ca = self.ca_file.as_ref().map(|file| {
            let text = folder::read_text(file)?;
            let text = text.ok_or_else(|| {
                Failure::new(format!("There is no file {}: see smtp.ca_file.", file.display()))
            })?;
            Ok::<_, Failure>(text.to_string())
        });
        let server = MailServer {
            host: self.host.clone(),
            port: self.port,
            security: self.security,
            trusted_ca: trusted_ca.transpose()?,
            login: login.transpose()?,
            from: self.from.clone(),
        };
        Mailer::new(server)
            .map_err(|error| Failure::new(format!("E-mail can't be sent as configured: {error}.")))
    }

    /// As a file says it.
    pub(super) fn shown(smtp: Option<&Self>) -> String {
        let Some(smtp) = smtp else { return "# no e-mail".to_owned() };
        let text = |value: &str| toml::Value::from(value).to_string();
        let mut lines = format!(
            "host = {}\nport = {}\ntls = {}\nfrom = {}",
            text(&smtp.host),
            smtp.port,
            text(word(smtp.security)),
            text(smtp.from.as_str()),
        );
        let mut add = |name: &str, value: &str| {
            lines.push_str(&format!("\n{name} = {}", text(value)));
        };
        if let Some(file) = &smtp.ca_file {
            add("ca_file", &file.display().to_string());
        }
        if let Some((user, file)) = &smtp.login {
            add("user", user);
            add("password_file", &file.display().to_string());
        }
        lines
    }
}

const WORDS: [Security; 3] = [Security::Implicit, Security::StartTls, Security::None];

fn word(security: Security) -> &'static str {
    match security {
        Security::Implicit => "implicit",
        Security::StartTls => "starttls",
        Security::None => "none",
    }
}

fn security(values: &Values) -> Result<Security, Failure> {
    let text = values.text("smtp.tls").unwrap_or_else(|| super::default("smtp.tls").to_owned());
    let found = WORDS.into_iter().find(|security| word(*security) == text);
    found.ok_or_else(|| Failure::new("The key smtp.tls must be implicit, starttls or none."))
}

fn port(values: &Values, security: Security) -> Result<u16, Failure> {
    if !values.0.contains_key("smtp.port") {
        return Ok(match security {
            Security::Implicit => 465,
            Security::StartTls => 587,
            Security::None => 25,
        });
    }
    let port = values.number("smtp.port", 1, PORT_MAX)?;
    Ok(u16::try_from(port).unwrap_or(u16::MAX))
}

/// Whether a value says something: an empty text is none.
fn is_told(value: &toml::Value) -> bool {
    value.as_str() != Some("")
}

/// Whether a name means this machine, whatever a DNS server says.
fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
