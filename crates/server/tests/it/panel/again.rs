//! Forms that aren't done: their pages are shown again, with what was typed and why not.

use super::unhurried;
use crate::plastic::PHYSICAL;
use crate::story::{Story, unique};
use crate::support::{Browser, Loaded};

/// What would end an attribute and begin a script, if it were taken for more than a text.
const EVIL: &str = "\"></textarea><script>alert(1)</script>";

/// What a form of a page that was answered with shows in a field: its text, or what is chosen. Of
/// several forms that go to one place, the one that is open.
pub(super) fn shown(page: &Loaded, action: &str, name: &str) -> String {
    let html = page.html.as_str();
    let mark = format!("action=\"{action}\"");
    let forms = html.match_indices(&mark).map(|(at, _)| at);
    let open = |at: &usize| {
        html[..*at]
            .rfind("<details")
            .is_some_and(|from| html[from..*at].starts_with("<details open>"))
    };
    let all: Vec<usize> = forms.collect();
    let at = all.iter().copied().find(open).or(all.first().copied()).expect("the form");
    let form = &html[at..at + html[at..].find("</form>").expect("its end")];
    let field = form.find(&format!(" name=\"{name}\"")).unwrap_or_else(|| panic!("{name}: {form}"));
    let from = form[..field].rfind('<').expect("its element");
    let (tag, rest) = form[from..].split_once('>').expect("its end");
    let between = |text: &str, begin: &str, end: char| {
        let (_, rest) = text.split_once(begin)?;
        Some(rest[..rest.find(end)?].to_owned())
    };
    let value = if tag.starts_with("<input") {
        between(tag, " value=\"", '"').unwrap_or_default()
    } else if tag.starts_with("<textarea") {
        rest[..rest.find('<').expect("its end")].to_owned()
    } else {
        let chosen = &rest[..rest.find("</select>").expect("its end")];
        let option = chosen.split("<option").find(|it| it.contains(" selected>"));
        let option = option.unwrap_or_else(|| panic!("{name}: {chosen}"));
        let told = between(option, " value=\"", '"').or_else(|| between(option, ">", '<'));
        told.expect("a choice")
    };
    let marks = [
        ("34", "\""),
        ("60", "<"),
        ("62", ">"),
        ("39", "'"),
        ("43", "+"),
        ("61", "="),
        ("38", "&"),
    ];
    marks.iter().fold(value, |value, (code, it)| value.replace(&format!("&#{code};"), it))
}

/// Checks that a form wasn't done, that its page says so, and that it still has all that was typed.
fn kept(page: &Loaded, status: u16, action: &str, fields: &[(&str, &str)]) {
    assert_eq!((page.status, page.to.as_str()), (status, ""), "{action}: {}", page.html);
    assert!(page.html.contains("role=\"alert\""), "{action}: {}", page.html);
    assert!(!page.html.contains("<script>alert"), "{action}: {}", page.html);
    for (name, value) in fields {
        assert_eq!(shown(page, action, name), *value, "{action}: {name}");
    }
}

