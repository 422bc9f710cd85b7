//! The demonstration partners, one for each way of working, and the processor, with their programs
//! and certificates.

use crate::acts::{
    Act, CreateProcessor, CreateProgram, Desk, Digits, HolderArgs, ImportPinKey, MoveMoney,
    NamedBalance, NamedPinKey, SetBureau, SetProgram, SignCertificate, bytes,
};
use crate::failure::Failure;
use crate::folder::{Folder, Readers};
use crate::secrets;
use app::audit::Operator;
use app::partners::Create;
use app::pin_keys::Cipher;
use crypto::certificates::{certificate_der, client_key_and_csr, fingerprint};
use crypto::jwe::PrivateKey;
use crypto::tdes::TripleDesKey;
use domain::balance::PartnerBalanceKind;
use domain::money::Currency;
use domain::partner::{
    AuthorizationMode, BalanceMode, CollateralMode, DescriptionCodes, KycMode, Settings,
};
use simulator::bureau::FOLDER;
use store::bureaus::Bureau;
use zeroize::Zeroizing;

/// The partner of the quick start.
pub(super) const PARTNER: &str = "sandbox";
/// The name of the processor.
pub(crate) const PROCESSOR: &str = "sandbox-processor";
/// The name of the processor's files.
pub(super) const PROCESSOR_FILE: &str = "processor";
/// The file with the processor's copy of the PIN key, and the key's name.
pub(crate) const PIN_KEY_FILE: &str = "processor-pin.key";
pub(crate) const PIN_KEY: &str = "sandbox";
/// The bureau, and the file with its private key.
const BUREAU: &str = "sandbox";
const BUREAU_KEY_FILE: &str = "bureau.key";
const CHIP_PROFILE: &str = "SANDBOX";
/// How long the certificates last, in days.
const DAYS: u32 = 398;

/// A partner of the sandbox.
pub(super) struct Example {
    /// Its code, also the name of its files.
    pub(super) code: &'static str,
    name: &'static str,
    balance_mode: BalanceMode,
    authorization_mode: AuthorizationMode,
    collateral_mode: CollateralMode,
    programs: &'static [Row],
}

/// A program of a partner: `configId`, card type, digital first, currency, BIN.
type Row = (&'static str, &'static str, bool, &'static str, &'static str);

/// The program of anonymous gifts.
const GIFT: &str = "0019167992";
const EUR_BIN: &str = "53208701";
const PLN_BIN: &str = "53208702";
const EXTERNAL_BIN: &str = "53208703";
const SHARED_BIN: &str = "53208704";

/// What limits a partner's users has so much at first, in minor units: 1,000,000.00.
const COLLATERAL: i64 = 100_000_000;

/// The partners, that of the quick start first.
pub(super) const EXAMPLES: &[Example] = &[
    Example {
        code: PARTNER,
        name: "Demonstration partner",
        balance_mode: BalanceMode::Internal,
        authorization_mode: AuthorizationMode::Own,
        collateral_mode: CollateralMode::None,
        programs: &[
            ("0019167984", "VIRTUAL", false, "EUR", EUR_BIN),
            ("0019167985", "PHYSICAL", false, "EUR", EUR_BIN),
            ("0019167986", "VIRTUAL", true, "EUR", EUR_BIN),
            ("0019167987", "VIRTUAL", false, "PLN", PLN_BIN),
            (GIFT, "VIRTUAL", false, "EUR", EUR_BIN),
        ],
    },
    Example {
        code: "external",
        name: "Demonstration partner that holds its users' money",
        balance_mode: BalanceMode::External,
        authorization_mode: AuthorizationMode::Own,
        collateral_mode: CollateralMode::Deposit,
        programs: &[("0019167988", "VIRTUAL", false, "EUR", EXTERNAL_BIN)],
    },
    Example {
        code: "shared",
        name: "Demonstration partner that is asked before each payment",
        balance_mode: BalanceMode::Internal,
        authorization_mode: AuthorizationMode::Shared,
        collateral_mode: CollateralMode::Credit,
        programs: &[("0019167989", "VIRTUAL", false, "EUR", SHARED_BIN)],
    },
];

