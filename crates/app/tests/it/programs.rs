//! Programs and processors: what can't be created beside what there is, also from two nodes at
//! once.

use app::admins::Manager;
use app::audit::Operator;
use app::cards::{FullCard, IssueVirtual};
use app::partners::Create;
use app::programs::{Change, program_json};
use app::{Error, Once, Refusal};
use domain::ids::{BalanceId, CardId, PartnerId, UserId};
use domain::program::{Program, ProgramState};
use domain::secret::Pan;
use domain::transaction::Description;
use serde_json::{Value, json};
use testkit::{Database, TestApp, on_both};

fn operator() -> Operator {
    Operator("os:test".to_owned())
}

/// The program that every test has, for another BIN.
fn program(node: &TestApp, partner: PartnerId, config_id: &str, bin: &str) -> Program {
    let settings = node.app.settings.get();
    let known = settings.program(node.scope.partner(), "0019167984").expect("is there").clone();
    Program { partner, config_id: config_id.to_owned(), bins: vec![bin.to_owned()], ..known }
}

async fn create(node: &TestApp, partner: PartnerId, id: &str, bin: &str) -> Result<(), Error> {
    let program = program(node, partner, id, bin);
    let once = Once::unkept(testkit::origin(), |_| Value::Null);
    node.app.create_program(Manager::COMMAND_LINE, program, once).await.map(|_| ())
}

fn once() -> Once<Program> {
    Once::unkept(testkit::origin(), program_json)
}

/// Changes a program as the command line does.
async fn change(node: &TestApp, config_id: &str, to: Change) -> Result<Value, Error> {
    let named = (node.scope.partner(), config_id);
    node.app.change_program(Manager::COMMAND_LINE, named, to, once()).await
}

/// Gives the program that every test has a further BIN.
async fn add_bin(node: &TestApp, bin: &str) -> Result<Value, Error> {
    change(node, "0019167984", Change { bin: Some(bin.to_owned()), ..Change::default() }).await
}

async fn second_partner(node: &TestApp) -> PartnerId {
    let create = Create {
        code: "second".to_owned(),
        name: "Second".to_owned(),
        settings: domain::partner::Settings::default(),
    };
    node.app.create_partner(&operator(), create).await.expect("creates").id
}

fn is_refused<T>(result: &Result<T, Error>, with: Refusal) -> bool {
    matches!(result, Err(Error::Refused(refusal)) if *refusal == with)
}

on_both! {
    /// Numbers of 532087 and of 53208701 could be equal, whoever has them.
    async fn a_bin_that_begins_or_continues_another_is_refused(node) {
        let (own, second) = (node.scope.partner(), second_partner(&node).await);
        for partner in [own, second] {
            let short = create(&node, partner, "0000000001", "532087").await;
            assert!(is_refused(&short, Refusal::BinTaken), "{short:?}");
        }
        let equal = create(&node, second, "0000000001", "53208701").await;
        assert!(is_refused(&equal, Refusal::BinTaken), "{equal:?}");
        create(&node, own, "0000000001", "53208701").await.expect("the same BIN again");
        create(&node, own, "0000000002", "53208702").await.expect("a BIN beside it");
        create(&node, second, "0000000001", "532088").await.expect("a free BIN");
        let long = create(&node, second, "0000000002", "53208801").await;
        assert!(is_refused(&long, Refusal::BinTaken), "{long:?}");
    }
}

