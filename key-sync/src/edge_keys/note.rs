//! `sync#edge`: what was last pushed to the edge, what it last proved, and when each key was first seen.
//!
//! Times are milliseconds since the Unix epoch. The note is a memory, never an authority: the labels
//! say what should be, and the edge itself proves what is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use countersign_decision::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::layout::{Labels, Layout};

#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct EdgeNote {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed_at: Option<u64>,
    /// The Worker's deployment that the push has made, where the edge did not show what was pushed: as
    /// long as it is the active one, another push of the same would change nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_vain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proved: Option<Proved>,
    /// By `keyid`. A key stays here until its public half, if it has one, is taken from the table.
    pub seen: BTreeMap<String, Seen>,
}

/// Since when the edge has, without a break that was noticed, signed with this key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Proved {
    pub keyid: String,
    pub at: u64,
    /// The Worker's deployment that proved it: after any other one, a rollback included, the proof is
    /// made anew. `None`: which one it was did not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Seen {
    /// When it was first seen to carry a label.
    pub at: u64,
    /// When the authorizer's way to it was first seen to lead to a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readable_at: Option<u64>,
}

impl EdgeNote {
    /// What `see` would write; `None` where nothing is new.
    pub fn seeing(&self, labels: &Labels, readable: &BTreeSet<String>, now: Timestamp) -> Option<Self> {
        let mut note = self.clone();
        for version in labels.versions() {
            let fresh = Seen { at: now.as_millis(), readable_at: None };
            let seen = note.seen.entry(version.to_owned()).or_insert(fresh);
            if readable.contains(version) {
                seen.readable_at.get_or_insert(now.as_millis());
            }
        }
        (note != *self).then_some(note)
    }

    /// What was pushed in vain, while it may still be on its way to where the edge is asked.
    pub fn arriving(&self, edge_spread: Duration, now: Timestamp) -> Option<&Layout> {
        let arrived = Timestamp::from_millis(self.pushed_at?).plus(edge_spread);
        self.layout.as_ref().filter(|_| self.in_vain.is_some() && now < arrived)
    }

    pub fn readable_at(&self, keyid: &str) -> Option<Timestamp> {
        self.seen.get(keyid)?.readable_at.map(Timestamp::from_millis)
    }

    pub fn seen_at(&self, keyid: &str) -> Option<Timestamp> {
        self.seen.get(keyid).map(|seen| Timestamp::from_millis(seen.at))
    }
}
