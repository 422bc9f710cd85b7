//! A balance's statement, as JSON and as a file.

use crate::story::{KEY, Story, answer, encrypted, expect};
use crate::support::{Sandbox, read_pdf};
use serde_json::{Value, json};

/// The media type, the name and the text of a file.
async fn file(request: reqwest::RequestBuilder) -> (String, String, String) {
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let header = |name: &str| answer.headers()[name].to_str().expect("a text").to_owned();
    let (media, name) = (header("content-type"), header("content-disposition"));
    (media, name, answer.text().await.expect("a text"))
}

fn path(balance: &str, query: &str) -> String {
    format!("/secure/balances/{balance}/statement?from=2000-01-01&to=2100-12-31{query}")
}

on_both_databases! {
    /// In minor units, with the balance after each movement.
    async fn a_statement_tells_what_moved(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let story = Story::begin(&sandbox, 1_000).await;
        expect(200, story.purchase(sandbox.processor(), 300, "p1")).await;
        let clear = story.message(sandbox.processor(), "clearings", 250, "c1", Some("p1"));
        expect(200, clear).await;
        expect(200, story.purchase(sandbox.processor(), 5, "held")).await;
        let made = expect(200, partner.get(&path(&story.balance, ""))).await;
        for (field, value) in [
            ("balanceId", json!(story.balance)),
            ("customerId", json!(story.customer)),
            ("name", json!("John Doe")),
            ("currency", json!("EUR")),
            ("from", json!("2000-01-01")),
            ("to", json!("2100-12-31")),
            ("timeZone", json!("Etc/UTC")),
            ("openingBalance", json!(0)),
            ("totalCredits", json!(1_000)),
            ("totalDebits", json!(250)),
            ("closingBalance", json!(750)),
        ] {
            assert_eq!(made[field], value, "{field}");
        }
        let lines: Vec<[&Value; 4]> = made["items"].as_array().expect("a list").iter()
            .map(|it| [&it["type"], &it["category"], &it["amount"], &it["balance"]])
            .collect();
        let (top_up, bought) = (json!("topUp"), json!("pos"));
        let (credit, debit) = (json!("CREDIT"), json!("DEBIT"));
        let (all, part, left) = (json!(1_000), json!(250), json!(750));
        assert_eq!(lines, [[&top_up, &credit, &all, &all], [&bought, &debit, &part, &left]]);
        let nothing = "from=2000-01-01&to=2000-01-01";
        let early = format!("/secure/balances/{}/statement?{nothing}", story.balance);
        let made = expect(200, partner.get(&early)).await;
        assert_eq!((&made["items"], &made["closingBalance"]), (&json!([]), &json!(0)));
    }

    /// A file whose texts no spreadsheet can take for a formula, in the partner's time.
    async fn a_statement_as_csv_is_harmless(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let set = ["partner", "set", "--code", "sandbox", "--time-zone", "Asia/Tokyo"];
        sandbox.antaca(&set).await.assert_done();
        let story = Story::begin(&sandbox, 0).await;
        let path_of = format!("/secure/balances/{}/transactions", story.balance);
        for (number, (text, _)) in TEXTS.iter().enumerate() {
            let body = json!({
                "type": "topUp", "amount": 1_205, "currency": "EUR", "description": text,
                "externalTransactionId": format!("-id{number}"),
            });
            expect(201, partner.post(&path_of).json(&body)).await;
        }
        let (media, name, text) = file(partner.get(&path(&story.balance, "&format=csv"))).await;
        assert_eq!(media, "text/csv");
        let wanted = format!("statement-{}-2000-01-01-2100-12-31.csv", story.balance);
        assert_eq!(name, format!("attachment; filename=\"{wanted}\""));
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), TEXTS.len() + 3);
        let names = "date,transactionId,type,description,externalTransactionId,debit,credit,\
                     balance,currency";
        assert_eq!(lines[0], names);
        assert_eq!(lines[1], "2000-01-01,,opening,,,,,0.00,EUR");
        for (number, (_, cell)) in TEXTS.iter().enumerate() {
            let line = lines[number + 2];
            let balance = 1_205 * (i64::try_from(number).expect("small") + 1);
            let balance = format!("{}.{:02}", balance / 100, balance % 100);
            let rest = format!(",topUp,{cell},'-id{number},,12.05,{balance},EUR");
            assert!(line.ends_with(&rest), "{line}\n{rest}");
            assert_eq!(line.split(',').next().map(|at| &at[19..]), Some("+09:00"), "{line}");
        }
        let sum = 1_205 * i64::try_from(TEXTS.len()).expect("small");
        let sum = format!("{}.{:02}", sum / 100, sum % 100);
        assert_eq!(lines[lines.len() - 1], format!("2100-12-31,,closing,,,0.00,{sum},{sum},EUR"));

        let asked = encrypted(partner.get(&path(&story.balance, "&format=csv")));
        let answer = asked.send().await.expect("an answer");
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert!(!answer.headers().contains_key("content-disposition"));
        let sealed: Value = answer.json().await.expect("JSON");
        let plain = KEY.decrypt(sealed["payload"].as_str().expect("a payload")).expect("opens");
        assert_eq!(plain.as_slice(), text.as_bytes());
    }

    /// What a foreign library reads in it is what the JSON says, over all of its pages.
    async fn a_statement_as_pdf_says_what_json_says(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let set = ["partner", "set", "--code", "sandbox", "--time-zone", "Asia/Tokyo"];
        sandbox.antaca(&set).await.assert_done();
        let story = Story::begin(&sandbox, 0).await;
        let path_of = format!("/secure/balances/{}/transactions", story.balance);
        for number in 0..60_usize {
            let text = LETTERS[number % LETTERS.len()];
            let body = json!({
                "type": if number % 3 == 2 { "fee" } else { "topUp" }, "amount": 123_456 + number,
                "currency": "EUR", "description": text, "externalTransactionId": number.to_string(),
            });
            expect(201, partner.post(&path_of).json(&body)).await;
        }
        let told = expect(200, partner.get(&path(&story.balance, ""))).await;
        let asked = partner.get(&path(&story.balance, "&format=pdf"));
        let answer = asked.send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/pdf");
        let name = format!("statement-{}-2000-01-01-2100-12-31.pdf", story.balance);
        let disposition = format!("attachment; filename=\"{name}\"");
        assert_eq!(answer.headers()["content-disposition"], disposition.as_str());
        let file = answer.bytes().await.expect("a file");
        let read = read_pdf(&file);
        check_pages(&read, &told);

        let asked = encrypted(partner.get(&path(&story.balance, "&format=pdf")));
        let sealed: Value = asked.send().await.expect("an answer").json().await.expect("JSON");
        let plain = KEY.decrypt(sealed["payload"].as_str().expect("a payload")).expect("opens");
        assert_eq!(read_pdf(&plain)["pages"].as_array().map(Vec::len), Some(2));
    }

    /// A statement of nothing is a page that says so.
    async fn a_statement_as_pdf_of_nothing_has_one_page(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        let asked = sandbox.partner().get(&path(&story.balance, "&format=pdf"));
        let file = asked.send().await.expect("an answer").bytes().await.expect("a file");
        let read = read_pdf(&file);
        assert_eq!(read["pages"].as_array().map(Vec::len), Some(1));
        let words = words(&read["pages"][0]);
        for part in [
            "Owner John Doe", "Opening balance 0.00 EUR", "Closing balance 0.00 EUR", "1 / 1",
            "Period 2000-01-01 – 2100-12-31 (Etc/UTC)", "Currency EUR",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
    }

    /// Each thing that is wrong is named.
    async fn a_statement_of_no_period_is_refused(database) {
        let sandbox = Sandbox::start(database).await;
        let story = Story::begin(&sandbox, 0).await;
        for (query, fields) in [
            ("", &["from", "to"][..]),
            ("from=2026-11-01", &["to"]),
            ("from=2026-11-02&to=2026-11-01", &["to"]),
            ("from=2026-11-31&to=2026-12-01", &["from"]),
            ("from=2026-11-01T00:00:00Z&to=x", &["from", "to"]),
            ("from=2026-11-01&to=2026-11-01&format=xml", &["format"]),
            ("from=2026-11-01&to=2026-11-01&formt=csv", &["formt"]),
        ] {
            let path = format!("/secure/balances/{}/statement?{query}", story.balance);
            let (status, told) = answer(sandbox.partner().get(&path)).await;
            assert_eq!((status, &told["title"]), (422, &json!("VALIDATION_ERROR")), "{query}");
            let wrong = told["violations"].as_array().expect("a list").iter();
            let wrong: Vec<&Value> = wrong.map(|it| &it["field"]).collect();
            assert_eq!(wrong, fields, "{query}");
        }
        let last = "from=1900-01-01&to=9999-12-31";
        let path = format!("/secure/balances/{}/statement?{last}", story.balance);
        expect(200, sandbox.partner().get(&path)).await;
    }

    /// In each format, with what its users' transactions moved of it; a foreign one isn't there.
    async fn a_partners_own_balance_has_a_statement(database) {
        let sandbox = Sandbox::start(database).await;
        let partner = sandbox.partner();
        let story = Story::begin(&sandbox, 1_000).await;
        let fee = json!({
            "type": "fee", "amount": 25, "currency": "EUR", "description": "Monthly fee",
            "externalTransactionId": "fee-1",
        });
        let users = format!("/secure/balances/{}/transactions", story.balance);
        let charged = expect(201, partner.post(&users).json(&fee)).await;
        let all = expect(200, partner.get("/secure/partner-balances")).await;
        let all = all["items"].as_array().expect("a list").iter();
        let mut companies = all.filter(|it| it["kind"] == "COMPANY" && it["currency"] == "EUR");
        let own = companies.next().expect("it has one")["id"].as_str().expect("an id").to_owned();
        let made = expect(200, partner.get(&path(&own, ""))).await;
        for (field, value) in [
            ("balanceId", json!(own)),
            ("customerId", Value::Null),
            ("kind", json!("COMPANY")),
            ("openingBalance", json!(0)),
            ("totalCredits", json!(25)),
            ("totalDebits", json!(0)),
            ("closingBalance", json!(25)),
        ] {
            assert_eq!(made[field], value, "{field}");
        }
        let line = &made["items"][0];
        assert_eq!(line["transactionId"], charged["id"]);
        for (field, value) in [
            ("type", json!("fee")),
            ("category", json!("CREDIT")),
            ("amount", json!(25)),
            ("balance", json!(25)),
            ("description", json!("Monthly fee")),
            ("externalTransactionId", json!("fee-1")),
        ] {
            assert_eq!(line[field], value, "{field}");
        }
        assert_eq!(made["items"].as_array().map(Vec::len), Some(1));
        let (_, _, csv) = file(partner.get(&path(&own, "&format=csv"))).await;
        assert!(csv.contains(",fee,Monthly fee,fee-1,,0.25,0.25,EUR\r\n"), "{csv}");
        let pdf = partner.get(&path(&own, "&format=pdf")).send().await.expect("an answer");
        let read = read_pdf(&pdf.bytes().await.expect("a file"));
        let words = words(&read["pages"][0]);
        let owner = format!("Owner {} (COMPANY)", made["name"].as_str().expect("a name"));
        for part in [owner.as_str(), "Closing balance 0.25 EUR", "fee Monthly fee 0.25 0.25"] {
            assert!(words.contains(part), "{part}: {words}");
        }
        let external = sandbox.partner_of_code("external");
        let refused = expect(404, external.get(&path(&own, ""))).await;
        assert_eq!(refused["title"], "BALANCE_NOT_FOUND");
        let nothing = path("00000000-0000-4000-8000-000000000000", "");
        let refused = expect(404, partner.get(&nothing)).await;
        assert_eq!(refused["title"], "BALANCE_NOT_FOUND");
    }
}

