//! What API Gateway hands over: a request with its body, in one of three forms, read in one pass and
//! borrowed from the payload.
//!
//! Says which form it is and shows each as it came; what the path and query were on the wire, and who
//! the caller is, others say. Whatever is no such event is an error of the function, not an answer.

pub(crate) mod json;
mod stage;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use countersign_function::event::complaint;
use countersign_function::lines::{Line, Text};

use self::json::{Context, Event};
use self::stage::Matched;
use crate::body;
use crate::identity::Identity;

/// One request as the event shows it. It has no `Debug`: it carries credentials.
pub struct Request<'a> {
    /// The event itself.
    pub payload: &'a str,
    pub format: Format,
    pub kind: Kind,
    pub method: Cow<'a, str>,
    /// Without the stage. REST shows it as it was on the wire, HTTP APIs decoded once.
    pub path: Cow<'a, str>,
    pub query: Query<'a>,
    /// Names in lower case, in the order of the event; a name that comes twice is there twice. Cookies
    /// are one header in every form.
    pub headers: Vec<Line<'a>>,
    /// The bytes that arrived at the gateway.
    pub body: Cow<'a, [u8]>,
    /// Absent where no authorizer of ours stands before the route.
    pub identity: Option<Identity<'a>>,
    /// API Gateway's own id of the request.
    pub request_id: Option<Cow<'a, str>>,
    pub api: Option<Cow<'a, str>>,
    pub stage: Option<Cow<'a, str>>,
    /// The route or resource that the gateway matched, a template such as `/items/{id}`: for logs.
    pub route: Option<Cow<'a, str>>,
    /// The gateway's view of the peer: an edge's address, behind an edge.
    pub source_ip: Option<Cow<'a, str>>,
    /// The host that the gateway was asked for.
    pub domain: Option<Cow<'a, str>>,
}

/// The payload format: which fields there are, and how the answer looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    V1,
    V2,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    Rest,
    Http,
}

/// Those that API Gateway routes, `ANY` included.
const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// The query as the event shows it.
pub enum Query<'a> {
    /// Format 2.0: byte for byte, without `?`.
    Raw(Cow<'a, str>),
    /// Format 1.0: decoded; the order across names is lost, the order of one name's values kept.
    Decoded(Vec<Line<'a>>),
}

impl Request<'_> {
    /// A header's value, its name in lower case; `None` where it is absent or comes more than once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_ref());
        values.next().filter(|_| values.next().is_none())
    }

    /// The name of the event's form, for logs.
    pub const fn event(&self) -> &'static str {
        match (self.kind, self.format) {
            (Kind::Rest, _) => "rest_1.0",
            (Kind::Http, Format::V1) => "http_1.0",
            (Kind::Http, Format::V2) => "http_2.0",
        }
    }
}

/// The event is none of the three forms, or not as it is documented.
#[derive(Debug)]
pub struct Unreadable {
    /// For the operator; quotes nothing of the event, which carries credentials.
    pub detail: String,
}

impl Unreadable {
    /// What the function error says; the gateway shows none of it to the client.
    pub const CODE: &str = "event_unreadable";

    pub fn new(detail: impl Into<String>) -> Self {
        Self { detail: detail.into() }
    }

    fn missing(field: &str) -> Self {
        Self::new(format!("the event has no {field}"))
    }
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        Self::new(complaint(&error))
    }
}

/// Reads an event of any form.
///
/// # Errors
///
/// [`Unreadable`] for whatever API Gateway would not send to the integration of a route.
pub fn parse(payload: &str) -> Result<Request<'_>, Unreadable> {
    let event: Event<'_> = serde_json::from_str(payload)?;
    match event.version.as_deref() {
        _ if event.kind.is_some() => {
            Err(Unreadable::new("the event asks an authorizer: attach the forwarder as an integration of routes"))
        }
        Some("2.0") => version_2(payload, event),
        Some("1.0") => version_1(payload, event, Kind::Http),
        Some(_) => Err(Unreadable::new("the event's version is neither 1.0 nor 2.0")),
        None => match &event.request_context {
            Some(context) if context.connection_id.is_some() => {
                Err(Unreadable::new("the event is a WebSocket's: the forwarder serves REST and HTTP APIs"))
            }
            Some(context) if context.elb.is_some() => {
                Err(Unreadable::new("the event is a load balancer's: the forwarder serves REST and HTTP APIs"))
            }
            _ => version_1(payload, event, Kind::Rest),
        },
    }
}

