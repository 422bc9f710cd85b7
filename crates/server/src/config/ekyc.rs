//! The section `ekyc`: which provider is asked about KYC forms.

use super::{Failure, Form, Key, Values, key};
use crate::folder;
use outbound::ekyc::{Provider, Token};
use outbound::target::{Identity, Reach, Target, TargetError, base_url};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Every key.
pub(super) const KEYS: &[Key] = &[
    key("ekyc.url", Form::Text, "", "where an eKYC provider is asked, https://…; none without it"),
    key("ekyc.ca_file", Form::Text, "", "PEM of its authorities; no other is trusted"),
    key("ekyc.token_file", Form::Text, "", "file that holds the bearer token that it knows us by"),
    key("ekyc.certificate_file", Form::Text, "", "PEM of our certificate, if it asks for one"),
    key("ekyc.key_file", Form::Text, "", "PEM of our certificate's key"),
];

/// Which provider is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ekyc {
    url: String,
    ca_file: PathBuf,
    token_file: Option<PathBuf>,
    /// Certificate and key.
    identity: Option<(PathBuf, PathBuf)>,
}

impl Ekyc {
    /// Reads the section; none where there is no URL.
    pub(super) fn read(values: &Values) -> Result<Option<Self>, Failure> {
        let file = |name| values.text(name).map(PathBuf::from);
        let Some(url) = values.text("ekyc.url") else {
            return match KEYS.iter().find(|key| values.text(key.name).is_some()) {
                Some(key) => Err(Failure::new(format!("{} is given without ekyc.url.", key.name))),
                None => Ok(None),
            };
        };
        let url = base_url(&url, Reach::Anywhere).map_err(wrong)?;
        let ca_file = file("ekyc.ca_file").ok_or_else(|| {
            Failure::new("Give ekyc.ca_file too: no authority is trusted but the provider's.")
        })?;
        let identity = match (file("ekyc.certificate_file"), file("ekyc.key_file")) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                return Err(Failure::new(
                    "Give ekyc.certificate_file and ekyc.key_file together, or neither.",
                ));
            }
        };
        let token_file = file("ekyc.token_file");
        if token_file.is_none() && identity.is_none() {
            return Err(Failure::new(
                "Give ekyc.token_file, or ekyc.certificate_file and ekyc.key_file: the provider \
                 must know who asks.",
            ));
        }
        Ok(Some(Self { url, ca_file, token_file, identity }))
    }

    /// What is asked. The files are read now, so that what is wrong is told at the start.
    pub(crate) fn provider(&self, reach: Reach) -> Result<Provider, Failure> {
        let token = self.token_file.as_ref().map(|file| {
            let text = needed(file, "ekyc.token_file")?;
            Token::parse(text.trim()).ok_or_else(|| {
                Failure::new(format!("There is no bearer token in {}.", file.display()))
            })
        });
        let identity = self.identity.as_ref().map(|(certificate, key)| {
            Ok::<_, Failure>(Identity {
                certificate: needed(certificate, "ekyc.certificate_file")?.to_string(),
                key: needed(key, "ekyc.key_file")?,
            })
        });
        let target = Target {
            base_url: self.url.clone(),
            trusted_ca: needed(&self.ca_file, "ekyc.ca_file")?.to_string(),
            identity: identity.transpose()?,
            reach,
        };
        Provider::new(&target, token.transpose()?).map_err(wrong)
    }

    /// As a file says it.
    pub(super) fn shown(ekyc: Option<&Self>) -> String {
        let Some(ekyc) = ekyc else { return "# no provider".to_owned() };
        let text = |value: &str| toml::Value::from(value).to_string();
        let mut lines = format!("url = {}", text(&ekyc.url));
        let (certificate, key) = ekyc.identity.as_ref().map(|(a, b)| (a, b)).unzip();
        for (name, file) in [
            ("ca_file", Some(&ekyc.ca_file)),
            ("token_file", ekyc.token_file.as_ref()),
            ("certificate_file", certificate),
            ("key_file", key),
        ] {
            if let Some(file) = file {
                lines.push_str(&format!("\n{name} = {}", text(&file.display().to_string())));
            }
        }
        lines
    }
}

fn needed(file: &Path, key: &str) -> Result<Zeroizing<String>, Failure> {
    folder::read_text(file)?
        .ok_or_else(|| Failure::new(format!("There is no file {}: see {key}.", file.display())))
}

/// Names the keys that are wrong.
fn wrong(error: TargetError) -> Failure {
    let keys = match error {
        TargetError::Url | TargetError::UrlParts | TargetError::Port | TargetError::Address => {
            "The key ekyc.url"
        }
        TargetError::TrustedCa => "The file of ekyc.ca_file",
        TargetError::Identity => "What ekyc.certificate_file and ekyc.key_file name",
    };
    Failure::new(format!("{keys} {}.", error.sentence()))
}
