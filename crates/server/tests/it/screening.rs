//! Names looked for on lists: at once, again when lists change, and decided by a person.

use crate::corporations::{company, post_of};
use crate::denied::told;
use crate::story::{Story, expect, register, registration};
use crate::support::{Browser, Caller, Ended, Sandbox};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a worker may take, five seconds of grace included.
const WORKER: Duration = Duration::from_secs(40);
const COLUMNS: &str = "id=Nr,name=Name,born=Born";

/// Loads a blacklist of these lines.
pub(crate) async fn load(sandbox: &Sandbox, lines: &str) -> Ended {
    let file = sandbox.dir().join("own.csv");
    std::fs::write(&file, format!("Nr,Name,Born\n{lines}")).expect("the list can be written");
    let file = file.to_str().expect("a path of text");
    let load = ["screening", "load", file, "--list", "BLACKLIST", "--name", "own"];
    sandbox.antaca(&[&load[..], &["--columns", COLUMNS]].concat()).await
}

pub(crate) async fn hits(sandbox: &Sandbox) -> Vec<Value> {
    let hits = sandbox.antaca(&["screening", "hits", "--partner", "sandbox"]).await;
    hits.assert_done().json()
}

pub(crate) async fn decide(sandbox: &Sandbox, hit: &Value, state: &str) -> Ended {
    let id = hit["id"].as_str().expect("an id");
    let decide = ["screening", "decide", "--partner", "sandbox", "--id", id, "--state", state];
    sandbox.antaca(&[&decide[..], &["--comment", "born elsewhere"]].concat()).await
}

pub(crate) async fn named(sandbox: &Sandbox, first: &str, last: &str, born: &str) -> i64 {
    let mut body = registration();
    body["firstName"] = first.into();
    body["lastName"] = last.into();
    body["birthDate"] = born.into();
    let user = expect(201, register(sandbox.partner(), &body)).await;
    user["id"].as_i64().expect("an id")
}

/// The transactional locks of a user or a corporation.
async fn locks(sandbox: &Sandbox, path: &str) -> Value {
    let path = format!("/secure/{path}/transactional-locks");
    expect(200, sandbox.partner().get(&path)).await["items"].clone()
}

pub(crate) async fn is_locked(sandbox: &Sandbox, user: i64) -> bool {
    let locks = locks(sandbox, &format!("customers/{user}")).await;
    assert!(locks == json!([]) || locks == json!([{ "reason": "SCREENING_DETECTED" }]), "{locks}");
    locks != json!([])
}

async fn eventually_locked(sandbox: &Sandbox, user: i64, locked: bool) {
    testkit::eventually("the lists are looked through", WORKER, async || {
        is_locked(sandbox, user).await == locked
    })
    .await;
}

