//! Programs in the panel: made, changed, closed and opened by the operator.

use super::unhurried;
use crate::story::{Story, expect, unique};
use crate::support::{Browser, Loaded};
use serde_json::json;

const PAGE: &str = "/panel/programs/sandbox/0019167984";

/// Sends a form of a program's page as it is at this moment, with what it shows of a control.
async fn change(browser: &Browser, form: &str, fields: &[(&str, &str)]) -> Loaded {
    let loaded = browser.load(PAGE).await;
    let mut all = vec![("csrf", loaded.hidden("csrf")), ("once", loaded.hidden("once"))];
    if let Some((_, control)) = fields.iter().find(|(name, _)| *name == "control") {
        let mark = format!("value=\"{control}\"><input type=\"hidden\" name=\"was\" value=\"");
        let (_, rest) = loaded.html.split_once(&mark).expect("what is shown of the control");
        all.push(("was", &rest[..rest.find('"').expect("a quote")]));
    }
    all.extend(fields);
    browser.send(&format!("{PAGE}/{form}"), &all).await
}

on_both_databases! {
    /// What is typed makes a program of a processor that was just made, and is found in the lists.
    async fn an_operator_makes_a_program(database) {
        let sandbox = unhurried(database).await;
        let operator = sandbox.admin("OPERATOR", None).await;
        let browser = Browser::signed_in(&sandbox, &operator).await;
        let (list, new) = ("/panel/programs", "/panel/new-program");
        let processor = [("name", "acme-processing"), ("timeBudgetMs", "1500")];
        let told = browser.submit(list, "/panel/new-processor", &processor).await;
        assert!(told.to.contains("done=done.processor-made"), "{told:?}");
        let told = browser.submit(list, "/panel/new-processor", &processor).await;
        assert!(told.to.contains("failed=PROCESSOR_ALREADY_EXISTS"), "{told:?}");
        assert!(browser.load(&format!("{new}?partner=shared")).await.html.contains("acme-proces"));

        let fields = [("partner", "sandbox"), ("configId", "0000000043"),
            ("processor", "acme-processing"), ("cardType", "VIRTUAL"), ("digitalFirst", "off"),
            ("currency", "EUR"), ("bin", "53208798"), ("product", "PREPAID"), ("holdDays", "9"),
            ("giftApproval", "Letter 7"), ("giftEcommerceMax", "25.50")];
        let told = browser.submit(new, new, &fields).await;
        let page = format!("{list}/sandbox/0000000043");
        assert!(told.to.starts_with(&format!("{page}?done=done.program-made")), "{told:?}");
        let told = browser.submit(new, new, &fields).await;
        assert!(told.html.contains("has a program of this configId"), "{told:?}");
        let other = [&[("partner", "nobody")], &fields[1..]].concat();
        let told = browser.submit(new, new, &other).await;
        assert!(told.html.contains("There is no such partner"), "{told:?}");
        let shown = browser.load(&page).await.html;
        for part in ["acme-processing", "53208798", "Letter 7", "25.50 EUR"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(browser.load(&format!("{list}?partner=sandbox")).await.html.contains(&page));
        assert!(!browser.load(&format!("{list}?partner=shared")).await.html.contains(&page));
        let api = sandbox.admin("OPERATOR", None).await.sign_in(&sandbox).await;
        let made = expect(200, api.get("/admin/programs/sandbox/0000000043")).await;
        assert_eq!((&made["holdDays"], &made["cardCap"]), (&json!(9), &json!(10)));
    }

    /// Each form changes one thing, and what the others have set stays.
    async fn an_operator_changes_and_closes_a_program(database) {
        let sandbox = unhurried(database).await;
        let story = Story::begin(&sandbox, 10_000).await;
        let operator = sandbox.admin("OPERATOR", None).await;
        let browser = Browser::signed_in(&sandbox, &operator).await;
        let done = async |form: &str, fields: &[(&str, &str)], word: &str| {
            let told = change(&browser, form, fields).await;
            assert!(told.to.contains(&format!("?done=done.{word}&")), "{form}: {told:?}");
        };
        let daily = [("type", "general"), ("unit", "daily")];
        let limit = [&[("change", "limit"), ("amount", "5")], &daily[..]].concat();
        done("limits", &limit, "program-limits").await;
        let control = [("change", "control"), ("control", "mccs"), ("mode", "blocked"),
            ("entries", "7995")];
        done("limits", &control, "program-limits").await;
        let stale = [&control[..], &[("was", "else")]].concat();
        let told = change(&browser, "limits", &stale).await;
        assert!(told.html.contains("was changed meanwhile"), "{told:?}");
        let budget = [("change", "budget"), ("amount", "5"), ("from", "2026-01-01"),
            ("to", "2026-12-31")];
        assert_eq!(change(&browser, "limits", &budget).await.status, 400, "it has none");
        done("bin", &[("bin", "53208799")], "program-bin").await;
        let told = change(&browser, "bin", &[("bin", "532087")]).await;
        assert!(told.to.contains("failed=BIN_TAKEN"), "{told:?}");
        let plastic = [("bureau", "sandbox"), ("chipProfile", "MCHIP-EUR")];
        done("plastic", &plastic, "program-plastic").await;
        let shown = browser.load(PAGE).await.html;
        for part in ["5.00 EUR", "All but these are permitted: 7995", "53208799", "MCHIP-EUR",
            "10,000,000"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let pay = async |minor| {
            let id = format!("pay-{}", unique());
            let told = expect(200, story.purchase(sandbox.processor(), minor, &id)).await;
            told["description"].clone()
        };
        assert_eq!(pay(501).await, "LIMIT_EXCEED");
        let off = [&[("change", "no-limit")], &daily[..]].concat();
        done("limits", &off, "program-limits").await;
        assert_eq!(pay(501).await, "APPROVED");
        done("close", &[], "program-closed").await;
        assert_eq!(pay(1).await, "TRANSACTION_NOT_PERMITTED");
        done("open", &[], "program-open").await;
        assert_eq!(pay(1).await, "APPROVED");
        for path in ["sandbox/0000000000", "nobody/0019167984"] {
            assert_eq!(browser.load(&format!("/panel/programs/{path}")).await.status, 404);
        }
    }
}
