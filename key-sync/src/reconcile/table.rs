//! The table's side: a scan that keeps sums of the keys, and the few issuers and routes themselves.
//!
//! The scan may be a second old; whatever it makes look different is read again before it is written.

use std::collections::BTreeMap;

use countersign_decision::api_key::KeyHash;
use countersign_decision::limits;
use countersign_decision::record::route::RouteRecord;
use countersign_store::entries::Entry;
use tokio::time::Instant;

use super::tally::Tally;
use crate::compare::Wanted;
use crate::plan::Truth;
use crate::publish::{Invalid, published};
use crate::report::{Code, JobError};
use crate::start::KeySync;

#[derive(Default)]
pub(super) struct Table {
    pub wanted: Wanted,
    pub keys: usize,
    /// By partition key.
    pub issuers: BTreeMap<String, Truth>,
    /// By id; `Err`: the record is invalid, and said to be.
    pub routes: BTreeMap<String, Result<RouteRecord, ()>>,
}

impl Table {
    pub async fn read(key_sync: &KeySync, until: Instant, tally: &mut Tally) -> Result<Self, JobError> {
        let mut table = Self::default();
        let mut cursor = None;
        loop {
            let page = key_sync.table.scan(cursor, false).await.map_err(|error| JobError::table(&error))?;
            for entry in page.entries {
                table.take(entry, tally)?;
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(table);
            }
            in_time(until)?;
        }
    }

    fn take(&mut self, entry: Entry, tally: &mut Tally) -> Result<(), JobError> {
        tally.scanned += 1;
        let truth = truth(&entry);
        if let Err(why) = &truth {
            tally.invalid(&Invalid { pk: entry.pk(), why: why.clone() });
        }
        match entry {
            Entry::Key { hash, .. } => {
                self.keys += 1;
                match (KeyHash::from_hex(&hash), truth) {
                    (Ok(hash), Ok(Truth::Mark(mark))) => self.wanted.add(&hash, mark),
                    (Ok(hash), _) => self.wanted.stays(hash),
                    (Err(_), _) => {}
                }
            }
            Entry::Issuer { iss, .. } => {
                bounded("issuers", self.issuers.len(), limits::PUBLISHED_ISSUERS)?;
                self.issuers.insert(format!("issuer#{iss}"), truth.unwrap_or(Truth::Invalid));
            }
            Entry::Route { id, record } => {
                bounded("routes", self.routes.len(), limits::PUBLISHED_ROUTES)?;
                self.routes.insert(id, record.map(|record| *record).map_err(drop));
            }
        }
        Ok(())
    }
}

/// What the table says about one name; `Err` says why it cannot be published.
pub(super) fn truth(entry: &Entry) -> Result<Truth, String> {
    match (published(entry), entry) {
        (Some(published), _) => published.map(|published| Truth::Mark(published.mark)),
        (None, Entry::Route { record: Err(why), .. }) => Err(why.clone()),
        (None, _) => Ok(Truth::Invalid),
    }
}

fn bounded(what: &str, so_far: usize, most: usize) -> Result<(), JobError> {
    if so_far < most {
        return Ok(());
    }
    Err(JobError::new(
        Code::Guard,
        format!("the table has more than {most} {what}, which is more than an edge can hold"),
    ))
}

pub(super) fn in_time(until: Instant) -> Result<(), JobError> {
    if Instant::now() < until {
        return Ok(());
    }
    Err(JobError::new(Code::OutOfTime, "the table is too large to be read in the time of one run: raise the timeout"))
}
