//! KYC forms: read, decided by a person or by themselves, and what follows from that.

use crate::audit::records;
use crate::screening;
use crate::story::{Story, answer, expect, register, registration};
use crate::support::{Caller, Database, Sandbox};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a worker may take.
const WORKER: Duration = Duration::from_secs(30);
const DAY: i64 = 86_400;

/// A KYC form with all that it needs, but for what a test says.
#[derive(Clone)]
pub(crate) struct Filled {
    texts: Vec<(&'static str, String)>,
    pictures: Vec<(&'static str, Vec<u8>)>,
}

/// The form of John Doe, whom [`registration`] registers.
pub(crate) fn filled() -> Filled {
    let texts = [
        ("firstName", "John"),
        ("lastName", "Doe"),
        ("street", "Postepu"),
        ("number", "1"),
        ("city", "Warszawa"),
        ("postCode", "02-676"),
        ("country", "PL"),
        ("nationality", "Polish"),
        ("birthDate", "2000-01-01"),
        ("documentType", "passport"),
        ("identityCardNo", "AB123456"),
        ("documentExpirationDate", "2040-01-01"),
    ];
    let picture = |name| (name, testkit::jpeg_of(9));
    Filled {
        texts: texts.map(|(name, text)| (name, text.to_owned())).into(),
        pictures: vec![picture("imageFace"), picture("imageFront")],
    }
}

impl Filled {
    pub(crate) fn with(mut self, name: &'static str, text: &str) -> Self {
        self.texts.retain(|(of, _)| *of != name);
        self.texts.push((name, text.to_owned()));
        self
    }

    pub(crate) fn showing(mut self, name: &'static str, picture: Vec<u8>) -> Self {
        self.pictures.retain(|(of, _)| *of != name);
        self.pictures.push((name, picture));
        self
    }

    pub(crate) fn form(&self) -> Form {
        let texts = self.texts.iter().cloned();
        let form = texts.fold(Form::new(), |form, (name, text)| form.text(name, text));
        self.pictures.iter().cloned().fold(form, |form, (name, bytes)| {
            form.part(name, Part::bytes(bytes).file_name("picture.bin"))
        })
    }
}

/// Somebody whose KYC is still to come.
pub(crate) struct Applicant<'a> {
    sandbox: &'a Sandbox,
    pub(crate) id: i64,
    email: String,
}

impl<'a> Applicant<'a> {
    pub(crate) async fn register(sandbox: &'a Sandbox) -> Self {
        Self::register_born(sandbox, "2000-01-01").await
    }

    pub(crate) async fn register_born(sandbox: &'a Sandbox, born: &str) -> Self {
        let mut body = registration();
        body["birthDate"] = born.into();
        (body["state"], body["kyc"]) = ("NEW".into(), "NONE".into());
        let user = expect(201, register(sandbox.partner(), &body)).await;
        let email = body["email"].as_str().expect("an address").to_owned();
        Self { sandbox, id: user["id"].as_i64().expect("an id"), email }
    }

    /// One whom a server has known before.
    pub(crate) fn known(sandbox: &'a Sandbox, id: i64) -> Self {
        Self { sandbox, id, email: String::new() }
    }

    pub(crate) async fn submit(&self, form: &Filled) -> String {
        let path = format!("/secure/customers/{}/verification", self.id);
        let told = self.sandbox.partner().post(&path).multipart(form.form());
        let told = expect(201, told).await;
        assert_eq!(told["status"], "IN_PROGRESS");
        told["verificationId"].as_str().expect("an id").to_owned()
    }

    pub(crate) async fn forms(&self) -> Vec<Value> {
        let path = format!("/secure/customers/{}/verifications", self.id);
        let told = expect(200, self.sandbox.partner().get(&path)).await;
        told["items"].as_array().expect("a list").clone()
    }

