//! One JSON line per request, on standard output: the audit trail and, in CloudWatch's embedded metric
//! format, the metrics. Its members are called as the authorizer's are, so that one query joins both.
//!
//! Requests that went well may be sampled or left out; their number stays exact.

mod line;

use std::time::Duration;

use countersign_decision::time::Timestamp;
use countersign_function::journal::{self, Audit, Sampling, Told};

use crate::event::Request;
use crate::failure::Failure;

/// What became of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Outcome {
    /// `forwarded`, `inside`, `refuse` or `fault`.
    pub outcome: &'static str,
    pub code: &'static str,
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        Self { outcome: failure.outcome(), code: failure.code() }
    }
}

/// How far a request came, as far as it is told.
#[derive(Default)]
pub struct Trace {
    /// The id of the route record, where one was chosen.
    pub table_route: Option<String>,
    pub backend: Option<String>,
    /// Of a streamed answer: until it began.
    pub backend_duration: Option<Duration>,
    /// Of a streamed answer: the body's, as far as it was passed on.
    pub bytes: Option<u64>,
}

/// What there is to say about one request.
pub struct Entry<'a> {
    pub outcome: Outcome,
    /// What the client sees; absent where the function answers nothing.
    pub status: Option<u16>,
    /// Absent where the event could not be read.
    pub request: Option<&'a Request<'a>>,
    pub trace: &'a Trace,
    /// What a dependency, or the event's parser, said when it did not answer.
    pub causes: &'a [String],
    /// What was used although it is older than it should be, because its source failed.
    pub kept: &'a [&'static str],
    pub invocation: &'a str,
    pub now: Timestamp,
    pub duration: Duration,
}

pub struct Journal {
    namespace: String,
    forwarded: Sampling,
    inside: Sampling,
}

impl Journal {
    pub fn new(audit: Audit, namespace: String) -> Self {
        Self { namespace, forwarded: Sampling::new(audit), inside: Sampling::new(audit) }
    }

    /// Writes the request's line, if it gets one.
    pub fn record(&self, entry: &Entry<'_>) {
        if let Some(line) = self.line(entry) {
            journal::write(&line);
        }
    }

    /// The line with its line feed; `None` where this request is only counted.
    pub fn line(&self, entry: &Entry<'_>) -> Option<String> {
        let sampling = match entry.outcome.outcome {
            "forwarded" => &self.forwarded,
            "inside" => &self.inside,
            _ => return line::whole(entry, 1, &self.namespace),
        };
        match sampling.passed(!entry.causes.is_empty(), entry.now)? {
            Told::Whole(requests) => line::whole(entry, requests, &self.namespace),
            Told::Count(requests) => line::count(entry, requests, &self.namespace),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;

    const FORWARDED: Outcome = Outcome { outcome: "forwarded", code: "forwarded" };
    const TIMEOUT: Outcome = Outcome { outcome: "fault", code: "backend_timeout" };
    static TRACE: Trace = Trace { table_route: None, backend: None, backend_duration: None, bytes: None };

    fn entry(outcome: Outcome) -> Entry<'static> {
        Entry {
            outcome,
            status: Some(200),
            request: None,
            trace: &TRACE,
            causes: &[],
            kept: &[],
            invocation: "i",
            now: Timestamp::from_secs(9),
            duration: Duration::from_micros(7),
        }
    }

    fn line(journal: &Journal, entry: &Entry<'_>) -> Option<Value> {
        journal.line(entry).map(|line| serde_json::from_str(&line).unwrap())
    }

    #[test]
    fn every_line_is_metrics_too() {
        let trace = Trace {
            table_route: Some("eu".to_owned()),
            backend: Some("blue".to_owned()),
            backend_duration: Some(Duration::from_millis(2)),
            bytes: Some(64),
        };
        let journal = Journal::new(Audit::All, "Countersign".to_owned());
        let line = line(&journal, &Entry { trace: &trace, kept: &["routes"], ..entry(FORWARDED) }).unwrap();
        assert_eq!(line["_aws"]["Timestamp"], 9000);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Countersign");
        assert_eq!(directive["Dimensions"], json!([["outcome"], ["outcome", "code"]]));
        for metric in directive["Metrics"].as_array().unwrap() {
            assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
        }
        assert_eq!((&line["Forwards"], &line["ForwardDuration"]), (&json!(1), &json!(7)));
        assert_eq!((&line["table_route"], &line["backend"]), (&json!("eu"), &json!("blue")));
        assert_eq!((&line["backend_duration"], &line["kept"]), (&json!(2000), &json!(["routes"])));
        assert_eq!(line["bytes"], 64);
    }

    #[test]
    fn what_is_left_out_is_counted_and_what_failed_is_not_left_out() {
        let journal = Journal::new(Audit::Sample(2), String::new());
        assert_eq!(line(&journal, &entry(FORWARDED)), None);
        let inside = Outcome { outcome: "inside", code: "inside_probe" };
        assert_eq!(line(&journal, &entry(inside)), None);
        assert_eq!(line(&journal, &entry(TIMEOUT)).unwrap()["Forwards"], 1);
        assert_eq!(line(&journal, &entry(FORWARDED)).unwrap()["Forwards"], 2);
        let causes = ["GetItem: no answer".to_owned()];
        assert_eq!(line(&journal, &Entry { causes: &causes, ..entry(FORWARDED) }).unwrap()["causes"], json!(causes));
    }

    #[test]
    fn left_out_requests_are_counted_once_a_minute() {
        let journal = Journal::new(Audit::Refusals, String::new());
        assert_eq!(line(&journal, &entry(FORWARDED)), None);
        let later = Entry { now: Timestamp::from_secs(69), ..entry(FORWARDED) };
        let counted = line(&journal, &later).unwrap();
        assert_eq!((&counted["Forwards"], &counted["invocation"]), (&json!(2), &Value::Null));
    }
}
