//! `POST /lifecycle/v1/import`: users as lines of NDJSON or rows of CSV, answered line by line
//! while they come; and how far an import is.

mod card;

use self::card::{read_card, unfit};
use super::TAG;
use super::register::read_user;
use crate::answer::{Done, Named};
use crate::call::{self, Call, Head, refused};
use crate::endpoint::{Endpoint, nothing};
use crate::limits::Held;
use crate::lines::MEDIA;
use crate::problem::Problem;
use crate::records::csv::Header;
use crate::records::{Flaw, Form, RECORD_MAX, Record};
use crate::streamed::{Answers, Heard, Source, Stopped, Streamed};
use crate::wire::{REQUIRED, moment, text};
use crate::{Api, Peer, encryption, identity, layers};
use app::Refusal;
use app::users::{Became, ForeignCard, Import, Line, Progress, Register};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use domain::import::ImportState;
use serde::Serialize;
use serde_json::{Value, json};
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use utoipa::ToSchema;
use uuid::Uuid;

/// The other media type of a body.
const CSV: &str = "text/csv";
/// The field, and column, of a line that is encrypted.
const PAYLOAD: &str = "payload";
/// How long lines of a batch are read before those so far are done and answered: decrypting takes
/// its time, and the import's lease ends.
const READING: Duration = Duration::from_secs(2);
/// How often an import whose caller takes its answers slowly says that it is still being done.
const HOLD: Duration = Duration::from_secs(2);

/// Imports users → 200 an answer for each line.
pub(crate) fn import() -> Endpoint {
    Endpoint::streamed(read, CSV, imported)
        .about(
            TAG,
            "Import users",
            "Each line of `application/x-ndjson` is what `POST /lifecycle/v1/wallet` takes. Of \
             `text/csv` the first row names the columns, by the same names; those of the address \
             are `street`, `number`, `apartment`, `city`, `postCode` and `country`; an empty cell \
             is a field that isn't sent. However much it is, it is read and answered while it \
             comes: 64 KiB a line at most, nothing for 30 seconds at most. Read the answers while \
             you send; whoever can't do both at once sends at most 10,000 lines.\n\n\
             Each line has its own answer, in their order: `{\"line\": 1, \"status\": 201, \
             \"id\": 1337}`, or the fields of a problem with its `line`; a bad one harms no other. \
             Lines are numbered as they stand in the body, from 1, header and blank ones too.\n\n\
             `X-Idempotency-Key` is required: it names the import. Send the same again under the \
             same key whenever it breaks off, and it goes on where it was: what was done is \
             answered again, and nobody is registered twice. A line in the place of one that was \
             done, with other content, is `IDEMPOTENCY_KEY_REUSED`; one that couldn't be accepted \
             (400, 403, 413, 422) may be corrected. A last line with status 401, \
             408, 409 `IDEMPOTENT_REQUEST_IN_PROGRESS`, 500 or 503 says that it broke off there: \
             neither that line nor any after it was done. `GET /lifecycle/v1/import/{key}` tells \
             how far it is. Keys are kept 30 days.\n\n\
             A user may come with a card of a program whose processor makes the cards (port \
             `NONE`). Then all of the line is encrypted, as `{\"payload\": \"<JWE>\"}` for our \
             public key (of CSV: in the column `payload`, and nothing else in its row); within it \
             are the user's fields and `card`: `{\"configId\", \"cardNo\", \"expiry\", \
             \"state\"?, \"lockReason\"?, \"label\"?}`, where `expiry` is a month (`2029-11`), \
             `state` is `ACTIVE`, `INACTIVE` or `LOCKED`, and `lockReason` a code, for `LOCKED` \
             alone. The user's KYC must be `SUCCESS`. User, balance and card are made together, or \
             none of them; the answer has `cardId` and `balanceId` too. Lines are decrypted at \
             half the rate that the certificate's requests are. \
             Otherwise neither body nor answer is encrypted.",
        )
        .refuses(&[Refusal::RequestInProgress])
}

/// Shows an import → 200.
pub(crate) fn import_progress() -> Endpoint {
    Endpoint::of(nothing, progress).about(
        TAG,
        "Show how far an import is",
        "Lines that have an answer, by all requests of the key together. `BROKEN` are imports that \
         ended before their body did: send the same again.",
    )
}

