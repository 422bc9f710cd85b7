//! Issue a virtual card.

use crate::audit::{Done, Entry};
use crate::once::Turn;
use crate::owners;
use crate::refusals::Refusal;
use crate::{App, Error, Once, ids};
use domain::Timestamp;
use domain::balance::Owner;
use domain::card::Card;
use domain::card::lifecycle::{CardStatus, Usable};
use domain::card::tries::Tries;
use domain::ids::{BalanceId, CardId, CorporationId, OwnerId, UserId};
use domain::program::{CardType, Port, Program, ProgramState};
use domain::scope::Scope;
use domain::spending::Subject;
use domain::user::User;
use serde_json::{Value, json};
use store::cards::SealedPan;
use store::db::Tx;
use store::spending::Kept;
use store::{balances, cards, corporations, spending, users};
use uuid::Uuid;

/// A card to be.
#[derive(Clone, Debug)]
pub struct IssueVirtual {
    /// Who holds it.
    pub holder: UserId,
    /// The corporation whose balance it pays from, as the wire names it; none if that is the
    /// holder's own.
    pub corporation: Option<Uuid>,
    /// What it pays from.
    pub balance: BalanceId,
    /// The program that it is of.
    pub config_id: String,
    /// The owner's name for it.
    pub label: Option<String>,
}

/// What a card pays from, and who answers for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holding {
    /// Who holds it.
    pub(super) holder: UserId,
    /// The corporation whose balance it is; none if that is the holder's own.
    pub(super) corporation: Option<CorporationId>,
    /// What it pays from.
    pub(super) balance: BalanceId,
}

impl Holding {
    /// Of a card that is to be.
    pub(super) async fn find(
        tx: &mut Tx,
        scope: Scope,
        command: &IssueVirtual,
    ) -> Result<Self, Error> {
        let corporation = match command.corporation {
            None => None,
            Some(name) => {
                let found = corporations::find(tx, scope, name).await?;
                Some(found.ok_or(Refusal::CorporationNotFound)?.corporation.id)
            }
        };
        Ok(Self { holder: command.holder, corporation, balance: command.balance })
    }
}

impl From<&Card> for Holding {
    fn from(card: &Card) -> Self {
        Self { holder: card.holder, corporation: card.corporation, balance: card.balance }
    }
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
        let program = self.live_program(scope, &command.config_id, CardType::Virtual).await?;
        let mut tx = self.db.read().await?;
        let allowed = async {
            let holding = Holding::find(&mut tx, scope, command).await?;
            let answers = who_answers(&mut tx, scope, holding).await?;
            may_have_card(&mut tx, scope, &program, (holding, &answers)).await?;
            Ok::<_, Error>(holding)
        };
        let allowed = allowed.await;
        let made = (tx.end(allowed).await?, command.label.clone());
        let active = CardStatus::Usable(Usable::Active);
        let (card, sealed) = self.new_card(scope, &program, made, active).await?;
        Ok((program, card, sealed))
    }

    /// A program of which we make cards of a kind now.
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
        let program = program.ok_or(Refusal::ProgramNotFound)?;
        match program.port {
            Port::Builtin => Ok(program),
            Port::None => Err(Refusal::CardMadeElsewhere.into()),
        }
    }

    /// A card with a new number, not written yet.
    pub(super) async fn new_card(
        &self,
        scope: Scope,
        program: &Program,
        (holding, label): (Holding, Option<String>),
        status: CardStatus,
    ) -> Result<(Card, SealedPan), Error> {
        let id = self.new_card_id().await?;
        let pan = self.new_pan(program).await?;
        let sealed = self.seal_pan(scope.partner(), id, &pan).await?;
        let card = Card {
            id,
            resource: ids::random_id(),
            balance: holding.balance,
            holder: holding.holder,
            corporation: holding.corporation,
            config_id: program.config_id.clone(),
            card_type: program.card_type,
            status,
            last_four: pan.last_four().to_owned(),
            expiry: program.expiry_of_card_made_on(self.today()),
            cvc_generation: 0,
            pin_version: 0,
            tries: Tries::default(),
            label,
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
        let answers = lock_holding(tx, scope, card.into()).await?;
        may_have_card(tx, scope, program, (card.into(), &answers)).await?;
        insert_card(tx, scope, program, made, self.now()).await?;
        Ok(Entry::made("card.issue", card.id.0, self.card_facts(scope, card)))
    }

    /// What an audit record tells of a new card.
    pub(crate) fn card_facts(&self, scope: Scope, card: &Card) -> Value {
        let digests = self.digests(scope.partner(), format!("card/{}", card.id.0));
        let mut facts = json!({
            "userId": card.holder.0,
            "balanceId": card.balance.0.to_string(),
            "configId": card.config_id,
            "type": card.card_type.as_str(),
            "expiry": card.expiry.to_string(),
            "label": digests.of("label", card.label.as_deref()),
        });
        if let Some(corporation) = card.corporation {
            facts["corporation"] = corporation.0.into();
        }
        facts
    }
}

