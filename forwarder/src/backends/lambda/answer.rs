//! What a function answers, read as API Gateway reads a proxy integration's answer.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_https::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::super::{BackendAnswer, passed_back};
use crate::event::Format;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProxyAnswer {
    status_code: u16,
    headers: Option<BTreeMap<String, Scalar>>,
    multi_value_headers: Option<BTreeMap<String, Vec<Scalar>>>,
    cookies: Option<Vec<String>>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

/// What the gateway takes for a header's value.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(serde_json::Number),
    Flag(bool),
}

impl Scalar {
    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Flag(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
        }
    }
}

/// # Errors
/// What is wrong with it, for the operator; quotes nothing of it.
pub fn parse(payload: &[u8], format: Format) -> Result<BackendAnswer, String> {
    if format == Format::V2
        && let Some(answer) = inferred(payload)
    {
        return Ok(answer);
    }
    let answer: ProxyAnswer = serde_json::from_slice(payload).map_err(|error| {
        format!("not a proxy integration's answer, at line {} column {}", error.line(), error.column())
    })?;
    if !(200..=599).contains(&answer.status_code) {
        return Err(format!("statusCode {}; it must be 200 to 599", answer.status_code));
    }
    let lines = answer.lines();
    let text = answer.body.as_deref().unwrap_or_default();
    let body = match answer.is_base64_encoded {
        Some(true) => STANDARD.decode(text).map_err(|_| "isBase64Encoded, but the body is not base64")?.into(),
        _ => Bytes::copy_from_slice(text.as_bytes()),
    };
    Ok(BackendAnswer { status: answer.status_code, headers: passed_back(&lines), body })
}

impl ProxyAnswer {
    /// A name that is in both maps counts in the one with all values.
    fn lines(&self) -> Vec<(&str, Cow<'_, str>)> {
        let (single, multiple) = (self.headers.iter().flatten(), self.multi_value_headers.iter().flatten());
        let has_all =
            |name: &str| self.multi_value_headers.iter().flatten().any(|(own, _)| own.eq_ignore_ascii_case(name));
        let single = single.filter(|(name, _)| !has_all(name)).map(|(name, value)| (name.as_str(), value.text()));
        let multiple = multiple.flat_map(|(name, values)| values.iter().map(|value| (name.as_str(), value.text())));
        let cookies = self.cookies.iter().flatten().map(|cookie| ("set-cookie", Cow::Borrowed(cookie.as_str())));
        single.chain(multiple).chain(cookies).collect()
    }
}

/// Format 2.0 lets a function answer any JSON without a `statusCode`, as the body of a 200.
fn inferred(payload: &[u8]) -> Option<BackendAnswer> {
    let body = match serde_json::from_slice(payload).ok()? {
        Value::Object(answer) if answer.contains_key("statusCode") => return None,
        Value::String(text) => text.into(),
        _ => Bytes::copy_from_slice(payload),
    };
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Some(BackendAnswer { status: 200, headers, body })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn answer(payload: &str, format: Format) -> Result<(u16, Vec<String>, String), String> {
        let answer = parse(payload.as_bytes(), format)?;
        let lines = answer.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        Ok((answer.status, lines, String::from_utf8(answer.body.to_vec()).unwrap()))
    }

    #[test]
    fn headers_of_all_forms() {
        let payload = r#"{"statusCode":201,"headers":{"X-One":1,"X-Yes":true,"x-many":"lost","Content-Length":"3"},
            "multiValueHeaders":{"X-Many":["a","b"]},"cookies":["c=1"],"body":"abc"}"#;
        let lines = ["x-one: 1", "x-yes: true", "x-many: a", "x-many: b", "set-cookie: c=1"].map(str::to_owned);
        for format in [Format::V1, Format::V2] {
            assert_eq!(answer(payload, format), Ok((201, lines.to_vec(), "abc".to_owned())));
        }
    }

    #[test]
    fn a_body_may_be_base64_or_absent() {
        let base64 = r#"{"statusCode":200,"body":"aGk=","isBase64Encoded":true}"#;
        assert_eq!(answer(base64, Format::V1), Ok((200, Vec::new(), "hi".to_owned())));
        assert_eq!(answer(r#"{"statusCode":204,"body":null}"#, Format::V1), Ok((204, Vec::new(), String::new())));
    }

    #[test]
    fn format_2_takes_any_json_for_a_body() {
        let json = vec!["content-type: application/json".to_owned()];
        assert_eq!(answer(r#""hello""#, Format::V2), Ok((200, json.clone(), "hello".to_owned())));
        assert_eq!(answer(r#"{"a": 1}"#, Format::V2), Ok((200, json, r#"{"a": 1}"#.to_owned())));
        assert!(answer(r#"{"a": 1}"#, Format::V1).is_err());
    }

    #[test]
    fn what_is_no_answer() {
        for payload in [
            "",
            "null",
            "<html>",
            r#"{"statusCode":"200"}"#,
            r#"{"statusCode":101}"#,
            r#"{"statusCode":600}"#,
            r#"{"statusCode":-1}"#,
            r#"{"statusCode":200,"statusCode":500}"#,
            r#"{"statusCode":200,"body":{"canary":1}}"#,
            r#"{"statusCode":200,"headers":{"a":["canary"]}}"#,
            r#"{"statusCode":200,"headers":"canary"}"#,
            r#"{"statusCode":200,"multiValueHeaders":{"a":"canary"}}"#,
            r#"{"statusCode":200,"body":"canary!","isBase64Encoded":true}"#,
            r#"{"statusCode":200,"body":"aGk","isBase64Encoded":true}"#,
        ] {
            let what = answer(payload, Format::V1).unwrap_err();
            assert!(!what.contains("canary"), "{payload}: {what}");
        }
    }

    #[test]
    fn no_header_ends_a_line() {
        let payload = r#"{"statusCode":200,"headers":{"a":"1\r\nset-cookie: x","b c":"1","d":"2"}}"#;
        assert_eq!(answer(payload, Format::V1), Ok((200, vec!["d: 2".to_owned()], String::new())));
    }
}