    /// State and KYC.
    pub(crate) async fn stands(&self) -> (Value, Value) {
        let path = format!("/lifecycle/v1/users/{}", self.id);
        let user = self.sandbox.partner().get(&path).header("Issuer-Code", "sandbox");
        let user = expect(200, user).await;
        (user["state"].clone(), user["kyc"].clone())
    }

    async fn balances(&self) -> Vec<Value> {
        let path = format!("/secure/customers/{}/balances", self.id);
        let told = expect(200, self.sandbox.partner().get(&path)).await;
        told["items"].as_array().expect("a list").clone()
    }

    async fn locks(&self) -> Value {
        let path = format!("/secure/customers/{}/transactional-locks", self.id);
        expect(200, self.sandbox.partner().get(&path)).await["items"].clone()
    }

    /// What the partner was told of them: path and body, once there are so many.
    async fn told(&self, count: usize) -> Vec<(String, Value)> {
        let mut told = Vec::new();
        testkit::eventually("the partner is told", WORKER, async || {
            let get = self.sandbox.partner().get("/sandbox/v1/received?limit=200");
            let page = expect(200, get).await;
            let about = |body: &Value| {
                let id = self.id.to_string();
                body["userId"] == id || body["resourceId"] == id
            };
            let items = page["items"].as_array().expect("a list").iter();
            let items = items.filter(|it| about(&it["body"]));
            let path = |it: &Value| it["path"].as_str().expect("a path").to_owned();
            told = items.map(|it| (path(it), it["body"].clone())).collect();
            told.len() >= count
        })
        .await;
        assert_eq!(told.len(), count, "{told:?}");
        told
    }