/// Descriptions, and the cells that they become.
const TEXTS: &[(&str, &str)] = &[
    ("Plain", "Plain"),
    ("Zażółć 株式会社", "Zażółć 株式会社"),
    ("=1+1", "'=1+1"),
    ("+1", "'+1"),
    ("-1", "'-1"),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("a=b", "a=b"),
    ("Two; parts", "\"Two, parts\""),
    // Where lists are separated by semicolons, this would be two cells.
    ("Shop;=1+1", "\"Shop,=1+1\""),
    ("Say \"so\"", "\"Say \"\"so\"\"\""),
];

/// Descriptions in the letters of Europe, one longer than its column, and some that the font of a
/// PDF has no glyphs for.
const LETTERS: &[&str] = &[
    "Zażółć gęślą jaźń, Łódź",
    "Größe & Straße „Ärger“",
    "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία",
    "Чуєш їх, доцю, га? Кумедна ж ти, прощайся без ґольфів!",
    "株式会社 ☎ 👍",
    "(parentheses) \\ <<and>> %PDF endstream",
];

/// A page's words, with one space between them.
fn words(page: &Value) -> String {
    page.as_str().expect("a text").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Minor units of the euro as a PDF writes them.
fn euros(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", minor.abs() / 100, minor.abs() % 100)
}

/// Fails if a PDF doesn't say all that the JSON says, in its order.
fn check_pages(read: &Value, told: &Value) {
    let pages: Vec<String> = read["pages"].as_array().expect("a list").iter().map(words).collect();
    assert_eq!(pages.len(), 2);
    for (number, page) in pages.iter().enumerate() {
        assert!(page.contains(&format!("{} / 2", number + 1)), "{page}");
        assert!(page.contains("Date Type Description Amount Balance"), "{page}");
    }
    let minor = |value: &Value| value.as_i64().expect("a number");
    let mut wanted: Vec<String> = [
        ("Opening balance", "openingBalance"),
        ("Total credits", "totalCredits"),
        ("Total debits", "totalDebits"),
        ("Closing balance", "closingBalance"),
    ]
    .map(|(name, field)| format!("{name} {} EUR", euros(minor(&told[field]))))
    .into();
    wanted.push(format!("2000-01-01 Opening balance {}", euros(minor(&told["openingBalance"]))));
    let items = told["items"].as_array().expect("a list");
    assert_eq!(items.len(), 60);
    for item in items {
        let sign = if item["category"] == "DEBIT" { -1 } else { 1 };
        let at: domain::Timestamp = item["date"].as_str().expect("a text").parse().expect("a time");
        let tokyo = jiff::tz::TimeZone::fixed(jiff::tz::offset(9));
        wanted.push(format!(
            "{} {} {} {} {}",
            at.to_zoned(tokyo).strftime("%Y-%m-%d %H:%M:%S"),
            item["type"].as_str().expect("a word"),
            item["description"].as_str().expect("a text"),
            euros(sign * minor(&item["amount"])),
            euros(minor(&item["balance"])),
        ));
    }
    wanted.push(format!("2100-12-31 Closing balance {}", euros(minor(&told["closingBalance"]))));
    let all = pages.join(" ");
    let mut rest = all.as_str();
    for part in wanted {
        let Some(at) = rest.find(&part) else { panic!("{part} isn't in {rest}") };
        rest = &rest[at + part.len()..];
    }
}