on_both_databases! {
    /// Whoever makes a partner, a program or an account is shown what they have typed, may put it
    /// right there, and then it is done; a code isn't shown.
    async fn what_the_operator_typed_is_kept(database) {
        let sandbox = unhurried(database).await;
        let operator = sandbox.admin("OPERATOR", None).await;
        let browser = Browser::signed_in(&sandbox, &operator).await;
        let (new, code) = ("/panel/new-partner", format!("acme-{}", unique()));
        let mut fields = vec![("code", code.as_str()), ("name", EVIL), ("timeZone", "Mars/Base"),
            ("kycMode", "EXTERNAL"), ("ownBin", "on"), ("standIn", "2500")];
        let page = browser.submit(new, new, &fields).await;
        kept(&page, 422, new, &fields);
        fields[5] = ("standIn", "many");
        kept(&browser.submit(new, new, &fields).await, 400, new, &fields);
        fields[1..3].copy_from_slice(&[("name", "Acme"), ("timeZone", "Europe/Warsaw")]);
        fields[5] = ("standIn", "2500");
        let hidden = [("csrf", page.hidden("csrf")), ("once", page.hidden("once"))];
        let told = browser.send(new, &[&hidden[..], &fields].concat()).await;
        let made = format!("/panel/partners/{code}");
        assert!(told.to.starts_with(&format!("{made}?done=done.partner-made")), "{told:?}");

        let set = format!("{made}/set");
        let fields = [("was.name", "Acme"), ("name", EVIL), ("was.timeZone", "Europe/Warsaw"),
            ("timeZone", "Mars/Base"), ("was.asksAtOnce", "7"), ("asksAtOnce", "7")];
        let page = browser.submit(&made, &set, &fields).await;
        kept(&page, 422, &set, &[fields[1], fields[3]]);
        let untouched = [("asksAtOnce", "64"), ("was.name", "Acme"), ("was.asksAtOnce", "64")];
        kept(&page, 422, &set, &untouched);

        let (new, made) = ("/panel/new-program", "/panel/programs/sandbox/0000000047");
        let mut fields = vec![("partner", "sandbox"), ("configId", EVIL),
            ("processor", "sandbox-processor"), ("cardType", "VIRTUAL"), ("digitalFirst", "off"),
            ("currency", "EUR"), ("bin", "53208797"), ("product", "PREPAID"), ("holdDays", "9"),
            ("giftApproval", EVIL), ("giftEcommerceMax", "25.50")];
        kept(&browser.submit(new, new, &fields).await, 422, new, &fields);
        fields[5] = ("currency", "EURO");
        kept(&browser.submit(new, new, &fields).await, 400, new, &fields);
        fields[5] = ("currency", "EUR");
        fields[1] = ("configId", "0000000047");
        fields[9] = ("giftApproval", "Letter 7");
        let told = browser.submit(new, new, &fields).await;
        assert!(told.to.starts_with(&format!("{made}?done=done.program-made")), "{told:?}");

        let new = "/panel/accounts/new";
        let fields = [("email", EVIL), ("role", "OPERATOR"), ("totp", "735194")];
        let page = browser.submit("/panel/accounts", new, &fields).await;
        kept(&page, 422, new, &fields[..2]);
        assert!(!page.html.contains("735194"), "{}", page.html);
    }

    /// The same of those who work for a partner: an account, plastic that is ordered, what a card
    /// may spend.
    async fn what_the_partners_people_typed_is_kept(database) {
        let sandbox = unhurried(database).await;
        let story = Story::begin(&sandbox, 1_000).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &admin).await;
        let list = "/panel/of/sandbox/accounts";
        let (new, fields) = (format!("{list}/new"), [("email", EVIL), ("role", "MANAGER")]);
        kept(&browser.submit(list, &new, &fields).await, 422, &new, &fields);

        let user = format!("/panel/of/sandbox/users/{}", story.customer);
        let order = format!("{user}/cards/order");
        let mut fields = vec![("balance", story.balance.as_str()), ("program", PHYSICAL),
            ("embossedName", EVIL), ("street", EVIL), ("number", "7"), ("apartment", "12"),
            ("city", "Łódź"), ("postCode", "90-001"), ("country", "PL"), ("delivery", "COURIER")];
        let page = browser.submit(&user, &order, &fields).await;
        kept(&page, 422, &order, &fields);
        assert_eq!(page.html.matches("<details open>").count(), 1, "the others stay shut");
        fields[2] = ("embossedName", "JAN KOWALSKI");
        fields[8] = ("country", "Poland");
        kept(&browser.submit(&user, &order, &fields).await, 400, &order, &fields);
        let (issue, label) = (format!("{user}/cards"), [("label", EVIL), fields[0]]);
        kept(&browser.submit(&user, &issue, &label).await, 422, &issue, &label);

        let page = format!("/panel/of/sandbox/cards/{}/limits", story.card);
        let change = format!("{page}/change");
        for fields in [
            &[("change", "limit"), ("type", "atm"), ("unit", "weekly"), ("amount", EVIL),
                ("count", "3")][..],
            &[("change", "budget"), ("amount", EVIL), ("from", "2026-01-01"),
                ("to", "2026-12-31")],
            &[("change", "control"), ("control", "mccs"), ("mode", "blocked"), ("entries", EVIL)],
        ] {
            let told = browser.submit(&page, &change, fields).await;
            kept(&told, 400, &change, fields);
            assert_eq!(told.html.matches("<details open>").count(), 1, "the others stay shut");
        }
    }
}
