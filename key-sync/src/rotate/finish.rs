//! finishSecret: commits to the new key. From then on every push, whoever makes it, makes it active,
//! until the labels say so themselves; what is still to be done is what a tick would do as well.

use super::guards::{self, Standing};
use super::note::RotationNote;
use crate::job::Step;
use crate::repair::run::Run;
use crate::report::{Code, JobError};

pub(super) async fn finish(run: &mut Run<'_>, standing: Standing, token: &str) -> Result<Option<String>, JobError> {
    if standing == Standing::Pending {
        let note = guards::tested(run.seen.rotation.as_ref(), token)?;
        guards::previous_is_gone(&run.seen, token, None)?;
        let note = note.at(Step::Finish.name(), run.key_sync.now());
        run.note_rotation(RotationNote { promoted: true, ..note }).await?;
    }
    let waits_for = run.settle().await?;
    if run.seen.labels.current.as_deref() == Some(token) {
        return Ok(waits_for);
    }
    let message = waits_for.unwrap_or_else(|| "AWSCURRENT has not moved; the next run goes on".to_owned());
    Err(JobError::new(Code::NeedsOperator, message))
}
