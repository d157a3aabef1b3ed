//! Writing to the edge what the table says at this moment: the one way to Workers KV.
//!
//! Whoever asks names records; what is written is read then, consistently, under the lease `kv`. So
//! it does not matter how old the reason was, and repeating it is harmless. A record that is not
//! there is not published and what the edge has of it is not deleted here: the comparison does that,
//! behind its guard. To shut a key out at once it is revoked, not deleted.

pub mod routes;

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign_cloudflare::{Cloudflare, Error, Pair};
use countersign_decision::api_key::KeyHash;
use countersign_decision::limits;
use countersign_decision::published::{self, Published};
use countersign_store::entries::Entry;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::job::DryRun;
use crate::lease::{self, Lease};
use crate::reconcile::{self, Options};
use crate::report::{Code, JobError, Report};
use crate::start::KeySync;
use routes::Named;

/// Pairs of one bulk call, and bytes of values that are held until it is made.
pub const BATCH: usize = 10_000;
const BATCH_BYTES: usize = 8 << 20;
/// Records of one read.
const READ: usize = 100;

/// What became of the records that were to be published.
#[derive(Debug, Default)]
pub struct Outcome {
    pub written: usize,
    /// Partition keys of what Cloudflare did not take.
    pub failed: Vec<String>,
    /// And of what was not tried, since no call was left; see [`Publisher::at_most`].
    pub left: Vec<String>,
    pub invalid: Vec<Invalid>,
    pub absent: Vec<String>,
    /// What became of the document of routes, if routes were named.
    pub routes: Option<routes::Outcome>,
}

/// A record that cannot be published.
#[derive(Debug)]
pub struct Invalid {
    pub pk: String,
    pub why: String,
}

impl Invalid {
    pub fn to_json(&self) -> Value {
        json!({ "record": shortened(&self.pk), "why": &self.why })
    }
}

/// Calls that a bulk call may take: three attempts in each of three rounds.
pub const CALLS_OF_A_BULK: u32 = 9;

/// The right to write to the edge's store, and the means.
pub struct Publisher<'k> {
    key_sync: &'k KeySync,
    cloudflare: Arc<Cloudflare>,
    lease: Lease<'k>,
    until: Instant,
    /// The count of Cloudflare's calls that must not be passed.
    last_call: u32,
}

/// Publishes the present state of these records, given by partition key; of all that differ where
/// none is named.
pub async fn sync(key_sync: &KeySync, names: &[String], until: Instant, dry_run: DryRun) -> Result<Report, JobError> {
    if names.is_empty() {
        return reconcile::reconcile(key_sync, Options { allow_deletions: false, dry_run }, until).await;
    }
    if !names.iter().all(|name| is_published(name)) {
        let message = "a name is not published: write key#<hash>, issuer#<iss> or route#<id>";
        return Err(JobError::new(Code::BadInput, message));
    }
    if dry_run == DryRun::Yes {
        return preview(key_sync, names).await;
    }
    let publisher = Publisher::begin(key_sync, until).await?;
    let outcome = publisher.publish(names).await;
    publisher.end().await;
    let outcome = outcome?;
    match outcome.error() {
        None => Ok(outcome.report()),
        Some(error) => Err(error),
    }
}

async fn preview(key_sync: &KeySync, names: &[String]) -> Result<Report, JobError> {
    let mut outcome = Outcome::default();
    let found = key_sync.table.read_entries(names).await.map_err(|error| JobError::table(&error))?;
    let would = outcome.sort(found).iter().map(|published| shortened(&published.name).into()).collect::<Vec<Value>>();
    Ok(outcome.report().with("dry_run", true).with("would_write", would))
}

/// Whether records of this partition key are published at all.
pub fn is_published(pk: &str) -> bool {
    ["key#", "issuer#", "route#"].iter().any(|kind| pk.starts_with(kind))
}