/// How far an import is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Import)]
struct ImportJson {
    /// The import.
    import_id: Uuid,
    /// Where it stands.
    state: State,
    /// Lines that have an answer.
    lines: i64,
    /// Of them, those that registered a user.
    created: i64,
    /// Of them, those that were refused.
    refused: i64,
    /// When its key was sent first.
    #[schema(format = DateTime)]
    started_at: String,
    /// When something of it was done last.
    #[schema(format = DateTime)]
    updated_at: String,
}

type State = Named<ImportState>;

impl From<Progress> for ImportJson {
    fn from(progress: Progress) -> Self {
        let Progress { id, state, lines, created, refused, started_at, updated_at } = progress;
        Self {
            import_id: id,
            state: Named(state),
            lines,
            created,
            refused,
            started_at: moment(started_at),
            updated_at: moment(updated_at),
        }
    }
}

async fn progress(api: Api, head: Head, (): ()) -> Result<Done<ImportJson>, Problem> {
    let progress = api.app.import_progress(head.scope()?, head.import()).await?;
    Ok(Done::with(&ImportJson::from(progress)))
}

/// Reads a line that isn't encrypted.
fn read(call: &Call) -> Result<Register, Problem> {
    let mut fields = call.fields()?;
    // Noted alone: a line that has it has nothing else, and isn't read here.
    fields.optional(PAYLOAD, text(RECORD_MAX));
    if fields.has("card") {
        return Err(encryption::card_in_clear());
    }
    read_user(fields, call.today)
}

/// Reads a line that was encrypted.
fn read_opened(call: &Call) -> Result<(Register, Option<ForeignCard>), Problem> {
    let mut fields = call.fields()?;
    let card = read_card(&mut fields);
    Ok((read_user(fields, call.today)?, card))
}

async fn imported(api: Api, request: Request) -> Result<Streamed, Problem> {
    let (mut parts, body) = request.into_parts();
    if encryption::is_asked(&parts.headers) {
        let detail = "An import is neither read nor answered encrypted.";
        return Err(Problem::unreadable(detail));
    }
    let form = form(&parts.headers)?;
    let head = call::head(&mut parts, &api, &[]).await?;
    let key = head.key();
    let key = key.ok_or_else(|| Problem::invalid_field("X-Idempotency-Key", REQUIRED))?;
    let places = parts.extensions.remove::<Held>();
    let source = Source::new(&api, body, form);
    let (answers, streamed) = Streamed::new();
    let (begun, has_begun) = oneshot::channel();
    let reader = Reader { api: api.clone(), parts, head, header: None };
    layers::detached(&api, async move {
        Importing { reader, source, answers }.run(&key, form, begun).await;
        drop(places);
    });
    let begun = has_begun.await.unwrap_or_else(|_| {
        tracing::error!("an endpoint panicked");
        Err(Problem::internal())
    });
    begun.map(|()| streamed)
}

fn form(headers: &HeaderMap) -> Result<Form, Problem> {
    let forms = [(MEDIA, Form::Lines), (CSV, Form::Csv)];
    let of = forms.into_iter().find(|(media, _)| call::is_of(headers, media));
    let detail = "The body must be application/x-ndjson or text/csv.";
    of.map(|(_, form)| form).ok_or_else(|| Problem::media_type(detail))
}

/// What a line asks for, and the keyed digest of what it says.
type Command = ([u8; 32], Register, Option<ForeignCard>);

/// Reads records as lines of the import.
struct Reader {
    api: Api,
    parts: Parts,
    head: Head,
    /// What the columns are, of CSV.
    header: Option<Header>,
}

impl Reader {
    /// A line, and what is wrong with it; an error is none of the line's.
    async fn line(&self, record: Record) -> Result<(Line, Option<Problem>), Problem> {
        let number = record.number;
        Ok(match self.command(&record).await? {
            Ok((fingerprint, user, card)) => {
                (Line { number, read: Ok((fingerprint, user)), card }, None)
            }
            Err(problem) => {
                (Line { number, read: Err(problem.title()), card: None }, Some(problem))
            }
        })
    }

