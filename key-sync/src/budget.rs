//! How many of Cloudflare's calls the comparison of table and edge may make, over all its runs.
//!
//! Cloudflare allows an account 1,200 in five minutes and then refuses everything for as long; half of
//! them are left to rotations, revocations and people. The budget is a bucket that drains by a call a
//! second, so that no five minutes, wherever they begin, see more than the bucket and what drained
//! meanwhile. Calls are reserved before they are made: a run that dies has made all it reserved.
//! Refuses to know what the calls are for.

use countersign_decision::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Calls at once. With the 300 that drain in five minutes it makes 590; ten are for clocks that differ.
const BURST: u32 = 290;

/// It is kept in a note between the runs, written before the calls are made.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Budget {
    /// Until when it has drained: epoch milliseconds.
    at: u64,
    /// Calls that were made and have not drained.
    spent: u32,
    /// Calls that the present run may make. They were not made yet, so they do not drain.
    reserved: u32,
}

impl Budget {
    /// For a new run: what an earlier one reserved and did not give back is taken as made this moment.
    pub fn taken_over(self, now: Timestamp) -> Self {
        let mut budget = self.at(now);
        budget.spend(budget.reserved, now);
        budget
    }

    /// Calls that may be made before anything is written.
    pub const fn reserved(&self) -> u32 {
        self.reserved
    }

    /// Calls that may be made, reserved or not.
    pub const fn left(&self) -> u32 {
        BURST.saturating_sub(self.spent)
    }

    /// Sets so many calls apart in all, or as many as are left.
    pub fn reserve(&mut self, calls: u32, now: Timestamp) {
        *self = self.at(now);
        self.reserved = calls.min(self.left());
    }

    /// Calls that were made since the last time.
    pub fn spend(&mut self, calls: u32, now: Timestamp) {
        *self = self.at(now);
        self.spent = self.spent.saturating_add(calls);
        self.reserved = self.reserved.saturating_sub(calls);
    }

    /// Gives back what was reserved and not used.
    pub const fn release(&mut self) {
        self.reserved = 0;
    }

    /// As it is at this moment. A clock that was set back empties the bucket, lest nothing be compared
    /// until it has caught up.
    fn at(self, now: Timestamp) -> Self {
        let seconds = now.age_of(Timestamp::from_millis(self.at)).as_secs();
        match u32::try_from(seconds) {
            Ok(drained) if drained < self.spent => {
                Self { at: self.at.saturating_add(seconds * 1000), spent: self.spent - drained, ..self }
            }
            _ => Self { at: now.as_millis(), spent: 0, ..self },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn after(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    #[test]
    fn what_was_spent_drains_by_a_call_a_second() {
        let mut budget = Budget::default();
        budget.spend(BURST, NOW);
        assert_eq!((budget.left(), budget.at(after(1)).left(), budget.at(after(100)).left()), (0, 1, 100));
        budget.spend(5, NOW);
        assert_eq!(budget.left(), 0, "more than there were is none");
        assert_eq!(budget.at(after(295)).left(), BURST);
    }

    #[test]
    fn what_a_dead_run_reserved_is_spent_when_it_is_found() {
        let mut budget = Budget::default();
        budget.reserve(50, NOW);
        budget.spend(20, NOW);
        assert_eq!((budget.left(), budget.reserved()), (BURST - 20, 30));
        let found = budget.taken_over(after(10));
        assert_eq!((found.left(), found.reserved()), (BURST - 10 - 30, 0), "ten of twenty have drained");
        budget.release();
        assert_eq!(budget.taken_over(NOW).left(), BURST - 20, "what was given back was never made");
    }

    #[test]
    fn no_more_is_reserved_than_there_is() {
        let mut budget = Budget::default();
        budget.spend(BURST - 7, NOW);
        budget.reserve(50, NOW);
        assert_eq!((budget.left(), budget.reserved()), (7, 7));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_it() {
        let mut budget = Budget::default();
        budget.spend(BURST, Timestamp::from_secs(1_900_000_000));
        assert_eq!(budget.at(NOW).left(), BURST);
    }

    proptest! {
        /// Runs that take whatever there is, at any moments, some of which die with what they reserved.
        #[test]
        fn no_five_minutes_see_more_than_half_of_what_cloudflare_allows(
            runs in vec((0..120_000_u64, 0..200_u32, 0..30_000_u64, any::<bool>()), 1..60),
        ) {
            let (mut now, mut budget) = (NOW, Budget::default());
            let mut calls: Vec<(u64, u32)> = Vec::new();
            for (pause, reserve, later, dies) in runs {
                now = now.plus(Duration::from_millis(pause));
                budget = budget.taken_over(now);
                budget.reserve(reserve, now);
                now = now.plus(Duration::from_millis(later));
                let made = budget.reserved();
                calls.push((now.as_millis(), made));
                if !dies {
                    budget.spend(made, now);
                    budget.release();
                }
            }
            for (begins, _) in &calls {
                let window = calls.iter().filter(|(at, _)| (*begins..begins + 300_000).contains(at));
                let made: u32 = window.map(|(_, made)| made).sum();
                prop_assert!(made <= 600, "{made} from {begins} on");
            }
        }
    }
}
