//! The measurement of the engine: many callers in this process, each through the use case that the
//! processor's channel calls, without HTTP. The outbox's rows are written and not sent.

use super::ground::{Ground, Opened};
use super::report::{Phase, Report, memory, processor_time};
use super::{Offer, in_turn};
use crate::checkpoints::{self, Copier};
use crate::cli::BenchArgs;
use crate::failure::Failure;
use crate::output::Progress;
use app::preload::Holding;
use app::processor::{
    Authorize, CardName, Checked, Details, Envelope, Message, Reverse, SentCodes,
};
use app::{App, Error};
use domain::authorization::{Ask, PartialApproval};
use domain::ids::ProcessorId;
use domain::ledger::matching::Reference;
use domain::money::Currency;
use domain::program::PreAuthorization;
use domain::secret::Pan;
use domain::transaction::{Place, Processing, TransactionType};
use simulator::load::mix::{Asked, DATA, Draw, Held, Mix};
use simulator::load::tally::{Outcome, Tally};
use simulator::load::turns::{Part, Span, Turns};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use store::db::Kind;
use tokio::time::sleep;

/// How often a person is told how far it is.
const OFTEN: Duration = Duration::from_millis(250);
/// Where the partners are said to be; nothing is sent there.
pub(super) const NOWHERE: &str = "https://localhost:65535/demonstration-partner/bench";

/// Measures.
pub(super) async fn measure(
    ground: &Ground,
    arguments: &BenchArgs,
    progress: &Progress,
) -> Result<Report, Failure> {
    let mut opened = ground.prepare(&arguments.partners(), progress).await?;
    for party in opened.partners() {
        opened.tell_at(party.id, NOWHERE.to_owned()).await?;
    }
    let cards: Vec<_> = opened.take_cards().into_iter().map(Arc::new).collect();
    let app = opened.sandbox.desk.app.clone();
    let processor = processor(&app)?;
    if app.db.kind() == Kind::Sqlite {
        drop(app.tasks.run(checkpoints(app.clone())));
    }
    let driven = async |offers: Vec<_>| {
        let streams: Vec<_> = cards.iter().cloned().zip(offers).collect();
        Ok(drive(&app, arguments, &streams, processor, progress).await)
    };
    let report = in_turn(arguments, driven).await;
    drop(app);
    opened.close().await?;
    report
}

/// The processor of all cards for measuring.
fn processor(app: &App) -> Result<ProcessorId, Failure> {
    let settings = app.settings.get();
    let processor = settings.processor_of_name(crate::sandbox::partner::PROCESSOR);
    processor.map(|it| it.id).ok_or_else(|| Failure::new("There is no processor."))
}

/// What a server's worker does for SQLite.
pub(super) async fn checkpoints(app: App) {
    let (stopping, copier) = (app.tasks.stopping(), Copier::start());
    while stopping.run_until_cancelled(sleep(checkpoints::EVERY)).await.is_some() {
        if let Err(error) = copier.copy(&app).await {
            tracing::warn!(worker = "checkpoint", %error, "A worker's step failed");
        }
    }
}

/// Each partner's cards, and what is sent of them.
type Stream = (Arc<Vec<Holding>>, Offer);

async fn drive(
    app: &App,
    arguments: &BenchArgs,
    streams: &[Stream],
    processor: ProcessorId,
    progress: &Progress,
) -> Phase {
    let load = arguments.load();
    let span = Span::from_now(load.warm_up, load.duration);
    let answered = Arc::new(AtomicU64::new(0));
    let call = |((cards, offer), part): (&Stream, Part)| -> Vec<_> {
        let turns = match offer.rate {
            None => Turns::at_will(span),
            Some(rate) => Turns::paced(span, rate, part, Part::WHOLE),
        };
        let caller = || Caller {
            desk: Desk { app: app.clone(), cards: cards.clone(), processor },
            mix: Mix::new(cards.len()),
            turns: turns.clone(),
            span,
            answered: answered.clone(),
            tally: Tally::new(),
        };
        (0..offer.connections).map(|_| app.tasks.run(caller().run())).collect()
    };
    let calling: Vec<_> = streams.iter().zip(Part::all(streams.len())).map(call).collect();
    let process = std::process::id();
    sleep(load.warm_up).await;
    let before = processor_time(process);
    while Instant::now() < span.ends {
        sleep(OFTEN.min(span.ends.saturating_duration_since(Instant::now()))).await;
        let answered = answered.load(Ordering::Relaxed);
        progress.tell(|| format!("{answered} messages answered…"));
    }
    let mut figures = Vec::new();
    for callers in calling {
        let mut all = Tally::new();
        for caller in callers {
            match caller.await {
                Ok(tally) => all.add(&tally),
                Err(_) => all.error("a caller's task ended"),
            }
        }
        all.end(span.counted_from);
        figures.push(all.figures());
    }
    let cpu = before.zip(processor_time(process)).map(|(before, after)| after - before);
    Phase { figures, cpu, memory: memory(process), ..Phase::default() }
}

