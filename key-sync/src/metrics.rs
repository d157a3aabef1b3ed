//! What a job measured.

pub mod journal;

use std::time::Duration;

use countersign_function::journal::metrics::{Metric, Unit};

/// One value of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    pub name: &'static str,
    pub unit: Unit,
    pub value: f64,
    /// A closed list of values, each of which is a metric of its own on the bill.
    pub dimension: Option<(&'static str, &'static str)>,
}

/// How an entry of the edge departed from the table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Drift {
    Missing,
    Extra,
    Stale,
    Different,
    /// The record cannot be published, so the edge keeps what it had; of routes, of all of them.
    Invalid,
}

impl Drift {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Stale => "stale",
            Self::Different => "different",
            Self::Invalid => "invalid",
        }
    }
}

impl Measure {
    pub const fn metric(&self) -> Metric {
        Metric { name: self.name, unit: self.unit }
    }

    #[allow(clippy::cast_precision_loss)] // counts stay far below 2^52
    pub const fn drift(class: Drift, entries: u64) -> Self {
        Self { name: "Drift", unit: Unit::Count, value: entries as f64, dimension: Some(("class", class.name())) }
    }

    /// Changes that were on their way to the edge when a comparison came by.
    #[allow(clippy::cast_precision_loss)] // counts stay far below 2^52
    pub const fn late(entries: u64) -> Self {
        Self { name: "Late", unit: Unit::Count, value: entries as f64, dimension: None }
    }

    /// From a change of the table until Cloudflare's KV had it.
    pub const fn publish_latency(span: Duration) -> Self {
        Self { name: "PublishLatency", unit: Unit::Milliseconds, value: span.as_secs_f64() * 1000.0, dimension: None }
    }

    /// How long a rotation has been under way that is not finished; zero where none is.
    pub const fn rotation_age(span: Duration) -> Self {
        Self { name: "RotationAge", unit: Unit::Seconds, value: span.as_secs_f64(), dimension: None }
    }

    /// Age of the oldest mirrored key set.
    pub const fn key_set_age(span: Duration) -> Self {
        Self { name: "KeySetAge", unit: Unit::Seconds, value: span.as_secs_f64(), dimension: None }
    }

    /// A part of a tick that failed.
    pub const fn failed_part(part: &'static str) -> Self {
        Self { name: "FailedParts", unit: Unit::Count, value: 1.0, dimension: Some(("part", part)) }
    }
}
