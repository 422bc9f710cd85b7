//! KYB: what a corporation sends, what is looked at, and who decides.

use crate::audit::records;
use crate::corporations::{
    KINDS, PDF, company, documents_of, known_company, post_of, proven, registered_of,
};
use crate::denied::told;
use crate::screening;
use crate::story::{answer, expect, register, registration};
use crate::support::{Caller, Database, Sandbox};
use crate::verifications::filled;
use reqwest::RequestBuilder;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Which version of a corporation is looked at.
async fn version(account: &Caller, id: &str) -> Value {
    expect(200, review(account, id)).await["version"].take()
}

/// Says what came of KYB, as a panel account that has just looked.
async fn decide(account: &Caller, id: &str, kyb: &str) -> RequestBuilder {
    decide_version(account, id, kyb, &version(account, id).await)
}

fn decide_version(account: &Caller, id: &str, kyb: &str, version: &Value) -> RequestBuilder {
    let body = json!({ "kyb": kyb, "reference": "KYB-2026-117", "version": version });
    account
        .post(&format!("/admin/corporations/{id}/kyb"))
        .header("Issuer-Code", "sandbox")
        .json(&body)
}

fn review(account: &Caller, id: &str) -> RequestBuilder {
    account.get(&format!("/admin/corporations/{id}")).header("Issuer-Code", "sandbox")
}

/// Sends a file as a document.
fn file(partner: &Caller, id: &str, kind: &'static str, bytes: Vec<u8>) -> RequestBuilder {
    let form = Form::new().part(kind, Part::bytes(bytes).file_name("any.pdf"));
    partner.post(&format!("/secure/corporations/{id}/documents")).multipart(form)
}

