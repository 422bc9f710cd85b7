//! What the partner's own balances do to its users' transactions.

use crate::holds::join_all;
use app::balances::partner_balance_json;
use app::processor::{Authorize, Told};
use app::{Error, Once, Refusal};
use domain::authorization::Ask;
use domain::balance::PartnerBalanceKind;
use domain::ledger::clearing::Finality::Final;
use domain::money::Currency;
use domain::partner::CollateralMode;
use domain::transaction::{Description, Processing, TransactionType};
use testkit::on_both;

on_both! {
    /// The deposit is charged first and both are held, cleared and let go of together.
    async fn a_deposit_is_held_and_moved_with_the_users_balance(node) {
        let funded = node.funded(1_000).await;
        let deposit = node.backed_by(CollateralMode::Deposit, 500).await;
        let bought = node.purchase(funded.card, 300, "p1").await.expect("decided");
        assert_eq!(bought.processing, Processing::Success);
        assert_eq!(node.amounts(funded.balance).await, (700, 300));
        assert_eq!(node.partner_amounts(deposit).await, (200, 300));

        let refused = node.purchase(funded.card, 201, "p2").await.expect("decided");
        assert_eq!(refused.description, Description::InsufficientFundsOnDepositBalance);
        assert_eq!(refused.action_code, "1000");
        assert_eq!(node.amounts(funded.balance).await, (700, 300));

        node.reverse(funded.card, 100, "r1", "p1").await.expect("decided");
        assert_eq!(node.amounts(funded.balance).await, (800, 200));
        assert_eq!(node.partner_amounts(deposit).await, (300, 200));
        node.clear(funded.card, 250, "c1", Some("p1"), Final).await.expect("decided");
        assert_eq!(node.amounts(funded.balance).await, (750, 0));
        assert_eq!(node.partner_amounts(deposit).await, (250, 0));
        node.clear(funded.card, 2_000, "c2", None, Final).await.expect("decided");
        assert_eq!(node.partner_amounts(deposit).await, (-1_750, 0), "by force");
        node.verify().await;
    }
}

on_both! {
    /// Many at once: exactly those that the deposit covers pass.
    async fn two_hundred_purchases_for_the_deposits_last_money(node) {
        let mut cards = Vec::new();
        for _ in 0..20 {
            cards.push(node.funded(1_000).await);
        }
        let deposit = node.backed_by(CollateralMode::Deposit, 700).await;
        let asked = (0..200usize).map(|number| {
            let (node, card) = (&node, cards[number % cards.len()].card);
            async move { node.purchase(card, 10, &format!("p{number}")).await.expect("decided") }
        });
        let told = join_all(asked).await;
        let approved = told.iter().filter(|it| it.processing == Processing::Success).count();
        assert_eq!(approved, 70);
        assert_eq!(node.partner_amounts(deposit).await, (0, 700));
        node.verify().await;
    }
}

on_both! {
    /// Without the balance that the mode asks for, nothing is spent or given.
    async fn a_mode_without_its_balance_refuses(node) {
        let funded = node.funded(1_000).await;
        let operator = app::audit::Operator("os:test".to_owned());
        for (mode, name) in [(CollateralMode::Deposit, "d"), (CollateralMode::Credit, "c")] {
            let set = app::partners::Set { collateral_mode: Some(mode), ..Default::default() };
            node.app.set_partner(&operator, "sandbox", set).await.expect("is set");
            let bought = node.purchase(funded.card, 10, name).await.expect("decided");
            let loaded = node.top_up(funded.balance, 10).await;
            if mode == CollateralMode::Deposit {
                assert_eq!(bought.description, Description::DepositBalanceNotFound);
                assert!(loaded.is_ok(), "the partner's books pay");
            } else {
                assert_eq!(bought.description, Description::Approved);
                let refusal = Refusal::CollateralBalanceNotFound;
                assert!(matches!(loaded, Err(Error::Refused(why)) if why == refusal));
            }
        }
        assert_eq!(node.amounts(funded.balance).await, (1_000, 10));
        node.verify().await;
    }
}

on_both! {
    /// A top-up charges the credit balance and pays the user in one step, and funding gives back.
    async fn a_credit_balance_caps_what_users_are_given(node) {
        let funded = node.funded(0).await;
        let credit = node.backed_by(CollateralMode::Credit, 500).await;
        node.top_up(funded.balance, 400).await.expect("is loaded");
        assert_eq!(node.partner_amounts(credit).await, (100, 0));
        let refused = node.top_up(funded.balance, 101).await;
        let refusal = Refusal::InsufficientFundsOnCollateralBalance;
        assert!(matches!(refused, Err(Error::Refused(why)) if why == refusal));
        let back = TransactionType::Funding;
        node.transfer(funded.balance, back, 150).await.expect("gives back");
        assert_eq!(node.partner_amounts(credit).await, (250, 0));
        assert_eq!(node.amounts(funded.balance).await, (250, 0));
        node.verify().await;
    }
}

