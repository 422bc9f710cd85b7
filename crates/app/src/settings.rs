//! Partners, programs, processors, certificates and JWE keys, in memory: they are read with every
//! request and change rarely. Each change raises a version in the database that every node looks
//! at once a second.

use crate::{App, Error};
use domain::balance::PartnerBalanceKind;
use domain::ids::{BalanceId, PartnerId, ProcessorId};
use domain::money::Currency;
use domain::partner::Partner;
use domain::program::{Port, Program};
use domain::scope::Scope;
use domain::secret::Pan;
use domain::{Date, Timestamp};
use jiff::tz::TimeZone;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};
use store::certificates::Certificate;
use store::db::Db;
use store::jwe_keys::JweKey;
use store::outbound::Outbound;
use store::pin_keys::SealedPinKey;
use store::programs::Processor;
use store::trusted_identities::TrustedIdentity;
use store::{
    StoreError, balances, certificates, instance, jwe_keys, outbound, partners, pin_keys, programs,
    trusted_identities,
};

/// All settings as of one version.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Raised by every change.
    pub version: i64,
    partners: HashMap<PartnerId, Partner>,
    programs: HashMap<(PartnerId, String), Program>,
    processors: HashMap<ProcessorId, Processor>,
    bins: Vec<(String, PartnerId)>,
    /// Those of them whose cards nobody here makes.
    foreign_bins: HashSet<String>,
    certificates: HashMap<Vec<u8>, Arc<Certificate>>,
    outbound: HashMap<PartnerId, Outbound>,
    trusted_identities: Vec<TrustedIdentity>,
    partner_balances: HashMap<(PartnerId, PartnerBalanceKind, Currency), BalanceId>,
    /// The keys that requests are encrypted for, sealed, the newest first.
    pub(crate) jwe_keys: Vec<JweKey>,
    /// The keys that processors' PIN blocks are encrypted under, sealed.
    pub(crate) pin_keys: Vec<SealedPinKey>,
}

impl Snapshot {
    /// Reads all settings in one snapshot of the database.
    pub async fn load(db: &Db) -> Result<Self, StoreError> {
        let mut tx = db.read().await?;
        let loaded = Self::load_in(&mut tx).await;
        tx.end(loaded).await
    }

    async fn load_in(tx: &mut store::db::Tx) -> Result<Self, StoreError> {
        // First: what is read after it is of this version or a later one.
        let version = instance::settings_version(tx).await?;
        let programs = programs::list(tx).await?;
        let foreign = programs.iter().filter(|program| program.port == Port::None);
        Ok(Self {
            version,
            partners: by(partners::list(tx).await?, |partner| partner.id),
            foreign_bins: foreign.flat_map(|program| program.bins.clone()).collect(),
            programs: by(programs, |program| (program.partner, program.config_id.clone())),
            processors: by(programs::list_processors(tx).await?, |processor| processor.id),
            bins: programs::list_bins(tx).await?,
            certificates: certificates::list(tx)
                .await?
                .into_iter()
                .map(|it| (it.fingerprint.clone(), Arc::new(it)))
                .collect(),
            outbound: by(outbound::list(tx).await?, |outbound| outbound.partner),
            trusted_identities: trusted_identities::list(tx).await?,
            partner_balances: balances::list_partners(tx)
                .await?
                .into_iter()
                .map(|it| ((it.partner, it.kind, it.currency), it.id))
                .collect(),
            jwe_keys: jwe_keys::list(tx).await?,
            pin_keys: pin_keys::list(tx).await?,
        })
    }

    /// A partner.
    #[must_use]
    pub fn partner(&self, id: PartnerId) -> Option<&Partner> {
        self.partners.get(&id)
    }

    /// The day that it is for a partner, by its time zone; UTC's where that can't be told.
    #[must_use]
    pub fn today(&self, partner: PartnerId, now: Timestamp) -> Date {
        self.zone(partner).to_datetime(now).date()
    }

    /// A partner's time zone; UTC where that can't be told.
    #[must_use]
    pub fn zone(&self, partner: PartnerId) -> TimeZone {
        let zone = self.partner(partner).map(|it| TimeZone::get(&it.settings.time_zone));
        zone.and_then(Result::ok).unwrap_or(TimeZone::UTC)
    }

