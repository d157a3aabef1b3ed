//! The mirror of key sets: each issuer's JWK Set is fetched, judged and written to the table, where the
//! authorizer reads it before it asks the issuer. So a cold start needs no internet, and neither does
//! a function in a private network.
//!
//! Whoever fails waits behind whoever has not been asked for longest, so an issuer that hangs takes
//! only its own turn. How a set is judged is known to `decision::token::mirrored`.

mod issuers;

use std::time::Duration;

use countersign_decision::limits;
use countersign_decision::record::issuer::IssuerRecord;
use countersign_decision::time::Timestamp;
use countersign_decision::token::{Mirrored, discovery};
use countersign_store::key_sets::MirroredKeySet;
use countersign_store::table::Record;
use serde_json::{Value, json};
use tokio::time::Instant;

use self::issuers::Issuers;
pub use self::issuers::issuers_in;
use crate::job::DryRun;
use crate::metrics::Measure;
use crate::report::{Code, JobError, Report};
use crate::start::KeySync;

/// For one issuer: discovery, where it is needed, and the set.
const PATIENCE: Duration = Duration::from_secs(5);

/// Failures that a report tells of.
const TOLD: usize = 20;

/// All issuers of the table, as far as the time reaches.
///
/// # Errors
/// `KeySetUnavailable`: the table has no fresh set of some issuer, and none was to be had; or there are
/// more issuers than are mirrored.
pub async fn mirror(key_sync: &KeySync, until: Instant, dry_run: DryRun) -> Result<Report, JobError> {
    let issuers = Issuers::known(key_sync, until).await?;
    let mut run = look_at(key_sync, issuers.longest_waiting_first(), until, dry_run).await?;
    run.beyond = issuers.beyond;
    if !dry_run.is_dry() {
        issuers.note(key_sync, &run.looked_at, &run.gone).await?;
    }
    run.report()
}

/// These issuers only, whose records have just been written.
pub async fn mirror_these(key_sync: &KeySync, these: &[String], until: Instant) -> Result<Report, JobError> {
    let run = look_at(key_sync, these.to_vec(), until, DryRun::No).await?;
    Issuers::read(key_sync).await?.note(key_sync, &run.looked_at, &run.gone).await?;
    run.report()
}

/// For a status: the age of each issuer's set in seconds, `null` where it has none.
pub async fn ages(key_sync: &KeySync, until: Instant) -> Result<Value, JobError> {
    let mut ages = serde_json::Map::new();
    for issuer in Issuers::known(key_sync, until).await?.longest_waiting_first() {
        let set = key_sync.table.key_set(&issuer).await.map_err(|error| JobError::table(&error))?;
        let age = set.and_then(Result::ok).map(|set| key_sync.now().since(set.fetched_at).as_secs());
        ages.insert(issuer, age.into());
        if Instant::now() >= until {
            break;
        }
    }
    Ok(Value::Object(ages))
}

#[derive(Default)]
struct Run {
    looked_at: Vec<(String, Timestamp)>,
    /// Names without a record.
    gone: Vec<String>,
    written: u64,
    unchanged: u64,
    left: usize,
    /// Issuers that no run looks at: there are too many.
    beyond: u64,
    failed: Vec<Failure>,
    oldest: Duration,
}

struct Failure {
    issuer: String,
    cause: String,
    /// The table has a set that the authorizer takes without asking further.
    covered: bool,
}

enum Outcome {
    Written,
    Unchanged,
    Gone,
}

async fn look_at(key_sync: &KeySync, issuers: Vec<String>, until: Instant, dry_run: DryRun) -> Result<Run, JobError> {
    let mut run = Run::default();
    let mut left = issuers.into_iter();
    for issuer in left.by_ref() {
        let look = Look::at(key_sync, issuer, until).await?;
        let age = look.counting().map(|held| look.now.since(held.fetched_at));
        let outcome = look.renew(dry_run).await?;
        run.looked_at.push((look.issuer.clone(), look.now));
        match outcome {
            Ok(Outcome::Gone) => run.gone.push(look.issuer),
            Ok(Outcome::Written) => run.written += 1,
            Ok(Outcome::Unchanged) => {
                run.unchanged += 1;
                run.oldest = run.oldest.max(age.unwrap_or_default());
            }
            Err(cause) => {
                let covered = age.is_some_and(|age| age < key_sync.lifetimes.jwks_soft);
                run.oldest = run.oldest.max(age.unwrap_or_default());
                run.failed.push(Failure { issuer: look.issuer, cause, covered });
            }
        }
        if Instant::now() >= until {
            break;
        }
    }
    run.left = left.count();
    Ok(run)
}

/// One issuer, as the table has it.
struct Look<'k> {
    key_sync: &'k KeySync,
    issuer: String,
    record: Option<Record<IssuerRecord>>,
    /// One that cannot be read is as good as none.
    held: Option<MirroredKeySet>,
    now: Timestamp,
    deadline: Instant,
}

