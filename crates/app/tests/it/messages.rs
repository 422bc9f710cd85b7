//! Every kind of message of a network, beside purchases, reversals and clearings.

use app::processor::{Authorize, Clear, Details, Inform, Message, Reverse, Told};
use app::transactions::History;
use domain::authorization::{Ask, PartialApproval};
use domain::balance::PartnerBalanceKind;
use domain::ids::CardId;
use domain::ledger::clearing::Finality::{Final, Partial};
use domain::money::Currency;
use domain::notification::Event;
use domain::partner::CollateralMode;
use domain::program::PreAuthorization;
use domain::transaction::{Category, Description, Processing, Status, TransactionType};
use testkit::{Behaviour, Partner, TestApp, on_both};

/// Seconds.
const DAY: i64 = 86_400;

async fn ask(node: &TestApp, ask: Ask, card: CardId, minor: i64, name: &str) -> Message {
    let asked = Authorize { ask, ..node.ask(card, minor, name) };
    node.app.authorize(asked).await.expect("decided")
}

pub(crate) async fn raise(
    node: &TestApp,
    card: CardId,
    minor: i64,
    name: &str,
    of: &str,
) -> Message {
    let asked = Authorize {
        ask: Ask::Increment,
        reference: Some(node.reference(minor, of)),
        ..node.ask(card, minor, name)
    };
    node.app.authorize(asked).await.expect("decided")
}

async fn tell(node: &TestApp, told: Told, card: CardId, minor: i64, name: &str) -> Message {
    node.app.inform(node.told(card, minor, name, told)).await.expect("recorded")
}

async fn adjust(
    node: &TestApp,
    (card, minor): (CardId, i64),
    name: &str,
    of: &str,
    category: Category,
) -> Message {
    let told = Inform {
        details: node.details(minor, name, Some(of)),
        reference: Some(node.reference(minor, of)),
        kind: TransactionType::Adjustment,
        category,
        ..node.told(card, minor, name, Told::Adjustment)
    };
    node.app.inform(told).await.expect("recorded")
}

async fn clear_credit(node: &TestApp, card: CardId, minor: i64, name: &str, of: &str) -> Message {
    let clear = Clear {
        envelope: node.envelope(card, name, name),
        details: node.details(minor, name, Some(of)),
        reference: Some(node.reference(minor, of)),
        category: Category::Credit,
        finality: Final,
        sequence: 1,
        fx_difference: None,
    };
    node.app.clear(clear).await.expect("decided")
}

on_both! {
    /// An increment raises the hold, is decided like an authorization, and clears with it.
    async fn an_increment_raises_a_hold(node) {
        let funded = node.funded(1_000).await;
        let first = node.purchase(funded.card, 300, "p1").await.expect("decided");
        let raised = raise(&node, funded.card, 200, "i1", "p1").await;
        assert_eq!((raised.approved_amount.minor(), raised.transaction), (200, first.transaction));
        assert_eq!(node.amounts(funded.balance).await, (500, 500));
        let refused = raise(&node, funded.card, 501, "i2", "p1").await;
        assert_eq!(refused.description, Description::InsufficientFunds);
        assert_ne!(refused.transaction, first.transaction, "a decline is a record of its own");
        let unknown = raise(&node, funded.card, 1, "i3", "nobody").await;
        assert_eq!(unknown.processing, Processing::Invalid);
        assert_eq!(unknown.description, Description::ReferencedTransactionNotFound);
        assert_eq!(node.amounts(funded.balance).await, (500, 500));
        node.clear(funded.card, 500, "c1", Some("p1"), Final).await.expect("decided");
        assert_eq!(node.amounts(funded.balance).await, (500, 0));
        node.verify().await;
    }
}

on_both! {
    /// An increment has a network id of its own: what names it means what it raised, and its
    /// reversal takes at most what it had raised, once.
    async fn an_increment_is_known_by_its_own_network_id(node) {
        let funded = node.funded(1_000).await;
        let card = funded.card;
        let first = node.purchase(card, 300, "p1").await.expect("decided");
        raise(&node, card, 200, "i1", "p1").await;
        let told = tell(&node, Told::Advice, card, 200, "i1").await;
        assert_eq!((told.transaction, told.status), (first.transaction, Status::Authorized));
        assert_eq!(node.amounts(funded.balance).await, (500, 500), "no second hold");
        let part = node.reverse(card, 50, "r1", "i1").await.expect("decided");
        assert_eq!((part.transaction, part.processing), (first.transaction, Processing::Success));
        assert_eq!(node.amounts(funded.balance).await, (550, 450));
        node.reverse(card, 400, "r2", "i1").await.expect("decided");
        assert_eq!(node.amounts(funded.balance).await, (700, 300), "no more than it raised");
        let again = node.reverse(card, 200, "r3", "i1").await.expect("decided");
        assert_eq!(again.description, Description::ReferencedTransactionNotFound);
        assert_eq!(node.amounts(funded.balance).await, (700, 300), "once");
        raise(&node, card, 100, "i2", "i1").await;
        let forced = tell(&node, Told::ForceDebit, card, 120, "i2").await;
        assert_eq!(forced.transaction, first.transaction);
        assert_eq!(node.amounts(funded.balance).await, (580, 420), "the difference alone");
        node.clear(card, 420, "c1", Some("i2"), Final).await.expect("decided");
        assert_eq!(node.amounts(funded.balance).await, (580, 0));
        node.verify().await;
    }
}

