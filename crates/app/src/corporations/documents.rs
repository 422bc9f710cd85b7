//! Documents of corporations: kept sealed, each to its own row. With the last that was missing KYB
//! begins.

use super::open_persons;
use crate::audit::{Done, Entry, Origin};
use crate::once::Turn;
use crate::refusals::Refusal;
use crate::{App, Error, Once, ids};
use crypto::seal::Place;
use domain::corporation::document::{DocumentKind, DocumentMedia};
use domain::corporation::{Corporation, Missing};
use domain::scope::Scope;
use serde_json::{Value, json};
use store::corporations::{self, Document};
use store::db::Tx;
use uuid::Uuid;

/// Documents of one corporation at most.
const DOCUMENTS_MAX: usize = 50;

/// Documents that could be read.
#[derive(Clone, Debug)]
pub struct SubmitDocuments {
    /// The corporation, as the wire names it.
    pub corporation: Uuid,
    /// Each of its kind.
    pub documents: Vec<NewDocument>,
}

/// A document.
#[derive(Clone)]
pub struct NewDocument {
    /// What it proves.
    pub kind: DocumentKind,
    /// What it is, by its content.
    pub media_type: DocumentMedia,
    /// The document itself.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for NewDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewDocument({}, {} bytes)", self.kind, self.bytes.len())
    }
}

/// What came of sending documents.
#[derive(Clone, Debug)]
pub struct Submitted {
    /// The corporation, as it is now.
    pub corporation: Corporation,
    /// The documents that were sent.
    pub documents: Vec<Document>,
    /// What KYB still needs.
    pub missing: Vec<Missing>,
}

impl App {
    /// Adds documents to a corporation.
    pub async fn submit_documents(
        &self,
        scope: Scope,
        command: SubmitDocuments,
        once: Once<Submitted>,
    ) -> Result<Value, Error> {
        let _turn = match self.turn(scope, &once).await? {
            Turn::Done(answer) => return Ok(answer),
            Turn::Ours(turn) => turn,
        };
        // They are large: what takes long is done before the transaction.
        let key = self.sealing_of_persons(scope).await?;
        let sealed = command.documents.iter().map(|it| {
            let (id, now) = (ids::random_id(), self.now());
            let NewDocument { kind, media_type, bytes } = it;
            let sealed = key.seal(&place(scope, &id.to_string()), bytes);
            let digest = self.digests(scope.partner(), format!("document/{id}"));
            let facts = digest.of_bytes(kind.as_str(), bytes);
            let document = Document { id, kind: *kind, media_type: *media_type, created_at: now };
            (document, sealed, facts)
        });
        let sealed: Vec<_> = sealed.collect();
        let mut tx = self.db.begin().await?;
        let result = async {
            let found = corporations::find_locked(&mut tx, scope, command.corporation).await?;
            let kept = found.ok_or(Refusal::CorporationNotFound)?;
            let persons = open_persons(&key, scope, &kept)?;
            let corporation = kept.corporation;
            let there = corporations::documents(&mut tx, scope, corporation.id).await?.len();
            if there + sealed.len() > DOCUMENTS_MAX {
                return Err(Refusal::DocumentLimitReached.into());
            }
            let mut facts = json!({});
            for (document, content, digest) in &sealed {
                let document = (document, content.as_slice());
                corporations::insert_document(&mut tx, scope, corporation.id, document).await?;
                let (kind, id) = (document.0.kind.as_str(), document.0.id);
                facts[kind] = json!({ "id": id, "digest": digest });
            }
            let missing = self.missing_in(&mut tx, scope, (corporation.id, &persons), &key).await?;
            let after = Corporation {
                kyb: corporation.kyb.after_documents(&missing),
                ..corporation.clone()
            };
            let entry = Entry::made("corporation.documents", corporation.resource, facts);
            let kyb = json!({
                "before": corporation.kyb.as_str(), "after": after.kyb.as_str(),
            });
            // Also where it stays as it is: what was looked at before is another version.
            corporations::set_kyb(&mut tx, scope, &after).await?;
            let documents = sealed.iter().map(|(document, ..)| document.clone()).collect();
            let submitted = Submitted { corporation: after, documents, missing };
            Ok(Done::changed(submitted, entry.with("kyb", kyb)))
        };
        let result = result.await;
        self.finish(scope, &once, tx, result).await
    }

    /// One document; that it was shown is recorded.
    pub async fn corporation_document(
        &self,
        scope: Scope,
        (name, id): (Uuid, Uuid),
        origin: &Origin,
    ) -> Result<(DocumentMedia, Vec<u8>), Error> {
        let key = self.sealing_of_persons(scope).await?;
        let mut tx = self.db.begin().await?;
        let found = self.show_document(&mut tx, scope, (name, id), origin).await;
        let (media_type, sealed) = tx.end(found).await?;
        let opened = key.open(&place(scope, &id.to_string()), &sealed)?;
        Ok((media_type, opened.to_vec()))
    }

    async fn show_document(
        &self,
        tx: &mut Tx,
        scope: Scope,
        (name, id): (Uuid, Uuid),
        origin: &Origin,
    ) -> Result<(DocumentMedia, Vec<u8>), Error> {
        let kept = corporations::find(tx, scope, name).await?;
        let corporation = kept.ok_or(Refusal::CorporationNotFound)?.corporation.id;
        let document = corporations::document(tx, scope, corporation, id).await?;
        let document = document.ok_or(Refusal::DocumentNotFound)?;
        let entry = Entry::shown("corporation.document", id, &["content"]);
        self.record(tx, scope.partner(), origin, entry).await?;
        Ok(document)
    }
}

fn place(scope: Scope, row: &str) -> Place<'_> {
    Place { table: "corporation_document", column: "content", partner: scope.partner(), row }
}
