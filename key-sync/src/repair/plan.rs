//! What to do next, so that the edge holds and uses what the labels say: one repair at a time.
//!
//! Pure: [`plan`] sees what was observed and names one repair with its reason; the shell carries it
//! out, looks again and asks again. Rotation steps and tick go through here alike, so what keeps a
//! key from being used too early, or dropped too soon, is written once:
//!
//! * the edge is told to sign with a key no sooner than `activation_delay` after it became readable;
//! * no label is removed, by a move of another one either, unless the edge has just proved that it
//!   signs with the key that stays, and AWSPREVIOUS not before it has done so for `overlap`;
//! * a push that the edge did not show is not repeated on top of the deployment that it made: it would
//!   add a version of the Worker, and nothing else.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::time::Timestamp;
use countersign_store::secret::{PENDING, PREVIOUS};

use super::edge::{Difference, EdgeState, PASSED};
use crate::edge_keys::layout::{Labels, Layout, expected};
use crate::edge_keys::note::{EdgeNote, Proved};
use crate::emergency::EmergencyNote;
use crate::rotate::note::RotationNote;

/// Everything that a decision about signing keys may depend on.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    pub labels: Labels,
    /// Labelled versions whose value is a key.
    pub usable: BTreeSet<String>,
    /// Of those, the ones whose public half the authorizer needs and the table lacks.
    pub unpublished: BTreeSet<String>,
    pub note: EdgeNote,
    pub rotation: Option<RotationNote>,
    pub emergency: Option<EmergencyNote>,
    pub edge: EdgeState,
    /// What this very run has pushed.
    pub pushed: Option<Layout>,
    /// This very run could not end the emergency.
    pub emergency_stays: bool,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Repair {
    /// Note which keys are labelled and readable, and since when.
    See(EdgeNote),
    /// Write the public half of a key to the table.
    Publish(String),
    Wait {
        until: Timestamp,
    },
    /// Give the edge these keys, all at once.
    Push(Layout),
    NoteProof(Proved),
    MoveCurrent {
        to: String,
        from: Option<String>,
    },
    /// Take AWSPENDING off a version.
    DropPending(String),
    /// Take AWSPREVIOUS off a version.
    DropPrevious(String),
    /// End the emergency; `replace`: with new environments of the authorizer instead of the warm ones.
    EndEmergency {
        replace: bool,
    },
    /// Take what the table says about keys that carry no label any more.
    Forget(Vec<String>),
    /// Forget a rotation that ended, one way or the other.
    CloseRotation(RotationNote),
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Next {
    Do(Repair, &'static str),
    /// Nothing to do now. The text says what is waited for, if anything is.
    Rest(Option<String>),
    /// Only an operator, or the end of an outage, helps.
    Stuck(Stuck),
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Stuck {
    /// AWSCURRENT is missing, or its value is no key.
    NoSigningKey,
    EdgeUnreachable(String),
    /// It has been given the right keys in this run and does not use them.
    EdgeWrongKey(Difference),
    /// The Worker, as it is deployed now, has been given the right keys, and the edge does not use them.
    PushedInVain(Difference),
    /// The status of what the edge signed with its active key, at its gateway probe.
    GatewayRefused(u16),
}

/// The next repair.
pub fn plan(seen: &Observed, lifetimes: &Lifetimes, now: Timestamp) -> Next {
    let Some(expected) = seen.expected() else { return Next::Stuck(Stuck::NoSigningKey) };
    seen.bookkeeping(now)
        .or_else(|| seen.end_emergency(lifetimes, now))
        .or_else(|| seen.push(&expected, lifetimes, now))
        .or_else(|| seen.outage())
        .or_else(|| seen.labels(&expected, lifetimes, now))
        .or_else(|| seen.leftovers())
        .unwrap_or_else(|| Next::Rest(seen.waits_for(lifetimes, now)))
}

impl Observed {
    /// What the edge should hold.
    pub fn expected(&self) -> Option<Layout> {
        expected(&self.labels, &self.usable, self.promoted(), self.note.layout.as_ref())
    }

    /// Whether the edge may sign with its standby, as it does to answer for it: the authorizer must be
    /// able to know a new key by then.
    pub fn may_ask_standby(&self, lifetimes: &Lifetimes, now: Timestamp) -> bool {
        // The edge may hold a key already whose value this run could not read.
        let pushed = self.note.layout.as_ref().and_then(|layout| layout.standby.as_deref());
        let standby = self.expected().and_then(|expected| expected.standby);
        let new = [standby.as_deref(), self.labels.rotating(), pushed.filter(|keyid| self.labels.has(keyid))];
        let is_ripe = |keyid| self.note.readable_at(keyid).is_some_and(|at| now >= at.plus(lifetimes.activation_delay));
        new.into_iter().flatten().all(is_ripe)
    }

    /// The version that a rotation is committed to and that is not AWSCURRENT yet.
    pub fn promoted(&self) -> Option<&str> {
        let rotation = self.rotation.as_ref().filter(|rotation| rotation.promoted)?;
        self.labels.rotating().filter(|pending| *pending == rotation.keyid && self.usable.contains(*pending))
    }

    /// What is known before the edge is looked at.
    fn bookkeeping(&self, now: Timestamp) -> Option<Next> {
        if let Some(version) = self.unpublished.first() {
            return Some(Next::Do(
                Repair::Publish(version.clone()),
                "the authorizer has no public key for a labelled version",
            ));
        }
        let note = self.now_readable(now)?;
        Some(Next::Do(Repair::See(note), "a version is labelled or readable that was not"))
    }

    /// The note that the present labels and values ask for, where it is another than there is.
    pub fn now_readable(&self, now: Timestamp) -> Option<EdgeNote> {
        let readable = self.usable.difference(&self.unpublished).cloned().collect();
        self.note.seeing(&self.labels, &readable, now)
    }

    /// Brings the edge to the expected layout, when it may be.
    fn push(&self, expected: &Layout, lifetimes: &Lifetimes, now: Timestamp) -> Option<Next> {
        let never = self.note.layout.as_ref().is_none_or(|last| !last.has_roles_of(expected));
        let difference = self.edge.differs_from(expected);
        let because = match (&difference, never) {
            (_, true) => "the labels ask for other keys than were pushed",
            (Some(difference), false) => difference.reason(),
            (None, false) => return None,
        };
        if self.pushed.as_ref() == Some(expected) {
            return difference.map(|difference| Next::Stuck(Stuck::EdgeWrongKey(difference)));
        }
        if let Some(difference) = difference.filter(|_| !never && self.was_pushed_in_vain()) {
            return Some(Next::Stuck(Stuck::PushedInVain(difference)));
        }
        let until = self.note.readable_at(&expected.active).unwrap_or(now).plus(lifetimes.activation_delay);
        if now < until && !self.edge.signs_with(&expected.active) {
            return Some(Next::Do(Repair::Wait { until }, "the authorizer may not know the new key yet"));
        }
        Some(Next::Do(Repair::Push(expected.clone()), because))
    }

    /// Nobody has deployed the Worker since a push that the edge did not show.
    fn was_pushed_in_vain(&self) -> bool {
        self.edge.deployment().is_some_and(|active| self.note.in_vain.as_deref() == Some(active))
    }

    /// The edge holds the right keys. Does what it signs arrive?
    fn outage(&self) -> Option<Next> {
        match &self.edge {
            EdgeState::NotAsked => None,
            EdgeState::Unreachable(why) => Some(Next::Stuck(Stuck::EdgeUnreachable(why.clone()))),
            EdgeState::Answered { active, .. } => {
                let status = active.gateway_status().filter(|status| *status != PASSED)?;
                Some(Next::Stuck(Stuck::GatewayRefused(status)))
            }
        }
    }

    /// Moves and removes labels. From here on the edge has proved, in this run, that it signs with
    /// `expected.active` and that the gateway lets it pass.
    fn labels(&self, expected: &Layout, lifetimes: &Lifetimes, now: Timestamp) -> Option<Next> {
        let EdgeState::Answered { .. } = &self.edge else { return None };
        let labels = &self.labels;
        if labels.pending.is_some() && labels.rotating().is_none() {
            let pending = labels.pending.clone()?;
            return Some(Next::Do(Repair::DropPending(pending), "its version is AWSCURRENT already"));
        }
        if labels.rotating().or(labels.previous.as_deref()).is_some() {
            // A version that serves only a part of the traffic speaks only for that part.
            let deployment = self.edge.deployment()?;
            if !self.note.proved.as_ref().is_some_and(|proved| proved.is(&expected.active, Some(deployment))) {
                return Some(self.note_proof(expected, Some(deployment), now));
            }
        } else if self.note.proved.as_ref().is_none_or(|proved| proved.keyid != expected.active) {
            return Some(self.note_proof(expected, None, now));
        }
        self.move_current(lifetimes, now)
            .or_else(|| self.drop_pending(lifetimes, now))
            .or_else(|| self.drop_previous(lifetimes, now))
    }

    fn note_proof(&self, expected: &Layout, deployment: Option<&str>, now: Timestamp) -> Next {
        let deployment = deployment.map(str::to_owned);
        let proof = Proved { keyid: expected.active.clone(), at: now.as_millis(), deployment };
        Next::Do(Repair::NoteProof(proof), "the edge proves that it signs with this key, as it has been deployed now")
    }

    /// Moving AWSCURRENT takes AWSPREVIOUS from where it is: that must be due, too.
    fn move_current(&self, lifetimes: &Lifetimes, now: Timestamp) -> Option<Next> {
        let to = self.promoted()?.to_owned();
        let dropped = self.labels.previous.as_deref().filter(|previous| *previous != to);
        if dropped.is_some() && !self.overlap_has_run(lifetimes, now) && !self.emergency_of(&to) {
            return Some(Next::Rest(self.waits_for(lifetimes, now)));
        }
        let repair = Repair::MoveCurrent { to, from: self.labels.current.clone() };
        Some(Next::Do(repair, "the edge signs with the version that the rotation is committed to"))
    }

    fn drop_pending(&self, lifetimes: &Lifetimes, now: Timestamp) -> Option<Next> {
        let pending = self.labels.rotating()?;
        let progress = self.rotation.as_ref().filter(|rotation| rotation.keyid == pending);
        let progress = progress.map(|rotation| Timestamp::from_millis(rotation.progressed_at));
        let last = progress.max(self.note.seen_at(pending))?;
        let stuck = now.since(last) >= lifetimes.rotation_stuck;
        let repair = || Repair::DropPending(pending.to_owned());
        stuck.then(|| Next::Do(repair(), "its rotation has made no progress, and the edge does not use it"))
    }

    fn drop_previous(&self, lifetimes: &Lifetimes, now: Timestamp) -> Option<Next> {
        let previous = self.labels.previous.clone()?;
        let emergency = self.labels.current.as_deref().is_some_and(|current| self.emergency_of(current));
        let because = match (emergency, self.overlap_has_run(lifetimes, now)) {
            (true, _) => "an emergency rotation leaves no overlap",
            (false, true) => "the overlap has run since the edge proved that it signs with AWSCURRENT",
            (false, false) => return None,
        };
        Some(Next::Do(Repair::DropPrevious(previous), because))
    }

    /// What is left behind when labels have gone.
    fn leftovers(&self) -> Option<Next> {
        let unlabelled = self.note.seen.keys().filter(|keyid| !self.labels.has(keyid));
        let unlabelled: Vec<_> = unlabelled.cloned().collect();
        if !unlabelled.is_empty() {
            return Some(Next::Do(Repair::Forget(unlabelled), "these keys carry no label any more"));
        }
        if let Some(rotation) =
            self.rotation.as_ref().filter(|rotation| self.labels.rotating() != Some(&rotation.keyid))
        {
            return Some(Next::Do(Repair::CloseRotation(rotation.clone()), "the rotation has ended"));
        }
        None
    }

    /// Whatever the edge is like: an authorizer that remembers the old key must not wait for it.
    fn end_emergency(&self, lifetimes: &Lifetimes, now: Timestamp) -> Option<Next> {
        let emergency = self.emergency.as_ref().filter(|_| !self.emergency_stays)?;
        let waited = now.since(Timestamp::from_millis(emergency.requested_at)) >= lifetimes.rotation_stuck;
        if self.labels.current.as_ref() == Some(&emergency.token) && self.labels.previous.is_none() {
            let because = "no key of before the emergency carries a label";
            return Some(Next::Do(Repair::EndEmergency { replace: true }, because));
        }
        let never = waited && !self.labels.has(&emergency.token);
        never.then_some(Next::Do(Repair::EndEmergency { replace: false }, "the emergency's rotation never came"))
    }

    fn emergency_of(&self, keyid: &str) -> bool {
        self.emergency.as_ref().is_some_and(|emergency| emergency.token == keyid)
    }

    fn overlap_has_run(&self, lifetimes: &Lifetimes, now: Timestamp) -> bool {
        self.overlap_left(lifetimes, now).is_some_and(|left| left.is_zero())
    }

    fn overlap_left(&self, lifetimes: &Lifetimes, now: Timestamp) -> Option<Duration> {
        let proved = self.note.proved.as_ref()?;
        Some(lifetimes.overlap.saturating_sub(now.since(Timestamp::from_millis(proved.at))))
    }

    /// For the report of a run that leaves something to a later one.
    fn waits_for(&self, lifetimes: &Lifetimes, now: Timestamp) -> Option<String> {
        let labels = &self.labels;
        let (label, version) = match (labels.rotating(), labels.previous.as_deref()) {
            (_, Some(previous)) => (PREVIOUS, previous),
            (Some(pending), None) => (PENDING, pending),
            (None, None) => return None,
        };
        let why = match &self.edge {
            EdgeState::Unreachable(_) => return None,
            EdgeState::NotAsked => "without EDGE_URL the edge cannot prove its key".to_owned(),
            EdgeState::Answered { deployment: None, .. } => {
                "the edge runs more than one version of the Worker; deploy one at 100 %".to_owned()
            }
            EdgeState::Answered { .. } if label == PENDING => return None,
            EdgeState::Answered { .. } => {
                let left = self.overlap_left(lifetimes, now).unwrap_or(lifetimes.overlap);
                format!("its overlap ends in {} s", left.as_millis().div_ceil(1000))
            }
        };
        Some(format!("{label} stays on {version}: {why}"))
    }
}

impl Proved {
    fn is(&self, keyid: &str, deployment: Option<&str>) -> bool {
        self.keyid == keyid && self.deployment.as_deref() == deployment
    }
}
