//! Records of keys from a team's own key system, judged line by line and written to the table; from
//! there they go to the edge as every other change does.
//!
//! Only hashes come in. A line that holds a raw key, wherever in it, is refused with words that do
//! not repeat it. A key that was revoked stays revoked. A line that is refused is wrong; one that failed
//! is not, and may be sent again. Where nothing but failures came of the writes, the job has failed.

mod line;

use std::collections::{BTreeMap, BTreeSet};

use countersign_store::records::{Expect, Written};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::job::DryRun;
use crate::report::{Code, JobError, Report};
use crate::start::KeySync;
use line::{Change, Line};

/// Lines of one request.
const LINES: usize = 1_000;
/// Calls in a row that the table did not answer, after which it is not called again.
const UNANSWERED: u32 = 3;

/// What became of a line.
#[derive(Debug, Eq, PartialEq)]
enum Outcome {
    Created,
    Updated,
    Unchanged,
    Refused(String),
    /// The line may be good, and was not written.
    Failed(Failure),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Failure {
    NoTime,
    NotTried,
    NoAnswer,
}

impl Failure {
    const fn why(self) -> &'static str {
        match self {
            Self::NoTime => "no time was left: send this line again",
            Self::NotTried => "not tried, since the table does not answer: send this line again",
            Self::NoAnswer => "the table did not answer: send this line again",
        }
    }
}

impl Outcome {
    const fn name(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
        }
    }

    fn why(&self) -> Option<&str> {
        match self {
            Self::Refused(why) => Some(why),
            Self::Failed(failure) => Some(failure.why()),
            Self::Created | Self::Updated | Self::Unchanged => None,
        }
    }
}

pub async fn put_keys(key_sync: &KeySync, keys: &[Value], until: Instant, dry_run: DryRun) -> Result<Report, JobError> {
    if !key_sync.config.put_keys {
        return Err(JobError::new(Code::NotConfigured, "PUT_KEYS is off: key-sync may not write records of keys"));
    }
    if keys.is_empty() || keys.len() > LINES {
        return Err(JobError::new(Code::BadInput, format!("keys must be a list of 1 to {LINES} records")));
    }
    let lines: Vec<_> = keys.iter().map(Line::read).collect();
    let stored = read(key_sync, &lines).await?;
    let mut seen = BTreeSet::new();
    let mut outcomes = Vec::with_capacity(lines.len());
    let (mut unanswered, mut cause) = (0, None);
    for line in &lines {
        let outcome = match line {
            Err(why) => Outcome::Refused((*why).clone()),
            Ok(line) if !seen.insert(&line.hash) => Outcome::Refused("hash: twice in one request".to_owned()),
            Ok(_) if Instant::now() >= until => Outcome::Failed(Failure::NoTime),
            Ok(_) if unanswered == UNANSWERED => Outcome::Failed(Failure::NotTried),
            Ok(line) => match put(key_sync, line, stored.get(&line.pk()), dry_run).await {
                Ok(outcome) => {
                    unanswered = 0;
                    outcome
                }
                Err(error) => {
                    unanswered += 1;
                    cause = Some(error.message);
                    Outcome::Failed(Failure::NoAnswer)
                }
            },
        };
        outcomes.push((line.as_ref().ok().map(Line::short_hash), outcome));
    }
    let mut report = report(&outcomes, dry_run);
    if let Some(cause) = &cause {
        report.set("table", cause.clone());
    }
    match failure(&outcomes, cause) {
        None => Ok(report),
        Some(error) => Err(error.after(report)),
    }
}

/// Whether there was something to write and none of it is known to be written.
fn failure(outcomes: &[(Option<&str>, Outcome)], cause: Option<String>) -> Option<JobError> {
    let failed = outcomes.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_))).count();
    if failed == 0 || outcomes.iter().any(|(_, outcome)| matches!(outcome, Outcome::Created | Outcome::Updated)) {
        return None;
    }
    let message = format!("none of {} lines is known to be written: send all of them again", outcomes.len());
    Some(match cause {
        Some(cause) => JobError::new(Code::TableUnavailable, format!("{message}; {cause}")),
        None => JobError::new(Code::OutOfTime, message),
    })
}

/// The records that are there, without their partition keys.
async fn read(
    key_sync: &KeySync,
    lines: &[Result<Line, String>],
) -> Result<BTreeMap<String, Map<String, Value>>, JobError> {
    let pks: Vec<_> = lines.iter().flatten().map(Line::pk).collect();
    let found = key_sync.table.read_items(&pks).await.map_err(|error| JobError::table(&error))?;
    Ok(found.into_iter().filter_map(|(pk, item)| Some((pk, item?))).collect())
}

async fn put(
    key_sync: &KeySync,
    line: &Line,
    stored: Option<&Map<String, Value>>,
    dry_run: DryRun,
) -> Result<Outcome, JobError> {
    let (outcome, attributes, expect) = match line.change(stored, key_sync.now()) {
        Ok(Change::None) => return Ok(Outcome::Unchanged),
        Ok(Change::Create(attributes)) => (Outcome::Created, attributes, Expect::Absent),
        Ok(Change::Update { attributes, version }) => (Outcome::Updated, attributes, Expect::Version(version)),
        Err(why) => return Ok(Outcome::Refused(why)),
    };
    if dry_run == DryRun::Yes {
        return Ok(outcome);
    }
    let written = key_sync.table.put_record(&line.pk(), attributes, expect).await;
    Ok(match written.map_err(|error| JobError::table(&error))? {
        Written::Done => outcome,
        Written::Conflict(_) => {
            Outcome::Refused("the record changed at the same moment: send this line again".to_owned())
        }
    })
}

fn report(outcomes: &[(Option<&str>, Outcome)], dry_run: DryRun) -> Report {
    let mut counts = BTreeMap::from(["created", "updated", "unchanged", "refused", "failed"].map(|name| (name, 0_u32)));
    let mut lines = Vec::with_capacity(outcomes.len());
    for (number, (hash, outcome)) in (1_u32..).zip(outcomes) {
        *counts.entry(outcome.name()).or_default() += 1;
        let mut line = json!({ "line": number, "hash": hash, "outcome": outcome.name() });
        if let (Some(why), Some(line)) = (outcome.why(), line.as_object_mut()) {
            line.insert("why".to_owned(), json!(why));
        }
        lines.push(line);
    }
    let mut report = Report::new().with("lines", lines);
    for (name, count) in counts {
        report.set(name, count);
    }
    if dry_run == DryRun::Yes {
        report.set("dry_run", true);
    }
    report
}