/// A name as it may stand in a report: a key's hash names the key, so most of it is left out; what is
/// no hash may be the key itself, so all of it is.
pub fn shortened(name: &str) -> String {
    let Some(hash) = name.strip_prefix("key#").or_else(|| name.strip_prefix(published::KEY)) else {
        return name.chars().take(limits::QUOTED).collect();
    };
    match KeyHash::from_hex(hash) {
        Ok(_) => name.chars().take("key#".len() + 12).collect(),
        Err(_) => "key#…".to_owned(),
    }
}

/// What a record is at the edge; `Err` says why it cannot be there. A route has no name of its own.
pub fn published(entry: &Entry) -> Option<Result<Published, String>> {
    match entry {
        Entry::Key { hash, record } => {
            Some(record.as_ref().map_err(String::clone).and_then(|key| published::key(hash, key)))
        }
        Entry::Issuer { iss, record } => {
            Some(record.as_ref().map_err(String::clone).and_then(|issuer| published::issuer(iss, issuer)))
        }
        Entry::Route { .. } => None,
    }
}

impl<'k> Publisher<'k> {
    /// Waits for the lease.
    pub async fn begin(key_sync: &'k KeySync, until: Instant) -> Result<Self, JobError> {
        let cloudflare = key_sync.cloudflare().await?;
        let lease = Lease::take(key_sync, lease::KV, until).await?;
        Ok(Self { key_sync, cloudflare, lease, until, last_call: u32::MAX })
    }

    /// Makes no more calls of Cloudflare than these from now on. [`Self::publish`] leaves what they do not
    /// suffice for; for the others there must be [`CALLS_OF_A_BULK`].
    pub fn at_most(self, calls: u32) -> Self {
        Self { last_call: self.cloudflare.calls().saturating_add(calls), ..self }
    }

    pub async fn end(self) {
        self.lease.release().await;
    }

    pub async fn publish(&self, pks: &[String]) -> Result<Outcome, JobError> {
        let (routes, others): (Vec<_>, Vec<_>) = pks.iter().cloned().partition(|pk| pk.starts_with("route#"));
        let mut outcome = Outcome::default();
        let mut batch = Vec::new();
        let mut bytes = 0;
        for some in others.chunks(READ) {
            let found = self.key_sync.table.read_entries(some).await.map_err(|error| JobError::table(&error))?;
            for published in outcome.sort(found) {
                bytes += published.value.len();
                batch.push(pair(published));
            }
            if bytes >= BATCH_BYTES || batch.len() + READ > BATCH {
                self.write(&mut batch, &mut outcome).await?;
                bytes = 0;
            }
        }
        self.write(&mut batch, &mut outcome).await?;
        if !routes.is_empty() {
            let ids = routes.iter().filter_map(|pk| pk.strip_prefix("route#")).map(str::to_owned).collect();
            let became = self.publish_routes(Named::Changed(ids), false).await?;
            outcome.count_routes(became, &routes);
        }
        Ok(outcome)
    }

    /// Deletes what the edge has of these records, as far as a read finds none of them.
    pub async fn delete(&self, pks: &[String]) -> Result<Outcome, JobError> {
        let found = self.key_sync.table.read_entries(pks).await.map_err(|error| JobError::table(&error))?;
        let gone = found.into_iter().filter(|(_, entry)| entry.is_none()).map(|(pk, _)| pk.replacen('#', ":", 1));
        let gone: Vec<_> = gone.collect();
        if gone.is_empty() {
            return Ok(Outcome::default());
        }
        let until = self.lease.renew().await?.min(self.until);
        let deleted = self.cloudflare.kv_delete(self.namespace(), &gone, until).await;
        let failed = self.told(deleted).await?.failed;
        let failed: Vec<_> = failed.iter().map(|name| pk(name)).collect();
        Ok(Outcome { written: gone.len().saturating_sub(failed.len()), failed, ..Outcome::default() })
    }

