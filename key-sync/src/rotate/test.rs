//! testSecret: the edge proves that it has the new key, and that a request which it signs with that
//! key passes the gateway and the authorizer.

use countersign_decision::time::Timestamp;

use super::guards;
use super::note::RotationNote;
use crate::job::Step;
use crate::probe::Asked;
use crate::repair::edge::{Answer, PASSED};
use crate::repair::run::Run;
use crate::repair::words::gateway_refused;
use crate::report::{Code, JobError};

pub(super) async fn test(run: &mut Run<'_>, token: &str) -> Result<Option<String>, JobError> {
    let Some(note) = run.seen.rotation.clone().filter(|note| note.keyid == token) else {
        return test_current(run).await;
    };
    let asked = if note.promoted { Asked::Active } else { Asked::Standby };
    let known = run.seen.note.readable_at(token).unwrap_or_else(|| run.key_sync.now());
    run.wait(known.plus(run.key_sync.lifetimes.activation_delay)).await?;
    prove(run, asked, token).await?;
    let now = run.key_sync.now();
    run.note_rotation(RotationNote { tested_at: Some(Timestamp::as_millis(now)), ..note.at(Step::Test.name(), now) })
        .await?;
    Ok(None)
}

/// Secrets Manager also asks for this step alone, when a schedule is set up: with a version that was
/// never pushed, to learn whether rotation would work.
async fn test_current(run: &mut Run<'_>) -> Result<Option<String>, JobError> {
    let current = run.seen.labels.current.clone();
    let current = current.ok_or_else(|| JobError::new(Code::SecretMalformed, "no version carries AWSCURRENT"))?;
    prove(run, Asked::Active, &current).await?;
    Ok(None)
}

async fn prove(run: &Run<'_>, asked: Asked, keyid: &str) -> Result<(), JobError> {
    let url = guards::edge_url(&run.key_sync.config)?;
    let wrong = |found: &str| {
        let message = format!("the edge should prove the key {keyid} and {found}; it may not have arrived yet");
        Err(JobError::new(Code::EdgeWrongKey, message))
    };
    match run.ask(url, asked).await? {
        Err(why) => Err(JobError::new(Code::EdgeUnreachable, why)),
        Ok(Answer::Proved { keyid: found, gateway_status }) if found == keyid => match gateway_status {
            PASSED => Ok(()),
            status => Err(JobError::new(Code::GatewayRefusedProbe, gateway_refused(status))),
        },
        Ok(Answer::Proved { keyid: found, .. } | Answer::Other { keyid: found }) => wrong(&format!("proves {found}")),
        Ok(Answer::Empty) => wrong("has an empty slot"),
        Ok(Answer::Unverified) => wrong("accepts no labelled key"),
    }
}
