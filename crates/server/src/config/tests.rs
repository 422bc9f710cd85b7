//! What the file and the environment say, and what is refused.

use super::*;
use outbound::target::Reach;

fn read(file: &str, environment: &[(&str, &str)]) -> Result<Config, Failure> {
    let environment =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::read(Some((Path::new("antaca.toml"), file)), &environment, None)
}

#[test]
fn without_a_word_the_defaults_are_in_force() {
    let config = read("", &[]).expect("defaults");
    assert_eq!(config.data(), Path::new(DATA));
    assert_eq!(config.listen.port(), 8443);
    assert!(config.operations.ip().is_loopback());
    assert_eq!((config.engines, config.connections), (1, 8));
    assert_eq!(config.names, ["localhost"]);
    assert_eq!(config.log, "info");
    assert_eq!((config.jwe.previous_days, config.jwe.private_operations.get()), (7, 50));
    assert_eq!(config.log_format, None);
    let (requests, connections) = (config.limits.requests, config.limits.connections);
    assert_eq!(requests.requests_per_second, 500);
    assert_eq!(requests.processor_requests_per_second, 0, "authorizations aren't throttled");
    assert_eq!((connections.all, connections.per_certificate), (4096, 256));
    assert_eq!(connections.per_address, 64);
    let times = [connections.handshake, connections.head, connections.idle];
    assert_eq!(times.map(|time| time.as_secs()), [5, 10, 60]);
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = "listen = '127.0.0.1:1'\nnames = ['a']\n[database]\nconnections = 3";
    let environment = [
        ("ANTACA_NAMES", "b.example, 10.0.0.1"),
        ("ANTACA_DATABASE_CONNECTIONS", "4"),
        ("ANTACA_KEYS_PASSPHRASE_FD", "3"),
    ];
    let config = read(file, &environment).expect("a configuration");
    assert_eq!(config.listen.port(), 1);
    assert_eq!(config.names, ["b.example", "10.0.0.1"]);
    assert_eq!(config.connections, 4);
    assert_eq!(config.passphrase, Some(PassphraseSource::Descriptor(3)));
}

#[test]
fn what_is_not_known_or_not_sound_is_refused() {
    type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);
    let cases: &[Case] = &[
        ("colour = 'red'", &[], "antaca.toml has the key colour"),
        ("[database]\nusr = 'x'", &[], "has the key database.usr"),
        ("data.path = 'x'", &[], "has the key data.path"),
        ("", &[("ANTACA_COLOUR", "red")], "The variable ANTACA_COLOUR isn't known"),
        ("listen = 1", &[], "The key listen must be a text"),
        ("listen = 'here'", &[], "The key listen must be an address and a port"),
        ("engines = 0", &[], "engines must be 1 to 64"),
        ("engines = 2", &[], "engines must be 1 on SQLite"),
        ("", &[("ANTACA_ENGINES", "two")], "engines must be a whole number"),
        ("log = 'loud'", &[], "must be one of error"),
        ("log_format = 'xml'", &[], "log_format must be json or text"),
        ("[limits]\nconnections = 0", &[], "limits.connections must be 1 to 1000000"),
        ("[limits]\nrequest_seconds = 11", &[], "limits.request_seconds must be 1 to 10"),
        ("", &[("ANTACA_LIMITS_REQUESTS_PER_SECOND", "-1")], "must be 0 to 1000000"),
        ("", &[("ANTACA_LIMITS_REQUESTS", "1")], "ANTACA_LIMITS_REQUESTS isn't known"),
        ("names = []", &[], "names must have one name"),
        ("database.url = 'mysql://x'", &[], "postgres://"),
        ("[jwe]\nprevious_days = 366", &[], "jwe.previous_days must be 0 to 365"),
        ("[jwe]\nprivate_operations = 0", &[], "jwe.private_operations must be 1 to"),
        ("[retention]\naudit_months = 11", &[], "audit_months must be 12 to 1200"),
        ("[retention]\nuser_months = 1201", &[], "user_months must be 0 to 1200"),
        ("[smtp]\nhost = 'a.example'", &[], "smtp.from must be an address"),
        ("[smtp]\nfrom = 'a@b.example'", &[], "smtp.from is given without smtp.host"),
        ("[smtp]\nhost = 'a.b'\nfrom = \"a@b.c\\r\\nX: y\"", &[], "smtp.from must be an address"),
        ("[smtp]\nhost = 'a.example'\ntls = 'maybe'", &[], "smtp.tls must be implicit, starttls"),
        ("[smtp]\nhost = 'a.example'\ntls = 'none'", &[], "smtp.tls may be none only"),
        ("[smtp]\nhost = '10.0.0.1'\ntls = 'none'", &[], "smtp.tls may be none only"),
        ("[smtp]\nhost = 'a.example'\nfrom = 'a@b.de'\nport = 65536", &[], "must be 1 to 65535"),
        ("[smtp]\nhost = 'a.example'\nuser = 'x'", &[], "smtp.password_file together"),
        ("[smtp]\npassword = 'x'", &[], "has the key smtp.password"),
        ("[ekyc]\nca_file = '/c'", &[], "ekyc.ca_file is given without ekyc.url"),
        ("[ekyc]\nurl = 'http://a.b'", &[], "ekyc.url must be an https:// URL"),
        ("[ekyc]\nurl = 'https://u@a.b'", &[], "ekyc.url must have no user"),
        ("[ekyc]\nurl = 'https://a.b'", &[], "Give ekyc.ca_file too"),
        ("[ekyc]\nurl = 'https://a.b'\nca_file = '/c'", &[], "Give ekyc.token_file, or"),
        (
            "[ekyc]\nurl = 'https://a.b'\nca_file = '/c'\nkey_file = '/k'",
            &[],
            "ekyc.key_file together",
        ),
        ("[ekyc]\ntoken = 'x'", &[], "has the key ekyc.token,"),
        ("x = [", &[], "isn't TOML"),
        ("[keys]\npassphrase_file = 'a'\npassphrase_fd = 3", &[], "not both"),
    ];
    for (file, environment, words) in cases {
        let failure = read(file, environment).expect_err(file).to_string();
        assert!(failure.contains(words), "{file}: {failure}");
    }
}