on_both! {
    /// What comes at once finds what was decided in the same batch.
    async fn an_increment_and_its_reversal_at_once(node) {
        let funded = node.funded(1_000).await;
        let card = funded.card;
        node.purchase(card, 300, "p1").await.expect("decided");
        for name in ["a", "b", "c", "d"] {
            let (up, down) = (format!("i{name}"), format!("r{name}"));
            let (raised, reversed) = tokio::join!(
                raise(&node, card, 100, &up, "p1"),
                node.reverse(card, 100, &down, &up),
            );
            assert!(reversed.is_ok());
            // The reversal was first, or took the increment off.
            let stopped = raised.description == Description::UnknownError;
            assert!(stopped || raised.processing == Processing::Success);
            assert_eq!(node.amounts(funded.balance).await, (700, 300));
        }
        node.verify().await;
    }
}

on_both! {
    /// Of a hold that has expired an advice of an increment holds the increment again, as far as
    /// it wasn't cleared.
    async fn an_advice_of_an_expired_increment_holds_it_again(node) {
        let funded = node.funded(1_000).await;
        let card = funded.card;
        node.purchase(card, 300, "p1").await.expect("decided");
        raise(&node, card, 100, "i1", "p1").await;
        node.clear(card, 340, "c1", Some("p1"), Partial).await.expect("decided");
        node.advance(8 * DAY);
        assert_eq!(node.app.expire_holds().await.expect("ends"), 1);
        assert_eq!(node.amounts(funded.balance).await, (660, 0));
        tell(&node, Told::Advice, card, 100, "i1").await;
        assert_eq!(node.amounts(funded.balance).await, (600, 60), "40 of it were cleared");
        node.reverse(card, 100, "r1", "i1").await.expect("decided");
        assert_eq!(node.amounts(funded.balance).await, (660, 0));
        node.verify().await;
    }
}

on_both! {
    /// One that bears the name of what it raises is an increment all the same: it is held.
    async fn an_increment_with_its_originals_name_raises_it(node) {
        let funded = node.funded(1_000).await;
        let first = node.purchase(funded.card, 300, "p1").await.expect("decided");
        let asked = Authorize {
            ask: Ask::Increment,
            reference: Some(node.reference(200, "p1")),
            envelope: node.envelope(funded.card, "i1", "i1"),
            ..node.ask(funded.card, 200, "p1")
        };
        let raised = node.app.authorize(asked).await.expect("decided");
        assert_eq!((raised.approved_amount.minor(), raised.transaction), (200, first.transaction));
        assert_eq!(node.amounts(funded.balance).await, (500, 500));
        node.verify().await;
    }
}

on_both! {
    /// An increment makes a hold last from then on.
    async fn a_hold_ends_its_days_after_the_last_increment(node) {
        let funded = node.funded(1_000).await;
        node.purchase(funded.card, 300, "p1").await.expect("decided");
        node.advance(5 * DAY);
        raise(&node, funded.card, 100, "i1", "p1").await;
        node.advance(6 * DAY);
        assert_eq!(node.app.expire_holds().await.expect("looks"), 0);
        node.advance(DAY + 1);
        assert_eq!(node.app.expire_holds().await.expect("ends"), 1);
        assert_eq!(node.amounts(funded.balance).await, (1_000, 0));
        node.verify().await;
    }
}

on_both! {
    /// However often it is raised: a hold that is a month old is no estimate for that.
    async fn a_hold_that_is_raised_for_weeks_stays_an_ordinary_one(node) {
        let funded = node.funded(1_000).await;
        node.purchase(funded.card, 300, "p1").await.expect("decided");
        for week in 1..=5 {
            node.advance(6 * DAY);
            raise(&node, funded.card, 100, &format!("i{week}"), "p1").await;
        }
        node.advance(7 * DAY + 1);
        assert_eq!(node.app.expire_holds().await.expect("ends"), 1);
        node.verify().await;
    }
}

