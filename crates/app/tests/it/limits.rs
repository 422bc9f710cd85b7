//! Limits, controls and budgets of cards, users and programs, in the decision.

use crate::holds::join_all;
use app::admins::Manager;
use app::audit::Operator;
use app::processor::{Authorize, Clear, Inform, Message, Told};
use app::programs::Change;
use app::refusals::Refusal;
use app::spending::{Allowance, Draft, DraftBudget, DraftLimit};
use app::{Error, Once};
use domain::authorization::Ask;
use domain::ids::{CardId, UserId};
use domain::ledger::clearing::Finality::Final;
use domain::limits::{Control, Controls, Limit, LimitType, Rules, TimeUnit};
use domain::money::{Amount, Currency};
use domain::spending::Sum;
use domain::transaction::{CaptureMode, Category, Description, Place, Processing, TransactionType};
use domain::user::Country;
use testkit::{Database, Funded, TestApp, on_both};

const DAY: i64 = 86_400;

fn amount(minor: i64) -> Amount {
    Amount::from_minor(minor).expect("not negative")
}

fn limit(unit: TimeUnit, minor: i64) -> DraftLimit {
    let kind = LimitType::General;
    DraftLimit { kind, unit, currency: Some(Currency::EUR), amount: amount(minor), count: None }
}

fn limits(limits: &[DraftLimit]) -> Draft {
    Draft { limits: limits.to_vec(), ..Draft::default() }
}

fn daily(minor: i64) -> Draft {
    limits(&[limit(TimeUnit::Daily, minor)])
}

async fn pay(node: &TestApp, card: CardId, minor: i64, name: &str) -> Description {
    node.purchase(card, minor, name).await.expect("decided").description
}

/// What was spent of the first limit, and how often.
fn used(allowance: &Allowance) -> (i128, i64) {
    let limit = allowance.spending.rules.limits.first().expect("a limit");
    let used = allowance.spending.used(limit, allowance.today);
    (used.amount, used.count)
}

async fn used_by_card(node: &TestApp, of: Funded) -> (i128, i64) {
    used(&node.app.card_limits(node.scope, of.user, of.card).await.expect("is there"))
}

async fn used_by_user(node: &TestApp, user: UserId) -> (i128, i64) {
    used(&node.app.owner_limits(node.scope, user.into()).await.expect("is there"))
}

async fn zone(node: &TestApp, name: &str) {
    let time_zone = Some(name.to_owned());
    let set = app::partners::Set { time_zone, ..Default::default() };
    let operator = Operator("os:test".to_owned());
    node.app.set_partner(&operator, "sandbox", set).await.expect("is set");
}

on_both! {
    /// A limit set in the middle of a day sees all of it; the next day begins anew, a month not.
    async fn a_new_limit_sees_the_whole_period(node) {
        let funded = node.funded(10_000).await;
        assert_eq!(pay(&node, funded.card, 300, "p1").await, Description::Approved);
        let both = [limit(TimeUnit::Daily, 500), limit(TimeUnit::Monthly, 900)];
        node.limit_card(funded, limits(&both)).await.expect("is set");
        assert_eq!(used_by_card(&node, funded).await, (300, 1));
        assert_eq!(pay(&node, funded.card, 201, "p2").await, Description::ExceedsAmountLimit);
        assert_eq!(pay(&node, funded.card, 200, "p3").await, Description::Approved);
        assert_eq!(pay(&node, funded.card, 1, "p4").await, Description::ExceedsAmountLimit);
        node.advance(DAY);
        assert_eq!(used_by_card(&node, funded).await, (0, 0));
        assert_eq!(pay(&node, funded.card, 401, "p5").await, Description::ExceedsAmountLimit);
        assert_eq!(pay(&node, funded.card, 400, "p6").await, Description::Approved);
        assert_eq!(node.amounts(funded.balance).await, (9_100, 900));
        node.verify().await;
    }
}

