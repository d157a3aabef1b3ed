//! What a run found and did, as numbers, a few examples, and the reasons why something was left.

use std::ops::Range;

use serde_json::{Value, json};

use super::Options;
use super::note::Seen;
use crate::compare::BUCKETS;
use crate::job::DryRun;
use crate::metrics::{Drift, Measure};
use crate::plan::Departure;
use crate::publish::{Invalid, Outcome, shortened};
use crate::report::{JobError, Report};

/// Examples in a report, of each sort.
const EXAMPLES: usize = 20;

/// What a comparison finds; the scan finds what is invalid.
const CLASSES: [Drift; 4] = [Drift::Missing, Drift::Extra, Drift::Stale, Drift::Different];

#[derive(Default)]
pub(super) struct Tally {
    /// Records of the table that are published, and the names that the edge listed.
    pub scanned: usize,
    pub listed: usize,
    drift: [u64; CLASSES.len()],
    /// Changes on their way, which are no drift.
    late: u64,
    examples: Vec<Value>,
    invalid: u64,
    invalid_examples: Vec<Value>,
    /// Written without a comparison, because too much differed to keep it all in mind.
    pub unchecked: u64,
    pub written: usize,
    pub deleted: usize,
    failed: usize,
    pub calls: u32,
    /// The buckets of keys that this run compared; `None`: it did not compare anything.
    covered: Option<Range<usize>>,
    /// The first of them in which not every name could be judged.
    blind_from: Option<usize>,
    guards: Vec<String>,
    waits: Option<&'static str>,
    /// What was compared has not been repaired altogether, so it is compared again.
    unrepaired: bool,
}

impl Tally {
    pub fn compared(&mut self, covered: Range<usize>, blind_from: Option<usize>) {
        (self.covered, self.blind_from) = (Some(covered), blind_from);
    }

    pub fn covered(&self) -> Range<usize> {
        self.covered.clone().unwrap_or_default()
    }

    pub const fn has_compared(&self) -> bool {
        self.covered.is_some()
    }

    pub fn departs(&mut self, departure: Departure, name: &str) {
        if departure.late {
            self.late += 1;
            return;
        }
        let class = departure.class;
        if let Some((_, count)) = CLASSES.iter().zip(&mut self.drift).find(|(other, _)| **other == class) {
            *count += 1;
        }
        if self.examples.len() < EXAMPLES {
            self.examples.push(json!({ "name": shortened(name), "class": class.name() }));
        }
    }

    pub fn differs(&self) -> bool {
        self.late + self.unchecked + self.drift.iter().sum::<u64>() > 0
    }

    pub const fn seen(&self) -> Seen {
        Seen { scanned: self.scanned, listed: self.listed }
    }

    pub fn invalid(&mut self, record: &Invalid) {
        self.invalid += 1;
        if self.invalid_examples.len() < EXAMPLES {
            self.invalid_examples.push(record.to_json());
        }
    }

    pub fn guard(&mut self, message: String) {
        self.guards.push(message);
    }

    /// Something is left for the next run.
    pub const fn wait(&mut self, why: &'static str) {
        self.waits = Some(why);
    }

    /// The same, of what this run has compared.
    pub const fn wait_repairing(&mut self, why: &'static str) {
        (self.waits, self.unrepaired) = (Some(why), true);
    }

    pub fn wrote(&mut self, outcome: &Outcome) {
        self.written += outcome.written;
        self.failed(outcome.failed.len());
    }

    pub fn removed(&mut self, outcome: &Outcome) {
        self.deleted += outcome.written;
        self.failed(outcome.failed.len());
    }

    /// Entries that Cloudflare did not take.
    pub const fn failed(&mut self, entries: usize) {
        self.failed += entries;
        self.unrepaired |= entries > 0;
    }

    /// How many buckets need not be compared again: those that this run has compared and, where it had to,
    /// repaired. A run that could not judge all of them ends where it could not, if it has judged any.
    pub fn done(&self) -> usize {
        let Range { start, end } = self.covered();
        let end = self.blind_from.filter(|blind| *blind > start).unwrap_or(end);
        if self.unrepaired { 0 } else { end.saturating_sub(start) }
    }

    /// A run that did not compare says nothing of drift: that there is none would be a claim.
    pub fn report(&self, options: Options) -> Report {
        let mut report = if self.has_compared() { self.findings() } else { Report::new() };
        report.set("calls", self.calls);
        if let Some(why) = self.waits {
            report.set("waits", why);
        }
        if options.dry_run == DryRun::Yes {
            report.set("dry_run", true);
        }
        report
    }

    fn findings(&self) -> Report {
        let mut report = Report::new()
            .with("scanned", self.scanned)
            .with("listed", self.listed)
            .with("compared_percent", self.covered().len() * 100 / BUCKETS);
        for (class, count) in CLASSES.into_iter().zip(self.drift) {
            report.set(class.name(), count);
            report.measure(Measure::drift(class, count));
        }
        report.set("late", self.late);
        report.measure(Measure::late(self.late));
        report.set("unchecked", self.unchecked);
        report.set(Drift::Invalid.name(), self.invalid);
        report.measure(Measure::drift(Drift::Invalid, self.invalid));
        report.set("written", self.written);
        report.set("deleted", self.deleted);
        report.set("failed", self.failed);
        report.set("examples", self.examples.clone());
        report.set("invalid_examples", self.invalid_examples.clone());
        if !self.guards.is_empty() {
            report.set("guard", self.guards.clone());
        }
        report
    }

    /// A run that broke off says what it had repaired by then.
    pub fn explain(&self, error: JobError) -> JobError {
        if self.written + self.deleted == 0 {
            return error.at("reconcile");
        }
        error.at(&format!("reconcile, after {} written and {} deleted", self.written, self.deleted))
    }
}