on_both! {
    /// An estimate's increment lasts as long as the estimate; so does a hotel's, flagged or not.
    async fn an_estimate_lasts_thirty_days_after_its_last_increment(node) {
        let funded = node.funded(1_000).await;
        let asked = node.ask(funded.card, 300, "p1");
        let flagged = Authorize { pre_authorization: PreAuthorization::Yes, ..asked };
        node.app.authorize(flagged).await.expect("decided");
        let mut hotel = node.ask(funded.card, 200, "p2");
        hotel.details.mcc = Some("7011".to_owned());
        node.app.authorize(hotel).await.expect("decided");
        node.advance(10 * DAY);
        assert_eq!(node.app.expire_holds().await.expect("looks"), 0);
        raise(&node, funded.card, 100, "i1", "p1").await;
        raise(&node, funded.card, 100, "i2", "p2").await;
        node.advance(29 * DAY);
        assert_eq!(node.app.expire_holds().await.expect("looks"), 0, "39 days after it was made");
        node.advance(DAY + 1);
        assert_eq!(node.app.expire_holds().await.expect("ends"), 2);
        node.verify().await;
    }
}

on_both! {
    /// What informs in another currency than the balance's is recorded, and moves nothing.
    async fn what_informs_in_another_currency_is_invalid(node) {
        let funded = node.funded(1_000).await;
        node.purchase(funded.card, 300, "p1").await.expect("decided");
        let in_zloty = |name: &str, of: Option<&str>| Details {
            currency: Currency::parse("PLN").expect("is one"),
            ..node.details(300, name, of)
        };
        let kinds = [Told::Advice, Told::ForceDebit, Told::ForceCredit, Told::Adjustment];
        let mut told = Vec::new();
        for kind in kinds {
            let name = format!("{kind:?}");
            let details = in_zloty(&name, None);
            let inform = Inform { details, ..node.told(funded.card, 300, &name, kind) };
            told.push(node.app.inform(inform).await.expect("recorded"));
        }
        let reverse = Reverse {
            envelope: node.envelope(funded.card, "r1", "r1"),
            details: in_zloty("r1", Some("p1")),
            reference: node.reference(300, "p1"),
        };
        told.push(node.app.reverse(reverse).await.expect("recorded"));
        let clear = Clear {
            envelope: node.envelope(funded.card, "c1", "c1"),
            details: in_zloty("c1", Some("p1")),
            reference: Some(node.reference(300, "p1")),
            category: Category::Debit,
            finality: Final,
            sequence: 1,
            fx_difference: None,
        };
        told.push(node.app.clear(clear).await.expect("recorded"));
        for message in told {
            assert_eq!(message.processing, Processing::Invalid, "{message:?}");
            assert_eq!(message.description, Description::CurrencyMismatch, "{message:?}");
        }
        assert_eq!(node.amounts(funded.balance).await, (700, 300));
        node.verify().await;
    }
}

on_both! {
    /// A credit is there at once; its clearing moves the difference, its reversal takes it back.
    async fn a_credit_is_posted_at_once(node) {
        let funded = node.funded(100).await;
        let deposit = node.backed_by(CollateralMode::Deposit, 1_000).await;
        let credit = ask(&node, Ask::Credit, funded.card, 200, "k1").await;
        assert_eq!((credit.approved_amount.minor(), credit.status), (200, Status::Authorized));
        assert_eq!(node.amounts(funded.balance).await, (300, 0));
        assert_eq!(node.partner_amounts(deposit).await, (1_000, 0), "when it clears");
        let cleared = clear_credit(&node, funded.card, 150, "c1", "k1").await;
        assert_eq!((cleared.transaction, cleared.status), (credit.transaction, Status::Cleared));
        assert_eq!(node.amounts(funded.balance).await, (250, 0));
        assert_eq!(node.partner_amounts(deposit).await, (1_150, 0));

        ask(&node, Ask::Credit, funded.card, 50, "k2").await;
        node.purchase(funded.card, 300, "p1").await.expect("decided");
        assert_eq!(node.amounts(funded.balance).await, (0, 300));
        let back = node.reverse(funded.card, 50, "r1", "k2").await.expect("decided");
        assert_eq!((back.status, back.processing), (Status::Reversed, Processing::Success));
        assert_eq!(node.amounts(funded.balance).await, (-50, 300), "by force");

        let forced = tell(&node, Told::ForceCredit, funded.card, 70, "f1").await;
        assert_eq!(forced.processing, Processing::Success);
        assert_eq!(node.partner_amounts(deposit).await, (1_150 + 70 - 300, 300), "at once");
        node.verify().await;
    }
}

