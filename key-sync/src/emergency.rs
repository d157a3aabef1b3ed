//! The emergency rotation: the old key must stop working now, and refusals are the price.
//!
//! It is an ordinary rotation to a version whose name is written down first. For that one, the rules
//! of overlap do not hold, and every warm environment of the authorizer is replaced in the end, so
//! that no remembered label map accepts the old key.

use std::error::Error;

use aws_sdk_lambda::types::{Environment, EnvironmentResponse};
use countersign_store::secret::Started;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

use crate::job::DryRun;
use crate::repair::run::Run;
use crate::report::{Code, JobError, Report};
use crate::rotate::guards;
use crate::start::KeySync;

/// `sync#emergency`: which rotation is one.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct EmergencyNote {
    /// The version that it rotates to.
    pub token: String,
    /// Milliseconds since the Unix epoch.
    pub requested_at: u64,
}

/// Changed to replace the authorizer's environments; the function itself does not read it.
const RETIRED_AT: &str = "KEYS_RETIRED_AT";

const REMEDY: &str =
    "allow it for AUTHORIZER_FUNCTION: until its environments are replaced, warm ones may accept the old key";

const ROTATION_IS_OFF: &str = "rotation is not enabled for the signing secret, so nothing was changed: deploy the \
     template with RotateEvery, such as rate(30 days), and try again; where that is set, somebody cancelled the \
     rotation, and aws secretsmanager rotate-secret --no-rotate-immediately enables it";

/// Starts an emergency rotation. What follows are Secrets Manager's four steps.
///
/// # Errors
/// Why it could not be started; `RotationRefused` where another rotation is in the way.
pub async fn rotate(key_sync: &KeySync, until: Instant, dry: DryRun) -> Result<Report, JobError> {
    guards::edge_url(&key_sync.config)?;
    authorizer(key_sync)?;
    let token = guards::token()?;
    let mut run = Run::begin(key_sync, until, dry).await.map_err(|error| error.at("rotate-emergency"))?;
    let prepared = prepare(&mut run, &token, dry).await.map_err(|error| error.at("rotate-emergency"));
    // The lease is free again before the first step asks for it.
    let report = run.end(prepared).await?.with("token", token.as_str());
    if dry.is_dry() {
        return Ok(report);
    }
    let started = key_sync.secret.start_rotation(&token).await;
    match started.map_err(|error| JobError::secret(&error).at("rotate-emergency"))? {
        Started::Yes => Ok(report.with("started", json!(true))),
        Started::Conflict(says) => {
            let message = format!("rotate-emergency: Secrets Manager does not start a rotation: {says}");
            Err(JobError::new(Code::RotationRefused, message))
        }
    }
}

/// Clears the way and writes down which rotation is the emergency.
async fn prepare(run: &mut Run<'_>, token: &str, dry: DryRun) -> Result<Option<String>, JobError> {
    if !run.rotation_enabled {
        return Err(JobError::new(Code::NotConfigured, ROTATION_IS_OFF));
    }
    let waits_for = match run.settle().await {
        // Left of an earlier emergency: the end of this one replaces the environments as well.
        Err(error) if error.code == Code::LambdaUnavailable => None,
        settled => settled?,
    };
    if !dry.is_dry() {
        run.give_up_pending().await?;
        let requested_at = run.key_sync.now().as_millis();
        run.note_emergency(EmergencyNote { token: token.to_owned(), requested_at }).await?;
    }
    Ok(waits_for)
}

/// Every warm environment of the authorizer is replaced by a change of its configuration, which
/// otherwise stays as it is.
///
/// # Errors
/// `LambdaUnavailable`, `NotConfigured`.
pub async fn replace_environments(key_sync: &KeySync) -> Result<(), JobError> {
    let function = authorizer(key_sync)?;
    let found = key_sync.lambda.get_function_configuration().function_name(function).send().await;
    let found = found.map_err(|error| unavailable("GetFunctionConfiguration", &causes(&error)))?;
    let environment = found.environment.unwrap_or_else(|| EnvironmentResponse::builder().build());
    if environment.error.is_some() {
        return Err(unavailable("GetFunctionConfiguration", "the variables cannot be read, so they cannot be kept"));
    }
    let mut variables = environment.variables.unwrap_or_default();
    variables.insert(RETIRED_AT.to_owned(), key_sync.now().as_secs().to_string());
    let update = key_sync
        .lambda
        .update_function_configuration()
        .function_name(function)
        .set_revision_id(found.revision_id)
        .environment(Environment::builder().set_variables(Some(variables)).build());
    update.send().await.map(drop).map_err(|error| unavailable("UpdateFunctionConfiguration", &causes(&error)))
}

/// What went wrong and why, without the answer's body: it has the function's variables.
fn causes(error: &dyn Error) -> String {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn unavailable(call: &str, why: &str) -> JobError {
    JobError::new(Code::LambdaUnavailable, format!("{call} of the authorizer: {why}; {REMEDY}"))
}

fn authorizer(key_sync: &KeySync) -> Result<&str, JobError> {
    key_sync.config.authorizer_function.as_deref().ok_or_else(|| {
        let says = "AUTHORIZER_FUNCTION is not set: without it the authorizer's environments cannot be replaced";
        JobError::new(Code::NotConfigured, says)
    })
}
