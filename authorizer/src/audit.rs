//! One JSON line per decision, on standard output: the audit trail and, in CloudWatch's embedded
//! metric format, the metrics.
//!
//! Lines cost money, so allowed requests may be sampled or left out. Metrics stay exact: a line's
//! `Decisions` counts every allowed request since the last line that counted them.

mod line;

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use countersign_decision::conversation::Evidence;
use countersign_decision::request::Request;
use countersign_decision::time::Timestamp;

/// Which decisions get a line. Refusals and faults always do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Audit {
    All,
    Refusals,
    /// Every Nth allowed request.
    Sample(u64),
}

impl Audit {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "all" => Some(Self::All),
            "refusals" => Some(Self::Refusals),
            _ => text.strip_prefix("sample:")?.parse().ok().filter(|n| *n > 0).map(Self::Sample),
        }
    }
}

/// How long counted but unwritten allows wait for a line that only counts.
const FLUSH: Duration = Duration::from_secs(60);

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
    audit: Audit,
    namespace: String,
    uncounted: Mutex<Uncounted>,
}

/// Allowed requests that no line has counted yet, and since when.
#[derive(Default)]
struct Uncounted {
    allows: u64,
    since: Option<Timestamp>,
}

impl Journal {
    pub fn new(audit: Audit, namespace: String) -> Self {
        Self { audit, namespace, uncounted: Mutex::default() }
    }

    /// Writes the decision's line, if it gets one, in one call. A line that cannot be written is
    /// lost; the request is not.
    pub fn record(&self, entry: &Entry<'_>) {
        if let Some(line) = self.line(entry) {
            let _ = std::io::stdout().lock().write_all(line.as_bytes());
        }
    }

    /// The line with its line feed; `None` where this decision is only counted.
    pub fn line(&self, entry: &Entry<'_>) -> Option<String> {
        if entry.outcome != "allow" {
            return line::whole(entry, 1, &self.namespace);
        }
        let mut uncounted = self.uncounted.lock().unwrap_or_else(PoisonError::into_inner);
        uncounted.allows += 1;
        let due = match self.audit {
            // Why something was not to be had is never sampled away. Calls that fail are few, whatever the
            // traffic; what is merely kept meanwhile may be every request of a day, and is sampled.
            _ if !entry.causes.is_empty() => true,
            Audit::All => true,
            Audit::Refusals => false,
            Audit::Sample(n) => uncounted.allows >= n,
        };
        let late = entry.now.since(*uncounted.since.get_or_insert(entry.now)) >= FLUSH;
        if !due && !late {
            return None;
        }
        let allows = uncounted.allows;
        *uncounted = Uncounted { allows: 0, since: Some(entry.now) };
        if due { line::whole(entry, allows, &self.namespace) } else { line::count(entry, allows, &self.namespace) }
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

    #[test]
    fn forms_of_the_setting() {
        assert_eq!(Audit::parse("sample:10"), Some(Audit::Sample(10)));
        for wrong in ["", "sample:0", "sample:-1", "sample:", "none", "ALL"] {
            assert_eq!(Audit::parse(wrong), None, "{wrong}");
        }
    }
}
