//! Two servers on one database: what is changed at one is in force at the other.

use crate::story::{answer, expect, register, registration};
use crate::support::{Caller, Database, Sandbox};
use crypto::certificates::client_key_and_csr;
use std::time::{Duration, Instant};

/// Settings of another node are in force after a second, and after what a busy machine adds.
const SETTINGS: Duration = Duration::from_secs(10);

/// The answers change to this at a node, in time.
async fn eventually(caller: &Caller, status: u16) {
    let begun = Instant::now();
    testkit::eventually("the settings are read", SETTINGS, async || {
        answer(caller.get("/secure/public-key")).await.0 == status
    })
    .await;
    assert!(begun.elapsed() < SETTINGS);
}

/// At once where it was changed, within a second or so at the other.
#[tokio::test]
async fn a_partner_that_is_closed_at_one_server_is_closed_at_the_other() {
    let one = Sandbox::start(Database::Postgres(testkit::postgres_url().await)).await;
    let other = one.sibling().await;
    let set = |state| ["partner", "set", "--code", "sandbox", "--state", state];
    expect(201, register(other.partner(), &registration())).await;
    for (state, status) in [("CLOSED", 401), ("LIVE", 200)] {
        one.antaca(&set(state)).await.assert_done();
        assert_eq!(answer(one.partner().get("/secure/public-key")).await.0, status);
        eventually(other.partner(), status).await;
    }
    let metric = "antaca_settings_version";
    let versions = [one.metric(metric, &[]).await, other.metric(metric, &[]).await];
    assert!(versions[0] > 0 && versions[0] == versions[1], "{versions:?}");
}

#[tokio::test]
async fn a_certificate_that_one_server_signs_is_known_to_the_other() {
    let one = Sandbox::start(Database::Postgres(testkit::postgres_url().await)).await;
    let other = one.sibling().await;
    let (key, csr) = client_key_and_csr("a second server");
    let file = one.dir().join("second.csr");
    std::fs::write(&file, csr).expect("written");
    let file = file.to_str().expect("a path of text");
    let signed = one.antaca(&["ca", "sign", "--csr", file, "--partner", "sandbox"]).await;
    let pem = signed.assert_done().stdout.clone();
    let status = answer(one.with_certificate(&pem, &key).get("/secure/public-key")).await.0;
    assert_eq!(status, 200);
    eventually(&other.with_certificate(&pem, &key), 200).await;
}
