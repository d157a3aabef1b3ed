//! Finding a record of the key table: drives the memory of records against DynamoDB.

use std::fmt::Display;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_decision::cache::records::{Ask, Records};
use countersign_decision::conversation::Lookup;
use countersign_decision::decision::Fault;
use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::time::Timestamp;
use countersign_store::table::Record;

use crate::moment::Moment;
use crate::notes::Notes;

pub struct RecordSource<T> {
    /// What its records are called in the audit line.
    name: &'static str,
    lifetimes: Lifetimes,
    known: Mutex<Records<T>>,
}

/// What a read found.
pub enum Read<T> {
    /// Taken as it is; `None` takes away what was there before.
    Found(Option<Record<T>>),
    /// Taken only where nothing good is known, or nothing that may still be kept. The text says for the
    /// operator what is wrong.
    Doubtful(Option<Record<T>>, String),
}

impl<T> From<Option<Record<T>>> for Read<T> {
    fn from(found: Option<Record<T>>) -> Self {
        Self::Found(found)
    }
}

impl<T> RecordSource<T> {
    pub fn new(name: &'static str, lifetimes: Lifetimes) -> Self {
        Self { name, lifetimes, known: Mutex::default() }
    }

    /// What is known without a call; `None`: `find` has to read it first. `id` is the SHA-256 of what
    /// the record is read by.
    pub fn remembered(&self, id: &[u8; 32], moment: Moment, notes: &Notes) -> Option<Lookup<Arc<T>>> {
        let ask = self.known().ask(id, moment.now, &self.lifetimes);
        match ask {
            Ask::Use { record: Ok(record), kept } => {
                notes.kept_if(kept, self.name);
                Some(Ok(Some(record)))
            }
            Ask::Use { record: Err(malformed), .. } => {
                notes.cause(&format!("the {} record: {malformed}", self.name));
                Some(Err(Fault::RecordMalformed))
            }
            Ask::Unknown => Some(Ok(None)),
            Ask::Unavailable(fault) => Some(Err(fault)),
            Ask::Read => None,
        }
    }

    /// Reads the record, then says what is known now. An error of `read` is an outage, and so is no answer
    /// before the deadline, told under the name of the `call`: what is known goes on.
    pub async fn find<R: Into<Read<T>>, E: Display>(
        &self,
        id: [u8; 32],
        moment: Moment,
        notes: &Notes,
        call: &str,
        read: impl Future<Output = Result<R, E>>,
    ) -> Lookup<Arc<T>> {
        match moment.before_deadline(call, read).await.map(Into::into) {
            Ok(Read::Found(found)) => self.take(id, found, moment.now),
            Ok(Read::Doubtful(found, doubt)) if !self.has_good(&id, moment.now) => {
                // What makes a record malformed is said each time that it is used.
                if !matches!(found, Some(Err(_))) {
                    notes.cause(&doubt);
                }
                self.take(id, found, moment.now);
            }
            Ok(Read::Doubtful(_, cause)) | Err(cause) => {
                notes.cause(&cause);
                self.known().failed(moment.now);
            }
        }
        self.remembered(&id, moment, notes).unwrap_or(Err(Fault::TableUnavailable))
    }

    fn take(&self, id: [u8; 32], found: Option<Record<T>>, now: Timestamp) {
        match found {
            Some(record) => self.known().read(id, record.map(Arc::new).map_err(Arc::from), now),
            None => self.known().missing(id, now),
        }
    }

    fn has_good(&self, id: &[u8; 32], now: Timestamp) -> bool {
        self.known().has_good(id, now, &self.lifetimes)
    }

    fn known(&self) -> MutexGuard<'_, Records<T>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