/// Makes what isn't there yet; what was changed meanwhile stays as it is.
pub(super) async fn prepare(
    desk: &Desk,
    folder: &Folder,
    operator: &Operator,
) -> Result<(), Failure> {
    if desk.app.settings.get().processor_of_name(PROCESSOR).is_none() {
        let processor = CreateProcessor { name: PROCESSOR.to_owned(), time_budget_ms: 2000 };
        desk.act(operator, Act::CreateProcessor(processor)).await?;
    }
    for example in EXAMPLES {
        if desk.app.settings.get().partner_of_code(example.code).is_none() {
            desk.app.create_partner(operator, partner(example)).await?;
        }
        for row in example.programs {
            let settings = desk.app.settings.get();
            let partner = settings.partner_of_code(example.code).map(|partner| partner.id);
            if partner.is_none_or(|partner| settings.program(partner, row.0).is_none()) {
                desk.act(operator, Act::CreateProgram(program(example.code, *row))).await?;
            }
        }
        collateral(desk, operator, example).await?;
        let whose = Whose::Partner(example.code);
        certificate(desk, folder, operator, example.code, whose).await?;
    }
    pin_key(desk, folder, operator).await?;
    bureau(desk, folder, operator).await?;
    certificate(desk, folder, operator, PROCESSOR_FILE, Whose::Processor).await
}

/// What limits a partner's users, with money on it: without it nothing can be tried out.
async fn collateral(desk: &Desk, operator: &Operator, example: &Example) -> Result<(), Failure> {
    let kind = match example.collateral_mode {
        CollateralMode::None => return Ok(()),
        CollateralMode::Credit => PartnerBalanceKind::Credit,
        CollateralMode::Deposit => PartnerBalanceKind::Deposit,
    };
    let settings = desk.app.settings.get();
    let partner = settings.partner_of_code(example.code).map(|partner| partner.id);
    let held = partner.and_then(|it| settings.partner_balance(it, kind, Currency::EUR));
    if held.is_some() {
        return Ok(());
    }
    let balance = NamedBalance {
        code: example.code.to_owned(),
        kind: kind.as_str().to_owned(),
        currency: Currency::EUR.code().to_owned(),
    };
    desk.act(operator, Act::CreateBalance(balance.clone())).await?;
    let load = MoveMoney {
        balance,
        transaction_type: "collateralCredit".to_owned(),
        amount: COLLATERAL,
        external_id: "sandbox".to_owned(),
        description: "For trying it out".to_owned(),
    };
    desk.act(operator, Act::MoveMoney(load)).await.map(|_| ())
}

/// The bureau that makes plastic, and the programs that it makes it for. Its private key lies in
/// the folder, so that who tries it out can read a batch.
async fn bureau(desk: &Desk, folder: &Folder, operator: &Operator) -> Result<(), Failure> {
    let key = match folder.read_text(BUREAU_KEY_FILE)? {
        Some(pem) => PrivateKey::from_pkcs8_pem(&pem)
            .map_err(|_| Failure::new(format!("{BUREAU_KEY_FILE} isn't a private key.")))?,
        None => {
            let key = PrivateKey::generate();
            folder.write(BUREAU_KEY_FILE, key.to_pkcs8_pem().as_bytes(), Readers::Owner)?;
            key
        }
    };
    folder.create_folder(FOLDER)?;
    let whole = std::path::absolute(folder.path(FOLDER))
        .map_err(|error| Failure::new(format!("The data folder has no whole path ({error}).")))?;
    let bureau = SetBureau {
        name: BUREAU.to_owned(),
        folder: whole.to_string_lossy().into_owned(),
        public_key: key.public_pem().to_owned(),
        host_keys: None,
        new_key: false,
    };
    let held = desk.app.bureau(BUREAU).await.ok();
    let same = |it: Bureau| it.folder == bureau.folder && it.public_key == bureau.public_key;
    // Setting it makes what is missing of its folder.
    if !held.is_some_and(same) || !folder.path(FOLDER).join("out").is_dir() {
        desk.act(operator, Act::SetBureau(bureau)).await?;
    }
    for example in EXAMPLES {
        let settings = desk.app.settings.get();
        let partner = settings.partner_of_code(example.code).map(|partner| partner.id);
        for (config_id, card_type, digital_first, ..) in example.programs {
            let program = partner.and_then(|partner| settings.program(partner, config_id));
            let has_plastic = *card_type == "PHYSICAL" || *digital_first;
            if !has_plastic || program.is_none_or(|program| program.plastic.is_some()) {
                continue;
            }
            let set = SetProgram {
                partner: example.code.to_owned(),
                config_id: (*config_id).to_owned(),
                limits: None,
                plastic: Some((BUREAU.to_owned(), CHIP_PROFILE.to_owned())),
                add_bin: None,
                state: None,
            };
            desk.act(operator, Act::SetProgram(set)).await?;
        }
    }
    Ok(())
}

