//! An operator's commands about audit records.

use super::Desk;
use crate::audit_heads::{self, NAME, name_of};
use crate::failure::Failure;
use app::audit::Head;
use app::audit::verify::{Finding, Named, Wrong};
use app::ledger::verify::Tell;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;

/// What is verified.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VerifyAudit {
    /// Whole paths of files of heads; the data folder's own where none is named.
    pub(crate) heads: Vec<PathBuf>,
}

impl Desk {
    pub(super) async fn verify_audit(
        &self,
        command: VerifyAudit,
        tell: Tell<'_>,
    ) -> Result<Value, Failure> {
        self.app.refresh_settings().await?;
        let (mut heads, mut spoilt) = (Vec::new(), 0);
        for path in &command.heads {
            let (found, lines) = audit_heads::read(path)?
                .ok_or_else(|| Failure::new(format!("There is no file {}.", path.display())))?;
            heads.extend(found);
            spoilt += lines;
        }
        if command.heads.is_empty()
            && let Some((found, lines)) = audit_heads::read(&self.folder.path(NAME))?
        {
            heads.extend(found);
            spoilt += lines;
        }
        let report = self.app.verify_audit(heads, tell).await?;
        let finding = |it: &Finding| finding_json(&name_of(&self.app, it.partner), &it.wrong);
        let removed = report.removed.iter().map(|(partner, place, until)| {
            let partner = name_of(&self.app, *partner);
            json!({ "partner": partner, "to": place, "until": until.map(|it| it.to_string()) })
        });
        Ok(json!({
            "clean": report.is_clean(),
            "chains": report.chains,
            "sealed": report.sealed,
            "unsealed": report.unsealed,
            "heads": report.heads,
            "spoiltHeads": spoilt,
            "removedByRetention": removed.collect::<Vec<_>>(),
            "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
            "moreFindings": report.more,
        }))
    }
}

/// What is said of a report, a line each: of a clean one alone what was looked at.
pub(crate) fn sentences(report: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let findings = report["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    for finding in findings {
        let partner = finding["partner"].as_str().unwrap_or_default();
        lines.push(format!("{partner}: {}", finding["text"].as_str().unwrap_or_default()));
    }
    let more = report["moreFindings"].as_u64().unwrap_or_default();
    if more > 0 {
        lines.push(format!("{more} more findings aren't listed."));
    }
    lines
}

fn finding_json(partner: &str, wrong: &Wrong) -> Value {
    let mut told = match wrong {
        Wrong::Altered(it) => json!({ "kind": "ALTERED", "record": named_json(it) }),
        Wrong::Inserted(it) => json!({ "kind": "INSERTED", "record": named_json(it) }),
        Wrong::Removed { from, to, before, after } => json!({
            "kind": "REMOVED", "from": from, "to": to,
            "before": before.as_ref().map(named_json), "after": after.as_ref().map(named_json),
        }),
        Wrong::EndAltered => json!({ "kind": "END_ALTERED" }),
        Wrong::RemovalAltered => json!({ "kind": "BEGINNING_ALTERED" }),
        Wrong::EndMissing => json!({ "kind": "END_MISSING" }),
        Wrong::HeadDiffers { head, count } => {
            json!({ "kind": "HEAD_DIFFERS", "head": head_json(head), "heads": count })
        }
        Wrong::HeadBeyondEnd { head, end, count } => json!({
            "kind": "HEAD_BEYOND_END", "head": head_json(head), "end": end, "heads": count,
        }),
    };
    told["partner"] = json!(partner);
    told["text"] = json!(text(wrong));
    told
}

fn head_json(head: &Head) -> Value {
    json!({ "place": head.place, "at": head.at.to_string() })
}

fn named_json(it: &Named) -> Value {
    json!({
        "place": it.place, "id": it.id.map(|id| id.to_string()), "action": it.action,
        "at": it.at.map(|at| at.to_string()),
    })
}

/// What a restored backup does too.
const RESTORED: &str = "the end of the chain was cut off, or the database was replaced by an older \
    one; a restored backup does that too, see docs/recovery.md";

fn text(wrong: &Wrong) -> String {
    match wrong {
        Wrong::Altered(it) => format!("{} isn't as it was sealed.", named(it)),
        Wrong::Inserted(it) => format!("{} was never sealed: it was put there.", named(it)),
        Wrong::Removed { from, to, before, after } => {
            let places = if from == to {
                format!("The record at place {from} is gone")
            } else {
                format!("The records at places {from} to {to} are gone")
            };
            let before = before.as_ref().map_or_else(|| "the beginning".to_owned(), named);
            let after = after.as_ref().map_or_else(|| "the end".to_owned(), named);
            format!("{places}: between {} and {}.", small(&before), small(&after))
        }
        Wrong::EndAltered => "What is kept of the chain's end was altered.".to_owned(),
        Wrong::RemovalAltered => {
            "What is kept of the chain's beginning was altered: it can't be told which records \
             retention has removed."
                .to_owned()
        }
        Wrong::EndMissing => {
            "Nothing is kept of the chain's end: records may be missing there.".to_owned()
        }
        Wrong::HeadDiffers { head, count } => format!(
            "The record at place {} isn't the one that was there at {} ({count} heads differ): \
             {RESTORED}.",
            head.place, head.at
        ),
        Wrong::HeadBeyondEnd { head, end, count } => format!(
            "The chain ends at place {end}, and had reached place {} at {} ({count} heads are \
             beyond its end): {RESTORED}.",
            head.place, head.at
        ),
    }
}

fn named(it: &Named) -> String {
    let Named { place, id, action, at } = it;
    match (id, at) {
        (Some(id), Some(at)) => format!("The record at place {place}, {id}, {action} of {at},"),
        (Some(id), None) => format!("The record at place {place}, {id}, {action},"),
        (None, _) => format!("The record at place {place}, which can't be read,"),
    }
    .trim_end_matches(',')
    .to_owned()
}

/// In the middle of a sentence.
fn small(text: &str) -> String {
    text.replacen("The record", "the record", 1)
}

/// What a clean report says.
pub(crate) fn clean(report: &Value) -> String {
    let count = |name: &str| report[name].as_u64().unwrap_or_default();
    format!(
        "The audit records are whole: {} in {} chains. Compared with heads: {}. Not sealed yet: \
         {}.",
        count("sealed"),
        count("chains"),
        count("heads"),
        count("unsealed"),
    )
}
