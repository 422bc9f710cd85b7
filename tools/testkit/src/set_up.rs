//! What every node has from the beginning: a processor, a partner, a program.

use crate::node::CONFIG_ID;
use app::admins::Manager;
use app::audit::Operator;
use app::{App, Once};
use domain::ids::ProcessorId;
use domain::money::Currency;
use domain::partner::Settings as PartnerSettings;
use domain::program::{
    Audience, CardType, FxDifferenceTo, Port, Product, Program, ProgramState, Scheme,
};
use domain::scope::Scope;
use serde_json::Value;

/// Makes them.
pub(crate) async fn set_up(app: &App, settings: PartnerSettings) -> (Scope, ProcessorId) {
    let operator = Operator("os:test".to_owned());
    let processor = app.create_processor(&operator, "test", 5_000).await.expect("creates");
    let (code, name) = ("sandbox".to_owned(), "Sandbox".to_owned());
    let partner = app::partners::Create { code, name, settings };
    let partner = app.create_partner(&operator, partner).await.expect("creates a partner");
    let program = Program {
        partner: partner.id,
        config_id: CONFIG_ID.to_owned(),
        card_type: CardType::Virtual,
        digital_first: false,
        currency: Currency::EUR,
        scheme: Scheme::Mastercard,
        product: Product::Prepaid,
        audience: Audience::Consumer,
        processor,
        bins: vec!["53208701".to_owned()],
        lifetime_months: 36,
        card_cap: 1000,
        hold_days: 7,
        fx_difference_to: FxDifferenceTo::Company,
        state: ProgramState::Live,
        port: Port::Builtin,
        rules: domain::limits::Rules::default(),
        plastic: None,
        gift: None,
    };
    let once = Once::unkept(operator.origin(), |_| Value::Null);
    app.create_program(Manager::COMMAND_LINE, program, once).await.expect("creates");
    (Scope::platform(partner.id, "a test"), processor)
}
