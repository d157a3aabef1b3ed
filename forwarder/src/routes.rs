//! The routes that lead to back ends, as they are in the table: remembered as a whole, as one record is.
//!
//! A set with an invalid route is not taken, because without that route its requests would take another:
//! the last good one goes on, as it does while the table fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use countersign_decision::decision::Fault;
use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::record::route::RouteRecord;
use countersign_function::moment::Moment;
use countersign_function::notes::Notes;
use countersign_function::records::RecordSource;
use countersign_store::KeyTable;

use crate::failure::Failure;

/// Routes with their ids, each with a back end.
pub type Routes = Vec<(String, RouteRecord)>;

/// All routes are one record, so it needs no id to tell it from others.
const ID: [u8; 32] = [0; 32];

pub struct RouteSource {
    table: Arc<KeyTable>,
    known: RecordSource<Routes>,
    /// There has been a good set, so that one with an invalid route is as if it could not be read.
    has_good: AtomicBool,
    /// The last set that was read has an invalid route.
    is_spoilt: AtomicBool,
}

impl RouteSource {
    pub fn new(table: Arc<KeyTable>, lifetimes: Lifetimes) -> Self {
        let known = RecordSource::new("routes", lifetimes);
        Self { table, known, has_good: AtomicBool::default(), is_spoilt: AtomicBool::default() }
    }

    /// None before key-sync has noted any.
    ///
    /// # Errors
    /// `TableUnavailable`, or `RecordMalformed` where an invalid route is what is in the way.
    pub async fn routes(&self, moment: Moment, notes: &Notes) -> Result<Arc<Routes>, Failure> {
        let found = match self.known.remembered(&ID, moment, notes) {
            Some(found) => found,
            // Boxed: the SDK's futures are kilobytes, and most requests need none.
            None => Box::pin(self.known.find(ID, moment, notes, self.read())).await,
        };
        found.map(Option::unwrap_or_default).map_err(|fault| match fault {
            Fault::RecordMalformed => Failure::RecordMalformed,
            _ if self.is_spoilt.load(Ordering::Relaxed) => Failure::RecordMalformed,
            _ => Failure::TableUnavailable,
        })
    }

    async fn read(&self) -> Result<Option<Result<Routes, String>>, String> {
        let read = self.table.routes().await.map_err(|unavailable| unavailable.to_string())?;
        let is_spoilt = matches!(read, Some(Err(_)));
        self.is_spoilt.store(is_spoilt, Ordering::Relaxed);
        match read {
            Some(Err(malformed)) if self.has_good.load(Ordering::Relaxed) => Err(malformed),
            Some(Ok(mut routes)) => {
                self.has_good.store(true, Ordering::Relaxed);
                routes.retain(|(_, route)| route.backend().is_some());
                Ok(Some(Ok(routes)))
            }
            other => Ok(other),
        }
    }
}