    /// A partner by its code.
    #[must_use]
    pub fn partner_of_code(&self, code: &str) -> Option<&Partner> {
        self.partners.values().find(|partner| partner.code == code)
    }

    /// Every partner, by id.
    #[must_use]
    pub fn partners(&self) -> Vec<&Partner> {
        let mut all: Vec<&Partner> = self.partners.values().collect();
        all.sort_by_key(|partner| partner.id);
        all
    }

    /// A program.
    #[must_use]
    pub fn program(&self, partner: PartnerId, config_id: &str) -> Option<&Program> {
        self.programs.get(&(partner, config_id.to_owned()))
    }

    /// A partner's programs, by `configId`.
    #[must_use]
    pub fn programs_of(&self, partner: PartnerId) -> Vec<&Program> {
        let mut all: Vec<&Program> =
            self.programs.values().filter(|program| program.partner == partner).collect();
        all.sort_by(|one, other| one.config_id.cmp(&other.config_id));
        all
    }

    /// Every partner's code, in order.
    #[must_use]
    pub fn codes(&self) -> Vec<String> {
        let mut all: Vec<String> = self.partners.values().map(|it| it.code.clone()).collect();
        all.sort_unstable();
        all
    }

    /// Every program, or those of the partner of a code, each with the code: by both names.
    #[must_use]
    pub fn programs_by_code(&self, code: Option<&str>) -> Vec<(&str, &Program)> {
        let partners = self.partners.values();
        let mut all: Vec<_> = partners
            .filter(|partner| code.is_none_or(|code| partner.code == code))
            .flat_map(|partner| {
                let programs = self.programs_of(partner.id).into_iter();
                programs.map(|program| (partner.code.as_str(), program))
            })
            .collect();
        all.sort_by_key(|(code, program)| (*code, &program.config_id));
        all
    }