/// One caller at work.
struct Caller {
    desk: Desk,
    mix: Mix,
    turns: Turns,
    span: Span,
    answered: Arc<AtomicU64>,
    tally: Tally,
}

impl Caller {
    async fn run(mut self) -> Tally {
        while let Some(intended) = self.turns.next().await {
            if self.span.is_over_for(Instant::now()) {
                self.tally.unsent += 1;
                continue;
            }
            let outcome = match self.mix.draw() {
                Draw::Authorize(asked) => self.authorize(&asked).await,
                Draw::Reverse(held) => self.desk.reverse(&held).await,
            };
            let outcome = outcome.unwrap_or_else(|error| not_done(&error));
            if intended >= self.span.counted_from {
                self.tally.record(intended.elapsed(), &outcome);
            }
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
        self.tally
    }

    async fn authorize(&mut self, asked: &Asked) -> Result<Outcome, Error> {
        let now = self.desk.app.now();
        let outcome = self.desk.authorize(asked, now).await?;
        if outcome == Outcome::Approved {
            self.mix.keep(Held::of(asked, now));
        }
        Ok(outcome)
    }
}

/// Where messages are decided: the use cases of the processor's channel.
#[derive(Clone)]
pub(super) struct Desk {
    /// The use cases.
    pub(super) app: App,
    /// The cards that messages name by their places.
    pub(super) cards: Arc<Vec<Holding>>,
    /// Whose messages they are.
    pub(super) processor: ProcessorId,
}

impl Desk {
    /// Where messages about these cards are decided.
    pub(super) fn of(opened: &Opened, cards: Arc<Vec<Holding>>) -> Result<Self, Failure> {
        let app = opened.sandbox.desk.app.clone();
        let processor = processor(&app)?;
        Ok(Self { app, cards, processor })
    }

    /// Has an authorization decided.
    pub(super) async fn authorize(
        &self,
        asked: &Asked,
        now: domain::Timestamp,
    ) -> Result<Outcome, Error> {
        let details = Details {
            text: "Book store".to_owned(),
            data: Some(DATA.to_owned()),
            mcc: Some("5942".to_owned()),
            retrieval_reference: Some("177482991004".to_owned()),
            ..details(asked.amount, asked.network_id, now)
        };
        let command = Authorize {
            envelope: self.envelope(asked.card, &asked.key)?,
            details,
            ask: Ask::Debit,
            kind: TransactionType::Pos,
            reference: None,
            codes: SentCodes::default(),
            pin: None,
            checked: Checked::default(),
            expiry: None,
            pre_authorization: PreAuthorization::No,
            partial_approval: PartialApproval::Refused,
        };
        let message: Message = self.app.authorize(command).await?;
        if message.processing != Processing::Success {
            return Ok(Outcome::Declined);
        }
        Ok(Outcome::Approved)
    }

    async fn reverse(&self, held: &Held) -> Result<Outcome, Error> {
        let reference = Reference {
            processor: self.processor,
            id: format!("{:012}", held.network_id),
            date: Some(held.date),
            amount: Some(held.amount),
            retrieval_reference: None,
        };
        let details = Details {
            reference_id: Some(reference.id.clone()),
            reference_date: reference.date,
            ..details(held.amount, held.reversal_id, self.app.now())
        };
        let envelope = self.envelope(held.card, &held.key)?;
        let message = self.app.reverse(Reverse { envelope, details, reference }).await?;
        Ok(if message.processing == Processing::Success {
            Outcome::Reversed
        } else {
            Outcome::Error(format!("a reversal was refused: {}", message.description))
        })
    }

    fn envelope(&self, card: usize, key: &str) -> Result<Envelope, Error> {
        let holding = self.cards.get(card).ok_or(Error::broken("there are no cards"))?;
        #[expect(clippy::disallowed_methods, reason = "copied into a command, as a door does")]
        let pan = Pan::parse(holding.pan.expose());
        Ok(Envelope {
            processor: self.processor,
            card: CardName::Pan(pan.map_err(|_| Error::broken("a number isn't a number"))?),
            fingerprint: self.app.keyring.fingerprint(&[key.as_bytes()]),
            request_id: key.to_owned(),
            key: key.to_owned(),
            received: Instant::now(),
        })
    }
}

/// What a processor would be told 503 is refused.
fn not_done(error: &Error) -> Outcome {
    match error {
        Error::Unavailable(..) => Outcome::Refused(error.to_string()),
        Error::Refused(_) | Error::KeyReused | Error::Internal(..) => {
            Outcome::Error(error.to_string())
        }
    }
}

fn details(amount: i64, network_id: u64, now: domain::Timestamp) -> Details {
    Details {
        amount,
        currency: Currency::EUR,
        network_id: format!("{network_id:012}"),
        network_date: now,
        reference_id: None,
        reference_date: None,
        original_amount: None,
        original_currency: None,
        conversion_rate: None,
        text: String::new(),
        data: None,
        mcc: None,
        retrieval_reference: None,
        place: Place::default(),
    }
}