on_both! {
    /// What is reversed, in whole or in part, cleared for less, or has expired is given back; what
    /// comes above the hold counts and is never refused.
    async fn what_is_let_go_is_given_back(node) {
        let funded = node.funded(10_000).await;
        let card = funded.card;
        let lifetime = limits(&[limit(TimeUnit::Lifetime, 1_000)]);
        node.limit_card(funded, lifetime.clone()).await.expect("is set");
        node.limit_user(funded.user, lifetime).await.expect("is set");
        for name in ["p1", "p2", "p3", "p4"] {
            assert_eq!(pay(&node, card, 250, name).await, Description::Approved);
        }
        assert_eq!(pay(&node, card, 1, "p5").await, Description::ExceedsAmountLimit);
        node.reverse(card, 250, "r1", "p1").await.expect("decided");
        node.reverse(card, 100, "r2", "p2").await.expect("decided");
        assert_eq!(used_by_card(&node, funded).await, (650, 3));
        node.clear(card, 200, "c3", Some("p3"), Final).await.expect("decided");
        assert_eq!(used_by_card(&node, funded).await, (600, 3));
        node.clear(card, 700, "c2", Some("p2"), Final).await.expect("decided");
        assert_eq!(used_by_card(&node, funded).await, (1_150, 3), "a tip is never refused");
        node.advance(8 * DAY);
        assert_eq!(node.app.expire_holds().await.expect("ends"), 1);
        assert_eq!(used_by_card(&node, funded).await, (900, 2));
        // What wasn't authorized counts too.
        node.clear(card, 40, "c9", None, Final).await.expect("decided");
        let force = node.told(card, 60, "f1", Told::ForceDebit);
        node.app.inform(force).await.expect("recorded");
        assert_eq!(used_by_card(&node, funded).await, (1_000, 4));
        assert_eq!(used_by_user(&node, funded.user).await, (1_000, 4));
        // A refund gives nothing back.
        let refund = Authorize { ask: Ask::Credit, ..node.ask(card, 500, "k1") };
        node.app.authorize(refund).await.expect("decided");
        assert_eq!(used_by_card(&node, funded).await, (1_000, 4));
        node.verify().await;
    }
}

on_both! {
    /// A limit that is counted on the day of the authorization gets back on that day what is let go
    /// later, and the new day has nothing of it.
    async fn what_is_let_go_later_belongs_to_its_own_day(node) {
        let funded = node.funded(10_000).await;
        node.limit_card(funded, daily(500)).await.expect("is set");
        assert_eq!(pay(&node, funded.card, 500, "p1").await, Description::Approved);
        node.advance(DAY);
        assert_eq!(pay(&node, funded.card, 200, "p2").await, Description::Approved);
        node.reverse(funded.card, 500, "r1", "p1").await.expect("decided");
        assert_eq!(used_by_card(&node, funded).await, (200, 1));
        assert_eq!(pay(&node, funded.card, 301, "p3").await, Description::ExceedsAmountLimit);
        // An increment of yesterday's payment would count yesterday.
        assert_eq!(pay(&node, funded.card, 300, "p4").await, Description::Approved);
    }
}

on_both! {
    /// An increment counts with the payment that it raises and is not another one.
    async fn an_increment_counts_with_what_it_raises(node) {
        let funded = node.funded(10_000).await;
        let once = DraftLimit { count: Some(1), ..limit(TimeUnit::Daily, 500) };
        node.limit_card(funded, limits(&[once])).await.expect("is set");
        assert_eq!(pay(&node, funded.card, 300, "p1").await, Description::Approved);
        assert_eq!(pay(&node, funded.card, 1, "p2").await, Description::ExceedsAmountLimit);
        let mccs = Some(Control::Allowed(vec!["5942".to_owned()]));
        let controls = Controls { mccs, ..Controls::default() };
        let draft = Draft { limits: vec![once], controls, budget: None };
        node.limit_card(funded, draft).await.expect("is set");
        let raise = async |minor, name: &str| -> Message {
            let reference = Some(node.reference(minor, "p1"));
            let mut asked =
                Authorize { ask: Ask::Increment, reference, ..node.ask(funded.card, minor, name) };
            // It needn't tell again where.
            asked.details.mcc = None;
            node.app.authorize(asked).await.expect("decided")
        };
        assert_eq!(raise(201, "i1").await.description, Description::ExceedsAmountLimit);
        assert_eq!(raise(200, "i2").await.description, Description::Approved);
        assert_eq!(used_by_card(&node, funded).await, (500, 1));
    }
}

