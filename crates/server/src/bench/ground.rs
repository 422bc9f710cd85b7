//! Where it is measured: a sandbox's folder and database, with partners, cards and a past that are
//! for measuring alone.

use crate::acts::{
    Act, CreatePartner, CreateProgram, HolderArgs, MoveMoney, NamedBalance, SetPartner,
    SignCertificate,
};
use crate::cli::Where;
use crate::database::{self, Place};
use crate::failure::Failure;
use crate::folder::Folder;
use crate::instance::{self, PATIENCE, Use};
use crate::output::Progress;
use crate::sandbox::calls::{authority, identity};
use crate::sandbox::{self, Prepared};
use app::cards::BinRange;
use app::outbound::SetOutbound;
use app::preload::{BenchPartner, Holding, Past};
use crypto::certificates::{Authority, client_key_and_csr};
use domain::ids::PartnerId;
use domain::money::Amount;
use domain::notification::Event;
use domain::partner::AuthorizationMode;
use simulator::load::connection::Identity;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The folder of what is kept, unless `--data` says otherwise.
const KEPT: &str = "./antaca-bench";
/// On each card, in minor units: no measurement spends it.
const OPENING: i64 = 10_000_000_000;
/// On the partner's deposit: all cards' money and more.
const DEPOSIT: i64 = 1_000_000_000_000_000_000;
/// The program of the partner that is measured.
pub(super) const CONFIG_ID: &str = "0019167990";
/// Days for which a replaced JWE key is accepted; none is replaced.
const JWE_PREVIOUS_DAYS: u32 = 7;

/// Where it is, if nothing says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Default {
    /// In a folder that goes with this process.
    Temporary,
    /// In [`KEPT`].
    Kept,
}

/// Where it is measured.
pub(super) struct Ground {
    dir: PathBuf,
    place: Option<Place>,
    cards: u32,
    /// Removed when it is dropped.
    temporary: Option<TempDir>,
}

/// The ground with its database open.
pub(super) struct Opened {
    /// The sandbox.
    pub(super) sandbox: Prepared,
    folder: Arc<Folder>,
    partners: Vec<Party>,
}

/// A partner for measuring, and its cards.
pub(super) struct Party {
    /// Which of them.
    pub(super) of: BenchPartner,
    /// Its id.
    pub(super) id: PartnerId,
    holdings: Vec<Holding>,
}

fn temporary_folder() -> Result<TempDir, Failure> {
    let made = tempfile::Builder::new().prefix("antaca-bench-").tempdir();
    made.map_err(|error| Failure::new(format!("A temporary folder can't be made ({error}).")))
}

impl Ground {
    /// As the options say. Keys belong to a database, so where one is named its folder is kept.
    pub(super) fn of(at: &Where, default: Default) -> Result<Self, Failure> {
        let place = at.database.as_deref().map(Place::parse).transpose()?;
        let is_kept = default == Default::Kept || place.is_some();
        let (dir, temporary) = match &at.data {
            Some(dir) => (dir.clone(), None),
            None if is_kept => (PathBuf::from(KEPT), None),
            None => {
                let made = temporary_folder()?;
                (made.path().to_owned(), Some(made))
            }
        };
        Ok(Self { dir, place, cards: at.cards, temporary })
    }

    /// Another like it with nothing on it yet, where this one is temporary.
    pub(super) fn fresh(&self) -> Result<Option<Self>, Failure> {
        if self.temporary.is_none() {
            return Ok(None);
        }
        let made = temporary_folder()?;
        let dir = made.path().to_owned();
        let fresh = Self { dir, place: None, cards: self.cards, temporary: Some(made) };
        Ok(Some(fresh))
    }

    /// The data folder.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the sandbox, these partners and their cards, as far as they aren't there.
    pub(super) async fn prepare(
        &self,
        partners: &[BenchPartner],
        progress: &Progress,
    ) -> Result<Opened, Failure> {
        progress.tell(|| "Preparing…".to_owned());
        let mut opened = self.open(partners).await?;
        let prepared = &opened.sandbox;
        prepared.desk.app.drop_untold_of_measurements().await?;
        for party in &mut opened.partners {
            let cards = make_cards(prepared, party.of, self.cards as usize, progress);
            party.holdings = cards.await?;
        }
        Ok(opened)
    }

    /// Opens it with these partners, which are made as far as they aren't there, and with what they
    /// are still to be told; without their cards. They aren't asked.
    pub(super) async fn open(&self, partners: &[BenchPartner]) -> Result<Opened, Failure> {
        let folder = Arc::new(Folder::create(&self.dir)?);
        let (place, ahead) = (self.place.clone(), Arc::default());
        let prepared = sandbox::prepare(&folder, place, JWE_PREVIOUS_DAYS, &ahead).await?;
        let mut made = Vec::new();
        for of in partners.iter().copied() {
            let id = make_partner(&prepared, of).await?;
            made.push(Party { of, id, holdings: Vec::new() });
        }
        let opened = Opened { sandbox: prepared, folder, partners: made };
        opened.set_mode(AuthorizationMode::Own, None).await?;
        Ok(opened)
    }

