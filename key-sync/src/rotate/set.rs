//! setSecret: the new key becomes the edge's standby.

use super::note::RotationNote;
use crate::job::Step;
use crate::repair::run::Run;
use crate::report::{Code, JobError};

pub(super) async fn set(run: &mut Run<'_>, token: &str) -> Result<Option<String>, JobError> {
    run.settle().await?;
    if run.seen.labels.current.as_deref() == Some(token) {
        return Ok(None);
    }
    let pushed = run.seen.note.layout.as_ref().is_some_and(|layout| layout.standby.as_deref() == Some(token));
    if !pushed {
        let message = "the version has no key that could be pushed; begin again with createSecret";
        return Err(JobError::new(Code::RotationRefused, message));
    }
    let now = run.key_sync.now();
    let note = run.seen.rotation.clone().filter(|note| note.keyid == token);
    let note = note.unwrap_or_else(|| RotationNote::new(token, Step::Set.name(), now));
    run.note_rotation(note.at(Step::Set.name(), now)).await?;
    Ok(None)
}