on_both! {
    /// What is corrected after the clearing counts on the day of the purchase, more or less; what
    /// is taken of a refund isn't spent.
    async fn a_correction_counts_as_what_it_corrects(node) {
        let funded = node.funded(10_000).await;
        let card = funded.card;
        let monthly = limits(&[limit(TimeUnit::Daily, 1_000), limit(TimeUnit::Monthly, 1_000)]);
        node.limit_card(funded, monthly).await.expect("is set");
        let used = async || {
            let allowance = node.app.card_limits(node.scope, funded.user, card).await;
            let allowance = allowance.expect("is there");
            let limits = &allowance.spending.rules.limits;
            let used = limits.iter().map(|limit| allowance.spending.used(limit, allowance.today));
            used.map(|used| (used.amount, used.count)).collect::<Vec<_>>()
        };
        let adjust = async |minor, name: &str, category, of: &str| {
            let (kind, told) = (TransactionType::Adjustment, Told::Adjustment);
            let reference = Some(node.reference(minor, of));
            let ask = node.told(card, minor, name, told);
            let done = node.app.inform(Inform { kind, category, reference, ..ask }).await;
            assert_eq!(done.expect("decided").processing, Processing::Success, "{name}");
        };
        assert_eq!(pay(&node, card, 500, "p1").await, Description::Approved);
        node.clear(card, 500, "c1", Some("p1"), Final).await.expect("decided");
        adjust(100, "a1", Category::Credit, "p1").await;
        assert_eq!(used().await, [(400, 1), (400, 1)]);
        node.advance(DAY);
        assert_eq!(pay(&node, card, 200, "p2").await, Description::Approved);
        adjust(150, "a2", Category::Credit, "p1").await;
        assert_eq!(used().await, [(200, 1), (450, 2)]);
        adjust(50, "a3", Category::Debit, "p1").await;
        assert_eq!(used().await, [(200, 1), (500, 2)]);

        let refund = Authorize { ask: Ask::Credit, ..node.ask(card, 300, "k1") };
        node.app.authorize(refund).await.expect("decided");
        adjust(100, "a4", Category::Debit, "k1").await;
        let settled = Clear {
            envelope: node.envelope(card, "k2", "k2"),
            details: node.details(200, "k2", Some("k1")),
            reference: Some(node.reference(200, "k1")),
            category: Category::Credit,
            finality: Final,
            sequence: 1,
            fx_difference: None,
        };
        node.app.clear(settled).await.expect("decided");
        adjust(50, "a5", Category::Debit, "k1").await;
        assert_eq!(used().await, [(200, 1), (500, 2)]);
        // A budget that is set afterwards finds the same.
        let from = "2026-09-01".parse().expect("a date");
        let budget = DraftBudget {
            currency: Some(Currency::EUR),
            amount: amount(1_000),
            from,
            to: "2026-09-30".parse().expect("a date"),
        };
        let draft = Draft { budget: Some(budget), ..Draft::default() };
        node.limit_card(funded, draft).await.expect("is set");
        let set = node.app.card_limits(node.scope, funded.user, card).await.expect("is there");
        assert_eq!(set.spending.used_of_budget(), Sum { amount: 500, count: 2 });
        node.verify().await;
    }
}

