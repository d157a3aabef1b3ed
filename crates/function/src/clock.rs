//! The one place that reads the time of day.

use std::time::{SystemTime, UNIX_EPOCH};

use countersign_decision::time::Timestamp;

pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
