//! Partners: what many operators change of one at once.

use crate::holds::join_all;
use app::audit::Operator;
use app::outbound::{SecretAct, SetOutbound};
use app::partners::{Change, Create, Set};
use app::{Error, Once, Refusal};
use crypto::keys::MasterKey;
use domain::ids::PartnerId;
use domain::partner::{DescriptionCodes, Partner, PartnerState, Settings};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use store::db::Sql;
use store::keys::WrappedKey;
use testkit::{Database, TestApp, on_both};

/// What was changed of partners.
const AUDIT: Sql = Sql("select detail from audit where action = 'partner.set'");

fn operator() -> Operator {
    Operator("os:test".to_owned())
}

/// The partner of the test, as this node knows it.
fn known(node: &TestApp) -> Partner {
    let settings = node.app.settings.get();
    settings.partner(node.scope.partner()).expect("it is known").clone()
}

async fn set(node: &TestApp, command: Set) -> Result<Partner, Error> {
    let code = known(node).code;
    node.app.set_partner(&operator(), &code, command).await
}

fn name(number: usize) -> Set {
    Set { name: Some(format!("Name {number}")), ..Set::default() }
}

/// A change of each field but the name, and between them some of the name.
fn changes() -> Vec<Set> {
    let mut changes: Vec<Set> = (0..12).map(name).collect();
    let state = Some(PartnerState::Closed);
    changes.insert(2, Set { state, ..Set::default() });
    let time_zone = Some("Asia/Tokyo".to_owned());
    changes.insert(5, Set { time_zone, ..Set::default() });
    let description_codes = Some(DescriptionCodes::Extended);
    changes.insert(8, Set { description_codes, ..Set::default() });
    changes
}

/// The values that a field had before and after each change of it.
async fn recorded(node: &TestApp, field: &str) -> (Vec<String>, Vec<String>) {
    let mut tx = node.app.db.read().await.expect("begins");
    let rows = tx.rows(&AUDIT, &[]).await;
    let rows = tx.end(rows).await.expect("reads");
    let details: Vec<Value> = rows.iter().map(|row| row.get("detail").expect("JSON")).collect();
    let of = |side: &str| {
        let values = details.iter().filter_map(|detail| detail[side][field].as_str());
        values.map(str::to_owned).collect()
    };
    (of("before"), of("after"))
}

/// Every change is there, and each name was recorded as followed by the next: none was lost.
async fn assert_all_done(node: &TestApp, before: &Partner, after: &Partner) {
    assert_eq!(after.state, PartnerState::Closed);
    assert_eq!(after.settings.time_zone, "Asia/Tokyo");
    assert_eq!(after.settings.description_codes, DescriptionCodes::Extended);
    for (field, from, to) in
        [("state", "LIVE", "CLOSED"), ("timeZone", &before.settings.time_zone, "Asia/Tokyo")]
    {
        let expected = (vec![from.to_owned()], vec![to.to_owned()]);
        assert_eq!(recorded(node, field).await, expected, "{field}");
    }
    let (mut left, mut entered) = recorded(node, "name").await;
    left.push(after.name.clone());
    entered.push(before.name.clone());
    let [left, entered] = [left, entered].map(|names| {
        let count = names.len();
        let names: BTreeSet<String> = names.into_iter().collect();
        assert_eq!(names.len(), count, "{names:?}");
        names
    });
    assert_eq!(left, entered);
}

on_both! {
    /// The closing of a partner whose key has leaked isn't undone by whoever changes its name.
    async fn changes_of_a_partner_at_the_same_time_are_all_kept(node) {
        let before = known(&node);
        let done = join_all(changes().into_iter().map(|change| set(&node, change))).await;
        for done in done {
            done.expect("changes");
        }
        assert_all_done(&node, &before, &known(&node)).await;
    }
}

on_both! {
    async fn a_change_of_an_unknown_partner_or_to_an_unknown_time_zone_is_refused(node) {
        let before = known(&node);
        let nobody = node.app.set_partner(&operator(), "nobody", name(1)).await;
        assert!(matches!(nobody, Err(Error::Refused(Refusal::PartnerNotFound))), "{nobody:?}");
        let time_zone = Some("Europe/Nowhere".to_owned());
        let nowhere = set(&node, Set { time_zone, ..name(1) }).await;
        assert!(matches!(nowhere, Err(Error::Refused(Refusal::TimeZoneUnknown))), "{nowhere:?}");
        assert_eq!(known(&node), before);
    }
}

/// A sandbox's partner changes itself at the other node: both take the same locks in one order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_a_partner_at_two_nodes_are_all_kept() {
    let one = TestApp::on(Database::Postgres).await;
    let other = one.sibling().await;
    other.app.refresh_settings().await.expect("reads settings");
    let before = known(&one);
    let by = operator();
    // As a node that has been called already: it knows the partner's key.
    let shown = other.app.outbound_secret(&by, other.scope.partner(), SecretAct::Show).await;
    shown.expect("shown");
    let by_itself = |partner: Set| {
        let base_url = Some("https://cards.acme.example/antaca".to_owned());
        let outbound = SetOutbound { base_url, ..SetOutbound::default() };
        let once = Once {
            endpoint: "test".to_owned(),
            key: None,
            fingerprint: [0; 32],
            origin: testkit::origin(),
            render: |()| Value::Null,
        };
        let change = Change { partner, outbound };
        other.app.set_sandbox(&by, other.scope, change, once)
    };
    let here = join_all(changes().into_iter().map(|change| set(&one, change)));
    let there = join_all((100..112).map(|number| by_itself(name(number))));
    let (here, there) = tokio::join!(here, there);
    for done in here {
        done.expect("changes");
    }
    for done in there {
        done.expect("changes itself");
    }
    one.app.refresh_settings().await.expect("reads settings");
    assert_all_done(&one, &before, &known(&one)).await;
}

on_both! {
    /// The key of a partner that is being created meanwhile isn't left under the former master key.
    async fn partners_made_while_the_master_key_is_replaced_are_the_next_ones(node) {
        let masters = node.app.keyring.masters();
        let next = masters.follow_with(MasterKey::generate("sandbox"), "").key;
        let by = operator();
        let create = |number: usize| {
            let (code, name) = (format!("partner-{number}"), "Partner".to_owned());
            node.app.create_partner(&by, Create { code, name, settings: Settings::default() })
        };
        let created = join_all((0..24).map(create));
        let rewrapped = async {
            // After some of them, before others.
            testkit::eventually("a partner is made", Duration::from_secs(10), async || {
                keys(&node).await.len() > 3
            })
            .await;
            node.app.rewrap_keys(&by, &next).await.expect("rewraps")
        };
        let (created, rewrapped) = tokio::join!(created, rewrapped);
        created.into_iter().for_each(|made| drop(made.expect("creates")));
        let kept = keys(&node).await;
        assert_eq!(kept.len(), 24 + 2);
        assert!((4..=kept.len()).contains(&rewrapped), "{rewrapped}");
        for key in kept {
            let opens = match key.partner {
                PartnerId::PLATFORM => next.unwrap_platform(&key.wrapped).is_ok(),
                partner => next.unwrap(partner, &key.wrapped).is_ok(),
            };
            assert!(opens, "{:?}", key.partner);
        }
        let wrapping = node.app.wrapping_master_key().await.expect("reads");
        assert!(wrapping.is_some_and(|it| it.is(&next)));
    }
}

async fn keys(node: &TestApp) -> Vec<WrappedKey> {
    let mut tx = node.app.db.read().await.expect("begins");
    let keys = store::keys::data_keys(&mut tx).await;
    tx.end(keys).await.expect("reads")
}
