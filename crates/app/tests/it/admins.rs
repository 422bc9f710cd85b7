//! Panel accounts: who manages them while their own is changed.

use app::admins::{AdminSession, ChangeAdmin, Confirmation, Manager, NewAdmin, ShownAdmin};
use app::audit::{Operator, Origin};
use app::certificates::{self, Authority, Certificate, Holder, Sign};
use app::{Error, Once, Refusal, partners, programs};
use crypto::certificates::client_key_and_csr;
use domain::admin::Role;
use domain::ids::AdminId;
use domain::partner::{Partner, Settings};
use domain::program::{Program, ProgramState};
use serde_json::json;
use store::programs::Processor;
use testkit::{TestApp, on_both};

fn once() -> Once<ShownAdmin> {
    let render = |it: &ShownAdmin| json!({ "id": it.account.id.0 });
    Once::unkept(origin(), render)
}

fn origin() -> Origin {
    Operator("os:test".to_owned()).origin()
}

/// Makes an account of the test's partner; its id.
async fn made(node: &TestApp, manager: Manager, name: &str) -> Result<AdminId, Error> {
    let email = format!("{name}@{}.example", node.scope.partner().0);
    let new = NewAdmin { email, role: Role::Admin, partner: Some(node.scope.partner()) };
    let shown = node.app.create_admin(manager, new, Confirmation::NONE, once()).await?.shown;
    Ok(AdminId(serde_json::from_value(shown["id"].clone()).expect("an id")))
}

fn session(node: &TestApp, account: AdminId) -> Manager {
    let partner = Some(node.scope.partner());
    Manager::of(&AdminSession {
        account,
        partner,
        role: Role::Admin,
        secrets_shown: false,
        digest: [0; 32],
    })
}

fn is_refused<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Refused(Refusal::AdminChanged)))
}

on_both! {
    /// Whoever was shut or demoted while their request was on its way does nothing any more with
    /// what they were.
    async fn who_was_shut_meanwhile_manages_nothing(node) {
        let all = Manager::COMMAND_LINE.keeping_secrets();
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
            let reset = node.app.reset_admin(manager, other, Confirmation::NONE, once()).await;
            assert!(is_refused(reset), "{name}");
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

on_both! {
    /// Neither do they with partners and certificates.
    async fn who_was_shut_meanwhile_changes_no_partner_and_no_certificate(node) {
        let all = Manager::COMMAND_LINE.keeping_secrets();
        let email = format!("olga@{}.example", node.scope.partner().0);
        let new = NewAdmin { email, role: Role::Operator, partner: None };
        let made = node.app.create_admin(all, new, Confirmation::NONE, once()).await;
        let own = made.expect("is made").shown["id"].clone();
        let account = AdminId(serde_json::from_value(own).expect("an id"));
        let (role, digest) = (Role::Operator, [0; 32]);
        let session = AdminSession { account, partner: None, role, secrets_shown: false, digest };
        let manager = Manager::of(&session);
        let code = |name: &str| format!("{name}-{}", node.scope.partner().0);
        let create = |name: &str| {
            let (code, name) = (code(name), "Acme".to_owned());
            partners::Create { code, name, settings: Settings::default() }
        };
        let kept = || Once::unkept(origin(), |_: &Partner| json!(null));
        node.app.create_partner_once(manager, create("one"), kept()).await.expect("may");
        let revoked = || Once::unkept(origin(), |_: &Certificate| json!(null));
        let authority = Authority::create("test", node.app.now());
        let sign = Sign {
            csr: client_key_and_csr(&code("one")).1,
            holder: Holder::Partner(node.scope.partner()),
            scopes: vec!["secure".to_owned()],
            days: 30,
        };
        let by = Operator("os:test".to_owned());
        let now = node.app.now();
        let pem = node.app.sign_certificate(&by, &authority, sign, now).await;
        pem.expect("is signed");
        let settings = node.app.settings.get();
        let holder = Holder::Partner(node.scope.partner());
        let held = certificates::page(&settings, Some(&holder), None, 1).items.remove(0);
        let print = certificates::fingerprint(&held);

        let shut = ChangeAdmin { role: None, disabled: Some(true) };
        let other = NewAdmin { email: format!("two@{}.example", node.scope.partner().0),
            role: Role::Operator, partner: None };
        node.app.create_admin(all, other, Confirmation::NONE, once()).await.expect("is made");
        node.app.change_admin(all, account, shut, once()).await.expect("is shut");
        assert!(is_refused(node.app.create_partner_once(manager, create("two"), kept()).await));
        let change = partners::Change {
            partner: partners::Set { name: Some("Evil".to_owned()), ..partners::Set::default() },
            ..partners::Change::default()
        };
        let once = Once::unkept(origin(), |()| json!(null));
        let by = (manager, Confirmation::NONE);
        let changed = node.app.change_partner_once(by, &code("one"), change, once).await;
        assert!(is_refused(changed));
        let known = node.app.settings.get();
        let program = known.program(node.scope.partner(), "0019167984").expect("is there").clone();
        let named = (program.partner, program.config_id.as_str());
        let closed = programs::Change {
            state: Some(ProgramState::Closed), ..programs::Change::default()
        };
        let once = Once::unkept(origin(), |_: &Program| json!(null));
        assert!(is_refused(node.app.change_program(manager, named, closed, once).await));
        let other = Program { config_id: "0000000042".to_owned(), ..program.clone() };
        let once = Once::unkept(origin(), |_: &programs::Made| json!(null));
        assert!(is_refused(node.app.create_program(manager, other, once).await));
        let once = Once::unkept(origin(), |_: &Processor| json!(null));
        assert!(is_refused(node.app.create_processor_once(manager, ("evil", 2_000), once).await));
        let told = node.app.revoke_certificate_once(manager, &print, now, revoked()).await;
        assert!(is_refused(told));
        let settings = node.app.settings.get();
        assert!(settings.partner_of_code(&code("two")).is_none());
        assert_eq!(settings.partner_of_code(&code("one")).expect("is there").name, "Acme");
        assert!(certificates::find(&settings, &print).expect("is there").revoked_at.is_none());
    }
}