    /// What doesn't hold in the ledger.
    pub(super) async fn verify(&self) -> Result<Vec<String>, Failure> {
        let folder = Folder::open(&self.dir)?;
        let db = sandbox::kept_place(&folder)?.open(Use::COMMAND.connections)?;
        let report = database::verify(&db).await?;
        db.close().await?;
        Ok(report.faults)
    }
}

impl Opened {
    /// The partners.
    pub(super) fn partners(&self) -> &[Party] {
        &self.partners
    }

    /// The partner that is measured.
    pub(super) fn measured(&self) -> Result<PartnerId, Failure> {
        let measured = self.partners.iter().find(|party| party.of == BenchPartner::Measured);
        let measured = measured.map(|party| party.id);
        measured.ok_or_else(|| Failure::new("There is no partner for measuring."))
    }

    /// Has the next card of the partner that is measured be the one behind so many hundredths of
    /// its BIN's numbers, if that is asked for; how many are taken then.
    pub(super) async fn fill_range(&self, hundredths: Option<u8>) -> Result<BinRange, Failure> {
        if let Some(hundredths) = hundredths {
            let app = &self.sandbox.desk.app;
            if !app.fill_range_for_measuring(BenchPartner::Measured, hundredths).await? {
                return Err(Failure::new(format!(
                    "More than {hundredths} % of the BIN's numbers are taken: choose another \
                     folder or database."
                )));
            }
        }
        self.range().await
    }

    /// How many numbers of its BIN the partner that is measured has taken.
    pub(super) async fn range(&self) -> Result<BinRange, Failure> {
        Ok(self.sandbox.desk.app.range_for_measuring(BenchPartner::Measured).await?)
    }

    /// A new certificate of the partner that is measured, and its key.
    pub(super) async fn identity_of_measured(&self) -> Result<Identity, Failure> {
        let code = BenchPartner::Measured.code();
        let (key, csr) = client_key_and_csr(&code);
        let holder = HolderArgs { partner: Some(code), ..HolderArgs::default() };
        let sign = SignCertificate { csr, holder, scopes: Vec::new(), days: 1 };
        let signed = self.sandbox.desk.act(&self.sandbox.operator, Act::SignCertificate(sign));
        let certificate = signed.await?["certificate"].as_str().unwrap_or_default().to_owned();
        Ok(Identity { certificate, key })
    }

    /// How many cards each partner has.
    pub(super) fn cards(&self) -> usize {
        self.partners.first().map_or(0, |party| party.holdings.len())
    }

    /// The cards themselves, of each partner.
    pub(super) fn take_cards(&mut self) -> Vec<Vec<Holding>> {
        self.partners.iter_mut().map(|party| std::mem::take(&mut party.holdings)).collect()
    }

    /// The authority of what is shown to partners.
    pub(super) fn authority(&self) -> Result<Authority, Failure> {
        let desk = &self.sandbox.desk;
        authority(&self.folder, desk.app.keyring.masters(), (desk.real_time)())
    }

    /// Has a partner told of every transaction, at this address.
    pub(super) async fn tell_at(
        &self,
        partner: PartnerId,
        base_url: String,
    ) -> Result<(), Failure> {
        let authority = self.authority()?;
        let desk = &self.sandbox.desk;
        let set = SetOutbound {
            base_url: Some(base_url),
            trusted_ca: Some(authority.certificate_pem().to_owned()),
            identity: Some(identity(&authority, (desk.real_time)())?),
            notifications: Some(vec![Event::Transaction]),
            encrypt: None,
        };
        Ok(desk.app.set_outbound(&self.sandbox.operator, partner, set).await?)
    }

    /// Says whether the partners are asked before their users' balances are debited, and how many
    /// questions to each may be open at once, if that is told.
    pub(super) async fn set_mode(
        &self,
        mode: AuthorizationMode,
        asks_at_once: Option<u32>,
    ) -> Result<(), Failure> {
        let (desk, operator) = (&self.sandbox.desk, &self.sandbox.operator);
        for party in &self.partners {
            let held = desk.app.settings.get();
            let held = held.partner(party.id).map(|it| it.settings.authorization_mode);
            if asks_at_once.is_none() && held == Some(mode) {
                continue;
            }
            let set = SetPartner {
                code: party.of.code(),
                authorization_mode: Some(mode.as_str().to_owned()),
                asks_at_once: asks_at_once.map(i64::from),
                ..SetPartner::default()
            };
            desk.act(operator, Act::SetPartner(set)).await?;
        }
        Ok(())
    }

