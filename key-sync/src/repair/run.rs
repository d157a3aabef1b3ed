//! One run under the lease: what it has seen, what it does about it, and what it says in the end.

use std::collections::BTreeMap;
use std::time::Duration;

use countersign_decision::time::Timestamp;
use countersign_store::Unavailable;
use countersign_store::secret::{CURRENT, Moved, PENDING, PREVIOUS};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::edge::EdgeState;
use super::look::{EDGE_NOTE, EMERGENCY_NOTE, ROTATION_NOTE};
use super::plan::{Next, Observed, Repair, plan};
use crate::edge_keys;
use crate::edge_keys::layout::Layout;
use crate::edge_keys::note::EdgeNote;
use crate::emergency::{self, EmergencyNote};
use crate::job::DryRun;
use crate::lease::{self, Lease};
use crate::report::{Code, JobError, Report};
use crate::rotate::note::RotationNote;
use crate::signing_key::{SigningKey, Unusable};
use crate::start::KeySync;

/// What is seen and done while the lease is held. A dry run holds none and writes nothing.
pub struct Run<'k> {
    pub key_sync: &'k KeySync,
    pub until: Instant,
    pub seen: Observed,
    /// Every labelled version's key.
    pub keys: BTreeMap<String, SigningKey>,
    /// Labelled versions whose value is no key, and why.
    pub unusable: BTreeMap<String, Unusable>,
    pub rotation_enabled: bool,
    lease: Option<Lease<'k>>,
    /// What failed and keeps nothing else from being done.
    postponed: Option<JobError>,
    /// Every repair, in order, for the report.
    pub(super) done: Vec<Value>,
}

/// More repairs in a row than any state needs: three keys to publish and to forget, a push, the labels.
const ROUNDS: u32 = 32;

/// After a push, how often the edge is asked whether it has arrived: it takes seconds.
const LOOKS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

impl<'k> Run<'k> {
    /// Takes the lease, then reads labels, keys and notes.
    ///
    /// # Errors
    /// `LeaseHeld`, or what could not be read.
    pub async fn begin(key_sync: &'k KeySync, until: Instant, dry: DryRun) -> Result<Self, JobError> {
        let lease = match dry {
            DryRun::Yes => None,
            DryRun::No => Some(Lease::take(key_sync, lease::ROTATION, until).await?),
        };
        let mut run = Self {
            key_sync,
            until,
            seen: Observed::default(),
            keys: BTreeMap::new(),
            unusable: BTreeMap::new(),
            rotation_enabled: false,
            lease,
            postponed: None,
            done: Vec::new(),
        };
        match run.read().await {
            Ok(()) => Ok(run),
            Err(error) => {
                run.release().await;
                Err(error)
            }
        }
    }

    async fn read(&mut self) -> Result<(), JobError> {
        self.read_labels().await?;
        self.read_notes().await
    }

    /// Gives the lease back and tells what was done. `Ok`: what is left to a later run, if anything.
    ///
    /// # Errors
    /// Those of `outcome`, with what was done until then.
    pub async fn end(self, outcome: Result<Option<String>, JobError>) -> Result<Report, JobError> {
        let mut report = self.report();
        self.release().await;
        match outcome {
            Err(error) => Err(error.after(report)),
            Ok(None) => Ok(report),
            Ok(Some(waits_for)) => {
                report.set("waits_for", waits_for);
                Ok(report)
            }
        }
    }

    async fn release(self) {
        if let Some(lease) = self.lease {
            lease.release().await;
        }
    }

    /// One repair after the other, until the labels and the edge agree. `Some`: what has to wait.
    ///
    /// # Errors
    /// What only an operator or the end of an outage can change.
    pub async fn settle(&mut self) -> Result<Option<String>, JobError> {
        match self.seen.note.arriving(self.key_sync.lifetimes.edge_spread, self.key_sync.now()).cloned() {
            Some(layout) => self.ask_until_arrived(&layout).await?,
            None => self.ask_edge().await?,
        }
        for _ in 0..ROUNDS {
            if Instant::now() >= self.until {
                return Err(JobError::new(Code::OutOfTime, "the invocation ends; the next run goes on from here"));
            }
            match plan(&self.seen, &self.key_sync.lifetimes, self.key_sync.now()) {
                Next::Rest(waits_for) => return self.postponed.take().map_or(Ok(waits_for), Err),
                Next::Stuck(stuck) => return Err(self.stuck(stuck)),
                Next::Do(repair, because) => {
                    self.done.push(json!({ "repair": repair.name(), "of": repair.of(), "because": because }));
                    if self.lease.is_none() && !matches!(repair, Repair::See(_)) {
                        return Ok(Some("a dry run stops before the first repair".to_owned()));
                    }
                    self.carry_out(repair).await?;
                }
            }
        }
        Err(JobError::new(Code::Defect, "labels and edge do not come to agree"))
    }