on_both! {
    /// A clearing doesn't tell how the card was read: it counts as the hold did, open or over,
    /// above it or not.
    async fn a_clearing_counts_as_what_its_hold_was(node) {
        let funded = node.funded(10_000).await;
        let card = funded.card;
        let kind = LimitType::Ecommerce;
        let online = DraftLimit { kind, ..limit(TimeUnit::Lifetime, 1_000) };
        node.limit_card(funded, limits(&[online])).await.expect("is set");
        for name in ["p1", "p2"] {
            let mut asked = node.ask(card, 100, name);
            asked.details.place.capture_mode = Some(CaptureMode::Ecom);
            let told = node.app.authorize(asked).await.expect("decided");
            assert_eq!(told.description, Description::Approved);
        }
        node.clear(card, 150, "c1", Some("p1"), Final).await.expect("decided");
        assert_eq!(used_by_card(&node, funded).await, (250, 2));
        node.advance(8 * DAY);
        assert_eq!(node.app.expire_holds().await.expect("ends"), 1);
        assert_eq!(used_by_card(&node, funded).await, (150, 1));
        node.clear(card, 120, "c2", Some("p2"), Final).await.expect("decided");
        assert_eq!(used_by_card(&node, funded).await, (270, 2));
        node.verify().await;
    }
}

on_both! {
    /// A user's limit is for all its cards and balances; a program's is for each of its cards.
    async fn a_users_limit_is_shared_and_a_programs_is_not(node) {
        let one = node.funded(10_000).await;
        let balance = node.balance_of(one.user).await;
        node.top_up(balance, 10_000).await.expect("tops up");
        let other = Funded { card: node.card_on(one.user, balance).await, balance, ..one };
        node.limit_user(one.user, daily(700)).await.expect("is set");
        assert_eq!(pay(&node, one.card, 400, "p1").await, Description::Approved);
        assert_eq!(pay(&node, other.card, 301, "p2").await, Description::LimitExceed);
        assert_eq!(pay(&node, other.card, 300, "p3").await, Description::Approved);
        assert_eq!(used_by_user(&node, one.user).await, (700, 2));

        node.limit_user(one.user, Draft::default()).await.expect("is taken away");
        let ceiling = Limit {
            kind: LimitType::General,
            unit: TimeUnit::Daily,
            currency: Currency::EUR,
            amount: amount(500),
            count: None,
        };
        let rules = Rules { limits: vec![ceiling], ..Rules::default() };
        set_ceilings(&node, rules).await;
        assert_eq!(pay(&node, one.card, 101, "p4").await, Description::LimitExceed);
        assert_eq!(pay(&node, one.card, 100, "p5").await, Description::Approved);
        assert_eq!(pay(&node, other.card, 200, "p6").await, Description::Approved);
        let above = node.limit_card(other, daily(501)).await;
        assert!(matches!(above, Err(Error::Refused(Refusal::LimitAboveProgram))), "{above:?}");
        node.limit_card(other, daily(500)).await.expect("is set");
        let zloty = DraftLimit { currency: Some(Currency::PLN), ..limit(TimeUnit::Daily, 1) };
        let zloty = node.limit_card(other, limits(&[zloty])).await;
        assert!(matches!(zloty, Err(Error::Refused(Refusal::CurrencyMismatch))), "{zloty:?}");
    }
}

/// Sets what each card of the program that every test has may spend at most.
async fn set_ceilings(node: &TestApp, rules: Rules) {
    let change = Change { rules: Some(rules), ..Change::default() };
    let once = Once::unkept(testkit::origin(), |_| serde_json::Value::Null);
    let named = (node.scope.partner(), "0019167984");
    node.app.change_program(Manager::COMMAND_LINE, named, change, once).await.expect("is set");
}

/// What a card may spend, as it is kept.
async fn kept(node: &TestApp, of: Funded) -> Rules {
    let told = node.app.card_limits(node.scope, of.user, of.card).await.expect("is there");
    told.spending.rules
}

