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

on_both_databases! {
    /// Each command that is missing is named by the next one.
    async fn an_instance_is_made_step_by_step_and_served(database) {
        let folder = testkit::folder();
        let variables = variables(folder.path(), &database);
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
