//! Imports between requests and nodes: who may go on with one, and when it is forgotten.

use app::users::{Became, Import, Line, Register};
use app::{Error, Refusal};
use domain::import::ImportState;
use domain::user::{Email, Kyc, Phone, Profile, UserState};
use store::db::Sql;
use testkit::{TestApp, on_both};

const DAY: i64 = 24 * 60 * 60;

/// A line of a user that nobody else is, by its number.
fn line(number: i64) -> Line {
    let profile = Profile {
        first_name: "John".to_owned(),
        last_name: "Doe".to_owned(),
        phone: Phone::parse(&format!("{}", 910_000_000 + number)).expect("a phone"),
        email: Email::parse(&format!("line{number}@import.test")).expect("an e-mail"),
        birth_date: domain::Date::constant(2000, 1, 1),
        external_id: None,
        address: None,
    };
    let user = Register { profile, state: UserState::New, kyc: Kyc::None };
    Line { number, read: Ok(([u8::try_from(number).expect("few"); 32], user)), card: None }
}

async fn begin(node: &TestApp, key: &str) -> Result<Import, Error> {
    node.app.begin_import(node.scope, key, testkit::origin()).await
}

async fn done(node: &TestApp, import: &mut Import, numbers: &[i64]) -> Result<Vec<Became>, Error> {
    let lines: Vec<Line> = numbers.iter().map(|number| line(*number)).collect();
    node.app.import_users(import, &lines).await
}

async fn state(node: &TestApp, key: &str) -> (ImportState, i64, i64) {
    let told = node.app.import_progress(node.scope, key).await.expect("is there");
    (told.state, told.lines, told.created)
}

async fn count(node: &TestApp, sql: &'static str) -> i64 {
    let mut tx = node.app.db.read().await.expect("reads");
    let row = tx.row(&Sql(sql), &[]).await.expect("counts");
    tx.rollback().await;
    row.get("rows").expect("a number")
}

fn is_refused<T>(told: &Result<T, Error>, refusal: Refusal) -> bool {
    matches!(told, Err(Error::Refused(told)) if *told == refusal)
}

on_both! {
    /// One request at a time does an import; the next goes on where it was.
    async fn an_import_is_done_by_one_request_at_a_time(node) {
        let mut first = begin(&node, "key").await.expect("begins");
        let became = done(&node, &mut first, &[1, 2]).await.expect("done");
        assert!(matches!(became[..], [Became::Registered(..), Became::Registered(..)]));
        assert!(is_refused(&begin(&node, "key").await, Refusal::RequestInProgress));
        begin(&node, "other").await.expect("another key is another import");
        assert_eq!(state(&node, "key").await, (ImportState::Running, 2, 2));

        node.app.end_import(first, ImportState::Broken).await.expect("ends");
        assert_eq!(state(&node, "key").await, (ImportState::Broken, 2, 2));
        let mut next = begin(&node, "key").await.expect("goes on");
        let again = done(&node, &mut next, &[1, 2, 3]).await.expect("done");
        assert_eq!(again[..2], became[..]);
        node.app.end_import(next, ImportState::Finished).await.expect("ends");
        assert_eq!(state(&node, "key").await, (ImportState::Finished, 3, 3));
    }
}

on_both! {
    /// Whoever isn't heard of for too long loses it, and then writes nothing any more.
    async fn an_import_that_nobody_hears_of_is_gone_on_with(node) {
        const FORGOTTEN: Sql = Sql("update import set claimed_until = started_at");
        let mut first = begin(&node, "key").await.expect("begins");
        done(&node, &mut first, &[1]).await.expect("done");
        let mut tx = node.app.db.begin().await.expect("begins");
        let forgotten = tx.run(&FORGOTTEN, &[]).await;
        tx.end(forgotten).await.expect("written");
        assert_eq!(state(&node, "key").await, (ImportState::Broken, 1, 1));

        let mut next = begin(&node, "key").await.expect("goes on");
        assert!(is_refused(&done(&node, &mut first, &[2, 3]).await, Refusal::RequestInProgress));
        let users = "select count(*) as rows from \"user\" where email_folded like 'line%'";
        assert_eq!(count(&node, users).await, 1);
        node.app.end_import(first, ImportState::Broken).await.expect("changes nothing");
        assert_eq!(state(&node, "key").await, (ImportState::Running, 1, 1));
        done(&node, &mut next, &[2, 3]).await.expect("done");
        assert_eq!((count(&node, users).await, state(&node, "key").await.1), (3, 3));
        let audited = "select count(*) as rows from audit where action = 'user.register'";
        assert_eq!(count(&node, audited).await, 3);
    }
}

on_both! {
    /// 30 days after its beginning an import is forgotten, and its lines 30 days after they were
    /// done; its users stay.
    async fn an_import_is_forgotten_after_thirty_days(node) {
        let mut import = begin(&node, "key").await.expect("begins");
        done(&node, &mut import, &[1]).await.expect("done");
        node.advance(20 * DAY);
        done(&node, &mut import, &[2]).await.expect("done");
        let lines = "select count(*) as rows from import_line";
        let sweep = async || {
            app::janitor::sweep(&node.app, &app::janitor::Retention::default()).await.expect("ok")
        };
        sweep().await;
        assert_eq!((state(&node, "key").await.1, count(&node, lines).await), (2, 2));

        node.advance(10 * DAY + 60);
        sweep().await;
        let gone = node.app.import_progress(node.scope, "key").await;
        assert!(is_refused(&gone, Refusal::ImportNotFound));
        assert_eq!(count(&node, lines).await, 1);
        // Whoever still does it finds that it is gone.
        assert!(is_refused(&done(&node, &mut import, &[3]).await, Refusal::RequestInProgress));
        let mut anew = begin(&node, "key").await.expect("begins anew");
        let became = done(&node, &mut anew, &[1]).await.expect("done");
        assert_eq!(became, [Became::Refused(Refusal::UserAlreadyExists)]);
        node.advance(20 * DAY);
        sweep().await;
        assert_eq!(count(&node, lines).await, 1);
    }
}
