//! A production instance, from its keys to its end.

use crate::denied::{Channel, ROUTES};
use crate::story::answer;
use crate::support::{Caller, Database, Ended, Running, Sandbox, antaca_with, arguments};
use reqwest::Method;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

/// The variables of an instance in this folder.
fn variables(folder: &Path, database: &Database) -> Vec<(String, String)> {
    let path = |name: &str| folder.join(name).to_str().expect("text").to_owned();
    let mut variables = vec![
        ("ANTACA_DATA", path("data")),
        ("ANTACA_KEYS_PASSPHRASE_FILE", path("passphrase")),
        ("ANTACA_LISTEN", "127.0.0.1:0".to_owned()),
        ("ANTACA_OPERATIONS", "127.0.0.1:0".to_owned()),
        ("ANTACA_NAMES", "localhost,cards.example.com".to_owned()),
    ];
    if let Database::Postgres(url) = database {
        variables.push(("ANTACA_DATABASE_URL", url.clone()));
    }
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

async fn run(arguments: &[&str], variables: &[(String, String)]) -> Ended {
    let borrowed: Vec<(&str, &str)> =
        variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    antaca_with(arguments, &borrowed).await
}

/// A production instance doesn't know the routes of a sandbox, whoever asks.
async fn has_no_route_of_a_sandbox(running: &Running, data: &Path) {
    let output = String::from_utf8_lossy(&running.output()).into_owned();
    let serving = output.lines().find(|line| line.contains("\"Serving\"")).expect("it serves");
    let (_, address) = serving.split_once("127.0.0.1:").expect("its address is told");
    let digits: String = address.chars().take_while(char::is_ascii_digit).collect();
    let file = json!({ "ca": "ca.pem", "baseUrl": format!("https://localhost:{digits}") });
    let caller = Caller::new(data, &file, None);
    let mut asked = 0;
    for &(method, path, channel, ..) in ROUTES {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let (status, problem) = answer(caller.request(method, path)).await;
        if path.starts_with("/sandbox/") {
            assert_eq!((status, &problem["title"]), (404, &json!("NOT_FOUND")), "{path}");
            asked += 1;
        } else if channel != Channel::Public {
            assert_eq!(status, 401, "{path}");
        }
    }
    assert!(asked >= 3);
}

/// A token of SoftHSM, in a folder of its own; what a process needs to find it.
fn token(folder: &Path) -> Vec<(String, String)> {
    let (tokens, conf) = (folder.join("tokens"), folder.join("softhsm2.conf"));
    std::fs::create_dir(&tokens).expect("a folder");
    let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
    std::fs::write(&conf, text).expect("written");
    let conf = conf.to_str().expect("text").to_owned();
    let mut make = std::process::Command::new("softhsm2-util");
    make.args(["--init-token", "--free", "--label", "antaca", "--so-pin", "12345678"]);
    let made = make.args(["--pin", "correct horse"]).env("SOFTHSM2_CONF", &conf).output();
    let made = made.expect("SoftHSM is installed: the package softhsm2");
    assert!(made.status.success(), "{made:?}");
    let modules = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"];
    let module = modules.into_iter().find(|module| Path::new(module).exists());
    let module = module.expect("the library of SoftHSM").to_owned();
    vec![("SOFTHSM2_CONF".to_owned(), conf), ("ANTACA_KEYS_PKCS11_MODULE".to_owned(), module)]
}

/// Serves until it is ready, then ends it in order; what it said.
async fn served(variables: &[(String, String)]) -> Ended {
    let mut running = Running::spawn(&["serve"], variables);
    testkit::eventually("it serves", Duration::from_secs(60), async || {
        assert!(!running.is_over(), "{}", String::from_utf8_lossy(&running.output()));
        running.output_contains("\"Serving\"")
    })
    .await;
    running.terminate();
    let ended = running.ended().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended
}

on_both_databases! {
    /// Each command that is missing is named by the next one.
    async fn an_instance_is_made_step_by_step_and_served(database) {
        let folder = testkit::folder();
        let mut variables = variables(folder.path(), &database);
        // Every route is asked for without a certificate.
        let unlimited = "ANTACA_LIMITS_ANONYMOUS_REQUESTS_PER_SECOND";
        variables.push((unlimited.to_owned(), "0".to_owned()));
        run(&["serve"], &variables).await.assert_refused("can't be used");
        run(&["keys", "init"], &variables).await.assert_refused("There is no passphrase in");
        std::fs::write(folder.path().join("passphrase"), "correct horse\n").expect("written");
        run(&["keys", "init"], &variables).await.assert_done();
        run(&["keys", "init"], &variables).await.assert_refused("a master key already");
        run(&["serve"], &variables).await.assert_refused("run `antaca migrate` first");
        run(&["migrate"], &variables).await.assert_done();
        assert_eq!(run(&["migrate"], &variables).await.stdout, "The database is up to date.\n");
        run(&["serve"], &variables).await.assert_refused("run `antaca ca init` first");
        run(&["ca", "init"], &variables).await.assert_done();
        run(&["ca", "init"], &variables).await.assert_refused("an authority already");

        let mut running = Running::spawn(&["serve"], &variables);
        testkit::eventually("it serves", Duration::from_secs(60), async || {
            assert!(!running.is_over(), "{}", String::from_utf8_lossy(&running.output()));
            running.output_contains("\"Serving\"")
        })
        .await;
        has_no_route_of_a_sandbox(&running, &folder.path().join("data")).await;
        let create = ["partner", "create", "--code", "acme"];
        run(&create, &variables).await.assert_done();
        run(&create, &variables).await.assert_refused("PARTNER_ALREADY_EXISTS: ");
        running.terminate();
        let ended = running.ended().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let lines: Vec<serde_json::Value> = ended
            .stderr
            .lines()
            .map(|line| serde_json::from_str(line).expect("each line of the log is JSON"))
            .collect();
        assert!(lines.iter().any(|line| line["level"] == "WARN"), "the key provider: {lines:?}");

        std::fs::write(folder.path().join("passphrase"), "wrong").expect("written");
        run(&["serve"], &variables).await.assert_refused("the passphrase is wrong");
        let sandbox = arguments(&folder.path().join("data"), &database);
        let sandbox: Vec<&str> = sandbox.iter().map(String::as_str).collect();
        run(&sandbox, &[]).await.assert_refused("belongs to a production instance");
    }
}

/// A hardware module wraps the master key: without its token, its PIN or its key nothing opens.
#[tokio::test]
async fn a_token_may_wrap_the_master_key() {
    let folder = testkit::folder();
    let mut variables = variables(folder.path(), &Database::Sqlite);
    variables.extend(token(folder.path()));
    let pin = |pin: &str| std::fs::write(folder.path().join("passphrase"), pin).expect("written");
    let with = |name: &str, value: &str| {
        let mut changed = variables.clone();
        changed.retain(|(of, _)| of != name);
        changed.push((name.to_owned(), value.to_owned()));
        changed
    };
    pin("wrong horse");
    run(&["keys", "init"], &variables).await.assert_refused("the token refuses the PIN");
    pin("correct horse");
    let other = with("ANTACA_KEYS_PKCS11_TOKEN", "other");
    run(&["keys", "init"], &other).await.assert_refused("there is no token of this label");
    let other = with("ANTACA_KEYS_PKCS11_MODULE", "/nowhere.so");
    run(&["keys", "init"], &other).await.assert_refused("the PKCS#11 module can't be used");
    for step in [["keys", "init"], ["ca", "init"]] {
        run(&step, &variables).await.assert_done();
    }
    run(&["migrate"], &variables).await.assert_done();
    let ended = served(&variables).await;
    assert!(!ended.stderr.contains("The master key is in a file"), "{}", ended.stderr);
    run(&["partner", "create", "--code", "acme"], &variables).await.assert_done();

    // The file says what wraps it, and is worth nothing to whoever lacks that.
    let file = folder.path().join("data/master-key.json");
    let text = std::fs::read_to_string(&file).expect("it is there");
    let told: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let names = (&told["token"], &told["wrappedBy"]);
    assert_eq!(names, (&json!("antaca"), &json!("antaca-master")));
    let list = ["partner", "list"];
    let other = with("ANTACA_KEYS_PKCS11_KEY", "other");
    run(&list, &other).await.assert_refused("the token has no AES key of this label");
    let without = with("ANTACA_KEYS_PKCS11_MODULE", "");
    run(&list, &without).await.assert_refused("can't be opened");
    let mut altered = told.clone();
    altered["key"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==".into();
    std::fs::write(&file, altered.to_string()).expect("written");
    run(&list, &variables).await.assert_refused("wasn't wrapped by this key of the token");
    let mut sandbox = told;
    sandbox["kind"] = "sandbox".into();
    std::fs::write(&file, sandbox.to_string()).expect("written");
    assert_ne!(run(&list, &variables).await.code, Some(0), "another kind derives other keys");
    std::fs::write(&file, text).expect("written");
    let listed = run(&list, &variables).await;
    assert!(listed.assert_done().stdout.contains("\"acme\""), "{}", listed.stdout);
}

/// The same key under another passphrase, under a token, and back: what it seals stays readable.
#[tokio::test]
async fn a_master_key_moves_to_another_passphrase_and_under_a_token() {
    let folder = testkit::folder();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("text").to_owned()
    };
    let plain = variables(folder.path(), &Database::Sqlite);
    let mut with_token = plain.clone();
    with_token.extend(token(folder.path()));
    let former = file("passphrase", "first horse");
    let former_again = file("former", "first horse");
    for step in [&["keys", "init"][..], &["ca", "init"], &["migrate"]] {
        run(step, &plain).await.assert_done();
    }
    run(&["partner", "create", "--code", "acme"], &plain).await.assert_done();

    let moved = ["keys", "move", "--from-passphrase-file", &former_again];
    let opens = async |variables: &[(String, String)]| {
        let listed = run(&["ca", "list"], variables).await;
        listed.assert_done();
        let listed = run(&["partner", "list"], variables).await;
        assert!(listed.assert_done().stdout.contains("\"acme\""), "{}", listed.stdout);
    };
    // The token's PIN is what the passphrase's file says from now on.
    file("passphrase", "correct horse");
    let nowhere = ["keys", "move", "--from-passphrase-file", "/nowhere"];
    run(&nowhere, &plain).await.assert_refused("There is no passphrase in /nowhere");
    let itself = ["keys", "move", "--from-passphrase-file", &former];
    run(&itself, &plain).await.assert_refused("the passphrase is wrong");
    run(&["partner", "list"], &plain).await.assert_refused("the passphrase is wrong");
    run(&moved, &plain).await.assert_done();
    opens(&plain).await;
    run(&moved, &plain).await.assert_refused("the passphrase is wrong");
    let moved = ["keys", "move", "--from-passphrase-file", &former];
    run(&moved, &with_token).await.assert_done();
    run(&["partner", "list"], &plain).await.assert_refused("can't be opened");
    opens(&with_token).await;
    let module = with_token.iter().find(|(name, _)| name == "ANTACA_KEYS_PKCS11_MODULE");
    let module = &module.expect("it is set").1;
    let mut tokens = plain.clone();
    tokens.extend(with_token.iter().find(|(name, _)| name == "SOFTHSM2_CONF").cloned());
    let back = [&moved[..], &["--from-pkcs11-module", module]].concat();
    run(&back, &tokens).await.assert_done();
    opens(&plain).await;

    // A server would seal the next key as it was started with.
    let mut running = Running::spawn(&["serve"], &plain);
    testkit::eventually("it serves", Duration::from_secs(60), async || {
        running.output_contains("\"Serving\"")
    })
    .await;
    run(&moved, &plain).await.assert_refused("stop it first");
    run(&["keys", "rotate", "--prepare"], &plain).await.assert_done();
    running.terminate();
    assert_eq!(running.ended().await.code, Some(0));
    run(&moved, &plain).await.assert_refused("A rotation has begun");
    // What was made under one passphrase is rotated under the token: a key of the token's own.
    run(&["keys", "rotate"], &plain).await.assert_done();
    run(&moved, &with_token).await.assert_done();
    run(&["keys", "rotate"], &with_token).await.assert_done();
    opens(&with_token).await;
}

/// For who has no better place for it; then no output has it.
#[tokio::test]
async fn the_passphrase_may_come_from_the_environment() {
    let folder = testkit::folder();
    let mut variables = variables(folder.path(), &Database::Sqlite);
    variables.retain(|(name, _)| name != "ANTACA_KEYS_PASSPHRASE_FILE");
    let with = |passphrase: &str| {
        let mut variables = variables.clone();
        variables.push(("ANTACA_KEYS_PASSPHRASE".to_owned(), passphrase.to_owned()));
        variables
    };
    run(&["keys", "init"], &variables)
        .await
        .assert_refused("passphrase of the master key is missing");
    run(&["keys", "init"], &with(" ")).await.assert_refused("in the environment isn't one");
    run(&["keys", "init"], &with("correct horse")).await.assert_done();
    run(&["ca", "init"], &with("wrong")).await.assert_refused("passphrase is wrong");
    run(&["ca", "init"], &with("correct horse")).await.assert_done();
    let told = run(&["config", "check"], &with("correct horse")).await;
    assert!(!format!("{}{}", told.stdout, told.stderr).contains("correct horse"));
}

/// Also by a user who couldn't open the file: root pipes it, or systemd.
#[test]
fn the_passphrase_may_come_on_the_standard_input() {
    let folder = testkit::folder();
    let file = folder.path().join("passphrase");
    let keys = |what: &[&str], passphrase: &str| {
        std::fs::write(&file, passphrase).expect("written");
        let input = std::fs::File::open(&file).expect("a file");
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_antaca"));
        command.args(what).stdin(input).env("ANTACA_DATA", folder.path().join("data"));
        let ended = command.env("ANTACA_KEYS_PASSPHRASE_FD", "0").output().expect("it starts");
        (ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned())
    };
    assert_eq!(keys(&["keys", "init"], "correct horse\n"), (Some(0), String::new()));
    for (passphrase, words) in [("", "in the standard input"), ("wrong", "passphrase is wrong")] {
        let (code, told) = keys(&["ca", "init"], passphrase);
        assert!(code == Some(1) && told.contains(words), "{told}");
    }
    assert_eq!(keys(&["ca", "init"], "correct horse"), (Some(0), String::new()));
}

/// It isn't a sandbox's business what the environment of a server says.
#[tokio::test]
async fn a_sandbox_is_configured_by_its_options_alone() {
    let variables = [("ANTACA_DATA", "/nowhere"), ("ANTACA_LOG", "debug")];
    let sandbox = Sandbox::start_with(Database::Sqlite, &variables).await;
    assert_eq!(sandbox.operations("/health/ready").await.0, 200);
    assert!(sandbox.output().contains("Antaca sandbox: https://localhost:"));
}
