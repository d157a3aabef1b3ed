//! One invocation: event, job, answer, log line. The deadline is Lambda's, less what it takes to say
//! that it has come; whatever a job was doing then, a later run takes up.

use std::future::Future;
use std::time::Duration;

use aws_lambda_events::dynamodb::EventRecord;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::job::{Direct, DryRun, Job};
use crate::metrics::{Measure, journal};
use crate::reconcile::Options;
use crate::report::{Code, JobError, Report};
use crate::start::KeySync;
use crate::{edge_keys, emergency, event, mirror, publish, put_keys, reconcile, repair, rotate, status, stream};

/// What an invocation has come to.
pub struct Done {
    /// For Lambda: the answer, or the function's error.
    pub answer: Result<Value, JobError>,
    /// For the log: JSON, each line with its line feed.
    pub lines: String,
}

/// How a job ended. One that failed may have done a part of its work, and may have an answer all the
/// same: a stream's says where to go on.
struct Ended {
    report: Report,
    error: Option<JobError>,
    answer: Option<Value>,
}

/// What a job needs to stop by itself before it is stopped.
const GRACE: Duration = Duration::from_secs(2);

/// For the key sets of all issuers in a batch: the next batch waits behind it, and a tick does the rest.
const MIRRORING: Duration = Duration::from_secs(5);

/// `left`: what Lambda allows from now on.
pub async fn handle(key_sync: &KeySync, payload: &str, invocation: &str, left: Duration) -> Done {
    let started = Instant::now();
    let until = started + left.saturating_sub(2 * GRACE).max(left / 2);
    let job = event::parse(payload, &key_sync.config.signing_secret);
    let name = job.as_ref().map_or("unknown", Job::name);
    let ended = match job {
        // Boxed: the SDK's futures nest so deeply that the compiler gives up on their layout otherwise.
        Ok(job) => Box::pin(run(key_sync, job, until)).await,
        Err(error) => error.into(),
    };
    if ended.error.as_ref().is_some_and(|error| error.code == Code::CloudflareRefused) {
        key_sync.forget_token().await;
    }
    let lines = journal::lines(&journal::Entry {
        job: name,
        invocation,
        report: &ended.report,
        error: ended.error.as_ref(),
        duration: started.elapsed(),
        now: key_sync.now(),
        namespace: &key_sync.config.metrics_namespace,
    });
    let answer = match (ended.answer, ended.error) {
        (Some(answer), _) => Ok(answer),
        (None, Some(error)) => Err(error),
        (None, None) => Ok(ended.report.into_json()),
    };
    Done { answer, lines }
}

async fn run(key_sync: &KeySync, job: Job, until: Instant) -> Ended {
    match job {
        Job::Rotation(rotation) => {
            let ended: Ended = in_time(until, rotate::step(key_sync, &rotation, until)).await.into();
            // Secrets Manager reads no answer, only whether there is one.
            Ended { answer: ended.error.is_none().then_some(Value::Null), ..ended }
        }
        Job::Stream(records) => changes(key_sync, &records, until).await,
        Job::Tick => tick(key_sync, until).await,
        Job::Direct(direct, dry_run) => in_time(until, asked_for(key_sync, direct, dry_run, until)).await.into(),
    }
}

async fn asked_for(key_sync: &KeySync, direct: Direct, dry_run: DryRun, until: Instant) -> Result<Report, JobError> {
    match direct {
        Direct::Bootstrap => edge_keys::bootstrap(key_sync, until, dry_run).await,
        Direct::Sync { names } => publish::sync(key_sync, &names, until, dry_run).await,
        Direct::Reconcile { allow_deletions } => {
            reconcile::reconcile(key_sync, Options { allow_deletions, dry_run }, until).await
        }
        Direct::Retire => repair::retire(key_sync, until, dry_run).await,
        Direct::MirrorJwks => mirror::mirror(key_sync, until, dry_run).await,
        Direct::PutKeys { keys } => put_keys::put_keys(key_sync, &keys, until, dry_run).await,
        Direct::RotateEmergency => emergency::rotate(key_sync, until, dry_run).await,
        Direct::Status => status::status(key_sync, until).await,
    }
}

