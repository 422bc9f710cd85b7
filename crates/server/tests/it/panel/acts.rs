//! Every form of the panel, filled in and sent in Debian's chromium.

use super::accounts::id_of;
use super::denied::{FORMS, FORMS_OF_OPERATOR};
use super::{Scene, told};
use crate::corporations::{Company, employee as employee_of};
use crate::plastic::{self, DIGITAL_FIRST};
use crate::story::{Story, expect, unique};
use crate::support::{Sandbox, in_chromium};
use crate::{renewals, screening, verifications};
use crypto::certificates::client_key_and_csr;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

/// Longer than it takes to tell a partner.
const WORKER: Duration = Duration::from_secs(30);

/// A form: who sends it, the page that has it, where it is sent, what is filled in, and what the
/// page then says. A part of a path in capitals is an id.
type Act = (&'static str, &'static str, &'static str, &'static [Field], &'static str);
/// A field's name and what is typed, chosen or ticked in it; of a hidden one, what tells the form
/// from others that are sent to the same place.
type Field = (&'static str, &'static str);

const ADDRESS: &[Field] = &[
    ("street", "Main Street"),
    ("number", "1"),
    ("city", "Warsaw"),
    ("postCode", "00-001"),
    ("country", "PL"),
];

/// In an order in which each finds what it is about.
const ACTS: &[Act] = &[
    ("EMPLOYEE", "/users/USER", "/users/USER/lock", &[], "The user is locked."),
    ("EMPLOYEE", "/users/USER", "/users/USER/unlock", &[], "The user is unlocked."),
    (
        "MANAGER",
        "/users/USER",
        "/users/USER/balances",
        &[("currency", "PLN")],
        "The balance is there.",
    ),
    ("MANAGER", "/users/USER", "/users/USER/cards", &[("label", "Travel")], "The card is there."),
    (
        "MANAGER",
        "/users/USER/limits",
        "/users/USER/limits/change",
        &[
            ("change", "limit"),
            ("type", "atm"),
            ("unit", "weekly"),
            ("currency", "EUR"),
            ("amount", "150"),
        ],
        "The user may spend this from now on.",
    ),
    ("EMPLOYEE", "/users/USER", "/users/USER/cards/order", ADDRESS, "The plastic is ordered."),
    (
        "ADMIN",
        "/users/USER",
        "/users/USER/transactional-locks",
        &[("change", "set"), ("reason", "FRAUD_SUSPECTED")],
        "The transactional lock is set.",
    ),
    (
        "ADMIN",
        "/users/USER",
        "/users/USER/transactional-locks",
        &[("change", "take-off")],
        "The transactional lock is taken off.",
    ),
    (
        "ADMIN",
        "/corporations/COMPANY",
        "/corporations/COMPANY/balances",
        &[("currency", "PLN")],
        "The balance is there.",
    ),
    (
        "ADMIN",
        "/corporations/COMPANY",
        "/corporations/COMPANY/cards",
        &[("holder", "HOLDER"), ("label", "Travel")],
        "The card is there.",
    ),
    ("EMPLOYEE", "/balances/BALANCE", "/balances/BALANCE/lock", &[], "The balance is locked."),
    ("EMPLOYEE", "/balances/BALANCE", "/balances/BALANCE/unlock", &[], "The balance is unlocked."),
    (
        "EMPLOYEE",
        "/cards/CARD",
        "/cards/CARD/lock",
        &[("reason", "PENDING_QUERY")],
        "The card is locked.",
    ),
    ("EMPLOYEE", "/cards/CARD", "/cards/CARD/unlock", &[], "The card is unlocked."),
    ("EMPLOYEE", "/cards/CARD", "/cards/CARD/code", &[], "The card has a new CVV."),
    ("MANAGER", "/cards/CARD", "/cards/CARD/renew", &[], "The card lives on."),
    (
        "MANAGER",
        "/cards/CARD/limits",
        "/cards/CARD/limits/change",
        &[("change", "limit"), ("type", "atm"), ("unit", "daily"), ("amount", "12.50")],
        "It may spend this from now on.",
    ),
    (
        "MANAGER",
        "/cards/CARD",
        "/cards/CARD/replace",
        &[("reason", "CARD_LOST")],
        "The card is replaced.",
    ),
    ("EMPLOYEE", "/cards/PRINTED", "/cards/PRINTED/print", ADDRESS, "The plastic is ordered."),
    (
        "EMPLOYEE",
        "/cards/PLASTIC",
        "/cards/PLASTIC/activate",
        &[("lastFour", "LAST"), ("expiry", "EXPIRY")],
        "The card is active.",
    ),
    ("EMPLOYEE", "/cards/PLASTIC", "/cards/PLASTIC/remove", &[], "The card is removed."),
    (
        "OPERATOR",
        "/partner-balances/OWN",
        "/partner-balances/OWN/reload",
        &[("amount", "1 000.25"), ("text", "Wire 17")],
        "The money is added.",
    ),
    (
        "OPERATOR",
        "/partner-balances/OWN",
        "/partner-balances/OWN/withdraw",
        &[("amount", "0.25"), ("text", "Wire 18")],
        "The money is taken off.",
    ),
    (
        "ADMIN",
        "/accounts",
        "/accounts/new",
        &[("email", "olga@acts.test"), ("role", "EMPLOYEE")],
        "olga@acts.test",
    ),
    (
        "ADMIN",
        "/accounts/ACCOUNT",
        "/accounts/ACCOUNT/role",
        &[("role", "MANAGER")],
        "The role is changed.",
    ),
    ("ADMIN", "/accounts/ACCOUNT", "/accounts/ACCOUNT/disable", &[], "The account is shut."),
    ("ADMIN", "/accounts/ACCOUNT", "/accounts/ACCOUNT/enable", &[], "The account is open."),
    (
        "ADMIN",
        "/accounts/ACCOUNT",
        "/accounts/ACCOUNT/sign-out",
        &[],
        "All its sessions have ended.",
    ),
    ("ADMIN", "/accounts/ACCOUNT", "/accounts/ACCOUNT/reset", &[], "This is shown once."),
    (
        "OPERATOR",
        "/corporations/FIRM",
        "/corporations/FIRM/kyb",
        &[("kyb", "ON_HOLD"), ("reference", "K-1")],
        "The decision is kept.",
    ),
    (
        "OPERATOR",
        "/screening/hits",
        "/screening/hits/HIT/decision",
        &[("state", "CLEARED"), ("comment", "Born elsewhere.")],
        "The decision is kept.",
    ),
    ("ADMIN", "/verifications/FORM", "/verifications/FORM/accept", &[], "The form is accepted."),
    (
        "ADMIN",
        "/verifications/OTHER",
        "/verifications/OTHER/reject",
        &[("reason", "BLURRED_SELFIE")],
        "The form is rejected.",
    ),
    ("EMPLOYEE", "/notifications/TOLD", "/notifications/TOLD/resend", &[], "It is sent again."),
    (
        "EMPLOYEE",
        "/notifications",
        "/notifications/resend",
        &[],
        "All that was given up is sent again.",
    ),
    ("EMPLOYEE", "/transactions", "/exports/new", &[], "The file is being written."),
    ("EMPLOYEE", "/exports#first", "/exports/ANY/remove", &[], "The export is gone."),
    (
        "EMPLOYEE",
        "/partner-calls",
        "/partner-calls/resend",
        &[],
        "All that was given up is sent again.",
    ),
];

/// The same of the operator's pages that are about no partner.
const OF_OPERATOR: &[Act] = &[
    (
        "OPERATOR",
        "/panel/new-partner",
        "/panel/new-partner",
        &[("code", "acts"), ("name", "Acts"), ("kycMode", "MANUAL")],
        "The partner is made.",
    ),
    (
        "OPERATOR",
        "/panel/partners/acts",
        "/panel/partners/acts/set",
        &[("sessionMinutes", "20")],
        "The settings are changed.",
    ),
    (
        "OPERATOR",
        "/panel/partners/acts",
        "/panel/partners/acts/notifications",
        &[("event.cardLocked", "on")],
        "The settings are changed.",
    ),
    (
        "OPERATOR",
        "/panel/partners/acts",
        "/panel/partners/acts/close",
        &[],
        "The partner is closed.",
    ),
    ("OPERATOR", "/panel/partners/acts", "/panel/partners/acts/open", &[], "The partner is open."),
    (
        "OPERATOR",
        "/panel/partners/acts",
        "/panel/partners/acts/calls",
        &[("baseUrl", "https://partner.acts.test"), ("totp", "CODE")],
        "The settings are changed.",
    ),
    (
        "OPERATOR",
        "/panel/programs",
        "/panel/new-processor",
        &[("name", "acts-processing")],
        "The processor is made.",
    ),
    (
        "OPERATOR",
        "/panel/new-program",
        "/panel/new-program",
        &[
            ("partner", "sandbox"),
            ("configId", "0000000043"),
            ("processor", "acts-processing"),
            ("currency", "EUR"),
            ("bin", "53208798"),
        ],
        "The program is made.",
    ),
    (
        "OPERATOR",
        "/panel/programs/sandbox/0000000043",
        "/panel/programs/sandbox/0000000043/limits",
        &[("change", "limit"), ("type", "atm"), ("unit", "daily"), ("amount", "12.50")],
        "Each of its cards may spend this from now on.",
    ),
    (
        "OPERATOR",
        "/panel/programs/sandbox/0000000043",
        "/panel/programs/sandbox/0000000043/bin",
        &[("bin", "53208799")],
        "The BIN is added.",
    ),
    (
        "OPERATOR",
        "/panel/programs/sandbox/0000000043",
        "/panel/programs/sandbox/0000000043/plastic",
        &[("chipProfile", "MCHIP-EUR")],
        "The bureau is set.",
    ),
    (
        "OPERATOR",
        "/panel/programs/sandbox/0000000043",
        "/panel/programs/sandbox/0000000043/close",
        &[],
        "The program is closed.",
    ),
    (
        "OPERATOR",
        "/panel/programs/sandbox/0000000043",
        "/panel/programs/sandbox/0000000043/open",
        &[],
        "The program is open.",
    ),
    (
        "OPERATOR",
        "/panel/certificates",
        "/panel/certificates/sign",
        &[
            ("kind", "partner"),
            ("holder", "sandbox"),
            ("days", "30"),
            ("csr", "CSR"),
            ("totp", "CODE"),
        ],
        "BEGIN CERTIFICATE",
    ),
    (
        "OPERATOR",
        "/panel/certificates/CERTIFICATE",
        "/panel/certificates/CERTIFICATE/revoke",
        &[],
        "The certificate is revoked.",
    ),
    (
        "OPERATOR",
        "/panel/accounts",
        "/panel/accounts/new",
        &[("email", "sponsor@acts.test"), ("totp", "CODE")],
        "sponsor@acts.test",
    ),
];

/// Ids by their word.
type Ids = HashMap<&'static str, String>;

/// What a word stands for; itself, where it is none of the ids'.
fn named<'a>(word: &'a str, ids: &'a Ids) -> &'a str {
    ids.get(word).map_or(word, String::as_str)
}

fn acts(ids: &Ids) -> Vec<Value> {
    let of = |prefix: &'static str| {
        move |(role, at, form, fields, told): &Act| {
            let path = |it: &str| {
                let parts: Vec<_> = it.split('/').map(|part| named(part, ids)).collect();
                format!("{prefix}{}", parts.join("/"))
            };
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| [*name, named(value, ids)]).collect();
            let (at, form) = (path(at), path(form));
            json!({ "role": role, "at": at, "form": form, "fields": fields, "told": told })
        }
    };
    ACTS.iter().map(of("/panel/of/sandbox")).chain(OF_OPERATOR.iter().map(of(""))).collect()
}