on_both! {
    /// A ceiling that comes down leaves limits above it alone: they keep no other change away. What
    /// is set anew stays below it.
    async fn a_limit_from_before_the_ceiling_keeps_no_change_away(node) {
        let funded = node.funded(10_000).await;
        let both = limits(&[limit(TimeUnit::Daily, 700), limit(TimeUnit::Weekly, 900)]);
        node.limit_card(funded, both.clone()).await.expect("is set");
        let ceiling = |unit, minor| Limit {
            kind: LimitType::General, unit, currency: Currency::EUR, amount: amount(minor),
            count: None,
        };
        let ceilings = vec![ceiling(TimeUnit::Daily, 500), ceiling(TimeUnit::Yearly, 500)];
        let rules = Rules { limits: ceilings, ..Rules::default() };
        set_ceilings(&node, rules).await;

        let gambling = Control::Blocked(vec!["7995".to_owned()]);
        let blocked = node.change_limits(funded, |rules| {
            rules.controls.mccs = Some(gambling.clone());
            rules.limits[1].amount = amount(800);
            Ok(())
        });
        blocked.await.expect("the limit above the ceiling isn't touched");
        let before = kept(&node, funded).await;
        assert_eq!(before.controls.mccs, Some(gambling));
        assert_eq!(before.limits[1].amount, amount(800));
        for minor in [501, 600, 701] {
            let told = node.change_limits(funded, |rules| {
                rules.limits[0].amount = amount(minor);
                Ok(())
            });
            let told = told.await;
            assert!(matches!(told, Err(Error::Refused(Refusal::LimitAboveProgram))), "{told:?}");
        }
        let told = node.change_limits(funded, |rules| {
            rules.limits.push(ceiling(TimeUnit::Yearly, 501));
            Ok(())
        });
        let told = told.await;
        assert!(matches!(told, Err(Error::Refused(Refusal::LimitAboveProgram))), "{told:?}");
        let told = node.limit_card(funded, both).await;
        assert!(matches!(told, Err(Error::Refused(Refusal::LimitAboveProgram))), "{told:?}");
        let told = node.change_limits(funded, |rules| {
            rules.limits.clear();
            Err(Refusal::LimitsChanged)
        });
        let told = told.await;
        assert!(matches!(told, Err(Error::Refused(Refusal::LimitsChanged))), "{told:?}");
        assert_eq!(kept(&node, funded).await, before);
        let lower = node.change_limits(funded, |rules| {
            rules.limits[0].amount = amount(500);
            Ok(())
        });
        lower.await.expect("it is as low as the ceiling");
    }
}

on_both! {
    /// Days are the partner's: one of 25 hours, one of 23.
    async fn a_day_is_as_long_as_the_partners(node) {
        zone(&node, "Europe/Warsaw").await;
        let funded = node.funded(10_000).await;
        node.limit_card(funded, daily(100)).await.expect("is set");
        for (moment, name, expected) in [
            ("2026-10-24T21:59:59Z", "a1", Description::Approved),
            ("2026-10-24T22:00:00Z", "a2", Description::Approved),
            ("2026-10-25T22:59:59Z", "a3", Description::ExceedsAmountLimit),
            ("2026-10-25T23:00:00Z", "a4", Description::Approved),
            ("2027-03-27T23:00:00Z", "b1", Description::Approved),
            ("2027-03-28T21:59:59Z", "b2", Description::ExceedsAmountLimit),
            ("2027-03-28T22:00:00Z", "b3", Description::Approved),
        ] {
            node.advance_to(moment);
            assert_eq!(pay(&node, funded.card, 100, name).await, expected, "{moment}");
        }
    }
}

on_both! {
    /// A partner that moves west doesn't live a day twice.
    async fn a_change_of_time_zone_gives_no_day_twice(node) {
        zone(&node, "Pacific/Auckland").await;
        let funded = node.funded(10_000).await;
        node.limit_card(funded, daily(100)).await.expect("is set");
        node.advance_to("2026-10-24T20:00:00Z");
        assert_eq!(pay(&node, funded.card, 100, "p1").await, Description::Approved);
        zone(&node, "America/Los_Angeles").await;
        assert_eq!(pay(&node, funded.card, 1, "p2").await, Description::ExceedsAmountLimit);
        assert_eq!(used_by_card(&node, funded).await, (100, 1));
        node.advance_to("2026-10-26T08:00:00Z");
        assert_eq!(pay(&node, funded.card, 100, "p3").await, Description::Approved);
    }
}