/// The checks of spec "Cards", in its order.
pub(super) async fn may_have_card(
    tx: &mut Tx,
    scope: Scope,
    program: &Program,
    (holding, answers): (Holding, &Answers),
) -> Result<(), Error> {
    may_pay_from(tx, scope, program, (holding.balance, answers)).await?;
    let owner = (holding.holder, holding.corporation);
    let held = cards::count(tx, scope, owner, &program.config_id).await?;
    if held >= program.card_cap {
        return Err(Refusal::CardLimitReached.into());
    }
    if program.gift.is_some() && cards::has_live(tx, scope, holding.balance).await? {
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
        Some(before) => carry_spending(tx, scope, card.owner(), (before, card.id)).await,
        None => Ok(()),
    }
}

/// Has a card go on with the limits of another, and with what that has spent.
pub(super) async fn carry_spending(
    tx: &mut Tx,
    scope: Scope,
    owner: OwnerId,
    (before, after): (CardId, CardId),
) -> Result<(), Error> {
    let kept = spending::find(tx, scope, Subject::Card(owner, before)).await?;
    if kept.version.is_some() {
        let carried = Kept { version: None, ..kept };
        spending::set(tx, scope, Subject::Card(owner, after), &carried).await?;
    }
    Ok(())
}

/// Who answers for a card, as was read.
pub(super) struct Answers {
    /// The user who holds it.
    pub(super) holder: User,
    /// Whose the balance has to be.
    owner: Owner,
    /// Why they may have no card yet, if that is so.
    unverified: Option<Refusal>,
}

impl Answers {
    /// Of its holder, who is verified then; or of a corporation, whose KYB stands for its people.
    async fn of(
        tx: &mut Tx,
        scope: Scope,
        (holder, corporation): (User, Option<CorporationId>),
    ) -> Result<Self, Error> {
        let Some(id) = corporation else {
            let (owner, unverified) = (Owner::User(holder.id), owners::user_unverified(&holder));
            return Ok(Self { holder, owner, unverified });
        };
        let found = corporations::find_by_id(tx, scope, id).await?;
        let found = found.ok_or(Refusal::CorporationNotFound)?.corporation;
        let unverified = owners::corporation_unverified(&found);
        Ok(Self { holder, owner: Owner::Corporation(id), unverified })
    }
}

/// Reads who answers for a card.
pub(super) async fn who_answers(
    tx: &mut Tx,
    scope: Scope,
    holding: Holding,
) -> Result<Answers, Error> {
    let holder = users::find(tx, scope, holding.holder).await?.ok_or(Refusal::CustomerNotFound)?;
    Answers::of(tx, scope, (holder, holding.corporation)).await
}

/// The same, locked with the balance until the transaction ends, in the one global order.
pub(super) async fn lock_holding(
    tx: &mut Tx,
    scope: Scope,
    Holding { holder, corporation, balance }: Holding,
) -> Result<Answers, Error> {
    let holder = users::find_locked(tx, scope, holder).await?.ok_or(Refusal::CustomerNotFound)?;
    let partner = scope.partner();
    if let Some(corporation) = corporation {
        corporations::lock(tx, &[(partner, corporation)].into()).await?;
    }
    balances::lock(tx, &[(partner, balance)].into()).await?;
    Answers::of(tx, scope, (holder, corporation)).await
}

/// Whether a card of a program may pay from a balance.
pub(super) async fn may_pay_from(
    tx: &mut Tx,
    scope: Scope,
    program: &Program,
    (balance, answers): (BalanceId, &Answers),
) -> Result<(), Error> {
    let balance = balances::find(tx, scope, balance)
        .await?
        .filter(|balance| balance.owner == answers.owner)
        .filter(|balance| balance.state.is_there())
        .ok_or(Refusal::BalanceNotFound)?;
    if balance.currency != program.currency {
        return Err(Refusal::CurrencyMismatch.into());
    }
    match (&program.gift, &balance.gift) {
        (Some(_), Some(gift)) if gift.config_id == program.config_id => Ok(()),
        (None, None) => answers.unverified.map_or(Ok(()), |refusal| Err(refusal.into())),
        (Some(_), _) | (None, Some(_)) => Err(Refusal::ProgramMismatch.into()),
    }
}
