//! All routes: the note of their ids that key-sync keeps (`sync#routes`), and the records themselves.
//!
//! A route that the note does not name is none yet; one that it names and that is gone is none any more.

use std::collections::BTreeSet;

use countersign_decision::limits;
use countersign_decision::record::route::RouteRecord;
use serde::Deserialize;

use crate::entries::Entry;
use crate::table::Record;
use crate::{KeyTable, Unavailable};

/// The name of key-sync's note.
pub const NOTE: &str = "routes";

/// What of the note others than key-sync read.
#[derive(Deserialize)]
struct Note {
    ids: BTreeSet<String>,
}

impl KeyTable {
    /// Every route with its id, read consistently; `None` before key-sync has found any. One record that
    /// is not what it must be spoils all: without its route a request would take another.
    pub async fn routes(&self) -> Result<Option<Record<Vec<(String, RouteRecord)>>>, Unavailable> {
        let Some(Note { ids }) = self.read_note(NOTE).await? else { return Ok(None) };
        if ids.len() > limits::PUBLISHED_ROUTES {
            return Ok(Some(Err(format!("sync#{NOTE} names more than {} routes", limits::PUBLISHED_ROUTES))));
        }
        let pks: Vec<_> = ids.iter().map(|id| format!("route#{id}")).collect();
        let found = self.read_entries(&pks).await?.into_iter();
        let routes = found.filter_map(|(pk, entry)| match entry? {
            Entry::Route { id, record } => {
                Some(record.map(|record| (id, *record)).map_err(|why| format!("{pk}: {why}")))
            }
            _ => None,
        });
        Ok(Some(routes.collect()))
    }
}
