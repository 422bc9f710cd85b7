//! Issue a virtual card.

use crate::audit::{Done, Entry};
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::{App, Error, Once, ids};
use domain::Timestamp;
use domain::balance::BalanceState;
use domain::card::Card;
use domain::card::lifecycle::{CardStatus, Usable};
use domain::card::tries::Tries;
use domain::ids::{BalanceId, CardId, UserId};
use domain::program::{CardType, Program, ProgramState};
use domain::scope::Scope;
use domain::spending::Subject;
use domain::user::Kyc;
use serde_json::{Value, json};
use store::cards::SealedPan;
use store::db::Tx;
use store::spending::Kept;
use store::{balances, cards, spending, users};

/// A card to be.
#[derive(Clone, Debug)]
pub struct IssueVirtual {
    /// Who holds it.
    pub holder: UserId,
    /// What it pays from.
    pub balance: BalanceId,
    /// The program that it is of.
    pub config_id: String,
    /// The owner's name for it.
    pub label: Option<String>,
}

impl App {
    /// Issues a virtual card; its numbers are read with [`App::full_card`].
    pub async fn issue_virtual_card(
        &self,
        scope: Scope,
        command: IssueVirtual,
        once: Once<Card>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        // The number is made before the transaction, which thus waits for nothing but its rows.
        let made = self.make_virtual(scope, &command).await;
        let mut tx = self.db.begin().await?;
        let result = match made {
            Ok((program, card, pan)) => {
                let issued = self.issue_in(&mut tx, scope, &program, (&card, &pan)).await;
                issued.map(|entry| Done::changed(card, entry))
            }
            Err(error) => Err(error),
        };
        self.finish(scope, &once, tx, result).await
    }

    /// Makes a card and its number, before any transaction that could wait for it.
    pub(super) async fn make_virtual(
        &self,
        scope: Scope,
        command: &IssueVirtual,
    ) -> Result<(Program, Card, SealedPan), Error> {
        self.need_supported_mode(scope)?;
        let program = self.live_program(scope, &command.config_id, CardType::Virtual).await?;
        let mut tx = self.db.read().await?;
        let allowed = may_have_card(&mut tx, scope, &program, command).await;
        tx.end(allowed).await?;
        let active = CardStatus::Usable(Usable::Active);
        let (card, sealed) = self.new_card(scope, &program, command, active).await?;
        Ok((program, card, sealed))
    }

    /// A program that makes cards of a kind now.
    pub(super) async fn live_program(
        &self,
        scope: Scope,
        config_id: &str,
        kind: CardType,
    ) -> Result<Program, Error> {
        let program = self.find_program(scope, config_id).await?;
        let program = program
            .filter(|program| program.state == ProgramState::Live)
            .filter(|program| program.card_type == kind);
        Ok(program.ok_or(Refusal::ProgramNotFound)?)
    }

    /// A card with a new number, not written yet.
    pub(super) async fn new_card(
        &self,
        scope: Scope,
        program: &Program,
        command: &IssueVirtual,
        status: CardStatus,
    ) -> Result<(Card, SealedPan), Error> {
        let id = self.new_card_id().await?;
        let pan = self.new_pan(program).await?;
        let sealed = self.seal_pan(scope.partner(), id, &pan).await?;
        let card = Card {
            id,
            resource: ids::random_id(),
            balance: command.balance,
            holder: command.holder,
            config_id: command.config_id.clone(),
            card_type: program.card_type,
            status,
            last_four: pan.last_four().to_owned(),
            expiry: program.expiry_of_card_made_on(self.today()),
            cvc_generation: 0,
            pin_version: 0,
            tries: Tries::default(),
            label: command.label.clone(),
            version: 0,
        };
        Ok((card, sealed))
    }

