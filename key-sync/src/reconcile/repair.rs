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
use crate::compare::{Compared, Finding};
use crate::job::DryRun;
use crate::plan::{Departure, Planner, Truth, may_delete};
use crate::publish::{BATCH, Publisher};
use crate::report::JobError;

/// Names that are looked for in the table at a time.
const LOOKED_FOR: usize = 1_000;

/// What one kind of record has on either side, for the guard.
struct Sizes {
    kind: &'static str,
    table: usize,
    edge: usize,
    /// Entries that would have to go, where not all of them could be named.
    at_least: usize,
    /// An operator has said that they may.
    allowed: bool,
}

impl Run<'_> {
    pub(super) async fn compare_issuers(&mut self, table: &Table) -> Result<(), JobError> {
        let edge = self.list_few(ISSUER).await?;
        let allowed = self.options.allow_deletions;
        let sizes = Sizes { kind: "issuers", table: table.issuers.len(), edge: edge.len(), at_least: 0, allowed };
        let mut planner = Planner::new(edge);
        let mut wrong = Vec::new();
        for (pk, truth) in &table.issuers {
            let name = pk.replacen('#', ":", 1);
            if let Some(departure) = planner.judge(&name, *truth, self.key_sync.now()) {
                self.tally.departs(departure, &name);
                wrong.push(pk.clone());
            }
        }
        self.write(&mut wrong).await?;
        self.remove(planner.rest(), &sizes).await
    }

    pub(super) async fn repair_keys(&mut self, table: &Table, mut listing: Keys) -> Result<(), JobError> {
        let Compared { listed, staying, .. } = listing.compared;
        let unnamed = listed.saturating_sub(table.wanted.entries(self.tally.covered()));
        let sizes = Sizes {
            kind: "keys",
            table: table.keys,
            edge: listed + staying + listing.strays.len(),
            at_least: if listing.compared.blind_from().is_some() { unnamed } else { 0 },
            allowed: self.allowance.is_some(),
        };
        let mut planner = Planner::new(std::mem::take(&mut listing.compared.kept));
        if listing.compared.differs() {
            self.scan_again(&listing.compared, &mut planner).await?;
        }
        let rest = planner.rest().into_iter().map(|(hash, mark)| (format!("{KEY}{}", hash.to_hex()), mark));
        self.remove(rest.chain(listing.strays).collect(), &sizes).await
    }

    /// Finds the keys of the buckets that differ, and writes those that do.
    async fn scan_again(&mut self, compared: &Compared, planner: &mut Planner<KeyHash>) -> Result<(), JobError> {
        let mut wrong = Vec::new();
        let mut cursor = None;
        loop {
            let page = self.key_sync.table.scan(cursor, false).await.map_err(|error| JobError::table(&error))?;
            for entry in page.entries {
                if self.is_wrong(&entry, compared, planner) {
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
        self.write(&mut wrong).await
    }

    /// Whether a key must be written, as far as the comparison of its bucket can tell.
    fn is_wrong(&mut self, entry: &Entry, compared: &Compared, planner: &mut Planner<KeyHash>) -> bool {
        let Entry::Key { hash: digits, .. } = entry else { return false };
        let Ok(hash) = KeyHash::from_hex(digits) else { return false };
        let finding = compared.finding(&hash);
        if matches!(finding, Finding::Unknown | Finding::Same) {
            return false;
        }
        let truth = truth(entry).unwrap_or(Truth::Invalid);
        let departure = planner.judge(&hash, truth, self.key_sync.now());
        if finding == Finding::Blind {
            let valid = truth != Truth::Invalid;
            self.tally.unchecked += u64::from(valid);
            return valid;
        }
        if let Some(departure) = departure {
            self.tally.departs(departure, &format!("{KEY}{digits}"));
        }
        departure.is_some()
    }

    /// Writes what the table has under these partition keys, and forgets them.
    async fn write(&mut self, pks: &mut Vec<String>) -> Result<(), JobError> {
        let mut wrong = std::mem::take(pks);
        if self.options.dry_run == DryRun::Yes {
            return Ok(());
        }
        while !wrong.is_empty() && self.may_repair().await? {
            let publisher = Publisher::begin(self.key_sync, self.until).await?.at_most(self.note.budget.reserved());
            let outcome = publisher.publish(&wrong).await;
            publisher.end().await;
            let outcome = outcome?;
            self.tally.wrote(&outcome);
            wrong = outcome.left;
        }
        Ok(())
    }

    /// Deletes what the edge has and the table has not, if the guard allows it.
    async fn remove(&mut self, names: HashMap<String, Mark>, sizes: &Sizes) -> Result<(), JobError> {
        let gone = self.absent(names).await?;
        let deletions = gone.len().max(sizes.at_least);
        if gone.is_empty() {
            return Ok(());
        }
        if !sizes.allowed && !may_delete(deletions, sizes.edge, sizes.table) {
            let Sizes { kind, table, edge, .. } = sizes;
            let says =
                format!("the edge has {edge} {kind}, the table {table}: {deletions} would go, so none was deleted");
            self.tally.guard(format!("{says}; reconcile with allow_deletions if that is meant"));
            return Ok(());
        }
        for some in gone.chunks(BATCH) {
            if self.options.dry_run == DryRun::Yes || !self.may_repair().await? {
                break;
            }
            let publisher = Publisher::begin(self.key_sync, self.until).await?;
            let outcome = publisher.delete(some).await;
            publisher.end().await;
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
                let departure = match &entry {
                    None => Some(Departure::EXTRA),
                    Some(entry) => planner.judge(&name, truth(entry).unwrap_or(Truth::Invalid), self.key_sync.now()),
                };
                if let Some(departure) = departure {
                    self.tally.departs(departure, &name);
                    if entry.is_none() { gone.push(pk) } else { wrong.push(pk) }
                }
            }
        }
        self.write(&mut wrong).await?;
        Ok(gone)
    }
}