on_both_databases! {
    /// Whoever stands on a list is found however they are spelled, and pays nothing until a person
    /// has decided; the decision is kept as long as the same is compared.
    async fn a_name_is_found_and_decided(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 500).await;
        load(&sandbox, "1,Ivan Petrovich Sidorenko,1970-01-01\n").await.assert_done();
        let found = named(&sandbox, "Иван", "Сидоренко", "1970-01-01").await;
        let other = named(&sandbox, "Jan", "Kowalski", "1970-01-01").await;
        let same = named(&sandbox, "Ivan", "Sidorenko", "1970-01-01").await;
        assert!(is_locked(&sandbox, found).await && is_locked(&sandbox, same).await);
        assert!(!is_locked(&sandbox, other).await && !is_locked(&sandbox, story.customer).await);
        let listed = hits(&sandbox).await;
        let [first, second] = listed.as_slice() else { panic!("{listed:?}") };
        assert_eq!((&first["userId"], &second["userId"]), (&json!(found), &json!(same)));
        assert_eq!(
            (&first["list"], &first["entry"], &first["name"], &first["birth"], &first["part"]),
            (&json!("BLACKLIST"), &json!("own/1"), &json!("Ivan Petrovich Sidorenko"),
                &json!("AGREES"), &json!("USER")),
        );
        assert!(first["score"].as_i64() >= Some(85), "{first}");

        let decided = decide(&sandbox, first, "CLEARED").await.assert_done().json();
        assert_eq!(decided[0]["state"], "CLEARED");
        decide(&sandbox, second, "CONFIRMED").await.assert_done();
        assert!(!is_locked(&sandbox, found).await && is_locked(&sandbox, same).await);
        assert_eq!(hits(&sandbox).await, Vec::<Value>::new());

        // The list comes again, with somebody more: what was decided stands.
        let lines = "1,Ivan Petrovich Sidorenko,1970-01-01\n2,Jan Kowalski,1970-01-01\n";
        load(&sandbox, lines).await.assert_done();
        eventually_locked(&sandbox, other, true).await;
        assert!(!is_locked(&sandbox, found).await && is_locked(&sandbox, same).await);
        assert_eq!(hits(&sandbox).await.len(), 1);
        // Another entry is another question; who isn't found any more is let go, unless somebody
        // has said that it is them.
        load(&sandbox, "1,Ivan Petrovich Sidorenko,1970-01-02\n").await.assert_done();
        eventually_locked(&sandbox, found, true).await;
        eventually_locked(&sandbox, other, false).await;
        let path = format!("/lifecycle/v1/users/{found}");
        let put = sandbox.partner().put(&path).header("Issuer-Code", "sandbox");
        expect(200, put.json(&json!({ "lastName": "Zielinski" }))).await;
        assert!(is_locked(&sandbox, found).await, "another name makes nobody somebody else");
        load(&sandbox, "1,Ivan Petrovich Sidorenko,1970-01-03\n").await.assert_done();
        eventually_locked(&sandbox, other, false).await;
        let listed = hits(&sandbox).await;
        let waits = listed.iter().find(|hit| hit["userId"] == found).expect("it waits");
        assert_eq!(waits["changed"], true, "who decides is told that it was another name");
        decide(&sandbox, waits, "CLEARED").await.assert_done();
        assert!(!is_locked(&sandbox, found).await);
        let put = sandbox.partner().put(&path).header("Issuer-Code", "sandbox");
        expect(200, put.json(&json!({ "lastName": "Sidorenko" }))).await;
        assert!(is_locked(&sandbox, found).await);

        let remove = ["screening", "remove", "--name"];
        sandbox.antaca(&[&remove[..], &["own"]].concat()).await.assert_done();
        eventually_locked(&sandbox, found, false).await;
        let again = sandbox.antaca(&[&remove[..], &["own"]].concat()).await;
        assert!(again.code == Some(1) && again.stderr.contains("no list"), "{again:?}");
    }

    /// In the panel the operator decides, the partner's `ADMIN` sees; what is another partner's is
    /// nowhere.
    async fn hits_are_decided_by_the_operator(database) {
        let sandbox = Sandbox::start(database).await;
        load(&sandbox, "1,Ivan Petrovich Sidorenko,1970-01-01\n").await.assert_done();
        let first = named(&sandbox, "Ivan", "Sidorenko", "1970-01-01").await;
        let second = named(&sandbox, "Iwan", "Sidorenko", "1970-01-01").await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await.sign_in(&sandbox).await;
        let operator = sandbox.admin("OPERATOR", None).await.sign_in(&sandbox).await;
        let list = |account: &Caller, code: &str, query: &str| {
            let path = format!("/admin/screening/hits?{query}");
            account.get(&path).header("Issuer-Code", code)
        };
        let page = expect(200, list(&admin, "sandbox", "limit=1")).await;
        let next = page["next"].as_str().expect("there is another").to_owned();
        let other = expect(200, list(&admin, "sandbox", &format!("limit=1&after={next}"))).await;
        assert!(other["next"].is_null(), "{other}");
        let (hit, late) = (&page["items"][0], &other["items"][0]);
        let expected = json!({
            "hitId": hit["hitId"], "userId": first, "dcCorporationId": null, "part": "USER",
            "list": "BLACKLIST", "entry": "own/1", "name": "Ivan Petrovich Sidorenko",
            "score": hit["score"], "birth": "AGREES", "state": "OPEN", "changed": false,
            "foundAt": hit["foundAt"],
        });
        assert_eq!((hit, &late["userId"]), (&expected, &json!(second)));

        let decide = |account: &Caller, code: &str, hit: &Value, body: Value| {
            let id = hit["hitId"].as_str().expect("an id");
            let path = format!("/admin/screening/hits/{id}/decision");
            account.post(&path).header("Issuer-Code", code).json(&body)
        };
        let cleared = || json!({ "state": "CLEARED", "comment": "Born elsewhere." });
        assert_eq!(told(decide(&admin, "sandbox", hit, cleared())).await,
            (403, json!("FORBIDDEN")));
        assert_eq!(told(decide(&operator, "external", hit, cleared())).await,
            (404, json!("HIT_NOT_FOUND")));
        assert_eq!(expect(200, list(&operator, "external", "")).await["items"], json!([]));
        for (wrong, field) in [
            (json!({ "state": "OPEN", "comment": "x" }), "state"),
            (json!({ "state": "CLEARED" }), "comment"),
            (json!({ "state": "CLEARED", "comment": "" }), "comment"),
        ] {
            let problem = expect(422, decide(&operator, "sandbox", hit, wrong)).await;
            assert_eq!(problem["violations"][0]["field"], field);
        }
        assert!(is_locked(&sandbox, first).await);
        let once = || decide(&operator, "sandbox", hit, cleared()).header("X-Idempotency-Key", "1");
        expect(204, once()).await;
        expect(204, once()).await;
        let confirmed = json!({ "state": "CONFIRMED", "comment": "It is him." });
        expect(204, decide(&operator, "sandbox", late, confirmed)).await;
        assert!(!is_locked(&sandbox, first).await && is_locked(&sandbox, second).await);
        assert_eq!(expect(200, list(&admin, "sandbox", "")).await["items"], json!([]));
        for (user, state) in [(first, "CLEARED"), (second, "CONFIRMED")] {
            let own = expect(200, list(&admin, "sandbox", &format!("userId={user}"))).await;
            let all = own["items"].as_array().expect("a list").as_slice();
            let [hit] = all else { panic!("{own}") };
            assert_eq!(hit["state"], state);
            let foreign = list(&operator, "external", &format!("userId={user}"));
            assert_eq!(expect(200, foreign).await["items"], json!([]));
        }
        let both = format!("userId={first}&dcCorporationId={}", uuid::Uuid::nil());
        let problem = expect(422, list(&admin, "sandbox", &both)).await;
        assert_eq!(problem["violations"][0]["field"], "dcCorporationId");
    }

    /// Whoever is imported is found too, and has what follows from being verified.
    async fn whoever_is_imported_is_found(database) {
        let sandbox = Sandbox::start(database).await;
        load(&sandbox, "1,Ivan Petrovich Sidorenko,1970-01-01\n").await.assert_done();
        let set = ["partner", "set", "--code", "sandbox", "--automatic-balance", "EUR"];
        sandbox.antaca(&set).await.assert_done();
        let mut listed = registration();
        listed["firstName"] = "Iwan".into();
        listed["lastName"] = "Sidorenko".into();
        listed["birthDate"] = "1970-01-01".into();
        let post = sandbox.partner().post("/lifecycle/v1/import").header("Issuer-Code", "sandbox");
        let post = post.header("Content-Type", "application/x-ndjson");
        let post = post.header("X-Idempotency-Key", "import");
        let told = post.body(format!("{listed}\n{}\n", registration())).send().await;
        let told = told.expect("an answer").text().await.expect("a body");
        let told = told.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        let told: Vec<Value> = told.collect();
        let ids: Vec<i64> = told.iter().map(|it| it["id"].as_i64().expect("an id")).collect();
        assert!(is_locked(&sandbox, ids[0]).await && !is_locked(&sandbox, ids[1]).await);
        assert_eq!(hits(&sandbox).await[0]["userId"], ids[0]);
        for id in ids {
            let path = format!("/secure/customers/{id}/balances");
            let balances = expect(200, sandbox.partner().get(&path)).await;
            assert_eq!(balances["items"].as_array().map(Vec::len), Some(1));
        }
    }

    /// Those who were there before a list are found on it, and so are those behind a company.
    async fn who_was_there_before_is_found(database) {
        let mut sandbox = Sandbox::start(database).await;
        let user = named(&sandbox, "Olga", "Rybakowa", "1981-03-04").await;
        let mut told = company();
        told["beneficiaries"][0]["firstName"] = "Konstantin".into();
        told["beneficiaries"][0]["lastName"] = "Wolkonski".into();
        let made = expect(201, post_of(sandbox.partner(), "sandbox", &told)).await;
        let corporation = made["dcCorporationId"].as_str().expect("an id");
        let of = format!("corporations/{corporation}");
        load(&sandbox, "7,Olga Rybakova,\n8,Konstantin Volkonsky,\n").await.assert_done();
        // Whoever is killed goes on.
        sandbox.kill();
        sandbox.ended().await;
        sandbox.restart().await;
        eventually_locked(&sandbox, user, true).await;
        testkit::eventually("the company is locked", WORKER, async || {
            locks(&sandbox, &of).await == json!([{ "reason": "SCREENING_DETECTED" }])
        })
        .await;
        let listed = hits(&sandbox).await;
        let hit = listed.iter().find(|hit| hit["dcCorporationId"] == corporation);
        let hit = hit.expect("it is listed");
        assert_eq!(hit["part"], "BENEFICIARY/1");
        // Once it is decided, it doesn't wait with the others, but it is its corporation's.
        decide(&sandbox, hit, "CLEARED").await.assert_done();
        assert!(!hits(&sandbox).await.iter().any(|it| it["id"] == hit["id"]));
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await.sign_in(&sandbox).await;
        let path = format!("/admin/screening/hits?dcCorporationId={corporation}");
        let own = expect(200, admin.get(&path).header("Issuer-Code", "sandbox")).await;
        let [own] = own["items"].as_array().expect("a list").as_slice() else { panic!("{own}") };
        assert_eq!((&own["hitId"], &own["state"]), (&hit["id"], &json!("CLEARED")));
        let path = format!("/panel/of/sandbox/screening/hits?corporation={corporation}");
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        let page = browser.load(&path).await.html;
        assert!(page.contains("somebody else"), "{page}");
        let page = browser.load(&format!("/panel/of/sandbox/corporations/{corporation}")).await;
        assert!(page.html.contains(&path), "{}", page.html);
        let listed = sandbox.antaca(&["screening", "list"]).await.assert_done().json();
        let own = listed.iter().find(|it| it["partner"] == "sandbox").expect("it is listed");
        assert!(own["of"].as_i64() > Some(0) && own["screened"] == own["of"], "{own}");
    }

    /// The authorities' own formats are told by their content; what can't be read changes nothing.
    async fn lists_are_loaded_as_they_are_published(database) {
        let sandbox = Sandbox::start(database).await;
        let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../app/src/screening/lists/samples");
        for (file, name) in [("sdn.xml", "OFAC_SDN"), ("un.xml", "UN"), ("eu.xml", "EU")] {
            let file = format!("{samples}/{file}");
            let loaded = sandbox.antaca(&["screening", "load", &file]).await.assert_done().json();
            assert_eq!(loaded[0]["name"], name, "{loaded:?}");
            assert!(loaded[0]["entries"].as_i64() > Some(0), "{loaded:?}");
        }
        let before = sandbox.antaca(&["screening", "list"]).await.assert_done().stdout.clone();
        let wrong = sandbox.dir().join("wrong");
        for (content, words) in [
            ("<html></html>", "can't be loaded"),
            ("<sdnList><sdnEntry>", "can't be loaded"),
            ("", "can't be loaded"),
        ] {
            std::fs::write(&wrong, content).expect("it can be written");
            let path = wrong.to_str().expect("a path of text");
            let told = sandbox.antaca(&["screening", "load", path]).await;
            assert!(told.code == Some(1) && told.stderr.contains(words), "{told:?}");
        }
        let told = sandbox.antaca(&["screening", "load", "/nowhere.xml"]).await;
        assert!(told.code == Some(1) && told.stderr.contains("can't be read"), "{told:?}");
        let after = sandbox.antaca(&["screening", "list"]).await.assert_done().stdout.clone();
        assert_eq!(after, before);
    }
}
