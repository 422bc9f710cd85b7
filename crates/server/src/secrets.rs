//! The keys in the data folder: the master key's file, and what is sealed under it. Also the
//! certificates that belong to them.

use crate::config::{self, Config, PassphraseSource, TokenSettings};
use crate::database::Kind;
use crate::failure::Failure;
use crate::folder::{self, Folder, Readers};
use crypto::certificates::{Authority, certificate_der, describe};
use crypto::jwe::PrivateKey;
use crypto::keys::{MasterKey, MasterKeys, Passphrase, Token, TokenName};
use domain::Timestamp;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// The master key, sealed by the passphrase or a token.
pub(crate) const MASTER_KEY: &str = "master-key.json";
/// The master key that is to follow it, sealed likewise.
pub(crate) const NEXT_MASTER_KEY: &str = "master-key-next.json";
/// The passphrase of a sandbox, which keeps it itself.
pub(crate) const PASSPHRASE: &str = "passphrase";
/// The authority's certificate.
pub(crate) const CA: &str = "ca.pem";
/// The public half of the key that requests are encrypted for.
pub(crate) const JWE_PUBLIC: &str = "jwe-public.pem";
const CA_KEY: &str = "ca-key";
const JWE_KEY: &str = "jwe-key";
const SERVER_KEY: &str = "server-key";
const SERVER: &str = "server.pem";

/// How long our server certificate lasts, in days.
const SERVER_DAYS: u32 = 398;
/// A certificate that ends sooner than this is made anew.
const RENEW_DAYS: i64 = 30;
const DAY: i64 = 24 * 60 * 60;
/// Bytes that are read of a passphrase: more than anybody types.
const PASSPHRASE_MAX: u64 = 4096;
/// Bytes of randomness in a sandbox's passphrase.
const PASSPHRASE_LEN: usize = 32;

/// What the master key is sealed by.
pub(crate) enum Provider {
    /// A passphrase.
    Passphrase(Passphrase),
    /// A token of a hardware module.
    Token(Mutex<Token>),
}

impl Provider {
    /// As it is configured: a token that the passphrase opens, or the passphrase alone.
    pub(crate) fn of(config: &Config, folder: &Folder) -> Result<Self, Failure> {
        let passphrase = passphrase(config.passphrase.as_ref(), folder)?;
        Self::by(passphrase, config.token.as_ref())
    }

    /// A token that the passphrase opens, or the passphrase alone.
    pub(crate) fn by(
        passphrase: Passphrase,
        token: Option<&TokenSettings>,
    ) -> Result<Self, Failure> {
        let Some(TokenSettings { module, token, key }) = token else {
            return Ok(Self::Passphrase(passphrase));
        };
        let name = TokenName { module, token, key };
        let opened = Token::open(&name, &passphrase).map(|token| Self::Token(Mutex::new(token)));
        opened.map_err(|error| {
            Failure::new(format!(
                "The token {token} of {} can't be used: {error}.",
                module.display()
            ))
        })
    }

    /// The text of a file that this opens again.
    pub(crate) fn seal(&self, key: &MasterKey) -> Result<String, Failure> {
        match self {
            Self::Passphrase(passphrase) => Ok(key.to_file(passphrase)),
            Self::Token(token) => {
                let token = token.lock().unwrap_or_else(PoisonError::into_inner);
                token.prepare().and_then(|()| key.to_file_of(&token)).map_err(|error| {
                    Failure::new(format!("The token can't wrap the key: {error}."))
                })
            }
        }
    }

    fn open(&self, text: &str) -> Result<MasterKey, String> {
        match self {
            Self::Passphrase(passphrase) => {
                MasterKey::from_file(text, passphrase).map_err(|error| error.to_string())
            }
            Self::Token(token) => {
                let token = token.lock().unwrap_or_else(PoisonError::into_inner);
                MasterKey::from_file_of(text, &token).map_err(|error| error.to_string())
            }
        }
    }
}

/// Reads the passphrase from where it is configured, or from a sandbox's own file.
fn passphrase(source: Option<&PassphraseSource>, folder: &Folder) -> Result<Passphrase, Failure> {
    let path = match source {
        // Opened anew, it would be refused to a user who was switched to.
        Some(PassphraseSource::Descriptor(0)) => return passphrase_of_input(),
        Some(PassphraseSource::Environment) => {
            let text = config::passphrase_of_environment().filter(|text| !text.trim().is_empty());
            let text =
                text.ok_or_else(|| Failure::new("The passphrase in the environment isn't one."));
            return Ok(Passphrase::new(&text?));
        }
        Some(PassphraseSource::File(path)) => path.clone(),
        Some(PassphraseSource::Descriptor(number)) => PathBuf::from(format!("/dev/fd/{number}")),
        None => folder.path(PASSPHRASE),
    };
    let text = folder::read_text(&path)?;
    let text = text.filter(|text| !text.trim().is_empty()).ok_or_else(|| {
        Failure::new(match source {
            Some(_) => format!("There is no passphrase in {}.", path.display()),
            None => "The passphrase of the master key is missing: set keys.passphrase_file or \
                     keys.passphrase_fd, or hand it over as systemd's credential \
                     antaca-passphrase."
                .to_owned(),
        })
    })?;
    Ok(Passphrase::new(&text))
}

