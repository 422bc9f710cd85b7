//! A KYC form that an eKYC provider is asked about: what is sent, and what its answer means. The
//! contract is `docs/ekyc-provider.md`.

use crate::client::{Answer as Answered, CallError, Client, Question};
use crate::target::{Target, TargetError};
use domain::Timestamp;
use domain::ids::VerificationId;
use domain::verification::picture::MediaType;
use domain::verification::provider::Answer;
use domain::verification::{Form, Pesel, Reason, RiskLevel};
use reqwest::header::HeaderValue;
use reqwest::multipart::{self, Part};
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// How long sending a form and its answer may take: its pictures have up to 20 MiB.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// How long asking again may take.
const ASK_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that a question takes.
pub const TIMEOUT_MAX: Duration = SEND_TIMEOUT;
/// Characters of a token at most.
const TOKEN_LEN_MAX: usize = 4096;

/// What a provider knows us by (RFC 6750). It is never printed.
#[derive(Clone)]
pub struct Token(HeaderValue);

impl Token {
    /// Reads a token: visible ASCII.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let visible = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !visible || text.len() > TOKEN_LEN_MAX {
            return None;
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {text}")).ok()?;
        header.set_sensitive(true);
        Some(Self(header))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A provider that can be asked.
#[derive(Clone, Debug)]
pub struct Provider {
    client: Client,
    token: Option<Token>,
}

/// What a form shows.
#[derive(Clone)]
pub struct Picture {
    /// `imageFace`, `imageFront` or `imageBack`.
    pub kind: String,
    /// What it is.
    pub media_type: MediaType,
    /// The picture itself.
    pub bytes: Vec<u8>,
}

/// What a provider is sent.
pub struct Submission {
    /// What the form says.
    pub form: Form,
    /// What it shows.
    pub pictures: Vec<Picture>,
}

/// What a provider has said, and by which status of HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status; none where no answer came.
    pub status: Option<u16>,
    /// What it means.
    pub said: Said,
}

/// What a reply means. Nothing in it is a text of the provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// An answer.
    Answer(Answer),
    /// None now: it can be asked again, after a time if it wishes one.
    NotNow {
        /// The word for what happened.
        error: &'static str,
        /// How long it asks to be left alone.
        wish: Option<Duration>,
    },
    /// Something that the contract doesn't have; the word for it.
    Unusable(&'static str),
}

impl Provider {
    /// A provider at this target. Nothing is connected to yet.
    pub fn new(target: &Target, token: Option<Token>) -> Result<Self, TargetError> {
        Ok(Self { client: Client::new(target)?, token })
    }

    /// Asks about a form once: sends it, or where it has it in work, asks what became of it.
    /// Sending it again changes nothing, since the form's id is the key.
    pub async fn ask(
        &self,
        id: VerificationId,
        submission: Option<Submission>,
        request_id: &str,
        now: Timestamp,
    ) -> Reply {
        let (path, timeout) = match &submission {
            Some(_) => ("/verifications".to_owned(), SEND_TIMEOUT),
            None => (format!("/verifications/{}", id.0), ASK_TIMEOUT),
        };
        let question = Question {
            path: &path,
            key: id.0,
            request_id,
            form: submission.map(|submission| written(id, submission)),
            authorization: self.token.as_ref().map(|token| &token.0),
            timeout,
            now,
        };
        read(self.client.ask(question).await)
    }
}

/// The form as it is sent, under the names that it came with.
fn written(id: VerificationId, submission: Submission) -> multipart::Form {
    let Submission { form, pictures } = submission;
    let Form { address, .. } = &form;
    let texts = [
        ("verificationId", Some(id.0.to_string())),
        ("firstName", Some(form.first_name.clone())),
        ("lastName", Some(form.last_name.clone())),
        ("street", Some(address.street.clone())),
        ("number", Some(address.number.clone())),
        ("apartment", address.apartment.clone()),
        ("city", Some(address.city.clone())),
        ("postCode", Some(address.post_code.clone())),
        ("country", Some(address.country.as_str().to_owned())),
        ("nationality", Some(form.nationality.clone())),
        ("birthDate", Some(form.birth_date.to_string())),
        ("pesel", form.pesel.as_ref().map(Pesel::digits)),
        ("documentType", Some(form.document_type.as_str().to_owned())),
        ("identityCardNo", Some(form.document_number.clone())),
        ("documentExpirationDate", Some(form.document_expires.to_string())),
        ("riskLvl", form.risk_level.map(RiskLevel::as_str).map(str::to_owned)),
    ];
    let mut whole = multipart::Form::new();
    for (name, text) in texts {
        if let Some(text) = text {
            whole = whole.text(name, text);
        }
    }
    for picture in pictures {
        let end = match picture.media_type {
            MediaType::Jpeg => "jpg",
            MediaType::Png => "png",
        };
        let part = Part::bytes(picture.bytes).file_name(format!("{}.{end}", picture.kind));
        let part = part.mime_str(picture.media_type.as_str()).expect("it is a media type");
        whole = whole.part(picture.kind, part);
    }
    whole
}