#[test]
fn what_is_shown_can_be_read_again_and_holds_no_secret() {
    let file = "engines = 2\n[database]\nurl = 'postgres://me:secret@host/db'\n\
                [limits]\nidle_seconds = 7";
    let shown = read(file, &[]).expect("a configuration").shown();
    assert!(!shown.contains("secret"), "{shown}");
    assert_eq!(read(&shown, &[]).expect("a configuration").limits.connections.idle.as_secs(), 7);
    assert!(super::limits::KEYS.iter().all(|key| shown.contains(&key.name[7..])), "{shown}");
}

#[test]
fn a_mail_server_is_shown_as_it_is_read() {
    assert_eq!(read("", &[]).expect("defaults").smtp, None);
    for (tls, port) in [("implicit", 465), ("starttls", 587), ("none", 25)] {
        let file = format!(
            "[smtp]\nhost = '127.0.0.1'\ntls = '{tls}'\nfrom = 'a@b.de'\nuser = 'u'\n\
             password_file = '/p'\nca_file = '/c'"
        );
        let config = read(&file, &[]).expect("a configuration");
        let shown = config.shown();
        assert!(shown.contains(&format!("port = {port}")), "{shown}");
        assert_eq!(read(&shown, &[]).expect("a configuration").smtp, config.smtp);
        assert!(config.smtp.is_some());
    }
}

#[test]
fn a_provider_is_shown_as_it_is_read() {
    assert_eq!(read("", &[]).expect("defaults").ekyc, None);
    for rest in ["token_file = '/t'", "certificate_file = '/x'\nkey_file = '/k'"] {
        let file = format!("[ekyc]\nurl = 'https://ekyc.example/v1/'\nca_file = '/c'\n{rest}");
        let config = read(&file, &[]).expect("a configuration");
        let shown = config.shown();
        assert!(shown.contains("url = \"https://ekyc.example/v1\""), "{shown}");
        assert_eq!(read(&shown, &[]).expect("a configuration").ekyc, config.ekyc);
        assert!(config.ekyc.is_some());
    }
}

/// What is wrong with a provider is told at the start.
#[test]
fn a_provider_that_can_not_be_asked_is_refused() {
    let folder = testkit::folder();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        path.display().to_string()
    };
    let (ca, token) = (file("ca", "no PEM"), file("token", "secret\n"));
    let failure = |url: &str, ca: &str, token: &str, reach| {
        let file = format!("[ekyc]\nurl = '{url}'\nca_file = '{ca}'\ntoken_file = '{token}'");
        let config = read(&file, &[]).expect("a configuration");
        config.ekyc.expect("a provider").provider(reach).expect_err(url).to_string()
    };
    let url = "https://10.0.0.1/v1";
    let told = failure(url, &ca, &token, Reach::Public);
    assert_eq!(told, "The key ekyc.url must be a public address.");
    let told = failure(url, &ca, &token, Reach::Anywhere);
    assert!(told.starts_with("The file of ekyc.ca_file must be one or more"), "{told}");
    let none = folder.path().join("none").display().to_string();
    let told = failure(url, &none, &token, Reach::Anywhere);
    assert!(told.ends_with("none: see ekyc.ca_file."), "{told}");
    let two = file("two", "two words");
    let told = failure(url, &ca, &two, Reach::Anywhere);
    assert!(told.starts_with("There is no bearer token in"), "{told}");
    assert!(!told.contains("words"), "{told}");
}

#[test]
fn every_key_is_told_in_the_help() {
    let help = help();
    assert!(keys().all(|key| help.contains(key.name)));
}
