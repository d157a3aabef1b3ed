//! The four steps of a rotation, as Secrets Manager asks for them, each safe to repeat and to kill.
//!
//! A step does its own part and leaves the rest to `repair`, which knows what the edge must hold and
//! when a label may move: so whatever a killed step leaves behind, the next step or the tick goes on
//! from it. Between createSecret and finishSecret nothing has changed for anybody but the standby.
//!
//! ```text
//! create: settle, make the key ─► set: settle pushes it ─► test: the edge proves it ─► finish: commit, settle
//! ```

pub mod create;
mod finish;
pub mod guards;
pub mod note;
mod set;
mod test;

use tokio::time::Instant;

use self::guards::Standing;
use self::note::RotationNote;
use crate::job::{DryRun, Rotation, Step};
use crate::repair::run::Run;
use crate::report::{Code, JobError, Report};
use crate::start::KeySync;

/// One step.
///
/// # Errors
/// Named after the step; Secrets Manager tries the whole rotation again.
pub async fn step(key_sync: &KeySync, rotation: &Rotation, until: Instant) -> Result<Report, JobError> {
    let begun = Run::begin(key_sync, until, DryRun::No).await;
    let mut run = begun.map_err(|error| error.at(rotation.step.name()))?;
    let outcome = perform(&mut run, rotation).await;
    if let Err(error) = &outcome {
        note_failure(&mut run, rotation, error).await;
    }
    run.end(outcome.map_err(|error| error.at(rotation.step.name()))).await
}

async fn perform(run: &mut Run<'_>, rotation: &Rotation) -> Result<Option<String>, JobError> {
    guards::edge_url(&run.key_sync.config)?;
    match (guards::standing(run.rotation_enabled, &run.seen.labels, &rotation.token)?, rotation.step) {
        (Standing::Current, Step::Create | Step::Set | Step::Test) => Ok(None),
        (Standing::Pending, Step::Create) => create::create(run, rotation).await,
        (Standing::Pending, Step::Set) => set::set(run, &rotation.token).await,
        (Standing::Pending, Step::Test) => test::test(run, &rotation.token).await,
        (standing, Step::Finish) => finish::finish(run, standing, &rotation.token).await,
    }
}

/// For `status`; the error itself goes to Secrets Manager and the log.
async fn note_failure(run: &mut Run<'_>, rotation: &Rotation, error: &JobError) {
    let ours = run.seen.rotation.as_ref().filter(|note| note.keyid == rotation.token).cloned();
    if let Some(note) = ours
        && error.code != Code::LeaseLost
    {
        let says = format!("{}: {error}", rotation.step.name());
        let _ = run.note_rotation(RotationNote { error: Some(says), ..note }).await;
    }
}
