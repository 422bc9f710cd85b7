//! Cards of an import: their processor has made them, and they are taken over as they are.
//!
//! What takes time is done before the transaction: a number is sealed and its index made. The card
//! is written with its user, so that each line is done as a whole or not at all.

use super::{Decided, Import, Line};
use crate::audit::Entry;
use crate::cards::state_facts;
use crate::refusals::Refusal;
use crate::{App, Error, ids};
use domain::Date;
use domain::balance::{Balance, BalanceState};
use domain::card::Card;
use domain::card::foreign::{self, Standing, Unfit};
use domain::card::tries::Tries;
use domain::ids::{BalanceId, CardId, UserId};
use domain::partner::BalanceMode;
use domain::program::Program;
use domain::scope::Scope;
use domain::secret::Pan;
use domain::user::{Kyc, User};
use std::collections::HashMap;
use store::cards::SealedPan;
use store::db::Tx;
use store::{balances, cards};

/// A card that its processor has made.
#[derive(Debug)]
pub struct ForeignCard {
    /// The program that it is of.
    pub config_id: String,
    /// Its number.
    pub number: Pan,
    /// The last day on which it works.
    pub expiry: Date,
    /// How it stands there.
    pub standing: Standing,
    /// The owner's name for it.
    pub label: Option<String>,
}

/// Why a line isn't done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// By a rule.
    Refused(Refusal),
    /// What it tells of its card can't be.
    Unfit(Unfit),
}

/// A card that is ready to be written, or why it isn't.
pub(super) type Ready = Result<New, Why>;

/// A card to be.
#[derive(Clone, Debug)]
pub(super) struct New {
    id: CardId,
    program: Program,
    pub(super) pan: SealedPan,
}

#[cfg(test)]
impl New {
    /// A card of an index, for tests of what becomes of lines.
    pub(super) fn sample(index: u8) -> Self {
        let program = Program {
            partner: domain::ids::PartnerId(1),
            config_id: "0000000079".to_owned(),
            card_type: domain::program::CardType::Virtual,
            digital_first: false,
            currency: domain::money::Currency::EUR,
            scheme: domain::program::Scheme::Visa,
            product: domain::program::Product::Debit,
            audience: domain::program::Audience::Consumer,
            processor: domain::ids::ProcessorId(1),
            bins: vec!["53208779".to_owned()],
            lifetime_months: 36,
            card_cap: 10,
            hold_days: 7,
            fx_difference_to: domain::program::FxDifferenceTo::Company,
            state: domain::program::ProgramState::Live,
            port: domain::program::Port::None,
            rules: domain::limits::Rules::default(),
            plastic: None,
            gift: None,
        };
        let pan = SealedPan { sealed: vec![index], index: vec![index] };
        Self { id: CardId(i64::from(index)), program, pan }
    }
}

impl App {
    /// Looks at the cards of lines, and seals their numbers.
    pub(super) async fn ready(
        &self,
        scope: Scope,
        lines: &[Line],
    ) -> Result<HashMap<i64, Ready>, Error> {
        let mut ready = HashMap::new();
        for line in lines {
            if let (Ok((_, user)), Some(card)) = (&line.read, &line.card) {
                ready.insert(line.number, self.ready_one(scope, user.kyc, card).await?);
            }
        }
        Ok(ready)
    }

    async fn ready_one(&self, scope: Scope, kyc: Kyc, card: &ForeignCard) -> Result<Ready, Error> {
        let settings = self.settings.get();
        let partner = settings.partner(scope.partner());
        // A balance would have to be linked before its card is there.
        if partner.is_some_and(|it| it.settings.balance_mode == BalanceMode::External) {
            return Ok(Err(Why::Refused(Refusal::ModeNotSupported)));
        }
        if kyc != Kyc::Success {
            return Ok(Err(Why::Refused(Refusal::KycNotVerified)));
        }
        let program = self.find_program(scope, &card.config_id).await?;
        let Some(program) = program.filter(foreign::takes_over) else {
            return Ok(Err(Why::Refused(Refusal::ProgramNotFound)));
        };
        if let Err(unfit) = foreign::check(&program, &card.number, card.expiry, self.today()) {
            return Ok(Err(Why::Unfit(unfit)));
        }
        let id = self.new_card_id().await?;
        let pan = self.seal_pan(scope.partner(), id, &card.number).await?;
        Ok(Ok(New { id, program, pan }))
    }

    /// Writes the cards of the users that were just written, each with its balance; `false` if
    /// others wrote one of these numbers meanwhile.
    pub(super) async fn take_over(
        &self,
        tx: &mut Tx,
        import: &Import,
        (lines, ready): (&[Line], &HashMap<i64, Ready>),
        decided: &mut Decided,
    ) -> Result<bool, Error> {
        let scope = import.scope;
        let (mut new, mut entries) = (Vec::new(), Vec::new());
        for (place, user) in decided.cards.clone() {
            let line = lines.get(place).ok_or(Error::broken("a line went away"))?;
            let (Some(told), Some(Ok(made))) = (&line.card, ready.get(&line.number)) else {
                return Err(Error::broken("a card went away"));
            };
            let user = decided.new.iter().find(|it| it.id == user);
            let user = user.ok_or(Error::broken("a user went away"))?;
            let balance = self.balance_for(tx, scope, (user, &made.program), &mut entries).await?;
            let card = self.card_of(made, told, (user.id, balance));
            let mut facts = self.card_facts(scope, &card);
            if let (Some(facts), Some(state)) =
                (facts.as_object_mut(), state_facts(&card).as_object())
            {
                facts.extend(state.clone());
            }
            entries.push(Entry::made("card.import", card.id.0, facts));
            decided.with_card(place, line.number, (card.id, balance));
            new.push((card, &made.pan));
        }
        new.sort_by(|(_, one), (_, other)| one.index.cmp(&other.index));
        let pairs = new.iter().map(|(card, pan)| (card, *pan));
        let written = cards::insert_new(tx, scope, pairs, self.now()).await?;
        self.record_all(tx, scope.partner(), &import.origin, entries).await?;
        let all = written == new.len() as u64;
        decided.made = new.into_iter().map(|(card, _)| card).collect();
        Ok(all)
    }

    /// The balance that a new user's card pays from: the automatic one, or one that is made for it.
    async fn balance_for(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (user, program): (&User, &Program),
        entries: &mut Vec<Entry>,
    ) -> Result<BalanceId, Error> {
        entries.extend(self.balance_of_verified(tx, scope, user, Kyc::None).await?);
        let held = balances::list(tx, scope, user.id.into()).await?;
        let fits = |it: &&Balance| {
            it.currency == program.currency && it.state == BalanceState::Active && it.gift.is_none()
        };
        if let Some(balance) = held.iter().find(fits) {
            return Ok(balance.id);
        }
        let (balance, made) = self.make_balance(tx, scope, (user.id, program.currency)).await?;
        entries.extend(made);
        Ok(balance)
    }

    fn card_of(
        &self,
        New { id, program, .. }: &New,
        told: &ForeignCard,
        (holder, balance): (UserId, BalanceId),
    ) -> Card {
        Card {
            id: *id,
            resource: ids::random_id(),
            balance,
            holder,
            corporation: None,
            config_id: program.config_id.clone(),
            card_type: program.card_type,
            status: told.standing.status(self.now()),
            last_four: told.number.last_four().to_owned(),
            expiry: told.expiry,
            cvc_generation: 0,
            pin_version: 0,
            tries: Tries::default(),
            label: told.label.clone(),
            version: 0,
        }
    }
}