on_both_databases! {
    /// Nobody is accepted before all three documents are there, the board and the owner are
    /// verified users of the same name, and somebody has said of who was found on a list that it
    /// is somebody else.
    async fn nothing_is_accepted_that_is_not_known(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let operator = sandbox.admin("OPERATOR", None).await.sign_in(&sandbox).await;
        screening::load(&sandbox, "1,Piotr Nowak,1980-05-18\n").await.assert_done();
        let mut body = known_company(partner, "sandbox").await;
        // Of another birth date: somebody else of that name.
        body["boardMembers"][1]["birthDate"] = "1980-05-18".into();
        // Who owns a quarter and no more needn't be known.
        let mut small = body["representative"].clone();
        small["sharePercent"] = 25.into();
        body["beneficiaries"].as_array_mut().expect("a list").push(small);
        let made = expect(201, post_of(partner, "sandbox", &body)).await;
        let id = made["dcCorporationId"].as_str().expect("an id");
        for kyb in ["ACCEPTED", "REJECTED", "ON_HOLD"] {
            let refused = told(decide(&operator, id, kyb).await).await;
            assert_eq!(refused, (409, json!("KYB_NOT_IN_PROGRESS")), "{kyb}");
        }
        let some = expect(201, documents_of(partner, id, &KINDS[..2])).await;
        assert_eq!(some["kyb"], "NONE");
        let lacks = json!(["ownership", "boardMembers[1]", "screening"]);
        assert_eq!(some["missing"], lacks);
        let all = expect(201, documents_of(partner, id, &KINDS[2..])).await;
        let lacks = json!(["boardMembers[1]", "screening"]);
        assert_eq!((&all["kyb"], &all["missing"]), (&json!("IN_PROGRESS"), &lacks));
        let shown = expect(200, review(&operator, id)).await;
        assert_eq!((&shown["kyb"], &shown["missing"]), (&json!("IN_PROGRESS"), &lacks));
        let kinds = shown["documents"].as_array().expect("a list").iter();
        let kinds: BTreeSet<&str> = kinds.filter_map(|it| it["kind"].as_str()).collect();
        assert_eq!(kinds, BTreeSet::from(KINDS));
        let refused = told(decide(&operator, id, "ACCEPTED").await).await;
        assert_eq!(refused, (409, json!("KYB_INCOMPLETE")));
        let shows = ["corporation", "show", "--partner", "sandbox", "--id", id];
        let shown = sandbox.antaca(&shows).await.assert_done().json();
        assert_eq!((&shown[0]["kyb"], &shown[0]["missing"]), (&json!("IN_PROGRESS"), &lacks));

        let hits = screening::hits(&sandbox).await;
        let hit = hits.iter().find(|hit| hit["dcCorporationId"] == id).expect("a hit");
        assert_eq!(hit["part"], "BOARD/2");
        screening::decide(&sandbox, hit, "CLEARED").await.assert_done();
        let shown = expect(200, review(&operator, id)).await;
        assert_eq!(shown["missing"], json!(["boardMembers[1]"]));
    }

    /// The partner's `ADMIN` decides where the partner may, others never do; what was said may be
    /// said again; documents after a rejection begin anew, and an acceptance stays.
    async fn kyb_is_decided_by_who_may(database) {
        let mut sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner().clone();
        let id = proven(&partner, "sandbox").await;
        let id = id.as_str();
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await.sign_in(&sandbox).await;
        let operator = sandbox.admin("OPERATOR", None).await.sign_in(&sandbox).await;
        let queue = |account: &Caller, kyb: &str| {
            let path = format!("/admin/corporations?kyb={kyb}&limit=1");
            account.get(&path).header("Issuer-Code", "sandbox")
        };
        let waiting = expect(200, queue(&admin, "IN_PROGRESS")).await;
        assert_eq!(waiting["items"][0]["dcCorporationId"], id);
        let not = (403, json!("KYB_NOT_PERMITTED"));
        assert_eq!(told(decide(&admin, id, "ACCEPTED").await).await, not);
        let set = ["partner", "set", "--code", "sandbox", "--kyb-by", "PARTNER"];
        let set = sandbox.antaca(&set).await.assert_done().json();
        assert_eq!(set[0]["kybBy"], "PARTNER");

        let seen = version(&admin, id).await;
        let rejected = || {
            decide_version(&admin, id, "REJECTED", &seen).header("X-Idempotency-Key", "one")
        };
        expect(204, rejected()).await;
        expect(204, rejected()).await;
        let anew = expect(201, documents_of(&partner, id, &KINDS[..1])).await;
        assert_eq!(anew["kyb"], "IN_PROGRESS", "the other documents are there");
        let more = version(&admin, id).await;
        expect(201, documents_of(&partner, id, &KINDS[2..])).await;
        let late = told(decide_version(&admin, id, "ACCEPTED", &more)).await;
        assert_eq!(late, (409, json!("CORPORATION_CHANGED")), "a document came meanwhile");
        let late = told(decide_version(&admin, id, "ACCEPTED", &seen)).await;
        assert_eq!(late, (409, json!("CORPORATION_CHANGED")), "it isn't what was looked at");
        expect(204, decide(&operator, id, "ON_HOLD").await).await;
        let more = expect(201, documents_of(&partner, id, &KINDS[..1])).await;
        assert_eq!(more["kyb"], "IN_PROGRESS", "what was asked for has come");
        expect(204, decide(&admin, id, "ACCEPTED").await).await;
        expect(204, decide(&operator, id, "ACCEPTED").await).await;
        let later = expect(201, documents_of(&partner, id, &KINDS[..1])).await;
        assert_eq!(later["kyb"], "ACCEPTED");
        let body = json!({ "currency": "EUR", "dcCorporationId": id });
        expect(201, partner.post("/secure/balances").json(&body)).await;
        let waiting = expect(200, queue(&admin, "IN_PROGRESS")).await;
        assert_eq!(waiting["items"], json!([]));
        let shown = expect(200, review(&operator, id)).await;
        assert_eq!(shown["documents"].as_array().map(Vec::len), Some(7));

        let records = records(&mut sandbox).await;
        let decided = records.values().flatten().filter(|it| it.action == "corporation.decide");
        assert_eq!(decided.count(), 3, "what was said again isn't recorded again");
    }

    /// Where forms are decided here, a form that was accepted proves a person: of the name that it
    /// says, whatever the user is called since.
    async fn a_form_that_was_accepted_proves_a_person(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let set = ["partner", "set", "--code", "sandbox", "--kyc-mode", "MANUAL"];
        sandbox.antaca(&set).await.assert_done();
        let mut body = registration();
        (body["state"], body["kyc"]) = ("NEW".into(), "NONE".into());
        let user = expect(201, register(partner, &body)).await["id"].clone();
        let person = |first: &str, last: &str| json!({ "firstName": first, "lastName": last,
            "birthDate": "2000-01-01", "nationality": "PL", "customerId": user });
        let mut told = company();
        told["boardMembers"] = json!([person("JOHN", "Doe")]);
        told["beneficiaries"] = json!([]);
        let made = expect(201, post_of(partner, "sandbox", &told)).await;
        let id = made["dcCorporationId"].as_str().expect("an id");
        let lacks = async |people: &[&str]| {
            let path = format!("/lifecycle/v1/corporations/{id}");
            let shown = expect(200, partner.get(&path).header("Issuer-Code", "sandbox")).await;
            assert_eq!(shown["missing"], json!([&KINDS[..], people].concat()));
        };
        lacks(&["boardMembers[0]"]).await;
        let path = format!("/secure/customers/{user}/verification");
        let form = expect(201, partner.post(&path).multipart(filled().form())).await;
        lacks(&["boardMembers[0]"]).await;
        let form = form["verificationId"].as_str().expect("an id");
        let accept = ["verification", "decide", "--partner", "sandbox", "--id", form, "--accept"];
        sandbox.antaca(&accept).await.assert_done();
        lacks(&[]).await;

        let path = format!("/lifecycle/v1/users/{user}");
        let put = partner.put(&path).header("Issuer-Code", "sandbox");
        expect(200, put.json(&json!({ "firstName": "Ewa", "lastName": "Wrona" }))).await;
        lacks(&[]).await;
        let path = format!("/lifecycle/v1/corporations/{id}");
        let put = async |board: Value| {
            let put = partner.put(&path).header("Issuer-Code", "sandbox");
            expect(200, put.json(&json!({ "boardMembers": board }))).await;
        };
        put(json!([person("Ewa", "Wrona")])).await;
        lacks(&["boardMembers[0]"]).await;
        put(json!([])).await;
        lacks(&["boardMembers"]).await;
    }

    /// A document comes back as it was sent, to who decides alone, and that is recorded; it lies
    /// nowhere in clear.
    async fn a_document_is_kept_for_who_decides(database) {
        const MARK: &[u8] = b"Umowa-Spolki-Poufne";
        let mut sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner().clone();
        let id = registered_of(&partner, "sandbox").await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await.sign_in(&sandbox).await;
        let document = [&PDF[..9], MARK, &PDF[9..]].concat();
        let (png, jpeg) = (testkit::stripes(1), testkit::jpeg_of(9));
        for (kind, bytes, media) in [
            ("statute", &document, "application/pdf"),
            ("registerExtract", &png, "image/png"),
            ("ownership", &jpeg, "image/jpeg"),
        ] {
            let sent = expect(201, file(&partner, &id, kind, bytes.clone())).await;
            let name = sent["documents"][0]["documentId"].as_str().expect("an id");
            let path = format!("/admin/corporations/{id}/documents/{name}");
            let got = admin.get(&path).header("Issuer-Code", "sandbox").send().await;
            let got = got.expect("an answer");
            assert_eq!((got.status().as_u16(), &got.headers()["content-type"]),
                (200, &reqwest::header::HeaderValue::from_static(media)));
            let saved = got.headers()["content-disposition"] == "attachment";
            assert_eq!(saved, media == "application/pdf", "a PDF is no page of ours");
            let got = got.bytes().await.expect("a body");
            // Line ends behind a PDF aren't its own.
            assert_eq!(got.as_ref(), bytes.trim_ascii_end());
        }
        let records = records(&mut sandbox).await;
        let shown = records.values().flatten().filter(|it| it.action == "corporation.document");
        assert_eq!(shown.count(), 3);
        if matches!(sandbox.database(), Database::Sqlite) {
            for file in std::fs::read_dir(sandbox.dir()).expect("a folder") {
                let path = file.expect("a file").path();
                if path.is_file() {
                    let bytes = std::fs::read(&path).expect("a file");
                    assert_eq!(testkit::contains_secret(&bytes, &[MARK]), None, "{path:?}");
                }
            }
        }
    }
}