    /// Every processor, by name.
    #[must_use]
    pub fn processors(&self) -> Vec<&Processor> {
        let mut all: Vec<&Processor> = self.processors.values().collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// A processor.
    #[must_use]
    pub fn processor(&self, id: ProcessorId) -> Option<&Processor> {
        self.processors.get(&id)
    }

    /// A processor by its name.
    #[must_use]
    pub fn processor_of_name(&self, name: &str) -> Option<&Processor> {
        self.processors.values().find(|processor| processor.name == name)
    }

    /// A key of a processor's PIN blocks, by its name.
    #[must_use]
    pub fn pin_key(&self, processor: ProcessorId, key_id: &str) -> Option<&SealedPinKey> {
        self.pin_keys.iter().find(|key| (key.processor, key.key_id.as_str()) == (processor, key_id))
    }

    /// The partners that a processor sends messages for, by id.
    #[must_use]
    pub fn partners_of_processor(&self, id: ProcessorId) -> Vec<PartnerId> {
        let mut all: Vec<PartnerId> = self
            .programs
            .values()
            .filter(|program| program.processor == id)
            .map(|program| program.partner)
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The BIN of a card number.
    #[must_use]
    pub fn bin_of_pan(&self, pan: &Pan) -> Option<&str> {
        #[expect(clippy::disallowed_methods, reason = "the BIN alone is told")]
        let digits = pan.expose();
        self.bins.iter().find(|(bin, _)| digits.starts_with(bin)).map(|(bin, _)| bin.as_str())
    }

    /// Whether nobody here makes the cards of a BIN, so that there are no keys for them.
    #[must_use]
    pub fn is_foreign_bin(&self, bin: &str) -> bool {
        self.foreign_bins.contains(bin)
    }

    /// Whether a card's program leaves it to somebody else to make its cards.
    #[must_use]
    pub fn is_foreign(&self, partner: PartnerId, config_id: &str) -> bool {
        self.program(partner, config_id).is_some_and(|program| program.port == Port::None)
    }

    /// The partner that a card number leads to, by its BIN.
    #[must_use]
    pub fn partner_of_pan(&self, pan: &Pan) -> Option<PartnerId> {
        #[expect(clippy::disallowed_methods, reason = "the BIN leads to the partner")]
        let digits = pan.expose();
        self.bins.iter().find(|(bin, _)| digits.starts_with(bin)).map(|(_, partner)| *partner)
    }

    /// The registered certificate of a fingerprint.
    #[must_use]
    pub fn certificate(&self, fingerprint: &[u8]) -> Option<&Arc<Certificate>> {
        self.certificates.get(fingerprint)
    }

    /// How a partner is called, if anything is known of it.
    #[must_use]
    pub fn outbound(&self, partner: PartnerId) -> Option<&Outbound> {
        self.outbound.get(&partner)
    }

    /// Those who vouch for partners' users by a certificate of this name.
    pub fn trusted_identities(&self, name: &str) -> impl Iterator<Item = &TrustedIdentity> {
        self.trusted_identities.iter().filter(move |it| it.common_name == name)
    }

    /// The balance of a partner's own that is for this; it has one at most.
    #[must_use]
    pub fn partner_balance(
        &self,
        partner: PartnerId,
        kind: PartnerBalanceKind,
        currency: Currency,
    ) -> Option<BalanceId> {
        self.partner_balances.get(&(partner, kind, currency)).copied()
    }

    /// How partners are called, by partner.
    #[must_use]
    pub fn outbounds(&self) -> Vec<&Outbound> {
        let mut all: Vec<&Outbound> = self.outbound.values().collect();
        all.sort_by_key(|outbound| outbound.partner);
        all
    }

    /// Every registered certificate, those that began first first.
    #[must_use]
    pub fn certificates(&self) -> Vec<&Certificate> {
        let mut all: Vec<&Certificate> = self.certificates.values().map(|it| &**it).collect();
        all.sort_by_key(|certificate| (certificate.not_before, &certificate.fingerprint));
        all
    }
}

fn by<K: Eq + std::hash::Hash, V>(values: Vec<V>, key: impl Fn(&V) -> K) -> HashMap<K, V> {
    values.into_iter().map(|value| (key(&value), value)).collect()
}

/// The settings in force on this node.
#[derive(Debug)]
pub struct Settings(RwLock<Arc<Snapshot>>);

impl Settings {
    /// Begins with what was read.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self(RwLock::new(Arc::new(snapshot)))
    }

    /// The settings as of now.
    #[must_use]
    pub fn get(&self) -> Arc<Snapshot> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a snapshot in force, unless a newer one is: of two that read at once the slower one
    /// must not take a revocation back.
    fn put(&self, snapshot: Snapshot) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if held.version < snapshot.version {
            *held = Arc::new(snapshot);
        }
    }
}

impl App {
    /// A partner's program. One that isn't known makes this node look for new settings: it may have
    /// been created at another node a moment ago.
    pub(crate) async fn find_program(
        &self,
        scope: Scope,
        config_id: &str,
    ) -> Result<Option<Program>, Error> {
        if self.settings.get().program(scope.partner(), config_id).is_none() {
            self.refresh_settings().await?;
        }
        Ok(self.settings.get().program(scope.partner(), config_id).cloned())
    }

    /// Reads the settings again, if their version has been raised.
    pub async fn refresh_settings(&self) -> Result<(), Error> {
        let mut tx = self.db.read().await?;
        let version = instance::settings_version(&mut tx).await;
        if tx.end(version).await? != self.settings.get().version {
            self.settings.put(Snapshot::load(&self.db).await?);
        }
        Ok(())
    }
}

/// Writes the kind of an instance at its birth; a second birth changes nothing.
pub async fn be_born(db: &Db, kind: &str, now: domain::Timestamp) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    let born = instance::insert(&mut tx, kind, now).await;
    Ok(tx.end(born).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_snapshot_never_replaces_a_newer_one() {
        let version = |version| Snapshot { version, ..Snapshot::default() };
        let settings = Settings::new(version(1));
        for (put, held) in [(3, 3), (2, 3), (4, 4)] {
            settings.put(version(put));
            assert_eq!(settings.get().version, held);
        }
    }
}
