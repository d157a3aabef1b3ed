//! The complete comparison of table and edge, and the repair of what differs.
//!
//! ```text
//! scan of the table ─► sums ─┐
//! listing of the edge ───────┴─► buckets that differ ─► scan again ─► plan ─► read again ─► write, delete
//! ```
//!
//! Nothing is locked while it reads; only writing takes the lease `kv`, batch by batch, so that a
//! revocation gets its turn. An edge that holds more than one run may list is compared part by part,
//! each run from where the last one ended.

mod edge;
mod repair;
mod routes;
mod table;
mod tally;

use std::sync::Arc;

use countersign_cloudflare::Cloudflare;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use crate::budget::Budget;
use crate::compare::{BUCKETS, Compared};
use crate::job::DryRun;
use crate::report::{JobError, Report};
use crate::start::KeySync;
use table::Table;
use tally::Tally;

const NOTE: &str = "reconcile";

#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Overrules the guard against an edge that is emptied because the table was.
    pub allow_deletions: bool,
    pub dry_run: DryRun,
}

/// `sync#reconcile`: from one run to the next.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Note {
    /// The bucket with which the next run begins.
    next: usize,
    budget: Budget,
    /// Epoch milliseconds; `status` shows it with the report of that run.
    ended_at: u64,
    #[serde(default)]
    last: Value,
}

/// One run.
struct Run<'k> {
    key_sync: &'k KeySync,
    cloudflare: Arc<Cloudflare>,
    options: Options,
    until: Instant,
    note: Note,
    /// Cloudflare's calls that are in the budget already.
    counted: u32,
    tally: Tally,
}

pub async fn reconcile(key_sync: &KeySync, options: Options, until: Instant) -> Result<Report, JobError> {
    let mut run = Run::begin(key_sync, options, until).await?;
    let next = run.work().await;
    run.end(next).await
}

impl<'k> Run<'k> {
    async fn begin(key_sync: &'k KeySync, options: Options, until: Instant) -> Result<Self, JobError> {
        let note: Option<Note> = key_sync.table.read_note(NOTE).await.map_err(|error| JobError::table(&error))?;
        let mut note = note.unwrap_or_default();
        note.budget = note.budget.at(key_sync.now());
        let cloudflare = key_sync.cloudflare().await?;
        let counted = cloudflare.calls();
        Ok(Self { key_sync, cloudflare, options, until, note, counted, tally: Tally::default() })
    }

    /// Answers with the bucket with which the next run begins.
    async fn work(&mut self) -> Result<usize, JobError> {
        let from = self.note.next % BUCKETS;
        if !self.may_list() {
            self.tally.wait("Cloudflare's calls of these five minutes are used up");
            return Ok(from);
        }
        let table = Table::read(self.key_sync, self.until, &mut self.tally).await?;
        self.compare_routes(&table).await?;
        self.compare_issuers(&table).await?;
        let listing = self.list_keys(&table, from).await?;
        self.tally.covered = from..listing.compared.next;
        if listing.differs() {
            self.repair_keys(&table, listing).await?;
        }
        Ok(self.tally.next())
    }

    /// Writes the note whatever came of the run: its calls were made.
    async fn end(mut self, next: Result<usize, JobError>) -> Result<Report, JobError> {
        self.count_calls();
        let real = self.options.dry_run == DryRun::No;
        let report = self.tally.report(self.options);
        if real && let Ok(next) = &next {
            self.note.next = *next;
            self.note.ended_at = self.key_sync.now().as_millis();
            self.note.last = Value::Object(report.members().clone());
        }
        let noted = self.key_sync.table.write_note(NOTE, &self.note).await;
        match next {
            Err(error) => Err(self.tally.explain(error)),
            Ok(_) => noted.map(|()| report).map_err(|error| JobError::table(&error)),
        }
    }

    fn count_calls(&mut self) {
        let calls = self.cloudflare.calls();
        let new = calls.saturating_sub(self.counted);
        (self.counted, self.tally.calls) = (calls, self.tally.calls + new);
        self.note.budget.spend(new);
    }
}
