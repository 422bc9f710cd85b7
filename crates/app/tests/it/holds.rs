//! The life of a hold: authorized, cleared, reversed, expired.

use app::processor::{CardName, Clear, Details};
use domain::balance::PartnerBalanceKind;
use domain::ledger::clearing::Finality::{Final, Partial};
use domain::money::Currency;
use domain::partner::CollateralMode;
use domain::transaction::{Category, Description, Processing, Status};
use testkit::on_both;

const DAY: i64 = 24 * 60 * 60;

on_both! {
    /// A purchase holds, its clearing moves, and the rest is let go.
    async fn a_purchase_is_held_then_cleared(node) {
        let funded = node.funded(1_000).await;
        let message = node.purchase(funded.card, 300, "p1").await.expect("decided");
        assert_eq!(message.description, Description::Approved);
        assert_eq!(message.action_code, "0000");
        assert_eq!(message.approved_amount.minor(), 300);
        assert_eq!(node.amounts(funded.balance).await, (700, 300));

        let part = node.clear(funded.card, 100, "c1", Some("p1"), Partial).await.expect("decided");
        assert_eq!((part.status, part.transaction), (Status::Authorized, message.transaction));
        assert_eq!(node.amounts(funded.balance).await, (700, 200));

        let last = node.clear(funded.card, 150, "c2", Some("p1"), Final).await.expect("decided");
        assert_eq!(last.status, Status::Cleared);
        assert_eq!(node.amounts(funded.balance).await, (750, 0));
        node.verify().await;
    }
}

on_both! {
    /// Of 200 who want the last euro at once, exactly those who can be paid are.
    async fn a_balance_is_never_spent_twice(node) {
        let funded = node.funded(100).await;
        let names: Vec<String> = (0..200).map(|number| format!("p{number}")).collect();
        let asked = names.iter().map(|name| node.purchase(funded.card, 9, name));
        let mut approved = 0;
        for decided in join_all(asked).await {
            let decided = decided.expect("decided");
            let success = decided.processing == Processing::Success;
            let expected =
                if success { Description::Approved } else { Description::InsufficientFunds };
            assert_eq!(decided.description, expected);
            approved += usize::from(success);
        }
        assert_eq!(approved, 11);
        assert_eq!(node.amounts(funded.balance).await, (1, 99));
        node.verify().await;
    }
}

on_both! {
    /// Of a clearing and a reversal of one authorization at once, one wins; the other is told.
    async fn a_hold_is_taken_once(node) {
        for round in 0..10 {
            let funded = node.funded(1_000).await;
            let of = format!("p{round}");
            node.purchase(funded.card, 400, &of).await.expect("decided");
            let (clear, reverse) = (format!("c{round}"), format!("r{round}"));
            let (cleared, reversed) = tokio::join!(
                node.clear(funded.card, 400, &clear, Some(&of), Final),
                node.reverse(funded.card, 400, &reverse, &of),
            );
            let cleared = cleared.expect("decided");
            let reversed = reversed.expect("decided");
            // A clearing always moves its money, of an authorization or by itself.
            assert_eq!(cleared.processing, Processing::Success);
            assert_eq!(node.amounts(funded.balance).await, (600, 0));
            if reversed.processing == Processing::Success {
                assert_ne!(cleared.transaction, reversed.transaction);
            } else {
                assert_eq!(reversed.description, Description::ReferencedTransactionNotFound);
            }
        }
        node.verify().await;
    }
}

on_both! {
    /// Of many clearings and reversals of one authorization at once, exactly one takes its hold.
    async fn a_hold_is_taken_by_one_of_many(node) {
        for round in 0..3 {
            let funded = node.funded(10_000).await;
            let of = format!("p{round}");
            let held = node.purchase(funded.card, 400, &of).await.expect("decided").transaction;
            let name = |kind: &str, number| format!("{kind}{round}-{number}");
            let clearings: Vec<String> = (0..20).map(|number| name("c", number)).collect();
            let reversals: Vec<String> = (0..20).map(|number| name("r", number)).collect();
            let (cleared, reversed) = tokio::join!(
                join_all(clearings.iter().map(|it| {
                    node.clear(funded.card, 400, it, Some(&of), Final)
                })),
                join_all(reversals.iter().map(|it| node.reverse(funded.card, 400, it, &of))),
            );
            let took = cleared.into_iter().chain(reversed).filter(|decided| {
                let decided = decided.as_ref().expect("decided");
                decided.processing == Processing::Success && decided.transaction == held
            });
            assert_eq!(took.count(), 1);
            // Each clearing moves its money, of the authorization or by itself.
            assert_eq!(node.amounts(funded.balance).await, (10_000 - 20 * 400, 0));
        }
        node.verify().await;
    }
}

