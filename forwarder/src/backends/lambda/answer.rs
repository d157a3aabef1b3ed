//! What a function answers, read as API Gateway reads a proxy integration's answer: the status as a number
//! or as its digits, what is null as absent, `multiValueHeaders` in format 1.0 only, `cookies` in 2.0 only.
//! Unlike the gateway it takes no status below 200: none of those is an answer.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_https::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::{BackendAnswer, bounded, passed_back};
use crate::answer::Headers;
use crate::event::Format;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProxyAnswer<'a> {
    status_code: Scalar,
    headers: Option<BTreeMap<String, Option<Scalar>>>,
    #[serde(borrow)]
    multi_value_headers: Option<&'a RawValue>,
    #[serde(borrow)]
    cookies: Option<&'a RawValue>,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

/// Several values of each name; what is null is as if it were not there.
type Lists = BTreeMap<String, Option<Vec<Option<Scalar>>>>;

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

    /// A whole number, however it is written, or three digits.
    fn status(&self) -> Option<u16> {
        let number = match self {
            Self::Text(text) if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
            Self::Number(number) => number.as_f64(),
            Self::Text(_) | Self::Flag(_) => None,
        }?;
        (200..=599).find(|status| f64::from(*status) == number)
    }
}

/// # Errors
/// What is wrong with it, for the operator; quotes nothing of it.
pub fn parse(payload: &[u8], format: Format) -> Result<BackendAnswer<Bytes>, String> {
    if format == Format::V2
        && let Some(answer) = inferred(payload)
    {
        return Ok(answer);
    }
    let answer: ProxyAnswer<'_> = serde_json::from_slice(payload).map_err(|error| {
        format!("not a proxy integration's answer, at line {} column {}", error.line(), error.column())
    })?;
    let status = answer.status_code.status().ok_or("statusCode must be 200 to 599")?;
    let text = answer.body.as_deref().unwrap_or_default();
    let body = match answer.is_base64_encoded {
        Some(true) => STANDARD.decode(text).map_err(|_| "isBase64Encoded, but the body is not base64")?.into(),
        _ => Bytes::copy_from_slice(text.as_bytes()),
    };
    let headers = match format {
        Format::V1 => answer.headers_and_lists()?,
        Format::V2 => answer.headers_and_cookies()?,
    };
    Ok(BackendAnswer { status, headers, body })
}

impl ProxyAnswer<'_> {
    /// A name that is in both maps counts in the one with all values.
    fn headers_and_lists(&self) -> Result<Headers, String> {
        let lists: Lists = member(self.multi_value_headers).map_err(|_| "multiValueHeaders has other than lists")?;
        let lists: Vec<_> = lists.iter().filter_map(|(name, values)| Some((name.as_str(), values.as_ref()?))).collect();
        let listed: usize = lists.iter().map(|(_, values)| values.len().max(1)).sum();
        bounded(listed + self.headers.iter().flatten().count())?;
        let single = self.single().filter(|(name, _)| !lists.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)));
        let multiple =
            lists.iter().flat_map(|(name, values)| values.iter().flatten().map(move |value| (*name, value.text())));
        passed_back(&single.chain(multiple).collect::<Vec<_>>())
    }

    fn headers_and_cookies(&self) -> Result<Headers, String> {
        let cookies: Vec<Cow<'_, str>> = member(self.cookies).map_err(|_| "cookies is not a list of texts")?;
        passed_back(&self.single().chain(cookies.into_iter().map(|cookie| ("set-cookie", cookie))).collect::<Vec<_>>())
    }

    fn single(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.headers.iter().flatten().filter_map(|(name, value)| Some((name.as_str(), value.as_ref()?.text())))
    }
}

fn member<'a, T: Deserialize<'a> + Default>(value: Option<&'a RawValue>) -> serde_json::Result<T> {
    value.map_or_else(|| Ok(T::default()), |value| serde_json::from_str(value.get()))
}

/// Format 2.0 lets a function answer any JSON without a `statusCode`, as the body of a 200.
fn inferred(payload: &[u8]) -> Option<BackendAnswer<Bytes>> {
    let body = match serde_json::from_slice(payload).ok()? {
        Value::Object(answer) if answer.contains_key("statusCode") => return None,
        Value::String(text) => text.into(),
        _ => Bytes::copy_from_slice(payload),
    };
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Some(BackendAnswer { status: 200, headers, body })
}
