//! An operator's commands about how partners are called.

use super::Desk;
use crate::failure::Failure;
use app::audit::Operator;
use app::outbound::{Check, Import, SecretAct, our_certificate_json};
use clap::Args;
use clap::builder::PossibleValuesParser;
use domain::notification::Event;
use outbound::check::{Mode, report};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The word for no event at all.
pub(super) const NONE: &str = "none";

/// A request for our certificate.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RequestCertificate {
    /// The code of the partner that we are to call.
    pub(crate) partner: String,
    /// The common name that we ask for.
    pub(crate) name: String,
}

/// What a partner gave us.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ImportCertificate {
    /// The partner's code.
    pub(crate) partner: String,
    /// Our certificate, PEM.
    pub(crate) certificate: String,
    /// The authorities of its server, PEM.
    pub(crate) trusted_ca: String,
    /// Where its paths begin.
    pub(crate) base_url: String,
}

/// Whose secret to show.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ShowSecret {
    /// The partner's Issuer-Code
    #[arg(long)]
    pub(crate) code: String,
    /// Make a new one first; the one before is used beside it for 24 hours
    #[arg(long)]
    pub(crate) rotate: bool,
    /// With --rotate, use the new one alone from now on: for a secret that has leaked
    #[arg(long, requires = "rotate")]
    pub(crate) at_once: bool,
}

/// What a partner's server is tried out with.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CheckArgs {
    /// What the partner does for us [default with --partner: as it is set up]
    #[arg(long, value_parser = ["external", "shared", "notifications"],
        required_unless_present = "partner")]
    pub(crate) mode: Option<String>,
    /// The id of a user whom it knows, best one for tests
    #[arg(long, value_name = "ID", default_value = "1")]
    pub(crate) user: String,
    /// The id of a balance that it knows, where it is asked only [default: a new one]
    #[arg(long, value_name = "ID")]
    pub(crate) balance: Option<String>,
    /// The currency of what is played with
    #[arg(long, value_name = "CURRENCY", default_value = "EUR")]
    pub(crate) currency: String,
}

/// Whose server to try out, as we call it otherwise too.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CheckPartner {
    /// The partner's code.
    pub(crate) partner: String,
    /// With what.
    pub(crate) what: CheckArgs,
}

impl CheckArgs {
    /// What the partner does for us; the words alone that are taken, and a user's id that can stand
    /// in a path.
    pub(crate) fn mode(&self) -> Result<Option<Mode>, Failure> {
        let is_word = |it: u8| it.is_ascii_alphanumeric() || it == b'-';
        if self.user.is_empty() || !self.user.bytes().all(is_word) {
            return Err(Failure::new("--user must be a user's id, or a corporation's."));
        }
        let unknown = || Failure::new("--mode has a value that isn't known.");
        self.mode.as_deref().map(|word| Mode::parse(word).ok_or_else(unknown)).transpose()
    }
}

impl Desk {
    pub(super) async fn check_partner(
        &self,
        operator: &Operator,
        command: CheckPartner,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(&command.partner)?;
        let mode = command.what.mode()?;
        let CheckArgs { user, balance, currency, .. } = command.what;
        let check = Check { mode, user, balance, currency };
        match self.app.check_partner(operator, partner, check).await? {
            Some((mode, found)) => Ok(report(mode, &found)),
            None => Err(Failure::new(format!(
                "{} can't be called yet: give its URL, authority and certificate to `antaca ca \
                 import`.",
                command.partner
            ))),
        }
    }

    pub(super) async fn request_certificate(
        &self,
        operator: &Operator,
        command: RequestCertificate,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(&command.partner)?;
        let csr = self.app.request_certificate(operator, partner, &command.name).await?;
        Ok(json!({ "csr": csr }))
    }

    pub(super) async fn import_certificate(
        &self,
        operator: &Operator,
        command: ImportCertificate,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let ImportCertificate { partner: code, certificate, trusted_ca, base_url } = command;
        let partner = self.partner(&code)?;
        let import = Import { certificate, trusted_ca, base_url };
        let now = (self.real_time)();
        self.app.import_certificate(operator, partner, import, now).await?;
        let settings = self.app.settings.get();
        let shown = settings.outbound(partner).map(|ours| our_certificate_json(ours, &code));
        let shown = shown.transpose().map_err(|error| {
            Failure::new(format!("Our certificate for {code} can't be read: it {error}."))
        })?;
        Ok(shown.flatten().into())
    }

    pub(super) async fn show_secret(
        &self,
        operator: &Operator,
        command: &ShowSecret,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(&command.code)?;
        let act = match (command.rotate, command.at_once) {
            (false, _) => SecretAct::Show,
            (true, false) => SecretAct::Rotate((self.real_time)()),
            (true, true) => SecretAct::RotateAtOnce,
        };
        let secret = self.app.outbound_secret(operator, partner, act).await?;
        Ok(json!({ "secret": *secret }))
    }
}

/// What `--notifications` takes: the events, and a word for none of them.
pub(super) fn notifications() -> PossibleValuesParser {
    Event::NOTIFICATIONS.iter().map(|event| event.as_str()).chain([NONE]).into()
}

/// The events that the words name.
pub(super) fn events(words: Vec<String>) -> Result<Vec<Event>, Failure> {
    if words == [NONE] {
        return Ok(Vec::new());
    }
    let unknown = || Failure::new("--notifications has a value that isn't known.");
    let mut events = words
        .iter()
        .map(|word| Event::parse(word).ok_or_else(unknown))
        .collect::<Result<Vec<_>, _>>()?;
    events.sort_unstable();
    events.dedup();
    Ok(events)
}