/// Reads the passphrase from the standard input, to its end.
fn passphrase_of_input() -> Result<Passphrase, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = std::io::stdin().lock().take(PASSPHRASE_MAX).read_to_string(&mut text);
    match read {
        Ok(_) if !text.trim().is_empty() => Ok(Passphrase::new(&text)),
        Ok(_) => Err(Failure::new("There is no passphrase in the standard input.")),
        Err(error) => Err(Failure::new(format!("The standard input can't be read ({error})."))),
    }
}

/// A sandbox's own passphrase; made on first use.
pub(crate) fn provider_of_sandbox(folder: &Folder) -> Result<Provider, Failure> {
    if let Some(text) = folder.read_text(PASSPHRASE)? {
        return Ok(Provider::Passphrase(Passphrase::new(&text)));
    }
    let bytes = Zeroizing::new(crypto::random::bytes::<PASSPHRASE_LEN>());
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = Zeroizing::new(text);
    folder.write(PASSPHRASE, text.as_bytes(), Readers::Owner)?;
    Ok(Provider::Passphrase(Passphrase::new(&text)))
}

/// Makes and keeps a master key; there must be none yet.
pub(crate) fn create_master_key(
    folder: &Folder,
    kind: Kind,
    provider: &Provider,
) -> Result<MasterKey, Failure> {
    if folder.path(MASTER_KEY).exists() {
        return Err(Failure::new(format!(
            "There is a master key already in {}.",
            folder.dir().display()
        )));
    }
    let key = MasterKey::generate(kind.name());
    folder.write(MASTER_KEY, provider.seal(&key)?.as_bytes(), Readers::Owner)?;
    Ok(key)
}

/// Opens the master key, and the one that is to follow it, if there is one; `None` where there is
/// none at all.
pub(crate) fn open_master_keys(
    folder: &Folder,
    provider: &Provider,
) -> Result<Option<MasterKeys>, Failure> {
    let Some(current) = open_master_key(folder, provider)? else { return Ok(None) };
    let Some(text) = folder.read_text(NEXT_MASTER_KEY)? else {
        return Ok(Some(MasterKeys::new(current, None)));
    };
    let next = open_text(folder, provider, (NEXT_MASTER_KEY, &text))?;
    expect_kind(&current, &next)?;
    let next = (!next.is(&current)).then_some((next, text.as_str()));
    Ok(Some(MasterKeys::new(current, next)))
}

/// Refuses a next key of another kind of instance.
pub(crate) fn expect_kind(current: &MasterKey, next: &MasterKey) -> Result<(), Failure> {
    if current.kind() == next.kind() {
        return Ok(());
    }
    Err(Failure::new(format!("{NEXT_MASTER_KEY} belongs to another kind of instance: remove it.")))
}

/// As [`open_master_keys`], where there has to be one.
pub(crate) fn need_master_keys(
    folder: &Folder,
    provider: &Provider,
) -> Result<MasterKeys, Failure> {
    open_master_keys(folder, provider)?.ok_or_else(no_master_key)
}

/// There is none.
pub(crate) fn no_master_key() -> Failure {
    Failure::new("There is no master key yet: run `antaca keys init` first.")
}

/// Opens the master key; `None` where there is none.
pub(crate) fn open_master_key(
    folder: &Folder,
    provider: &Provider,
) -> Result<Option<MasterKey>, Failure> {
    let Some(text) = folder.read_text(MASTER_KEY)? else { return Ok(None) };
    open_text(folder, provider, (MASTER_KEY, &text)).map(Some)
}

/// Opens the text of a file that holds a master key.
pub(crate) fn open_text(
    folder: &Folder,
    provider: &Provider,
    (name, text): (&str, &str),
) -> Result<MasterKey, Failure> {
    provider.open(text).map_err(|error| {
        let path = folder.path(name);
        Failure::new(format!("The master key in {} can't be opened: {error}.", path.display()))
    })
}