fn version_1<'a>(payload: &'a str, mut event: Event<'a>, kind: Kind) -> Result<Request<'a>, Unreadable> {
    let headers = event.headers()?;
    let query = Query::Decoded(event.query()?);
    let method = required(event.http_method.take(), "httpMethod")?;
    let path = required(event.path.take(), "path")?;
    request(payload, Seen { format: Format::V1, kind, method, path, query, headers }, event)
}

fn version_2<'a>(payload: &'a str, mut event: Event<'a>) -> Result<Request<'a>, Unreadable> {
    let headers = event.headers_and_cookies()?;
    let query = Query::Raw(required(event.raw_query_string.take(), "rawQueryString")?);
    let path = required(event.raw_path.take(), "rawPath")?;
    let http = event.request_context.as_mut().and_then(|context| context.http.as_mut());
    let method = required(http.and_then(|http| http.method.take()), "requestContext.http.method")?;
    request(payload, Seen { format: Format::V2, kind: Kind::Http, method, path, query, headers }, event)
}

/// What the forms show in different places.
struct Seen<'a> {
    format: Format,
    kind: Kind,
    method: Cow<'a, str>,
    path: Cow<'a, str>,
    query: Query<'a>,
    headers: Vec<Line<'a>>,
}

fn request<'a>(payload: &'a str, seen: Seen<'a>, event: Event<'a>) -> Result<Request<'a>, Unreadable> {
    if !METHODS.contains(&seen.method.as_ref()) {
        return Err(Unreadable::new("the event's method is none that API Gateway routes"));
    }
    let context = event.request_context.ok_or_else(|| Unreadable::missing("requestContext"))?;
    let path = match seen.kind {
        Kind::Rest => seen.path,
        Kind::Http => {
            let parameters = event.path_parameters.as_ref().map_or(&[] as &[_], |lines| &lines.0);
            stage::removed(seen.path, &matched(&context, parameters))
        }
    };
    let source_ip = match seen.format {
        Format::V1 => context.identity.and_then(|identity| identity.source_ip),
        Format::V2 => context.http.and_then(|http| http.source_ip),
    };
    Ok(Request {
        payload,
        format: seen.format,
        kind: seen.kind,
        method: seen.method,
        path,
        query: seen.query,
        headers: seen.headers,
        body: body::decoded(event.body.map(|text| text.0).unwrap_or_default(), event.is_base64_encoded)?,
        identity: context.authorizer.map(Identity::read).transpose()?.flatten(),
        request_id: context.request_id.map(|text| text.0),
        api: context.api_id.map(|text| text.0),
        stage: context.stage.map(|text| text.0),
        route: context.route_key.or(context.resource_path).map(|text| text.0),
        source_ip: source_ip.map(|text| text.0),
        domain: context.domain_name.map(|text| text.0),
    })
}

/// Of format 2.0 the route is `GET /items/{id}`, of format 1.0 its resource `/items/{id}`.
fn matched<'m>(context: &'m Context<'_>, parameters: &'m [Line<'m>]) -> Matched<'m> {
    let route = context.route_key.as_deref().and_then(|route| route.split(' ').nth(1));
    Matched {
        stage: context.stage.as_deref().unwrap_or_default(),
        api: context.api_id.as_deref().unwrap_or_default(),
        domain: context.domain_name.as_deref().unwrap_or_default(),
        template: route.or(context.resource_path.as_deref()).unwrap_or_default(),
        parameters,
    }
}

fn required<'a>(text: Option<Text<'a>>, field: &str) -> Result<Cow<'a, str>, Unreadable> {
    text.map(|text| text.0).ok_or_else(|| Unreadable::missing(field))
}
