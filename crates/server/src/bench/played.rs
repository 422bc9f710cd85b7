//! The partners' process, as the measurement speaks with it.

use super::child::Process;
use super::ground::Opened;
use super::partner::{How, Order, Part, Said};
use crate::failure::Failure;
use crate::sandbox::calls::server_of;
use app::outbound::Kept;
use app::preload::BenchPartner;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use simulator::partner::{Count, Partner};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// What each partner was sent, by its code.
#[derive(Debug, Default)]
pub(super) struct Counts(BTreeMap<String, Count>);

impl Counts {
    /// What this one was sent.
    pub(super) fn of(&self, partner: BenchPartner) -> Option<Count> {
        self.0.get(&partner.code()).copied()
    }
}

/// The process that plays the partners.
pub(super) struct Played(Process);

impl Played {
    /// Starts it, and has every transaction told there.
    pub(super) async fn start(opened: &Opened, how: How) -> Result<Self, Failure> {
        let authority = opened.authority()?;
        let desk = &opened.sandbox.desk;
        let (certificate, key) = server_of(&authority, (desk.real_time)())?;
        let mut secrets = BTreeMap::new();
        for party in opened.partners() {
            // A partner has a secret as soon as anything is known of how it is called.
            opened.tell_at(party.id, "https://localhost:65535".to_owned()).await?;
            let settings = desk.app.settings.get();
            let outbound = settings.outbound(party.id);
            let outbound = outbound.ok_or_else(|| Failure::new("The partner can't be called."))?;
            let secret = desk.app.open_outbound(party.id, Kept::Secret, &outbound.secret).await?;
            secrets.insert(party.of.code(), STANDARD.encode(&*secret));
        }
        let part = Part {
            authority: authority.certificate_pem().to_owned(),
            certificate,
            key: key.to_string(),
            secrets,
            how,
        };
        let line = serde_json::to_string(&part).map(|line| Zeroizing::new(line + "\n"));
        let line = line.map_err(|_| Failure::new("The partner's part can't be written."))?;
        let mut process = Process::start("partner", ["bench", "partner"], &[])?;
        process.say(line.as_bytes()).await?;
        match process.heard().await? {
            Some(Said::Port(port)) => {
                let server = format!("https://localhost:{port}");
                for party in opened.partners() {
                    opened.tell_at(party.id, Partner::base_url(&server, &party.of.code())).await?;
                }
                Ok(Self(process))
            }
            Some(Said::Called(_)) | None => Err(process.gone()),
        }
    }

    /// From now on this partner answers nothing.
    pub(super) async fn hang(&mut self, partner: BenchPartner) -> Result<(), Failure> {
        self.order(&Order::Hang(partner.code())).await
    }

    /// How often each partner was called until now.
    pub(super) async fn counts(&mut self) -> Result<Counts, Failure> {
        self.order(&Order::Count).await?;
        match self.0.heard().await? {
            Some(Said::Called(counts)) => Ok(Counts(counts)),
            Some(Said::Port(_)) | None => Err(self.0.gone()),
        }
    }

    /// Ends it and learns how often each partner was called.
    pub(super) async fn end(mut self) -> Result<Counts, Failure> {
        let ended = self.0.end().await;
        let told = self.0.heard().await?;
        ended?;
        Ok(match told {
            Some(Said::Called(counts)) => Counts(counts),
            Some(Said::Port(_)) | None => Counts::default(),
        })
    }

    async fn order(&mut self, order: &Order) -> Result<(), Failure> {
        let line = serde_json::to_string(order);
        let line = line.map_err(|_| Failure::new("The partner's order can't be written."))?;
        self.0.say((line + "\n").as_bytes()).await
    }
}
