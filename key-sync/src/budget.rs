//! How many of Cloudflare's calls the comparison of table and edge may take, over all its runs.
//!
//! Cloudflare allows an account 1,200 in five minutes and then refuses everything for as long; half of
//! them are left to rotations, revocations and people. Refuses to know what the calls are for.

use std::time::Duration;

use countersign_decision::time::Timestamp;
use serde::{Deserialize, Serialize};

const CALLS: u32 = 600;
const WINDOW: Duration = Duration::from_secs(300);

/// Calls since the window began. It is kept in a note between the runs.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Budget {
    /// Epoch milliseconds.
    since: u64,
    calls: u32,
}

impl Budget {
    /// The budget at this moment: a new window, if the last one has run out.
    pub fn at(self, now: Timestamp) -> Self {
        let over = now.age_of(Timestamp::from_millis(self.since)) >= WINDOW;
        if over { Self { since: now.as_millis(), calls: 0 } } else { self }
    }

    pub const fn spend(&mut self, calls: u32) {
        self.calls = self.calls.saturating_add(calls);
    }

    pub const fn left(&self) -> u32 {
        CALLS.saturating_sub(self.calls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_and_the_next_one_is_whole() {
        let now = Timestamp::from_secs(1_800_000_000);
        let mut budget = Budget::default().at(now);
        assert_eq!(budget.left(), CALLS);
        budget.spend(599);
        assert_eq!(budget.at(now.plus(Duration::from_secs(299))).left(), 1);
        budget.spend(5);
        assert_eq!(budget.left(), 0, "more than there were is none");
        assert_eq!(budget.at(now.plus(WINDOW)).left(), CALLS);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_it() {
        let mut budget = Budget::default().at(Timestamp::from_secs(1_900_000_000));
        budget.spend(CALLS);
        assert_eq!(budget.at(Timestamp::from_secs(1_800_000_000)).left(), CALLS);
    }
}