    /// What is told of a form, as the seeds have it.
    fn notice(&self, form: &str, status: &str, reason: Option<&str>) -> Value {
        json!({
            "verificationId": form, "userId": self.id.to_string(), "email": self.email,
            "firstName": "John", "lastName": "Doe", "status": status, "reason": reason,
        })
    }
}

pub(crate) async fn set(sandbox: &Sandbox, mode: &str) {
    let change = json!({
        "kycMode": mode,
        "notifications": ["verificationInProgress", "verificationAccepted",
            "verificationRejected", "transactionalLockReasonAdded",
            "transactionalLockReasonRemoved"],
    });
    expect(204, sandbox.partner().put("/sandbox/v1/settings").json(&change)).await;
}

/// Gives users a balance as soon as they are verified.
async fn give_balances(sandbox: &Sandbox, currency: &str) {
    let set = ["partner", "set", "--code", "sandbox", "--automatic-balance", currency];
    sandbox.antaca(&set).await.assert_done();
}

async fn starts(database: Database, mode: &str) -> Sandbox {
    let sandbox = Sandbox::start(database).await;
    set(&sandbox, mode).await;
    sandbox
}

pub(crate) async fn advance(sandbox: &Sandbox, seconds: i64) {
    let clock = sandbox.partner().post("/sandbox/v1/clock");
    expect(200, clock.json(&json!({ "advanceSeconds": seconds }))).await;
}

async fn accept(admin: &Caller, form: &str, status: u16) -> Value {
    expect(status, admin.post(&format!("/admin/verifications/{form}/accept"))).await
}

async fn reject(admin: &Caller, form: &str, reason: &str, status: u16) -> Value {
    let post = admin.post(&format!("/admin/verifications/{form}/reject"));
    expect(status, post.json(&json!({ "reason": reason }))).await
}

pub(crate) async fn decided(applicant: &Applicant<'_>) -> Value {
    testkit::eventually("the form is looked at", WORKER, async || {
        let form = &applicant.forms().await[0];
        form["status"] != "IN_PROGRESS" || !form["referredAt"].is_null()
    })
    .await;
    applicant.forms().await.remove(0)
}

on_both_databases! {
    /// An admin sees what a form says and shows, and decides it once; the user, their balance and
    /// the partner follow.
    async fn a_person_decides(database) {
        let mut sandbox = starts(database, "MANUAL").await;
        give_balances(&sandbox, "EUR").await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await.sign_in(&sandbox).await;
        let user = Applicant::register(&sandbox).await;
        let picture = testkit::stripes(1);
        let sent = filled().with("pesel", "00210112345").showing("imageFace", picture.clone());
        let form = user.submit(&sent).await;
        assert_eq!(user.stands().await, ("NEW".into(), "IN_PROGRESS".into()));
        let path = format!("/admin/verifications/{form}");
        let shown = expect(200, admin.get(&path)).await;
        assert_eq!(shown["findings"], json!(["PESEL_CHECKSUM"]));
        assert_eq!(shown["data"], json!({
            "firstName": "John", "lastName": "Doe",
            "address": { "street": "Postepu", "number": "1", "apartment": null,
                "city": "Warszawa", "postCode": "02-676", "country": "PL" },
            "nationality": "Polish", "birthDate": "2000-01-01", "pesel": "00210112345",
            "documentType": "passport", "identityCardNo": "AB123456",
            "documentExpirationDate": "2040-01-01", "riskLvl": null,
        }));
        assert_eq!(shown["pictures"], json!(["imageFace", "imageFront"]));
        let face = admin.get(&format!("{path}/pictures/imageFace")).send().await.expect("answers");
        let header = |name| face.headers()[name].to_str().expect("a text").to_owned();
        assert_eq!((header("content-type"), header("x-content-type-options")),
            ("image/png".to_owned(), "nosniff".to_owned()));
        assert_eq!(face.bytes().await.expect("a body"), picture);
        for none in ["imageBack", "imageOther", "%2e%2e"] {
            let (status, _) = answer(admin.get(&format!("{path}/pictures/{none}"))).await;
            assert_eq!(status, 404, "{none}");
        }
        let queue = expect(200, admin.get("/admin/verifications?limit=1")).await;
        assert_eq!((&queue["items"][0]["verificationId"], &queue["next"]),
            (&json!(form), &Value::Null));

        accept(&admin, &form, 204).await;
        assert_eq!(user.stands().await, ("VERIFIED".into(), "SUCCESS".into()));
        accept(&admin, &form, 204).await;
        let told = reject(&admin, &form, "INVALID_SELFIE", 409).await;
        assert_eq!(told["title"], "VERIFICATION_ALREADY_DECIDED");
        let balances = user.balances().await;
        assert_eq!((balances.len(), &balances[0]["currency"]), (1, &json!("EUR")));
        let [known] = user.forms().await.try_into().expect("one form");
        assert_eq!((&known["status"], &known["reason"]), (&json!("ACCEPTED"), &Value::Null));
        assert!(known["decidedAt"].is_string(), "{known}");
        assert_eq!(user.told(2).await, [
            ("/notifications/verificationInProgress".to_owned(),
                user.notice(&form, "IN_PROGRESS", None)),
            ("/notifications/verificationAccepted".to_owned(),
                user.notice(&form, "ACCEPTED", None)),
        ]);
        let written = records(&mut sandbox).await;
        let actions = |object: &str| {
            let of = written.values().flatten().filter(|it| it.object == object);
            let mut of: Vec<_> = of.map(|it| it.action.clone()).collect();
            of.sort();
            of
        };
        assert_eq!(actions(&form), [
            "verification.decide", "verification.show", "verification.show",
            "verification.submit",
        ]);
        let balance = balances[0]["balanceId"].as_str().expect("an id");
        assert_eq!(actions(balance), ["balance.create"]);
    }

    /// What is told of a form is what was, however its user is called when it is told again; who is
    /// erased isn't named any more.
    async fn a_form_is_told_again_as_it_was(database) {
        let sandbox = starts(database, "MANUAL").await;
        let partner = sandbox.partner();
        let user = Applicant::register(&sandbox).await;
        let form = user.submit(&filled()).await;
        let first = user.told(1).await.remove(0);
        assert_eq!(first.1, user.notice(&form, "IN_PROGRESS", None));
        let path = format!("/lifecycle/v1/users/{}", user.id);
        let renamed = json!({ "firstName": "Jane", "email": format!("jane{}@doe.test", user.id) });
        let put = partner.put(&path).header("Issuer-Code", "sandbox");
        expect(200, put.json(&renamed)).await;
        let listed = partner.get("/secure/notifications?event=verificationInProgress");
        let listed = expect(200, listed).await;
        let id = listed["items"][0]["notificationId"].as_str().expect("an id");
        let again = format!("/secure/notifications/{id}/resend");
        expect(204, partner.post(&again)).await;
        assert_eq!(user.told(2).await, [first.clone(), first.clone()]);

        let delete = partner.request(reqwest::Method::DELETE, &path);
        expect(204, delete.header("Issuer-Code", "sandbox")).await;
        for _ in 0..2 {
            advance(&sandbox, 3 * 366 * 86_400).await;
        }
        testkit::eventually("the user is erased", 2 * WORKER, async || {
            sandbox.metric("antaca_janitor_rows_total", &["kind=\"user\""]).await == 1
        })
        .await;
        expect(204, partner.post(&again)).await;
        let mut nobody = first.1;
        for name in ["email", "firstName", "lastName"] {
            nobody[name] = Value::Null;
        }
        assert_eq!(user.told(3).await[2], (first.0, nobody));
    }

    /// Who is rejected may try again; no form lowers who is verified; one queue, oldest first.
    async fn a_new_form_may_follow(database) {
        let sandbox = starts(database, "MANUAL").await;
        let admin = sandbox.admin("OPERATOR", None).await.sign_in(&sandbox).await;
        let of = |request: reqwest::RequestBuilder| request.header("Issuer-Code", "sandbox");
        let user = Applicant::register(&sandbox).await;
        let (first, second) = (user.submit(&filled()).await, user.submit(&filled()).await);
        let page = expect(200, of(admin.get("/admin/verifications?limit=1"))).await;
        assert_eq!((&page["items"][0]["verificationId"], &page["next"]),
            (&json!(first), &json!(first)));
        let rest = of(admin.get(&format!("/admin/verifications?after={first}")));
        let rest = expect(200, rest).await;
        assert_eq!((&rest["items"][0]["verificationId"], &rest["next"]),
            (&json!(second), &Value::Null));
        let decide = |form: &str, by: &str| {
            let decide = ["verification", "decide", "--partner", "sandbox", "--id", form];
            let by = by.split(' ').map(str::to_owned).collect::<Vec<_>>();
            let all = decide.map(str::to_owned).into_iter().chain(by).collect::<Vec<_>>();
            let sandbox = &sandbox;
            async move {
                let all: Vec<&str> = all.iter().map(String::as_str).collect();
                sandbox.antaca(&all).await
            }
        };
        decide(&first, "--reject BLURRED_SELFIE").await.assert_done();
        assert_eq!(user.stands().await.1, "IN_PROGRESS", "another one is looked at");
        decide(&second, "--reject INVALID_DOCUMENT_PHOTO").await.assert_done();
        assert_eq!(user.stands().await, ("NEW".into(), "REJECTED".into()));
        assert!(user.balances().await.is_empty());
        let again = decide(&second, "--accept").await;
        assert!(again.code == Some(1) && again.stderr.contains("decided before"), "{again:?}");
        let nobodys = decide("0351eb09-3ac0-4234-a4ad-0a6ad52f248b", "--accept").await;
        assert!(nobodys.code == Some(1) && nobodys.stderr.contains("no such"), "{nobodys:?}");

        let third = user.submit(&filled()).await;
        let fourth = user.submit(&filled()).await;
        decide(&third, "--accept").await.assert_done();
        decide(&fourth, "--reject INVALID_CUSTOMER_DATA").await.assert_done();
        user.submit(&filled()).await;
        assert_eq!(user.stands().await, ("VERIFIED".into(), "SUCCESS".into()));
        let told = user.told(9).await;
        let last = told.iter().rfind(|it| it.1["verificationId"] == second);
        let expected = user.notice(&second, "REJECTED", Some("INVALID_DOCUMENT_PHOTO"));
        assert_eq!(last.expect("told"),
            &("/notifications/verificationRejected".to_owned(), expected));
    }

    /// Where the partner knows its users itself, a form is evidence: deciding it changes nothing
    /// but the form; the flag that the partner sets brings the balance.
    async fn a_partner_that_decides_itself_sets_the_flag(database) {
        let sandbox = starts(database, "EXTERNAL").await;
        give_balances(&sandbox, "EUR").await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await.sign_in(&sandbox).await;
        let user = Applicant::register(&sandbox).await;
        let form = user.submit(&filled()).await;
        accept(&admin, &form, 204).await;
        assert_eq!(user.forms().await[0]["status"], "ACCEPTED");
        assert_eq!(user.stands().await, ("NEW".into(), "NONE".into()));
        assert!(user.balances().await.is_empty());
        let path = format!("/lifecycle/v1/users/{}", user.id);
        let put = sandbox.partner().put(&path).header("Issuer-Code", "sandbox");
        expect(200, put.json(&json!({ "kyc": "SUCCESS" }))).await;
        assert_eq!(user.balances().await.len(), 1);
        let born = expect(201, register(sandbox.partner(), &registration())).await;
        let path = format!("/secure/customers/{}/balances", born["id"]);
        let told = expect(200, sandbox.partner().get(&path)).await;
        assert_eq!(told["items"].as_array().map(Vec::len), Some(1), "verified from the first");
        give_balances(&sandbox, "none").await;
        let born = expect(201, register(sandbox.partner(), &registration())).await;
        let path = format!("/secure/customers/{}/balances", born["id"]);
        assert_eq!(expect(200, sandbox.partner().get(&path)).await["items"], json!([]));
        user.told(0).await;
    }

    /// A currency without a program makes no balance, and keeps nobody from being verified.
    async fn a_balance_that_cannot_be_made_is_left_out(database) {
        let sandbox = starts(database, "MANUAL").await;
        give_balances(&sandbox, "CHF").await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await.sign_in(&sandbox).await;
        let user = Applicant::register(&sandbox).await;
        accept(&admin, &user.submit(&filled()).await, 204).await;
        assert_eq!(user.stands().await.1, "SUCCESS");
        assert!(user.balances().await.is_empty());
        assert!(sandbox.output().contains("CURRENCY_NOT_SUPPORTED"));
    }

    /// What is decided is listed by what was decided, the last decided first, also of who was
    /// removed since; without a question the list is of what is to be decided.
    async fn decided_forms_are_listed(database) {
        let sandbox = starts(database, "MANUAL").await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await.sign_in(&sandbox).await;
        let user = Applicant::register(&sandbox).await;
        let mut forms = Vec::new();
        for _ in 0..4 {
            forms.push(user.submit(&filled()).await);
        }
        let [first, second, third, open] = forms.try_into().expect("four forms");
        for form in [&second, &first] {
            reject(&admin, form, "BLURRED_SELFIE", 204).await;
            advance(&sandbox, 1).await;
        }
        accept(&admin, &third, 204).await;
        let listed = async |query: &str| {
            let told = expect(200, admin.get(&format!("/admin/verifications?{query}"))).await;
            let ids = told["items"].as_array().expect("a list").iter();
            let ids = ids.map(|it| it["verificationId"].as_str().expect("an id").to_owned());
            (ids.collect::<Vec<_>>(), told["next"].clone())
        };
        let whole = |forms: &[&String]| {
            (forms.iter().map(|it| (*it).clone()).collect::<Vec<_>>(), Value::Null)
        };
        for query in ["", "status=IN_PROGRESS"] {
            assert_eq!(listed(query).await, whole(&[&open]), "{query}");
        }
        assert_eq!(listed("status=ACCEPTED").await, whole(&[&third]));
        assert_eq!(listed("status=REJECTED").await, whole(&[&first, &second]));
        let page = listed("status=REJECTED&limit=1").await;
        assert_eq!(page, (vec![first.clone()], json!(first)));
        let page = listed(&format!("status=REJECTED&limit=1&after={first}")).await;
        assert_eq!(page, whole(&[&second]));
        let path = format!("/lifecycle/v1/users/{}", user.id);
        let delete = sandbox.partner().request(reqwest::Method::DELETE, &path);
        expect(204, delete.header("Issuer-Code", "sandbox")).await;
        assert_eq!(listed("").await, whole(&[]));
        assert_eq!(listed("status=REJECTED").await, whole(&[&first, &second]));
        expect(422, admin.get("/admin/verifications?status=DECIDED")).await;
    }

    /// All that is kept of a form is one file: what it says and shows, what was decided of it and
    /// of who was found on a list, by whom and why. Who took it is recorded; who doesn't decide
    /// gets none.
    async fn a_form_is_taken_as_a_file(database) {
        let sandbox = starts(database, "MANUAL").await;
        screening::load(&sandbox, "1,John Doe,2000-01-01\n").await.assert_done();
        let account = sandbox.admin("ADMIN", Some("sandbox")).await;
        let admin = account.sign_in(&sandbox).await;
        let user = Applicant::register(&sandbox).await;
        let face = testkit::stripes(1);
        let sent = filled().with("pesel", "00210112345").showing("imageFace", face.clone());
        let form = user.submit(&sent).await;
        let path = format!("/admin/verifications/{form}/export");
        for role in ["MANAGER", "EMPLOYEE"] {
            let other = sandbox.admin(role, Some("sandbox")).await.sign_in(&sandbox).await;
            let told = expect(403, other.get(&path)).await;
            assert_eq!(told["title"], "FORBIDDEN", "{role}");
        }
        let [hit] = screening::hits(&sandbox).await.try_into().expect("one hit");
        screening::decide(&sandbox, &hit, "CLEARED").await.assert_done();
        reject(&admin, &form, "BLURRED_SELFIE", 204).await;

        let told = admin.get(&path).send().await.expect("answers");
        let header = |name| told.headers()[name].to_str().expect("a text").to_owned();
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("content-disposition"),
            format!("attachment; filename=\"verification-{form}.json\""));
        let file: Value = told.json().await.expect("JSON");
        let of = &file["verification"];
        assert_eq!((&of["status"], &of["reason"]), (&json!("REJECTED"), &json!("BLURRED_SELFIE")));
        assert_eq!(of["findings"], json!(["PESEL_CHECKSUM"]));
        let by = of["decidedBy"].as_str().expect("somebody");
        assert!(by.starts_with("admin:") && of["decidedAt"].is_string(), "{of}");
        assert_eq!(file["madeBy"], by);
        let data = &file["data"];
        assert_eq!((&data["pesel"], &data["identityCardNo"]),
            (&json!("00210112345"), &json!("AB123456")));
        assert_eq!((&file["user"]["email"], &file["user"]["kyc"]),
            (&json!(user.email), &json!("REJECTED")));
        let [hit] = file["hits"].as_array().expect("a list").as_slice() else { panic!("{file}") };
        assert_eq!((&hit["name"], &hit["state"]), (&json!("John Doe"), &json!("CLEARED")));
        assert!(hit["decidedBy"].is_string() && hit["comment"].is_string(), "{hit}");
        let pictures = file["pictures"].as_array().expect("a list");
        let kinds: Vec<_> = pictures.iter().map(|it| (&it["kind"], &it["mediaType"])).collect();
        assert_eq!(kinds, [(&json!("imageFace"), &json!("image/png")),
            (&json!("imageFront"), &json!("image/jpeg"))]);
        let content = pictures[0]["content"].as_str().expect("a text");
        assert_eq!(STANDARD.decode(content).expect("base64"), face);
        let actions = |file: &Value| {
            let records = file["records"].as_array().expect("a list").iter();
            let told = records.map(|it| (it["action"].clone(), it["email"].clone()));
            told.collect::<Vec<_>>()
        };
        let decided = (json!("verification.decide"), json!(account.email));
        let before = actions(&file);
        assert_eq!((&before[0], before.len()), (&decided, 2), "{before:?}");
        let again = expect(200, admin.get(&path)).await;
        let taken = (json!("verification.export"), json!(account.email));
        assert_eq!((&actions(&again)[0], again["recordsLeftOut"].as_bool()), (&taken, Some(false)));
    }

