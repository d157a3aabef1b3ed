//! The routes that lead to back ends, as they are in the table: remembered as a whole, as one record is.
//!
//! A route that is missed by mistake sends its requests where another leads. So a set that may lack one
//! is not taken while the last good one can go on, as it does while the table fails.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use countersign_decision::decision::Fault;
use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::record::route::RouteRecord;
use countersign_decision::time::Timestamp;
use countersign_function::moment::Moment;
use countersign_function::notes::Notes;
use countersign_function::records::{Read, RecordSource};
use countersign_store::routes::{NOTE, NotedRoutes};
use countersign_store::{KeyTable, Unavailable};

use crate::failure::Failure;

/// Routes with their ids, each with a back end.
pub type Routes = Vec<(String, RouteRecord)>;

/// All routes are one record, so it needs no id to tell it from others.
const ID: [u8; 32] = [0; 32];

pub struct RouteSource {
    table: Arc<KeyTable>,
    known: RecordSource<Routes>,
    gap: Duration,
    /// Since when ids that are noted are not there.
    missing: Mutex<BTreeMap<String, Timestamp>>,
}

impl RouteSource {
    pub fn new(table: Arc<KeyTable>, lifetimes: Lifetimes) -> Self {
        let known = RecordSource::new("routes", lifetimes);
        Self { table, known, gap: lifetimes.route_gap, missing: Mutex::default() }
    }

    /// None where key-sync has noted none.
    ///
    /// # Errors
    /// `TableUnavailable`, or `RecordMalformed` where an invalid route is what is in the way.
    pub async fn routes(&self, moment: Moment, notes: &Notes) -> Result<Arc<Routes>, Failure> {
        let found = match self.known.remembered(&ID, moment, notes) {
            Some(found) => found,
            // Boxed: the SDK's futures are kilobytes, and most requests need none.
            None => Box::pin(self.known.find(ID, moment, notes, "GetItem, BatchGetItem", self.read(moment.now))).await,
        };
        found.map(Option::unwrap_or_default).map_err(|fault| match fault {
            Fault::RecordMalformed => Failure::RecordMalformed,
            _ => Failure::TableUnavailable,
        })
    }

    async fn read(&self, now: Timestamp) -> Result<Read<Routes>, Unavailable> {
        Ok(match self.table.routes().await? {
            None => Read::Doubtful(None, format!("sync#{NOTE} is gone, or was never there")),
            Some(Err(malformed)) => Read::Doubtful(Some(Err(malformed.clone())), malformed),
            Some(Ok(NotedRoutes { routes, missing })) => match self.missed(missing, now) {
                Some(id) => Read::Doubtful(Some(Ok(routes)), format!("sync#{NOTE} names route#{id}, which is gone")),
                None => Read::Found(Some(Ok(routes))),
            },
        })
    }

    /// One of the missing that is not missing for long: a route that is renamed is gone before its new name
    /// is noted.
    fn missed(&self, ids: Vec<String>, now: Timestamp) -> Option<String> {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        let known = std::mem::take(&mut *missing);
        missing.extend(ids.into_iter().map(|id| {
            let since = known.get(&id).copied().unwrap_or(now);
            (id, since)
        }));
        missing.iter().find(|(_, since)| now.age_of(**since) < self.gap).map(|(id, _)| id.clone())
    }
}
