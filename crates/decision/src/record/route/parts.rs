//! The attributes of a route that have members of their own. Each is read strictly and bounded; what
//! is read is what may be published.

use std::collections::BTreeMap;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::record::blocks;

/// Which requests are meant. A list that is absent matches every request, one that is there its members.
#[derive(Debug, Deserialize)]
#[serde(try_from = "StoredMatch")]
pub(crate) struct Match {
    /// HTTP methods, in capitals.
    pub method: Vec<String>,
    /// The client's host: `api.example.com`, or `*.example.com` for every name below.
    pub host: Vec<String>,
    /// Decoded paths in which `*` matches any run of characters, as in a grant.
    pub path: Vec<String>,
    pub cidrs: Vec<IpNet>,
    /// ISO 3166-1 alpha-2, in capitals; the edge also knows `T1` for Tor.
    pub countries: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredMatch {
    method: Option<Vec<String>>,
    host: Option<Vec<String>>,
    path: Option<Vec<String>>,
    cidrs: Option<Vec<String>>,
    countries: Option<Vec<String>>,
}

impl TryFrom<StoredMatch> for Match {
    type Error = String;

    fn try_from(stored: StoredMatch) -> Result<Self, String> {
        Ok(Self {
            method: checked("method", stored.method, is_method, "is not an HTTP method in capitals")?,
            host: checked("host", stored.host, is_host, "is not a host name in lower case")?,
            path: checked("path", stored.path, is_path, "is not a decoded path such as /v1/*")?,
            cidrs: listed("cidrs", stored.cidrs, limits::CIDRS).and_then(|texts| blocks("cidrs", &texts))?,
            countries: checked("countries", stored.countries, is_country, "is not a country code such as GB")?,
        })
    }
}

/// Who may call: a caller is identified by what the route names, and not at all where it is `anonymous`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Auth {
    Anonymous,
    Key,
    Token,
    Any,
}

/// `shadow` decides and logs, and lets everything through; `off` does not decide.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    Off,
    Shadow,
    Enforce,
}

/// How answers to public GETs are kept at the edge.
#[derive(Debug, Deserialize, Serialize)]
#[serde(try_from = "StoredCache")]
pub(crate) struct Cache {
    /// Seconds.
    pub ttl: u32,
    /// Query parameters that tell one answer from another; absent: all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<Vec<String>>,
    /// Request headers that do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// Request headers in whose presence nothing is taken from the cache or put there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bypass: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCache {
    ttl: u32,
    query: Option<Vec<String>>,
    headers: Option<Vec<String>>,
    bypass: Option<Vec<String>>,
}

/// A year: RFC 9111 gives no reason for more.
const LONGEST_TTL: u32 = 31_536_000;

impl TryFrom<StoredCache> for Cache {
    type Error = String;

    fn try_from(stored: StoredCache) -> Result<Self, String> {
        if !(1..=LONGEST_TTL).contains(&stored.ttl) {
            return Err(format!("ttl must be 1 to {LONGEST_TTL} seconds"));
        }
        let query = stored.query.map(|names| bounded("query", names, is_text, "is not a parameter's name"));
        Ok(Self {
            ttl: stored.ttl,
            query: query.transpose()?,
            headers: header_names("headers", stored.headers)?,
            bypass: header_names("bypass", stored.bypass)?,
        })
    }
}

/// Changes of the request on its way to the origin. None of them touches what carries the proof.
#[derive(Debug, Deserialize, Serialize)]
#[serde(try_from = "StoredHeaderRules")]
pub(crate) struct HeaderRules {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// A request without one of these is refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredHeaderRules {
    set: Option<BTreeMap<String, String>>,
    remove: Option<Vec<String>>,
    require: Option<Vec<String>>,
}

impl TryFrom<StoredHeaderRules> for HeaderRules {
    type Error = String;

    fn try_from(stored: StoredHeaderRules) -> Result<Self, String> {
        let set = stored.set.unwrap_or_default();
        let names = checked(
            "set",
            Some(set.keys().cloned().collect()).filter(|names: &Vec<_>| !names.is_empty()),
            is_header,
            HEADER,
        )?;
        let (remove, require) = (header_names("remove", stored.remove)?, header_names("require", stored.require)?);
        if let Some(name) = names.iter().chain(&remove).chain(&require).find(|name| carries_proof(name)) {
            return Err(format!("{name:?} belongs to the proof and cannot be named here"));
        }
        if let Some((name, _)) = set.iter().find(|(_, value)| !is_text(value)) {
            return Err(format!(
                "set: the value of {name:?} must be 1 to {} printable ASCII characters",
                limits::ROUTE_TEXT
            ));
        }
        Ok(Self { set, remove, require })
    }
}

