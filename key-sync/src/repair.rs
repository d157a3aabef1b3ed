//! Keeping labels and edge in agreement: after a crash, a lost push, a rollback of the Worker, and
//! when an overlap has run.
//!
//! `plan` decides, `run` carries out, under the lease `rotation`. A tick, `retire` and `bootstrap` are
//! nothing else; a rotation step adds its own part (`rotate`).

pub mod edge;
mod look;
pub mod plan;
pub mod run;
pub mod words;

#[cfg(test)]
mod tests;

use tokio::time::Instant;

use self::run::Run;
use crate::job::DryRun;
use crate::report::{Code, JobError, Report};
use crate::start::KeySync;

/// The tick's part in signing keys: repairs, and retirement where it is due.
///
/// # Errors
/// Why the edge cannot be brought to agree with the labels.
pub async fn repair(key_sync: &KeySync, until: Instant, dry: DryRun) -> Result<Report, JobError> {
    let mut run = Run::begin(key_sync, until, dry).await.map_err(|error| error.at("repair"))?;
    let outcome = run.settle().await.map_err(|error| error.at("repair"));
    run.end(outcome).await
}

/// The same by an operator's wish to see AWSPREVIOUS gone.
///
/// # Errors
/// As `repair`; and `TooEarly` where AWSPREVIOUS has to stay for a while.
pub async fn retire(key_sync: &KeySync, until: Instant, dry: DryRun) -> Result<Report, JobError> {
    let mut run = Run::begin(key_sync, until, dry).await.map_err(|error| error.at("retire"))?;
    let outcome = match run.settle().await {
        Ok(Some(waits_for)) if !dry.is_dry() => Err(JobError::new(Code::TooEarly, waits_for)),
        outcome => outcome,
    };
    run.end(outcome.map_err(|error| error.at("retire"))).await
}

/// Labels, the keys' ages, and what both slots of the edge prove. Reads only, and needs no lease.
///
/// # Errors
/// What could not be read. An edge that does not answer is part of the report.
pub async fn look(key_sync: &KeySync, until: Instant) -> Result<Report, JobError> {
    let mut run = Run::begin(key_sync, until, DryRun::Yes).await?;
    let outcome = run.ask_edge().await.map(|()| None);
    run.end(outcome).await
}
