//! How a partner is called, as the settings of every node tell it.

use app::audit::Operator;
use app::outbound::{Kept, SecretAct};
use domain::Timestamp;
use testkit::on_both;

/// Real time, as far as these tests are concerned.
const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);
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
