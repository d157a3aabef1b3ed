//! A world without bytes: what a run may see, and what its writes do. Every write may be the last one
//! of its run, before or after it took effect; and no write may do what must never happen.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use countersign_decision::time::Timestamp;
use proptest::sample::Index;

use super::{LIFETIMES, TICK};
use crate::edge_keys::layout::{Labels, Layout};
use crate::edge_keys::note::EdgeNote;
use crate::emergency::EmergencyNote;
use crate::job::Step;
use crate::repair::edge::{Answer, EdgeState};
use crate::repair::plan::{Next, Observed, plan};
use crate::rotate::note::RotationNote;

mod must_hold;

pub const START: u64 = 1_795_341_600_000;

/// After how many half writes the run dies; each write has a half before its effect and one after.
pub type Kill = Option<u32>;

/// Why a run ended early.
#[derive(Debug, PartialEq)]
pub enum Ended {
    Killed,
    /// An error that it would report.
    Failed(String),
}

pub type Run<T = ()> = Result<T, Ended>;

#[derive(Debug)]
pub struct World {
    now: u64,
    pub asymmetric: bool,
    pub labels: Labels,
    /// Versions that have a value.
    pub values: BTreeSet<String>,
    pub published: BTreeSet<String>,
    pub note: EdgeNote,
    pub rotation: Option<RotationNote>,
    pub emergency: Option<EmergencyNote>,
    /// The layout of each version of the Worker; `None`: one from before the first push.
    pub versions: Vec<Option<Layout>>,
    deployed: usize,
    deployments: u32,
    pub split: bool,
    pub edge_down: bool,
    pub edge_elsewhere: bool,
    pub cloudflare_down: bool,
    pub late_write: Option<(Layout, u64)>,
    /// What was pushed last and the deployment that it made, unless that run has died since; and how
    /// often the same was pushed on top of it.
    own_push: Option<(Layout, u32)>,
    pushed_again: u32,
    made: u32,
    /// The step that Secrets Manager asks for next, and for which version.
    pub steps: Option<(usize, String)>,
    kill: Kill,
    pub writes: u32,
    /// Until when an isolate of the edge may sign with a key; `u64::MAX`: it is the active one.
    signs_until: BTreeMap<String, u64>,
    /// Since when the authorizer can know a key.
    readable_since: BTreeMap<String, u64>,
    /// A start in the middle has no history that a rule about time could be held to.
    pub trusts_its_past: bool,
}

