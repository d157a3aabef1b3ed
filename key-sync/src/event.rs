//! From the raw event to a [`Job`]: who may ask for what, and in which words.
//!
//! Four askers: Secrets Manager, a DynamoDB stream, a schedule, and an operator, whose requests are
//! read strictly: a member that is not understood is refused by its name, lest `dry-run` instead of
//! `dry_run` write something. Values are never quoted, because they may be secrets.

use aws_lambda_events::dynamodb::EventRecord;
use aws_lambda_events::secretsmanager::SecretsManagerSecretRotationEvent;
use serde_json::{Map, Value};

use crate::job::{Direct, DryRun, Job, Rotation, Step};
use crate::report::{Code, JobError};

/// What a request may be, for the message of one that is not.
const JOBS: &str = "tick, bootstrap, sync, reconcile, retire, mirror-jwks, put-keys, rotate-emergency or status";

/// `secret`: the ARN or name of the signing secret, the only one that is rotated here.
pub fn parse(payload: &str, secret: &str) -> Result<Job, JobError> {
    let event = match serde_json::from_str(payload) {
        Ok(Value::Object(event)) => event,
        _ => return Err(bad("the event is not a JSON object")),
    };
    if event.contains_key("Step") {
        rotation(event, secret)
    } else if event.contains_key("Records") {
        stream(event)
    } else if event.contains_key("job") {
        direct(event)
    } else if event.get("detail-type").is_some_and(|kind| kind == "Scheduled Event") {
        Ok(Job::Tick)
    } else {
        Err(bad(format!(
            "the event is none of a rotation, a stream or a schedule, and has no member job, which must be {JOBS}"
        )))
    }
}

fn rotation(event: Map<String, Value>, ours: &str) -> Result<Job, JobError> {
    // The event type of the crate knows nothing of it.
    let rotation_token = event.get("RotationToken").and_then(Value::as_str).map(str::to_owned);
    let event: SecretsManagerSecretRotationEvent = serde_json::from_value(Value::Object(event))
        .map_err(|_| bad("the rotation event must have Step, SecretId and ClientRequestToken as text"))?;
    let step = Step::parse(&event.step)
        .ok_or_else(|| bad("Step must be createSecret, setSecret, testSecret or finishSecret"))?;
    if !is_same_secret(&event.secret_id, ours) {
        return Err(bad("SecretId is not the signing secret: key-sync rotates SIGNING_SECRET only"));
    }
    let token = event.client_request_token;
    let sound = (32..=64).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !sound {
        return Err(bad("ClientRequestToken must be 32 to 64 letters, digits and hyphens"));
    }
    Ok(Job::Rotation(Rotation { step, secret: event.secret_id, token, rotation_token }))
}

/// Secrets Manager always names the ARN, which is the name with six characters behind it.
fn is_same_secret(arn: &str, ours: &str) -> bool {
    let named = || arn.split_once(":secret:")?.1.strip_prefix(ours)?.strip_prefix('-');
    arn == ours || named().is_some_and(|rest| rest.len() == 6 && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn stream(mut event: Map<String, Value>) -> Result<Job, JobError> {
    let records: Vec<EventRecord> = event
        .remove("Records")
        .and_then(|records| serde_json::from_value(records).ok())
        .ok_or_else(|| bad("Records must be those of a DynamoDB stream"))?;
    if records.iter().any(|record| record.event_source.as_deref() != Some("aws:dynamodb")) {
        return Err(bad("Records must be those of a DynamoDB stream, with eventSource aws:dynamodb"));
    }
    Ok(Job::Stream(records))
}

fn direct(event: Map<String, Value>) -> Result<Job, JobError> {
    let mut request = Request(event);
    let job = request.0.remove("job");
    let direct = match job.as_ref().and_then(Value::as_str) {
        Some("tick") => {
            request.finish()?;
            return Ok(Job::Tick);
        }
        Some("bootstrap") => Direct::Bootstrap,
        Some("sync") => Direct::Sync { names: request.names()? },
        Some("reconcile") => Direct::Reconcile { allow_deletions: request.flag("allow_deletions")? },
        Some("retire") => Direct::Retire,
        Some("mirror-jwks") => Direct::MirrorJwks,
        Some("put-keys") => Direct::PutKeys { keys: request.keys()? },
        Some("rotate-emergency") => Direct::RotateEmergency,
        Some("status") => Direct::Status,
        _ => return Err(bad(format!("job must be {JOBS}"))),
    };
    let dry_run = if request.flag("dry_run")? { DryRun::Yes } else { DryRun::No };
    request.finish()?;
    Ok(Job::Direct(direct, dry_run))
}

/// The members of an operator's request that have not been read yet.
struct Request(Map<String, Value>);

impl Request {
    fn flag(&mut self, name: &str) -> Result<bool, JobError> {
        match self.0.remove(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(bad(format!("{name} must be true or false"))),
        }
    }

    fn names(&mut self) -> Result<Vec<String>, JobError> {
        let Some(names) = self.0.remove("names") else { return Ok(Vec::new()) };
        let form =
            "names must be a list of keys of the table, as in [\"key#<hash>\", \"issuer#<iss>\", \"route#<id>\"]";
        let names: Vec<String> = serde_json::from_value(names).map_err(|_| bad(form))?;
        let known = |name: &String| ["key#", "issuer#", "route#"].iter().any(|kind| name.starts_with(kind));
        if names.iter().all(known) { Ok(names) } else { Err(bad(form)) }
    }

    fn keys(&mut self) -> Result<Vec<Value>, JobError> {
        match self.0.remove("keys") {
            Some(Value::Array(keys)) => Ok(keys),
            _ => Err(bad("keys must be a list of key records, each with its hash")),
        }
    }

    fn finish(self) -> Result<(), JobError> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(bad(format!("{name:?} is not understood for this job"))),
        }
    }
}

fn bad(message: impl Into<String>) -> JobError {
    JobError::new(Code::BadInput, message)
}

#[cfg(test)]
mod tests;