    /// Without a person: what is plain is decided, and what isn't waits for one.
    async fn forms_are_checked_by_themselves(database) {
        let sandbox = starts(database, "AUTOMATIC").await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await.sign_in(&sandbox).await;
        let sharp = |form: Filled| {
            form.showing("imageFace", testkit::stripes(1))
                .showing("imageFront", testkit::stripes(1))
        };
        for (form, status, reason) in [
            (sharp(filled()), "ACCEPTED", Value::Null),
            (sharp(filled()).with("firstName", "Jane"), "REJECTED", "INVALID_CUSTOMER_DATA".into()),
            (sharp(filled()).showing("imageFace", testkit::stripes(30)), "REJECTED",
                "BLURRED_SELFIE".into()),
            (sharp(filled()).showing("imageBack", testkit::stripes(30)), "REJECTED",
                "BLURRED_DOCUMENT_PHOTO".into()),
        ] {
            let user = Applicant::register(&sandbox).await;
            user.submit(&form).await;
            let found = decided(&user).await;
            assert_eq!((&found["status"], &found["reason"]), (&json!(status), &reason), "{found}");
        }
        let user = Applicant::register(&sandbox).await;
        let screened = format!("/secure/customers/{}/transactional-locks", user.id);
        let lock = json!({ "reason": "SCREENING_DETECTED" });
        expect(204, sandbox.partner().post(&screened).json(&lock)).await;
        let form = user.submit(&sharp(filled())).await;
        let found = decided(&user).await;
        assert_eq!(found["status"], "IN_PROGRESS");
        let queue = expect(200, admin.get("/admin/verifications")).await;
        assert_eq!(queue["items"].as_array().map(Vec::len), Some(1), "{queue}");
        accept(&admin, &form, 204).await;
        assert_eq!(user.stands().await.1, "SUCCESS");
    }

