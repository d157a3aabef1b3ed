//! What must hold: at every write of a run, and when everything has ended.

use std::collections::BTreeSet;

use countersign_decision::time::Timestamp;

use super::super::LIFETIMES;
use super::World;
use crate::edge_keys::layout::{Labels, Layout};
use crate::repair::edge::Answer;

impl World {
    pub(super) fn assert_may_push(&self, layout: &Layout) {
        assert_ne!(layout.standby.as_ref(), Some(&layout.active), "one key in two slots");
        assert!(self.labels.has(&layout.active), "{} carries no label: {self:#?}", layout.active);
        if self.active() != Some(&layout.active) && self.trusts_its_past {
            let since = self.readable_since.get(&layout.active).copied();
            let ripe = since.map(|since| Timestamp::from_millis(since).plus(LIFETIMES.activation_delay));
            assert!(ripe.is_some_and(|ripe| ripe <= self.now()), "{} is used too early: {self:#?}", layout.active);
        }
    }

    /// Nobody has deployed anything else since the last push of the same: once more may be tried, and
    /// that is all.
    pub(super) fn assert_may_help(&mut self, layout: &Layout) {
        let is_own = |(own, deployment): &(Layout, u32)| own.has_roles_of(layout) && *deployment == self.deployments;
        let again = self.own_push.as_ref().is_some_and(is_own);
        self.pushed_again = if again { self.pushed_again + 1 } else { 0 };
        assert!(self.pushed_again < 2, "pushed again and again: {self:#?}");
    }

    /// The edge answers for its standby with a signature that goes to the gateway.
    pub(super) fn assert_may_sign(&self, standby: Option<&Answer>) {
        if let Some(Answer::Proved { keyid, .. }) = standby
            && self.trusts_its_past
        {
            let ripe = Timestamp::from_millis(self.readable_since[keyid]).plus(LIFETIMES.activation_delay);
            assert!(ripe <= self.now(), "{keyid} signs too early: {self:#?}");
        }
    }

    /// Nothing signed with `key` can still arrive; or it keeps another label.
    pub fn assert_may_lose_label(&self, key: &str, labels_after: &Labels) {
        let is_emergency = self.emergency.as_ref().is_some_and(|emergency| labels_after.has(&emergency.token));
        if labels_after.has(key) || is_emergency {
            return;
        }
        assert_ne!(self.active(), Some(key), "the edge signs with {key}: {self:#?}");
        if let Some(until) = self.signs_until.get(key)
            && self.trusts_its_past
        {
            let last = Timestamp::from_millis(*until).plus(LIFETIMES.signature_age).plus(LIFETIMES.skew);
            assert!(last <= self.now(), "signatures of {key} may still arrive: {self:#?}");
        }
    }

    /// One key with one label, which the edge signs with, and nothing left behind.
    pub fn assert_settled(&self) {
        let current = self.labels.current.clone().unwrap();
        assert_eq!(self.labels, Labels { current: Some(current.clone()), ..Labels::default() }, "{self:#?}");
        let layout = self.versions[self.deployed].as_ref().unwrap();
        assert_eq!((&layout.active, &layout.standby), (&current, &None), "{self:#?}");
        // Which slot a key lies in shows nowhere, and every push sets both.
        assert!(self.note.layout.as_ref().is_some_and(|last| last.has_roles_of(layout)), "{self:#?}");
        assert_eq!(self.note.seen.keys().collect::<Vec<_>>(), [&current], "{self:#?}");
        assert!(!self.asymmetric || self.published == BTreeSet::from([current]), "{self:#?}");
        assert_eq!((&self.rotation, &self.emergency), (&None, &None), "{self:#?}");
    }
}
