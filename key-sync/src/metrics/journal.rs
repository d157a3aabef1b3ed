//! The log of one job: a JSON line that tells it, in CloudWatch's embedded metric format, and a short
//! one for each metric that has a dimension of its own.

use std::time::Duration;

use countersign_decision::time::Timestamp;
use countersign_function::journal::metrics::{Directive, Metadata, Metric, Unit};
use serde_json::{Map, Value, json};

use super::Measure;
use crate::report::{JobError, Report};

/// What there is to say about one job.
pub struct Entry<'a> {
    pub job: &'static str,
    pub invocation: &'a str,
    pub report: &'a Report,
    pub error: Option<&'a JobError>,
    pub duration: Duration,
    pub now: Timestamp,
    pub namespace: &'a str,
}

/// The longest report that a line repeats, in bytes; a longer one is only in the answer.
const LONGEST_REPORT: usize = 32 * 1024;

const JOBS: [Metric; 2] =
    [Metric { name: "Jobs", unit: Unit::Count }, Metric { name: "JobDuration", unit: Unit::Milliseconds }];

pub fn lines(entry: &Entry<'_>) -> String {
    let (own, shared): (Vec<_>, Vec<_>) =
        entry.report.measures().iter().partition(|measure| measure.dimension.is_some());
    let mut text = told(entry, &shared).to_string();
    text.push('\n');
    for measure in own {
        text.push_str(&dimensioned(entry, measure).to_string());
        text.push('\n');
    }
    text
}

fn told(entry: &Entry<'_>, measures: &[&Measure]) -> Value {
    let mut line = Map::new();
    let mut set = |name: &str, value: Value| line.insert(name.to_owned(), value);
    set("job", entry.job.into());
    set("outcome", outcome(entry.error.is_some()).into());
    if let Some(error) = entry.error {
        set("code", error.code.name().into());
        set("message", error.message.clone().into());
    }
    set("invocation", entry.invocation.into());
    set("report", report(entry.report));
    set("Jobs", 1.into());
    set("JobDuration", u64::try_from(entry.duration.as_millis()).unwrap_or(u64::MAX).into());
    for measure in measures {
        set(measure.name, measure.value.into());
    }
    let measured: Vec<_> = measures.iter().map(|measure| measure.metric()).collect();
    let namespace = entry.namespace;
    let mut directives = vec![Directive { namespace, dimensions: &[&["job", "outcome"]], metrics: &JOBS }];
    if !measured.is_empty() {
        directives.push(Directive { namespace, dimensions: &[&[]], metrics: &measured });
    }
    set("_aws", json!(Metadata::new(entry.now, directives)));
    Value::Object(line)
}

/// With the dimension and without: the second adds up all of its values.
fn dimensioned(entry: &Entry<'_>, measure: &Measure) -> Value {
    let names: Vec<_> = measure.dimension.iter().map(|(name, _)| *name).collect();
    let (dimensions, metrics) = ([names.as_slice(), &[]], [measure.metric()]);
    let directive = Directive { namespace: entry.namespace, dimensions: &dimensions, metrics: &metrics };
    let mut line = Map::new();
    line.extend(measure.dimension.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())));
    line.insert(measure.name.to_owned(), measure.value.into());
    line.insert("_aws".to_owned(), json!(Metadata::new(entry.now, [directive])));
    Value::Object(line)
}

fn report(report: &Report) -> Value {
    let value = Value::Object(report.members().clone());
    match value.to_string().len() {
        length if length > LONGEST_REPORT => json!({ "left_out": format!("{length} bytes") }),
        _ => value,
    }
}

pub(super) const fn outcome(failed: bool) -> &'static str {
    if failed { "failed" } else { "ok" }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::metrics::Drift;
    use crate::report::Code;

    fn lines_of(report: &Report, error: Option<&JobError>) -> Vec<Value> {
        let duration = Duration::from_millis(70);
        let now = Timestamp::from_secs(9);
        let entry = Entry { job: "reconcile", invocation: "i", report, error, duration, now, namespace: "N" };
        lines(&entry).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_job_is_one_line_that_counts_it() {
        let mut report = Report::new().with("scanned", 3);
        report.measure(Measure::publish_latency(Duration::from_millis(1200)));
        let [line] = lines_of(&report, None).try_into().unwrap();
        assert_eq!((&line["job"], &line["outcome"], &line["Jobs"]), (&json!("reconcile"), &json!("ok"), &json!(1)));
        assert_eq!((&line["report"]["scanned"], &line["PublishLatency"]), (&json!(3), &json!(1200.0)));
        assert_eq!(line["_aws"]["Timestamp"], 9000);
        let [jobs, measured] =
            <[Value; 2]>::try_from(line["_aws"]["CloudWatchMetrics"].as_array().unwrap().clone()).unwrap();
        assert_eq!((&jobs["Dimensions"], &measured["Dimensions"]), (&json!([["job", "outcome"]]), &json!([[]])));
        assert_eq!(measured["Metrics"], json!([{ "Name": "PublishLatency", "Unit": "Milliseconds" }]));
    }

    #[test]
    fn a_failure_says_its_code_and_why() {
        let error = JobError::new(Code::Guard, "nothing is there\nany more").at("reconcile");
        let [line] = lines_of(&Report::new(), Some(&error)).try_into().unwrap();
        assert_eq!((&line["outcome"], &line["code"]), (&json!("failed"), &json!("guard")));
        assert_eq!(line["message"], "reconcile: nothing is there\nany more");
    }

    #[test]
    fn drift_is_a_metric_of_each_class_and_of_all() {
        let mut report = Report::new();
        report.measure(Measure::drift(Drift::Missing, 2));
        report.measure(Measure::drift(Drift::Extra, 0));
        let lines = lines_of(&report, None);
        assert_eq!(lines.len(), 3);
        assert_eq!((&lines[1]["class"], &lines[1]["Drift"]), (&json!("missing"), &json!(2.0)));
        assert_eq!(lines[1]["_aws"]["CloudWatchMetrics"][0]["Dimensions"], json!([["class"], []]));
    }

    #[test]
    fn a_long_report_does_not_make_a_long_line() {
        let report = Report::new().with("lines", vec!["x".repeat(100); 1000]);
        let [line] = lines_of(&report, None).try_into().unwrap();
        assert!(line["report"]["left_out"].as_str().unwrap().ends_with("bytes"));
    }
}