    async fn command(&self, record: &Record) -> Result<Result<Command, Problem>, Problem> {
        let body = match self.body(record) {
            Ok(body) => body,
            Err(problem) => return Ok(Err(problem)),
        };
        let Some(payload) = body.get(PAYLOAD).filter(|payload| !payload.is_null()) else {
            let fingerprint = self.fingerprint(&body);
            let user = read(&self.call(body, fingerprint));
            return Ok(user.map(|user| (fingerprint, user, None)));
        };
        if body.as_object().is_none_or(|fields| fields.len() != 1) {
            return Ok(Err(encryption::invalid_payload()));
        }
        let opened = match encryption::opened(&self.api, &self.parts, payload).await? {
            Ok(opened) => opened,
            Err(problem) => return Ok(Err(problem)),
        };
        let fingerprint = self.fingerprint(&opened);
        let read = read_opened(&self.call(opened, fingerprint));
        Ok(read.map(|(user, card)| (fingerprint, user, card)))
    }

    /// What a line says, as it was sent.
    fn body(&self, record: &Record) -> Result<Value, Problem> {
        let text = record.text.as_ref().map_err(|flaw| flawed(*flaw))?;
        match &self.header {
            None => call::json(text),
            Some(header) => header.object(text),
        }
    }

    fn fingerprint(&self, body: &Value) -> [u8; 32] {
        call::fingerprint(&self.parts, &self.api, &[body.to_string().as_bytes()])
    }

    fn call(&self, body: Value, fingerprint: [u8; 32]) -> Call {
        Call::line(self.head.clone(), 0, body, fingerprint)
    }

    /// Reads the header of CSV; columns that each row needs must be there.
    fn read_header(&mut self, record: &Record) -> Result<(), Problem> {
        let text = record.text.as_ref().map_err(|flaw| flawed(*flaw))?;
        let header = Header::read(text)?;
        if !header.has_payload()
            && let Err(problem) = read(&self.call(header.sample(), [0; 32]))
            && let Some(lacking) = problem.only(|wrong| wrong.message == REQUIRED)
        {
            return Err(lacking);
        }
        self.header = Some(header);
        Ok(())
    }
}

/// What is told of a line that can't be cut out.
fn flawed(flaw: Flaw) -> Problem {
    match flaw {
        Flaw::TooLong => Problem::line_too_large(),
        Flaw::Unclosed => Problem::unreadable("The row has a quote that isn't closed in 64 KiB."),
        Flaw::Misplaced => Problem::unreadable("The row has a quote where none may be."),
    }
}

/// An import that is being read, done and answered.
struct Importing {
    reader: Reader,
    source: Source,
    answers: Answers,
}

/// Why an import ended, and on which line.
struct Ended {
    state: ImportState,
    line: i64,
    problem: Option<Problem>,
}

impl Importing {
    /// Runs it to its end; `begun` hears whether there is one.
    async fn run(mut self, key: &str, form: Form, begun: oneshot::Sender<Result<(), Problem>>) {
        let (mut import, first) = match self.open(key, form).await {
            Ok(import) => import,
            Err(problem) => {
                // Where nobody waits any more, nobody wants to know.
                let _ = begun.send(Err(problem));
                return;
            }
        };
        let ended = match begun.send(Ok(())) {
            Ok(()) => self.all(&mut import, first).await,
            Err(_) => Ended { state: ImportState::Broken, line: 0, problem: None },
        };
        // Before it is told, so that whoever hears it can go on at once.
        if let Err(error) = self.reader.api.app.end_import(import, ended.state).await {
            // Its lease ends by itself; this writes why it has to.
            drop(Problem::from(error));
        }
        let is_told = match ended.problem {
            Some(problem) => self.answers.tell(&[told(ended.line, problem)]).await,
            None => ended.state == ImportState::Finished,
        };
        if is_told {
            self.answers.end();
        }
    }

    /// Reads what comes first, and begins the import if there is anything in it.
    async fn open(&mut self, key: &str, form: Form) -> Result<(Import, Option<Record>), Problem> {
        let broken = |stopped: Stopped| {
            stopped.problem().unwrap_or_else(|| Problem::unreadable("The body broke off."))
        };
        let first = self.source.first().await.map_err(broken)?;
        let first = first.ok_or_else(|| Problem::unreadable("The body is missing."))?;
        let first = match form {
            Form::Lines => Some(first),
            Form::Csv => {
                self.reader.read_header(&first)?;
                None
            }
        };
        let head = &self.reader.head;
        let app = &self.reader.api.app;
        let import = app.begin_import(head.scope()?, key, head.origin().clone()).await?;
        Ok((import, first))
    }

