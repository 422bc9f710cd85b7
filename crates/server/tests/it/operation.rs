//! Running a sandbox: what it refuses, how it ends, what it keeps, and an operator's commands.

use crate::story::{Story, expect};
use crate::support::{Database, Running, Sandbox, antaca, antaca_with, arguments, connect};
use reqwest::Method;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::time::{Duration, Instant};

/// SIGTERM ends a server within this time.
const END: Duration = Duration::from_secs(10);

fn user(number: u32) -> Value {
    json!({
        "firstName": "John", "lastName": "Doe", "birthDate": "2000-01-01",
        "phone": format!("48123456{number:03}"), "email": format!("john.{number}@example.com"),
        "state": "VERIFIED", "kyc": "SUCCESS",
    })
}

/// Creates a user and answers its id.
async fn create_user(sandbox: &Sandbox, number: u32) -> i64 {
    let call = sandbox.partner().post("/lifecycle/v1/wallet").header("Issuer-Code", "sandbox");
    let answer = call.json(&user(number)).send().await.expect("an answer");
    assert_eq!(answer.status(), 201);
    let body: Value = answer.json().await.expect("JSON");
    body["id"].as_i64().expect("an id")
}

async fn find_user(sandbox: &Sandbox, id: i64) -> u16 {
    let path = format!("/lifecycle/v1/users/{id}");
    let call = sandbox.partner().get(&path).header("Issuer-Code", "sandbox");
    call.send().await.expect("an answer").status().as_u16()
}

/// The id in an answer that was read by hand.
fn created(answer: &str) -> i64 {
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    let body: Value = serde_json::from_str(body).expect("JSON");
    body["id"].as_i64().expect("an id")
}

