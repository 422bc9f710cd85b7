//! The way to each partner: a client with our certificate for it, made again when its settings
//! change.

use super::encryption::HeldKey;
use crate::outbound::Kept;
use crate::{App, Error};
use domain::ids::PartnerId;
use metrics::Label;
use outbound::SharedSecret;
use outbound::client::{Answer, Call, CallError, Client};
use outbound::target::{Identity, Reach, Target};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use store::outbound::Outbound;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// A client, and what calls are signed with.
pub(crate) struct Line {
    /// For calls that [`Line::call`] doesn't count.
    pub(crate) client: Client,
    /// The partner's code, for metrics.
    partner: Arc<str>,
    pub(crate) secrets: Vec<SharedSecret>,
    /// Turns at asking, apart from notifications: neither keeps the other waiting.
    pub(crate) questions: Semaphore,
    /// Turns at calls about balances, as many again: who looks at balances doesn't keep payments
    /// waiting.
    pub(crate) balances: Semaphore,
    /// The partner's key, where what is sensitive is encrypted for it.
    pub(super) key: Option<HeldKey>,
}

impl Line {
    /// Makes one call, and counts it as this kind of call.
    pub(crate) async fn call(
        &self,
        kind: &'static str,
        call: &Call<'_>,
    ) -> Result<Answer, CallError> {
        let begun = Instant::now();
        let answer = self.client.call(call).await;
        let result = result(&answer);
        let labels =
            [Label::from_static_parts("call", kind), Label::new("partner", self.partner.clone())];
        metrics::histogram!("antaca_partner_call_seconds", labels.iter()).record(begun.elapsed());
        let labels = labels.into_iter().chain([Label::from_static_parts("result", result)]);
        metrics::counter!("antaca_partner_calls_total", labels.collect::<Vec<_>>()).increment(1);
        answer
    }
}

/// The word for an answer in metrics: the class of its status, or why there is none.
fn result(answer: &Result<Answer, CallError>) -> &'static str {
    match answer {
        Err(error) => error.as_str(),
        Ok(answer) => match answer.status / 100 {
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            5 => "5xx",
            _ => "other",
        },
    }
}

/// The lines that are open.
pub(super) struct Clients {
    reach: Reach,
    /// Held while a line is made.
    opening: tokio::sync::Mutex<()>,
    lines: Mutex<HashMap<PartnerId, Made>>,
}

/// The settings that a line was made from, with how many questions may be open at once, and the
/// line; none where it can't be made from them.
type Made = ((Outbound, usize), Option<Arc<Line>>);

impl Clients {
    pub(super) fn new(reach: Reach) -> Self {
        Self { reach, opening: tokio::sync::Mutex::default(), lines: Mutex::default() }
    }

    pub(super) fn reach(&self) -> Reach {
        self.reach
    }

    fn find(&self, of: &(Outbound, usize)) -> Option<Option<Arc<Line>>> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let (made_from, line) = lines.get(&of.0.partner)?;
        (made_from == of).then(|| line.clone())
    }

    fn put(&self, of: (Outbound, usize), line: Option<Arc<Line>>) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.insert(of.0.partner, (of, line));
    }
}

impl App {
    /// The line to a partner, if it can be called.
    pub(crate) async fn line_to(&self, partner: PartnerId) -> Result<Option<Arc<Line>>, Error> {
        let settings = self.settings.get();
        let Some(outbound) = settings.outbound(partner) else { return Ok(None) };
        let at_once = settings.partner(partner).map_or(0, |it| it.settings.asking.at_once);
        let of = (self.in_force(outbound), usize::try_from(at_once).unwrap_or(0));
        if let Some(line) = self.outbox.clients.find(&of) {
            return Ok(line);
        }
        // One makes it for all who come meanwhile: they share its turns and its connections.
        let _turn = self.outbox.clients.opening.lock().await;
        if let Some(line) = self.outbox.clients.find(&of) {
            return Ok(line);
        }
        let line = self.open_line(&of.0, of.1).await?.map(Arc::new);
        self.outbox.clients.put(of, line.clone());
        Ok(line)
    }

    /// The settings without a secret whose time is over.
    fn in_force(&self, outbound: &Outbound) -> Outbound {
        let now = self.outbox.now();
        let over = outbound.previous_until.is_none_or(|until| until <= now);
        Outbound {
            previous_secret: outbound.previous_secret.clone().filter(|_| !over),
            ..outbound.clone()
        }
    }

    async fn open_line(&self, outbound: &Outbound, at_once: usize) -> Result<Option<Line>, Error> {
        let parts =
            (&outbound.base_url, &outbound.trusted_ca, &outbound.certificate, &outbound.key);
        let (Some(base_url), Some(trusted_ca), Some(certificate), Some(key)) = parts else {
            return Ok(None);
        };
        let partner = outbound.partner;
        let key = self.open_outbound(partner, Kept::Key, key).await?;
        let key = std::str::from_utf8(&key).map_err(|_| Error::broken("a key isn't text"))?;
        let mut secrets = Vec::new();
        for sealed in std::iter::once(&outbound.secret).chain(&outbound.previous_secret) {
            let secret = self.open_outbound(partner, Kept::Secret, sealed).await?;
            secrets.push(SharedSecret::new(&secret));
        }
        let target = Target {
            base_url: base_url.clone(),
            trusted_ca: trusted_ca.clone(),
            identity: Some(Identity {
                certificate: certificate.clone(),
                key: Zeroizing::new(key.to_owned()),
            }),
            reach: self.outbox.clients.reach,
        };
        match Client::new(&target) {
            Ok(client) => {
                let (questions, balances) = (Semaphore::new(at_once), Semaphore::new(at_once));
                let key = outbound.encrypt.then(HeldKey::default);
                let code = self.settings.get().partner(partner).map(|it| it.code.clone());
                let partner = code.unwrap_or_default().into();
                Ok(Some(Line { client, partner, secrets, questions, balances, key }))
            }
            Err(error) => {
                tracing::error!(partner = partner.0, %error, "a partner can't be called");
                Ok(None)
            }
        }
    }
}
