//! The JSON of an event: the fields that any kind has, as far as a decision reads them.
//!
//! Everything borrows from the payload; only a string with an escape is copied. An object with a
//! field twice is refused, but the caller names headers and parameters: those are lists, not maps.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use countersign_decision::limits;
use countersign_decision::request::{Headers, QueryView};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Option<Text<'a>>,
    pub version: Option<Text<'a>>,
    pub method_arn: Option<Text<'a>>,
    pub route_arn: Option<Text<'a>>,
    pub authorization_token: Option<Text<'a>>,
    pub http_method: Option<Text<'a>>,
    pub path: Option<Text<'a>>,
    pub raw_path: Option<Text<'a>>,
    pub raw_query_string: Option<Text<'a>>,
    /// Not read where there is the multi-value map, which says more.
    headers: Option<&'a RawValue>,
    multi_value_headers: Option<MultiLines<'a>>,
    query_string_parameters: Option<&'a RawValue>,
    multi_value_query_string_parameters: Option<MultiLines<'a>>,
    pub request_context: Option<Context<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Context<'a> {
    #[serde(borrow)]
    pub api_id: Option<Text<'a>>,
    pub stage: Option<Text<'a>>,
    pub path: Option<Text<'a>>,
    pub domain_name: Option<Text<'a>>,
    pub request_id: Option<Text<'a>>,
    pub route_key: Option<Text<'a>>,
    pub resource_path: Option<Text<'a>>,
    pub event_type: Option<Text<'a>>,
    pub identity: Option<Identity<'a>>,
    pub http: Option<Http<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Identity<'a> {
    #[serde(borrow)]
    pub source_ip: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Http<'a> {
    #[serde(borrow)]
    pub method: Option<Text<'a>>,
    pub source_ip: Option<Text<'a>>,
}

impl<'a> Event<'a> {
    /// Takes the lines; the multi-value map where there is one.
    pub fn headers(&mut self) -> Result<Headers<'a>, serde_json::Error> {
        let lines = match (self.multi_value_headers.take(), self.headers) {
            (Some(lines), _) => lines.0,
            (None, Some(single)) => SingleLines::read(single)?,
            (None, None) => Vec::new(),
        };
        Ok(Headers::new(lines))
    }

    /// Takes the decoded query. The single-value map only tells whether there is one at all.
    pub fn query(&mut self) -> Result<QueryView<'a>, serde_json::Error> {
        let pairs = self.multi_value_query_string_parameters.take().map_or_else(Vec::new, |lines| lines.0);
        match self.query_string_parameters {
            Some(single) if pairs.is_empty() && !SingleLines::read(single)?.is_empty() => Ok(QueryView::Lossy),
            _ => Ok(QueryView::Decoded(pairs)),
        }
    }
}

/// A string that is borrowed unless it has an escape.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

type Line<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Lines that are kept: one more than a decision takes of anything, so that it sees the excess.
const KEPT: usize = limits::HEADERS + 1;

/// Header lines of a usual request behind an edge.
const USUAL: usize = 40;

/// `{"Name": "value"}`
struct SingleLines<'a>(Vec<Line<'a>>);

impl<'a> SingleLines<'a> {
    fn read(json: &'a RawValue) -> Result<Vec<Line<'a>>, serde_json::Error> {
        serde_json::from_str(json.get()).map(|Self(lines)| lines)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for SingleLines<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = SingleLines<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut lines = Vec::with_capacity(USUAL);
                while let Some((Text(name), Text(value))) = object.next_entry()? {
                    if lines.len() < KEPT {
                        lines.push((name, value));
                    }
                }
                Ok(SingleLines(lines))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// `{"Name": ["first", "second"]}`
struct MultiLines<'a>(Vec<Line<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for MultiLines<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = MultiLines<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of lists of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut lines = Vec::with_capacity(USUAL);
                while let Some(Text(name)) = object.next_key()? {
                    object.next_value_seed(Values { name, lines: &mut lines })?;
                }
                Ok(MultiLines(lines))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// The values of one name, each a line of its own.
struct Values<'l, 'de> {
    name: Cow<'de, str>,
    lines: &'l mut Vec<Line<'de>>,
}

impl<'de> DeserializeSeed<'de> for Values<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Values<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of strings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while self.lines.len() < KEPT {
            let Some(Text(value)) = values.next_element()? else { return Ok(()) };
            self.lines.push((self.name.clone(), value));
        }
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}
