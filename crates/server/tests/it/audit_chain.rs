//! The chains of audit records on a real server: sealed by themselves, verified beside it and
//! without it, and shown.

use crate::crash::reached;
use crate::story::{Story, answer, expect, register, registration};
use crate::support::{Browser, Database, Sandbox};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;
use store::db::{Db, Options, Sql};
use testkit::eventually;

const VERIFY: &[&str] = &["audit", "verify"];
/// A lease of who has died runs out meanwhile.
const SEALED: Duration = Duration::from_secs(30);

async fn verified(sandbox: &Sandbox) -> Value {
    let told = sandbox.antaca(&["audit", "verify", "--json"]).await;
    told.json().remove(0)
}

async fn all_sealed(sandbox: &Sandbox) {
    eventually("all is sealed", SEALED, async || {
        let report = verified(sandbox).await;
        assert_eq!(report["findings"], json!([]));
        report["unsealed"] == 0
    })
    .await;
}

/// Does something to the database of a server that doesn't run.
async fn tamper(sandbox: &Sandbox, sqls: &[&'static str]) {
    let db = match sandbox.database() {
        Database::Sqlite => Db::sqlite(sandbox.dir().join("antaca.db"), Options::default()),
        Database::Postgres(url) => Db::postgres(url, Options::default()),
    };
    let db = db.expect("opens");
    let mut tx = db.begin().await.expect("begins");
    for sql in sqls {
        assert!(tx.run(&Sql(sql), &[]).await.expect(sql) > 0, "{sql}");
    }
    tx.commit().await.expect("commits");
    db.close().await.expect("closes");
}

fn heads(sandbox: &Sandbox) -> Vec<Value> {
    let text = std::fs::read_to_string(sandbox.dir().join("audit-heads")).expect("a file");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

on_both_databases! {
    /// One row that is touched is named, with the server and without it.
    async fn an_altered_record_is_named(database) {
        let mut sandbox = Sandbox::start(database).await;
        Story::begin(&sandbox, 1_000).await;
        all_sealed(&sandbox).await;
        let whole = sandbox.antaca(VERIFY).await;
        let told = &whole.assert_done().stdout;
        assert!(told.starts_with("The audit records are whole: "), "{told}");

        sandbox.stop().await.assert_done();
        let file = sandbox.dir().join("audit-heads");
        let mode = std::fs::metadata(file).expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let last = heads(&sandbox).into_iter().rfind(|it| it["partner"] == "sandbox");
        let last = last.expect("a head of the partner's chain");
        let altered = "update audit set actor = 'os:mallory' where partner_id = 1 and place = 2";
        tamper(&sandbox, &[altered]).await;
        let without = sandbox.antaca(VERIFY).await;
        assert_eq!(without.code, Some(1), "{without:?}");
        let names = |text: &str| {
            text.contains("sandbox: The record at place 2, ")
                && text.contains(" isn't as it was sealed.")
        };
        assert!(names(&without.stderr), "{without:?}");
        let report = verified(&sandbox).await;
        assert!(report["heads"].as_u64() >= Some(2), "{report}");
        assert!(report["sealed"].as_i64() >= last["place"].as_i64(), "{report}");
        let found = &report["findings"][0];
        assert_eq!((&found["kind"], &found["partner"]), (&"ALTERED".into(), &"sandbox".into()));
        assert_eq!(found["record"]["place"], 2);
        assert!(found["record"]["id"].is_string() && found["record"]["at"].is_string(), "{found}");

        sandbox.restart().await;
        let beside = sandbox.antaca(VERIFY).await;
        assert!(beside.code == Some(1) && names(&beside.stderr), "{beside:?}");
    }

    /// A chain whose end is cut off, and whose own row is gone, lacks a head that was kept.
    async fn a_chain_that_was_cut_is_found_by_its_heads(database) {
        let mut sandbox = Sandbox::start(database).await;
        Story::begin(&sandbox, 1_000).await;
        all_sealed(&sandbox).await;
        sandbox.stop().await.assert_done();
        let kept = sandbox.dir().join("audit-heads");
        let elsewhere = testkit::folder();
        let copy = elsewhere.path().join("heads");
        std::fs::copy(&kept, &copy).expect("copied");
        // All of it: what is left can't tell that there was anything.
        let gone = [
            "delete from audit where partner_id = 1",
            "delete from audit_chain where partner_id = 1",
        ];
        tamper(&sandbox, &gone).await;
        let told = sandbox.antaca(VERIFY).await;
        assert_eq!(told.code, Some(1));
        assert!(told.stderr.contains("sandbox: The chain ends at place 0, and had"), "{told:?}");
        std::fs::remove_file(&kept).expect("removed");
        sandbox.antaca(VERIFY).await.assert_done();
        let copy = copy.display().to_string();
        let told = sandbox.antaca(&["audit", "verify", "--head", &copy]).await;
        assert_eq!(told.code, Some(1));
        assert!(told.stderr.contains("docs/recovery.md"), "{told:?}");
        let none = elsewhere.path().join("none").display().to_string();
        sandbox.antaca(&["audit", "verify", "--head", &none]).await.assert_refused("no file");
    }

    /// Whenever a server is killed while it seals, its successor goes on with the same chain.
    async fn a_server_that_is_killed_while_it_seals_leaves_whole_chains(database) {
        let mut sandbox = Sandbox::start(database).await;
        let folder = testkit::folder();
        for step in ["audit-read", "audit-written", "audit-committed"] {
            let marker = folder.path().join(step);
            sandbox.stop().await.assert_done();
            sandbox.set_variables(&[("ANTACA_FAULT", &format!("{step}:1:{}", marker.display()))]);
            sandbox.restart().await;
            // On SQLite nobody else writes while the worker stands still.
            let call = register(sandbox.partner(), &registration());
            let sent = tokio::time::timeout(SEALED, call.send());
            let (_, ()) = tokio::join!(sent, async {
                reached(&marker).await;
                sandbox.kill();
            });
            std::fs::remove_file(&marker).expect("the marker");
            sandbox.set_variables(&[]);
            sandbox.restart().await;
            all_sealed(&sandbox).await;
        }
        sandbox.antaca(VERIFY).await.assert_done();
    }

    /// What the operator's people did to the platform is seen by them alone, each by name; of a
    /// partner's records they see each other's names too.
    async fn an_operator_reads_the_platforms_records(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let operator = sandbox.admin("OPERATOR", None).await;
        let caller = operator.sign_in(&sandbox).await;
        let lock = caller.post(&format!("/admin/cards/{}/lock", story.card));
        expect(204, lock.header("Issuer-Code", "sandbox").json(&json!({ "reason": 7 }))).await;
        let path = "/admin/platform/audit?action=admin.sign_in";
        let told = expect(200, caller.get(path)).await;
        assert_eq!(told["items"][0]["email"], operator.email.as_str(), "{told}");
        let locked = caller.get("/admin/audit?action=card.lock").header("Issuer-Code", "sandbox");
        assert_eq!(expect(200, locked).await["items"][0]["email"], operator.email.as_str());
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await.sign_in(&sandbox).await;
        let refused = expect(403, admin.get(path)).await;
        assert_eq!(refused["title"], "FORBIDDEN");
        let looking = sandbox.admin("OPERATOR", None).await;
        let browser = Browser::signed_in(&sandbox, &looking).await;
        let page = browser.load("/panel/audit?action=admin.sign_in").await.html;
        assert!(page.contains(&operator.email) && page.contains("admin.sign_in"), "{page}");
    }

    /// A partner's ADMIN sees who did what, by name where that is one of their own people.
    async fn a_partner_reads_its_records(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let operator = sandbox.admin("OPERATOR", None).await;
        let (caller, theirs) = (admin.sign_in(&sandbox).await, operator.sign_in(&sandbox).await);
        let lock = format!("/admin/cards/{}/lock", story.card);
        let unlock = format!("/admin/cards/{}/unlock", story.card);
        let reason = json!({ "reason": 7 });
        expect(204, caller.post(&lock).json(&reason)).await;
        expect(204, theirs.post(&unlock).header("Issuer-Code", "sandbox")).await;
        all_sealed(&sandbox).await;

        let of_card = format!("/admin/audit?object={}", story.card);
        let told = expect(200, caller.get(&of_card)).await;
        let items = told["items"].as_array().expect("a list");
        let action = |name: &str| {
            items.iter().find(|it| it["action"] == name).unwrap_or_else(|| panic!("{told}"))
        };
        let (locked, unlocked) = (action("card.lock"), action("card.unlock"));
        assert_eq!(locked["email"], admin.email.as_str());
        assert_eq!(unlocked["email"], Value::Null, "the operator's people aren't the partner's");
        assert_eq!(locked["detail"]["after"]["state"], "LOCKED");
        assert_eq!((&locked["sealed"], &locked["address"]), (&true.into(), &"127.0.0.1".into()));
        assert!(locked["requestId"].is_string() && locked["recordId"].is_string(), "{locked}");
        let card = story.card.to_string();
        assert!(items.iter().all(|it| it["object"] == card.as_str()), "{told}");

        let actor = locked["actor"].as_str().expect("a text");
        let of_actor = format!("/admin/audit?actor={actor}&action=card.lock");
        let by_operator = theirs.get(&of_actor).header("Issuer-Code", "sandbox");
        let found = expect(200, by_operator).await;
        assert_eq!(found["items"], json!([locked]));
        let (mut after, mut all) = (String::new(), Vec::new());
        loop {
            let page = expect(200, caller.get(&format!("/admin/audit?limit=3{after}"))).await;
            let items = page["items"].as_array().expect("a list");
            assert!(items.len() <= 3);
            all.extend(items.iter().map(|it| it["recordId"].as_str().expect("an id").to_owned()));
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert!(all.len() > 6 && all.is_sorted_by(|one, other| one > other), "{all:?}");
        for wrong in ["limit=0", "after=x", "from=yesterday", "object=", "colour=red",
            "from=2026-11-21T10:00:00Z&to=2026-11-20T10:00:00Z"] {
            let (status, problem) = answer(caller.get(&format!("/admin/audit?{wrong}"))).await;
            assert_eq!((status, &problem["title"]), (422, &"VALIDATION_ERROR".into()), "{wrong}");
        }
    }
}
