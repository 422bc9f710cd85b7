//! A running application without doors: use cases, engine and database, on either database.

use crate::Partner;
use crate::set_up::set_up;
use app::audit::{Operator, Origin};
use app::balances::{NewBalance, Right};
use app::keyring::Keyring;
use app::ledger::verify::{Run, verify_as};
use app::ledger::{Engines, Options as EngineOptions};
use app::outbound::{Identity, SetOutbound};
use app::outbox::{Bell, Outbox};
use app::owners::OwnerName;
use app::processor::LookUps;
use app::refusals::Refusal;
use app::settings::{Settings, Snapshot};
use app::spending::{Allowance, Draft, Setter};
use app::tasks::Tasks;
use app::{App, Error, Once, Parts};
use crypto::keys::{MasterKey, MasterKeys, Passphrase};
use domain::balance::PartnerBalanceKind;
use domain::card::lifecycle::{LockReason, Locker};
use domain::ids::{BalanceId, CardId, ProcessorId, UserId};
use domain::limits::Rules;
use domain::money::Currency;
use domain::notification::Event;
use domain::partner::{CollateralMode, KycMode, Settings as PartnerSettings};
use domain::scope::Scope;
use domain::transaction::{Transaction, TransactionType};
use domain::user::{Email, Kyc, Phone, Profile, UserState};
use domain::{Date, Timestamp};
use outbound::target::Reach;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use store::MIGRATIONS;
use store::db::{Db, Options};
use tempfile::TempDir;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file in a folder of its own.
    Sqlite,
    /// A database of its own on the server for tests.
    Postgres,
}