on_both! {
    /// A refund that names the purchase is a credit of its own.
    async fn a_refund_gives_back_what_was_cleared(node) {
        let funded = node.funded(1_000).await;
        node.purchase(funded.card, 300, "p1").await.expect("decided");
        node.clear(funded.card, 300, "c1", Some("p1"), Final).await.expect("decided");
        let refund = clear_credit(&node, funded.card, 300, "c2", "p1").await;
        assert_eq!(refund.processing, Processing::Success);
        assert_eq!(node.amounts(funded.balance).await, (1_000, 0));
        node.verify().await;
    }
}

on_both! {
    /// What has happened already is never refused, and confirms what we have approved.
    async fn an_advice_holds_by_force_or_confirms(node) {
        let funded = node.funded(1_000).await;
        let asked = node.purchase(funded.card, 300, "p1").await.expect("decided");
        let confirmed = tell(&node, Told::Advice, funded.card, 320, "p1").await;
        assert_eq!(confirmed.transaction, asked.transaction);
        assert_eq!(node.amounts(funded.balance).await, (680, 320), "the difference alone");
        let declined = node.purchase(funded.card, 5_000, "p2").await.expect("decided");
        assert_eq!(declined.processing, Processing::Declined);
        let forced = tell(&node, Told::Advice, funded.card, 5_000, "p2").await;
        assert_eq!((forced.processing, forced.action_code.as_str()), (Processing::Success, "0000"));
        assert_eq!(node.amounts(funded.balance).await, (-4_320, 5_320));
        let heard = tell(&node, Told::DeclineAdvice, funded.card, 50, "p3").await;
        assert_eq!(heard.processing, Processing::Declined);
        let force = tell(&node, Told::ForceDebit, funded.card, 20, "p4").await;
        assert_eq!(force.processing, Processing::Success);
        assert_eq!(node.amounts(funded.balance).await, (-4_340, 5_340));
        let again = tell(&node, Told::ForceDebit, funded.card, 20, "p4").await;
        assert_eq!(again.id, force.id, "delivered twice, acts once");
        node.clear(funded.card, 20, "c4", Some("p4"), Final).await.expect("decided");
        assert_eq!(node.amounts(funded.balance).await, (-4_340, 5_320));
        node.verify().await;
    }
}

on_both! {
    /// An advice is never refused; its answer tells what stands of its amount.
    async fn an_advice_is_answered_with_what_stands(node) {
        let funded = node.funded(1_000).await;
        let card = funded.card;
        let stands = |told: &Message| (told.approved_amount.minor(), told.action_code.clone());
        let ok = |minor: i64| (minor, "0000".to_owned());
        for name in ["open", "reversed", "cleared", "more"] {
            node.purchase(card, 100, name).await.expect("decided");
        }
        node.reverse(card, 100, "r1", "reversed").await.expect("decided");
        node.clear(card, 90, "c1", Some("cleared"), Final).await.expect("decided");
        node.clear(card, 130, "c2", Some("more"), Final).await.expect("decided");
        node.reverse(card, 100, "r2", "stopped").await.expect("decided");
        node.reverse(card, 40, "r3", "open").await.expect("decided");
        let mut told = Vec::new();
        for name in ["open", "reversed", "cleared", "more", "stopped", "new"] {
            told.push(stands(&tell(&node, Told::Advice, card, 100, name).await));
        }
        assert_eq!(told, [ok(60), ok(0), ok(90), ok(100), ok(0), ok(100)]);
        assert_eq!(node.amounts(funded.balance).await, (620, 160));
        node.verify().await;
    }
}

on_both! {
    /// What was decided by somebody else isn't decided again when its own question comes late: it
    /// is answered as the advice told, and nothing is held twice.
    async fn an_authorization_after_its_own_advice_is_answered_as_that(node) {
        let funded = node.funded(1_000).await;
        let card = funded.card;
        let told = tell(&node, Told::Advice, card, 300, "p1").await;
        let late = node.purchase(card, 300, "p1").await.expect("decided");
        assert_eq!((late.transaction, late.approved_amount.minor()), (told.transaction, 300));
        assert_eq!((late.action_code.as_str(), late.status), ("0000", Status::Authorized));
        assert_eq!(late.authorization_code, told.authorization_code);
        assert_eq!(node.amounts(funded.balance).await, (700, 300));
        // Also where there is too little for a question, and for an increment.
        let told = tell(&node, Told::ForceDebit, card, 900, "p2").await;
        let late = node.purchase(card, 900, "p2").await.expect("decided");
        assert_eq!((late.transaction, late.approved_amount.minor()), (told.transaction, 900));
        let told = tell(&node, Told::Advice, card, 50, "i1").await;
        let late = raise(&node, card, 50, "i1", "p1").await;
        assert_eq!(late.transaction, told.transaction);
        assert_eq!(node.amounts(funded.balance).await, (-250, 1_250));
        // What was taken back meanwhile isn't approved any more.
        node.reverse(card, 50, "r1", "i1").await.expect("decided");
        tell(&node, Told::Advice, card, 70, "p3").await;
        node.reverse(card, 70, "r3", "p3").await.expect("decided");
        let stopped = node.purchase(card, 70, "p3").await.expect("decided");
        assert_eq!(stopped.description, Description::UnknownError);
        // What follows finds the one hold that there is.
        let cleared = node.clear(card, 300, "c1", Some("p1"), Final).await.expect("decided");
        assert_eq!(cleared.status, Status::Cleared);
        assert_eq!(node.amounts(funded.balance).await, (-200, 900));
        node.verify().await;
    }
}

