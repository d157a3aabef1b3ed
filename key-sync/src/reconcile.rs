//! The complete comparison of table and edge, and the repair of what differs.
//!
//! ```text
//! scan of the table ─► sums ─┐
//! listing of the edge ───────┴─► buckets that differ ─► scan again ─► plan ─► read again ─► write, delete
//! ```
//!
//! One run at a time: the lease `reconcile` is for the note and the budget in it. What is compared is not
//! locked; only writing takes the lease `kv`, batch by batch, so that a revocation gets its turn. An edge
//! that holds more than one run may list is compared part by part, each run from where the last one
//! ended.

mod allowance;
mod edge;
mod note;
mod repair;
mod routes;
mod table;
mod tally;

use std::sync::Arc;

use countersign_cloudflare::Cloudflare;
use serde_json::Value;
use tokio::time::Instant;

use crate::compare::BUCKETS;
use crate::job::DryRun;
use crate::lease::{self, Lease};
use crate::publish::CALLS_OF_A_BULK;
use crate::report::{Code, JobError, Report};
use crate::start::KeySync;
use allowance::Allowance;
use note::{Note, Seen};
use table::Table;
use tally::Tally;

/// Calls that are reserved at a time: what a run that dies has used up without making them.
const RESERVED: u32 = 50;
/// Calls that listing leaves for repairs: some 300,000 entries, where nothing has to be repeated.
const FOR_REPAIRS: u32 = 40;
/// Calls that come before the listing of keys, where nothing has to be repeated.
const CALLS_OF_WHAT_IS_FEW: u32 = 2;
/// Calls that a page of a listing may take, its repetitions included.
const CALLS_OF_A_PAGE: u32 = 3;

#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Overrules the guard against an edge that is emptied because the table was.
    pub allow_deletions: bool,
    pub dry_run: DryRun,
}

/// One run.
struct Run<'k> {
    key_sync: &'k KeySync,
    lease: &'k Lease<'k>,
    cloudflare: Arc<Cloudflare>,
    options: Options,
    until: Instant,
    note: Note,
    /// What holds for the keys, of this run or from an earlier one.
    allowance: Option<Allowance>,
    /// Cloudflare's calls that are in the budget already.
    counted: u32,
    tally: Tally,
}

/// # Errors
/// `LeaseHeld` where another run is at it; whatever a call came to; `Guard` where nothing is left of a
/// side. Of what failed, the next run does the rest.
pub async fn reconcile(key_sync: &KeySync, options: Options, until: Instant) -> Result<Report, JobError> {
    let lease = Lease::take(key_sync, lease::RECONCILE, until).await.map_err(|error| error.at("reconcile"))?;
    // Boxed: it is many calls deep.
    let ended = lease.during(Box::pin(compare(key_sync, &lease, options, until))).await;
    lease.release().await;
    ended
}

async fn compare(key_sync: &KeySync, lease: &Lease<'_>, options: Options, until: Instant) -> Result<Report, JobError> {
    let mut run = Run::begin(key_sync, lease, options, until).await?;
    let outcome = Box::pin(run.work()).await.map_err(unrepaired);
    run.end(outcome).await
}

/// Who holds the lease of the edge's store does something else: what differs here is not being repaired.
fn unrepaired(error: JobError) -> JobError {
    match error.code {
        Code::LeaseHeld => JobError { code: Code::Incomplete, ..error },
        _ => error,
    }
}

impl<'k> Run<'k> {
    async fn begin(
        key_sync: &'k KeySync,
        lease: &'k Lease<'k>,
        options: Options,
        until: Instant,
    ) -> Result<Self, JobError> {
        let note: Option<Note> = key_sync.table.read_note(note::NAME).await.map_err(|error| JobError::table(&error))?;
        let mut note = note.unwrap_or_default();
        note.next %= BUCKETS;
        note.budget = note.budget.taken_over(key_sync.now());
        let cloudflare = key_sync.cloudflare().await?;
        let counted = cloudflare.calls();
        let tally = Tally::default();
        Ok(Self { key_sync, lease, cloudflare, options, until, note, allowance: None, counted, tally })
    }

    async fn work(&mut self) -> Result<(), JobError> {
        if !self.may_call(CALLS_OF_A_PAGE, CALLS_OF_WHAT_IS_FEW + FOR_REPAIRS).await? {
            return self.wait();
        }
        let table = Table::read(self.key_sync, self.until, &mut self.tally).await?;
        self.allowance = self.allowed(table.keys);
        self.compare_routes(&table).await?;
        self.compare_issuers(&table).await?;
        let listing = self.list_keys(&table, self.note.next).await?;
        self.tally.compared(self.note.next..listing.compared.next, listing.compared.blind_from());
        if listing.differs() {
            self.repair_keys(&table, listing).await?;
        }
        self.look_for_nothing()
    }

