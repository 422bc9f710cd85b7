//! Partners are told of cards whose last day comes near: each card once, by whichever node.

use app::Once;
use app::admins::Manager;
use app::users::{Became, ForeignCard, Line, Register};
use domain::card::foreign::Standing;
use domain::card::lifecycle::LockReason::{CardLost, SuspectedFraud};
use domain::ids::CardId;
use domain::notification::Event;
use domain::program::{Port, Program};
use domain::secret::Pan;
use domain::user::{Email, Kyc, Phone, Profile, UserState};
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::time::Duration;
use store::db::Sql;
use testkit::{Behaviour, Partner, TestApp, eventually, on_both, origin};

const FOREIGN: &str = "0000000079";

/// Moves the business clock to the begin of a day.
fn advance_to(node: &TestApp, day: Date) {
    let day = day.to_zoned(TimeZone::UTC).expect("within the calendar").timestamp();
    node.advance(day.duration_since(node.app.now()).as_secs() + 1);
}

async fn told(node: &TestApp) -> u64 {
    node.app.tell_of_expiring_cards().await.expect("walks")
}

on_both! {
    /// From 30 days before on; not of a card that is gone, or locked for good.
    async fn each_card_is_told_of_once(node) {
        let partner = Partner::start(|_, _| Behaviour::Status(204)).await;
        node.deliver_to(&partner, &[Event::CardExpiring]).await;
        let [good, locked, lost, gone] = [
            node.funded(0).await,
            node.funded(0).await,
            node.funded(0).await,
            node.funded(0).await,
        ];
        node.lock(locked, SuspectedFraud).await;
        node.lock(lost, CardLost).await;
        let remove = Once {
            endpoint: "DELETE /card".to_owned(),
            key: None,
            fingerprint: [1; 32],
            origin: origin(),
            render: |()| Value::Null,
        };
        let removed = node.app.remove_card(node.scope, gone.user, gone.card, remove).await;
        removed.expect("removes");
        let shown = node.app.full_card(node.scope, good.user, good.card, &origin()).await;
        let last = shown.expect("is shown").card.expiry;

        advance_to(&node, last.saturating_sub(31.days()));
        assert_eq!(told(&node).await, 0);
        advance_to(&node, last.saturating_sub(30.days()));
        let twin = if node.is_postgres() { Some(node.sibling().await) } else { None };
        let twin = twin.as_ref().unwrap_or(&node);
        let (one, other) = tokio::join!(told(&node), told(twin));
        assert_eq!(one + other, 2);
        advance_to(&node, last);
        assert_eq!(told(&node).await + told(twin).await, 0);

        eventually("the partner was told", Duration::from_secs(30), async || {
            partner.count() >= 2
        })
        .await;
        let bodies: Vec<Value> = partner.received().into_iter().map(|it| it.body).collect();
        assert_eq!(bodies.len(), 2);
        for of in [good, locked] {
            let body = json!({ "dcCardId": of.card.0.to_string(), "exp": last.to_string() });
            assert!(bodies.contains(&body), "{bodies:?}");
        }
    }
}

on_both! {
    /// Who doesn't ask for it isn't told.
    async fn it_is_asked_for(node) {
        let partner = Partner::start(|_, _| Behaviour::Status(204)).await;
        node.deliver_to(&partner, Event::USUAL).await;
        let card = node.funded(0).await;
        let shown = node.app.full_card(node.scope, card.user, card.card, &origin()).await;
        advance_to(&node, shown.expect("is shown").card.expiry);
        assert_eq!(told(&node).await, 0);
    }
}

/// A program whose cards another processor makes.
async fn with_foreign_program(node: &TestApp) {
    let settings = node.app.settings.get();
    let known = settings.program(node.scope.partner(), "0019167984").expect("is there").clone();
    let program = Program {
        config_id: FOREIGN.to_owned(),
        bins: vec!["53208779".to_owned()],
        port: Port::None,
        ..known
    };
    let once = Once::unkept(testkit::origin(), |_| Value::Null);
    node.app.create_program(Manager::COMMAND_LINE, program, once).await.expect("creates");
}

/// Imports a user with a card of a last day.
async fn import(node: &TestApp, number: i64, expiry: Date) -> CardId {
    let profile = Profile {
        first_name: "John".to_owned(),
        last_name: "Doe".to_owned(),
        phone: Phone::parse(&format!("{}", 910_000_000 + number)).expect("a phone"),
        email: Email::parse(&format!("late{number}@import.test")).expect("an e-mail"),
        birth_date: Date::constant(2000, 1, 1),
        external_id: None,
        address: None,
    };
    let user = Register { profile, state: UserState::Verified, kyc: Kyc::Success };
    let card = ForeignCard {
        config_id: FOREIGN.to_owned(),
        number: Pan::with_check_digit(&format!("53208779{number:07}")).expect("digits"),
        expiry,
        standing: Standing::Active,
        label: None,
    };
    let key = number.to_string();
    let mut import = node.app.begin_import(node.scope, &key, origin()).await.expect("begins");
    let line = Line { number: 1, read: Ok(([1; 32], user)), card: Some(card) };
    let became = node.app.import_users(&mut import, &[line]).await.expect("is done");
    let [Became::Registered(_, Some((card, _)))] = became[..] else { panic!("{became:?}") };
    card
}

on_both! {
    /// Whether its id is behind all that were there, or was in hand before one that is there.
    async fn a_card_that_comes_with_its_end_near_is_told_of(node) {
        // As another node leaves it that has walked as far as cards of its own.
        const WALKED: Sql =
            Sql("update counter set next = next + 1000 where name like 'expiring/%'");
        let partner = Partner::start(|_, _| Behaviour::Status(204)).await;
        node.deliver_to(&partner, &[Event::CardExpiring]).await;
        with_foreign_program(&node).await;
        node.funded(0).await;
        let last = node.app.now().to_zoned(TimeZone::UTC).date().last_of_month();
        advance_to(&node, last.saturating_sub(5.days()));
        assert_eq!(told(&node).await, 0);
        let behind = import(&node, 1, last).await;
        assert_eq!(told(&node).await, 1);

        let mut tx = node.app.db.begin().await.expect("begins");
        let walked = tx.run(&WALKED, &[]).await;
        assert!(tx.end(walked).await.expect("runs") > 0);
        let passed = import(&node, 2, last).await;
        import(&node, 3, last.saturating_add(1.year())).await;
        assert_eq!(told(&node).await, 0);
        eventually("the partner was told", Duration::from_secs(30), async || {
            partner.count() >= 2
        })
        .await;
        // Two cards' notifications are sent side by side: which comes first isn't said.
        let mut bodies: Vec<String> =
            partner.received().into_iter().map(|it| it.body.to_string()).collect();
        bodies.sort();
        let told: Vec<String> = [behind, passed]
            .map(|card| json!({ "dcCardId": card.0.to_string(), "exp": last.to_string() }))
            .map(|body| body.to_string())
            .to_vec();
        assert_eq!(bodies, told);
    }
}
