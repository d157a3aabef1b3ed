//! Finding a record of the key table: drives the memory of records against DynamoDB.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_decision::cache::records::{Ask, Records};
use countersign_decision::conversation::Lookup;
use countersign_decision::decision::Fault;
use countersign_decision::lifetimes::Lifetimes;
use countersign_store::Unavailable;
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

    /// `id` is the SHA-256 of what `read` reads by.
    pub async fn find(
        &self,
        id: [u8; 32],
        moment: Moment,
        notes: &Notes,
        read: impl Future<Output = Result<Option<Record<T>>, Unavailable>>,
    ) -> Lookup<Arc<T>> {
        let mut ask = self.known().ask(&id, moment.now, &self.lifetimes);
        if matches!(ask, Ask::Read) {
            self.read(id, moment, notes, read).await;
            ask = self.known().ask(&id, moment.now, &self.lifetimes);
        }
        match ask {
            Ask::Use { record: Ok(record), kept } => {
                notes.kept_if(kept, self.name);
                Ok(Some(record))
            }
            Ask::Use { record: Err(malformed), .. } => {
                notes.cause(&format!("the {} record: {malformed}", self.name));
                Err(Fault::RecordMalformed)
            }
            Ask::Unknown => Ok(None),
            Ask::Unavailable(fault) => Err(fault),
            Ask::Read => Err(Fault::TableUnavailable),
        }
    }

    async fn read(
        &self,
        id: [u8; 32],
        moment: Moment,
        notes: &Notes,
        read: impl Future<Output = Result<Option<Record<T>>, Unavailable>>,
    ) {
        match moment.before_deadline("GetItem", read).await {
            Ok(Some(record)) => self.known().read(id, record.map(Arc::new).map_err(Arc::from), moment.now),
            Ok(None) => self.known().missing(id, moment.now),
            Err(cause) => {
                notes.cause(&cause);
                self.known().failed(moment.now);
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Records<T>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
