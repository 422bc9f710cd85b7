//! Who was found on a list.

use super::unhurried;
use crate::screening::{is_locked, load, named};
use crate::support::Browser;

const HITS: &str = "/panel/of/sandbox/screening/hits";

/// The ids of the hits that a page lets somebody decide.
fn offered(html: &str) -> Vec<String> {
    let mark = format!("{HITS}/");
    html.match_indices(&mark).map(|(at, _)| html[at + mark.len()..][..36].to_owned()).collect()
}

on_both_databases! {
    /// The operator decides, with a reason, and may decide otherwise; the partner's administrator
    /// sees what was found.
    async fn hits_are_seen_and_decided(database) {
        let sandbox = unhurried(database).await;
        load(&sandbox, "1,Ivan Petrovich Sidorenko,1970-01-01\n").await.assert_done();
        let first = named(&sandbox, "Ivan", "Sidorenko", "1970-01-01").await;
        let second = named(&sandbox, "Iwan", "Sidorenko", "1970-01-01").await;
        let operator = sandbox.admin("OPERATOR", None).await;
        let operator = Browser::signed_in(&sandbox, &operator).await;
        let admin = sandbox.admin("ADMIN", Some("sandbox")).await;
        let admin = Browser::signed_in(&sandbox, &admin).await;
        let seen = admin.load(HITS).await.html;
        let user = |id: i64| format!("/panel/of/sandbox/users/{id}\"");
        for part in ["Ivan Petrovich Sidorenko", "as on the list", &user(first), &user(second)] {
            assert!(seen.contains(part), "{part}: {seen}");
        }
        assert_eq!(offered(&seen), Vec::<String>::new(), "the operator's to decide");
        let led = admin.load(&format!("/panel/of/sandbox/users/{first}")).await.html;
        assert!(led.contains(&format!("{HITS}?user={first}\"")), "{led}");

        let own = format!("{HITS}?user={first}");
        let hit = offered(&operator.load(&own).await.html);
        assert!(hit.len() == 1 && offered(&operator.load(HITS).await.html).len() == 2);
        let to = format!("{HITS}/{}/decision", hit[0]);
        let long = "x".repeat(501);
        for comment in ["", " ", &long] {
            let fields = [("state", "CLEARED"), ("seen", "OPEN"), ("comment", comment)];
            let sent = operator.submit(HITS, &to, &fields).await;
            assert!(sent.to.contains("failed=COMMENT_INVALID"), "{} {}", sent.status, sent.to);
        }
        let open = [("state", "OPEN"), ("seen", "OPEN"), ("comment", "x")];
        assert_eq!(operator.submit(HITS, &to, &open).await.status, 400);
        assert!(is_locked(&sandbox, first).await);
        let text = first.to_string();
        for (seen, state, words, locked) in [
            ("OPEN", "CLEARED", "somebody else: Born elsewhere.", false),
            ("CLEARED", "CONFIRMED", "the one on the list: Born elsewhere.", true),
        ] {
            let comment = ("comment", "Born elsewhere.");
            let fields = [("seen", seen), ("state", state), comment, ("user", &text)];
            let sent = operator.submit(&own, &to, &fields).await;
            let back = format!("{own}&done=done.hit&");
            assert!(sent.to.starts_with(&back), "{} {}", sent.status, sent.to);
            assert!(operator.load(&sent.to).await.html.contains(words), "{state}");
            assert_eq!(is_locked(&sandbox, first).await, locked, "{state}");
        }
        // Whoever still sees it undecided doesn't undo what another has decided.
        let late = [("seen", "OPEN"), ("state", "CLEARED"), ("comment", "x"), ("user", &text)];
        let sent = operator.submit(&own, &to, &late).await;
        assert!(sent.to.contains("failed=HIT_CHANGED"), "{} {}", sent.status, sent.to);
        assert!(is_locked(&sandbox, first).await);
        let seen = admin.load(&own).await.html;
        let tells = seen.contains("the one on the list") && !seen.contains("Born elsewhere.");
        assert!(tells, "why is the operator's: {seen}");
        assert_eq!(offered(&operator.load(HITS).await.html).len(), 1, "the other waits");
        assert!(is_locked(&sandbox, second).await);
    }
}
