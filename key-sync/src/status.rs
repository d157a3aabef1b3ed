//! What key-sync knows about itself: labels and their ages, what the edge proves, the last comparison of
//! table and edge, how long a change took to get out, key sets, leases. Reads and probes only; what is
//! not to be had is said in its place, so that a status never fails when it is needed most.

use countersign_store::lease::Lease;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::lease;
use crate::mirror;
use crate::repair;
use crate::report::{JobError, Report};
use crate::start::KeySync;

/// Notes that are shown as they stand; times in them are milliseconds since the Unix epoch.
const NOTES: [&str; 3] = ["reconcile", "latency", "emergency"];

pub async fn status(key_sync: &KeySync, until: Instant) -> Result<Report, JobError> {
    let mut report = Report::new().with("now", key_sync.now().as_millis());
    match repair::look(key_sync, until).await {
        Ok(rotation) => report.absorb("rotation", rotation),
        Err(error) => report.set("rotation", told(&error)),
    }
    for note in NOTES {
        report.set(note, read(key_sync, note).await);
    }
    report.set("key_sets", key_sets(key_sync, until).await);
    for name in [lease::ROTATION, lease::KV, lease::RECONCILE] {
        report.set(&format!("lease_{name}"), holder(key_sync, name).await);
    }
    Ok(report)
}

async fn read(key_sync: &KeySync, note: &str) -> Value {
    match key_sync.table.read_note::<Map<String, Value>>(note).await {
        Ok(note) => note.map_or(Value::Null, Value::Object),
        Err(error) => told(&JobError::table(&error)),
    }
}

async fn key_sets(key_sync: &KeySync, until: Instant) -> Value {
    match mirror::ages(key_sync, until).await {
        Ok(ages) => ages,
        Err(error) => told(&error),
    }
}

/// Who writes now, and until when at most; a lease that has run out is nobody's.
async fn holder(key_sync: &KeySync, name: &str) -> Value {
    match key_sync.table.lease(name).await {
        Ok(Some(Lease { until, .. })) if until >= key_sync.now() => json!({ "until": until.as_millis() }),
        Ok(_) => Value::Null,
        Err(error) => told(&JobError::table(&error)),
    }
}

fn told(error: &JobError) -> Value {
    json!({ "error": error.to_string() })
}
