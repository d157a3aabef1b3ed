//! The JSON of an event: the fields that any form has, as far as they are read.
//!
//! An object with a field twice is refused, but the caller names headers and parameters: those are
//! lists, not maps.

use std::borrow::Cow;
use std::fmt;

use countersign_decision::limits;
use countersign_function::event::{Http, Peer};
use countersign_function::lines::{Line, MultiLines, SingleLines, Text};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Unreadable;

/// One more than there may be, so that the excess is seen.
const HEADERS: usize = limits::HEADERS + 1;
const PARAMETERS: usize = limits::PARAMETERS + 1;
/// What a route's path has room for; one that is missing is as if the route did not match.
const PATH_PARAMETERS: usize = 64;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event<'a> {
    /// Only what asks an authorizer has one.
    #[serde(borrow, rename = "type")]
    pub kind: Option<&'a RawValue>,
    pub version: Option<Text<'a>>,
    pub http_method: Option<Text<'a>>,
    pub path: Option<Text<'a>>,
    pub raw_path: Option<Text<'a>>,
    pub raw_query_string: Option<Text<'a>>,
    /// Not read where there is the multi-value map, which says more.
    #[serde(borrow)]
    headers: Option<&'a RawValue>,
    multi_value_headers: Option<MultiLines<'a, HEADERS>>,
    cookies: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    query_string_parameters: Option<&'a RawValue>,
    multi_value_query_string_parameters: Option<MultiLines<'a, PARAMETERS>>,
    pub path_parameters: Option<SingleLines<'a, PATH_PARAMETERS>>,
    pub body: Option<Text<'a>>,
    #[serde(default)]
    pub is_base64_encoded: bool,
    pub request_context: Option<Context<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Context<'a> {
    #[serde(borrow)]
    pub authorizer: Option<&'a RawValue>,
    pub api_id: Option<Text<'a>>,
    pub stage: Option<Text<'a>>,
    pub domain_name: Option<Text<'a>>,
    pub request_id: Option<Text<'a>>,
    pub route_key: Option<Text<'a>>,
    pub resource_path: Option<Text<'a>>,
    /// Only WebSockets have one.
    #[serde(borrow)]
    pub connection_id: Option<&'a RawValue>,
    /// Only load balancers' events have one.
    #[serde(borrow)]
    pub elb: Option<&'a RawValue>,
    pub identity: Option<Peer<'a>>,
    pub http: Option<Http<'a>>,
}

impl<'a> Event<'a> {
    /// Takes the header lines, names in lower case; from the multi-value map where there is one.
    pub fn headers(&mut self) -> Result<Vec<Line<'a>>, Unreadable> {
        let mut lines = match (self.multi_value_headers.take(), self.headers) {
            (Some(MultiLines(lines)), _) => lines,
            (None, Some(single)) => serde_json::from_str::<SingleLines<'a, HEADERS>>(single.get())?.0,
            (None, None) => Vec::new(),
        };
        if lines.len() > limits::HEADERS {
            return Err(Unreadable::new("the event has more header lines than a gateway takes"));
        }
        for (name, _) in &mut lines {
            if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                name.to_mut().make_ascii_lowercase();
            }
        }
        Ok(lines)
    }

    /// The same of format 2.0, which has cookies apart.
    pub fn headers_and_cookies(&mut self) -> Result<Vec<Line<'a>>, Unreadable> {
        let mut lines = self.headers()?;
        let cookies = self.cookies.take().unwrap_or_default();
        if !cookies.is_empty() {
            let cookies: Vec<_> = cookies.iter().map(|cookie| cookie.0.as_ref()).collect();
            lines.retain(|(name, _)| name != "cookie");
            lines.push((Cow::Borrowed("cookie"), Cow::Owned(cookies.join("; "))));
        }
        Ok(lines)
    }

    /// Takes the decoded query, from the multi-value map where there is one.
    pub fn query(&mut self) -> Result<Vec<Line<'a>>, Unreadable> {
        let lines = match (self.multi_value_query_string_parameters.take(), self.query_string_parameters) {
            (Some(MultiLines(lines)), _) => lines,
            (None, Some(single)) => serde_json::from_str::<SingleLines<'a, PARAMETERS>>(single.get())?.0,
            (None, None) => Vec::new(),
        };
        if lines.len() > limits::PARAMETERS {
            return Err(Unreadable::new("the event has more query parameters than a URL can"));
        }
        Ok(lines)
    }
}

/// An object whose values are looked at one by one, names as often as they come.
pub(crate) struct Members<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Text(name), value)) = object.next_entry()? {
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}