/// Makes and keeps an authority; there must be none yet.
pub(crate) fn create_authority(
    folder: &Folder,
    masters: &MasterKeys,
    kind: Kind,
    now: Timestamp,
) -> Result<Arc<Authority>, Failure> {
    if folder.path(CA).exists() {
        return Err(Failure::new(format!(
            "There is an authority already in {}.",
            folder.dir().display()
        )));
    }
    let authority = Authority::create(&authority_name(kind), now);
    seal(folder, masters, CA_KEY, authority.key_pem().as_bytes())?;
    // Last: without it there is no authority, and the next try makes both anew.
    folder.write(CA, authority.certificate_pem().as_bytes(), Readers::All)?;
    Ok(Arc::new(authority))
}

/// Opens the authority; `None` where there is none.
pub(crate) fn open_authority(
    folder: &Folder,
    masters: &MasterKeys,
    kind: Kind,
) -> Result<Option<Arc<Authority>>, Failure> {
    let Some(certificate) = folder.read_text(CA)? else { return Ok(None) };
    let spoilt = |what: &dyn std::fmt::Display| {
        Failure::new(format!("The authority in {} can't be used: {what}.", folder.dir().display()))
    };
    let named = certificate_der(&certificate).and_then(|der| describe(&der));
    if named.map_err(|error| spoilt(&error))?.common_name != authority_name(kind) {
        return Err(spoilt(&"it belongs to another kind of instance"));
    }
    let key = open(folder, masters, CA_KEY)?.ok_or_else(|| spoilt(&"its key is missing"))?;
    let key = std::str::from_utf8(&key).map_err(|error| spoilt(&error))?;
    let authority = Authority::from_pem(&certificate, key).map_err(|error| spoilt(&error))?;
    Ok(Some(Arc::new(authority)))
}

fn authority_name(kind: Kind) -> String {
    format!("Antaca {} CA", kind.name())
}

/// The key that a former release kept here, for requests to be encrypted for. It belongs into the
/// database now.
pub(crate) fn kept_jwe_key(
    folder: &Folder,
    masters: &MasterKeys,
) -> Result<Option<PrivateKey>, Failure> {
    let Some(pem) = open(folder, masters, JWE_KEY)? else { return Ok(None) };
    let key = std::str::from_utf8(&pem).ok().map(PrivateKey::from_pkcs8_pem);
    key.and_then(Result::ok).map(Some).ok_or_else(|| {
        let path = folder.path(&sealed(JWE_KEY));
        Failure::new(format!("{} isn't a key that can be used.", path.display()))
    })
}

/// Removes it, once the database has it.
pub(crate) fn remove_jwe_key(folder: &Folder) -> Result<(), Failure> {
    folder.remove(&sealed(JWE_KEY))
}

/// A server's certificate and its key, both PEM.
pub(crate) struct ServerCertificate {
    pub(crate) certificate: String,
    pub(crate) key: Zeroizing<String>,
}

