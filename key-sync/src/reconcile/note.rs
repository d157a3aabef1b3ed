//! `sync#reconcile`: from one comparison to the next. Written only by whoever holds the lease
//! `reconcile`; `status` shows it as it stands.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::allowance::Allowance;
use crate::budget::Budget;

pub(super) const NAME: &str = "reconcile";

#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Note {
    /// The bucket with which the next run begins.
    pub next: usize,
    pub budget: Budget,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowance: Option<Allowance>,
    pub seen: Seen,
    /// Epoch milliseconds.
    pub ended_at: u64,
    /// The report of the run that ended then.
    pub last: Value,
}

/// How much there was on either side when the last run looked.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Seen {
    pub scanned: usize,
    pub listed: usize,
}