    async fn carry_out(&mut self, repair: Repair) -> Result<(), JobError> {
        match repair {
            Repair::See(note) => self.note_edge(note).await,
            Repair::Publish(version) => {
                self.publish(&version).await?;
                self.ask_edge().await
            }
            Repair::Wait { until } => {
                self.wait(until).await?;
                self.look_again().await
            }
            Repair::Push(layout) => self.push(layout).await,
            Repair::NoteProof(proof) => {
                self.note_edge(EdgeNote { proved: Some(proof), ..self.seen.note.clone() }).await
            }
            Repair::MoveCurrent { to, from } => {
                self.move_label(CURRENT, Some(&to), from.as_deref()).await?;
                self.seen.labels.previous = from;
                self.seen.labels.current = Some(to);
                Ok(())
            }
            Repair::DropPending(version) => {
                self.move_label(PENDING, None, Some(&version)).await?;
                self.seen.labels.pending = None;
                Ok(())
            }
            Repair::DropPrevious(version) => {
                self.move_label(PREVIOUS, None, Some(&version)).await?;
                self.seen.labels.previous = None;
                Ok(())
            }
            Repair::Forget(versions) => self.forget(&versions).await,
            Repair::CloseRotation(_) => {
                self.renew().await?;
                wrote(self.key_sync.table.remove_note(ROTATION_NOTE).await)?;
                self.seen.rotation = None;
                Ok(())
            }
            Repair::EndEmergency { replace } => self.end_emergency(replace).await,
        }
    }

    /// Writes the public half of a key to where the authorizer looks for it.
    pub async fn publish(&mut self, version: &str) -> Result<(), JobError> {
        let public = self.keys.get(version).and_then(|key| Some((key.algorithm(), key.public_key()?)));
        let (algorithm, public) = public.ok_or_else(|| JobError::new(Code::Defect, "a key to publish was not read"))?;
        self.renew().await?;
        wrote(self.key_sync.table.publish_edge_key(version, algorithm, &public).await)?;
        self.seen.unpublished.remove(version);
        Ok(())
    }

    /// After a wait, what was seen before it may not be so any more.
    async fn look_again(&mut self) -> Result<(), JobError> {
        self.keys.clear();
        self.unusable.clear();
        self.seen.usable.clear();
        self.seen.unpublished.clear();
        self.read_labels().await?;
        self.ask_edge().await
    }

    /// What a wait that is too long for this run becomes is the next run's to see.
    pub async fn wait(&mut self, moment: Timestamp) -> Result<(), JobError> {
        let span = moment.since(self.key_sync.now());
        if Instant::now() + span >= self.until {
            let message = format!("the authorizer may know the new key only in {} ms", span.as_millis());
            return Err(JobError::new(Code::OutOfTime, message));
        }
        if !span.is_zero() {
            sleep(span).await;
        }
        Ok(())
    }

    /// One change of the Worker's secrets; then the edge is asked until it shows.
    async fn push(&mut self, layout: Layout) -> Result<(), JobError> {
        let patch = edge_keys::patch(&layout, &self.keys)?;
        let before = self.seen.edge.deployment().map(str::to_owned);
        let cloudflare = self.key_sync.cloudflare().await?;
        let until = self.renew().await?.min(self.until);
        let pushed = cloudflare.put_secrets(&self.key_sync.config.cloudflare.script, &patch, until).await;
        self.heard(pushed).await?;
        let proved = self.seen.note.proved.take().filter(|proved| proved.keyid == layout.active);
        let pushed_at = Some(self.key_sync.now().as_millis());
        let seen = self.seen.note.seen.clone();
        self.note_edge(EdgeNote { layout: Some(layout.clone()), pushed_at, in_vain: None, proved, seen }).await?;
        self.seen.pushed = Some(layout.clone());
        self.ask_until_arrived(&layout).await?;
        match self.seen.edge.differs_from(&layout) {
            Some(_) => self.note_in_vain(before.as_deref()).await,
            None => Ok(()),
        }
    }

    /// Only where the active deployment is beyond doubt our own: on top of somebody else's, another push
    /// helps.
    async fn note_in_vain(&mut self, before: Option<&str>) -> Result<(), JobError> {
        match self.active_deployment().await {
            Ok(Some(active)) if before.is_some() && active.follows.as_deref() == before => {
                self.note_edge(EdgeNote { in_vain: Some(active.id), ..self.seen.note.clone() }).await
            }
            _ => Ok(()),
        }
    }

