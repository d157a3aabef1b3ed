//! Log lines of the edge, into the function's own log: so one query finds a request's lines at the edge,
//! in the authorizer and here, by its ray.
//!
//! A line is written as it came or not at all. It must be one line of JSON to every reader, and no
//! metric: with a member `_aws` CloudWatch would count what the edge says as ours.

use countersign_decision::limits;
use countersign_function::journal;
use serde_json::json;

use crate::event::json::Members;
use crate::failure::Failure;

/// Writes the lines that are valid. The answer says how many, and how many were not: JSON.
///
/// # Errors
/// `LogsTooLarge`, or `LogsInvalid` where there is not one line to write.
pub(super) fn write(batch: &[u8]) -> Result<String, Failure> {
    let (lines, refused) = sorted(batch)?;
    journal::write(&lines.iter().flat_map(|line| [line, "\n"]).collect::<String>());
    Ok(json!({ "written": lines.len(), "refused": refused }).to_string())
}

/// The valid lines, and the number of the others.
fn sorted(batch: &[u8]) -> Result<(Vec<&str>, usize), Failure> {
    let is_empty = |line: &[u8]| line.iter().all(u8::is_ascii_whitespace);
    let lines = || batch.split(|byte| *byte == b'\n').filter(|line| !is_empty(line));
    if batch.len() > limits::LOGS_BODY || lines().count() > limits::LOGS_LINES {
        return Err(Failure::LogsTooLarge);
    }
    let valid: Vec<_> = lines().filter_map(valid).collect();
    if valid.is_empty() { Err(Failure::LogsInvalid) } else { Ok((valid.clone(), lines().count() - valid.len())) }
}

fn valid(line: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(line).ok().filter(|line| line.len() <= limits::LOGS_LINE)?;
    // Within JSON text these can only be unescaped; an escaped one is harmless.
    let ends_a_line = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let Members(members) = serde_json::from_str(line).ok()?;
    let is_metric = members.iter().any(|(name, _)| name == "_aws");
    (!line.chars().any(ends_a_line) && !is_metric).then_some(line)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn lines_that_are_written_and_lines_that_are_not() {
        for (line, written) in [
            (r#"{"ray":"8f2c","outcome":"allow"}"#, true),
            (r#"  {"ray" : "8f2c" }"#, true),
            (r#"{"text":"\n\u2028\u0000 é"}"#, true),
            (r#"{"nested":{"_aws":{}}}"#, true),
            ("{}", true),
            ("[]", false),
            ("\"text\"", false),
            ("1", false),
            ("null", false),
            ("plain text", false),
            (r#"{"a":1} {"b":2}"#, false),
            (r#"{"a":1"#, false),
            (r#"{"_aws":{"CloudWatchMetrics":[]}}"#, false),
            (r#"{"\u005faws":{"CloudWatchMetrics":[]}}"#, false),
            (r#"{"a":1,"_aws":null}"#, false),
            ("{\"a\":\"\u{2028}\"}", false),
            ("{\"a\":\"\u{85}\"}", false),
            ("{\"a\":1}\r", false),
            ("{\"a\":\t1}", false),
        ] {
            assert_eq!(valid(line.as_bytes()).is_some(), written, "{line:?}");
        }
        assert_eq!(valid(b"{\"a\":\"\xff\"}"), None);
        let long = |length: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(length - 8));
        assert!(valid(long(limits::LOGS_LINE).as_bytes()).is_some());
        assert!(valid(long(limits::LOGS_LINE + 1).as_bytes()).is_none());
    }

    #[test]
    fn a_batch_is_bounded() {
        assert_eq!(sorted(b"{\"a\":1}\n\nnothing\n{\"b\":2}").unwrap(), (vec!["{\"a\":1}", "{\"b\":2}"], 1));
        for nothing in [b"".as_slice(), b"\n\n", b"nothing", b"[]\n[]"] {
            assert_eq!(sorted(nothing), Err(Failure::LogsInvalid));
        }
        assert!(sorted("{}\n".repeat(limits::LOGS_LINES).as_bytes()).is_ok());
        assert_eq!(sorted("{}\n".repeat(limits::LOGS_LINES + 1).as_bytes()), Err(Failure::LogsTooLarge));
        let padded = |length: usize| format!("{{}}{}", " ".repeat(length - 2)).into_bytes();
        assert_eq!(sorted(&padded(limits::LOGS_BODY)), Err(Failure::LogsInvalid));
        assert_eq!(sorted(&padded(limits::LOGS_BODY + 1)), Err(Failure::LogsTooLarge));
    }
}