on_both! {
    /// Where less was told than is asked, that is an approval in part: only for whom it will do.
    async fn less_than_asked_is_approved_as_told_only_in_part(node) {
        let funded = node.funded(1_000).await;
        let card = funded.card;
        let partial_approval = PartialApproval::Allowed;
        for (name, kind, partial_approval, expected) in [
            ("p1", TransactionType::Pos, partial_approval, (300, "0002")),
            ("p2", TransactionType::Pos, PartialApproval::Refused, (0, "1000")),
            ("p3", TransactionType::Atm, partial_approval, (0, "1000")),
        ] {
            tell(&node, Told::Advice, card, 300, name).await;
            let late = Authorize { kind, partial_approval, ..node.ask(card, 400, name) };
            let late = node.app.authorize(late).await.expect("decided");
            let told = (late.approved_amount.minor(), late.action_code.as_str());
            assert_eq!(told, expected, "{name}");
        }
        tell(&node, Told::ForceCredit, card, 40, "k1").await;
        let late = ask(&node, Ask::Credit, card, 50, "k1").await;
        assert_eq!(late.description, Description::UnknownError);
        // What was told stays as it is.
        assert_eq!(node.amounts(funded.balance).await, (140, 900));
        node.verify().await;
    }
}

on_both! {
    /// The same way round for a credit.
    async fn a_credit_after_its_own_force_credit_is_posted_once(node) {
        let funded = node.funded(100).await;
        let told = tell(&node, Told::ForceCredit, funded.card, 40, "k1").await;
        let late = ask(&node, Ask::Credit, funded.card, 40, "k1").await;
        assert_eq!((late.transaction, late.approved_amount.minor()), (told.transaction, 40));
        assert_eq!(node.amounts(funded.balance).await, (140, 0));
        // A debit of the same name goes another way.
        let other = node.purchase(funded.card, 40, "k1").await.expect("decided");
        assert_ne!(other.transaction, told.transaction);
        assert_eq!(node.amounts(funded.balance).await, (100, 40));
        node.verify().await;
    }
}

on_both! {
    /// An advice that comes late changes what its own authorization had approved, not what came
    /// after that.
    async fn a_late_advice_leaves_what_came_after_its_authorization(node) {
        let funded = node.funded(1_000).await;
        let card = funded.card;
        node.purchase(card, 300, "p1").await.expect("decided");
        raise(&node, card, 200, "i1", "p1").await;
        tell(&node, Told::Advice, card, 300, "p1").await;
        assert_eq!(node.amounts(funded.balance).await, (500, 500), "the increment stays");
        node.purchase(card, 100, "p2").await.expect("decided");
        node.reverse(card, 40, "r2", "p2").await.expect("decided");
        tell(&node, Told::Advice, card, 100, "p2").await;
        assert_eq!(node.amounts(funded.balance).await, (440, 560), "what was reversed stays so");
        tell(&node, Told::ForceDebit, card, 110, "p2").await;
        assert_eq!(node.amounts(funded.balance).await, (430, 570), "the difference to the last");
        node.verify().await;
    }
}