/// The key that the processor encrypts PIN blocks under. Its file is the processor's copy, which
/// `antaca simulate` uses.
async fn pin_key(desk: &Desk, folder: &Folder, operator: &Operator) -> Result<(), Failure> {
    let key = match folder.read_text(PIN_KEY_FILE)? {
        Some(digits) => bytes(digits.trim()).unwrap_or_default(),
        None => {
            // One that the database knows is nobody's any more: its file wasn't restored with it.
            forget_pin_key(desk, operator).await?;
            let key = Zeroizing::new(TripleDesKey::generate().expose().to_vec());
            let digits: Zeroizing<String> =
                Zeroizing::new(key.iter().map(|byte| format!("{byte:02X}")).collect());
            folder.write(PIN_KEY_FILE, digits.as_bytes(), Readers::Owner)?;
            key
        }
    };
    let import = ImportPinKey {
        processor: PROCESSOR.to_owned(),
        id: PIN_KEY.to_owned(),
        cipher: Cipher::TripleDes.as_str().to_owned(),
        key: Digits::of(&key),
    };
    desk.act(operator, Act::ImportPinKey(import)).await.map(|_| ())
}

async fn forget_pin_key(desk: &Desk, operator: &Operator) -> Result<(), Failure> {
    let settings = desk.app.settings.get();
    let processor = settings.processor_of_name(PROCESSOR);
    if processor.is_none_or(|it| settings.pin_key(it.id, PIN_KEY).is_none()) {
        return Ok(());
    }
    let key = NamedPinKey { processor: PROCESSOR.to_owned(), id: PIN_KEY.to_owned() };
    desk.act(operator, Act::RemovePinKey(key)).await.map(|_| ())
}

fn partner(example: &Example) -> Create {
    Create {
        code: example.code.to_owned(),
        name: example.name.to_owned(),
        settings: Settings {
            balance_mode: example.balance_mode,
            authorization_mode: example.authorization_mode,
            collateral_mode: example.collateral_mode,
            kyc_mode: KycMode::External,
            description_codes: DescriptionCodes::Extended,
            step_up: false,
            ..Settings::default()
        },
    }
}

fn program(
    partner: &str,
    (config_id, card_type, digital_first, currency, bin): Row,
) -> CreateProgram {
    CreateProgram {
        partner: partner.to_owned(),
        config_id: config_id.to_owned(),
        processor: PROCESSOR.to_owned(),
        card_type: card_type.to_owned(),
        digital_first,
        currency: currency.to_owned(),
        bin: bin.to_owned(),
        scheme: "MASTERCARD".to_owned(),
        product: "PREPAID".to_owned(),
        audience: "CONSUMER".to_owned(),
        lifetime_months: 36,
        card_cap: 10,
        hold_days: 7,
        fx_difference_to: "COMPANY".to_owned(),
        port: "BUILTIN".to_owned(),
        gift_approval: (config_id == GIFT).then(|| "Approved for the sandbox".to_owned()),
        gift_ecommerce_max: None,
    }
}

/// Whom a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Partner(&'static str),
    Processor,
}

/// Makes key and certificate, unless there are some that last and are registered.
async fn certificate(
    desk: &Desk,
    folder: &Folder,
    operator: &Operator,
    file: &str,
    whose: Whose,
) -> Result<(), Failure> {
    let (certificate, key) = (format!("{file}.pem"), format!("{file}.key"));
    if let Some(pem) = folder.read_text(&certificate)?
        && secrets::lasts(&pem, (desk.real_time)())
        && let Ok(der) = certificate_der(&pem)
        && desk.app.settings.get().certificate(&fingerprint(&der)).is_some()
        && folder.path(&key).exists()
    {
        return Ok(());
    }
    let none = HolderArgs::default();
    let (name, holder) = match whose {
        Whose::Partner(code) => (code, HolderArgs { partner: Some(code.to_owned()), ..none }),
        Whose::Processor => {
            (PROCESSOR, HolderArgs { processor: Some(PROCESSOR.to_owned()), ..none })
        }
    };
    let (key_pem, csr) = client_key_and_csr(name);
    let sign = SignCertificate { csr, holder, scopes: Vec::new(), days: DAYS };
    let signed = desk.act(operator, Act::SignCertificate(sign)).await?;
    let pem = signed.get("certificate").and_then(serde_json::Value::as_str).unwrap_or_default();
    // A certificate must never lie beside another one's key.
    folder.remove(&certificate)?;
    folder.write(&key, key_pem.as_bytes(), Readers::Owner)?;
    folder.write(&certificate, pem.as_bytes(), Readers::Owner)
}
