//! The facts that are judged: one request as API Gateway reported it, borrowed from the event.
//!
//! The five event kinds report the same request with different losses; the views here keep each
//! kind's loss visible instead of pretending that a path is a path. See `target` for what they mean.

use std::borrow::Cow;
use std::fmt;

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum EventKind {
    RestToken,
    RestRequest,
    Http1,
    Http2,
    WebSocket,
}

impl EventKind {
    pub const ALL: [Self; 5] = [Self::RestToken, Self::RestRequest, Self::Http1, Self::Http2, Self::WebSocket];

    /// The name for logs and the golden table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RestToken => "rest_token",
            Self::RestRequest => "rest_request",
            Self::Http1 => "http_1.0",
            Self::Http2 => "http_2.0",
            Self::WebSocket => "websocket",
        }
    }
}

pub struct Request<'a> {
    pub kind: EventKind,
    pub arn: Arn<'a>,
    /// `GET` for WebSocket, whose upgrade always is one.
    pub method: Cow<'a, str>,
    pub headers: Headers<'a>,
    /// The one header that a TOKEN event carries.
    pub authorization_token: Option<Cow<'a, str>>,
    pub path: PathView<'a>,
    pub query: QueryView<'a>,
    /// `requestContext.apiId` and `.stage`, where the event has them.
    pub api_id: Option<Cow<'a, str>>,
    pub stage: Option<Cow<'a, str>>,
    pub domain_name: Option<Cow<'a, str>>,
    /// The gateway's view of the caller's address: an edge's, behind an edge.
    pub source_ip: Option<Cow<'a, str>>,
    pub request_id: Option<Cow<'a, str>>,
    /// The route or resource that the gateway matched, a template such as `/items/{id}`: for logs.
    pub route: Option<Cow<'a, str>>,
}

/// Nothing but the kind: a request carries credentials.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({})", self.kind.name())
    }
}

/// A method or route ARN in its parts:
/// `arn:partition:execute-api:region:account:apiId/stage/METHOD/path`, WebSocket `…/stage/$connect`.
///
/// The path may itself contain `:` and `/`. The parts are borrowed unless JSON had to escape one
/// of the path's characters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Arn<'a> {
    /// `arn:partition:execute-api:region:account`
    pub prefix: Cow<'a, str>,
    pub api_id: Cow<'a, str>,
    pub stage: Cow<'a, str>,
    /// `$connect` on WebSocket.
    pub method: Cow<'a, str>,
    /// With its leading slash; `/` for the root; empty on WebSocket.
    pub path: Cow<'a, str>,
}

impl<'a> Arn<'a> {
    pub fn parse(arn: impl Into<Cow<'a, str>>) -> Option<Self> {
        match arn.into() {
            Cow::Borrowed(arn) => Self::split(arn),
            Cow::Owned(arn) => Arn::split(&arn).map(Arn::into_owned),
        }
    }

    fn split(arn: &'a str) -> Option<Self> {
        let mut colons = arn.bytes().enumerate().filter(|(_, byte)| *byte == b':').map(|(at, _)| at);
        let [_, partition, service, _, account] = std::array::from_fn(|_| colons.next());
        let (partition, service, account) = (partition?, service?, account?);
        if !arn.starts_with("arn:") || partition <= 4 || arn.get(partition + 1..service) != Some("execute-api") {
            return None;
        }
        let (prefix, rest) = (arn.get(..account)?, arn.get(account + 1..)?);
        let (api_id, rest) = rest.split_once('/')?;
        let (stage, rest) = rest.split_once('/')?;
        let (method, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let whole = !api_id.is_empty() && !stage.is_empty() && !method.is_empty();
        whole.then(|| Self {
            prefix: prefix.into(),
            api_id: api_id.into(),
            stage: stage.into(),
            method: method.into(),
            path: path.into(),
        })
    }

    fn into_owned(self) -> Arn<'static> {
        let own = |part: Cow<'_, str>| Cow::Owned(part.into_owned());
        Arn {
            prefix: own(self.prefix),
            api_id: own(self.api_id),
            stage: own(self.stage),
            method: own(self.method),
            path: own(self.path),
        }
    }
}

/// A name and a value, borrowed unless JSON had to escape something in them.
pub type Line<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Header lines in the order of the event, names as sent.
#[derive(Default)]
pub struct Headers<'a> {
    lines: Vec<Line<'a>>,
    /// For each of `ASKED_FOR`, where it is.
    found: [Found; ASKED_FOR.len()],
}

