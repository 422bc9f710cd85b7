//! Notifications whose path is paused.

use super::unhurried;
use crate::audit::records;
use crate::notifications::{lock, partner_of, standing};
use crate::story::{Story, expect};
use crate::support::Browser;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering::SeqCst};

const LIST: &str = "/panel/of/sandbox/notifications";

on_both_databases! {
    /// Whoever works for the partner is told what is paused and resumes it, once for a form; where
    /// nothing is paused nothing is offered.
    async fn a_paused_path_is_seen_and_resumed(database) {
        let mut sandbox = unhurried(database).await;
        let status = Arc::new(AtomicU16::new(410));
        let partner = partner_of(&sandbox, &status).await;
        let story = Story::begin(&sandbox, 0).await;
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await;
        let browser = Browser::signed_in(&sandbox, &employee).await;
        let resume = format!("{LIST}/resume");
        assert!(!browser.load(LIST).await.html.contains(&resume), "nothing is paused");
        lock(sandbox.partner(), &story).await;
        standing(sandbox.partner(), "PAUSED", story.card, 1).await;
        let page = browser.load(LIST).await;
        assert!(page.html.contains("<li>cardLocked</li>"), "{}", page.html);
        assert!(page.html.contains(&format!("action=\"{resume}\"")), "{}", page.html);
        let calls = browser.load("/panel/of/sandbox/partner-calls").await.html;
        assert!(!calls.contains("/resume\""), "calls have no paths: {calls}");
        let other = sandbox.admin("ADMIN", Some("shared")).await;
        let other = Browser::signed_in(&sandbox, &other).await;
        let theirs = other.load("/panel/of/shared/notifications").await.html;
        assert!(!theirs.contains("/resume\""), "another's are its own: {theirs}");

        status.store(204, SeqCst);
        let fields = [("csrf", page.hidden("csrf")), ("once", page.hidden("once"))];
        for _ in 0..2 {
            let sent = browser.send(&resume, &fields).await;
            assert!(sent.to.starts_with(&format!("{LIST}?done=done.resumed")), "{}", sent.to);
            let seen = browser.load(&sent.to).await.html;
            assert!(seen.contains("What was paused is sent again."), "{seen}");
            assert!(!seen.contains(&resume), "{seen}");
        }
        standing(sandbox.partner(), "DELIVERED", story.card, 1).await;
        assert_eq!(partner.count(), 2, "refused once, taken once");
        let left = records(&mut sandbox).await;
        let left = left.values().flatten().filter(|it| it.action == "partner.resume");
        let left: Vec<_> = left.collect();
        assert_eq!(left.len(), 1);
        assert!(left[0].actor.starts_with("admin:"), "{}", left[0].actor);
        let told = json!({ "events": ["cardLocked"], "notifications": 1 });
        assert_eq!(left[0].detail["after"], told);
    }

    /// The same under `/admin`.
    async fn a_paused_path_is_resumed_under_admin(database) {
        let sandbox = unhurried(database).await;
        let status = Arc::new(AtomicU16::new(410));
        let partner = partner_of(&sandbox, &status).await;
        let story = Story::begin(&sandbox, 0).await;
        lock(sandbox.partner(), &story).await;
        standing(sandbox.partner(), "PAUSED", story.card, 1).await;
        status.store(204, SeqCst);
        let employee = sandbox.admin("EMPLOYEE", Some("sandbox")).await.sign_in(&sandbox).await;
        let post = || {
            employee.post("/admin/notifications/resume").header("X-Idempotency-Key", "resume")
        };
        let resumed = json!({ "events": ["cardLocked"], "notifications": 1 });
        assert_eq!(expect(200, post()).await, resumed);
        assert_eq!(expect(200, post()).await, resumed, "as the first time");
        standing(sandbox.partner(), "DELIVERED", story.card, 1).await;
        assert_eq!(partner.count(), 2, "refused once, taken once");
    }
}
