//! All routes: the note of their ids that key-sync keeps (`sync#routes`), and the records themselves.
//!
//! A route that the note does not name is none yet. Whether one that it names and that is gone is none any
//! more, or has another name that is not noted yet, the reader decides.

use std::collections::{BTreeMap, BTreeSet};

use countersign_decision::limits;
use countersign_decision::record::route::RouteRecord;
use serde::Deserialize;

use crate::table::{Item, Record, record};
use crate::{KeyTable, Unavailable};

/// The name of key-sync's note.
pub const NOTE: &str = "routes";

/// What of the note others than key-sync read.
#[derive(Deserialize)]
struct Note {
    ids: BTreeSet<String>,
}

/// The routes that lead to back ends, with their ids.
#[derive(Default)]
pub struct NotedRoutes {
    pub routes: Vec<(String, RouteRecord)>,
    /// Ids that are noted and not there, of routes of any sort.
    pub missing: Vec<String>,
}

impl KeyTable {
    /// Read consistently; `None` without a note. One record with a back end that is not what it must be
    /// spoils all: without its route a request would take another. The others are the edge's business.
    pub async fn routes(&self) -> Result<Option<Record<NotedRoutes>>, Unavailable> {
        let Some(Note { ids }) = self.read_note(NOTE).await? else { return Ok(None) };
        if ids.len() > limits::PUBLISHED_ROUTES {
            return Ok(Some(Err(format!("sync#{NOTE} names more than {} routes", limits::PUBLISHED_ROUTES))));
        }
        let pks: Vec<_> = ids.iter().map(|id| pk(id)).collect();
        Ok(Some(noted(ids, self.batch(&pks).await?)))
    }
}

fn noted(ids: BTreeSet<String>, mut items: BTreeMap<String, Option<Item>>) -> Record<NotedRoutes> {
    let mut noted = NotedRoutes::default();
    for id in ids {
        match items.remove(&pk(&id)).flatten() {
            Some(item) if item.contains_key("backend") => {
                let route = record(item).map_err(|why| format!("{}: {why}", pk(&id)))?;
                noted.routes.push((id, route));
            }
            Some(_) => {}
            None => noted.missing.push(id),
        }
    }
    Ok(noted)
}

fn pk(id: &str) -> String {
    format!("route#{id}")
}
