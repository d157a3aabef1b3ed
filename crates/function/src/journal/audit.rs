//! Which requests get a line. Lines cost money, so those that went well may be sampled or left out.
//! Metrics stay exact: a line counts every such request since the last line that counted them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use countersign_decision::time::Timestamp;

/// Which requests get a line. Those that did not go well always do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Audit {
    All,
    Refusals,
    /// Every Nth request that went well.
    Sample(u64),
}

impl Audit {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "all" => Some(Self::All),
            "refusals" => Some(Self::Refusals),
            _ => text.strip_prefix("sample:")?.parse().ok().filter(|n| *n > 0).map(Self::Sample),
        }
    }
}

/// How long requests that are counted but not written wait for a line that only counts.
const FLUSH: Duration = Duration::from_secs(60);

/// Counts the requests that went well.
pub struct Sampling {
    audit: Audit,
    uncounted: Mutex<Uncounted>,
}

/// Requests that no line has counted yet, and since when.
#[derive(Default)]
struct Uncounted {
    requests: u64,
    since: Option<Timestamp>,
}

/// What a request's line is, and how many requests it counts for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Told {
    /// It tells the request.
    Whole(u64),
    /// It only counts.
    Count(u64),
}

impl Sampling {
    pub fn new(audit: Audit) -> Self {
        Self { audit, uncounted: Mutex::default() }
    }

    /// For a request that went well; `None` where it gets no line yet. `always`: whatever the setting
    /// says, as where a call has failed: why something was not to be had is never sampled away.
    pub fn passed(&self, always: bool, now: Timestamp) -> Option<Told> {
        let mut uncounted = self.uncounted.lock().unwrap_or_else(PoisonError::into_inner);
        uncounted.requests += 1;
        let due = match self.audit {
            _ if always => true,
            Audit::All => true,
            Audit::Refusals => false,
            Audit::Sample(n) => uncounted.requests >= n,
        };
        let late = now.since(*uncounted.since.get_or_insert(now)) >= FLUSH;
        if !due && !late {
            return None;
        }
        let requests = uncounted.requests;
        *uncounted = Uncounted { requests: 0, since: Some(now) };
        Some(if due { Told::Whole(requests) } else { Told::Count(requests) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(sampling: &Sampling, secs: u64) -> Option<Told> {
        sampling.passed(false, Timestamp::from_secs(secs))
    }

    #[test]
    fn a_sample_counts_what_it_leaves_out() {
        let sampling = Sampling::new(Audit::Sample(3));
        let told: Vec<_> = (0..7).map(|_| passed(&sampling, 1)).collect();
        assert_eq!(told, [None, None, Some(Told::Whole(3)), None, None, Some(Told::Whole(3)), None]);
    }

    #[test]
    fn what_is_left_out_is_counted_once_a_minute() {
        let sampling = Sampling::new(Audit::Refusals);
        assert_eq!(passed(&sampling, 100), None);
        assert_eq!(passed(&sampling, 159), None);
        assert_eq!(passed(&sampling, 160), Some(Told::Count(3)));
        assert_eq!(passed(&sampling, 161), None);
        assert_eq!(sampling.passed(true, Timestamp::from_secs(162)), Some(Told::Whole(2)));
    }

    #[test]
    fn forms_of_the_setting() {
        assert_eq!(Audit::parse("sample:10"), Some(Audit::Sample(10)));
        for wrong in ["", "sample:0", "sample:-1", "sample:", "none", "ALL"] {
            assert_eq!(Audit::parse(wrong), None, "{wrong}");
        }
    }
}
