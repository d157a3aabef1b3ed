//! Two worlds of any number of keys, compared in memory that does not grow with them. Pure.
//!
//! The table is scanned in an order of its own and the edge lists names in theirs, so neither can
//! be merged with the other. Each key falls into one of 65,536 buckets, by the first bits of its
//! hash; a bucket is a count and a sum of fingerprints. Since names begin with the hash, the edge's
//! listing passes through the buckets one after the other: each is compared when it is complete, and
//! its entries are kept only where it differs.

use std::collections::{HashMap, HashSet};

use aws_lc_rs::digest::{Context, SHA256};
use countersign_decision::api_key::KeyHash;
use countersign_decision::published::Mark;

pub const BUCKETS: usize = 1 << 16;

/// Entries of the edge that are kept in all differing buckets together.
const KEPT: usize = 50_000;

/// Names that stay as they are; what is beyond makes its bucket differ.
const STAYING: usize = 10_000;

/// The bucket of a key: the first four digits of its hash.
pub fn bucket(hash: &KeyHash) -> usize {
    let [high, low, ..] = hash.bytes();
    usize::from(*high) << 8 | usize::from(*low)
}

#[derive(Clone, Copy, Default, Eq, PartialEq)]
struct Sum {
    entries: usize,
    /// Of the entries' fingerprints, so that the order in which they come does not matter.
    fingerprints: u64,
}

impl Sum {
    fn add(&mut self, hash: &KeyHash, mark: Mark) {
        self.entries += 1;
        self.fingerprints = self.fingerprints.wrapping_add(fingerprint(hash, mark));
    }
}

fn fingerprint(hash: &KeyHash, mark: Mark) -> u64 {
    let mut context = Context::new(&SHA256);
    context.update(hash.bytes());
    context.update(&mark.version.to_be_bytes());
    context.update(&mark.digest.to_be_bytes());
    context.finish().as_ref().iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

/// What the table should have published, in sums.
pub struct Wanted {
    sums: Vec<Sum>,
    staying: HashSet<KeyHash>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { sums: vec![Sum::default(); BUCKETS], staying: HashSet::new() }
    }
}

impl Wanted {
    pub fn add(&mut self, hash: &KeyHash, mark: Mark) {
        if let Some(sum) = self.sums.get_mut(bucket(hash)) {
            sum.add(hash, mark);
        }
    }

    /// The table has a record of this key that cannot be published: whatever the edge has of it is no
    /// difference.
    pub fn stays(&mut self, hash: KeyHash) {
        if self.staying.len() < STAYING {
            self.staying.insert(hash);
        }
    }

    /// Keys in these buckets, without those that stay.
    pub fn entries(&self, buckets: std::ops::Range<usize>) -> usize {
        self.sums.get(buckets).into_iter().flatten().map(|sum| sum.entries).sum()
    }
}

/// What is known of a bucket after the edge's listing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Finding {
    /// The listing has not come to its end.
    Unknown,
    Same,
    /// It differs, and the edge's entries are kept.
    Differs,
    /// It differs, and there was no room for the edge's entries: every record of the table is written.
    Blind,
}

/// The listing did not come in the order of its names, so nothing can be said about any bucket.
#[derive(Debug, Eq, PartialEq)]
pub struct Disorder;

/// The edge's listing on its way through the buckets.
pub struct Comparison<'w> {
    wanted: &'w Wanted,
    findings: Vec<Finding>,
    /// The bucket that is being listed; all before it, from the first on, are complete.
    current: usize,
    sum: Sum,
    entries: Vec<(KeyHash, Mark)>,
    kept: HashMap<KeyHash, Mark>,
    listed: usize,
    staying: usize,
}

/// A comparison that has ended.
pub struct Compared {
    findings: Vec<Finding>,
    /// The first bucket that was not listed to its end.
    pub next: usize,
    /// The edge's entries in the buckets that differ.
    pub kept: HashMap<KeyHash, Mark>,
    /// How many entries the edge has in the buckets that were listed, without those that stay.
    pub listed: usize,
    /// Those.
    pub staying: usize,
}

impl<'w> Comparison<'w> {
    /// `from`: the first bucket that will be listed.
    pub fn new(wanted: &'w Wanted, from: usize) -> Self {
        Self {
            wanted,
            findings: vec![Finding::Unknown; BUCKETS],
            current: from,
            sum: Sum::default(),
            entries: Vec::new(),
            kept: HashMap::new(),
            listed: 0,
            staying: 0,
        }
    }

    /// The next entry of the listing.
    pub fn see(&mut self, hash: KeyHash, mark: Mark) -> Result<(), Disorder> {
        let bucket = bucket(&hash);
        if bucket < self.current {
            return Err(Disorder);
        }
        self.complete_to(bucket);
        if self.wanted.staying.contains(&hash) {
            self.staying += 1;
            return Ok(());
        }
        self.sum.add(&hash, mark);
        if self.kept.len() + self.entries.len() < KEPT {
            self.entries.push((hash, mark));
        }
        Ok(())
    }

    /// Everything before `bucket` has been listed.
    pub fn complete_to(&mut self, bucket: usize) {
        while self.current < bucket.min(BUCKETS) {
            let wanted = self.wanted.sums.get(self.current).copied().unwrap_or_default();
            let finding = if wanted == self.sum {
                Finding::Same
            } else if self.entries.len() == self.sum.entries {
                self.kept.extend(self.entries.drain(..));
                Finding::Differs
            } else {
                Finding::Blind
            };
            if let Some(at) = self.findings.get_mut(self.current) {
                *at = finding;
            }
            self.listed += self.sum.entries;
            self.entries.clear();
            self.sum = Sum::default();
            self.current += 1;
        }
    }

    /// Ends here; a bucket that was not completed stays unknown.
    pub fn end(self) -> Compared {
        let Self { findings, current: next, kept, listed, staying, .. } = self;
        Compared { findings, next, kept, listed, staying }
    }
}

impl Compared {
    pub fn finding(&self, hash: &KeyHash) -> Finding {
        self.findings.get(bucket(hash)).copied().unwrap_or(Finding::Unknown)
    }

    pub fn differs(&self) -> bool {
        self.findings.iter().any(|finding| matches!(finding, Finding::Differs | Finding::Blind))
    }

    /// The first bucket whose entries were not kept.
    pub fn blind_from(&self) -> Option<usize> {
        self.findings.iter().position(|finding| *finding == Finding::Blind)
    }
}

/// The prefixes of hashes that together are all buckets from `from` on, in order, each as long a run
/// of buckets as can be named: a listing can begin at a prefix, and nowhere else.
///
/// Answers each prefix with the bucket after its last.
pub fn prefixes(from: usize) -> Vec<(String, usize)> {
    let mut prefixes = Vec::new();
    let mut at = from;
    while at < BUCKETS {
        let digits = (0..=4).find(|digits| at.is_multiple_of(BUCKETS >> (4 * digits))).unwrap_or(4);
        let end = at + (BUCKETS >> (4 * digits));
        prefixes.push((format!("{at:04x}").chars().take(digits).collect(), end));
        at = end;
    }
    prefixes
}