    /// Adds transactions of the past to the partner that is measured.
    pub(super) async fn fill(&self, count: i64, progress: &Progress) -> Result<(), Failure> {
        if count > 0 {
            let of = |party: &&Party| party.of == BenchPartner::Measured;
            let cards = self.partners.iter().find(of).map_or(&[][..], |party| &party.holdings);
            let past = Past { cards, count };
            let told = |made| progress.tell(|| format!("{made} of {count} transactions…"));
            self.sandbox.desk.app.make_past_for_measuring(past, told).await?;
            progress.tell(|| "Gathering statistics…".to_owned());
            self.sandbox.desk.app.db.analyze().await?;
        }
        Ok(())
    }

    /// Lets go of folder and database.
    pub(super) async fn close(self) -> Result<(), Failure> {
        let app = self.sandbox.desk.app.clone();
        drop(self);
        app.tasks.finish(PATIENCE).await;
        instance::close(app).await
    }
}

/// The partner's cards, as many as are wanted; those that lack are made.
async fn make_cards(
    prepared: &Prepared,
    of: BenchPartner,
    wanted: usize,
    progress: &Progress,
) -> Result<Vec<Holding>, Failure> {
    let app = &prepared.desk.app;
    let found = app.cards_for_measuring(of, wanted).await?;
    let lacking = wanted - found.len();
    if lacking == 0 {
        return Ok(found);
    }
    let opening = Amount::from_minor(OPENING);
    let opening = opening.map_err(|_| Failure::new("A card can't have that much."))?;
    let count = i64::try_from(lacking).unwrap_or(i64::MAX);
    let told = |made| progress.tell(|| format!("{made} of {count} cards…"));
    app.make_cards_for_measuring(of, count, opening, told).await?;
    app.db.analyze().await?;
    Ok(app.cards_for_measuring(of, wanted).await?)
}

/// A partner for measuring: `INTERNAL` balances behind one `DEPOSIT`, and a program of its own.
async fn make_partner(prepared: &Prepared, of: BenchPartner) -> Result<PartnerId, Failure> {
    let (desk, operator, code) = (&prepared.desk, &prepared.operator, of.code());
    let settings = desk.app.settings.get();
    if settings.partner_of_code(&code).is_none() {
        let create = CreatePartner {
            code: code.clone(),
            name: Some("Partner for measuring".to_owned()),
            kyc_mode: "EXTERNAL".to_owned(),
            balance_mode: "INTERNAL".to_owned(),
            own_bin: false,
            authorization_mode: "OWN".to_owned(),
            collateral_mode: "DEPOSIT".to_owned(),
            description_codes: "EXTENDED".to_owned(),
            time_zone: "Europe/Warsaw".to_owned(),
        };
        desk.act(operator, Act::CreatePartner(create)).await?;
    }
    let partner = desk.app.settings.get().partner_of_code(&code).map(|partner| partner.id);
    let partner = partner.ok_or_else(|| Failure::new("The partner for measuring is gone."))?;
    let program = program(of);
    if settings.program(partner, &program.config_id).is_none() {
        desk.act(operator, Act::CreateProgram(program)).await?;
    }
    let deposit = NamedBalance { code, kind: "DEPOSIT".to_owned(), currency: "EUR".to_owned() };
    desk.act(operator, Act::CreateBalance(deposit.clone())).await?;
    let load = MoveMoney {
        balance: deposit,
        transaction_type: "collateralCredit".to_owned(),
        amount: DEPOSIT,
        external_id: "deposit-for-measuring".to_owned(),
        description: "Deposit for measuring".to_owned(),
    };
    desk.act(operator, Act::MoveMoney(load)).await?;
    Ok(partner)
}

/// The program of its cards. All partners' cards come through one processor.
fn program(of: BenchPartner) -> CreateProgram {
    let (config_id, bin) = match of {
        BenchPartner::Measured => (CONFIG_ID.to_owned(), "53208790".to_owned()),
        BenchPartner::Greedy => ("0019167991".to_owned(), "53208791".to_owned()),
        BenchPartner::Another(number) => {
            let number = u32::from(number);
            (format!("{:010}", 19_167_992 + number), (53_208_792 + number).to_string())
        }
    };
    CreateProgram {
        partner: of.code(),
        config_id,
        processor: sandbox::partner::PROCESSOR.to_owned(),
        card_type: "VIRTUAL".to_owned(),
        digital_first: false,
        currency: "EUR".to_owned(),
        bin,
        scheme: "MASTERCARD".to_owned(),
        product: "PREPAID".to_owned(),
        audience: "CONSUMER".to_owned(),
        lifetime_months: 36,
        card_cap: 1_000,
        hold_days: 7,
        fx_difference_to: "COMPANY".to_owned(),
        port: "BUILTIN".to_owned(),
        gift_approval: None,
        gift_ecommerce_max: None,
    }
}