/// The server's certificate for these names; made on first use, for other names, and before it
/// ends.
pub(crate) fn server_certificate(
    folder: &Folder,
    masters: &MasterKeys,
    authority: &Authority,
    names: &[String],
    now: Timestamp,
) -> Result<ServerCertificate, Failure> {
    // The file's first line tells the names: a PEM may have text around it.
    let told = format!("# {}\n", names.join(" "));
    if let Some(certificate) = folder.read_text(SERVER)?
        && certificate.starts_with(&told)
        && lasts(&certificate, now)
        && let Some(key) = open(folder, masters, SERVER_KEY)?
        && let Ok(key) = std::str::from_utf8(&key)
    {
        let key = Zeroizing::new(key.to_owned());
        return Ok(ServerCertificate { certificate: certificate.to_string(), key });
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (certificate, key) = authority
        .sign_server(&names, SERVER_DAYS, now)
        .map_err(|error| Failure::new(format!("No server certificate can be made: {error}.")))?;
    let certificate = told + &certificate;
    // A certificate must never lie beside another one's key.
    folder.remove(SERVER)?;
    seal(folder, masters, SERVER_KEY, key.as_bytes())?;
    folder.write(SERVER, certificate.as_bytes(), Readers::All)?;
    Ok(ServerCertificate { certificate, key })
}

/// Whether a certificate lasts long enough not to be made anew.
pub(crate) fn lasts(pem: &str, now: Timestamp) -> bool {
    let described = certificate_der(pem).and_then(|der| describe(&der));
    described.is_ok_and(|it| it.not_after.as_second() - now.as_second() > RENEW_DAYS * DAY)
}

/// The ending of a file that [`seal`] made.
const SEALED: &str = ".sealed";

fn sealed(row: &str) -> String {
    format!("{row}{SEALED}")
}

/// Seals every secret of the folder by this master key, which the node knows already.
pub(crate) fn reseal(
    folder: &Folder,
    masters: &MasterKeys,
    next: &MasterKey,
) -> Result<(), Failure> {
    for name in folder.names()? {
        let Some(row) = name.strip_suffix(SEALED) else { continue };
        let Some(content) = folder.read(&name)? else { continue };
        let Ok(secret) = masters.open_file(row, &content) else {
            // Nothing opened it before either.
            tracing::warn!(file = name, "A sealed file stays as it is: no master key opens it");
            continue;
        };
        folder.write(&name, &next.seal_file(row, &secret), Readers::Owner)?;
    }
    Ok(())
}

/// Keeps a secret in a file of the folder, sealed.
pub(crate) fn seal(
    folder: &Folder,
    masters: &MasterKeys,
    row: &str,
    secret: &[u8],
) -> Result<(), Failure> {
    folder.write(&sealed(row), &masters.current().seal_file(row, secret), Readers::Owner)
}

/// Opens what [`seal`] kept; `None` where there is nothing.
pub(crate) fn open(
    folder: &Folder,
    masters: &MasterKeys,
    row: &str,
) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    let Some(content) = folder.read(&sealed(row))? else { return Ok(None) };
    let path = folder.path(&sealed(row));
    masters.open_file(row, &content).map(Some).map_err(|_| {
        Failure::new(format!(
            "{} can't be opened with this master key: it was altered or belongs to another folder.",
            path.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

    fn masters() -> MasterKeys {
        MasterKeys::new(MasterKey::generate("sandbox"), None)
    }

    #[test]
    fn a_server_certificate_is_kept_until_its_last_month_or_other_names() {
        let around = testkit::folder();
        let folder = Folder::create(around.path()).expect("a folder");
        let masters = masters();
        let authority =
            create_authority(&folder, &masters, Kind::Sandbox, NOW).expect("an authority");
        let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let made = |names: &[String], now| {
            let made = server_certificate(&folder, &masters, &authority, names, now);
            made.expect("a certificate").certificate
        };
        let days = |days: i64| NOW + SignedDuration::from_hours(24 * days);
        let first = made(&names(&["localhost", "127.0.0.1"]), NOW);
        assert_eq!(made(&names(&["localhost", "127.0.0.1"]), days(367)), first);
        let second = made(&names(&["localhost", "127.0.0.1"]), days(369));
        assert_ne!(second, first);
        assert_ne!(made(&names(&["localhost"]), days(369)), second);
    }

    #[test]
    fn keys_are_opened_again_and_only_under_their_master_key() {
        let around = testkit::folder();
        let folder = Folder::create(around.path()).expect("a folder");
        let masters = masters();
        let made = create_authority(&folder, &masters, Kind::Sandbox, NOW).expect("an authority");
        let opened = open_authority(&folder, &masters, Kind::Sandbox).expect("it opens");
        let opened = opened.expect("there is one");
        assert_eq!(opened.certificate_pem(), made.certificate_pem());
        assert!(create_authority(&folder, &masters, Kind::Sandbox, NOW).is_err());
        assert!(open_authority(&folder, &masters, Kind::Production).is_err());
        let other = self::masters();
        assert!(open_authority(&folder, &other, Kind::Sandbox).is_err());
    }

    #[test]
    fn a_sandbox_keeps_its_passphrase() {
        let around = testkit::folder();
        let folder = Folder::create(around.path()).expect("a folder");
        let passphrase = provider_of_sandbox(&folder).expect("a passphrase");
        create_master_key(&folder, Kind::Sandbox, &passphrase).expect("a key");
        let again = provider_of_sandbox(&folder).expect("a passphrase");
        let keys = open_master_keys(&folder, &again).expect("it opens").expect("there is one");
        assert_eq!((keys.current().kind(), keys.next().is_none()), ("sandbox", true));
        assert!(create_master_key(&folder, Kind::Sandbox, &again).is_err());
    }

    #[test]
    fn a_next_key_is_of_the_same_kind() {
        let around = testkit::folder();
        let folder = Folder::create(around.path()).expect("a folder");
        let provider = provider_of_sandbox(&folder).expect("a passphrase");
        create_master_key(&folder, Kind::Sandbox, &provider).expect("a key");
        let told = |kind: &str| {
            let text = provider.seal(&MasterKey::generate(kind)).expect("sealed");
            folder.write(NEXT_MASTER_KEY, text.as_bytes(), Readers::Owner).expect("written");
            let keys = open_master_keys(&folder, &provider);
            keys.map(|keys| keys.is_some_and(|keys| keys.next().is_some()))
        };
        assert_eq!(told("sandbox"), Ok(true));
        let failure = told("production").expect_err("another kind").to_string();
        assert!(failure.contains("belongs to another kind of instance"), "{failure}");
    }
}
