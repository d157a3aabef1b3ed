//! The edge's side: its listing, which carries the mark of each value. What is few is kept by name,
//! keys go through the buckets.

use std::collections::HashMap;

use countersign_cloudflare::Listing;
use countersign_decision::api_key::KeyHash;
use countersign_decision::published::{KEY, Mark};
use serde_json::Value;
use tokio::time::Instant;

use super::table::Table;
use super::{CALLS_OF_A_PAGE, Run};
use crate::compare::{Compared, Comparison, Disorder, prefixes};
use crate::plan::UNMARKED;
use crate::publish::told;
use crate::report::{Code, JobError};

/// Names below `key:` that are no hash and so nobody's; more of them wait for the next run.
const STRAYS: usize = 1_000;
/// Names of any other prefix, which are expected to be few.
const FEW: usize = 20_000;

/// The listing of keys.
pub(super) struct Keys {
    pub compared: Compared,
    pub strays: HashMap<String, Mark>,
}

impl Keys {
    pub fn differs(&self) -> bool {
        self.compared.differs() || !self.strays.is_empty()
    }
}

impl Run<'_> {
    /// Names and marks below a prefix whose names are few.
    pub(super) async fn list_few(&mut self, prefix: &str) -> Result<HashMap<String, Mark>, JobError> {
        let mut names = HashMap::new();
        let mut cursor = None;
        loop {
            let page = self.list_page(prefix, cursor.as_deref()).await?;
            names.extend(page.names.into_iter().map(|listed| (listed.name, mark(listed.metadata.as_ref()))));
            cursor = page.cursor;
            if cursor.is_none() {
                self.tally.listed += names.len();
                return Ok(names);
            }
            if names.len() > FEW || !self.may_list().await? {
                let message =
                    format!("the edge lists {} names below {prefix:?} and more: delete what is not ours", names.len());
                return Err(JobError::new(Code::Guard, message));
            }
        }
    }

    /// Lists keys from a bucket on, as far as the calls and half of the time that is left allow.
    pub(super) async fn list_keys(&mut self, table: &Table, from: usize) -> Result<Keys, JobError> {
        let now = Instant::now();
        let enough = now + self.until.saturating_duration_since(now) / 2;
        let mut comparison = Comparison::new(&table.wanted, from);
        let mut strays = HashMap::new();
        'all: for (prefix, end) in prefixes(from) {
            let mut cursor: Option<String> = None;
            loop {
                if Instant::now() > enough || !self.may_list().await? {
                    self.tally.wait("the edge holds more than one run lists; the next one goes on");
                    break 'all;
                }
                let page = self.list_page(&format!("{KEY}{prefix}"), cursor.as_deref()).await?;
                for listed in page.names {
                    let mark = mark(listed.metadata.as_ref());
                    match listed.name.strip_prefix(KEY).and_then(|hash| KeyHash::from_hex(hash).ok()) {
                        Some(hash) => comparison.see(hash, mark).map_err(|Disorder| disorder())?,
                        None if strays.len() < STRAYS => drop(strays.insert(listed.name, mark)),
                        None => {}
                    }
                }
                cursor = page.cursor;
                if cursor.is_none() {
                    break;
                }
            }
            comparison.complete_to(end);
        }
        let compared = comparison.end();
        self.tally.listed += compared.listed + compared.staying + strays.len();
        Ok(Keys { compared, strays })
    }

    async fn list_page(&mut self, prefix: &str, cursor: Option<&str>) -> Result<Listing, JobError> {
        if !self.may_call(CALLS_OF_A_PAGE, 0).await? {
            return Err(JobError::new(Code::Incomplete, "Cloudflare's calls are used up for now; a later run goes on"));
        }
        let namespace = &self.key_sync.config.cloudflare.namespace;
        let page = self.cloudflare.kv_list(namespace, prefix, cursor, self.until).await;
        told(self.key_sync, page).await
    }
}

fn mark(metadata: Option<&Value>) -> Mark {
    metadata.and_then(Mark::read).unwrap_or(UNMARKED)
}

fn disorder() -> JobError {
    JobError::new(Code::CloudflareUnavailable, "Cloudflare lists names out of order, so nothing can be compared")
}
