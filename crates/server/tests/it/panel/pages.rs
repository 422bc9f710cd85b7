//! Pages in Debian's chromium.

use super::accounts::id_of;
use super::money::company;
use super::{Scene, told, unhurried};
use crate::screening::{is_locked, load, named};
use crate::story::expect;
use crate::support::{Database, Sandbox, in_chromium};
use serde_json::json;
use testkit::luhn_runs;

/// Every page at both widths, light and dark: nothing is wider than the screen, no error in the
/// console, nothing that the policy refuses, no serious finding of axe, no card number. What pages
/// look like doesn't depend on the database.
#[tokio::test(flavor = "multi_thread")]
async fn every_page_can_be_used() {
    let sandbox = Sandbox::start(Database::Sqlite).await;
    let scene = Scene::set(&sandbox).await;
    let operator = sandbox.admin("OPERATOR", None).await;
    let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
    let paid = scene.story.purchase(sandbox.processor(), 2_345, "900000000001");
    assert_eq!(expect(200, paid).await["description"], "APPROVED");
    let mut facts = scene.facts();
    facts["account"] = id_of(&sandbox, &employee).await.into();
    let asked = told(&sandbox, "everyPage", &[("OPERATOR", &operator)], facts);
    let pages = in_chromium(asked).await;
    let pages = pages.as_object().expect("pages by name");
    assert!(pages.len() >= 20, "{:?}", pages.keys());
    let number = scene.story.full["cardNo"].as_str().expect("a number");
    for (name, html) in pages {
        let html = html.as_str().expect("a text");
        assert_eq!(luhn_runs(html.as_bytes()), Vec::<String>::new(), "{name}");
        assert!(!html.contains(number), "{name}");
    }
}

on_both_databases! {
    /// Whoever was made an account makes it their own, without a script, before all else opens.
    async fn a_new_colleague_begins(database) {
        let sandbox = Sandbox::start(database).await;
        let new = sandbox.admin_with("EMPLOYEE", Some("sandbox"), &[]).await;
        in_chromium(told(&sandbox, "first", &[("NEW", &new)], json!({}))).await;
    }

    /// What others have typed is shown as they typed it, and does nothing.
    async fn what_others_type_is_only_shown(database) {
        let sandbox = Sandbox::start(database).await;
        let scene = Scene::set(&sandbox).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        in_chromium(told(&sandbox, "evil", &[("ADMIN", &admin)], scene.facts())).await;
    }

    /// Signing in and locking a card without a mouse, and without a script.
    async fn a_keyboard_is_enough(database) {
        let sandbox = Sandbox::start(database).await;
        let scene = Scene::set(&sandbox).await;
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let manager = sandbox.admin("MANAGER", Some("sandbox")).await;
        let staff = [("EMPLOYEE", &employee), ("MANAGER", &manager)];
        in_chromium(told(&sandbox, "keyboard", &staff, scene.facts())).await;
        let path = format!("/secure/customers/{}/cards", scene.story.customer);
        let cards = expect(200, sandbox.partner().get(&path)).await;
        assert_eq!(cards["items"][0]["state"], "ACTIVE", "locked by one, unlocked by the other");
    }

    /// A form is found from the overview, its pictures are looked at side by side, and it is
    /// accepted; another role isn't led there.
    async fn a_verification_is_accepted_beside_its_pictures(database) {
        let sandbox = Sandbox::start(database).await;
        let scene = Scene::set(&sandbox).await;
        crate::verifications::set(&sandbox, "MANUAL").await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let staff = [("ADMIN", &admin), ("EMPLOYEE", &employee)];
        in_chromium(told(&sandbox, "verification", &staff, scene.facts())).await;
        let path = format!("/lifecycle/v1/users/{}", scene.applicant);
        let user = sandbox.partner().get(&path).header("Issuer-Code", "sandbox");
        assert_eq!(expect(200, user).await["kyc"], json!("SUCCESS"));
    }

    /// A limit is set from the card's page, and taken off.
    async fn a_limit_is_set(database) {
        let sandbox = unhurried(database).await;
        let scene = Scene::set(&sandbox).await;
        let manager = sandbox.admin("MANAGER", Some("sandbox")).await;
        in_chromium(told(&sandbox, "limit", &[("MANAGER", &manager)], scene.facts())).await;
    }

    /// Whoever was found on a list and is somebody else may pay again.
    async fn a_hit_is_decided(database) {
        let sandbox = Sandbox::start(database).await;
        load(&sandbox, "1,Ivan Petrovich Sidorenko,1970-01-01\n").await.assert_done();
        let user = named(&sandbox, "Ivan", "Sidorenko", "1970-01-01").await;
        assert!(is_locked(&sandbox, user).await);
        let operator = sandbox.admin("OPERATOR", None).await;
        in_chromium(told(&sandbox, "hit", &[("OPERATOR", &operator)], json!({}))).await;
        assert!(!is_locked(&sandbox, user).await);
    }

    /// The operator adds money to a partner's own balance, without a script, and sees it there.
    async fn a_partners_balance_is_reloaded(database) {
        let sandbox = Sandbox::start(database).await;
        let before = company(&sandbox).await["amount"].as_i64();
        let operator = sandbox.admin("OPERATOR", None).await;
        in_chromium(told(&sandbox, "reload", &[("OPERATOR", &operator)], json!({}))).await;
        let after = company(&sandbox).await["amount"].as_i64();
        assert_eq!(after, before.map(|minor| minor + 100_025));
    }

    /// Whoever is asked why a payment was declined finds it in three clicks from the overview.
    async fn a_decline_is_explained_in_three_clicks(database) {
        let sandbox = Sandbox::start(database).await;
        let scene = Scene::set(&sandbox).await;
        let too_much = scene.story.purchase(sandbox.processor(), 999_999, "900000000001");
        assert_eq!(expect(200, too_much).await["description"], "INSUFFICIENT_FUNDS");
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        in_chromium(told(&sandbox, "decline", &[("EMPLOYEE", &employee)], scene.facts())).await;
    }
}
