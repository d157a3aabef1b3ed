//! The JSON of an event: the fields that any kind has, as far as a decision reads them.
//!
//! An object with a field twice is refused, but the caller names headers and parameters: those are
//! lists, not maps.

use countersign_decision::limits;
use countersign_decision::request::{Headers, Line, QueryView};
use countersign_function::event::{Http, Peer};
use countersign_function::lines::{self, Text};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Lines that are kept: one more than a decision takes of anything, so that it sees the excess.
const KEPT: usize = limits::HEADERS + 1;

type SingleLines<'a> = lines::SingleLines<'a, KEPT>;
type MultiLines<'a> = lines::MultiLines<'a, KEPT>;

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
    pub identity: Option<Peer<'a>>,
    pub http: Option<Http<'a>>,
}

impl<'a> Event<'a> {
    /// Takes the lines; the multi-value map where there is one.
    pub fn headers(&mut self) -> Result<Headers<'a>, serde_json::Error> {
        let lines = match (self.multi_value_headers.take(), self.headers) {
            (Some(lines), _) => lines.0,
            (None, Some(single)) => single_lines(single)?,
            (None, None) => Vec::new(),
        };
        Ok(Headers::new(lines))
    }

    /// Takes the decoded query. The single-value map only tells whether there is one at all.
    pub fn query(&mut self) -> Result<QueryView<'a>, serde_json::Error> {
        let pairs = self.multi_value_query_string_parameters.take().map_or_else(Vec::new, |lines| lines.0);
        match self.query_string_parameters {
            Some(single) if pairs.is_empty() && !single_lines(single)?.is_empty() => Ok(QueryView::Lossy),
            _ => Ok(QueryView::Decoded(pairs)),
        }
    }
}

fn single_lines(json: &RawValue) -> Result<Vec<Line<'_>>, serde_json::Error> {
    serde_json::from_str(json.get()).map(|lines: SingleLines<'_>| lines.0)
}
