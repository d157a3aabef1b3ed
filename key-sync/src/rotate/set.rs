//! setSecret: the new key becomes the edge's standby.

use super::note::RotationNote;
use crate::edge_keys::layout::{Layout, Slot};
use crate::job::Step;
use crate::repair::run::Run;
use crate::report::{Code, JobError};

pub(super) async fn set(run: &mut Run<'_>, token: &str) -> Result<Option<String>, JobError> {
    run.settle().await?;
    if run.seen.labels.current.as_deref() == Some(token) {
        return Ok(None);
    }
    // Where the rotation is committed already, the key is no longer the standby.
    let holds = |slot| move |layout: &Layout| layout.key_in(slot) == Some(token);
    let layout = run.seen.note.layout.as_ref();
    let pushed = layout.is_some_and(holds(Slot::A)) || layout.is_some_and(holds(Slot::B));
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
