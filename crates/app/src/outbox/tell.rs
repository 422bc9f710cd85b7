//! What partners are told of beside transactions, as use cases write it.

use crate::owners::OwnerName;
use crate::{App, Error};
use domain::ids::{CardId, PartnerId};
use domain::notification::Event;
use domain::scope::Scope;
use serde_json::Value;
use store::counters;
use store::db::Tx;
use store::outbox::{self, Entry};

/// What a partner is told.
#[derive(Clone, Debug)]
pub(crate) struct News {
    /// What happened.
    pub(crate) event: Event,
    /// Among what it is told in order.
    pub(crate) stream: String,
    /// The card that it is about.
    pub(crate) card: Option<CardId>,
    /// What its body is made from beside that.
    pub(crate) detail: Option<Value>,
}

impl News {
    /// Something about a user or a corporation.
    pub(crate) fn of_owner(owner: OwnerName, event: Event, detail: Value) -> Self {
        let stream = match owner {
            OwnerName::User(id) => format!("user/{}", id.0),
            OwnerName::Corporation(name) => format!("corporation/{name}"),
        };
        Self { event, stream, card: None, detail: Some(detail) }
    }

    /// The row of it, of this number.
    pub(crate) fn row(
        self,
        app: &App,
        (partner, number): (PartnerId, i64),
        request_id: &str,
    ) -> Entry {
        Entry {
            partner,
            number,
            id: app.ordered_id(),
            stream: self.stream,
            event: self.event,
            card: self.card,
            message: None,
            detail: self.detail,
            request_id: request_id.to_owned(),
            created_at: app.now(),
            attempts: 0,
            attempts_before: 0,
            not_before: None,
        }
    }
}

impl App {
    /// Has a partner told of something in the transaction that makes it so, if it wants to hear of
    /// it. Whoever commits that rings the bell.
    pub(crate) async fn tell(
        &self,
        tx: &mut Tx,
        scope: Scope,
        news: News,
        request_id: &str,
    ) -> Result<(), Error> {
        let (settings, partner) = (self.settings.get(), scope.partner());
        if !settings.outbound(partner).is_some_and(|outbound| outbound.tells(news.event)) {
            return Ok(());
        }
        let number = counters::take(tx, partner, counters::EVENTS, 1).await?;
        let entry = news.row(self, (partner, number), request_id);
        Ok(outbox::insert(tx, std::iter::once(&entry), self.outbox.now()).await?)
    }
}
