//! What the labels allow a step to do. Pure but for the names of new versions.

use aws_lc_rs::rand;
use countersign_store::secret::PREVIOUS;

use super::note::RotationNote;
use crate::config::Config;
use crate::edge_keys::layout::Labels;
use crate::repair::plan::Observed;
use crate::report::{Code, JobError};

/// Where the version of a rotation stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    Pending,
    /// It has been promoted already: the step is a repetition.
    Current,
}

/// Every step's guards.
///
/// # Errors
/// `RotationRefused`.
pub fn standing(rotation_enabled: bool, labels: &Labels, token: &str) -> Result<Standing, JobError> {
    if !rotation_enabled {
        return Err(refused("rotation is not enabled for the signing secret; enable it, or stop invoking the steps"));
    }
    if labels.current.as_deref() == Some(token) {
        return Ok(Standing::Current);
    }
    if labels.pending.as_deref() == Some(token) {
        return Ok(Standing::Pending);
    }
    Err(refused(&format!("version {token} does not carry AWSPENDING: this rotation was given up; start another one")))
}

/// A rotation needs the edge's word at every turn.
///
/// # Errors
/// `NotConfigured`.
pub fn edge_url(config: &Config) -> Result<&str, JobError> {
    let says = "EDGE_URL is not set: without the edge's own proof no key can be replaced safely";
    config.edge_url.as_deref().ok_or_else(|| JobError::new(Code::NotConfigured, says))
}

/// To move AWSCURRENT is to take AWSPREVIOUS from where it is, so that one must have gone before.
/// `waits_for`: why it has not.
///
/// # Errors
/// `TooEarly`.
pub fn previous_is_gone(seen: &Observed, token: &str, waits_for: Option<String>) -> Result<(), JobError> {
    let emergency = seen.emergency.as_ref().is_some_and(|emergency| emergency.token == token);
    match seen.labels.previous.as_deref().filter(|previous| *previous != token) {
        Some(previous) if !emergency => {
            let message = waits_for.unwrap_or_else(|| format!("{PREVIOUS} is still on {previous}"));
            Err(JobError::new(Code::TooEarly, message))
        }
        _ => Ok(()),
    }
}

/// Only a key that has passed testSecret is promoted.
///
/// # Errors
/// `RotationRefused`.
pub fn tested(rotation: Option<&RotationNote>, token: &str) -> Result<RotationNote, JobError> {
    let note = rotation.filter(|note| note.keyid == token && (note.tested_at.is_some() || note.promoted));
    note.cloned().ok_or_else(|| refused("testSecret has not passed for this version; begin again with createSecret"))
}

/// A name for a new version: Secrets Manager takes 32 to 64 characters.
///
/// # Errors
/// `Defect`, without randomness.
pub fn token() -> Result<String, JobError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| JobError::new(Code::Defect, "no random bytes for the name of a version"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn refused(message: &str) -> JobError {
    JobError::new(Code::RotationRefused, message)
}
