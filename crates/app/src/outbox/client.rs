//! The way to each partner: a client with our certificate for it, made again when its settings
//! change.

use crate::outbound::Kept;
use crate::{App, Error};
use domain::ids::PartnerId;
use outbound::SharedSecret;
use outbound::client::Client;
use outbound::target::{Identity, Reach, Target};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::outbound::Outbound;
use zeroize::Zeroizing;

/// A client, and what calls are signed with.
pub(super) struct Line {
    pub(super) client: Client,
    pub(super) secrets: Vec<SharedSecret>,
}

/// The lines that are open.
pub(super) struct Clients {
    reach: Reach,
    lines: Mutex<HashMap<PartnerId, Made>>,
}

/// The settings that a line was made from, and the line; none where it can't be made from them.
type Made = (Outbound, Option<Arc<Line>>);

impl Clients {
    pub(super) fn new(reach: Reach) -> Self {
        Self { reach, lines: Mutex::default() }
    }

    pub(super) fn reach(&self) -> Reach {
        self.reach
    }

    fn find(&self, outbound: &Outbound) -> Option<Option<Arc<Line>>> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let (made_from, line) = lines.get(&outbound.partner)?;
        (made_from == outbound).then(|| line.clone())
    }

    fn put(&self, outbound: &Outbound, line: Option<Arc<Line>>) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.insert(outbound.partner, (outbound.clone(), line));
    }
}

impl App {
    /// The line to a partner, if it can be called.
    pub(super) async fn line_to(&self, partner: PartnerId) -> Result<Option<Arc<Line>>, Error> {
        let settings = self.settings.get();
        let Some(outbound) = settings.outbound(partner) else { return Ok(None) };
        let outbound = self.in_force(outbound);
        if let Some(line) = self.outbox.clients.find(&outbound) {
            return Ok(line);
        }
        let line = self.open_line(&outbound).await?.map(Arc::new);
        self.outbox.clients.put(&outbound, line.clone());
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

    async fn open_line(&self, outbound: &Outbound) -> Result<Option<Line>, Error> {
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
            Ok(client) => Ok(Some(Line { client, secrets })),
            Err(error) => {
                tracing::error!(partner = partner.0, %error, "a partner can't be called");
                Ok(None)
            }
        }
    }
}
