//! Changes of the key table, published as they come.
//!
//! A change only says which record to look at: what is published is read then, so batches may come
//! late, twice or in any order. What cannot be written is asked for again, from the first such change
//! on; a record that is invalid is reported and not asked for again, since trying changes nothing.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_lambda_events::dynamodb::EventRecord;
use aws_sdk_dynamodb::types::AttributeValue;
use countersign_decision::time::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use crate::metrics::{Drift, Measure};
use crate::publish::{Outcome, Publisher, is_published};
use crate::report::{JobError, Report};
use crate::start::KeySync;

/// What became of a batch.
pub struct Published {
    pub report: Report,
    /// The sequence number from which the stream must be read again.
    pub failed_from: Option<String>,
    pub error: Option<JobError>,
}

/// One change of a record that is published.
struct Change {
    pk: String,
    sequence_number: String,
    /// When the table was changed; to the second.
    at: Timestamp,
}

/// `sync#latency`: how long the last change took from the table to Workers KV.
#[derive(Serialize)]
struct LatencyNote {
    millis: u64,
    /// Epoch milliseconds.
    at: u64,
    changes: usize,
}

pub async fn publish_batch(key_sync: &KeySync, records: &[EventRecord], until: Instant) -> Published {
    let changes: Vec<_> = records.iter().filter_map(change).collect();
    if changes.is_empty() {
        return Published { report: Report::new().with("changes", 0), failed_from: None, error: None };
    }
    let mut published = match publish(key_sync, &changes, until).await {
        Ok(outcome) => judge(&changes, &outcome),
        Err(error) => {
            Published { report: Report::new(), failed_from: first_of(&changes, |_| true), error: Some(error) }
        }
    };
    published.report.set("changes", changes.len());
    if published.error.is_none() {
        note_latency(key_sync, &changes, &mut published.report).await;
    }
    published
}

fn change(record: &EventRecord) -> Option<Change> {
    let keys: HashMap<String, AttributeValue> = record.change.keys.clone().into();
    let pk = keys.get("pk")?.as_s().ok().filter(|pk| is_published(pk))?.clone();
    let at = u64::try_from(record.change.approximate_creation_date_time.timestamp_millis()).unwrap_or_default();
    let sequence_number = record.change.sequence_number.clone().unwrap_or_default();
    Some(Change { pk, sequence_number, at: Timestamp::from_millis(at) })
}

async fn publish(key_sync: &KeySync, changes: &[Change], until: Instant) -> Result<Outcome, JobError> {
    let pks: BTreeSet<_> = changes.iter().map(|change| change.pk.clone()).collect();
    let publisher = Publisher::begin(key_sync, until).await?;
    let outcome = publisher.publish(&pks.into_iter().collect::<Vec<_>>()).await;
    publisher.end().await;
    outcome
}

fn judge(changes: &[Change], outcome: &Outcome) -> Published {
    let failed_from = first_of(changes, |change| outcome.failed.contains(&change.pk));
    let mut report = outcome.report();
    let invalid = outcome.invalid_records();
    if invalid > 0 {
        report.measure(Measure::drift(Drift::Invalid, invalid));
    }
    Published { report, failed_from, error: outcome.error() }
}

/// The earliest: the stream is read again from there, whatever is named after it.
fn first_of(changes: &[Change], is_meant: impl Fn(&Change) -> bool) -> Option<String> {
    changes.iter().find(|change| is_meant(change)).map(|change| change.sequence_number.clone())
}

/// The oldest change of the batch waited longest.
async fn note_latency(key_sync: &KeySync, changes: &[Change], report: &mut Report) {
    let now = key_sync.now();
    let dated = changes.iter().map(|change| change.at).filter(|at| at.as_millis() > 0);
    let Some(span) = dated.map(|at| now.since(at)).max() else { return };
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    report.set("latency_ms", millis);
    report.measure(Measure::publish_latency(Duration::from_millis(millis)));
    let note = LatencyNote { millis, at: now.as_millis(), changes: changes.len() };
    // Only `status` shows it: what is published is published.
    let _ = key_sync.table.write_note("latency", &note).await;
}
