//! What may be made for an owner now: balances in which currencies, cards of which programs.

use app::App;
use domain::money::Currency;
use domain::program::{CardType, ProgramState};
use domain::scope::Scope;
use std::collections::BTreeSet;

/// The live programs of a partner.
pub(crate) struct Offered(Vec<(String, Currency, CardType)>);

impl Offered {
    /// Those that there are now.
    pub(crate) fn by(app: &App, scope: Scope) -> Self {
        let settings = app.settings.get();
        let programs = settings.programs_of(scope.partner()).into_iter();
        let live = programs.filter(|it| it.state == ProgramState::Live);
        Self(live.map(|it| (it.config_id.clone(), it.currency, it.card_type)).collect())
    }

    /// The currencies of the programs.
    pub(crate) fn currencies(&self) -> BTreeSet<&str> {
        self.0.iter().map(|(_, currency, _)| currency.code()).collect()
    }

    /// The programs of a currency whose cards are made of this.
    pub(crate) fn programs_in(&self, currency: &Currency, made_of: &str) -> Vec<&str> {
        let of =
            self.0.iter().filter(|(_, money, kind)| money == currency && kind.as_str() == made_of);
        of.map(|(config_id, ..)| config_id.as_str()).collect()
    }
}