/// Forms that others know are all here.
#[test]
fn no_form_is_left_out() {
    // The operator's accounts are managed by the forms of a partner's.
    let twice =
        ["role", "disable", "enable", "reset", "sign-out"].map(|it| format!("ACCOUNT/{it}"));
    let known = |path: &str| {
        let path =
            path.replace("partners/sandbox", "partners/acts").replace("NOTHING", "CERTIFICATE");
        path.replace("hits/FORM", "hits/HIT")
            .replace("NIL", "TOLD")
            .replace("exports/FORM", "exports/ANY")
            .replace("0019167984", "0000000043")
            .replace("verifications/FORM/reject", "verifications/OTHER/reject")
    };
    let sent = |acts: &[Act], path: &str| {
        acts.iter().any(|(_, _, form, ..)| {
            let form = form.replace("PRINTED", "CARD").replace("PLASTIC", "CARD");
            form.replace("COMPANY", "FIRM") == path
        })
    };
    // Sent by the same form as a notification; played where a path is paused (`notifications`).
    let elsewhere = ["/partner-calls/NIL/resend", "/notifications/resume"];
    for (form, _) in FORMS.iter().filter(|(form, _)| !elsewhere.contains(form)) {
        assert!(sent(ACTS, &known(form)), "{form}");
    }
    for form in FORMS_OF_OPERATOR {
        let is_twice = twice.iter().any(|it| form.ends_with(it.as_str()));
        assert!(is_twice || sent(OF_OPERATOR, &known(form)), "{form}");
    }
}