    async fn ask_until_arrived(&mut self, layout: &Layout) -> Result<(), JobError> {
        let mut pause = FIRST_PAUSE;
        for look in 1..=LOOKS {
            self.ask_edge().await?;
            let arrived = match &self.seen.edge {
                EdgeState::NotAsked => true,
                EdgeState::Unreachable(_) => false,
                EdgeState::Answered { .. } => self.seen.edge.differs_from(layout).is_none(),
            };
            if arrived || look == LOOKS || Instant::now() + pause >= self.until {
                break;
            }
            sleep(pause).await;
            pause *= 2;
        }
        Ok(())
    }

    async fn move_label(&self, label: &str, to: Option<&str>, from: Option<&str>) -> Result<(), JobError> {
        self.renew().await?;
        match self.key_sync.secret.move_label(label, to, from).await.map_err(|error| JobError::secret(&error))? {
            Moved::Done => Ok(()),
            Moved::Conflict(says) => {
                let message = format!("somebody else moved {label} meanwhile ({says}); the next run looks again");
                Err(JobError::new(Code::RotationRefused, message))
            }
        }
    }

    async fn forget(&mut self, versions: &[String]) -> Result<(), JobError> {
        let mut note = self.seen.note.clone();
        for version in versions {
            self.renew().await?;
            wrote(self.key_sync.table.remove_edge_key(version).await)?;
            note.seen.remove(version);
        }
        self.note_edge(note).await
    }

    pub async fn note_emergency(&mut self, note: EmergencyNote) -> Result<(), JobError> {
        self.renew().await?;
        wrote(self.key_sync.table.write_note(EMERGENCY_NOTE, &note).await)?;
        self.seen.emergency = Some(note);
        Ok(())
    }

    /// Makes room for another rotation: takes AWSPENDING off a version that the edge, as it has just
    /// proved, does not sign with.
    pub async fn give_up_pending(&mut self) -> Result<(), JobError> {
        let labels = &self.seen.labels;
        let (Some(pending), Some(current)) = (labels.rotating(), labels.current.as_deref()) else { return Ok(()) };
        if !self.seen.edge.signs_with(current) {
            let message =
                format!("AWSPENDING is on {pending}, and the edge has not proved that it signs with AWSCURRENT");
            return Err(JobError::new(Code::RotationRefused, message));
        }
        self.carry_out(Repair::DropPending(pending.to_owned())).await
    }

    async fn end_emergency(&mut self, replace: bool) -> Result<(), JobError> {
        self.renew().await?;
        if replace && let Err(error) = emergency::replace_environments(self.key_sync).await {
            self.postponed = Some(error);
            self.seen.emergency_stays = true;
            return Ok(());
        }
        wrote(self.key_sync.table.remove_note(EMERGENCY_NOTE).await)?;
        self.seen.emergency = None;
        Ok(())
    }

    /// Notes which keys are labelled and readable now.
    pub async fn note_what_is_readable(&mut self) -> Result<(), JobError> {
        match self.seen.now_readable(self.key_sync.now()) {
            Some(note) => self.note_edge(note).await,
            None => Ok(()),
        }
    }

    async fn note_edge(&mut self, note: EdgeNote) -> Result<(), JobError> {
        if self.lease.is_some() {
            self.renew().await?;
            wrote(self.key_sync.table.write_note(EDGE_NOTE, &note).await)?;
        }
        self.seen.note = note;
        Ok(())
    }

    /// Writes down, for the next steps and for `status`, how far the rotation is.
    pub async fn note_rotation(&mut self, note: RotationNote) -> Result<(), JobError> {
        self.renew().await?;
        wrote(self.key_sync.table.write_note(ROTATION_NOTE, &note).await)?;
        self.seen.rotation = Some(note);
        Ok(())
    }

    /// Before every write; the moment by which it must have ended.
    pub async fn renew(&self) -> Result<Instant, JobError> {
        match &self.lease {
            Some(lease) => lease.renew().await,
            None => Err(JobError::new(Code::Defect, "a dry run must not write")),
        }
    }

    /// Cloudflare's answer. A token that it refuses is read again the next time: it may have been replaced.
    pub async fn heard<T>(&self, answer: Result<T, countersign_cloudflare::Error>) -> Result<T, JobError> {
        if matches!(answer, Err(countersign_cloudflare::Error::Refused { .. })) {
            self.key_sync.forget_token().await;
        }
        answer.map_err(JobError::from)
    }
}

fn wrote(outcome: Result<(), Unavailable>) -> Result<(), JobError> {
    outcome.map_err(|error| JobError::table(&error))
}
