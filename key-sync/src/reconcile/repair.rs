//! Bringing the edge to what the table says, where the comparison found a difference.
//!
//! Keys that differ are found by a second scan, since only their buckets are known; what is written
//! and deleted is read again first, consistently, by the publisher.

use std::collections::HashMap;

use countersign_decision::api_key::KeyHash;
use countersign_decision::published::{ISSUER, KEY, Mark};
use countersign_store::entries::Entry;

use super::Run;
use super::edge::Keys;
use super::table::{Table, in_time, truth};
use crate::compare::Finding;
use crate::job::DryRun;
use crate::metrics::Drift;
use crate::plan::{Planner, Truth, may_delete};
use crate::publish::{BATCH, Publisher};
use crate::report::JobError;

/// Calls that a batch may take, its repetitions included.
const CALLS_PER_BATCH: u32 = 6;
/// Names that are looked for in the table at a time.
const LOOKED_FOR: usize = 1_000;

/// What one kind of record has on either side, for the guard.
struct Sizes {
    kind: &'static str,
    table: usize,
    edge: usize,
    /// Entries that would have to go, where not all of them could be named.
    at_least: usize,
}

impl Run<'_> {
    pub(super) async fn compare_issuers(&mut self, table: &Table) -> Result<(), JobError> {
        let edge = self.list_few(ISSUER).await?;
        let sizes = Sizes { kind: "issuers", table: table.issuers.len(), edge: edge.len(), at_least: 0 };
        let mut planner = Planner::new(edge);
        let mut wrong = Vec::new();
        for (pk, truth) in &table.issuers {
            let name = pk.replacen('#', ":", 1);
            if let Some(class) = planner.judge(&name, *truth) {
                self.tally.drift(class, &name);
                wrong.push(pk.clone());
            }
        }
        self.write(&mut wrong).await?;
        self.remove(planner.rest(), &sizes).await
    }

    pub(super) async fn repair_keys(&mut self, table: &Table, mut listing: Keys) -> Result<(), JobError> {
        let covered = self.tally.covered.clone();
        let unnamed = listing.compared.listed.saturating_sub(table.wanted.entries(covered));
        let sizes = Sizes {
            kind: "keys",
            table: table.keys,
            edge: listing.compared.listed + listing.strays.len(),
            at_least: if listing.compared.is_blind() { unnamed } else { 0 },
        };
        let mut planner = Planner::new(std::mem::take(&mut listing.compared.kept));
        let mut wrong = Vec::new();
        let mut cursor = None;
        loop {
            let page = self.key_sync.table.scan(cursor, false).await.map_err(|error| JobError::table(&error))?;
            for entry in page.entries {
                if self.is_wrong(&entry, &listing, &mut planner) {
                    wrong.push(entry.pk());
                }
            }
            if wrong.len() >= BATCH {
                self.write(&mut wrong).await?;
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
            in_time(self.until)?;
        }
        self.write(&mut wrong).await?;
        let rest = planner.rest().into_iter().map(|(hash, mark)| (format!("{KEY}{}", hash.to_hex()), mark));
        self.remove(rest.chain(listing.strays).collect(), &sizes).await
    }

    /// Whether a key must be written, as far as the comparison of its bucket can tell.
    fn is_wrong(&mut self, entry: &Entry, listing: &Keys, planner: &mut Planner<KeyHash>) -> bool {
        let Entry::Key { hash: digits, .. } = entry else { return false };
        let Ok(hash) = KeyHash::from_hex(digits) else { return false };
        let finding = listing.compared.finding(&hash);
        if matches!(finding, Finding::Unknown | Finding::Same) {
            return false;
        }
        let truth = truth(entry).unwrap_or(Truth::Invalid);
        let drift = planner.judge(&hash, truth);
        if finding == Finding::Blind {
            let valid = truth != Truth::Invalid;
            self.tally.unchecked += u64::from(valid);
            return valid;
        }
        if let Some(class) = drift {
            self.tally.drift(class, &format!("{KEY}{digits}"));
        }
        drift.is_some()
    }

    /// Writes what the table has under these partition keys, and forgets them.
    async fn write(&mut self, pks: &mut Vec<String>) -> Result<(), JobError> {
        let wrong = std::mem::take(pks);
        if wrong.is_empty() || self.options.dry_run == DryRun::Yes || !self.may_repair() {
            return Ok(());
        }
        let publisher = Publisher::begin(self.key_sync, self.until).await?;
        let outcome = publisher.publish(&wrong).await;
        publisher.end().await;
        self.count_calls();
        self.tally.wrote(&outcome?);
        Ok(())
    }

    /// Deletes what the edge has and the table has not, if the guard allows it.
    async fn remove(&mut self, names: HashMap<String, Mark>, sizes: &Sizes) -> Result<(), JobError> {
        let gone = self.absent(names).await?;
        let deletions = gone.len().max(sizes.at_least);
        if gone.is_empty() {
            return Ok(());
        }
        if !self.options.allow_deletions && !may_delete(deletions, sizes.edge, sizes.table) {
            let Sizes { kind, table, edge, .. } = sizes;
            let says =
                format!("the edge has {edge} {kind}, the table {table}: {deletions} would go, so none was deleted");
            self.tally.guard(format!("{says}; reconcile with allow_deletions if that is meant"));
            return Ok(());
        }
        for some in gone.chunks(BATCH) {
            if self.options.dry_run == DryRun::Yes || !self.may_repair() {
                break;
            }
            let publisher = Publisher::begin(self.key_sync, self.until).await?;
            let outcome = publisher.delete(some).await;
            publisher.end().await;
            self.count_calls();
            self.tally.removed(&outcome?);
        }
        Ok(())
    }

    /// Which of these the table really does not have, by partition key. A record that the scan did not
    /// show yet is published instead.
    async fn absent(&mut self, names: HashMap<String, Mark>) -> Result<Vec<String>, JobError> {
        let (mut gone, mut wrong) = (Vec::new(), Vec::new());
        let pks: Vec<_> = names.keys().map(|name| name.replacen(':', "#", 1)).collect();
        let mut planner = Planner::new(names);
        for some in pks.chunks(LOOKED_FOR) {
            let found = self.key_sync.table.read_entries(some).await.map_err(|error| JobError::table(&error))?;
            for (pk, entry) in found {
                let name = pk.replacen('#', ":", 1);
                let class = match &entry {
                    None => Some(Drift::Extra),
                    Some(entry) => planner.judge(&name, truth(entry).unwrap_or(Truth::Invalid)),
                };
                if let Some(class) = class {
                    self.tally.drift(class, &name);
                    if entry.is_none() { gone.push(pk) } else { wrong.push(pk) }
                }
            }
        }
        self.write(&mut wrong).await?;
        Ok(gone)
    }

    fn may_repair(&mut self) -> bool {
        let may = self.note.budget.left() >= CALLS_PER_BATCH;
        if !may {
            self.tally.wait_repairing("Cloudflare's calls of these five minutes are used up; the next run goes on");
        }
        may
    }
}
