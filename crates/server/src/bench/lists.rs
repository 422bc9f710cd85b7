//! The measurement of what the panel's people look at: every list and every search of the admin
//! API, one call after the other, over HTTPS, upon the users and the past that there are.

use super::ground::{Ground, Opened};
use super::over_https::start_server;
use super::report::Listed;
use crate::cli::ListsArgs;
use crate::clock;
use crate::failure::Failure;
use crate::output::Progress;
use crate::sandbox::admins;
use app::admins::{NewAdmin, Secrets};
use app::preload::BenchPartner;
use domain::admin::Role;
use serde_json::Value;
use simulator::staff::Staff;
use std::path::Path;
use std::time::Instant;

/// The account that looks.
const EMAIL: &str = "lists@bench.example";
/// Users and transactions that calls are about.
const SAMPLE: usize = 100;

/// Lists and searches: what each is called, and its path for a number and for what there is.
type Asked = (&'static str, fn(&Facts, usize) -> String);

const ASKED: &[Asked] = &[
    ("users", |_, _| "/customers?limit=50".to_owned()),
    ("users, a later page", |it, n| format!("/customers?limit=50&after={}", it.user(n)["id"])),
    ("users by state", |_, _| "/customers?limit=50&state=LOCKED".to_owned()),
    ("users by KYC", |_, _| "/customers?limit=50&kyc=REJECTED".to_owned()),
    ("user by id", |it, n| format!("/customers?search={}", it.user(n)["id"])),
    ("user by e-mail", |it, n| format!("/customers?search={}", text(it.user(n), "email"))),
    ("user by phone", |it, n| format!("/customers?search={}", text(it.user(n), "phone"))),
    ("user by last four", |_, n| format!("/customers?search={:04}", n * 7_919 % 10_000)),
    ("user by name", |it, n| format!("/customers?search={}", text(it.user(n), "lastName"))),
    ("user by a letter", |it, n| format!("/customers?search={:.1}", text(it.user(n), "lastName"))),
    ("one user", |it, n| format!("/customers/{}", it.user(n)["id"])),
    ("balances of a user", |it, n| format!("/customers/{}/balances", it.user(n)["id"])),
    ("cards of a user", |it, n| format!("/customers/{}/cards", it.user(n)["id"])),
    ("devices of a user", |it, n| format!("/customers/{}/devices", it.user(n)["id"])),
    ("orders of a user", |it, n| format!("/customers/{}/cards/orders", it.user(n)["id"])),
    ("transactions", |_, _| "/transactions?limit=50".to_owned()),
    ("declined", |_, _| "/transactions?limit=50&processingStatus=DECLINED".to_owned()),
    ("held", |_, _| "/transactions?limit=50&status=AUTHORIZED".to_owned()),
    ("of an amount", |_, n| format!("/transactions?limit=50&amountFrom={n}&amountTo={n}")),
    ("of a user", |it, n| format!("/transactions?limit=50&customerId={}", it.user(n)["id"])),
    ("of a card", |it, n| format!("/transactions?limit=50&cardId={}", it.paid(n)["cardId"])),
    ("of a balance", |it, n| {
        format!("/transactions?limit=50&balanceId={}", text(it.paid(n), "balanceId"))
    }),
    ("of last four", |it, n| {
        let (digits, from) = (n * 7_919 % 10_000, text(it.paid(SAMPLE - 1), "receivedAt"));
        let from = from.replace('+', "%2B");
        format!("/transactions?limit=50&lastFourDigits={digits:04}&from={from}")
    }),
    ("one transaction", |it, n| format!("/transactions/{}", text(it.paid(n), "id"))),
    ("overview", |_, _| "/overview".to_owned()),
    ("sums of balances", |_, _| "/balances/summary".to_owned()),
    ("balances", |_, _| "/balances?limit=50".to_owned()),
    ("balances of a currency", |_, _| "/balances?limit=50&currency=EUR&state=LOCKED".to_owned()),
    ("balances of a name", |it, n| format!("/balances?search={}", text(it.user(n), "lastName"))),
    ("one balance", |it, n| format!("/balances/{}", text(it.paid(n), "balanceId"))),
    ("a statement", |it, n| {
        let day = text(it.paid(n), "receivedAt").get(..10).unwrap_or_default();
        format!("/balances/{}/statement?from={day}&to={day}", text(it.paid(n), "balanceId"))
    }),
    ("inactive users", |_, n| format!("/reports/inactive-users?limit=50&days={}", n % 90 + 1)),
    ("hits of screening", |_, _| "/screening/hits?limit=50".to_owned()),
    ("accounts", |_, _| "/accounts?limit=50".to_owned()),
    ("partner balances", |_, _| "/partner-balances".to_owned()),
    ("verifications", |_, _| "/verifications?limit=50".to_owned()),
    ("corporations", |_, _| "/corporations?limit=50".to_owned()),
    ("audit", |_, _| "/audit?limit=50".to_owned()),
    ("audit of an action", |_, _| "/audit?limit=50&action=partner.create".to_owned()),
    ("audit of a day", |it, n| {
        let day = text(it.paid(n), "receivedAt").get(..10).unwrap_or_default();
        format!("/audit?limit=50&from={day}T00:00:00Z&to={day}T23:59:59Z")
    }),
    ("audit of an object", |it, n| format!("/audit?limit=50&object={}", it.user(n)["id"])),
];

/// Measures.
pub(super) async fn measure(
    ground: &Ground,
    arguments: &ListsArgs,
    progress: &Progress,
) -> Result<Listed, Failure> {
    let opened = ground.prepare(&[BenchPartner::Measured], progress).await?;
    let app = opened.sandbox.desk.app.clone();
    let users = i64::from(arguments.users);
    let told = |made| progress.tell(|| format!("{made} of {users} users…"));
    app.make_names_for_measuring(users, told).await?;
    app.db.analyze().await?;
    let account = account(&opened).await?;
    drop(app);
    opened.close().await?;

    progress.tell(|| "Starting the server…".to_owned());
    let mut server = start_server(ground.dir(), 1).await?;
    let looked = look(ground.dir(), &account, arguments.calls, progress).await;
    progress.tell(|| "Stopping the server…".to_owned());
    let ended = server.end().await?;
    let looked = looked?;
    if ended.success() { Ok(looked) } else { Err(server.gone()) }
}

/// Makes the account, or its secrets anew.
async fn account(opened: &Opened) -> Result<Secrets, Failure> {
    let (app, operator) = (&opened.sandbox.desk.app, &opened.sandbox.operator);
    let settings = app.settings.get();
    let partner = settings.partner_of_code(&BenchPartner::Measured.code());
    let partner = partner.map(|partner| partner.id);
    let new = NewAdmin { email: EMAIL.to_owned(), role: Role::Admin, partner };
    let made = admins::made(app, operator, new).await?;
    made.ok_or_else(|| Failure::new("The account that looks can't be opened."))
}

async fn look(
    dir: &Path,
    account: &Secrets,
    calls: u32,
    progress: &Progress,
) -> Result<Listed, Failure> {
    let caller = sign_in(dir, account).await?;
    let facts = Facts::gather(&caller).await?;
    let mut listed = Listed::default();
    for (name, path) in ASKED {
        progress.tell(|| format!("{name}…"));
        for number in 0..calls as usize {
            let path = path(&facts, number);
            let begun = Instant::now();
            let answer = caller.get(&path).await;
            let took = begun.elapsed();
            listed.note(name, took, answer.err().map(|error| error.to_string()));
        }
    }
    Ok(listed)
}

/// Signs the account in.
async fn sign_in(dir: &Path, account: &Secrets) -> Result<Staff, Failure> {
    let seconds = u64::try_from(clock::now().as_second()).unwrap_or_default();
    let code = crypto::totp::code_of(account.typed(), seconds).unwrap_or_default();
    let signed = Staff::sign_in(dir, EMAIL, account.password.expose(), &code);
    signed.await.map_err(|error| Failure::new(format!("Nobody can be signed in: {error}.")))
}

/// What there is to look for.
struct Facts {
    users: Vec<Value>,
    transactions: Vec<Value>,
}

impl Facts {
    /// Users from the first to the last, and the newest transactions.
    async fn gather(caller: &Staff) -> Result<Self, Failure> {
        let items = async |path: String| {
            let told = caller.get(&path).await;
            let told =
                told.map_err(|error| Failure::new(format!("Nothing is listed: {error}.")))?;
            Ok::<_, Failure>(told["items"].as_array().cloned().unwrap_or_default())
        };
        let newest = items("/customers?limit=1".to_owned()).await?;
        let last = newest.first().and_then(|user| user["id"].as_u64()).unwrap_or(1);
        let mut users = Vec::new();
        for place in 1..=SAMPLE as u64 {
            let id = (last * place / SAMPLE as u64).max(1);
            users.extend(items(format!("/customers?search={id}")).await?);
        }
        let transactions = items(format!("/transactions?type=pos&limit={SAMPLE}")).await?;
        let paid = transactions.into_iter().filter(|it| it["cardId"].is_u64());
        Ok(Self { users, transactions: paid.collect() })
    }

    fn user(&self, number: usize) -> &Value {
        one_of(&self.users, number)
    }

    fn paid(&self, number: usize) -> &Value {
        one_of(&self.transactions, number)
    }
}

fn one_of(all: &[Value], number: usize) -> &Value {
    all.get(number % all.len().max(1)).unwrap_or(&Value::Null)
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_default()
}
