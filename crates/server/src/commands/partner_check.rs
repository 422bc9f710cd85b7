//! What `antaca partner check` does.

use super::certificates::read as read_file;
use super::perform_act;
use crate::acts::{Act, CheckArgs, CheckPartner};
use crate::cli::PartnerCheckArgs;
use crate::failure::Failure;
use crate::{clock, output};
use crypto::encoding::from_webhook_secret;
use outbound::SharedSecret;
use outbound::check::{PATIENCE, Plan, check, report};
use outbound::client::Client;
use outbound::target::{Identity, Reach, Target, TargetError};
use serde_json::Value;
use std::path::Path;
use zeroize::Zeroizing;

/// Checks, and prints what was found; what is wrong is a failure.
pub(super) async fn perform(arguments: PartnerCheckArgs) -> Result<(), Failure> {
    let json = arguments.json;
    let report = found(arguments).await?;
    if json {
        output::line(&report.to_string());
    } else {
        findings(&report).for_each(|finding| output::line(&told(finding)));
    }
    let wrong = findings(&report).filter(|finding| finding["verdict"] == "WRONG").count();
    if report["holds"] == true {
        return Ok(());
    }
    let of = findings(&report).count();
    Err(Failure::new(format!("{wrong} of {of} checks found something wrong.")))
}

fn findings(report: &Value) -> impl Iterator<Item = &Value> {
    report["findings"].as_array().into_iter().flatten()
}

/// A finding for a person: a line, and more where something isn't well.
fn told(finding: &Value) -> String {
    let text = |name: &str| finding[name].as_str().unwrap_or_default();
    let head = format!("{:7}  {}", text("verdict"), text("check"));
    if finding["came"].is_null() {
        return head;
    }
    let [sent, expected, came] = ["sent", "expected", "came"].map(text);
    format!("{head}\n    sent      {sent}\n    expected  {expected}\n    came      {came}")
}

async fn found(arguments: PartnerCheckArgs) -> Result<Value, Failure> {
    let PartnerCheckArgs { partner, what, at, .. } = &arguments;
    if let Some(code) = partner {
        let act = CheckPartner { partner: code.clone(), what: what.clone() };
        return perform_act(at, Act::CheckPartner(act)).await;
    }
    let client = client(&arguments)?;
    let secrets: Vec<SharedSecret> =
        arguments.secret_file.as_deref().map(secret).transpose()?.into_iter().collect();
    let CheckArgs { user, balance, currency, .. } = what;
    let mode = what.mode()?.ok_or_else(|| Failure::new("Say what it does for us with --mode."))?;
    let now = clock::real();
    let plan = Plan {
        mode,
        user,
        balance: balance.as_deref(),
        currency,
        secrets: &secrets,
        patience: PATIENCE,
        now: &|| now(),
        ids: &app::ids::random_id,
    };
    Ok(report(mode, &check(&client, &plan).await))
}

fn client(arguments: &PartnerCheckArgs) -> Result<Client, Failure> {
    let PartnerCheckArgs { url, ca, certificate, key, allow_private, .. } = arguments;
    let read = |path: Option<&Path>| path.map(read_file).transpose();
    let (certificate, key) = (read(certificate.as_deref())?, read(key.as_deref())?);
    let identity = certificate.zip(key);
    let target = Target {
        base_url: url.clone().unwrap_or_default(),
        trusted_ca: read(ca.as_deref())?.unwrap_or_default(),
        identity: identity
            .map(|(certificate, key)| Identity { certificate, key: Zeroizing::new(key) }),
        reach: if *allow_private { Reach::Anywhere } else { Reach::Public },
    };
    Client::new(&target).map_err(|error| {
        let what = match error {
            TargetError::TrustedCa => "--ca",
            TargetError::Identity => "--certificate with --key",
            TargetError::Url | TargetError::UrlParts | TargetError::Port | TargetError::Address => {
                "--url"
            }
        };
        let hint =
            if error == TargetError::Address { ", or allowed by --allow-private" } else { "" };
        Failure::new(format!("{what} {error}{hint}."))
    })
}

fn secret(path: &Path) -> Result<SharedSecret, Failure> {
    let text = Zeroizing::new(read_file(path)?);
    let secret = from_webhook_secret(text.trim());
    let wrong = || Failure::new(format!("{} holds no secret, whsec_… .", path.display()));
    secret.map(|secret| SharedSecret::new(&secret)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_finding_is_told_in_lines() {
        let well = json!({ "check": "the server answers", "verdict": "ok" });
        assert_eq!(told(&well), "ok       the server answers");
        let wrong = json!({
            "check": "the server answers", "verdict": "WRONG",
            "sent": "GET /public-key", "expected": "an answer", "came": "nothing",
        });
        let expected = "WRONG    the server answers\n    sent      GET /public-key\n    \
                        expected  an answer\n    came      nothing";
        assert_eq!(told(&wrong), expected);
    }
}