/// Headers that the signature covers or that decide where a request goes.
fn carries_proof(name: &str) -> bool {
    name.starts_with("edge-")
        || name.starts_with("signature")
        || matches!(name, "authorization" | "host" | "content-digest")
}

/// What the edge says to browsers of other origins.
#[derive(Debug, Deserialize, Serialize)]
#[serde(try_from = "StoredCors")]
pub(crate) struct Cors {
    /// `https://app.example.com`, or `*` alone.
    pub origins: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expose: Vec<String>,
    pub credentials: bool,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCors {
    origins: Vec<String>,
    methods: Option<Vec<String>>,
    headers: Option<Vec<String>>,
    expose: Option<Vec<String>>,
    #[serde(default)]
    credentials: bool,
    max_age: Option<u32>,
}

impl TryFrom<StoredCors> for Cors {
    type Error = String;

    fn try_from(stored: StoredCors) -> Result<Self, String> {
        let any = stored.origins.iter().any(|origin| origin == "*");
        if any && (stored.credentials || stored.origins.len() > 1) {
            return Err("origins: \"*\" stands alone, and not with credentials".to_owned());
        }
        Ok(Self {
            origins: checked(
                "origins",
                Some(stored.origins),
                is_origin,
                "is not an origin such as https://app.example.com",
            )?,
            methods: checked("methods", stored.methods, is_method, "is not an HTTP method in capitals")?,
            headers: header_names("headers", stored.headers)?,
            expose: header_names("expose", stored.expose)?,
            credentials: stored.credentials,
            max_age: stored.max_age,
        })
    }
}

const HEADER: &str = "is not a header's name in lower case";

fn header_names(member: &str, names: Option<Vec<String>>) -> Result<Vec<String>, String> {
    checked(member, names, is_header, HEADER)
}

/// A list that may be absent; one that is there is not empty, lest it read as "none".
fn checked(
    member: &str,
    list: Option<Vec<String>>,
    holds: fn(&str) -> bool,
    what: &str,
) -> Result<Vec<String>, String> {
    bounded(member, listed(member, list, limits::ROUTE_LIST)?, holds, what)
}

fn listed(member: &str, list: Option<Vec<String>>, most: usize) -> Result<Vec<String>, String> {
    match list {
        Some(list) if list.is_empty() || list.len() > most => {
            Err(format!("{member}: leave it out, or name 1 to {most}"))
        }
        list => Ok(list.unwrap_or_default()),
    }
}

fn bounded(member: &str, list: Vec<String>, holds: fn(&str) -> bool, what: &str) -> Result<Vec<String>, String> {
    if list.len() > limits::ROUTE_LIST {
        return Err(format!("{member}: more than {}", limits::ROUTE_LIST));
    }
    match list.iter().find(|text| text.len() > limits::ROUTE_TEXT || !holds(text)) {
        Some(text) if text.len() > limits::ROUTE_TEXT => {
            Err(format!("{member}: a text is longer than {}", limits::ROUTE_TEXT))
        }
        Some(text) => Err(format!("{member}: {text:?} {what}")),
        None => Ok(list),
    }
}

fn is_method(text: &str) -> bool {
    matches!(text, "DELETE" | "GET" | "HEAD" | "OPTIONS" | "PATCH" | "POST" | "PUT")
}

fn is_host(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    name.split('.').all(label)
}

/// Without escapes: what it is compared with has been decoded, so one would match nothing.
fn is_path(text: &str) -> bool {
    let has_other = text.contains(['?', '#', '\\', '%']);
    text.starts_with('/') && is_text(text) && !has_other && !crate::path::is_hostile_grant(text)
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_header(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(token)
}

fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    text == "*"
        || host.is_some_and(|host| {
            !host.is_empty() && is_text(host) && !host.contains(['/', '@', '?', '#', '*', ',', ' '])
        })
}

/// Printable ASCII, spaces included.
fn is_text(text: &str) -> bool {
    !text.is_empty() && text.len() <= limits::ROUTE_TEXT && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}