on_both! {
    /// What was cleared of a hold before its end is paid: an advice holds the rest of it again.
    async fn an_advice_of_what_has_expired_holds_what_was_not_cleared(node) {
        const DAY: i64 = 86_400;
        let funded = node.funded(1_000).await;
        let asked = node.purchase(funded.card, 300, "p1").await.expect("decided");
        node.purchase(funded.card, 50, "p2").await.expect("decided");
        node.clear(funded.card, 100, "c1", Some("p1"), Partial).await.expect("decided");
        node.clear(funded.card, 60, "c2", Some("p2"), Partial).await.expect("decided");
        node.advance(8 * DAY);
        assert_eq!(node.app.expire_holds().await.expect("ends"), 2);
        assert_eq!(node.amounts(funded.balance).await, (840, 0));
        let told = tell(&node, Told::Advice, funded.card, 300, "p1").await;
        assert_ne!(told.transaction, asked.transaction, "a hold of its own");
        assert_eq!(told.status, Status::Authorized);
        assert_eq!(node.amounts(funded.balance).await, (640, 200));
        let nothing = tell(&node, Told::Advice, funded.card, 50, "p2").await;
        assert_eq!(nothing.status, Status::Cleared);
        assert_eq!(node.amounts(funded.balance).await, (640, 200), "more than it was cleared");
        node.clear(funded.card, 200, "c3", Some("p1"), Final).await.expect("decided");
        assert_eq!(node.amounts(funded.balance).await, (640, 0));
        node.verify().await;
    }
}

on_both! {
    /// An advice tells of what was asked, whichever way that was, and of nothing else.
    async fn an_advice_of_a_credit_confirms_it(node) {
        let funded = node.funded(100).await;
        let credit = ask(&node, Ask::Credit, funded.card, 50, "k1").await;
        let told = tell(&node, Told::Advice, funded.card, 50, "k1").await;
        assert_eq!(told.transaction, credit.transaction);
        assert_eq!(node.amounts(funded.balance).await, (150, 0));
        ask(&node, Ask::Verification, funded.card, 0, "v1").await;
        tell(&node, Told::Advice, funded.card, 30, "v1").await;
        assert_eq!(node.amounts(funded.balance).await, (120, 30));
        // A decline and an approval of one name are two messages.
        tell(&node, Told::DeclineAdvice, funded.card, 20, "p1").await;
        let envelope = node.envelope(funded.card, "approved", "approved");
        let advice = Inform { envelope, ..node.told(funded.card, 20, "p1", Told::Advice) };
        let approved = node.app.inform(advice).await.expect("recorded");
        assert_eq!(approved.processing, Processing::Success);
        assert_eq!(node.amounts(funded.balance).await, (100, 50));
        node.verify().await;
    }
}

on_both! {
    /// An increment is backed as what it raises, whatever the partner's mode has become.
    async fn an_increment_keeps_the_backing_of_what_it_raises(node) {
        let funded = node.funded(1_000).await;
        node.purchase(funded.card, 100, "plain").await.expect("decided");
        let deposit = node.backed_by(CollateralMode::Deposit, 300).await;
        node.purchase(funded.card, 200, "backed").await.expect("decided");
        assert_eq!(raise(&node, funded.card, 150, "i1", "plain").await.action_code, "0000");
        let refused = raise(&node, funded.card, 150, "i2", "backed").await;
        assert_eq!(refused.description, Description::InsufficientFundsOnDepositBalance);
        let operator = app::audit::Operator("os:test".to_owned());
        let mode = Some(CollateralMode::None);
        let set = app::partners::Set { collateral_mode: mode, ..Default::default() };
        node.app.set_partner(&operator, "sandbox", set).await.expect("is set");
        let refused = raise(&node, funded.card, 150, "i3", "backed").await;
        assert_eq!(refused.description, Description::InsufficientFundsOnDepositBalance);
        assert_eq!(node.partner_amounts(deposit).await, (100, 200));
        node.verify().await;
    }
}

on_both! {
    /// A card that isn't there is told before what the increment refers to.
    async fn an_increment_for_no_card_is_declined_for_that(node) {
        let told = raise(&node, CardId(999_999), 5, "i1", "nothing").await;
        assert_eq!(told.description, Description::CardNotFound);
        let funded = node.funded(10).await;
        let told = raise(&node, funded.card, 0, "i2", "nothing").await;
        assert_eq!(told.description, Description::InvalidAmount);
    }
}

