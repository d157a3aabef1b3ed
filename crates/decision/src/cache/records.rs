//! Records of the key table that an authorizer remembers: the known, the unknown, and a budget.
//!
//! A known record is read again after `record_fresh`, which bounds how long a revoked key works, and
//! kept while the table fails. An id that was not there is remembered briefly, and ids never seen
//! before share a budget of look-ups, so made-up keys cost a bounded number of reads.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;

use crate::decision::Fault;
use crate::lifetimes::Lifetimes;
use crate::limits;
use crate::time::Timestamp;

/// SHA-256 of what the record is looked up by: uniform, whatever a caller chose.
type Id = [u8; 32];

/// A record as it was read: one that cannot be understood is remembered too, with the reason.
pub type Read<T> = Result<Arc<T>, Arc<str>>;

pub struct Records<T> {
    known: LruCache<Id, Known<T>>,
    unknown: LruCache<Id, Timestamp>,
    budget: Budget,
    failed: Option<Timestamp>,
}

struct Known<T> {
    record: Read<T>,
    read_at: Timestamp,
}

pub enum Ask<T> {
    /// `kept`: it is older than it should be because reading failed.
    Use { record: Read<T>, kept: bool },
    /// It was not there a moment ago.
    Unknown,
    /// Read it, then ask again.
    Read,
    /// It cannot be known now, and asking would be too often.
    Unavailable(Fault),
}

impl<T> Default for Records<T> {
    fn default() -> Self {
        let size = NonZeroUsize::new(limits::REMEMBERED).unwrap_or(NonZeroUsize::MIN);
        // Not `LruCache::new`, which allocates for all of them at once.
        let (mut known, mut unknown) = (LruCache::unbounded(), LruCache::unbounded());
        known.resize(size);
        unknown.resize(size);
        Self { known, unknown, budget: Budget::default(), failed: None }
    }
}

impl<T> Records<T> {
    pub fn ask(&mut self, id: &Id, now: Timestamp, lifetimes: &Lifetimes) -> Ask<T> {
        let failed_within = |span| self.failed.is_some_and(|at| now.age_of(at) < span);
        let (resting, cooling) = (failed_within(lifetimes.record_rest), failed_within(lifetimes.record_cooling));
        if let Some(known) = self.known.get(id) {
            let age = now.age_of(known.read_at);
            let fresh = age < lifetimes.record_fresh;
            return if fresh || (resting && age < lifetimes.record_kept) {
                Ask::Use { record: known.record.clone(), kept: !fresh }
            } else if cooling {
                Ask::Unavailable(Fault::TableUnavailable)
            } else {
                Ask::Read
            };
        }
        if self.unknown.get(id).is_some_and(|at| now.age_of(*at) < lifetimes.record_unknown) {
            return Ask::Unknown;
        }
        if cooling {
            return Ask::Unavailable(Fault::TableUnavailable);
        }
        if self.budget.spend(now) { Ask::Read } else { Ask::Unavailable(Fault::LookupsExhausted) }
    }

    /// Whether a good record is known that may be kept, should its source fail.
    pub fn has_good(&self, id: &Id, now: Timestamp, lifetimes: &Lifetimes) -> bool {
        let known = self.known.peek(id).filter(|known| known.record.is_ok());
        known.is_some_and(|known| now.age_of(known.read_at) < lifetimes.record_kept)
    }

    pub fn read(&mut self, id: Id, record: Read<T>, now: Timestamp) {
        self.failed = None;
        self.unknown.pop(&id);
        self.known.put(id, Known { record, read_at: now });
    }

    pub fn missing(&mut self, id: Id, now: Timestamp) {
        self.failed = None;
        self.known.pop(&id);
        self.unknown.put(id, now);
    }

    pub const fn failed(&mut self, now: Timestamp) {
        self.failed = Some(now);
    }
}

/// Look-ups of ids not seen before, counted per second.
#[derive(Default)]
struct Budget {
    second: u64,
    spent: u32,
}

impl Budget {
    const fn spend(&mut self, now: Timestamp) -> bool {
        if self.second != now.as_secs() {
            self.second = now.as_secs();
            self.spent = 0;
        }
        self.spent += 1;
        self.spent <= limits::UNKNOWN_LOOKUPS_PER_SECOND
    }
}

#[cfg(test)]
mod tests;