    /// Nothing can be said without a call, least of all that nothing differs.
    fn wait(&mut self) -> Result<(), JobError> {
        const WHY: &str = "Cloudflare's calls are used up for now, so nothing was compared";
        if self.options.allow_deletions {
            return Err(JobError::new(Code::Incomplete, format!("{WHY}: ask for it again in some minutes")));
        }
        self.tally.wait(WHY);
        Ok(())
    }

    fn allowed(&self, keys: usize) -> Option<Allowance> {
        let now = self.key_sync.now();
        if self.options.allow_deletions {
            return Some(Allowance::new(keys, now));
        }
        self.note.allowance.filter(|allowance| allowance.holds(keys, now))
    }

    /// Two sides that are both empty agree. Where there was something on one of them, that is rather a
    /// look that failed, or a calamity.
    fn look_for_nothing(&self) -> Result<(), JobError> {
        let (before, now) = (self.note.seen, self.tally.seen());
        let side = match (before, now) {
            _ if self.options.allow_deletions || self.tally.differs() => return Ok(()),
            (Seen { scanned: 1.., .. }, Seen { scanned: 0, .. }) => "the table holds no key, issuer or route",
            (Seen { listed: 1.., .. }, Seen { listed: 0, .. }) => "the edge lists no name",
            _ => return Ok(()),
        };
        let before = format!("the last comparison saw {} records and {} names", before.scanned, before.listed);
        let message = format!("{side}, and nothing differs; {before}. Reconcile with allow_deletions if that is meant");
        Err(JobError::new(Code::Guard, message))
    }

    /// Writes the note whatever came of the run: its calls were made.
    async fn end(mut self, outcome: Result<(), JobError>) -> Result<Report, JobError> {
        self.count_calls();
        self.note.budget.release();
        let mut report = self.tally.report(self.options);
        if outcome.is_ok() && self.options.dry_run == DryRun::No && self.tally.has_compared() {
            self.take_note(&mut report);
        }
        let noted = self.write_note().await;
        match outcome {
            Err(error) if self.tally.differs() => Err(self.tally.explain(error).after(report)),
            Err(error) => Err(self.tally.explain(error)),
            Ok(()) => noted.map(|()| report),
        }
    }

    fn take_note(&mut self, report: &mut Report) {
        let done = self.tally.done();
        self.note.next = (self.note.next + done) % BUCKETS;
        self.note.allowance = self.allowance.and_then(|allowance| allowance.after(done));
        if let Some(rest) = self.note.allowance {
            report.set("allow_deletions", rest.to_json());
        }
        self.note.seen = self.tally.seen();
        self.note.ended_at = self.key_sync.now().as_millis();
        self.note.last = Value::Object(report.members().clone());
    }

    async fn may_list(&mut self) -> Result<bool, JobError> {
        self.may_call(CALLS_OF_A_PAGE, FOR_REPAIRS).await
    }

    async fn may_repair(&mut self) -> Result<bool, JobError> {
        let may = self.may_call(CALLS_OF_A_BULK, 0).await?;
        if !may {
            self.tally.wait_repairing("Cloudflare's calls are used up for now; the next run goes on");
        }
        Ok(may)
    }

    /// Whether so many calls may be made, and others besides. They are in the note before they are made.
    async fn may_call(&mut self, calls: u32, besides: u32) -> Result<bool, JobError> {
        self.count_calls();
        if self.note.budget.left() < calls + besides {
            return Ok(false);
        }
        if self.note.budget.reserved() < calls {
            self.note.budget.reserve(RESERVED, self.key_sync.now());
            self.write_note().await?;
        }
        Ok(true)
    }

    fn count_calls(&mut self) {
        let calls = self.cloudflare.calls();
        let new = calls.saturating_sub(self.counted);
        (self.counted, self.tally.calls) = (calls, self.tally.calls + new);
        self.note.budget.spend(new, self.key_sync.now());
    }

    async fn write_note(&self) -> Result<(), JobError> {
        self.lease.renew().await?;
        self.key_sync.table.write_note(note::NAME, &self.note).await.map_err(|error| JobError::table(&error))
    }
}