fn as_strs(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

on_both_databases! {
    /// The folder, the port and the database each tell what is wrong and what to do.
    async fn a_sandbox_that_cannot_start_says_why_in_one_sentence(database) {
        let sandbox = Sandbox::start(database).await;
        let other = testkit::folder();
        let same = arguments(&sandbox.dir(), sandbox.database());
        antaca(&as_strs(&same)).await.assert_refused("is used by another antaca process");

        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("an address").to_string();
        for option in ["--listen", "--operations"] {
            let mut all = arguments(&other.path().join("data"), &Database::Sqlite);
            let at = all.iter().position(|it| it == option).expect("the option");
            all[at + 1] = address.clone();
            antaca(&as_strs(&all)).await.assert_refused("the port is taken by another process");
        }

        let file = other.path().join("file");
        std::fs::write(&file, "").expect("written");
        let under = arguments(&file.join("data"), &Database::Sqlite);
        antaca(&as_strs(&under)).await.assert_refused("choose another folder");

        let nobody = Database::Postgres("postgres://me:hush@127.0.0.1:1/db".to_owned());
        let unreachable = arguments(&other.path().join("unreachable"), &nobody);
        let ended = antaca(&as_strs(&unreachable)).await;
        ended.assert_refused("The database can't be reached");
        assert!(!ended.stderr.contains("hush"), "{ended:?}");

        assert_eq!(sandbox.operations("/health/ready").await.0, 200);
    }

    /// A second start finds the same users, keys and certificates.
    async fn starting_again_keeps_everything(database) {
        let mut sandbox = Sandbox::start(database).await;
        let id = create_user(&sandbox, 1).await;
        let read = |name: &str| std::fs::read(sandbox.dir().join(name)).expect("a file");
        let names = ["ca.pem", "server.pem", "sandbox.pem", "sandbox.key", "processor.pem",
            "jwe-public.pem"];
        let before = names.map(read);
        assert_eq!(sandbox.stop().await.code, Some(0));
        sandbox.restart().await;
        assert_eq!(find_user(&sandbox, id).await, 200);
        let read = |name: &str| std::fs::read(sandbox.dir().join(name)).expect("a file");
        assert_eq!(names.map(read), before);

        sandbox.kill();
        sandbox.restart().await;
        assert_eq!(find_user(&sandbox, id).await, 200);
        assert_ne!(create_user(&sandbox, 2).await, id);
    }

    /// Also one that was given a database other than SQLite, which later starts find by themselves.
    async fn a_start_that_was_killed_halfway_is_completed_by_the_next(database) {
        let around = testkit::folder();
        let dir = around.path().join("data");
        let all = arguments(&dir, &database);
        for made in ["passphrase", "master-key.json", "ca.pem", "jwe-public.pem", "sandbox.key"] {
            let running = Running::spawn(&all, &[]);
            testkit::eventually(made, Duration::from_secs(60), async || {
                dir.join(made).exists() || running.is_over()
            })
            .await;
            running.kill();
        }
        let mut running = Running::spawn(&as_strs(&all)[..7], &[]);
        testkit::eventually("it is ready", Duration::from_secs(60), async || {
            assert!(!running.is_over(), "{}", String::from_utf8_lossy(&running.output()));
            running.output_contains("\nReady.")
        })
        .await;
        running.terminate();
        assert_eq!(running.ended().await.code, Some(0));
    }

    /// A request whose body hasn't come yet is answered, and monitoring sees the end coming.
    async fn a_request_in_flight_is_answered_before_the_end(database) {
        let mut sandbox = Sandbox::start(database).await;
        let read = |name: &str| std::fs::read_to_string(sandbox.dir().join(name)).expect("a file");
        let identity = [read("sandbox.pem"), read("sandbox.key")];
        let mut connection =
            connect(&sandbox, Some((&identity[0], &identity[1])), &[]).await.expect("a connection");
        let body = user(1).to_string();
        let head = format!(
            "POST /lifecycle/v1/wallet HTTP/1.1\r\nHost: localhost\r\nIssuer-Code: sandbox\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        connection.send(head.as_bytes()).await.expect("sent");
        connection.send(&body.as_bytes()[..10]).await.expect("sent");
        // The server has seen the head once it answers somebody who came later.
        assert_eq!(find_user(&sandbox, 1).await, 404);

        let begun = Instant::now();
        sandbox.terminate();
        testkit::eventually("monitoring is told", END, async || {
            sandbox.operations("/health/ready").await.0 == 503
        })
        .await;
        assert_eq!(sandbox.operations("/health/live").await.0, 200);
        connection.send(&body.as_bytes()[10..]).await.expect("sent");
        let answer = connection.read_all().await.expect("an answer");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");

        let ended = sandbox.ended().await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(begun.elapsed() < END, "{:?}", begun.elapsed());
        sandbox.restart().await;
        assert_eq!(find_user(&sandbox, created(&answer)).await, 200);
    }

    /// Health checks and metrics, and nothing else.
    async fn the_operations_listener_answers_monitoring_alone(database) {
        let sandbox = Sandbox::start(database).await;
        assert_eq!(sandbox.operations("/health/live").await.0, 200);
        let ready = (200, r#"{"status":"ready"}"#.to_owned());
        assert_eq!(sandbox.operations("/health/ready").await, ready);
        for path in ["/", "/secure/public-key", "/health"] {
            assert_eq!(sandbox.operations(path).await.0, 404, "{path}");
        }
    }

    /// Through the control socket: the server knows the certificate with the next request.
    async fn a_certificate_works_as_soon_as_it_is_signed(database) {
        let mut sandbox = Sandbox::start(database).await;
        let (key, csr) = crypto::certificates::client_key_and_csr("a second server");
        let csr_file = sandbox.dir().join("second.csr");
        std::fs::write(&csr_file, csr).expect("written");
        let csr_file = csr_file.to_str().expect("a path of text").to_owned();
        let sign = async |sandbox: &Sandbox, more: &[&str]| {
            let sign = ["ca", "sign", "--csr", csr_file.as_str()];
            sandbox.antaca(&[&sign, more].concat()).await
        };

        let signed = sign(&sandbox, &["--partner", "sandbox"]).await;
        let caller = sandbox.with_certificate(&signed.assert_done().stdout, &key);
        let call = caller.get("/secure/public-key").send();
        assert_eq!(call.await.expect("an answer").status(), 200);

        sign(&sandbox, &["--partner", "nobody"]).await.assert_refused("PARTNER_NOT_FOUND: ");
        let scope = ["--partner", "sandbox", "--scope", "processor"];
        sign(&sandbox, &scope).await.assert_refused("SCOPE_REFUSED: ");
        let taken = ["--processor", "sandbox-processor"];
        sign(&sandbox, &taken).await.assert_refused("COMMON_NAME_TAKEN: ");
        let days = ["--partner", "sandbox", "--days", "900"];
        sign(&sandbox, &days).await.assert_refused("DAYS_OUT_OF_RANGE: ");
        assert_eq!(sign(&sandbox, &[]).await.code, Some(2));

        // Without a server the command opens database and keys itself.
        sandbox.stop().await;
        let signed = sign(&sandbox, &["--partner", "sandbox"]).await.assert_done().clone();
        sandbox.restart().await;
        let caller = sandbox.with_certificate(&signed.stdout, &key);
        let call = caller.get("/secure/public-key").send();
        assert_eq!(call.await.expect("an answer").status(), 200);
    }

    /// While a server runs and while none does; the same refusals.
    async fn an_operator_creates_partners_and_programs(database) {
        let mut sandbox = Sandbox::start(database).await;
        for code in ["acme", "bolt"] {
            let create = ["partner", "create", "--code", code, "--kyc-mode", "EXTERNAL"];
            let created = sandbox.antaca(&create).await.assert_done().json();
            assert_eq!(created[0]["issuerCode"], code);
            assert_eq!(created[0]["kycMode"], "EXTERNAL");
            sandbox.antaca(&create).await.assert_refused("PARTNER_ALREADY_EXISTS: ");

            let (bin, name) = (if code == "acme" { "53208711" } else { "53208712" }, "second");
            let processor = ["processor", "create", "--name", name];
            sandbox.antaca(&processor).await.assert_done();
            let budget = [&processor[..], &["--time-budget-ms", "3000"]].concat();
            sandbox.antaca(&budget).await.assert_refused("PROCESSOR_ALREADY_EXISTS: ");
            let program = ["program", "create", "--partner", code, "--processor", name,
                "--config-id", "0000000042", "--card-type", "VIRTUAL", "--currency", "PLN"];
            let create = [&program[..], &["--bin", bin]].concat();
            let created = sandbox.antaca(&create).await.assert_done().json();
            assert_eq!(created[0]["currency"], "PLN");
            sandbox.antaca(&create).await.assert_refused("PROGRAM_ALREADY_EXISTS: ");
            let taken = [&program[..], &["--bin", "53208701"]].concat();
            sandbox.antaca(&taken).await.assert_refused("BIN_TAKEN: ");
            let begins = [&program[..], &["--bin", &bin[..6]]].concat();
            sandbox.antaca(&begins).await.assert_refused("BIN_TAKEN: ");
            let list = ["program", "list", "--partner", code];
            let mut listed = sandbox.antaca(&list).await.assert_done().json();
            let numbers = listed[0].as_object_mut().and_then(|it| it.remove("numbers"));
            let of = json!([{ "bin": bin, "taken": 0, "of": 10_000_000 }]);
            assert_eq!((listed, numbers), (created, Some(of)));

            let set = ["partner", "set", "--code", code, "--time-zone", "Europe/Warsaw"];
            let changed = sandbox.antaca(&set).await.assert_done().json();
            assert_eq!(changed[0]["timeZone"], "Europe/Warsaw");
            if code == "acme" {
                sandbox.stop().await;
            }
        }
        let listed = sandbox.antaca(&["partner", "list"]).await.assert_done().json();
        let codes: Vec<&Value> = listed.iter().map(|partner| &partner["issuerCode"]).collect();
        assert_eq!(codes, ["sandbox", "external", "shared", "acme", "bolt"]);
    }

    /// While a server runs, without one, and by the database's URL alone.
    async fn the_ledger_is_verified_with_and_without_a_server(database) {
        let mut sandbox = Sandbox::start(database).await;
        let verify = ["ledger", "verify", "--json"];
        let report = [json!({
            "holds": true, "balances": 6, "transactions": 2, "faults": [],
        })];
        assert_eq!(sandbox.antaca(&verify).await.assert_done().json(), report);
        let told = sandbox.antaca(&["ledger", "verify"]).await.assert_done().stdout.clone();
        assert_eq!(told, "The ledger holds: 6 balances.\n");
        sandbox.stop().await;
        assert_eq!(sandbox.antaca(&verify).await.assert_done().json(), report);
        let url = match sandbox.database() {
            Database::Sqlite => format!("sqlite:{}", sandbox.dir().join("antaca.db").display()),
            Database::Postgres(url) => url.clone(),
        };
        let verify = ["ledger", "verify", "--json", "--database", &url];
        assert_eq!(sandbox.antaca(&verify).await.assert_done().json(), report);
    }

    /// While a server runs, without one, and by the database's URL alone: a full run finds what an
    /// incremental one trusts, and both find what has come since.
    async fn a_verification_goes_on_from_the_last_one(database) {
        let mut sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        expect(200, story.purchase(sandbox.processor(), 300, "p1")).await;
        let full = ["ledger", "verify", "--json"];
        let incremental = ["ledger", "verify", "--json", "--incremental"];
        let count = |said: Value| said["transactions"].as_u64().expect("a number");
        let hour = json!({ "advanceSeconds": 3_600 });
        expect(200, sandbox.partner().post("/sandbox/v1/clock").json(&hour)).await;
        let all = count(sandbox.antaca(&full).await.assert_done().json().remove(0));
        assert!(all > 1);
        assert_eq!(count(sandbox.antaca(&incremental).await.assert_done().json().remove(0)), 0);
        let clear = story.message(sandbox.processor(), "clearings", 250, "c1", Some("p1"));
        expect(200, clear).await;
        let said = sandbox.antaca(&incremental).await.assert_done().json().remove(0);
        assert_eq!(count(said), 1, "the purchase is older, and has moved since");
        sandbox.stop().await;
        assert_eq!(count(sandbox.antaca(&incremental).await.assert_done().json().remove(0)), 1);
        let url = match sandbox.database() {
            Database::Sqlite => format!("sqlite:{}", sandbox.dir().join("antaca.db").display()),
            Database::Postgres(url) => url.clone(),
        };
        let by_url = ["ledger", "verify", "--json", "--incremental", "--database", &url];
        assert_eq!(count(sandbox.antaca(&by_url).await.assert_done().json().remove(0)), 1);
    }

    /// Each kind of instance refuses the other's data, and a folder that isn't its own.
    async fn data_is_served_by_its_own_kind_of_instance_alone(database) {
        let mut sandbox = Sandbox::start(database).await;
        sandbox.stop().await;
        let dir = sandbox.dir();
        let passphrase = dir.join("passphrase");
        let mut variables = vec![
            ("ANTACA_DATA", dir.to_str().expect("text")),
            ("ANTACA_KEYS_PASSPHRASE_FILE", passphrase.to_str().expect("text")),
            ("ANTACA_LISTEN", "127.0.0.1:0"),
            ("ANTACA_OPERATIONS", "127.0.0.1:0"),
        ];
        if let Database::Postgres(url) = sandbox.database() {
            variables.push(("ANTACA_DATABASE_URL", url));
        }
        let served = antaca_with(&["serve"], &variables).await;
        served.assert_refused("`antaca serve` doesn't serve a sandbox");

        if let Database::Postgres(_) = sandbox.database() {
            let other = testkit::folder();
            let elsewhere = arguments(&other.path().join("data"), sandbox.database());
            antaca(&as_strs(&elsewhere)).await.assert_refused("another data folder");
        }
    }

    /// As after a restore, which has no passphrase; no other is made in its place.
    async fn a_sandbox_without_its_passphrase_says_where_to_put_it(database) {
        let mut sandbox = Sandbox::start(database).await;
        sandbox.stop().await;
        let (passphrase, away) = (sandbox.dir().join("passphrase"), sandbox.dir().join("away"));
        std::fs::rename(&passphrase, &away).expect("it is there");
        let again = arguments(&sandbox.dir(), sandbox.database());
        let ended = antaca(&as_strs(&again)).await;
        let told = format!("is missing: put it into {}.", passphrase.display());
        ended.assert_refused(&told);
        assert!(!passphrase.exists());
        std::fs::rename(&away, &passphrase).expect("it is there");
        sandbox.restart().await;
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }

    /// The simulator finds the sandbox by its folder; a refusal is told.
    async fn the_simulator_calls_a_running_sandbox(database) {
        let sandbox = Sandbox::start(database).await;
        let purchase = ["simulate", "purchase", "--card", "1", "--amount", "1234"];
        let answer = sandbox.antaca(&purchase).await.assert_done().json();
        assert_eq!(answer[0]["description"], "CARD_NOT_FOUND");
        sandbox.kill();
        let ended = sandbox.antaca(&purchase).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
    }

    /// What is wrong with a message is the server's to say.
    async fn the_simulator_sends_amounts_below_zero_too(database) {
        let sandbox = Sandbox::start(database).await;
        let follow_up = ["--reference", "1", "--reference-date", "2026-01-31T12:00:00+00:00"];
        let simulated: [(&str, &[&str]); 3] =
            [("purchase", &[]), ("clear", &follow_up), ("reverse", &follow_up)];
        for (what, more) in simulated {
            let message = ["simulate", what, "--card", "1", "--amount", "-5"];
            let answer = sandbox.antaca(&[&message, more].concat()).await.assert_done().json();
            assert!(answer[0]["description"].is_string(), "{what}: {answer:?}");
        }
    }

    /// Whoever looks for a sandbox must not be sent to a server that isn't there.
    async fn sandbox_json_is_there_only_while_a_sandbox_serves(database) {
        let mut sandbox = Sandbox::start(database).await;
        let file = sandbox.dir().join("sandbox.json");
        for _ in 0..2 {
            assert!(file.exists());
            assert_eq!(sandbox.stop().await.code, Some(0));
            assert!(!file.exists());
            let purchase = ["simulate", "purchase", "--card", "1", "--amount", "1234"];
            sandbox.antaca(&purchase).await.assert_refused("start one with `antaca sandbox");
            sandbox.restart().await;
        }
    }

    /// Others may read what they need to trust and to encrypt, and nothing else.
    async fn what_a_sandbox_writes_is_its_owners_alone(database) {
        let mut sandbox = Sandbox::start(database).await;
        let mode = |path: &std::path::Path| {
            let metadata = std::fs::metadata(path).expect("it is there");
            std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777
        };
        assert_eq!(mode(&sandbox.dir()), 0o700);
        for stop in [false, true] {
            if stop {
                sandbox.stop().await;
            }
            for entry in std::fs::read_dir(sandbox.dir()).expect("a folder") {
                let entry = entry.expect("an entry");
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.ends_with(".new") {
                    // It is being written, and may have its name by now.
                    continue;
                }
                let public = ["ca.pem", "client-ca.pem", "crl.pem", "jwe-public.pem", "server.pem"];
                let public = public.contains(&name.as_str());
                let expected = match entry.path().is_dir() {
                    true => 0o700,
                    false if public => 0o644,
                    false => 0o600,
                };
                assert_eq!(mode(&entry.path()), expected, "{name}");
            }
        }
    }
}

on_both_databases! {
    /// The binary that tests run can be stopped between two steps of the engine, and killed there.
    async fn an_armed_fault_stops_the_engine(database) {
        let mut sandbox = Sandbox::start(database).await;
        let user = create_user(&sandbox, 1).await;
        let balances = format!("/secure/customers/{user}/balances");
        let call = sandbox.partner().post(&balances).json(&json!({ "currency": "EUR" })).send();
        let balance: Value = call.await.expect("an answer").json().await.expect("JSON");
        let balance = balance["balanceId"].as_str().expect("an id");
        let path = format!("/secure/balances/{balance}/transactions");
        let top_up = json!({ "type": "topUp", "amount": 100, "currency": "EUR",
            "description": "x", "externalTransactionId": "1" });

        let marker = sandbox.dir().join("marker");
        let fault = format!("decided:1:{}", marker.display());
        sandbox.stop().await;
        sandbox.set_variables(&[("ANTACA_FAULT", &fault)]);
        sandbox.restart().await;
        let call = sandbox.partner().request(Method::POST, &path).json(&top_up).send();
        let killed = async {
            testkit::eventually("the engine stops", END, async || marker.exists()).await;
            sandbox.kill();
        };
        let (answer, ()) = tokio::join!(call, killed);
        assert!(answer.is_err(), "{answer:?}");

        std::fs::remove_file(&marker).expect("it is there");
        sandbox.set_variables(&[]);
        sandbox.restart().await;
        let answer = sandbox.partner().get(&balances).send().await.expect("an answer");
        let text = answer.text().await.expect("a body");
        assert!(!text.contains("100"), "nothing was committed: {text}");
        sandbox.antaca(&["ledger", "verify"]).await.assert_done();
    }
}

/// In the file as in the environment.
#[tokio::test]
async fn a_configuration_with_an_unknown_key_is_refused() {
    let folder = testkit::folder();
    let file = folder.path().join("antaca.toml");
    std::fs::write(&file, "engines = 1\ncolour = 'red'").expect("written");
    let check = ["config", "check", "--config", file.to_str().expect("text")];
    antaca(&check).await.assert_refused("has the key colour");
    std::fs::write(&file, "database.url = 'postgres://me:hush@db/antaca'").expect("written");
    let variables = [("ANTACA_COLOUR", "red")];
    antaca_with(&check, &variables).await.assert_refused("The variable ANTACA_COLOUR isn't known");
    let variables = [("ANTACA_ENGINES", "2"), ("ANTACA_TEST_POSTGRES", "postgres://x")];
    let shown = antaca_with(&check, &variables).await.assert_done().stdout.clone();
    assert!(shown.contains("engines = 2") && shown.contains("postgres://me@db/antaca"), "{shown}");
    assert!(!shown.contains("hush"), "{shown}");
}

/// So that nobody believes that a fault was armed.
#[tokio::test]
async fn a_fault_that_cannot_be_armed_is_refused() {
    let variables = [("ANTACA_FAULT", "nonsense")];
    antaca_with(&["config", "check"], &variables).await.assert_refused("ANTACA_FAULT");
}