on_both! {
    /// The sandbox does so at each start.
    async fn a_processor_is_created_once_and_keeps_its_time_budget(node) {
        let made = node.app.create_processor(&operator(), "p", 2_000).await.expect("creates");
        let again = node.app.create_processor(&operator(), "p", 2_000).await.expect("finds");
        assert_eq!(made, again);
        let other = node.app.create_processor(&operator(), "p", 3_000).await;
        assert!(is_refused(&other, Refusal::ProcessorAlreadyExists), "{other:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_processor_created_at_two_nodes_is_one() {
    let one = TestApp::on(Database::Postgres).await;
    let other = one.sibling().await;
    for round in 0..20 {
        let (name, operator) = (format!("p{round}"), operator());
        let (here, there) = tokio::join!(
            one.app.create_processor(&operator, &name, 2_000),
            other.app.create_processor(&operator, &name, 2_000),
        );
        assert_eq!(here.expect("creates"), there.expect("creates"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_bins_that_overlap_two_nodes_make_one() {
    let one = TestApp::on(Database::Postgres).await;
    let other = one.sibling().await;
    for round in 0..20 {
        let partner = one.scope.partner();
        let (short, long) = (format!("4000{round:02}"), format!("4000{round:02}01"));
        let ids = (format!("10000000{round:02}"), format!("20000000{round:02}"));
        let (here, there) = tokio::join!(
            create(&one, partner, &ids.0, &short),
            create(&other, partner, &ids.1, &long),
        );
        assert!(here.is_ok() != there.is_ok(), "{here:?} {there:?}");
        let refused = if here.is_ok() { there } else { here };
        assert!(is_refused(&refused, Refusal::BinTaken), "{refused:?}");
    }
}

on_both! {
    /// A closed program's cards pay nothing and none is made of it; nothing else of it is touched,
    /// and when it is opened all is as before. What is there already leaves no record.
    async fn a_closed_program_works_again_when_it_is_opened(node) {
        let funded = node.funded(1_000).await;
        let set = async |state| {
            let to = Change { state: Some(state), ..Change::default() };
            change(&node, "0019167984", to).await.expect("is set")
        };
        let pay = async |name: &str| {
            node.purchase(funded.card, 100, name).await.expect("decided").description
        };
        let before = set(ProgramState::Live).await;
        let version = node.app.settings.get().version;
        let closed = set(ProgramState::Closed).await;
        assert_eq!(closed["state"], "CLOSED");
        assert!(node.app.settings.get().version > version);
        assert_eq!(pay("closed").await, Description::TransactionNotPermitted);
        let refused = issue(&node, funded.user, funded.balance).await;
        assert!(is_refused(&refused, Refusal::ProgramNotFound), "{refused:?}");
        let unknown = change(&node, "1", Change::default()).await;
        assert!(is_refused(&unknown, Refusal::ProgramNotFound));
        assert_eq!(set(ProgramState::Live).await, before);
        assert_eq!(pay("open").await, Description::Approved);
        issue(&node, funded.user, funded.balance).await.expect("issues");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_changes_at_two_nodes_both_stay() {
    let one = TestApp::on(Database::Postgres).await;
    let other = one.sibling().await;
    for round in 10..20 {
        let (here, there) = (format!("470000{round}"), format!("480000{round}"));
        let (here, there) = tokio::join!(add_bin(&one, &here), add_bin(&other, &there));
        here.and(there).expect("both are added");
    }
    one.app.refresh_settings().await.expect("reads settings");
    let settings = one.app.settings.get();
    let program = settings.program(one.scope.partner(), "0019167984").expect("is there");
    assert_eq!(program.bins.len(), 21);
}

on_both! {
    /// A full BIN is followed by the program's next one; without one no card is made, and none has
    /// a number that another has. Cards keep the codes that their own BIN's keys make.
    async fn a_full_bin_is_followed_by_the_next(node) {
        let user = node.user().await;
        let balance = node.balance_of(user).await;
        let first = node.card_on(user, balance).await;
        let origin = testkit::origin();
        let full = async |card| {
            node.app.full_card(node.scope, user, card, &origin).await.expect("is shown")
        };
        let number = async |card| digits(&full(card).await.pan);
        assert!(node.app.programs_running_out().await.expect("looks").is_empty());
        // A block of 64 is in hand; what follows it begins behind nearly all there are.
        app::ids::skip_numbers(&node.app.db, 9_999_900).await.expect("skips");
        let running_out = node.app.programs_running_out().await.expect("looks");
        assert_eq!(running_out.len(), 1);
        let mut numbers = std::collections::BTreeSet::from([number(first).await]);
        let refused = loop {
            match issue(&node, user, balance).await {
                Ok(card) => assert!(numbers.insert(number(card).await), "a number twice"),
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, Error::Refused(Refusal::BinRangeExhausted)), "{refused:?}");
        // The block, and what was left behind it.
        assert_eq!(numbers.len(), 64 + 10_000_000 - 9_999_964);
        let code = cvv(&full(first).await);

        let taken = add_bin(&node, "532087").await;
        assert!(is_refused(&taken, Refusal::BinTaken), "it begins the other");
        let invalid = add_bin(&node, "5320870").await;
        assert!(is_refused(&invalid, Refusal::ProgramInvalid));
        for _ in 0..2 {
            let program = add_bin(&node, "53208799").await.expect("adds");
            assert_eq!(program["bins"], json!(["53208701", "53208799"]));
        }
        let next = issue(&node, user, balance).await.expect("issues");
        assert!(number(next).await.starts_with("53208799"));
        assert_eq!(cvv(&full(first).await), code);
        assert!(node.app.programs_running_out().await.expect("looks").is_empty());
        let settings = node.app.settings.get();
        let program = settings.program(node.scope.partner(), "0019167984").expect("is there");
        let ranges = node.app.bin_ranges(program).await.expect("reads");
        assert_eq!((ranges[0].taken, ranges[0].of), (10_000_000, 10_000_000));
        assert_eq!((ranges[1].taken, ranges[1].of), (64, 10_000_000));
    }
}

on_both! {
    /// What several callers were given at once, of a BIN of 6 and one of 8 digits, in the order in
    /// which their cards were made: none twice, and no order that anybody could see.
    async fn issued_numbers_pass_a_runs_test(node) {
        const CALLERS: usize = 4;
        const EACH: usize = 100;
        for (config_id, bin) in [("0000000061", "400061"), ("0000000081", "40008101")] {
            create(&node, node.scope.partner(), config_id, bin).await.expect("creates");
            let user = node.user().await;
            let balance = node.balance_of(user).await;
            let caller = async || {
                let mut made = Vec::new();
                for _ in 0..EACH {
                    made.push(issue_of(&node, config_id, user, balance).await.expect("issues"));
                }
                made
            };
            let (a, b, c, d) = tokio::join!(caller(), caller(), caller(), caller());
            let mut cards = [a, b, c, d].concat();
            cards.sort_unstable();
            let mut numbers = Vec::new();
            for card in cards {
                let full = node.app.full_card(node.scope, user, card, &testkit::origin()).await;
                let number = digits(&full.expect("is shown").pan);
                let place = number.strip_prefix(bin).expect("of its BIN");
                numbers.push(place[..15 - bin.len()].parse::<u64>().expect("digits"));
            }
            check_runs(&numbers);
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), CALLERS * EACH);
        }
    }
}

/// Wald and Wolfowitz: above or below the median, random numbers change sides as often as tosses of
/// a coin; and they climb as often as they fall. Five standard deviations are allowed, since the
/// keys are drawn anew each time.
fn check_runs(numbers: &[u64]) {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    let (count, median) = (numbers.len(), sorted[numbers.len() / 2]);
    let above: Vec<_> = numbers.iter().map(|number| *number >= median).collect();
    let runs = 1 + above.windows(2).filter(|pair| pair[0] != pair[1]).count();
    // The mean is n/2 + 1; the variance n(n-2) / 4(n-1), a little less than n/4.
    let off = runs.abs_diff(count / 2 + 1);
    assert!(4 * off * off <= 25 * count, "{runs} runs of {count}");
    let climbs = numbers.windows(2).filter(|pair| pair[0] < pair[1]).count();
    // The mean is (n-1)/2; the variance (n+1)/12.
    let off = climbs.abs_diff((count - 1) / 2);
    assert!(12 * off * off <= 25 * (count + 1), "{climbs} climbs of {count}");
}

async fn issue(node: &TestApp, user: UserId, balance: BalanceId) -> Result<CardId, Error> {
    issue_of(node, "0019167984", user, balance).await
}

async fn issue_of(
    node: &TestApp,
    config_id: &str,
    user: UserId,
    balance: BalanceId,
) -> Result<CardId, Error> {
    let config_id = config_id.to_owned();
    let command = IssueVirtual { holder: user, corporation: None, balance, config_id, label: None };
    let once = Once {
        endpoint: "POST /cards".to_owned(),
        key: None,
        fingerprint: [1; 32],
        origin: testkit::origin(),
        render: |card: &domain::card::Card| json!(card.id.0),
    };
    let made = node.app.issue_virtual_card(node.scope, command, once).await?;
    Ok(CardId(made.as_i64().expect("an id")))
}

#[expect(clippy::disallowed_methods, reason = "a test compares numbers")]
fn digits(pan: &Pan) -> String {
    pan.expose().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "a test compares codes")]
fn cvv(card: &FullCard) -> String {
    card.cvv.expose().to_owned()
}
