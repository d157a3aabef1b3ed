//! What a run found and did, as numbers, a few examples, and the reasons why something was left.

use std::ops::Range;

use serde_json::{Value, json};

use super::Options;
use crate::compare::BUCKETS;
use crate::job::DryRun;
use crate::metrics::{Drift, Measure};
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
    examples: Vec<Value>,
    invalid: u64,
    invalid_examples: Vec<Value>,
    /// Written without a comparison, because too much differed to keep it all in mind.
    pub unchecked: u64,
    pub written: usize,
    pub deleted: usize,
    failed: usize,
    pub calls: u32,
    /// The buckets of keys that this run compared.
    pub covered: Range<usize>,
    guards: Vec<String>,
    waits: Option<&'static str>,
    /// What was compared has not been repaired altogether, so it is compared again.
    unrepaired: bool,
}

impl Tally {
    pub fn drift(&mut self, class: Drift, name: &str) {
        if let Some((_, count)) = CLASSES.iter().zip(&mut self.drift).find(|(other, _)| **other == class) {
            *count += 1;
        }
        if self.examples.len() < EXAMPLES {
            self.examples.push(json!({ "name": shortened(name), "class": class.name() }));
        }
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

    /// Where the next run begins: behind what this one has compared and, where it had to, repaired.
    pub const fn next(&self) -> usize {
        if self.unrepaired { self.covered.start } else { self.covered.end % BUCKETS }
    }

    pub fn report(&self, options: Options) -> Report {
        let mut report = Report::new()
            .with("scanned", self.scanned)
            .with("listed", self.listed)
            .with("compared_percent", self.covered.len() * 100 / BUCKETS);
        for (class, count) in CLASSES.into_iter().zip(self.drift) {
            report.set(class.name(), count);
            report.measure(Measure::drift(class, count));
        }
        report.set("unchecked", self.unchecked);
        report.set(Drift::Invalid.name(), self.invalid);
        report.measure(Measure::drift(Drift::Invalid, self.invalid));
        report.set("written", self.written);
        report.set("deleted", self.deleted);
        report.set("failed", self.failed);
        report.set("calls", self.calls);
        report.set("examples", self.examples.clone());
        report.set("invalid_examples", self.invalid_examples.clone());
        if !self.guards.is_empty() {
            report.set("guard", self.guards.clone());
        }
        if let Some(why) = self.waits {
            report.set("waits", why);
        }
        if options.dry_run == DryRun::Yes {
            report.set("dry_run", true);
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