on_both! {
    /// A machine's clock that was wrong for a moment takes no limit away and holds no card back.
    async fn a_clock_that_was_wrong_for_a_moment_changes_no_limit(node) {
        let funded = node.funded(10_000).await;
        let both = limits(&[limit(TimeUnit::Daily, 500), limit(TimeUnit::Monthly, 900)]);
        node.limit_card(funded, both.clone()).await.expect("is set");
        node.limit_user(funded.user, both).await.expect("is set");
        for (number, wrong) in [365 * DAY, -365 * DAY].into_iter().enumerate() {
            let before = used_by_card(&node, funded).await;
            let name = |what: &str| format!("{what}{number}");
            assert_eq!(pay(&node, funded.card, 300, &name("a")).await, Description::Approved);
            node.advance(wrong);
            assert_eq!(pay(&node, funded.card, 450, &name("b")).await, Description::Approved);
            node.advance(-wrong);
            assert_eq!(used_by_card(&node, funded).await, (before.0 + 300, before.1 + 1));
            let told = pay(&node, funded.card, 201, &name("c")).await;
            assert_eq!(told, Description::ExceedsAmountLimit);
            // What was spent then is given back then.
            node.reverse(funded.card, 450, &name("r"), &name("b")).await.expect("decided");
            assert_eq!(used_by_card(&node, funded).await, (before.0 + 300, before.1 + 1));
            node.reverse(funded.card, 300, &name("s"), &name("a")).await.expect("decided");
            assert_eq!(used_by_card(&node, funded).await, before);
            assert_eq!(pay(&node, funded.card, 200, &name("d")).await, Description::Approved);
            assert_eq!(used_by_user(&node, funded.user).await, (before.0 + 200, before.1 + 1));
        }
        node.verify().await;
    }
}

on_both! {
    /// Each type of limit counts its own payments; controls tell where, how and for what.
    async fn types_and_controls(node) {
        let funded = node.funded(10_000).await;
        let kind = LimitType::Ecommerce;
        let online = DraftLimit { kind, ..limit(TimeUnit::Daily, 100) };
        let controls = Controls {
            mccs: Some(Control::Blocked(vec!["7995".to_owned()])),
            countries: Country::parse("PL").map(|land| Control::Allowed(vec![land])),
            capture_modes: Some(Control::Blocked(vec![CaptureMode::Magstripe])),
            merchants: Some(Control::Blocked(vec!["evil".to_owned()])),
        };
        let draft = Draft { limits: vec![online], controls, budget: None };
        node.limit_card(funded, draft).await.expect("is set");
        let ask = async |name: &str, minor, change: &dyn Fn(&mut Authorize)| {
            let mut asked = node.ask(funded.card, minor, name);
            asked.details.place = Place {
                capture_mode: Some(CaptureMode::Emv),
                country: Country::parse("PL"),
                merchant: Some("good".to_owned()),
            };
            change(&mut asked);
            node.app.authorize(asked).await.expect("decided").description
        };
        let ecom = |asked: &mut Authorize| {
            asked.details.place.capture_mode = Some(CaptureMode::Ecom);
        };
        use Description::{Approved, ExceedsAmountLimit, TransactionNotPermitted};
        assert_eq!(ask("p1", 500, &|_| ()).await, Approved);
        assert_eq!(ask("p2", 100, &ecom).await, Approved);
        assert_eq!(ask("p3", 1, &ecom).await, ExceedsAmountLimit);
        assert_eq!(ask("p4", 1, &|it| it.kind = TransactionType::Atm).await, Approved);
        let gambling = |it: &mut Authorize| it.details.mcc = Some("7995".to_owned());
        assert_eq!(ask("p5", 1, &gambling).await, TransactionNotPermitted);
        let abroad = |it: &mut Authorize| it.details.place.country = Country::parse("TH");
        assert_eq!(ask("p6", 1, &abroad).await, TransactionNotPermitted);
        let nowhere = |it: &mut Authorize| it.details.place.country = None;
        assert_eq!(ask("p7", 1, &nowhere).await, TransactionNotPermitted);
        let stripe = |it: &mut Authorize| {
            it.details.place.capture_mode = Some(CaptureMode::Magstripe);
        };
        assert_eq!(ask("p8", 1, &stripe).await, TransactionNotPermitted);
        let evil = |it: &mut Authorize| it.details.place.merchant = Some("evil".to_owned());
        assert_eq!(ask("p9", 1, &evil).await, TransactionNotPermitted);
        // What only informs is never refused, and a refund isn't controlled.
        let mut force = node.told(funded.card, 9, "f1", Told::ForceDebit);
        force.details.mcc = Some("7995".to_owned());
        let forced = node.app.inform(force).await.expect("recorded");
        assert_eq!(forced.processing, Processing::Success);
        assert_eq!(ask("k1", 5, &|it| { it.ask = Ask::Credit; gambling(it); }).await, Approved);
    }
}