on_both! {
    /// What a transaction was backed by, it is backed by for life.
    async fn a_change_of_mode_leaves_what_is_open(node) {
        let funded = node.funded(1_000).await;
        node.purchase(funded.card, 100, "before").await.expect("decided");
        let deposit = node.backed_by(CollateralMode::Deposit, 500).await;
        node.purchase(funded.card, 200, "backed").await.expect("decided");
        let operator = app::audit::Operator("os:test".to_owned());
        let mode = Some(CollateralMode::None);
        let set = app::partners::Set { collateral_mode: mode, ..Default::default() };
        node.app.set_partner(&operator, "sandbox", set).await.expect("is set");
        node.clear(funded.card, 100, "c1", Some("before"), Final).await.expect("decided");
        assert_eq!(node.partner_amounts(deposit).await, (300, 200));
        node.clear(funded.card, 150, "c2", Some("backed"), Final).await.expect("decided");
        assert_eq!(node.partner_amounts(deposit).await, (350, 0));
        assert_eq!(node.amounts(funded.balance).await, (750, 0));
        node.verify().await;
    }
}

on_both! {
    /// A fee is the company's; who may not move what, is refused.
    async fn internal_types_move_what_their_caller_may(node) {
        let funded = node.funded(1_000).await;
        let company = node.partner_balance(PartnerBalanceKind::Company).await;
        let parked = node.partner_balance(PartnerBalanceKind::IbanTechnical).await;
        node.transfer(funded.balance, TransactionType::Fee, 30).await.expect("is charged");
        assert_eq!(node.partner_amounts(company).await, (30, 0));
        for (kind, left) in [
            (TransactionType::Withdrawal, 870),
            (TransactionType::Commission, 770),
            (TransactionType::Interest, 670),
        ] {
            node.transfer(funded.balance, kind, 100).await.expect("moves");
            assert_eq!(node.amounts(funded.balance).await, (left, 0), "{kind}");
        }
        node.transfer(parked, TransactionType::IbanTechnicalCredit, 50).await.expect("parks");
        node.transfer(funded.balance, TransactionType::CreditIbanTransfer, 50).await.expect("pays");
        assert_eq!(node.amounts(funded.balance).await, (720, 0));
        let refused = node.transfer(funded.balance, TransactionType::Withdrawal, 721).await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::InsufficientFunds))));
        for (balance, kind) in [
            (funded.balance, TransactionType::CollateralCredit),
            (company, TransactionType::TopUp),
        ] {
            let refused = node.transfer(balance, kind, 1).await;
            assert!(matches!(refused, Err(Error::Refused(Refusal::BalanceNotFound))), "{kind}");
        }
        node.verify().await;
    }
}

on_both! {
    /// A credit that we decided, and that is forced then, is the deposit's at once; its clearing
    /// moves a difference alone.
    async fn a_force_credit_of_a_decided_credit_credits_the_deposit(node) {
        let funded = node.funded(100).await;
        let deposit = node.backed_by(CollateralMode::Deposit, 1_000).await;
        let asked = Authorize { ask: Ask::Credit, ..node.ask(funded.card, 200, "k1") };
        let credit = node.app.authorize(asked).await.expect("decided");
        assert_eq!(node.partner_amounts(deposit).await, (1_000, 0), "when it clears");
        let forced = node.told(funded.card, 230, "k1", Told::ForceCredit);
        let forced = node.app.inform(forced).await.expect("recorded");
        assert_eq!(forced.transaction, credit.transaction);
        assert_eq!(node.amounts(funded.balance).await, (330, 0), "the difference");
        assert_eq!(node.partner_amounts(deposit).await, (1_230, 0), "all of it");
        node.reverse(funded.card, 30, "r1", "k1").await.expect("decided");
        assert_eq!(node.amounts(funded.balance).await, (300, 0));
        assert_eq!(node.partner_amounts(deposit).await, (1_200, 0));
        node.verify().await;
    }
}

on_both! {
    /// Asked for again, a balance of the partner's own is the same one, and no node reads its
    /// settings anew for it.
    async fn a_partner_balance_is_made_once(node) {
        let version = async || {
            node.app.refresh_settings().await.expect("reads settings");
            node.app.settings.get().version
        };
        let (kind, before) = (PartnerBalanceKind::Credit, version().await);
        let make = async |currency| {
            let once = Once {
                endpoint: "test".to_owned(),
                key: None,
                fingerprint: [0; 32],
                origin: testkit::origin(),
                render: partner_balance_json,
            };
            node.app.create_own_balance(node.scope, kind, currency, once).await
        };
        let made = make(Currency::EUR).await.expect("is made");
        assert_eq!(version().await, before + 1);
        assert_eq!(make(Currency::EUR).await.expect("is found"), made);
        let id = node.partner_balance(kind).await;
        assert_eq!(made["id"], id.0.to_string());
        assert_eq!(version().await, before + 1);
        let unknown = make(Currency::PLN).await;
        assert!(matches!(unknown, Err(Error::Refused(Refusal::CurrencyNotSupported))));
        assert_eq!(version().await, before + 1);
    }
}