    /// A picture is one whole picture, whatever its name says; what else it is, is said.
    async fn only_pictures_are_taken(database) {
        let sandbox = starts(database, "MANUAL").await;
        let user = Applicant::register(&sandbox).await;
        let path = format!("/secure/customers/{}/register", user.id);
        let (whole, png) = (testkit::jpeg_of(99), testkit::stripes(1));
        let behind = "must be one picture: there is something else behind its end";
        let zip = b"PK\x03\x04archive";
        let comment = [&whole[..2], b"\xFF\xFE\x00\x12<script>alert()", &whole[2..]].concat();
        for (picture, message) in [
            (b"%PDF-1.7 face".to_vec(), "must be a JPEG or PNG picture"),
            (vec![], "must be a JPEG or PNG picture"),
            (whole[..50].to_vec(), "is cut off: the picture has no end"),
            (png[..png.len() - 1].to_vec(), "is cut off: the picture has no end"),
            ([&whole[..], zip].concat(), behind),
            ([&png[..], zip].concat(), behind),
            (comment, "must be a picture alone: it carries another kind of file"),
        ] {
            let form = filled().showing("imageFront", picture);
            let told = sandbox.partner().post(&path).multipart(form.form());
            let told = expect(422, told).await;
            assert_eq!(told["violations"],
                json!([{ "field": "imageFront", "message": message }]), "{told}");
        }
        let two = filled().showing("imageFace", testkit::jpeg_of(11 << 20))
            .showing("imageFront", testkit::jpeg_of(9 << 20));
        let told = sandbox.partner().post(&path).multipart(two.form());
        let told = expect(422, told).await;
        assert_eq!(told["violations"][0]["message"],
            "and the other pictures together must not exceed 20 MiB");
        assert!(user.forms().await.is_empty());
        assert_eq!(user.stands().await.1, "NONE");
    }

