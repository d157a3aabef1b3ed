//! Finding a record of the key table: drives the memory of records against DynamoDB.

use std::fmt::Display;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_decision::cache::records::{Ask, Records};
use countersign_decision::conversation::Lookup;
use countersign_decision::decision::Fault;
use countersign_decision::lifetimes::Lifetimes;
use countersign_store::table::Record;

use crate::moment::Moment;
use crate::notes::Notes;

pub struct RecordSource<T> {
    /// What its records are called in the audit line.
    name: &'static str,
    lifetimes: Lifetimes,
    known: Mutex<Records<T>>,
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

    /// Reads the record, then says what is known now. An error of `read` is an outage: what is known goes on.
    pub async fn find<E: Display>(
        &self,
        id: [u8; 32],
        moment: Moment,
        notes: &Notes,
        read: impl Future<Output = Result<Option<Record<T>>, E>>,
    ) -> Lookup<Arc<T>> {
        match moment.before_deadline("GetItem", read).await {
            Ok(Some(record)) => self.known().read(id, record.map(Arc::new).map_err(Arc::from), moment.now),
            Ok(None) => self.known().missing(id, moment.now),
            Err(cause) => {
                notes.cause(&cause);
                self.known().failed(moment.now);
            }
        }
        self.remembered(&id, moment, notes).unwrap_or(Err(Fault::TableUnavailable))
    }

    fn known(&self) -> MutexGuard<'_, Records<T>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