on_both! {
    /// What the partner is told of a correction says that it is one, and which way it goes; of an
    /// approval in part, how much was approved.
    async fn a_partner_is_told_what_was_done(node) {
        let partner = Partner::start(|_, _| Behaviour::Status(200)).await;
        let funded = node.funded(120).await;
        node.deliver_to(&partner, &[Event::Transaction]).await;
        let card = funded.card;
        let partial_approval = PartialApproval::Allowed;
        let asked = Authorize { partial_approval, ..node.ask(card, 200, "p1") };
        node.app.authorize(asked).await.expect("decided");
        adjust(&node, (card, 20), "a1", "p1", Category::Credit).await;
        node.reverse(card, 10, "r1", "p1").await.expect("decided");
        ask(&node, Ask::Verification, card, 0, "v1").await;
        node.clear(card, 90, "c1", Some("p1"), Final).await.expect("decided");
        let patience = std::time::Duration::from_secs(20);
        testkit::eventually("all is told", patience, async || partner.count() >= 4).await;
        let told: Vec<String> = partner
            .received()
            .iter()
            .map(|it| {
                let of = &it.body["transaction"];
                let text = |name: &str| of[name].as_str().expect("a text").to_owned();
                let (kind, way, status) = (text("type"), text("category"), text("status"));
                format!("{kind} {way} {} {status}", of["amount"])
            })
            .collect();
        assert_eq!(
            told,
            [
                "POS DEBIT 120 AUTHORIZED",
                "Adjustment CREDIT 20 AUTHORIZED",
                "Adjustment CREDIT 10 AUTHORIZED",
                "POS DEBIT 90 CLEARED",
            ]
        );
    }
}

on_both! {
    /// The partner is told what the cardholder paid or got, and of each transaction that comes
    /// beside: the difference of exchange rates on its `COMPANY`, what an adjustment moves.
    async fn a_partner_is_told_of_a_difference_of_exchange_rates(node) {
        let partner = Partner::start(|_, _| Behaviour::Status(200)).await;
        let funded = node.funded(1_000).await;
        let company = node.partner_balance(PartnerBalanceKind::Company).await;
        node.deliver_to(&partner, &[Event::Transaction]).await;
        let card = funded.card;
        node.purchase(card, 300, "p1").await.expect("decided");
        let clear = |name: &str, of: Option<&str>| Clear {
            envelope: node.envelope(card, name, name),
            details: node.details(290, name, of),
            reference: of.map(|of| node.reference(290, of)),
            category: Category::Debit,
            finality: Final,
            sequence: 1,
            fx_difference: Some(10),
        };
        node.app.clear(clear("c1", Some("p1"))).await.expect("decided");
        node.app.clear(clear("c2", None)).await.expect("decided");
        node.purchase(card, 100, "p2").await.expect("decided");
        node.clear(card, 60, "c3", Some("p2"), Partial).await.expect("decided");
        adjust(&node, (card, 50), "a1", "p2", Category::Credit).await;
        node.purchase(card, 30, "p3").await.expect("decided");
        node.reverse(card, 40, "r1", "p3").await.expect("decided");
        let patience = std::time::Duration::from_secs(20);
        testkit::eventually("all is told", patience, async || partner.count() >= 11).await;
        let received = partner.received();
        let told: Vec<String> = received
            .iter()
            .map(|it| {
                let of = &it.body["transaction"];
                let text = |name: &str| of[name].as_str().expect("a text").to_owned();
                let (kind, status) = (text("type"), text("status"));
                format!("{} {kind} {} {status}", text("resource"), of["amount"])
            })
            .collect();
        assert_eq!(
            told,
            [
                "card POS 300 AUTHORIZED",
                "card POS 300 CLEARED",
                "companyBalance companyCredit 10 CLEARED",
                "card POS 300 CLEARED",
                "companyBalance companyCredit 10 CLEARED",
                "card POS 100 AUTHORIZED",
                "card POS 60 AUTHORIZED",
                "card Adjustment 40 CLEARED",
                "card Adjustment 10 CLEARED",
                "card POS 30 AUTHORIZED",
                "card Adjustment 30 REVERSED",
            ]
        );
        let difference = &received[2].body["transaction"];
        assert_eq!(difference["balanceId"], company.0.to_string());
        assert_eq!(difference["resourceId"], company.0.to_string());
        assert_eq!(difference["cardId"], serde_json::Value::Null);
        assert_eq!(difference["referenceExternalTransactionId"], "p1");
        assert_eq!(difference["category"], "CREDIT");
        assert_ne!(difference["id"], received[1].body["transaction"]["id"]);
    }
}

on_both! {
    /// The reversal of an advice that came before it stops its hold, and it is accepted all the
    /// same.
    async fn an_early_reversal_stops_an_advice(node) {
        let funded = node.funded(1_000).await;
        node.reverse(funded.card, 300, "r1", "p1").await.expect("decided");
        let told = tell(&node, Told::Advice, funded.card, 300, "p1").await;
        assert_eq!((told.processing, told.status), (Processing::Success, Status::Reversed));
        assert_eq!(node.amounts(funded.balance).await, (1_000, 0));
        node.verify().await;
    }
}