/// Lambda repeats a batch from the first record that is named; one that is not done in time, whole.
async fn changes(key_sync: &KeySync, records: &[EventRecord], until: Instant) -> Ended {
    let published = in_time(until, async { Ok(stream::publish_batch(key_sync, records, until).await) }).await;
    let published = match published {
        Ok(published) => published,
        Err(error) => return error.into(),
    };
    let failures: Vec<_> = published.failed_from.iter().map(|number| json!({ "itemIdentifier": number })).collect();
    let mut report = published.report;
    let issuers = mirror::issuers_in(records);
    if !issuers.is_empty() {
        // A key set that is not to be had now is had by a tick; the batch is published all the same.
        let until = until.min(Instant::now() + MIRRORING);
        match in_time(until, mirror::mirror_these(key_sync, &issuers, until)).await {
            Ok(mirrored) => report.absorb("mirror", mirrored),
            Err(error) => report.set("mirror", error.to_string()),
        }
    }
    Ended { report, error: published.error, answer: Some(json!({ "batchItemFailures": failures })) }
}

/// Rotation goes first: requests may be refused until it is mended. No part waits for another's luck.
/// Boxed, so that the stack has room for one part at a time.
async fn tick(key_sync: &KeySync, until: Instant) -> Ended {
    let mut tick = Parts::default();
    let share = share_of(until, 3);
    tick.add("repair", in_time(share, Box::pin(repair::repair(key_sync, share, DryRun::No))).await);
    let share = share_of(until, 2);
    tick.add("mirror-jwks", in_time(share, Box::pin(mirror::mirror(key_sync, share, DryRun::No))).await);
    let options = Options { allow_deletions: false, dry_run: DryRun::No };
    tick.add("reconcile", in_time(until, Box::pin(reconcile::reconcile(key_sync, options, until))).await);
    tick.end()
}

#[derive(Default)]
struct Parts {
    report: Report,
    failed: Vec<String>,
    refused_by_cloudflare: bool,
}

impl Parts {
    fn add(&mut self, part: &'static str, outcome: Result<Report, JobError>) {
        match outcome {
            Ok(report) => self.report.absorb(part, report),
            // Whoever holds the lease is at it; the next tick looks again.
            Err(error) if error.code == Code::LeaseHeld => self.report.set(part, error.to_string()),
            Err(mut error) => {
                let done = std::mem::take(&mut *error.done);
                self.report.absorb(part, done.with("error", error.to_string()));
                self.report.measure(Measure::failed_part(part));
                self.refused_by_cloudflare |= error.code == Code::CloudflareRefused;
                self.failed.push(format!("{part}: {error}"));
            }
        }
    }

    fn end(self) -> Ended {
        let code = if self.refused_by_cloudflare { Code::CloudflareRefused } else { Code::PartsFailed };
        let error = (!self.failed.is_empty()).then(|| JobError::new(code, self.failed.join("; ")));
        Ended { report: self.report, error, answer: None }
    }
}

fn share_of(until: Instant, parts: u32) -> Instant {
    let now = Instant::now();
    now + until.saturating_duration_since(now) / parts
}

/// A job ends itself at `until`; one that does not is stopped a little later, as by a crash.
async fn in_time<T>(until: Instant, job: impl Future<Output = Result<T, JobError>>) -> Result<T, JobError> {
    let stopped = || JobError::new(Code::OutOfTime, "the invocation's deadline came first; a later run goes on");
    tokio::time::timeout_at(until + GRACE, job).await.unwrap_or_else(|_| Err(stopped()))
}

impl From<Result<Report, JobError>> for Ended {
    fn from(outcome: Result<Report, JobError>) -> Self {
        match outcome {
            Ok(report) => Self { report, error: None, answer: None },
            Err(error) => error.into(),
        }
    }
}

impl From<JobError> for Ended {
    fn from(mut error: JobError) -> Self {
        Self { report: std::mem::take(&mut *error.done), error: Some(error), answer: None }
    }
}
