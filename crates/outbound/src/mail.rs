//! E-mail by SMTP (RFC 5321): one message to those who are to have it, over TLS.
//!
//! The client is the library `lettre`. It is driven command by command, since what matters here is
//! known between the commands: who was refused while others were accepted, and that a message was
//! taken although the server didn't say goodbye.

mod low_balance;

pub use low_balance::LowBalance;

use domain::Timestamp;
use domain::alert::MailAddress;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use std::fmt;
use std::time::{Duration, SystemTime};
use thiserror::Error;
use tokio::time::timeout;
use uuid::Uuid;
use zeroize::Zeroizing;

/// How long connecting may take, TLS included where it comes first.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a message may take from the first byte to the server's word that it has it. Servers
/// make strangers wait on purpose.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(60);
/// How long we wait to part from a server in order, once it has the message.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);

/// How a connection is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// TLS by `STARTTLS` (RFC 3207); without it nothing is sent.
    StartTls,
    /// None: to a server on the same machine.
    None,
}

/// A password, which is never printed.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// A password as it is typed.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// How a mail server is reached.
#[derive(Clone, Debug)]
pub struct MailServer {
    /// Its DNS name or IP address, which its certificate is for.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: Security,
    /// The only authorities that its certificate may be of, PEM; the system's if it isn't given.
    pub trusted_ca: Option<String>,
    /// User name and password, if it asks for them.
    pub login: Option<(String, Password)>,
    /// Whom messages are from.
    pub from: MailAddress,
}

/// Sends e-mail by one server.
#[derive(Clone)]
pub struct Mailer {
    server: MailServer,
    tls: Option<TlsParameters>,
    /// What we call ourselves: the domain that we send for.
    hello: ClientId,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// What names it at every try: its `Message-ID`.
    pub id: Uuid,
    /// When what it tells was seen: its `Date`.
    pub at: Timestamp,
    /// Whom it is for, as everybody reads who gets it.
    pub addressed: Vec<MailAddress>,
    /// Its subject, in ASCII.
    pub subject: String,
    /// Its text.
    pub text: String,
}

/// What a server has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Who doesn't get it, each with the status of the refusal.
    pub refused: Vec<(MailAddress, u16)>,
}

/// Why a message wasn't sent. Nothing in it comes from the server but the status of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MailError {
    /// The authorities that are configured can't be read.
    #[error("the trusted certificates aren't PEM, or the host is no name for TLS")]
    Configuration,
    /// No address, no connection, or it broke off. Where that was after the text, the server may
    /// have taken it.
    #[error("the mail server can't be connected to, or the connection broke off")]
    Connection,
    /// Its certificate isn't accepted, or TLS failed.
    #[error("the connection to the mail server can't be secured")]
    Tls,
    /// It doesn't offer what is configured: `STARTTLS`, or a way to log in.
    #[error("the mail server doesn't offer STARTTLS or the way to log in that is configured")]
    NotOffered,
    /// It doesn't accept user and password.
    #[error("the mail server refused the login with status {0}")]
    Login(u16),
    /// It doesn't take the message, or none of its recipients.
    #[error("the mail server refused the message with status {0}")]
    Refused(u16),
    /// It wasn't taken in time. The server may have it.
    #[error("the mail server didn't answer in time")]
    Timeout,
    /// What it said isn't SMTP.
    #[error("the mail server's answer wasn't understood")]
    Broken,
    /// The message can't be written down: a bug.
    #[error("the message can't be written down")]
    Malformed,
}

impl From<smtp::Error> for MailError {
    fn from(error: smtp::Error) -> Self {
        match error.status() {
            Some(status) => Self::Refused(status.into()),
            None if error.is_tls() => Self::Tls,
            None if error.is_timeout() => Self::Timeout,
            None if error.is_client() => Self::NotOffered,
            None if error.is_response() => Self::Broken,
            None => Self::Connection,
        }
    }
}

impl Mailer {
    /// Prepares to send; nothing is connected to yet.
    pub fn new(server: MailServer) -> Result<Self, MailError> {
        let tls = match server.security {
            Security::None => None,
            Security::Implicit | Security::StartTls => Some(tls(&server)?),
        };
        let hello = ClientId::Domain(server.from.domain().to_owned());
        Ok(Self { server, tls, hello })
    }

