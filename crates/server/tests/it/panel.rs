//! The panel: in a real browser, and what a browser never sends.

mod accounts;
mod acts;
mod again;
mod cards;
mod certificates;
mod denied;
mod exports;
mod forms;
mod inert;
mod live;
mod money;
mod notifications;
mod pages;
mod partners;
mod programs;
mod reports;
mod screening;

use crate::corporations::proven;
use crate::story::{Story, expect, register, registration};
use crate::support::{Admin, Database, Sandbox};
use crate::verifications::{Applicant, filled};
use serde_json::{Value, json};

/// Texts that would do something if a page took them for more than texts.
const EVIL: &str =
    "<img src=x onerror=\"document.title='evil'\"><script>alert(1)</script>'\"`{{7*7}}";

/// What the pages have to show: somebody with a card, whose names and label are evil, and somebody
/// who waits to be verified.
struct Scene {
    story: Story,
    evil: i64,
    applicant: i64,
    form: String,
    corporation: String,
    /// A balance of the partner's own.
    own: String,
}

impl Scene {
    async fn set(sandbox: &Sandbox) -> Self {
        let story = Story::begin(sandbox, 123_456).await;
        let mut body = registration();
        body["firstName"] = EVIL.into();
        body["lastName"] = EVIL.into();
        body["externalId"] = EVIL.into();
        let evil = expect(201, register(sandbox.partner(), &body)).await["id"].as_i64();
        let applicant = Applicant::register(sandbox).await;
        let form = applicant.submit(&filled()).await;
        let corporation = proven(sandbox.partner(), "sandbox").await;
        let evil = evil.expect("an id");
        let own = money::company(sandbox).await["id"].as_str().expect("an id").to_owned();
        Self { story, evil, applicant: applicant.id, form, corporation, own }
    }

    fn facts(&self) -> Value {
        json!({
            "user": self.story.customer, "card": self.story.card, "evil": self.evil,
            "applicant": self.applicant, "form": self.form, "evilText": EVIL,
            "corporation": self.corporation, "balance": self.story.balance, "own": self.own,
        })
    }
}

/// A sandbox that lets one address load as many pages a second as it likes.
async fn unhurried(database: Database) -> Sandbox {
    let unlimited = [("ANTACA_LIMITS_ANONYMOUS_REQUESTS_PER_SECOND", "0")];
    Sandbox::start_with(database, &unlimited).await
}

/// What a scenario is told.
fn told(sandbox: &Sandbox, scenario: &str, staff: &[(&str, &Admin)], facts: Value) -> Value {
    let staff: serde_json::Map<String, Value> =
        staff.iter().map(|(role, admin)| ((*role).to_owned(), admin.typed())).collect();
    json!({
        "scenario": scenario,
        "baseUrl": sandbox.file()["baseUrl"],
        "staff": staff,
        "facts": facts,
        "pictures": concat!(env!("CARGO_TARGET_TMPDIR"), "/panel"),
    })
}