/// Writes an async test of one [`TestApp`] and runs it on both databases.
#[macro_export]
macro_rules! on_both {
    ($(#[$doc:meta])* async fn $name:ident($node:ident) $body:block) => {
        $crate::on_both! {
            $(#[$doc])*
            async fn $name($node, $crate::TestApp::settings()) $body
        }
    };
    ($(#[$doc:meta])* async fn $name:ident($node:ident, $settings:expr) $body:block) => {
        $(#[$doc])*
        mod $name {
            use super::*;
            async fn case($node: $crate::TestApp) $body
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                case($crate::TestApp::with($crate::Database::Sqlite, $settings).await).await;
            }
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                case($crate::TestApp::with($crate::Database::Postgres, $settings).await).await;
            }
        }
    };
}

/// When the business clock of a test begins.
pub(crate) const BEGIN: Timestamp = Timestamp::constant(1_790_000_000, 0);

/// One node with a partner, a processor and a program.
pub struct TestApp {
    /// The use cases.
    pub app: App,
    /// The partner's.
    pub scope: Scope,
    /// The processor of the program.
    pub processor: ProcessorId,
    /// Seconds that the business clock was moved.
    moved: Arc<AtomicI64>,
    /// Seconds that real time was moved.
    moved_real: Arc<AtomicI64>,
    next: Arc<AtomicU64>,
    key_file: String,
    url: Option<String>,
    _folder: Option<TempDir>,
}

/// A card with money behind it.
#[derive(Clone, Copy, Debug)]
pub struct Funded {
    /// Who holds it.
    pub user: UserId,
    /// What it pays from.
    pub balance: BalanceId,
    /// The card.
    pub card: CardId,
}

impl TestApp {
    /// A node on a new database.
    pub async fn on(database: Database) -> Self {
        Self::with(database, Self::settings()).await
    }

    /// How the partner of a node works: its users' KYC is its own, all else is as usual.
    #[must_use]
    pub fn settings() -> PartnerSettings {
        PartnerSettings { kyc_mode: KycMode::External, ..PartnerSettings::default() }
    }

    /// A node on a new database, whose partner works so.
    pub async fn with(database: Database, settings: PartnerSettings) -> Self {
        let master = MasterKey::generate("sandbox");
        let key_file = master.to_file(&passphrase());
        let (db, url, folder) = match database {
            Database::Sqlite => {
                let folder = crate::folder();
                // Read ahead as if it were: what comes of that is what comes without.
                let options = Options { large: 0, ..Options::default() };
                let db = Db::sqlite(folder.path().join("antaca.db"), options);
                (db.expect("opens"), None, Some(folder))
            }
            Database::Postgres => {
                let url = crate::postgres_url().await;
                (Db::postgres(&url, Options::default()).expect("opens"), Some(url), None)
            }
        };
        db.migrate(MIGRATIONS).await.expect("migrates");
        let mut tx = db.begin().await.expect("begins");
        store::instance::insert(&mut tx, "sandbox", BEGIN).await.expect("is born");
        tx.commit().await.expect("commits");
        let moved = Arc::new(AtomicI64::new(0));
        let moved_real = Arc::new(AtomicI64::new(0));
        let app = node(db, master, (&moved, &moved_real)).await;
        let (scope, processor) = set_up(&app, settings).await;
        let next = Arc::new(AtomicU64::new(1));
        Self { app, scope, processor, moved, moved_real, next, key_file, url, _folder: folder }
    }

    /// Another node on the same database; on SQLite in the same process, as its writer is.
    pub async fn sibling(&self) -> Self {
        let db = match &self.url {
            Some(url) => Db::postgres(url, Options::default()).expect("opens"),
            None => self.app.db.clone(),
        };
        let master = MasterKey::from_file(&self.key_file, &passphrase()).expect("is its file");
        Self {
            app: node(db, master, (&self.moved, &self.moved_real)).await,
            scope: self.scope,
            processor: self.processor,
            moved: self.moved.clone(),
            moved_real: self.moved_real.clone(),
            next: self.next.clone(),
            key_file: self.key_file.clone(),
            url: self.url.clone(),
            _folder: None,
        }
    }

    /// Has one of the partner's own balances limit its users, and loads it.
    pub async fn backed_by(&self, mode: CollateralMode, minor: i64) -> BalanceId {
        let operator = Operator("os:test".to_owned());
        let set = app::partners::Set { collateral_mode: Some(mode), ..Default::default() };
        self.app.set_partner(&operator, "sandbox", set).await.expect("is set");
        let kind = match mode {
            CollateralMode::Credit => PartnerBalanceKind::Credit,
            CollateralMode::Deposit | CollateralMode::None => PartnerBalanceKind::Deposit,
        };
        let id = self.partner_balance(kind).await;
        if minor > 0 {
            let loaded = self.transfer(id, TransactionType::CollateralCredit, minor).await;
            loaded.expect("is loaded");
        }
        id
    }

    /// One of the partner's own balances.
    pub async fn partner_balance(&self, kind: PartnerBalanceKind) -> BalanceId {
        let operator = Operator("os:test".to_owned());
        let (partner, currency) = (self.scope.partner(), Currency::EUR);
        let made = self.app.create_partner_balance(&operator, partner, kind, currency).await;
        made.expect("is made").balance.id
    }

    /// What can be spent of one of the partner's own balances, and what of it is held.
    pub async fn partner_amounts(&self, id: BalanceId) -> (i64, i64) {
        let found = self.app.partner_balance(self.scope, id).await.expect("is there");
        let balance = found.balance;
        (balance.available(), balance.held.minor())
    }

    /// Moves the business clock.
    pub fn advance(&self, seconds: i64) {
        self.moved.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Locks a card.
    pub async fn lock(&self, funded: Funded, reason: LockReason) {
        self.lock_as(funded, reason, Locker::Partner).await.expect("locks");
    }

    /// Locks a card as somebody.
    pub async fn lock_as(
        &self,
        funded: Funded,
        reason: LockReason,
        by: Locker,
    ) -> Result<Value, Error> {
        let card = (funded.user, funded.card);
        self.app.lock_card(self.scope, card, (reason, by), once(nothing)).await
    }

    /// Unlocks a card as somebody.
    pub async fn unlock_as(&self, funded: Funded, by: Locker) -> Result<Value, Error> {
        let card = (funded.user, funded.card);
        self.app.unlock_card(self.scope, card, by, once(nothing)).await
    }

    /// Unlocks a card.
    pub async fn unlock(&self, funded: Funded) {
        self.unlock_as(funded, Locker::Partner).await.expect("unlocks");
    }

    /// Moves real time, which pauses and leases go by, and has this node look what is due.
    pub fn advance_real(&self, seconds: i64) {
        self.moved_real.fetch_add(seconds, Ordering::SeqCst);
        self.app.outbox.bell().ring();
    }

    /// Real time, as this node reads it, in microseconds as both databases keep it.
    #[must_use]
    pub fn real_now(&self) -> Timestamp {
        let seconds = jiff::SignedDuration::from_secs(self.moved_real.load(Ordering::SeqCst));
        let micros = (crate::now() + seconds).as_microsecond();
        Timestamp::from_microsecond(micros).expect("within the calendar")
    }

    /// Has the partner told of these events at this server, by a worker of this node.
    pub async fn deliver_to(&self, partner: &Partner, events: &[Event]) {
        let operator = Operator("os:test".to_owned());
        let (certificate, key) = partner.identity();
        let command = SetOutbound {
            base_url: Some(partner.base_url()),
            trusted_ca: Some(partner.authority().to_owned()),
            identity: Some(Identity {
                certificate: certificate.to_owned(),
                key: key.to_owned().into(),
            }),
            notifications: Some(events.to_vec()),
            encrypt: None,
        };
        self.app.set_outbound(&operator, self.scope.partner(), command).await.expect("is set");
        self.deliver();
    }

    /// Starts the worker of this node.
    pub fn deliver(&self) {
        drop(self.app.tasks.run(self.app.clone().deliver_outbox()));
    }

    /// A number that no other call of this test gets.
    pub fn unique(&self) -> u64 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }

    /// A verified user.
    pub async fn user(&self) -> UserId {
        let number = self.unique();
        let profile = Profile {
            first_name: "John".to_owned(),
            last_name: "Doe".to_owned(),
            phone: Phone::parse(&format!("{:09}", 100_000_000 + number)).expect("a phone"),
            email: Email::parse(&format!("john{number}@doe.test")).expect("an address"),
            birth_date: Date::constant(2000, 1, 1),
            external_id: None,
            address: None,
        };
        let command =
            app::users::Register { profile, state: UserState::Verified, kyc: Kyc::Success };
        let once = once(|user: &domain::user::User| json!(user.id.0));
        let user = self.app.register_user(self.scope, command, once).await.expect("registers");
        UserId(user.as_i64().expect("an id"))
    }

    /// An empty balance of a user.
    pub async fn balance_of(&self, user: UserId) -> BalanceId {
        let once = once(|balance: &domain::balance::Balance| json!(balance.id.0.to_string()));
        let new =
            NewBalance { owner: OwnerName::User(user), currency: Currency::EUR, config_id: None };
        let made = self.app.create_balance(self.scope, new, once).await;
        let id = made.expect("creates");
        BalanceId(id.as_str().and_then(|text| text.parse().ok()).expect("an id"))
    }

    /// A virtual card.
    pub async fn card_on(&self, user: UserId, balance: BalanceId) -> CardId {
        let command = app::cards::IssueVirtual {
            corporation: None,
            holder: user,
            balance,
            config_id: CONFIG_ID.to_owned(),
            label: None,
        };
        let once = once(|card: &domain::card::Card| json!(card.id.0));
        let card = self.app.issue_virtual_card(self.scope, command, once).await.expect("issues");
        CardId(card.as_i64().expect("an id"))
    }

    /// A user with a balance, money on it, and a card.
    pub async fn funded(&self, minor: i64) -> Funded {
        let user = self.user().await;
        let balance = self.balance_of(user).await;
        let card = self.card_on(user, balance).await;
        if minor > 0 {
            self.top_up(balance, minor).await.expect("tops up");
        }
        Funded { user, balance, card }
    }

    /// Loads money.
    pub async fn top_up(&self, balance: BalanceId, minor: i64) -> Result<Transaction, Error> {
        self.transfer(balance, TransactionType::TopUp, minor).await
    }

    /// Moves money by an internal transaction, as whoever may.
    pub async fn transfer(
        &self,
        balance: BalanceId,
        kind: TransactionType,
        minor: i64,
    ) -> Result<Transaction, Error> {
        let right = Right::needed_for(kind).expect("an internal type");
        let asked = app::balances::Transfer {
            balance,
            kind,
            amount: minor,
            currency: Currency::EUR,
            text: "Top-up".to_owned(),
            external_id: format!("transfer-{}", self.unique()),
            reference_id: None,
            key: None,
            endpoint: None,
            fingerprint: [0; 32],
            origin: origin(),
            right,
        };
        Ok(self.app.transfer(self.scope, asked).await?.transaction)
    }

    /// Sets what a card may spend.
    pub async fn limit_card(&self, of: Funded, draft: Draft) -> Result<Value, Error> {
        let once = once(|_: &Allowance| Value::Null);
        self.app
            .set_card_limits(self.scope, (of.user, of.card), (draft, Setter::Partner), once)
            .await
    }

    /// Changes what a card may spend.
    pub async fn change_limits(
        &self,
        of: Funded,
        change: impl FnOnce(&mut Rules) -> Result<(), Refusal> + Send,
    ) -> Result<Value, Error> {
        let once = once(|_: &Allowance| Value::Null);
        self.app.change_card_limits(self.scope, (of.user, of.card), change, once).await
    }

    /// Sets what a user may spend.
    pub async fn limit_user(&self, user: UserId, draft: Draft) -> Result<Value, Error> {
        let once = once(|_: &Allowance| Value::Null);
        let limits = (draft, Setter::Partner);
        self.app.set_owner_limits(self.scope, OwnerName::User(user), limits, once).await
    }

    /// Whether its database is one of PostgreSQL.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        self.url.is_some()
    }

    /// Moves the business clock forward to a moment.
    pub fn advance_to(&self, moment: &str) {
        let moment: Timestamp = moment.parse().expect("a moment");
        self.moved.store(moment.as_second() - BEGIN.as_second(), Ordering::SeqCst);
    }

    /// What can be spent and what is held, in minor units.
    pub async fn amounts(&self, balance: BalanceId) -> (i64, i64) {
        let found = self.app.balance(self.scope, None, balance).await.expect("is there").balance;
        (found.available(), found.held.minor())
    }

    /// Fails if the ledger doesn't hold, read since it was verified last or in full.
    pub async fn verify(&self) {
        let partners: Vec<_> = self.app.settings.get().partners().iter().map(|p| p.id).collect();
        for is_incremental in [true, false] {
            let run = Run { is_incremental, keep: Some(self.app.now()), ..Run::FULL };
            let report = verify_as(&self.app.db, &partners, run).await.expect("reads");
            assert_eq!(report.faults, Vec::<String>::new(), "incremental: {is_incremental}");
        }
    }
}

/// The program of every [`TestApp`].
pub(crate) const CONFIG_ID: &str = "0019167984";

fn passphrase() -> Passphrase {
    Passphrase::new("a test's passphrase")
}

fn nothing(_: &()) -> Value {
    Value::Null
}

fn once<T>(render: fn(&T) -> Value) -> Once<T> {
    Once { endpoint: "test".to_owned(), key: None, fingerprint: [0; 32], origin: origin(), render }
}

/// Where the commands of tests come from.
#[must_use]
pub fn origin() -> Origin {
    Origin { actor: "certificate:test/1".to_owned(), address: None, request_id: "test".to_owned() }
}

async fn node(db: Db, master: MasterKey, moved: (&Arc<AtomicI64>, &Arc<AtomicI64>)) -> App {
    let (moved, moved_real) = (moved.0.clone(), moved.1.clone());
    let real: app::Clock = Arc::new(move || {
        let seconds = jiff::SignedDuration::from_secs(moved_real.load(Ordering::SeqCst));
        crate::now().checked_add(seconds).expect("within the calendar")
    });
    let clock: app::Clock = Arc::new(move || {
        let seconds = jiff::SignedDuration::from_secs(moved.load(Ordering::SeqCst));
        BEGIN.checked_add(seconds).expect("within the calendar")
    });
    let keyring = Keyring::open(&db, MasterKeys::new(master, None), real()).await;
    let keyring = keyring.expect("reads keys").expect("its own master key");
    let settings = Arc::new(Settings::new(Snapshot::load(&db).await.expect("reads settings")));
    let outbox = Outbox::new(Bell::new(real), Reach::Anywhere);
    let options = EngineOptions { engines: 1, bell: outbox.bell().clone() };
    let engines = Engines::start(&db, &settings, &clock, &options).expect("starts");
    let look_ups = LookUps::start(&db).expect("starts");
    App::new(Parts {
        db,
        keyring,
        settings,
        jwe_keys: app::jwe::JweKeys::default(),
        engines,
        clock,
        tasks: Tasks::default(),
        turns: app::once::Turns::default(),
        numbers: app::ids::Numbers::default(),
        look_ups,
        outbox,
        admin_checks: app::admins::Checks::default(),
        overviews: app::overview::Overviews::default(),
        screening: app::screening::Screening::default(),
        operations: tokio::sync::Notify::new(),
    })
}