    /// Sends a message to these of its addressees. It was taken for all but those that are named.
    pub async fn send(&self, mail: &Mail, to: &[MailAddress]) -> Result<Sent, MailError> {
        let text = self.written(mail)?;
        let sending = async {
            let mut connection = self.connect().await?;
            let sent = self.hand_over(&mut connection, to, &text).await;
            Ok::<_, MailError>((connection, sent))
        };
        let (mut connection, sent) =
            timeout(SEND_TIMEOUT, sending).await.map_err(|_| MailError::Timeout)??;
        // Whether it says goodbye changes nothing.
        let _ = timeout(QUIT_TIMEOUT, connection.abort()).await;
        sent
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        let server = (self.server.host.as_str(), self.server.port);
        let wrapped = match self.server.security {
            Security::Implicit => self.tls.clone(),
            Security::StartTls | Security::None => None,
        };
        let connecting = AsyncSmtpConnection::connect_tokio1(
            server,
            Some(CONNECT_TIMEOUT),
            &self.hello,
            wrapped,
            None,
        );
        let mut connection = connecting.await?;
        if self.server.security == Security::StartTls
            && let Some(tls) = &self.tls
        {
            connection.starttls(tls.clone(), &self.hello).await?;
        }
        if let Some((user, password)) = &self.server.login {
            let credentials = Credentials::new(user.clone(), password.0.to_string());
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            let done = connection.auth(&mechanisms, &credentials).await;
            done.map_err(|error| match error.status() {
                Some(status) => MailError::Login(status.into()),
                None => error.into(),
            })?;
        }
        Ok(connection)
    }

    /// One transaction of mail (RFC 5321, section 3.3).
    async fn hand_over(
        &self,
        connection: &mut AsyncSmtpConnection,
        to: &[MailAddress],
        text: &[u8],
    ) -> Result<Sent, MailError> {
        let from = address(&self.server.from)?;
        connection.command(MailFrom::new(Some(from), Vec::new())).await?;
        let mut refused = Vec::new();
        for one in to {
            match connection.command(Rcpt::new(address(one)?, Vec::new())).await {
                Ok(_) => {}
                Err(error) => match error.status() {
                    Some(status) => refused.push((one.clone(), status.into())),
                    None => return Err(error.into()),
                },
            }
        }
        if let (true, Some((_, status))) = (refused.len() == to.len(), refused.first()) {
            return Err(MailError::Refused(*status));
        }
        connection.command(Data).await?;
        connection.message(text).await?;
        Ok(Sent { refused })
    }

    /// The message as it is sent, in ASCII.
    fn written(&self, mail: &Mail) -> Result<Vec<u8>, MailError> {
        let from = &self.server.from;
        let mut message = Message::builder()
            .from(Mailbox::new(Some("Antaca".to_owned()), address(from)?))
            .date(SystemTime::from(mail.at))
            .message_id(Some(format!("<{}@{}>", mail.id, from.domain())))
            .subject(mail.subject.clone())
            .header(ContentType::TEXT_PLAIN);
        for to in &mail.addressed {
            message = message.to(Mailbox::new(None, address(to)?));
        }
        // Nobody's absence note is to answer (RFC 3834).
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        let message = message
            .raw_header(HeaderValue::new(name, "auto-generated".to_owned()))
            .body(mail.text.clone())
            .map_err(|_| MailError::Malformed)?;
        Ok(message.formatted())
    }
}

fn tls(server: &MailServer) -> Result<TlsParameters, MailError> {
    let mut tls = TlsParameters::builder(server.host.clone());
    if let Some(pem) = &server.trusted_ca {
        let roots = Certificate::from_pem(pem.as_bytes()).map_err(|_| MailError::Configuration)?;
        tls = tls.certificate_store(CertificateStore::None).add_root_certificate(roots);
    }
    tls.build_rustls().map_err(|_| MailError::Configuration)
}

fn address(told: &MailAddress) -> Result<lettre::Address, MailError> {
    told.as_str().parse().map_err(|_| MailError::Malformed)
}