on_both! {
    /// A reversal that overtakes its authorization stops it, for a day.
    async fn an_early_reversal_stops_its_authorization(node) {
        let funded = node.funded(1_000).await;
        let early = node.reverse(funded.card, 300, "r1", "p1").await.expect("decided");
        assert_eq!(early.processing, Processing::Invalid);
        let stopped = node.purchase(funded.card, 300, "p1").await.expect("decided");
        assert_eq!(stopped.description, Description::UnknownError);
        assert_eq!(stopped.action_code, "1000");

        node.reverse(funded.card, 300, "r2", "p2").await.expect("decided");
        node.advance(DAY + 1);
        let late = node.purchase(funded.card, 300, "p2").await.expect("decided");
        assert_eq!(late.description, Description::Approved);
        assert_eq!(node.amounts(funded.balance).await, (700, 300));
        node.verify().await;
    }
}

on_both! {
    /// A hold ends by itself after the program's days, and not before.
    async fn a_hold_expires(node) {
        let funded = node.funded(1_000).await;
        let held = node.purchase(funded.card, 300, "p1").await.expect("decided");
        node.advance(7 * DAY - 1);
        assert_eq!(node.app.expire_holds().await.expect("looks"), 0);
        assert_eq!(node.amounts(funded.balance).await, (700, 300));
        node.advance(1);
        assert_eq!(node.app.expire_holds().await.expect("looks"), 1);
        assert_eq!(node.amounts(funded.balance).await, (1_000, 0));
        assert_eq!(node.app.expire_holds().await.expect("looks"), 0);

        let found = node.app.transaction(node.scope, None, held.transaction).await;
        let found = found.expect("is kept");
        assert_eq!((found.status, found.description), (Status::Reversed, Description::Expired));
        let clearing = node.clear(funded.card, 300, "c1", Some("p1"), Final).await;
        assert_ne!(clearing.expect("decided").transaction, held.transaction);
        assert_eq!(node.amounts(funded.balance).await, (700, 0));
        node.verify().await;
    }
}

on_both! {
    /// However many have come to their end: one look ends them all, and what backed them is free.
    async fn a_thousand_holds_expire_at_once(node) {
        let mut all = Vec::new();
        for _ in 0..10 {
            all.push(node.funded(1_000).await);
        }
        let deposit = node.backed_by(CollateralMode::Deposit, 20_000).await;
        let names: Vec<String> = (0..1_000).map(|number| format!("p{number}")).collect();
        for some in names.chunks(200) {
            let asked = some.iter().zip(all.iter().cycle());
            let asked = asked.map(|(name, of)| node.purchase(of.card, 7, name));
            for decided in join_all(asked).await {
                assert_eq!(decided.expect("decided").description, Description::Approved);
            }
        }
        assert_eq!(node.partner_amounts(deposit).await, (13_000, 7_000));

        node.advance(7 * DAY);
        assert_eq!(node.app.expire_holds().await.expect("ends"), 1_000);
        assert_eq!(node.app.expire_holds().await.expect("looks"), 0);
        for of in all {
            assert_eq!(node.amounts(of.balance).await, (1_000, 0));
        }
        assert_eq!(node.partner_amounts(deposit).await, (20_000, 0));
        node.verify().await;
    }
}

on_both! {
    /// What can't be settled is recorded and moves nothing.
    async fn a_message_about_nothing_moves_nothing(node) {
        let funded = node.funded(1_000).await;
        let unknown = domain::ids::CardId(999_999);
        let no_card = node.purchase(unknown, 100, "p1").await.expect("decided");
        assert_eq!(no_card.description, Description::CardNotFound);
        let no_card = node.clear(unknown, 100, "c1", None, Final).await.expect("decided");
        assert_eq!(no_card.processing, Processing::Invalid);
        let nothing = node.clear(funded.card, 0, "c2", None, Final).await.expect("decided");
        assert_eq!(nothing.description, Description::InvalidAmount);
        node.purchase(funded.card, 100, "p2").await.expect("decided");
        node.clear(funded.card, 100, "c3", Some("p2"), Final).await.expect("decided");
        let cleared = node.reverse(funded.card, 100, "r1", "p2").await.expect("decided");
        assert_eq!(cleared.processing, Processing::Invalid);
        assert_eq!(node.amounts(funded.balance).await, (900, 0));
        node.verify().await;
    }
}