/// What an answer means.
fn read(answered: Result<Answered, CallError>) -> Reply {
    let answered = match answered {
        Ok(answered) => answered,
        Err(error) => {
            let said = match error {
                CallError::TooLarge => Said::Unusable(error.as_str()),
                CallError::Forbidden
                | CallError::Connect
                | CallError::Tls
                | CallError::Timeout
                | CallError::Broken => Said::NotNow { error: error.as_str(), wish: None },
            };
            return Reply { status: None, said };
        }
    };
    let said = match answered.status {
        200..=202 => read_body(&answered.body),
        429 | 500..=599 => Said::NotNow { error: "NOT_NOW", wish: answered.retry_after },
        _ => Said::Unusable("UNEXPECTED_STATUS"),
    };
    Reply { status: Some(answered.status), said }
}

fn read_body(body: &[u8]) -> Said {
    let Ok(Value::Object(body)) = serde_json::from_slice(body) else {
        return Said::Unusable("NO_JSON_OBJECT");
    };
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    Said::Answer(match text("status") {
        Some("ACCEPTED") => Answer::Accepted,
        Some("REJECTED") => Answer::Rejected(text("reason").and_then(Reason::parse)),
        Some("REFERRED") => Answer::Referred,
        Some("IN_PROGRESS") => Answer::InProgress,
        _ => return Said::Unusable("UNKNOWN_STATUS"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> Said {
        let answered = Answered {
            status,
            body: body.as_bytes().to_vec(),
            is_problem_json: false,
            retry_after: Some(Duration::from_secs(7)),
        };
        let reply = read(Ok(answered));
        assert_eq!(reply.status, Some(status));
        reply.said
    }

    #[test]
    fn an_answer_means_what_the_contract_says() {
        let not_now = Said::NotNow { error: "NOT_NOW", wish: Some(Duration::from_secs(7)) };
        let unexpected = Said::Unusable("UNEXPECTED_STATUS");
        let accepted = r#"{"status": "ACCEPTED"}"#;
        let selfie = Some(Reason::InvalidSelfie);
        for (status, body, expected) in [
            (200, accepted, Said::Answer(Answer::Accepted)),
            (201, r#"{"status": "REFERRED", "reason": 1}"#, Said::Answer(Answer::Referred)),
            (202, r#"{"status": "IN_PROGRESS"}"#, Said::Answer(Answer::InProgress)),
            (
                200,
                r#"{"status": "REJECTED", "reason": "INVALID_SELFIE"}"#,
                Said::Answer(Answer::Rejected(selfie)),
            ),
            (200, r#"{"status": "REJECTED"}"#, Said::Answer(Answer::Rejected(None))),
            (
                200,
                r#"{"status": "REJECTED", "reason": "UGLY"}"#,
                Said::Answer(Answer::Rejected(None)),
            ),
            (200, r#"{"status": "accepted"}"#, Said::Unusable("UNKNOWN_STATUS")),
            (200, "{}", Said::Unusable("UNKNOWN_STATUS")),
            (200, r#"["ACCEPTED"]"#, Said::Unusable("NO_JSON_OBJECT")),
            (200, "", Said::Unusable("NO_JSON_OBJECT")),
            (204, accepted, unexpected.clone()),
            (302, accepted, unexpected.clone()),
            (400, accepted, unexpected.clone()),
            (404, accepted, unexpected.clone()),
            (429, accepted, not_now.clone()),
            (500, accepted, not_now.clone()),
            (503, accepted, not_now),
            (600, accepted, unexpected),
        ] {
            assert_eq!(said(status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_token_is_visible_ascii_and_never_printed() {
        let token = Token::parse("correct-horse").expect("a token");
        assert_eq!(format!("{token:?} {:?}", token.0), "Token(…) Sensitive");
        for text in ["", "two words", "ż", "a\r\nX-B: c"] {
            assert!(Token::parse(text).is_none(), "{text}");
        }
        assert!(Token::parse(&"a".repeat(TOKEN_LEN_MAX + 1)).is_none());
    }
}