on_both! {
    /// A budget counts what was spent in its days before it was set, and nothing is spent outside.
    async fn a_budget_is_for_its_days(node) {
        let funded = node.funded(10_000).await;
        assert_eq!(pay(&node, funded.card, 300, "p1").await, Description::Approved);
        node.advance(DAY);
        assert_eq!(pay(&node, funded.card, 100, "p2").await, Description::Approved);
        let from: domain::Date = "2026-09-22".parse().expect("a date");
        let to: domain::Date = "2026-09-23".parse().expect("a date");
        let budget = |from, minor| {
            let currency = Some(Currency::EUR);
            let budget = Some(DraftBudget { currency, amount: amount(minor), from, to });
            Draft { budget, ..Draft::default() }
        };
        node.limit_card(funded, budget(from, 150)).await.expect("is set");
        let longer: domain::Date = "2026-09-21".parse().expect("a date");
        node.limit_user(funded.user, budget(longer, 450)).await.expect("is set");
        assert_eq!(pay(&node, funded.card, 51, "p3").await, Description::BudgetExceeded);
        assert_eq!(pay(&node, funded.card, 50, "p4").await, Description::Approved);
        node.reverse(funded.card, 50, "r4", "p4").await.expect("decided");
        node.advance(DAY);
        assert_eq!(pay(&node, funded.card, 50, "p5").await, Description::Approved);
        assert_eq!(pay(&node, funded.card, 1, "p6").await, Description::BudgetExceeded);
        node.limit_card(funded, Draft::default()).await.expect("is taken away");
        let told = pay(&node, funded.card, 1, "p7").await;
        assert_eq!(told, Description::BudgetExceeded, "the user's");
        node.advance(DAY);
        node.limit_user(funded.user, budget(longer, 9_999)).await.expect("is raised");
        let told = pay(&node, funded.card, 1, "p8").await;
        assert_eq!(told, Description::BudgetExceeded, "it is over");
    }
}

