//! Panel accounts: who manages them while their own is changed.

use app::admins::{AdminSession, ChangeAdmin, Manager, NewAdmin, ShownAdmin};
use app::audit::Operator;
use app::{Error, Once, Refusal};
use domain::admin::Role;
use domain::ids::AdminId;
use serde_json::json;
use testkit::{TestApp, on_both};

fn once() -> Once<ShownAdmin> {
    let render = |it: &ShownAdmin| json!({ "id": it.account.id.0 });
    Once::unkept(Operator("os:test".to_owned()).origin(), render)
}

/// Makes an account of the test's partner; its id.
async fn made(node: &TestApp, manager: Manager, name: &str) -> Result<AdminId, Error> {
    let email = format!("{name}@{}.example", node.scope.partner().0);
    let new = NewAdmin { email, role: Role::Admin, partner: Some(node.scope.partner()) };
    let shown = node.app.create_admin(manager, new, once()).await?.shown;
    Ok(AdminId(serde_json::from_value(shown["id"].clone()).expect("an id")))
}

fn session(node: &TestApp, account: AdminId) -> Manager {
    let partner = Some(node.scope.partner());
    Manager::of(&AdminSession { account, partner, role: Role::Admin, digest: [0; 32] })
}

fn is_refused<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Refused(Refusal::AdminChanged)))
}

on_both! {
    /// Whoever was shut or demoted while their request was on its way does nothing any more with
    /// what they were.
    async fn who_was_shut_meanwhile_manages_nothing(node) {
        let all = Manager::COMMAND_LINE;
        let other = made(&node, all, "other").await.expect("is made");
        for (name, change) in [
            ("shut", ChangeAdmin { disabled: Some(true), role: None }),
            ("demoted", ChangeAdmin { role: Some(Role::Employee), disabled: None }),
        ] {
            let own = made(&node, all, name).await.expect("is made");
            let manager = session(&node, own);
            made(&node, manager, &format!("by-{name}")).await.expect("may, until then");
            node.app.change_admin(all, own, change, once()).await.expect("is changed");
            assert!(is_refused(made(&node, manager, &format!("later-by-{name}")).await), "{name}");
            assert!(is_refused(node.app.reset_admin(manager, other, once()).await), "{name}");
            let shut = ChangeAdmin { disabled: Some(true), role: None };
            let changed = node.app.change_admin(manager, other, shut, once()).await;
            assert!(is_refused(changed), "{name}");
        }
        let left = node.app.admins().await.expect("are listed");
        let own = left.iter().filter(|it| it.account.partner == Some(node.scope.partner()));
        let names: Vec<&str> =
            own.map(|it| it.account.email.split('@').next().unwrap_or_default()).collect();
        assert_eq!(names, ["by-demoted", "by-shut", "demoted", "other", "shut"]);
        let other = left.iter().find(|it| it.account.id == other).expect("is there");
        assert!(!other.account.disabled);
    }
}