    async fn write(&self, batch: &mut Vec<Pair>, outcome: &mut Outcome) -> Result<(), JobError> {
        if batch.is_empty() {
            return Ok(());
        }
        if self.cloudflare.calls().saturating_add(CALLS_OF_A_BULK) > self.last_call {
            outcome.left.extend(batch.drain(..).map(|pair| pk(&pair.name)));
            return Ok(());
        }
        let until = self.lease.renew().await?.min(self.until);
        let written = self.cloudflare.kv_write(self.namespace(), batch, until).await;
        let failed = self.told(written).await?.failed;
        outcome.written += batch.len().saturating_sub(failed.len());
        outcome.failed.extend(failed.iter().map(|name| pk(name)));
        batch.clear();
        Ok(())
    }

    fn namespace(&self) -> &str {
        &self.key_sync.config.cloudflare.namespace
    }

    async fn told<T>(&self, answer: Result<T, Error>) -> Result<T, JobError> {
        told(self.key_sync, answer).await
    }
}

/// A refusal may mean that the token was replaced: the next run reads it again.
pub async fn told<T>(key_sync: &KeySync, answer: Result<T, Error>) -> Result<T, JobError> {
    if matches!(answer, Err(Error::Refused { .. })) {
        key_sync.forget_token().await;
    }
    Ok(answer?)
}

fn pair(published: Published) -> Pair {
    Pair { metadata: published.mark.metadata(), name: published.name, value: published.value }
}

/// The partition key of what is published under a name.
fn pk(name: &str) -> String {
    name.replacen(':', "#", 1)
}

impl Outcome {
    /// Notes what is absent or cannot be published, and hands back the rest.
    fn sort(&mut self, found: Vec<(String, Option<Entry>)>) -> Vec<Published> {
        let mut good = Vec::new();
        for (pk, entry) in found {
            match entry.as_ref().map(published) {
                None => self.absent.push(pk),
                Some(Some(Ok(published))) => good.push(published),
                Some(Some(Err(why))) => self.invalid.push(Invalid { pk, why }),
                Some(None) => {}
            }
        }
        good
    }

    fn count_routes(&mut self, became: routes::Outcome, pks: &[String]) {
        match became {
            routes::Outcome::Written => self.written += 1,
            routes::Outcome::Failed => self.failed.extend_from_slice(pks),
            _ => {}
        }
        self.routes = Some(became);
    }

    pub fn report(&self) -> Report {
        let invalid = self.invalid.iter().map(Invalid::to_json).collect::<Vec<_>>();
        let absent = self.absent.iter().map(|pk| shortened(pk)).collect::<BTreeSet<_>>();
        let mut report = Report::new()
            .with("written", self.written)
            .with("failed", self.failed.len())
            .with("absent", absent.into_iter().collect::<Vec<_>>())
            .with("invalid", invalid);
        if let Some(routes) = &self.routes {
            report.set("routes", routes.to_json());
        }
        report
    }

    /// Records that keep something from being published.
    pub fn invalid_records(&self) -> u64 {
        let routes = match &self.routes {
            Some(routes::Outcome::Invalid(records)) => records.len(),
            _ => 0,
        };
        u64::try_from(self.invalid.len() + routes).unwrap_or(u64::MAX)
    }

    /// What must be tried again.
    pub fn error(&self) -> Option<JobError> {
        let first = self.failed.first()?;
        let message = format!(
            "Cloudflare did not take {} of {} entries, {} among them; they are tried again",
            self.failed.len(),
            self.failed.len() + self.written,
            shortened(first)
        );
        Some(JobError::new(Code::Incomplete, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_report_shows_no_key() {
        let hash = "0123456789abcdef".repeat(4);
        for (name, shown) in [
            (format!("key#{hash}"), "key#0123456789ab"),
            (format!("key:{hash}"), "key:0123456789ab"),
            (format!("key#{}", hash.to_uppercase()), "key#…"),
            ("key#csk_secret".to_owned(), "key#…"),
            ("key:csk_secret".to_owned(), "key#…"),
            ("route#items".to_owned(), "route#items"),
        ] {
            assert_eq!(shortened(&name), shown);
        }
    }
}