    /// Looks again, now under the locks of owner and balance, and writes.
    pub(super) async fn issue_in(
        &self,
        tx: &mut Tx,
        scope: Scope,
        program: &Program,
        made: (&Card, &SealedPan),
    ) -> Result<Entry, Error> {
        let (card, _) = made;
        users::find_locked(tx, scope, card.holder).await?.ok_or(Refusal::CustomerNotFound)?;
        balances::lock(tx, &[(scope.partner(), card.balance)].into()).await?;
        let command = IssueVirtual {
            holder: card.holder,
            balance: card.balance,
            config_id: card.config_id.clone(),
            label: None,
        };
        may_have_card(tx, scope, program, &command).await?;
        insert_card(tx, scope, program, made, self.now()).await?;
        Ok(Entry::made("card.issue", card.id.0, self.card_facts(scope, card)))
    }

    /// What an audit record tells of a new card.
    pub(super) fn card_facts(&self, scope: Scope, card: &Card) -> Value {
        let digests = self.digests(scope.partner(), format!("card/{}", card.id.0));
        json!({
            "userId": card.holder.0,
            "balanceId": card.balance.0.to_string(),
            "configId": card.config_id,
            "type": card.card_type.as_str(),
            "expiry": card.expiry.to_string(),
            "label": digests.of("label", card.label.as_deref()),
        })
    }
}

/// The checks of spec "Cards", in its order.
pub(super) async fn may_have_card(
    tx: &mut Tx,
    scope: Scope,
    program: &Program,
    command: &IssueVirtual,
) -> Result<(), Error> {
    may_pay_from(tx, scope, program, (command.holder, command.balance)).await?;
    let held = cards::count(tx, scope, command.holder, &program.config_id).await?;
    if held >= program.card_cap {
        return Err(Refusal::CardLimitReached.into());
    }
    if program.gift.is_some() && cards::has_live(tx, scope, command.balance).await? {
        return Err(Refusal::CardLimitReached.into());
    }
    Ok(())
}

/// Writes a new card. A gift's next one goes on counting what the one before has spent.
pub(super) async fn insert_card(
    tx: &mut Tx,
    scope: Scope,
    program: &Program,
    (card, pan): (&Card, &SealedPan),
    now: Timestamp,
) -> Result<(), Error> {
    let before = match program.gift {
        Some(_) => cards::newest_of_balance(tx, scope, card.balance).await?,
        None => None,
    };
    cards::insert(tx, scope, card, pan, now).await?;
    match before {
        Some(before) => carry_spending(tx, scope, card.holder, (before, card.id)).await,
        None => Ok(()),
    }
}

/// Has a card go on with the limits of another, and with what that has spent.
pub(super) async fn carry_spending(
    tx: &mut Tx,
    scope: Scope,
    holder: UserId,
    (before, after): (CardId, CardId),
) -> Result<(), Error> {
    let kept = spending::find(tx, scope, Subject::Card(holder, before)).await?;
    if kept.version.is_some() {
        let carried = Kept { version: None, ..kept };
        spending::set(tx, scope, Subject::Card(holder, after), &carried).await?;
    }
    Ok(())
}

/// Whether a card of a program may pay from a holder's balance.
pub(super) async fn may_pay_from(
    tx: &mut Tx,
    scope: Scope,
    program: &Program,
    (holder, balance): (UserId, BalanceId),
) -> Result<(), Error> {
    let user = users::find(tx, scope, holder).await?.ok_or(Refusal::CustomerNotFound)?;
    let balance = balances::find(tx, scope, balance)
        .await?
        .filter(|balance| balance.owner.user() == Some(holder))
        .filter(|balance| balance.state != BalanceState::Removed)
        .ok_or(Refusal::BalanceNotFound)?;
    if balance.currency != program.currency {
        return Err(Refusal::CurrencyMismatch.into());
    }
    match (&program.gift, &balance.gift) {
        (Some(_), Some(gift)) if gift.config_id == program.config_id => Ok(()),
        (None, None) if user.kyc != Kyc::Success => Err(Refusal::KycNotVerified.into()),
        (None, None) => Ok(()),
        (Some(_), _) | (None, Some(_)) => Err(Refusal::ProgramMismatch.into()),
    }
}
