//! The document of all routes. Whoever changes one route publishes all of them, so the ids that are
//! in the document are noted (`sync#routes`), with the version and the digest of what was published.
//!
//! A document that lacks a route is not harmless: the request falls to the next route, which may ask
//! for less. So nothing is published while one record is invalid, nor when most routes are gone.

use std::collections::BTreeSet;

use countersign_decision::limits;
use countersign_decision::published;
use countersign_decision::record::route::RouteRecord;
use countersign_store::entries::Entry;
use countersign_store::routes::NOTE;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Invalid, Publisher, pair};
use crate::plan::may_replace_routes;
use crate::report::JobError;
use crate::start::KeySync;

/// Which routes there may be, besides those of the last document.
pub enum Named {
    /// Some changed: without a note of all the others there is no document yet.
    Changed(BTreeSet<String>),
    /// A scan of the whole table found these.
    All(BTreeSet<String>),
}

#[derive(Debug)]
pub enum Outcome {
    Written,
    /// Cloudflare did not take it.
    Failed,
    Invalid(Vec<Invalid>),
    /// So many routes would be left of so many.
    Guarded {
        left: usize,
        of: usize,
    },
    /// The first comparison of table and edge publishes the first document.
    Waiting,
}

impl Outcome {
    pub fn to_json(&self) -> Value {
        match self {
            Self::Written => json!("written"),
            Self::Failed => json!("failed"),
            Self::Invalid(records) => {
                json!({ "not_published_because_of": records.iter().map(Invalid::to_json).collect::<Vec<_>>() })
            }
            Self::Guarded { left, of } => json!({ "guard": guarded(*left, *of) }),
            Self::Waiting => json!("published by the next reconcile"),
        }
    }
}

/// What the guard says, and how to overrule it.
pub fn guarded(left: usize, of: usize) -> String {
    format!("{left} of {of} routes are left, so none was taken away; reconcile with allow_deletions if that is meant")
}

/// What was published last.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Note {
    pub version: u64,
    digest: String,
    pub ids: BTreeSet<String>,
}

impl Note {
    pub async fn read(key_sync: &KeySync) -> Result<Option<Self>, JobError> {
        key_sync.table.read_note(NOTE).await.map_err(|error| JobError::table(&error))
    }

    /// Whether these routes are what was published.
    pub fn is_of(&self, digest: u64) -> bool {
        self.digest == digits(digest)
    }
}

fn digits(digest: u64) -> String {
    format!("{digest:016x}")
}

/// What a read of routes found.
#[derive(Default)]
struct Found {
    records: Vec<(String, RouteRecord)>,
    /// Those that stand in the way of a document.
    invalid: Vec<Invalid>,
    /// The ids of both.
    there: BTreeSet<String>,
}

impl Publisher<'_> {
    /// `allow_deletions`: publish however few routes are left.
    pub async fn publish_routes(&self, named: Named, allow_deletions: bool) -> Result<Outcome, JobError> {
        let note = Note::read(self.key_sync).await?;
        let (named, note, first) = match (named, note) {
            (Named::Changed(_), None) => return Ok(Outcome::Waiting),
            (Named::All(ids), None) => (ids, Note::default(), true),
            (Named::Changed(ids) | Named::All(ids), Some(note)) => (ids, note, false),
        };
        let ids: BTreeSet<_> = note.ids.union(&named).cloned().collect();
        if ids.len() > 2 * limits::PUBLISHED_ROUTES {
            return Ok(Outcome::Invalid(vec![document(format!("more than {} routes", limits::PUBLISHED_ROUTES))]));
        }
        let Found { records, invalid, there } = self.read_routes(&ids).await?;
        let outcome = if !invalid.is_empty() {
            Outcome::Invalid(invalid)
        } else if !allow_deletions && !may_replace_routes(records.len(), note.ids.len()) {
            Outcome::Guarded { left: records.len(), of: note.ids.len() }
        } else {
            return self.replace(&records, &note, first).await;
        };
        self.note_new(note, there).await?;
        Ok(outcome)
    }

    /// A route that cannot be published yet is there all the same for the forwarder, which reads the table
    /// and knows by the note which routes there are.
    async fn note_new(&self, mut note: Note, there: BTreeSet<String>) -> Result<(), JobError> {
        let before = note.ids.len();
        note.ids.extend(there);
        if note.ids.len() == before || note.ids.len() > limits::PUBLISHED_ROUTES {
            return Ok(());
        }
        self.write_note(&note).await
    }

    async fn write_note(&self, note: &Note) -> Result<(), JobError> {
        self.lease.renew().await?;
        self.key_sync.table.write_note(NOTE, note).await.map_err(|error| JobError::table(&error))
    }

    async fn read_routes(&self, ids: &BTreeSet<String>) -> Result<Found, JobError> {
        let pks: Vec<_> = ids.iter().map(|id| format!("route#{id}")).collect();
        let entries = self.key_sync.table.read_entries(&pks).await.map_err(|error| JobError::table(&error))?;
        let mut found = Found::default();
        for (pk, entry) in entries {
            let Some(Entry::Route { id, record }) = entry else { continue };
            found.there.insert(id.clone());
            match record {
                Ok(record) => found.records.push((id, *record)),
                Err(why) => found.invalid.push(Invalid { pk, why }),
            }
        }
        Ok(found)
    }

    async fn replace(&self, records: &[(String, RouteRecord)], note: &Note, first: bool) -> Result<Outcome, JobError> {
        let records: Vec<_> = records.iter().map(|(id, record)| (id.as_str(), record)).collect();
        let digest = match published::routes_digest(&records) {
            Ok(digest) => digest,
            Err(why) => return Ok(Outcome::Invalid(vec![document(why)])),
        };
        let mut version = note.version;
        if first || !note.is_of(digest) {
            version = (note.version + 1).max(self.key_sync.now().as_millis());
            let ids = records.iter().map(|(id, _)| (*id).to_owned()).collect();
            self.write_note(&Note { version, digest: digits(digest), ids }).await?;
        }
        let document = match published::routes(version, &records) {
            Ok(document) => document,
            Err(why) => return Ok(Outcome::Invalid(vec![self::document(why)])),
        };
        let until = self.lease.renew().await?.min(self.until);
        let written = self.cloudflare.kv_write(self.namespace(), &[pair(document)], until).await;
        let written = self.told(written).await?;
        Ok(if written.failed.is_empty() { Outcome::Written } else { Outcome::Failed })
    }
}

fn document(why: String) -> Invalid {
    Invalid { pk: published::ROUTES.to_owned(), why }
}
