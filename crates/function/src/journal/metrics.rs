//! CloudWatch's embedded metric format: the member `_aws` of a line says which of the others are
//! metrics, and by what they are told apart.
//!
//! A dimension is a metric for each of its values, on the bill too: only closed lists of values may be
//! one, never what a caller chooses.

use countersign_decision::time::Timestamp;
use serde::Serialize;

/// The value of `_aws`. `D`: a list of [`Directive`]s.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metadata<D> {
    timestamp: u64,
    cloud_watch_metrics: D,
}

#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Directive<'a> {
    pub namespace: &'a str,
    /// Sets of names of members; each metric is counted once for every set.
    pub dimensions: &'a [&'a [&'a str]],
    pub metrics: &'a [Metric],
}

/// The name of a member, and what its number is.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Metric {
    pub name: &'static str,
    pub unit: Unit,
}

/// As CloudWatch writes it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub enum Unit {
    Count,
    Microseconds,
    Milliseconds,
    Seconds,
}

impl<D> Metadata<D> {
    pub fn new(now: Timestamp, directives: D) -> Self {
        Self { timestamp: now.as_millis(), cloud_watch_metrics: directives }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_form_is_the_one_that_cloudwatch_reads() {
        let directive = Directive {
            namespace: "N",
            dimensions: &[&["outcome"], &["outcome", "code"]],
            metrics: &[Metric { name: "Duration", unit: Unit::Microseconds }],
        };
        let written = serde_json::to_string(&Metadata::new(Timestamp::from_secs(9), [directive])).unwrap();
        assert_eq!(
            written,
            r#"{"Timestamp":9000,"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[["outcome"],["outcome","code"]],"Metrics":[{"Name":"Duration","Unit":"Microseconds"}]}]}"#
        );
    }
}
