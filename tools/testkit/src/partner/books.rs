//! A partner that keeps books: what it booked can be compared with what we have.

use super::{Behave, Behaving, Behaviour, Partner, Received};
use crypto::certificates::Authority;
use simulator::partner::{Books, Mode, Request};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What a partner that keeps books does with a call.
#[derive(Clone, Debug)]
pub enum Way {
    /// Books it and answers.
    Books,
    /// Books it, and behaves so instead of answering.
    BooksBut(Behaviour),
    /// Behaves so, and books nothing.
    Instead(Behaviour),
    /// Books it and answers only after so long. It goes on even if nobody waits any more.
    BooksLate(Duration),
    /// Books it at once, and answers only after so long.
    AnswersLate(Duration),
    /// Books it and answers when [`Bookkeeper::let_go`] was called. It goes on even if nobody waits
    /// any more.
    BooksWhenLetGo,
    /// Books it at once, and answers when [`Bookkeeper::let_go`] was called.
    AnswersWhenLetGo,
}

impl Way {
    /// Refuses, and books nothing.
    #[must_use]
    pub fn refuses(status: u16, title: &str) -> Self {
        let problem = serde_json::json!({ "title": title, "detail": "A test refuses." });
        Self::Instead(Behaviour::Json(status, problem))
    }
}

type Choose = dyn Fn(&Received, usize) -> Way + Send + Sync;

/// A partner's server with books, until it is dropped. Its addresses, certificates and what it was
/// sent are those of [`Partner`].
pub struct Bookkeeper {
    partner: Partner,
    books: Arc<Mutex<Books>>,
    gate: watch::Sender<bool>,
}

impl Deref for Bookkeeper {
    type Target = Partner;

    fn deref(&self) -> &Partner {
        &self.partner
    }
}

impl Bookkeeper {
    /// Starts to listen, with no balances. Callers have a certificate of the server's own
    /// authority; `choose` gets each request and how many came before it.
    ///
    /// # Panics
    ///
    /// If there is no port or no certificate to be had.
    pub async fn start(
        mode: Mode,
        choose: impl Fn(&Received, usize) -> Way + Send + Sync + 'static,
    ) -> Self {
        let authority = Authority::create("A test's partner", crate::now());
        let clients = authority.certificate_pem().to_owned();
        Self::start_with(authority, &clients, mode, Box::new(choose)).await
    }

    /// As [`Bookkeeper::start`], for callers whose certificate is of this authority, PEM.
    ///
    /// # Panics
    ///
    /// As [`Bookkeeper::start`].
    pub async fn start_for(
        clients: &str,
        mode: Mode,
        choose: impl Fn(&Received, usize) -> Way + Send + Sync + 'static,
    ) -> Self {
        let authority = Authority::create("A test's partner", crate::now());
        Self::start_with(authority, clients, mode, Box::new(choose)).await
    }

    async fn start_with(
        authority: Authority,
        clients: &str,
        mode: Mode,
        choose: Box<Choose>,
    ) -> Self {
        let books = Arc::new(Mutex::new(Books::new(mode)));
        let (gate, _) = watch::channel(false);
        let (kept, opened) = (books.clone(), gate.subscribe());
        let behave: Arc<Behave> = Arc::new(move |request, nth| -> Behaving {
            let way = choose(request, nth);
            Box::pin(go(way, request.clone(), kept.clone(), opened.clone()))
        });
        let partner = Partner::start_with(authority, Some(clients), behave).await;
        Self { partner, books, gate }
    }

    /// Looks at the books, or changes them.
    pub fn books<T>(&self, look: impl FnOnce(&mut Books) -> T) -> T {
        look(&mut self.books.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets all calls go on that wait for it, and those that come later.
    pub fn let_go(&self) {
        self.gate.send_replace(true);
    }
}

async fn go(
    way: Way,
    request: Received,
    books: Arc<Mutex<Books>>,
    mut gate: watch::Receiver<bool>,
) -> Behaviour {
    match &way {
        Way::Instead(behaviour) => return behaviour.clone(),
        Way::BooksLate(wait) => tokio::time::sleep(*wait).await,
        Way::BooksWhenLetGo => opened(&mut gate).await,
        Way::Books | Way::BooksBut(_) | Way::AnswersLate(_) | Way::AnswersWhenLetGo => {}
    }
    let reply = {
        let call = Request {
            method: &request.method,
            path: &request.path,
            key: Some(request.key()).filter(|key| !key.is_empty()),
            body: &request.bytes,
        };
        books.lock().unwrap_or_else(PoisonError::into_inner).answer(&call, crate::now())
    };
    match way {
        Way::BooksBut(behaviour) => return behaviour,
        Way::AnswersLate(wait) => tokio::time::sleep(wait).await,
        Way::AnswersWhenLetGo => opened(&mut gate).await,
        Way::Books | Way::Instead(_) | Way::BooksLate(_) | Way::BooksWhenLetGo => {}
    }
    tokio::time::sleep(reply.after).await;
    reply.into()
}

async fn opened(gate: &mut watch::Receiver<bool>) {
    // An error means that the server is being dropped: nobody is answered any more.
    let _ = gate.wait_for(|open| *open).await;
}
