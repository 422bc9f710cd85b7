//! Calls about money that were given up: what refers to the same transaction later is kept back
//! behind them, so that nothing is told of what the partner hasn't heard of.

use domain::notification::Event;
use serde_json::Value;
use store::outbox::Entry;

/// What was given up of one stream, by its place there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parked(Vec<(i64, Subject)>);

/// What a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Subject {
    /// Our id.
    id: String,
    /// The network's, which needn't be unique: then more is kept back than must be.
    network_id: String,
    /// The network's id of what it refers to.
    reference_id: Option<String>,
}

impl Subject {
    fn of(body: &Value) -> Self {
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        Self {
            id: text("id").unwrap_or_default(),
            network_id: text("transactionId").unwrap_or_default(),
            reference_id: text("referenceTransactionId"),
        }
    }

    /// Whether it is about the same transaction as an earlier one, or refers to it.
    fn refers_to(&self, earlier: &Self) -> bool {
        self.id == earlier.id
            || self.network_id == earlier.network_id
            || self.reference_id.as_ref().is_some_and(|it| {
                *it == earlier.network_id || Some(it) == earlier.reference_id.as_ref()
            })
    }
}

impl Parked {
    /// Whether an entry must wait for what was given up before it. A reversal undoes what a
    /// question may have booked, so it waits for nothing.
    pub(super) fn keeps_back(&self, entry: &Entry) -> bool {
        if !entry.event.is_call() || entry.event == Event::Reversal || self.0.is_empty() {
            return false;
        }
        let own = entry.detail.as_ref().map(Subject::of);
        // What came later and is parked still waits for this one, not this one for it.
        let mut earlier = self.0.iter().filter(|(number, _)| *number < entry.number);
        own.is_some_and(|own| earlier.any(|(_, earlier)| own.refers_to(earlier)))
    }

    /// Adds what was given up, by what it said.
    pub(super) fn add(&mut self, number: i64, body: &Value) {
        self.0.push((number, Subject::of(body)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::PartnerId;
    use serde_json::json;
    use uuid::Uuid;

    fn entry(event: Event, id: &str, network_id: &str, reference: Option<&str>) -> Entry {
        let detail = json!({
            "id": id, "transactionId": network_id, "referenceTransactionId": reference,
        });
        Entry {
            partner: PartnerId(1),
            number: 2,
            id: Uuid::nil(),
            stream: "calls/1".to_owned(),
            event,
            card: None,
            message: None,
            detail: Some(detail),
            request_id: String::new(),
            created_at: domain::Timestamp::UNIX_EPOCH,
            attempts: 0,
            attempts_before: 0,
            not_before: None,
        }
    }

    #[test]
    fn what_refers_to_the_same_is_kept_back_and_nothing_else() {
        let mut parked = Parked::default();
        let later = entry(Event::ForceCredit, "b", "r1", Some("p1"));
        assert!(!parked.keeps_back(&later));
        let first = entry(Event::ForceDebit, "a", "p1", Some("p0"));
        parked.add(3, first.detail.as_ref().expect("said"));
        assert!(!parked.keeps_back(&later), "it came before what is parked");
        parked.add(1, first.detail.as_ref().expect("said"));
        for (event, id, network_id, reference, kept) in [
            (Event::ForceCredit, "b", "r1", Some("p1"), true),
            (Event::ForceCredit, "a", "r1", None, true),
            (Event::Clearing, "c", "p1", None, true),
            (Event::ForceDebit, "b", "c2", Some("p0"), true),
            (Event::ForceDebit, "b", "p2", None, false),
            (Event::Clearing, "b", "p2", Some("p3"), false),
            (Event::Reversal, "a", "p1", None, false),
            (Event::Transaction, "a", "p1", None, false),
        ] {
            let found = parked.keeps_back(&entry(event, id, network_id, reference));
            assert_eq!(found, kept, "{event} {id} {network_id} {reference:?}");
        }
    }
}
