//! One JSON line per decision, on standard output: the audit trail and, in CloudWatch's embedded
//! metric format, the metrics.
//!
//! Refusals and faults always get one. Allowed requests may be sampled or left out; a line's `Decisions`
//! counts every allowed request since the last line that counted them.

mod line;

use std::time::Duration;

use countersign_decision::conversation::Evidence;
use countersign_decision::request::Request;
use countersign_decision::time::Timestamp;
use countersign_function::journal::{self, Audit, Sampling, Told};

/// What there is to say about one decision.
pub struct Entry<'a> {
    pub outcome: &'static str,
    pub code: &'static str,
    /// Absent when the event could not be read.
    pub request: Option<&'a Request<'a>>,
    pub evidence: Option<&'a Evidence<'a>>,
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
    allows: Sampling,
}

impl Journal {
    pub fn new(audit: Audit, namespace: String) -> Self {
        Self { namespace, allows: Sampling::new(audit) }
    }

    /// Writes the decision's line, if it gets one.
    pub fn record(&self, entry: &Entry<'_>) {
        if let Some(line) = self.line(entry) {
            journal::write(&line);
        }
    }

    /// The line with its line feed; `None` where this decision is only counted.
    pub fn line(&self, entry: &Entry<'_>) -> Option<String> {
        if entry.outcome != "allow" {
            return line::whole(entry, 1, &self.namespace);
        }
        // Calls that fail are few, whatever the traffic; what is merely kept meanwhile may be every
        // request of a day, and is sampled.
        match self.allows.passed(!entry.causes.is_empty(), entry.now)? {
            Told::Whole(allows) => line::whole(entry, allows, &self.namespace),
            Told::Count(allows) => line::count(entry, allows, &self.namespace),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use serde_json::Value;

    use super::*;

    fn entry(outcome: &'static str, secs: u64) -> Entry<'static> {
        let now = Timestamp::from_secs(secs);
        Entry {
            outcome,
            code: outcome,
            request: None,
            evidence: None,
            causes: &[],
            kept: &[],
            invocation: "i",
            now,
            duration: Duration::from_micros(7),
        }
    }

    fn decisions(journal: &Journal, outcome: &'static str, secs: u64) -> Option<u64> {
        let line = journal.line(&entry(outcome, secs))?;
        serde_json::from_str::<Value>(&line).unwrap()["Decisions"].as_u64()
    }

    #[test]
    fn every_line_is_metrics_too() {
        let line = Journal::new(Audit::All, "Countersign".to_owned()).line(&entry("refuse", 9)).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["_aws"]["Timestamp"], 9000);
        assert_eq!(line["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Countersign");
        assert_eq!(
            line["_aws"]["CloudWatchMetrics"][0]["Dimensions"],
            serde_json::json!([["outcome"], ["outcome", "code"]])
        );
        assert_eq!(line["Duration"], 7);
    }

    #[test]
    fn a_sample_counts_what_it_leaves_out() {
        let journal = Journal::new(Audit::Sample(3), String::new());
        let lines: Vec<_> = (0..7).map(|_| decisions(&journal, "allow", 1)).collect();
        assert_eq!(lines, [None, None, Some(3), None, None, Some(3), None]);
        assert_eq!(decisions(&journal, "refuse", 1), Some(1));
    }

    #[test]
    fn allows_left_out_are_counted_once_a_minute() {
        let journal = Journal::new(Audit::Refusals, String::new());
        assert_eq!(decisions(&journal, "allow", 100), None);
        assert_eq!(decisions(&journal, "allow", 159), None);
        assert_eq!(decisions(&journal, "allow", 160), Some(3));
        assert_eq!(decisions(&journal, "allow", 161), None);
        assert_eq!(decisions(&journal, "fault", 161), Some(1));
    }

    #[test]
    fn a_call_that_failed_is_always_told_and_what_was_kept_for_it() {
        let journal = Journal::new(Audit::Refusals, String::new());
        let causes = ["DescribeSecret: no answer".to_owned()];
        let line = journal.line(&Entry { kept: &["labels"], causes: &causes, ..entry("allow", 1) }).unwrap();
        assert_eq!(journal.line(&Entry { kept: &["labels"], ..entry("allow", 2) }), None);
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["kept"], serde_json::json!(["labels"]));
        assert_eq!(line["Kept"], 1);
    }
}
