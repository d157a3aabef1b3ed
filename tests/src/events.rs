//! What API Gateway tells an authorizer about one request on the wire, as each event kind tells it.
//!
//! Real gateways lose information, differently for each kind; the builders lose the same: REST
//! reports the path as sent and a decoded query, HTTP APIs a decoded path, WebSocket no path, TOKEN
//! events a single header. Written after recorded events.

use serde_json::Value;

mod kinds;
pub mod proxy;
mod views;

/// A request as it leaves the edge.
#[derive(Clone, Debug, PartialEq)]
pub struct WireRequest {
    pub method: String,
    /// The `Host` header.
    pub authority: String,
    /// Path and query of the URL, as sent.
    pub target: String,
    /// Every header line but `Host`, in order, names as sent.
    pub headers: Vec<(String, String)>,
}

impl WireRequest {
    pub fn new(method: &str, authority: &str, target: &str) -> Self {
        Self {
            method: method.to_owned(),
            authority: authority.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
        }
    }

    /// Adds one more header line.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The value of a header's last line.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.headers.iter().rev();
        lines.filter(|(sent, _)| sent.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).next()
    }

    fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Without its `?`; empty where there is none.
    fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    RestToken,
    RestRequest,
    Http1,
    Http2,
    WebSocket,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::RestToken, Self::RestRequest, Self::Http1, Self::Http2, Self::WebSocket];

    /// The kinds that show the whole request, and so can carry the edge's proof.
    pub const SIGNABLE: [Self; 4] = [Self::RestRequest, Self::Http1, Self::Http2, Self::WebSocket];

    /// The kinds whose 401 is a function error.
    pub const fn answers_401_by_error(self) -> bool {
        matches!(self, Self::RestToken | Self::RestRequest | Self::WebSocket)
    }
}

/// One stage of one API, and the domain under which it is called.
#[derive(Clone, Debug)]
pub struct Api {
    pub id: String,
    pub stage: String,
    /// The host of the domain in use.
    pub domain: String,
    /// The base path of a custom domain's mapping, `/v1`; `None` on the default endpoint, whose
    /// paths begin with the stage instead.
    pub base_path: Option<String>,
    /// Whether HTTP 1.0 events carry multi-value maps; the documented authorizer event does not.
    pub http1_multi_value: bool,
}

impl Api {
    /// A stage behind its default endpoint.
    pub fn new(id: &str, stage: &str) -> Self {
        Self {
            id: id.to_owned(),
            stage: stage.to_owned(),
            domain: format!("{id}.execute-api.eu-west-1.amazonaws.com"),
            base_path: None,
            http1_multi_value: true,
        }
    }

    /// The same stage behind a custom domain. The empty base path maps the whole domain.
    #[must_use]
    pub fn behind(mut self, domain: &str, base_path: &str) -> Self {
        self.domain = domain.to_owned();
        self.base_path = Some(base_path.to_owned());
        self
    }

    /// Where a resource of this stage is on the wire: `/items` is `/prod/items`, or `/v1/items`.
    pub fn target(&self, resource: &str) -> String {
        match &self.base_path {
            Some(base_path) => format!("{base_path}{resource}"),
            None if self.stage == "$default" => resource.to_owned(),
            None => format!("/{}{resource}", self.stage),
        }
    }

    /// The event that this kind of API sends for a request.
    pub fn event(&self, kind: Kind, request: &WireRequest) -> Value {
        match kind {
            Kind::RestToken => kinds::rest_token(self, request),
            Kind::RestRequest => kinds::rest_request(self, request),
            Kind::Http1 => kinds::http1(self, request),
            Kind::Http2 => kinds::http2(self, request),
            Kind::WebSocket => kinds::websocket(self, request),
        }
    }

    /// The path that the gateway routes by: what follows the stage, or the base path, on the wire.
    fn resource<'r>(&self, request: &'r WireRequest) -> &'r str {
        match request.path().strip_prefix(&self.target("")) {
            Some("") => "/",
            Some(resource) if resource.starts_with('/') => resource,
            _ => request.path(),
        }
    }

    fn arn(&self, rest: &str) -> String {
        format!("arn:aws:execute-api:eu-west-1:123456789012:{}/{}/{rest}", self.id, self.stage)
    }
}