on_both! {
    /// However much was paid before and in between, a budget finds what was spent in its days.
    async fn a_budget_finds_its_days_in_a_long_history(node) {
        let (one, other) = two_balances(&node).await;
        let pay_many = async |card, name: &str| {
            let names: Vec<String> = (0..1_050).map(|number| format!("{name}{number}")).collect();
            for names in names.chunks(350) {
                let paid = names.iter().map(|name| node.purchase(card, 1, name));
                for told in join_all(paid).await {
                    assert_eq!(told.expect("decided").description, Description::Approved);
                }
            }
        };
        pay_many(one.card, "a").await;
        node.advance(40 * DAY);
        assert_eq!(pay(&node, one.card, 70, "b").await, Description::Approved);
        assert_eq!(pay(&node, other.card, 5, "c").await, Description::Approved);
        node.advance(10 * DAY);
        pay_many(one.card, "d").await;
        // 2026-09-21 and 40 and 50 days later.
        for (from, to, expected) in [
            ("2026-09-21", "2026-09-21", (1_050, 1_050)),
            ("2026-10-31", "2026-10-31", (75, 2)),
            ("2026-10-31", "2026-11-10", (1_125, 1_052)),
            ("2026-11-01", "2026-11-30", (1_050, 1_050)),
            ("2026-01-01", "2026-12-31", (2_175, 2_102)),
            ("2026-11-11", "2026-12-31", (0, 0)),
        ] {
            let (from, to) = (from.parse().expect("a date"), to.parse().expect("a date"));
            let (currency, amount) = (Some(Currency::EUR), amount(10_000));
            let budget = Some(DraftBudget { currency, amount, from, to });
            let draft = Draft { budget, ..Draft::default() };
            node.limit_user(one.user, draft.clone()).await.expect("is set");
            let set = node.app.owner_limits(node.scope, one.user.into()).await.expect("is there");
            let used = set.spending.used_of_budget();
            assert_eq!((used.amount, used.count), expected, "{from} {to}");
            // The same again, beside a limit, is what was counted.
            let beside = Draft { limits: vec![limit(TimeUnit::Daily, 9_999)], ..draft };
            node.limit_user(one.user, beside).await.expect("is set");
            let again = node.app.owner_limits(node.scope, one.user.into()).await.expect("is there");
            assert_eq!(again.spending.used_of_budget(), used);
        }
    }
}

on_both! {
    /// Of many at once, on two balances of one user, exactly those within its limit pass.
    async fn a_users_limit_is_never_exceeded_by_many_at_once(node) {
        let (one, other) = two_balances(&node).await;
        node.limit_user(one.user, daily(1_000)).await.expect("is set");
        let names: Vec<String> = (0..30).map(|number| format!("p{number}")).collect();
        let at_one = join_all(names.iter().map(|name| node.purchase(one.card, 100, name)));
        let others: Vec<String> = (0..30).map(|number| format!("q{number}")).collect();
        let at_other = join_all(others.iter().map(|name| node.purchase(other.card, 100, name)));
        let (at_one, at_other) = tokio::join!(at_one, at_other);
        let decided = at_one.into_iter().chain(at_other).map(|told| told.expect("decided"));
        let approved = decided.filter(|it| it.processing == Processing::Success).count();
        assert_eq!(approved, 10);
        assert_eq!(used_by_user(&node, one.user).await, (1_000, 10));
        node.verify().await;
    }
}

async fn two_balances(node: &TestApp) -> (Funded, Funded) {
    let one = node.funded(100_000).await;
    let balance = node.balance_of(one.user).await;
    node.top_up(balance, 100_000).await.expect("tops up");
    (one, Funded { card: node.card_on(one.user, balance).await, balance, ..one })
}

/// The same at two nodes, while the limit itself is set again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_users_limit_is_never_exceeded_at_two_nodes() {
    let node = TestApp::on(Database::Postgres).await;
    let sibling = node.sibling().await;
    sibling.app.refresh_settings().await.expect("reads settings");
    let (one, other) = two_balances(&node).await;
    node.limit_user(one.user, daily(3_000)).await.expect("is set");
    let names: Vec<String> = (0..60).map(|number| format!("p{number}")).collect();
    let at_one = join_all(names.iter().map(|name| node.purchase(one.card, 100, name)));
    let others: Vec<String> = (0..60).map(|number| format!("q{number}")).collect();
    let at_other = join_all(others.iter().map(|name| sibling.purchase(other.card, 100, name)));
    let setting = async {
        for minor in [3_001, 3_002, 3_003, 3_000] {
            sibling.limit_user(one.user, daily(minor)).await.expect("is set");
            sibling.limit_card(other, daily(minor)).await.expect("is set");
        }
    };
    let (at_one, at_other, ()) = tokio::join!(at_one, at_other, setting);
    let decided = at_one.into_iter().chain(at_other).map(|told| told.expect("decided"));
    let approved = decided.filter(|it| it.processing == Processing::Success).count();
    assert_eq!(approved, 30);
    assert_eq!(used_by_user(&node, one.user).await, (3_000, 30));
    node.verify().await;
}