/// What every decision asks for by name; found once, so that a look-up is no search.
const ASKED_FOR: [&str; 9] = [
    "host",
    "edge-key",
    "signature",
    "edge-token",
    "edge-target",
    "edge-client",
    "authorization",
    "content-digest",
    "signature-input",
];

/// A bit for each length among `ASKED_FOR`, which most headers share with none.
const LENGTHS: u64 = {
    let (mut bits, mut rest) = (0, ASKED_FOR.as_slice());
    while let [name, others @ ..] = rest {
        bits |= length_bit(name);
        rest = others;
    }
    bits
};

/// One bit, the highest for all long names, to pass over most names without comparing them.
pub(crate) const fn length_bit(name: &str) -> u64 {
    1 << if name.len() < 63 { name.len() } else { 63 }
}

#[derive(Clone, Copy, Default)]
enum Found {
    #[default]
    Never,
    /// The number of its line.
    Once(usize),
    Repeatedly,
}

/// How often a header is on the request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sent<'h> {
    Never,
    Once(&'h str),
    Repeatedly,
}

impl<'a> Headers<'a> {
    pub fn new(lines: Vec<Line<'a>>) -> Self {
        let mut found = [Found::Never; ASKED_FOR.len()];
        for (number, (name, _)) in lines.iter().enumerate() {
            if LENGTHS & length_bit(name) == 0 {
                continue;
            }
            let place = ASKED_FOR.iter().position(|asked| name.eq_ignore_ascii_case(asked));
            if let Some(found) = place.and_then(|place| found.get_mut(place)) {
                *found = match found {
                    Found::Never => Found::Once(number),
                    Found::Once(_) | Found::Repeatedly => Found::Repeatedly,
                };
            }
        }
        Self { lines, found }
    }

    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// Every line of one header, its name in any case.
    pub fn all<'h>(&'h self, name: &'h str) -> impl Iterator<Item = &'h str> {
        self.iter().filter(move |(sent, _)| sent.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The header of this name in any case; one that is asked for often is found at once by its name
    /// in lower case.
    pub fn sent<'h>(&'h self, name: &'h str) -> Sent<'h> {
        match ASKED_FOR.iter().position(|asked| *asked == name).and_then(|place| self.found.get(place)) {
            Some(Found::Never) => Sent::Never,
            Some(Found::Once(number)) => self.lines.get(*number).map_or(Sent::Never, |(_, value)| Sent::Once(value)),
            Some(Found::Repeatedly) => Sent::Repeatedly,
            None => self.search(name),
        }
    }

    fn search<'h>(&'h self, name: &'h str) -> Sent<'h> {
        let mut lines = self.all(name);
        match (lines.next(), lines.next()) {
            (None, _) => Sent::Never,
            (Some(value), None) => Sent::Once(value),
            (Some(_), Some(_)) => Sent::Repeatedly,
        }
    }
}

/// The path as this kind of event shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PathView<'a> {
    /// REST: the path on the wire, still percent-encoded (`rawPath`, else `requestContext.path`).
    Wire(Cow<'a, str>),
    /// REST without either: `path`, still percent-encoded, with or without the stage in front.
    WireWithoutStage(Cow<'a, str>),
    /// HTTP 2.0 `rawPath` and HTTP 1.0 `path`: percent-decoded once. A named stage is in front on the
    /// default endpoint; reports of custom domains disagree, so it may be missing.
    Decoded(Cow<'a, str>),
    /// TOKEN and WebSocket events show none.
    Hidden,
}

impl PathView<'_> {
    /// The text of whichever view it is; empty where there is none.
    pub fn text(&self) -> &str {
        match self {
            Self::Wire(path) | Self::WireWithoutStage(path) | Self::Decoded(path) => path,
            Self::Hidden => "",
        }
    }
}

/// Decoded query parameters: a name and a value for each value, a name's values in order.
pub type QueryPairs<'a> = Vec<Line<'a>>;

/// The query as this kind of event shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum QueryView<'a> {
    /// HTTP 2.0: byte for byte, without `?`.
    Raw(Cow<'a, str>),
    /// Decoded, names without order, each name's values in order.
    Decoded(QueryPairs<'a>),
    /// There is a query, but the event has lost repeated values (no multi-value map).
    Lossy,
    /// TOKEN events show none.
    Hidden,
}
