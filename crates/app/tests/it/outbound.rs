//! How a partner is called, as the settings of every node tell it.

use app::audit::Operator;
use app::outbound::{Kept, SecretAct};
use app::{Error, Refusal};
use domain::Timestamp;
use testkit::on_both;

/// Real time, as far as these tests are concerned.
const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);
const LAST: Timestamp = Timestamp::constant(1_790_000_000 + 24 * 60 * 60 - 1, 999_999_999);
const LATER: Timestamp = Timestamp::constant(1_790_000_000 + 24 * 60 * 60, 0);

on_both! {
    /// Calls are signed with both for a day, so that the partner may change at its leisure.
    async fn the_secret_before_is_kept_beside_the_new_one(node) {
        let (app, partner) = (&node.app, node.scope.partner());
        let operator = Operator("os:test".to_owned());
        let first = app.outbound_secret(&operator, partner, SecretAct::Show).await.expect("shown");
        let rotate = SecretAct::Rotate(NOW);
        let second = app.outbound_secret(&operator, partner, rotate).await.expect("made anew");
        let settings = app.settings.get();
        let outbound = settings.outbound(partner).expect("it is known");
        assert_eq!(outbound.previous_until, Some(LATER));
        let before = outbound.previous_secret.as_ref().expect("it is kept");
        for (sealed, shown) in [(before, first), (&outbound.secret, second)] {
            let opened = app.open_outbound(partner, Kept::Secret, sealed).await.expect("opens");
            assert_eq!(crypto::encoding::webhook_secret(&opened), shown);
        }
    }
}

on_both! {
    /// The partner has been promised a day with the one before.
    async fn a_second_rotation_waits_until_the_secret_before_is_over(node) {
        let (app, partner) = (&node.app, node.scope.partner());
        let operator = Operator("os:test".to_owned());
        let act = async |act| app.outbound_secret(&operator, partner, act).await;
        act(SecretAct::Show).await.expect("shown");
        let second = act(SecretAct::Rotate(NOW)).await.expect("made anew");
        let kept = app.settings.get().outbound(partner).cloned();
        let refused = act(SecretAct::Rotate(LAST)).await;
        let refused = refused.map(|_| ()).expect_err("too early");
        assert!(matches!(refused, Error::Refused(Refusal::SecretRotatedRecently)), "{refused:?}");
        app.refresh_settings().await.expect("reads settings");
        assert_eq!(app.settings.get().outbound(partner).cloned(), kept);
        assert_eq!(act(SecretAct::Show).await.expect("shown"), second);
        let third = act(SecretAct::Rotate(LATER)).await.expect("made anew");
        assert_ne!(third, second);
    }
}

on_both! {
    /// For a secret that has leaked: neither it nor the one before is used any more.
    async fn a_rotation_at_once_ends_all_secrets_before(node) {
        let (app, partner) = (&node.app, node.scope.partner());
        let operator = Operator("os:test".to_owned());
        let act = async |act| app.outbound_secret(&operator, partner, act).await;
        let first = act(SecretAct::Show).await.expect("shown");
        let second = act(SecretAct::Rotate(NOW)).await.expect("made anew");
        let third = act(SecretAct::RotateAtOnce).await.expect("made anew");
        assert!(third != first && third != second);
        assert_eq!(act(SecretAct::Show).await.expect("shown"), third);
        let settings = app.settings.get();
        let outbound = settings.outbound(partner).expect("it is known");
        assert_eq!((&outbound.previous_secret, outbound.previous_until), (&None, None));
        act(SecretAct::Rotate(NOW)).await.expect("nothing is in its overlap");
    }
}