    /// All lines, one batch after the other.
    async fn all(&mut self, import: &mut Import, mut first: Option<Record>) -> Ended {
        loop {
            let heard = self.source.next(first.take()).await;
            let (line, done) = match heard {
                Ok(Heard::Records(records)) => match self.batch(import, records).await {
                    Ok(()) => continue,
                    Err((line, problem)) => (line, Err(problem)),
                },
                Ok(Heard::Pause) => (self.source.line(), self.hold(import).await),
                Ok(Heard::End) => {
                    return Ended { state: ImportState::Finished, line: 0, problem: None };
                }
                Err(stopped) => (self.source.line(), Err(stopped.problem())),
            };
            if let Err(problem) = done {
                return Ended { state: ImportState::Broken, line, problem };
            }
        }
    }

    async fn hold(&mut self, import: &mut Import) -> Result<(), Option<Problem>> {
        self.reader.api.app.hold_import(import).await.map_err(|error| Some(error.into()))
    }

    /// Does a batch, in parts where reading it takes long. On an error it tells the line from which
    /// on nothing is done.
    async fn batch(
        &mut self,
        import: &mut Import,
        records: Vec<Record>,
    ) -> Result<(), (i64, Option<Problem>)> {
        let mut records = records.into_iter().peekable();
        while let Some(first) = records.peek().map(|record| record.number) {
            let done = self.part(import, &mut records).await;
            done.map_err(|problem| (first, problem))?;
            let rest = records.peek().filter(|_| self.reader.api.app.tasks.is_stopping());
            if let Some(next) = rest {
                return Err((next.number, Stopped::Stopping.problem()));
            }
        }
        Ok(())
    }

    /// Does what can be read of a batch in some time, and answers it; none of it is done on an
    /// error, unless nobody heard of it.
    async fn part(
        &mut self,
        import: &mut Import,
        records: &mut (dyn Iterator<Item = Record> + Send),
    ) -> Result<(), Option<Problem>> {
        let api = &self.reader.api;
        let peer = self.reader.parts.extensions.get::<Peer>().cloned().unwrap_or_default();
        identity::is_still_accepted(api, &peer).map_err(Some)?;
        let (mut lines, mut wrong) = (Vec::new(), Vec::new());
        let until = Instant::now() + READING;
        for record in records {
            let (line, problem) = self.reader.line(record).await.map_err(Some)?;
            lines.push(line);
            wrong.push(problem);
            if Instant::now() >= until {
                break;
            }
        }
        let became = api.app.import_users(import, &lines).await;
        let became = became.map_err(|error| Some(error.into()))?;
        let lines = lines.iter().zip(became).zip(wrong);
        let answers: Vec<Value> =
            lines.map(|((line, became), wrong)| answer(line.number, became, wrong)).collect();
        let is_heard = {
            let mut telling = pin!(self.answers.tell(&answers));
            loop {
                tokio::select! {
                    is_heard = &mut telling => break is_heard,
                    () = tokio::time::sleep(HOLD) => {
                        let held = api.app.hold_import(import).await;
                        held.map_err(|error| Some(error.into()))?;
                    }
                }
            }
        };
        self.source.attend();
        if is_heard { Ok(()) } else { Err(None) }
    }
}

/// What a line is answered.
fn answer(line: i64, became: Became, wrong: Option<Problem>) -> Value {
    let problem = match became {
        Became::Registered(user, None) => {
            return json!({ "line": line, "status": 201, "id": user.0 });
        }
        Became::Registered(user, Some((card, balance))) => {
            return json!({
                "line": line, "status": 201, "id": user.0, "cardId": card.0,
                "balanceId": balance.0.to_string(),
            });
        }
        Became::Unfit(what) => unfit(what),
        Became::Refused(refusal) => refused(refusal),
        Became::Reused => app::Error::KeyReused.into(),
        Became::Unreadable => wrong.unwrap_or_else(Problem::internal),
    };
    told(line, problem)
}

/// A problem of a line.
fn told(line: i64, problem: Problem) -> Value {
    let mut told = problem.into_json();
    if let Some(fields) = told.as_object_mut() {
        fields.insert("line".to_owned(), line.into());
    }
    told
}