impl World {
    /// A secret as it is deployed: one generated value, AWSCURRENT; a Worker without keys.
    pub fn new(asymmetric: bool) -> Self {
        let first = "first".to_owned();
        let mut world = Self {
            now: START,
            asymmetric,
            labels: Labels { current: Some(first.clone()), pending: None, previous: None },
            values: BTreeSet::from([first]),
            published: BTreeSet::new(),
            note: EdgeNote::default(),
            rotation: None,
            emergency: None,
            versions: vec![None],
            deployed: 0,
            deployments: 0,
            split: false,
            edge_down: false,
            edge_elsewhere: false,
            cloudflare_down: false,
            late_write: None,
            own_push: None,
            pushed_again: 0,
            made: 0,
            steps: None,
            kill: None,
            writes: 0,
            signs_until: BTreeMap::new(),
            readable_since: BTreeMap::new(),
            trusts_its_past: true,
        };
        world.watch_readability();
        world
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    pub fn pass(&mut self, span: Duration) {
        self.now = self.now().plus(span).as_millis();
    }

    fn active(&self) -> Option<&str> {
        self.versions[self.deployed].as_ref().map(|layout| layout.active.as_str())
    }

    // What others do.

    pub fn bootstrap(&mut self) {
        self.tick(None).unwrap();
        assert_eq!(self.active(), self.labels.current.as_deref());
    }

    /// As Secrets Manager does it: a placeholder, unless AWSPENDING is on a version that never became
    /// AWSCURRENT.
    pub fn start_rotation(&mut self) {
        let token = self.new_version();
        self.start_rotation_to(token);
    }

    pub fn start_rotation_to(&mut self, token: String) -> bool {
        if self.labels.rotating().is_some() {
            return false;
        }
        self.labels.pending = Some(token.clone());
        self.steps = Some((0, token));
        true
    }

    pub fn new_version(&mut self) -> String {
        self.made += 1;
        format!("made-{}", self.made)
    }

    /// One step after the other; all of them again when one has failed or died.
    pub fn next_step(&mut self, kill: Kill) -> Run {
        let Some((at, token)) = self.steps.clone() else { return Ok(()) };
        let step = [Step::Create, Step::Set, Step::Test, Step::Finish][at];
        let outcome = self.run(kill, |world| world.step(step, &token));
        self.steps = match outcome {
            Ok(()) if step == Step::Finish => None,
            Ok(()) => Some((at + 1, token)),
            Err(_) => Some((0, token)),
        };
        outcome
    }

    pub fn roll_back(&mut self, index: Index) {
        let version = index.index(self.versions.len());
        self.deploy(version);
    }

    pub fn deploy_code(&mut self) {
        self.versions.push(self.versions[self.deployed].clone());
        self.deploy(self.versions.len() - 1);
    }

    pub fn put_current(&mut self) {
        let version = self.new_version();
        self.values.insert(version.clone());
        self.labels.previous = self.labels.current.replace(version);
        self.watch_readability();
    }

    /// Not while the edge may sign with it: that would be asking for refusals.
    pub fn cancel_rotation(&mut self) {
        let used = |key: &str| self.signs_until.contains_key(key);
        if self.labels.rotating().is_some_and(|pending| !used(pending)) && self.steps.take().is_some() {
            self.labels.pending = None;
        }
    }

    pub fn apply_late_write(&mut self) {
        if let Some((layout, until)) = self.late_write.take()
            && self.now <= until
            && !self.cloudflare_down
        {
            self.versions.push(Some(layout));
            self.deploy(self.versions.len() - 1);
        }
    }

    pub fn start_emergency(&mut self) {
        let token = self.new_version();
        let prepared = self.run(None, |world| world.prepare_emergency(&token));
        if prepared.is_ok() {
            self.start_rotation_to(token);
        }
    }

    // What a run sees and does.

    pub fn tick(&mut self, kill: Kill) -> Run {
        self.run(kill, |world| {
            let mut seen = world.look();
            world.settle(&mut seen)
        })
    }

    pub fn run(&mut self, kill: Kill, work: impl FnOnce(&mut Self) -> Run) -> Run {
        self.kill = kill;
        let outcome = work(self);
        self.kill = None;
        if outcome == Err(Ended::Killed) {
            self.own_push = None;
        }
        outcome
    }

    pub fn look(&self) -> Observed {
        let usable: BTreeSet<_> =
            self.labels.versions().into_iter().filter(|key| self.values.contains(*key)).map(str::to_owned).collect();
        let unpublished = usable.iter().filter(|key| self.asymmetric && !self.published.contains(*key)).cloned();
        Observed {
            labels: self.labels.clone(),
            unpublished: unpublished.collect(),
            usable,
            note: self.note.clone(),
            rotation: self.rotation.clone(),
            emergency: self.emergency.clone(),
            edge: EdgeState::NotAsked,
            pushed: None,
            emergency_stays: false,
        }
    }

    pub fn ask_edge(&self, seen: &mut Observed) -> Run {
        let moving = seen.labels.rotating().or(seen.labels.previous.as_deref()).is_some();
        if moving && self.cloudflare_down {
            return Err(Ended::Failed("Cloudflare is down".to_owned()));
        }
        if self.edge_down {
            seen.edge = EdgeState::Unreachable("the edge is down".to_owned());
            return Ok(());
        }
        let layout = self.versions[self.deployed].as_ref().filter(|_| !self.edge_elsewhere);
        let known = |key: &str| seen.labels.has(key) && seen.usable.contains(key);
        let answer = |key: Option<&str>| match key {
            None => Answer::Empty,
            Some(key) if known(key) => {
                let status = if self.readable_since.contains_key(key) { 204 } else { 500 };
                Answer::Proved { keyid: key.to_owned(), gateway_status: status }
            }
            Some(key) => Answer::Other { keyid: key.to_owned() },
        };
        let deployment = self.deployment();
        seen.edge = match layout {
            Some(layout) if known(&layout.active) || layout.standby.as_deref().is_some_and(known) => {
                let active = answer(Some(&layout.active));
                let may_ask = seen.may_ask_standby(&LIFETIMES, self.now());
                let standby = may_ask.then(|| answer(layout.standby.as_deref()));
                self.assert_may_sign(standby.as_ref());
                EdgeState::Answered { active, standby, deployment }
            }
            _ => EdgeState::Answered { active: Answer::Unverified, standby: Some(Answer::Unverified), deployment },
        };
        let differs = seen.expected().is_some_and(|expected| seen.edge.differs_from(&expected).is_some());
        if let EdgeState::Answered { deployment, .. } = &mut seen.edge
            && !(moving || differs)
        {
            *deployment = None;
        }
        Ok(())
    }

    pub fn deployment(&self) -> Option<String> {
        (!self.split && !self.cloudflare_down).then(|| format!("deployment-{}", self.deployments))
    }

    pub fn settle(&mut self, seen: &mut Observed) -> Run {
        self.ask_edge(seen)?;
        for _ in 0..32 {
            match plan(seen, &LIFETIMES, self.now()) {
                Next::Rest(_) => return Ok(()),
                Next::Stuck(stuck) => return Err(Ended::Failed(format!("{stuck:?}"))),
                Next::Do(repair, _) => self.carry_out(repair, seen)?,
            }
        }
        panic!("it does not settle: {self:#?}");
    }

    /// One write: the run may die before it, or after it.
    pub fn write(&mut self, effect: impl FnOnce(&mut Self)) -> Run {
        self.half()?;
        effect(self);
        self.writes += 1;
        self.watch_readability();
        self.half()
    }

    fn half(&mut self) -> Run {
        match &mut self.kill {
            Some(0) => Err(Ended::Killed),
            Some(halves) => {
                *halves -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    pub fn push(&mut self, layout: &Layout) -> Run {
        if self.cloudflare_down || self.split {
            return Err(Ended::Failed("Cloudflare is down, or 10215".to_owned()));
        }
        if self.kill == Some(0) {
            let until = self.now().plus(TICK).as_millis();
            self.late_write = Some((layout.clone(), until));
        }
        self.assert_may_push(layout);
        self.assert_may_help(layout);
        self.write(|world| {
            world.versions.push(Some(layout.clone()));
            world.deploy(world.versions.len() - 1);
            world.own_push = Some((layout.clone(), world.deployments));
        })
    }

    fn deploy(&mut self, version: usize) {
        let late = self.now().plus(LIFETIMES.edge_spread).as_millis();
        for until in self.signs_until.values_mut().filter(|until| **until == u64::MAX) {
            *until = late;
        }
        self.deployed = version;
        self.deployments += 1;
        if let Some(active) = self.active().map(str::to_owned) {
            self.signs_until.insert(active, u64::MAX);
        }
    }

    pub fn watch_readability(&mut self) {
        for key in self.labels.versions() {
            if self.values.contains(key) && (!self.asymmetric || self.published.contains(key)) {
                self.readable_since.entry(key.to_owned()).or_insert(self.now);
            }
        }
    }
}
