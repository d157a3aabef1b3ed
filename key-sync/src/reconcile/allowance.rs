//! An operator's word that keys may go, however many, until every bucket was compared once.
//!
//! One run may not come through a large edge, and its share of a cycle ends where the listing does. So
//! what `allow_deletions` was not used for is noted, and the next runs, ticks as they are, go on with it:
//! once around, for two hours at most, and only while the table is about as large as the operator saw it.

use std::time::Duration;

use countersign_decision::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::compare::BUCKETS;

/// Half an hour is what a million keys take; a million strangers take longer.
const LIFE: Duration = Duration::from_secs(2 * 3600);

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Allowance {
    /// Epoch milliseconds.
    given_at: u64,
    /// Buckets that are still to be compared under it.
    buckets: usize,
    /// Keys of the table when it was given.
    keys: usize,
}

impl Allowance {
    /// For a whole cycle.
    pub const fn new(keys: usize, now: Timestamp) -> Self {
        Self { given_at: now.as_millis(), buckets: BUCKETS, keys }
    }

    /// Whether it holds for a table of so many keys. One that has lost more than a fifth since then is
    /// another one than the operator meant.
    pub fn holds(&self, keys: usize, now: Timestamp) -> bool {
        let young = now.age_of(Timestamp::from_millis(self.given_at)) < LIFE;
        young && keys >= self.keys - self.keys / 5
    }

    /// What is left of it after so many buckets, if anything is.
    pub fn after(self, buckets: usize) -> Option<Self> {
        let left = self.buckets.saturating_sub(buckets);
        (left > 0).then_some(Self { buckets: left, ..self })
    }

    /// For the report.
    pub fn to_json(self) -> Value {
        let until = Timestamp::from_millis(self.given_at).plus(LIFE);
        json!({
            "given_at": self.given_at,
            "until": until.as_millis(),
            "percent_left": (self.buckets * 100).div_ceil(BUCKETS),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    #[test]
    fn it_ends_with_its_time_and_with_the_table_it_was_given_for() {
        let allowance = Allowance::new(1_000, NOW);
        let last = NOW.plus(LIFE - Duration::from_millis(1));
        for (keys, now, holds) in [
            (1_000, NOW, true),
            (9_000, last, true),
            (800, last, true),
            (799, NOW, false),
            (1_000, NOW.plus(LIFE), false),
            (1_000, Timestamp::from_secs(1_700_000_000), false),
        ] {
            assert_eq!(allowance.holds(keys, now), holds, "{keys} at {now:?}");
        }
        assert!(Allowance::new(0, NOW).holds(0, NOW), "an empty table may be meant");
    }

    #[test]
    fn it_goes_around_once() {
        let first = Allowance::new(10, NOW).after(BUCKETS - 1);
        assert_eq!(first.map(|rest| rest.to_json()["percent_left"].clone()), Some(json!(1)));
        assert_eq!(first.and_then(|rest| rest.after(0)), first, "a run that got nowhere uses nothing up");
        assert_eq!(first.and_then(|rest| rest.after(1)), None);
    }
}