/// What isn't one whole document is named, and nothing is kept of the others.
#[tokio::test]
async fn what_is_no_document_is_refused() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let partner = sandbox.partner();
    let id = registered_of(partner, "sandbox").await;
    let path = format!("/secure/corporations/{id}/documents");
    let cut = PDF[..PDF.len() - 9].to_vec();
    let page = [PDF, b"<html>"].concat();
    for (bytes, message) in [
        (b"a text".to_vec(), "must be a PDF document, or a JPEG or PNG picture"),
        (Vec::new(), "must be a PDF document, or a JPEG or PNG picture"),
        (cut, "is cut off: it has no end"),
        (page, "must be one document: there is something else behind its end"),
        (testkit::jpeg_of(9)[..30].to_vec(), "is cut off: it has no end"),
    ] {
        let form = Form::new()
            .part("ownership", Part::bytes(bytes).file_name("ownership.pdf"))
            .part("statute", Part::bytes(PDF).file_name("statute.pdf"));
        let problem = expect(422, partner.post(&path).multipart(form)).await;
        let expected = json!([{ "field": "ownership", "message": message }]);
        assert_eq!(problem["violations"], expected);
    }
    let twice = ["one.pdf", "two.pdf"]
        .iter()
        .fold(Form::new(), |form, name| form.part("statute", Part::bytes(PDF).file_name(*name)));
    let problem = expect(422, partner.post(&path).multipart(twice)).await;
    assert_eq!(problem["violations"][0]["message"], "must be sent once");
    let named = |problem: &Value| problem["violations"][0]["field"].clone();
    let nothing = expect(422, partner.post(&path).multipart(Form::new().text("note", "x"))).await;
    assert_eq!(named(&nothing), "statute");
    let large = [&PDF[..9], &vec![b' '; 8 << 20], &PDF[9..]].concat();
    let three = KINDS.iter().fold(Form::new(), |form, kind| {
        form.part(*kind, Part::bytes(large.clone()).file_name("large.pdf"))
    });
    let (status, _) = answer(partner.post(&path).multipart(three)).await;
    assert!(status == 413 || status == 422, "{status}");
    let (status, _) = answer(partner.post(&path).json(&json!({}))).await;
    assert!((400..500).contains(&status), "{status}");
    let shown = partner.get(&format!("/lifecycle/v1/corporations/{id}"));
    let shown = expect(200, shown.header("Issuer-Code", "sandbox")).await;
    assert_eq!(shown["missing"].as_array().map(Vec::len), Some(6), "nothing was kept");
    let mut wrong = company();
    wrong["boardMembers"][0]["customerId"] = "one".into();
    let problem = expect(422, post_of(partner, "sandbox", &wrong)).await;
    assert_eq!(named(&problem), "boardMembers[0].customerId");
}