    /// Behind its document's last day no money leaves a user's balances, until a form with another
    /// one is accepted.
    async fn a_document_ends(database) {
        let sandbox = starts(database, "EXTERNAL").await;
        let story = Story::begin(&sandbox, 500).await;
        set(&sandbox, "MANUAL").await;
        let user = Applicant::known(&sandbox, story.customer);
        let decide = async |form: &str| {
            let decide = ["verification", "decide", "--partner", "sandbox", "--accept", "--id"];
            sandbox.antaca(&[&decide[..], &[form]].concat()).await.assert_done();
        };
        let now = expect(200, sandbox.partner().post("/sandbox/v1/clock")
            .json(&json!({ "advanceSeconds": 0 }))).await;
        let today = now["now"].as_str().expect("a time")[..10].to_owned();
        decide(&user.submit(&filled().with("documentExpirationDate", &today)).await).await;
        assert_eq!(user.locks().await, json!([]), "its last day is a good one");
        let pays = async |id: &str| {
            expect(200, story.purchase(sandbox.processor(), 10, id)).await["description"].clone()
        };
        assert_eq!(pays("p1").await, "APPROVED");
        advance(&sandbox, DAY).await;
        testkit::eventually("the user is locked", WORKER, async || {
            user.locks().await == json!([{ "reason": "DOCUMENT_EXPIRED" }])
        })
        .await;
        assert_eq!(pays("p2").await, "AML_EXCEPTION");
        let off = format!("/secure/customers/{}/transactional-locks/DOCUMENT_EXPIRED", user.id);
        expect(204, sandbox.partner().delete(&off)).await;
        advance(&sandbox, DAY).await;
        assert_eq!(pays("p3").await, "APPROVED", "one who takes it off isn't locked again");
        let on = format!("/secure/customers/{}/transactional-locks", user.id);
        let lock = json!({ "reason": "DOCUMENT_EXPIRED" });
        expect(204, sandbox.partner().post(&on).json(&lock)).await;
        decide(&user.submit(&filled()).await).await;
        assert_eq!(user.locks().await, json!([]));
        assert_eq!(pays("p4").await, "APPROVED");
        let told = user.told(8).await;
        let locks: Vec<_> = told.iter().filter(|it| it.1["lockReason"] == "DOCUMENT_EXPIRED")
            .map(|it| it.0.rsplit('/').next().expect("a name")).collect();
        assert_eq!(locks, [
            "transactionalLockReasonAdded", "transactionalLockReasonRemoved",
            "transactionalLockReasonAdded", "transactionalLockReasonRemoved",
        ]);
        let body = &told.iter().find(|it| it.0.ends_with("Added")).expect("told").1;
        let mut body = body.clone();
        assert!(body["timestamp"].as_str().is_some_and(|at| at.ends_with("+00:00")), "{body}");
        body.as_object_mut().expect("an object").remove("timestamp");
        assert_eq!(body, json!({ "resourceType": "user", "resourceId": user.id.to_string(),
            "lockReason": "DOCUMENT_EXPIRED" }));
    }
}
