//! What a run says: the report of what it saw and did, and, where it is stuck, what to change.

use std::time::Duration;

use countersign_decision::time::Timestamp;
use countersign_store::secret::{CURRENT, PENDING, PREVIOUS};
use serde_json::{Value, json};

use super::edge::{Answer, Difference, EdgeState};
use super::plan::{Observed, Repair, Stuck};
use super::run::Run;
use crate::metrics::Measure;
use crate::report::{Code, JobError, Report};

impl Run<'_> {
    /// Since when the version that is being rotated to has been seen; zero where none is.
    fn rotation_age(&self) -> Duration {
        let began = self.seen.labels.rotating().and_then(|pending| self.seen.note.seen_at(pending));
        began.map_or(Duration::ZERO, |began| self.key_sync.now().since(began))
    }

    pub(super) fn stuck(&self, stuck: Stuck) -> JobError {
        match stuck {
            Stuck::NoSigningKey => JobError::new(Code::SecretMalformed, self.no_signing_key()),
            Stuck::EdgeUnreachable(why) => JobError::new(Code::EdgeUnreachable, why),
            Stuck::EdgeWrongKey(difference) => {
                let says = "it was given the right keys and does not use them; look at the Worker's deployments";
                JobError::new(Code::EdgeWrongKey, format!("{}: {says}", describe(&difference)))
            }
            Stuck::PushedInVain(difference) => {
                JobError::new(Code::EdgeWrongKey, format!("{}: {}", describe(&difference), self.pushed_in_vain()))
            }
            Stuck::GatewayRefused(status) => JobError::new(Code::GatewayRefusedProbe, gateway_refused(status)),
        }
    }

    fn pushed_in_vain(&self) -> String {
        let (config, now) = (&self.key_sync.config, self.key_sync.now());
        let ago = self.seen.note.pushed_at.map_or(0, |at| now.since(Timestamp::from_millis(at)).as_secs());
        let (script, url) = (&config.cloudflare.script, config.edge_url.as_deref().unwrap_or_default());
        format!(
            "the Worker {script} was given the right keys {ago} s ago and has not been deployed since, so they are not \
             pushed again; check that EDGE_URL, {url}, leads to this Worker: its route or custom domain, and \
             CLOUDFLARE_SCRIPT"
        )
    }

    fn no_signing_key(&self) -> String {
        let current = self.seen.labels.current.as_deref();
        let remedy = "invoke {\"job\":\"bootstrap\"}, which makes a first key";
        match current.and_then(|current| Some((current, self.unusable.get(current)?))) {
            Some((current, unusable)) => format!("AWSCURRENT, version {current}: {unusable}; {remedy}"),
            None => format!("no version with a value carries AWSCURRENT; {remedy}"),
        }
    }

    pub(super) fn report(&self) -> Report {
        let Observed { labels, note, rotation, emergency, edge, .. } = &self.seen;
        let labels = json!({ CURRENT: labels.current, PENDING: labels.pending, PREVIOUS: labels.previous });
        let mut report = Report::new().with("labels", labels).with("pushed", json!(note)).with("edge", edge.to_json());
        report.set("done", self.done.clone());
        report.measure(Measure::rotation_age(self.rotation_age()));
        if let Some(rotation) = rotation {
            report.set("rotation", json!(rotation));
        }
        if let Some(emergency) = emergency {
            report.set("emergency", json!(emergency));
        }
        report
    }
}

/// What a gateway that does not pass a signed request may mean.
pub fn gateway_refused(status: u16) -> String {
    let says = match status {
        401 | 403 => "the authorizer refuses what the edge signs: compare SIGNING_ALGORITHM, AUTHORITIES and PATH_MAP",
        404 => "there is no GET /.countersign/probe behind the gateway",
        500 => {
            "the authorizer or the gateway fails; the authorizer's log lines name the fault: no_signing_key means that \
             SIGNING_ALGORITHM was changed before a key of that algorithm was there, and {\"job\":\"bootstrap\"} makes one"
        }
        _ => "the gateway or what is behind it fails",
    };
    format!("the edge's gateway probe was answered with {status} instead of 204: {says}")
}

fn describe(difference: &Difference) -> String {
    match difference {
        Difference::Lost => "the edge accepts no labelled key (is EDGE_URL this Worker's?)".to_owned(),
        Difference::Active { found } => format!("the edge signs with {found}"),
        Difference::Standby { found: Some(found) } => format!("the edge's standby is {found}"),
        Difference::Standby { found: None } => "the edge has no standby".to_owned(),
    }
}

impl Repair {
    /// The stable name for reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::See(_) => "note_versions",
            Self::Publish(_) => "publish_public_key",
            Self::Wait { .. } => "wait",
            Self::Push(_) => "push",
            Self::NoteProof(_) => "note_proof",
            Self::MoveCurrent { .. } => "move_AWSCURRENT",
            Self::DropPending(_) => "remove_AWSPENDING",
            Self::DropPrevious(_) => "remove_AWSPREVIOUS",
            Self::EndEmergency { .. } => "end_emergency",
            Self::Forget(_) => "forget_versions",
            Self::CloseRotation(_) => "close_rotation",
        }
    }

    /// What it is done to: versions, never a key.
    pub fn of(&self) -> Value {
        match self {
            Self::See(_) => Value::Null,
            Self::Publish(version) | Self::DropPending(version) | Self::DropPrevious(version) => json!(version),
            Self::CloseRotation(note) => json!({ "keyid": note.keyid, "step": note.step }),
            Self::Wait { until } => json!({ "until": until.as_millis() }),
            Self::Push(layout) => json!(layout),
            Self::NoteProof(proof) => json!(proof),
            Self::MoveCurrent { to, from } => json!({ "to": to, "from": from }),
            Self::EndEmergency { replace } => json!({ "replace_environments": replace }),
            Self::Forget(versions) => json!(versions),
        }
    }
}

impl EdgeState {
    fn to_json(&self) -> Value {
        match self {
            Self::NotAsked => json!("not asked"),
            Self::Unreachable(why) => json!({ "unreachable": why }),
            Self::Answered { active, standby, deployment } => {
                let standby = standby.as_ref().map(Answer::to_json);
                json!({ "active": active.to_json(), "standby": standby, "deployment": deployment })
            }
        }
    }
}

impl Answer {
    fn to_json(&self) -> Value {
        match self {
            Self::Proved { keyid, gateway_status } => json!({ "keyid": keyid, "gateway_status": gateway_status }),
            Self::Other { keyid } => json!({ "keyid": keyid, "proved": false }),
            Self::Empty => json!("empty"),
            Self::Unverified => json!("accepts no labelled key"),
        }
    }
}
