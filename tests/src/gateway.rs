//! What API Gateway makes of an authorizer's reply: the status that the client sees.
//!
//! A second opinion on our answers, written after AWS's documentation: policies are evaluated against
//! the ARN of the request in hand, which with a cached policy is not the one it was written for.

use serde_json::Value;

use crate::events::Kind;
use crate::runtime_api::Reply;

/// Documented for WebSocket APIs only, and kept for all.
const LARGEST_ANSWER: usize = 8 * 1024;

/// The ARN that an event is about.
///
/// # Panics
/// If the event has none.
pub fn arn_of(event: &Value) -> &str {
    event["methodArn"].as_str().or(event["routeArn"].as_str()).expect("an authorizer event has an ARN")
}

/// 200 (the integration is called), 401, 403 or 500.
pub fn status(kind: Kind, arn: &str, reply: &Reply) -> u16 {
    let answer = match reply {
        Reply::Error { error_message, .. } if error_message == "Unauthorized" && kind.answers_401_by_error() => {
            return 401;
        }
        Reply::Error { .. } | Reply::Streamed { .. } => return 500,
        Reply::Answer(bytes) if bytes.len() > LARGEST_ANSWER => return 500,
        Reply::Answer(bytes) => serde_json::from_slice(bytes).unwrap_or(Value::Null),
    };
    let allowed = if kind == Kind::Http2 && answer.get("isAuthorized").is_some() {
        answer["isAuthorized"].as_bool()
    } else {
        evaluate(&answer, arn)
    };
    match allowed {
        Some(true) => 200,
        Some(false) => 403,
        None => 500,
    }
}

/// Whether the policy allows `arn`; `None` where the gateway reports a configuration error.
fn evaluate(answer: &Value, arn: &str) -> Option<bool> {
    let principal = answer["principalId"].as_str()?;
    let flat = match &answer["context"] {
        Value::Null => true,
        Value::Object(context) => context.values().all(|value| !value.is_object() && !value.is_array()),
        _ => false,
    };
    if principal.is_empty() || !flat || answer["policyDocument"]["Version"] != "2012-10-17" {
        return None;
    }
    let mut allowed = false;
    let mut denied = false;
    for statement in answer["policyDocument"]["Statement"].as_array()? {
        if statement.get("Condition").is_some_and(Value::is_null) {
            return None;
        }
        let action = strings(&statement["Action"])?;
        let invokes = action.iter().any(|&action| matches!(action, "execute-api:Invoke" | "execute-api:*"));
        let covers = strings(&statement["Resource"])?.iter().any(|pattern| matches(pattern.as_bytes(), arn.as_bytes()));
        match statement["Effect"].as_str()? {
            "Allow" => allowed |= invokes && covers,
            "Deny" => denied |= invokes && covers,
            _ => return None,
        }
    }
    Some(allowed && !denied)
}

/// A string or a list of strings.
fn strings(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(one) => Some(vec![one]),
        Value::Array(many) => many.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// IAM's patterns: `*` is any run of characters, `?` is any one.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    // Row by row: which prefixes of the pattern match the text so far.
    let mut reached = vec![false; pattern.len() + 1];
    reached[0] = true;
    for i in 0..pattern.len() {
        reached[i + 1] = reached[i] && pattern[i] == b'*';
    }
    for &byte in text {
        let mut next = vec![false; pattern.len() + 1];
        for (i, &expected) in pattern.iter().enumerate() {
            next[i + 1] = match expected {
                b'*' => next[i] || reached[i + 1],
                b'?' => reached[i],
                literal => reached[i] && literal == byte,
            };
        }
        reached = next;
    }
    reached[pattern.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_iam_documents_them() {
        for (pattern, text, expected) in [
            ("a/*", "a/b/c", true),
            ("a/*", "a/", true),
            ("a/*", "a", false),
            ("*/GET/*", "x/prod/GET/items", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcd", false),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }
}
