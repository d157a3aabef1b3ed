//! Grants: what a principal may call, as `METHOD /path` patterns.
//!
//! `*` in a path matches any run of characters, `/` included, as it does in API Gateway's resource
//! patterns. A pattern is matched here and handed to API Gateway as a resource ARN, and both must
//! agree; so method `*` is expanded and never emitted: in an ARN it would also match `GET/admin`.

mod intersection;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Deserializer, de};

use crate::limits;
use crate::request::Arn;

/// The methods that API Gateway routes, and WebSocket's `$connect`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    Delete,
    Get,
    Head,
    Options,
    Patch,
    Post,
    Put,
    Connect,
    /// All of HTTP's seven; not `CONNECT`.
    Any,
}

const HTTP_METHODS: [Method; 7] =
    [Method::Delete, Method::Get, Method::Head, Method::Options, Method::Patch, Method::Post, Method::Put];

impl Method {
    const fn name(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Patch => "PATCH",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Connect => "CONNECT",
            Self::Any => "*",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        HTTP_METHODS.into_iter().chain([Self::Connect, Self::Any]).find(|method| method.name() == name)
    }

    fn covers(self, name: &str) -> bool {
        match self {
            Self::Any => HTTP_METHODS.iter().any(|method| method.name() == name),
            one => one.name() == name,
        }
    }

    fn both(self, other: Self) -> Option<Self> {
        match (self, other) {
            (one, same) if one == same => Some(one),
            (Self::Any, one) | (one, Self::Any) if one != Self::Connect => Some(one),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Pattern {
    method: Method,
    path: String,
}

/// Why a grant cannot be written; the text names what to change.
#[derive(Debug, Eq, PartialEq)]
pub struct GrantError(String);

impl std::fmt::Display for GrantError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for GrantError {}

impl Pattern {
    fn parse(text: &str) -> Result<Self, GrantError> {
        let wrong = |what: &str| GrantError(format!("grant {text:?}: {what}"));
        if text.len() > limits::GRANT {
            return Err(GrantError(format!("a grant is longer than {} characters", limits::GRANT)));
        }
        let (method, path) = text.split_once(' ').ok_or_else(|| wrong("write it as `METHOD /path`"))?;
        let method = Method::parse(method)
            .ok_or_else(|| wrong("the method must be *, CONNECT or one of the seven that API Gateway routes"))?;
        if !path.starts_with('/') {
            return Err(wrong("the path must begin with /"));
        }
        if let Some(c) = path.chars().find(|c| !is_path_character(*c)) {
            return Err(wrong(&format!("{c:?} cannot stand in a grant's path")));
        }
        if crate::path::is_hostile_grant(path) {
            return Err(wrong("dot segments cannot stand in a grant's path, encoded or not"));
        }
        if method == Method::Connect && !matches!(path, "/" | "/*") {
            return Err(wrong("a WebSocket has no path: write `CONNECT /`"));
        }
        Ok(Self { method, path: merge_stars(path) })
    }
}

/// `**` means what `*` means, and costs an intersection twice as much.
fn merge_stars(path: &str) -> String {
    let mut merged = String::with_capacity(path.len());
    for c in path.chars() {
        if !(c == '*' && merged.ends_with('*')) {
            merged.push(c);
        }
    }
    merged
}

/// URL characters without those that mean something in an ARN or an IAM pattern: `? $ { } :`.
const fn is_path_character(c: char) -> bool {
    matches!(c, '!'..='~') && !matches!(c, '?' | '$' | '{' | '}' | ':' | '"' | '\\' | '<' | '>' | '#' | '^' | '`' | '|')
}

/// Everything that one principal may call. The default grants nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct GrantSet(Vec<Pattern>);

impl GrantSet {
    pub fn parse<'s>(texts: impl IntoIterator<Item = &'s str>) -> Result<Self, GrantError> {
        let mut set = Self::default();
        for text in texts {
            if set.0.len() == limits::GRANTS {
                return Err(GrantError(format!("more than {} grants", limits::GRANTS)));
            }
            set.push(Pattern::parse(text)?);
        }
        Ok(set)
    }

    /// What the edge's own requests may do, and nobody else's.
    pub(crate) fn inside_doors() -> Self {
        let doors = [(Method::Get, "keys/*"), (Method::Get, "probe"), (Method::Post, "logs")];
        Self(doors.map(|(method, door)| Pattern { method, path: format!("{}/{door}", crate::path::INSIDE) }).into())
    }

    pub const fn len(&self) -> usize {
        self.0.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The grants as a record writes them.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|pattern| format!("{} {}", pattern.method.name(), pattern.path))
    }

    /// Adds another set's grants; one that is there already is not added twice.
    pub fn extend(&mut self, other: &Self) {
        for pattern in &other.0 {
            self.push(pattern.clone());
        }
    }

    fn push(&mut self, pattern: Pattern) {
        if !self.0.contains(&pattern) {
            self.0.push(pattern);
        }
    }

    /// Whether a request is covered, by the method and path that API Gateway evaluates.
    pub fn allows(&self, method: &str, path: &str) -> bool {
        self.0.iter().any(|pattern| pattern.method.covers(method) && matches(pattern.path.as_bytes(), path.as_bytes()))
    }

    /// The resource ARNs of a policy for the API and stage of `arn`, without a wildcard in any
    /// place but the path: HTTP grants for an HTTP request, `$connect` for a WebSocket.
    pub fn for_each_resource(&self, arn: &Arn<'_>, mut emit: impl FnMut(&'static str, &str)) {
        let websocket = arn.method == "$connect";
        for pattern in &self.0 {
            match pattern.method {
                Method::Connect if websocket => emit("$connect", ""),
                Method::Connect => {}
                _ if websocket => {}
                Method::Any => HTTP_METHODS.iter().for_each(|method| emit(method.name(), &pattern.path)),
                one => emit(one.name(), &pattern.path),
            }
        }
    }

    /// What both sets allow. `None` when that cannot be said in a bounded number of patterns.
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        let mut both = Self::default();
        let mut search = intersection::Search::default();
        for ours in &self.0 {
            for theirs in &other.0 {
                let Some(method) = ours.method.both(theirs.method) else { continue };
                for path in search.paths(&ours.path, &theirs.path)? {
                    both.push(Pattern { method, path });
                }
                if both.0.len() > limits::GRANTS {
                    return None;
                }
            }
        }
        Some(both)
    }
}

/// `*` matches any run of characters; everything else is itself. Linear in practice: only the last
/// `*` is ever reconsidered.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&literal) if literal == byte => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after, from)) = star else { return false };
                p = after + 1;
                t = from + 1;
                star = Some((after, t));
            }
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

impl<'de> Deserialize<'de> for GrantSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        Self::parse(texts.iter().map(String::as_str)).map_err(de::Error::custom)
    }
}