/// What the acts are about.
async fn ids(sandbox: &Sandbox) -> Ids {
    let scene = Scene::set(sandbox).await;
    let story = &scene.story;
    renewals::advance_to_last_days(sandbox, &story.full).await;
    let (plastic, full, _) = plastic::arrived(sandbox, story).await;
    let caller = (sandbox.partner(), "sandbox", DIGITAL_FIRST);
    let printed = Story::begin_of(caller, 0).await;
    let company = Company::begin(sandbox, 0).await;
    let other = verifications::Applicant::register(sandbox).await;
    let other = other.submit(&verifications::filled()).await;
    screening::load(sandbox, "1,Ivan Petrovich Sidorenko,1970-01-01\n").await.assert_done();
    screening::named(sandbox, "Ivan", "Sidorenko", "1970-01-01").await;
    let signer = sandbox.admin("OPERATOR", None).await;
    let operator = signer.sign_in(sandbox).await;
    let hits = operator.get("/admin/screening/hits").header("Issuer-Code", "sandbox");
    let hit = expect(200, hits).await["items"][0]["hitId"].clone();
    // After the clock was moved: who signs in for months not at all is shut out.
    let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
    let (_, csr) = client_key_and_csr(&format!("sandbox-{}", unique()));
    let body = json!({ "csr": csr, "partner": "sandbox", "totp": signer.code(1) });
    let signed = expect(201, operator.post("/admin/certificates").json(&body)).await;
    let path = format!("/secure/customers/{}/cards/{}/lock", printed.customer, printed.card);
    let lock = sandbox.partner().post(&path).json(&json!({ "reason": 7 }));
    expect(204, lock).await;
    let told = async || {
        let listed = sandbox.partner().get("/secure/notifications?event=cardLocked&limit=1");
        expect(200, listed).await["items"][0].clone()
    };
    testkit::eventually("it is told", WORKER, async || told().await["status"] == "DELIVERED").await;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    HashMap::from([
        ("USER", story.customer.to_string()),
        ("CARD", story.card.to_string()),
        ("BALANCE", story.balance.clone()),
        ("PRINTED", printed.card.to_string()),
        ("PLASTIC", plastic.to_string()),
        ("LAST", text(&full["cardNo"])[12..].to_owned()),
        ("EXPIRY", text(&full["exp"])[..7].to_owned()),
        ("OWN", scene.own.clone()),
        ("ACCOUNT", id_of(sandbox, &employee).await),
        ("FIRM", scene.corporation.clone()),
        ("COMPANY", company.id),
        ("HOLDER", employee_of(sandbox.partner()).await.to_string()),
        ("FORM", scene.form.clone()),
        ("OTHER", other),
        ("HIT", text(&hit)),
        ("TOLD", text(&told().await["notificationId"])),
        ("CSR", csr),
        ("CERTIFICATE", text(&signed["fingerprint"])),
    ])
}

on_both_databases! {
    /// Each is found on its page, unfolded, filled in and sent, and tells what was done.
    async fn every_form_does_what_it_says(database) {
        let sandbox = Sandbox::start_with(database, &[
            ("ANTACA_LIMITS_ANONYMOUS_REQUESTS_PER_SECOND", "0"),
            ("ANTACA_SANDBOX_BUREAU_SECONDS", "0"),
        ]).await;
        let ids = ids(&sandbox).await;
        verifications::set(&sandbox, "MANUAL").await;
        let mut staff = Vec::new();
        for role in ["EMPLOYEE", "MANAGER", "ADMIN", "OPERATOR"] {
            let of = Some("sandbox").filter(|_| role != "OPERATOR");
            staff.push((role, sandbox.admin(role, of).await));
        }
        let staff: Vec<_> = staff.iter().map(|(role, admin)| (*role, admin)).collect();
        in_chromium(told(&sandbox, "acts", &staff, json!({ "acts": acts(&ids) }))).await;
    }
}
