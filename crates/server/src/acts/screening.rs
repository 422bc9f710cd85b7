//! An operator's commands about lists of sanctions and who was found on them.

use super::{Desk, word};
use crate::failure::Failure;
use app::audit::Operator;
use app::screening;
use clap::Args;
use domain::ids::HitId;
use domain::scope::Scope;
use domain::screening::List;
use domain::screening::cases::HitDecision;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::Path;

/// Hits that are listed at once.
const LISTED: i64 = 200;

/// A file to be loaded.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LoadList {
    /// The file: of OFAC (XML or CSV), the UN or the EU, as they publish it; or a CSV of one's own
    pub(crate) file: String,
    /// OFAC's alt.csv, beside its sdn.csv
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    pub(crate) aliases: Option<String>,
    /// Which list a CSV of one's own is
    #[arg(long, value_parser = ["NATIONAL", "BLACKLIST", "GREYLIST"],
        requires_all = ["name", "columns"])]
    pub(crate) list: Option<String>,
    /// What it is called: 1 to 40 of a-z, 0-9 and the hyphen
    #[arg(long, requires = "list")]
    pub(crate) name: Option<String>,
    /// Its columns, such as id=Nr,name=Nazwa,aliases=Aliasy,born=Data
    #[arg(long, value_name = "MAP", requires = "list")]
    pub(crate) columns: Option<String>,
}

/// A list.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NamedList {
    /// Its name, as `antaca screening list` shows it
    #[arg(long)]
    pub(crate) name: String,
}

/// Whose hits to list.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ListHits {
    /// The partner's Issuer-Code
    #[arg(long)]
    pub(crate) partner: String,
}

/// What is decided of a hit.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DecideHit {
    /// The partner's Issuer-Code
    #[arg(long)]
    pub(crate) partner: String,
    /// The hit, as `antaca screening hits` shows it
    #[arg(long, value_name = "UUID")]
    pub(crate) id: String,
    /// Somebody else of that name, or the one on the list
    #[arg(long, value_parser = ["CLEARED", "CONFIRMED"])]
    pub(crate) state: String,
    /// Why: 1 to 500 characters
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: String,
}

impl LoadList {
    /// With whole paths: whoever reads the files may be at work elsewhere.
    pub(crate) fn absolute(mut self) -> Result<Self, Failure> {
        for path in [Some(&mut self.file), self.aliases.as_mut()].into_iter().flatten() {
            let whole = std::path::absolute(&*path)
                .map_err(|error| Failure::new(format!("{path} can't be found: {error}")))?;
            *path = whole.display().to_string();
        }
        Ok(self)
    }
}

impl Desk {
    pub(super) async fn load_list(
        &self,
        operator: &Operator,
        command: LoadList,
    ) -> Result<Value, Failure> {
        let LoadList { file: path, aliases, list, name, columns } = command;
        let own = match (name, list, columns) {
            (Some(name), Some(list), Some(columns)) => {
                Some((name, word("--list", List::parse, &list)?, columns))
            }
            _ => None,
        };
        let aliases = aliases.as_deref().map(read).transpose()?;
        let load = screening::LoadList { file: read(&path)?, aliases, path: path.clone(), own };
        let loaded = self.app.load_list(operator, load).await?;
        loaded.map_err(|fault| Failure::new(format!("{path} can't be loaded: {fault}.")))
    }

    pub(super) async fn remove_list(
        &self,
        operator: &Operator,
        command: &NamedList,
    ) -> Result<Value, Failure> {
        self.app.remove_list(operator, &command.name).await?;
        Ok(json!({ "removed": command.name }))
    }

    pub(super) async fn list_lists(&self) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        self.app.refresh_screening().await?;
        let lists = self.app.lists().await?.into_iter().map(|list| {
            json!({
                "name": list.name, "list": list.list.as_str(), "entries": list.entries,
                "file": list.file, "loadedAt": list.loaded_at.to_string(),
            })
        });
        let settings = self.app.settings.get();
        let progress = self.app.screening_progress().await?.into_iter().map(|of| {
            let code = settings.partner(of.partner).map(|partner| partner.code.clone());
            json!({ "partner": code, "screened": of.done, "of": of.newest })
        });
        Ok(lists.chain(progress).collect())
    }

    pub(super) async fn list_hits(&self, command: &ListHits) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(&command.partner)?;
        let scope = Scope::platform(partner, "the operator looks at hits");
        let page = self.app.open_hits(scope, None, LISTED).await?;
        Ok(page.items.iter().map(screening::hit_json).collect())
    }

    pub(super) async fn decide_hit(
        &self,
        operator: &Operator,
        command: DecideHit,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let partner = self.partner(&command.partner)?;
        let message = "The value of --id must be a hit's id, a UUID.";
        let decide = screening::DecideHit {
            hit: HitId(command.id.parse().map_err(|_| Failure::new(message))?),
            state: word("--state", HitDecision::parse, &command.state)?,
            comment: command.comment,
            seen: None,
        };
        Ok(screening::hit_json(&self.app.decide_hit_as(operator, partner, decide).await?))
    }
}

fn read(path: &str) -> Result<Vec<u8>, Failure> {
    let large = std::fs::metadata(Path::new(path))
        .is_ok_and(|file| file.len() > screening::lists::BYTES_MAX as u64);
    if large {
        return Err(Failure::new(format!("{path} has more than 256 MiB.")));
    }
    std::fs::read(path).map_err(|error| Failure::new(format!("{path} can't be read: {error}")))
}