impl<'k> Look<'k> {
    async fn at(key_sync: &'k KeySync, issuer: String, until: Instant) -> Result<Self, JobError> {
        let held = key_sync.table.key_set(&issuer).await.map_err(|error| JobError::table(&error))?;
        let record = key_sync.table.issuer(&issuer).await.map_err(|error| JobError::table(&error))?;
        let deadline = until.min(Instant::now() + PATIENCE);
        Ok(Self { key_sync, issuer, record, held: held.and_then(Result::ok), now: key_sync.now(), deadline })
    }

    /// The set that the authorizer would take: it was fetched for this very record.
    fn counting(&self) -> Option<&MirroredKeySet> {
        let Some(Ok(record)) = &self.record else { return None };
        let same_place = |held: &&MirroredKeySet| record.jwks_uri().is_none_or(|uri| uri == held.jwks_uri);
        self.held.as_ref().filter(|held| held.issuer_version == record.version()).filter(same_place)
    }

    /// Fetches, judges and writes the set. The inner error is the issuer's and does not end the run.
    async fn renew(&self, dry_run: DryRun) -> Result<Result<Outcome, String>, JobError> {
        let record = match &self.record {
            Some(Ok(record)) => record,
            Some(Err(malformed)) => return Ok(Err(format!("the issuer's record: {malformed}"))),
            None => return Ok(Ok(Outcome::Gone)),
        };
        let set = match self.fetch(record).await {
            Ok(set) => set,
            Err(cause) => return Ok(Err(cause)),
        };
        if self.counting().is_some_and(|held| self.says_the_same(held, &set)) {
            return Ok(Ok(Outcome::Unchanged));
        }
        if !dry_run.is_dry() {
            let written = self.key_sync.table.put_key_set(&self.issuer, &set).await;
            written.map_err(|error| JobError::table(&error))?;
        }
        Ok(Ok(Outcome::Written))
    }

    /// And is young enough to go on saying it.
    fn says_the_same(&self, held: &MirroredKeySet, set: &MirroredKeySet) -> bool {
        let young = self.now.age_of(held.fetched_at) < self.key_sync.lifetimes.jwks_soft / 3;
        young && *held == MirroredKeySet { fetched_at: held.fetched_at, ..set.clone() }
    }

    async fn fetch(&self, record: &IssuerRecord) -> Result<MirroredKeySet, String> {
        let fetched = tokio::time::timeout_at(self.deadline, download(self.key_sync, &self.issuer, record)).await;
        let (jwks_uri, body) = fetched.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))?;
        // Whatever version of the record led there: keys vanish from a place, not from a record.
        let held = self.held.as_ref().filter(|held| held.jwks_uri == jwks_uri);
        let held = held.map(|held| Mirrored { keys: held.keys.clone(), vanished: held.vanished.clone() });
        let Mirrored { keys, vanished } = Mirrored::renew(&body, held.as_ref(), self.now, &self.key_sync.lifetimes)
            .map_err(|unusable| format!("{jwks_uri}: {unusable}"))?;
        Ok(MirroredKeySet { jwks_uri, issuer_version: record.version(), keys, fetched_at: self.now, vanished })
    }
}

/// The address that was fetched, and the body.
async fn download(key_sync: &KeySync, issuer: &str, record: &IssuerRecord) -> Result<(String, Vec<u8>), String> {
    let jwks_uri = match record.jwks_uri() {
        Some(jwks_uri) => jwks_uri.to_owned(),
        None => {
            let address = discovery::address(issuer);
            let document = key_sync.issuers.get(&address).await?;
            discovery::jwks_uri(&document, issuer).map_err(|wrong| format!("{address}: {wrong}"))?
        }
    };
    let body = key_sync.issuers.get(&jwks_uri).await?;
    Ok((jwks_uri, body))
}

impl Run {
    fn report(self) -> Result<Report, JobError> {
        let uncovered: Vec<_> = self.failed.iter().filter(|failure| !failure.covered).collect();
        let mut wrong = Vec::new();
        if !uncovered.is_empty() {
            let told: Vec<_> =
                uncovered.iter().take(TOLD).map(|failure| format!("{}: {}", failure.issuer, failure.cause)).collect();
            wrong.push(format!("{} issuers without a fresh key set: {}", uncovered.len(), told.join("; ")));
        }
        if self.beyond > 0 {
            let limit = limits::MIRRORED_ISSUERS;
            wrong.push(format!("{} issuers are not mirrored: at most {limit} are", self.beyond));
        }
        let told = |failure: &Failure| json!({ "issuer": failure.issuer, "cause": failure.cause });
        let mut report = Report::new()
            .with("issuers", self.looked_at.len() - self.gone.len())
            .with("written", self.written)
            .with("unchanged", self.unchanged)
            .with("left", self.left as u64 + self.beyond)
            .with("oldest_seconds", self.oldest.as_secs())
            .with("failed", self.failed.iter().take(TOLD).map(told).collect::<Vec<Value>>());
        report.measure(Measure::key_set_age(self.oldest));
        if wrong.is_empty() {
            return Ok(report);
        }
        Err(JobError::new(Code::KeySetUnavailable, wrong.join("; ")).after(report))
    }
}