on_both! {
    /// A processor can move nothing of a card that another processor carries.
    async fn another_processor_finds_no_card(node) {
        let funded = node.funded(1_000).await;
        let operator = app::audit::Operator("os:test".to_owned());
        let other = node.app.create_processor(&operator, "other", 5_000).await.expect("creates");
        for (name, category) in [("c1", Category::Debit), ("c2", Category::Credit)] {
            let full = {
                let origin = testkit::origin();
                node.app.full_card(node.scope, funded.user, funded.card, &origin).await
            };
            let mut envelope = node.envelope(funded.card, name, name);
            envelope.card = CardName::Pan(full.expect("is there").pan);
            envelope.processor = other;
            let clear = Clear {
                envelope,
                details: node.details(300, name, None),
                reference: None,
                category,
                finality: Final,
                sequence: 1,
                fx_difference: None,
            };
            let told = node.app.clear(clear).await.expect("decided");
            assert_eq!(told.description, Description::CardNotFound);
            assert_eq!(told.processing, Processing::Invalid);
        }
        assert_eq!(node.amounts(funded.balance).await, (1_000, 0));
        node.verify().await;
    }
}

on_both! {
    /// A reversal that waited in vain doesn't keep a later one of the same name from waiting.
    async fn a_reversal_may_wait_again(node) {
        let funded = node.funded(1_000).await;
        node.reverse(funded.card, 300, "r1", "p1").await.expect("decided");
        node.advance(DAY + 1);
        node.reverse(funded.card, 300, "r2", "p1").await.expect("decided");
        let stopped = node.purchase(funded.card, 300, "p1").await.expect("decided");
        assert_eq!(stopped.description, Description::UnknownError);
    }
}

on_both! {
    /// Each reversal that comes too early waits its own day, also when another waits already.
    async fn a_second_early_reversal_waits_its_own_day(node) {
        const HOUR: i64 = 3_600;
        let funded = node.funded(1_000).await;
        node.reverse(funded.card, 300, "r1", "p1").await.expect("decided");
        node.advance(20 * HOUR);
        node.reverse(funded.card, 300, "r2", "p1").await.expect("decided");
        node.advance(10 * HOUR);
        let stopped = node.purchase(funded.card, 300, "p1").await.expect("decided");
        assert_eq!(stopped.description, Description::UnknownError);
        assert_eq!(node.amounts(funded.balance).await, (1_000, 0));
    }
}

on_both! {
    /// A difference by the exchange rate is the partner's: it isn't charged to the cardholder.
    async fn a_difference_of_exchange_rates_is_the_companys(node) {
        let funded = node.funded(1_000).await;
        let company = node.partner_balance(PartnerBalanceKind::Company).await;
        let converted = |mut details: Details| {
            details.original_amount = Some(1_290);
            details.original_currency = Some(Currency::PLN);
            details
        };
        let mut purchase = node.ask(funded.card, 300, "p1");
        purchase.details = converted(purchase.details);
        node.app.authorize(purchase).await.expect("decided");
        let clear = Clear {
            envelope: node.envelope(funded.card, "c1", "c1"),
            details: converted(node.details(310, "c1", Some("p1"))),
            reference: Some(node.reference(310, "p1")),
            category: Category::Debit,
            finality: Final,
            sequence: 1,
            fx_difference: None,
        };
        let cleared = node.app.clear(clear).await.expect("decided");
        assert_eq!(cleared.status, Status::Cleared);
        assert_eq!(node.amounts(funded.balance).await, (700, 0));
        assert_eq!(node.partner_amounts(company).await, (-10, 0));
        node.verify().await;
    }
}

/// Awaits all, all at once.
pub(crate) async fn join_all<T>(
    futures: impl IntoIterator<Item = impl Future<Output = T>>,
) -> Vec<T> {
    let mut waiting: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<T>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in waiting.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().map(|value| value.expect("all are done")).collect()
}