on_both! {
    /// Before its clearing an adjustment changes the hold; after it, it moves money of its own.
    async fn an_adjustment_changes_a_hold_or_moves_money(node) {
        let funded = node.funded(1_000).await;
        let card = funded.card;
        node.purchase(card, 300, "p1").await.expect("decided");
        adjust(&node, (card, 50), "a1", "p1", Category::Debit).await;
        assert_eq!(node.amounts(funded.balance).await, (650, 350));
        adjust(&node, (card, 150), "a2", "p1", Category::Credit).await;
        assert_eq!(node.amounts(funded.balance).await, (800, 200));
        node.clear(card, 200, "c1", Some("p1"), Final).await.expect("decided");
        let own = adjust(&node, (card, 40), "a3", "p1", Category::Credit).await;
        assert_eq!((own.status, own.processing), (Status::Cleared, Processing::Success));
        assert_eq!(node.amounts(funded.balance).await, (840, 0));
        adjust(&node, (card, 10), "a4", "nobody", Category::Debit).await;
        assert_eq!(node.amounts(funded.balance).await, (830, 0));
        node.verify().await;
    }
}

on_both! {
    /// What an adjustment gives back beyond the hold is the cardholder's: it moves as a transaction
    /// of its own, as it would had there been no hold.
    async fn an_adjustment_beyond_the_hold_moves_the_rest(node) {
        let funded = node.funded(1_000).await;
        let deposit = node.backed_by(CollateralMode::Deposit, 5_000).await;
        let card = funded.card;
        let bought = node.purchase(card, 300, "p1").await.expect("decided");
        node.clear(card, 200, "c1", Some("p1"), Partial).await.expect("decided");
        assert_eq!(node.amounts(funded.balance).await, (700, 100));
        let adjusted = adjust(&node, (card, 150), "a1", "p1", Category::Credit).await;
        assert_eq!((adjusted.transaction, adjusted.status), (bought.transaction, Status::Cleared));
        assert_eq!(adjusted.approved_amount.minor(), 150);
        assert_eq!(node.amounts(funded.balance).await, (850, 0));
        assert_eq!(node.partner_amounts(deposit).await, (4_850, 0));
        let asked = History { balance: Some(funded.balance), ..History::default() };
        let history = node.app.history(node.scope, asked, None, 10).await;
        let rest = &history.expect("is there").items[0];
        assert_eq!((rest.order.kind, rest.order.amount), (TransactionType::Adjustment, 50));
        assert_eq!(rest.order.reference_id.as_deref(), Some("p1"));
        assert_eq!((rest.status, rest.order.category), (Status::Cleared, Category::Credit));
        // The other way round for a credit.
        ask(&node, Ask::Credit, card, 80, "k1").await;
        adjust(&node, (card, 100), "a2", "k1", Category::Debit).await;
        assert_eq!(node.amounts(funded.balance).await, (830, 0));
        node.verify().await;
    }
}

on_both! {
    /// Less than was asked for, where the merchant takes that.
    async fn an_approval_in_part(node) {
        let funded = node.funded(120).await;
        let partial_approval = PartialApproval::Allowed;
        let asked = Authorize { partial_approval, ..node.ask(funded.card, 200, "p1") };
        let told = node.app.authorize(asked).await.expect("decided");
        assert_eq!((told.approved_amount.minor(), told.action_code.as_str()), (120, "0002"));
        assert_eq!(node.amounts(funded.balance).await, (0, 120));
        node.clear(funded.card, 50, "c1", Some("p1"), Partial).await.expect("decided");
        assert_eq!(node.amounts(funded.balance).await, (0, 70));
        node.verify().await;
    }
}

on_both! {
    /// Questions move nothing, and what was answered to one is answered to its repetition.
    async fn questions_move_nothing(node) {
        let funded = node.funded(120).await;
        let inquiry = || Authorize {
            ask: Ask::Inquiry,
            kind: TransactionType::BalanceInquiry,
            ..node.ask(funded.card, 0, "q1")
        };
        let told = node.app.authorize(inquiry()).await.expect("decided");
        assert_eq!((told.processing, told.available), (Processing::Success, Some(120)));
        node.purchase(funded.card, 20, "p1").await.expect("decided");
        let again = node.app.authorize(inquiry()).await.expect("decided");
        assert_eq!(again.available, Some(120), "the first answer");
        let verified = ask(&node, Ask::Verification, funded.card, 0, "v1").await;
        assert_eq!((verified.processing, verified.available), (Processing::Success, None));
        let wrong = ask(&node, Ask::Verification, funded.card, 1, "v2").await;
        assert_eq!(wrong.description, Description::InvalidAmount);
        // A clearing can't settle a question.
        let alone = node.clear(funded.card, 5, "c1", Some("v1"), Final).await.expect("decided");
        assert_ne!(alone.transaction, verified.transaction);
        assert_eq!(node.amounts(funded.balance).await, (95, 20));
        node.verify().await;
    }
}
