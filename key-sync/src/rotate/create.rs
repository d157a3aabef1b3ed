//! createSecret: from a settled edge, a new key is made and stored.

use std::time::Duration;

use countersign_store::secret::Put;
use tokio::time::sleep;

use super::guards;
use super::note::RotationNote;
use crate::job::{Rotation, Step};
use crate::repair::run::Run;
use crate::report::{Code, JobError};
use crate::signing_key;

/// A value that was just stored may not be readable at once.
const READS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn create(run: &mut Run<'_>, rotation: &Rotation) -> Result<Option<String>, JobError> {
    let token = &rotation.token;
    // A rotation begins where the last one has ended; one that is committed is finished here.
    let waits_for = run.settle().await?;
    if run.seen.labels.current.as_ref() == Some(token) {
        return Ok(None);
    }
    guards::standing(run.rotation_enabled, &run.seen.labels, token)?;
    guards::previous_is_gone(&run.seen, token, waits_for)?;
    if run.deployment().await?.is_none() {
        let message = "the edge runs more than one version of the Worker; deploy one at 100 %, then rotate";
        return Err(JobError::new(Code::NeedsOperator, message));
    }
    make_key(run, token, rotation.rotation_token.as_deref()).await?;
    let now = run.key_sync.now();
    let note = run.seen.rotation.clone().filter(|note| note.keyid == *token);
    let note = note.unwrap_or_else(|| RotationNote::new(token, Step::Create.name(), now));
    run.note_rotation(note.at(Step::Create.name(), now)).await?;
    Ok(None)
}

/// A key as the version `token`, stored and published where the authorizer reads it. One that is
/// there already is kept: the edge may have it.
///
/// # Errors
/// `SecretMalformed` where the version holds something that is no key.
pub async fn make_key(run: &mut Run<'_>, token: &str, rotation_token: Option<&str>) -> Result<(), JobError> {
    run.read_key(token).await?;
    if !run.keys.contains_key(token) && !run.unusable.contains_key(token) {
        let value = signing_key::generate(run.key_sync.config.signing_algorithm)?;
        run.renew().await?;
        match run.key_sync.secret.put_pending(token, &value, rotation_token).await {
            // What an earlier attempt has stored is read like our own.
            Ok(Put::Stored | Put::OtherValueThere) => read_back(run, token).await?,
            Err(error) => return Err(JobError::secret(&error)),
        }
    }
    if let Some(unusable) = run.unusable.get(token) {
        let message = format!("version {token}: {unusable}; take AWSPENDING off it and start another rotation");
        return Err(JobError::new(Code::SecretMalformed, message));
    }
    run.seen.labels.pending = Some(token.to_owned());
    if run.seen.unpublished.contains(token) {
        run.publish(token).await?;
    }
    run.note_what_is_readable().await
}

async fn read_back(run: &mut Run<'_>, token: &str) -> Result<(), JobError> {
    let mut pause = FIRST_PAUSE;
    for _ in 0..READS {
        run.read_key(token).await?;
        if run.keys.contains_key(token) || run.unusable.contains_key(token) {
            return Ok(());
        }
        sleep(pause).await;
        pause *= 2;
    }
    let message = format!("the value of version {token} was stored and cannot be read yet; the next attempt goes on");
    Err(JobError::new(Code::SecretUnavailable, message))
}
