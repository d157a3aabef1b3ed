//! The public part of a key's record, for an edge whose store does not have it yet: exactly what that
//! store would hold, so nothing that is not published there.

use std::sync::Arc;

use countersign_decision::api_key::KeyHash;
use countersign_decision::decision::Fault;
use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::published;
use countersign_decision::record::key::KeyRecord;
use countersign_function::moment::Moment;
use countersign_function::notes::Notes;
use countersign_function::records::RecordSource;
use countersign_store::entries::Entry;
use countersign_store::table::Record;
use countersign_store::{KeyTable, Unavailable};

use crate::failure::Failure;

pub(super) struct Keys {
    table: Arc<KeyTable>,
    known: RecordSource<KeyRecord>,
}

impl Keys {
    pub fn new(table: Arc<KeyTable>, lifetimes: Lifetimes) -> Self {
        Self { table, known: RecordSource::new("key", lifetimes) }
    }

    /// JSON. `hash`: 64 lower-case hexadecimal digits, else there can be no such key.
    pub async fn public_part(&self, hash: &str, moment: Moment, notes: &Notes) -> Result<String, Failure> {
        let id = KeyHash::from_hex(hash).map_err(|_| Failure::InsideKeyUnknown)?;
        let found = match self.known.remembered(id.bytes(), moment, notes) {
            Some(found) => found,
            None => Box::pin(self.known.find(*id.bytes(), moment, notes, "BatchGetItem", self.read(hash))).await,
        };
        let record = found.map_err(|fault| match fault {
            Fault::RecordMalformed => Failure::RecordMalformed,
            fault => {
                notes.cause(fault.code());
                Failure::TableUnavailable
            }
        })?;
        let record = record.ok_or(Failure::InsideKeyUnknown)?;
        let published = published::key(hash, &record).map_err(|why| {
            notes.cause(&format!("the key record: {why}"));
            Failure::RecordMalformed
        })?;
        Ok(published.value)
    }

    /// Read as for publishing: an invalid record that says that its key is revoked counts as one.
    async fn read(&self, hash: &str) -> Result<Option<Record<KeyRecord>>, Unavailable> {
        let entries = self.table.read_entries(&[format!("key#{hash}")]).await?;
        Ok(entries.into_iter().find_map(|(_, entry)| match entry? {
            Entry::Key { record, .. } => Some(record),
            _ => None,
        }))
    }
}
