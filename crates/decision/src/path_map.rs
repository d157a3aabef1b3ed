//! `PATH_MAP`: how the paths of a custom domain become those of a stage.
//!
//! A base path mapping is taken off, and a stage put on, before the event is made, and no event
//! says how. An entry says it: `host/apiId/stage: wire-prefix => event-prefix`, where the event
//! prefix is what the default endpoint would show: `/stage`, or `/` on `$default`.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::cmp::Reverse;

use crate::path;
use crate::request::Arn;
use crate::rules::ApiStage;

#[derive(Clone, Debug, Default)]
pub struct PathMap {
    /// Longest wire prefix first, so that the first match is the most specific.
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// Lower-case.
    authority: String,
    api: ApiStage,
    wire: Prefix,
    event: Prefix,
}

impl PathMap {
    /// Entries are separated by `;`. The error quotes the entry and says what it should be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut entries: Vec<Entry> = Vec::new();
        for text in text.split(';').map(str::trim).filter(|text| !text.is_empty()) {
            let entry = Entry::parse(text).map_err(|wrong| {
                format!("\"{text}\" is not \"host/apiId/stage: /wire-prefix => /event-prefix\": {wrong}")
            })?;
            if entries.iter().any(|known| known.same_key(&entry)) {
                return Err(format!("\"{text}\" names a host, API, stage and wire prefix that another entry names"));
            }
            entries.push(entry);
        }
        entries.sort_by_key(|entry| Reverse(entry.wire.0.len()));
        Ok(Self { entries })
    }

    /// The path on the wire in the form that the default endpoint has: unchanged where no entry is
    /// for this host, API and stage; `None` where entries are, but none for this path.
    pub fn event_path<'p>(&self, authority: &str, arn: &Arn<'_>, wire_path: &'p str) -> Option<Cow<'p, str>> {
        let mut entries = self.entries.iter().filter(|entry| entry.is_for(authority, arn)).peekable();
        if entries.peek().is_none() {
            return Some(Cow::Borrowed(wire_path));
        }
        entries.find_map(|entry| {
            let rest = entry.wire.take_off(wire_path)?;
            Some(Cow::Owned(entry.event.put_on(rest)))
        })
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self, String> {
        let (left, event) = text.split_once("=>").ok_or("there is no =>")?;
        let (authority, rest) = left.split_once('/').ok_or("there is no / after the host")?;
        let (api, wire) = rest.split_once(':').ok_or("there is no : after the stage")?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
        if authority.is_empty() || !authority.bytes().all(plain) {
            return Err(format!("\"{authority}\" is not a host"));
        }
        Ok(Self {
            authority: authority.to_ascii_lowercase(),
            api: ApiStage::parse(api).ok_or_else(|| format!("\"{api}\" is not apiId/stage"))?,
            wire: Prefix::parse(wire.trim())?,
            event: Prefix::parse(event.trim())?,
        })
    }

    fn is_for(&self, authority: &str, arn: &Arn<'_>) -> bool {
        self.authority.eq_ignore_ascii_case(authority) && self.api.api_id == arn.api_id && self.api.stage == arn.stage
    }

    fn same_key(&self, other: &Self) -> bool {
        self.authority == other.authority && self.api == other.api && self.wire == other.wire
    }
}

/// Whole path segments, each with its leading slash; none for `/`.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Prefix(String);

impl Prefix {
    /// Nothing that would need an escape, so that one spelling is the only one.
    fn parse(text: &str) -> Result<Self, String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!&'()+,=:@".contains(&byte);
        let segments = text.strip_prefix('/').ok_or_else(|| format!("\"{text}\" does not start with /"))?;
        if !text.bytes().all(plain) || path::is_hostile(text) {
            return Err(format!("\"{text}\" has characters or segments that a base path cannot have"));
        }
        if segments.is_empty() {
            return Ok(Self(String::new()));
        }
        if segments.split('/').any(str::is_empty) {
            return Err(format!("\"{text}\" has a slash too many"));
        }
        Ok(Self(text.to_owned()))
    }

    /// What follows this prefix in `path`: nothing, or something that starts with `/`.
    fn take_off<'p>(&self, path: &'p str) -> Option<&'p str> {
        path.strip_prefix(&self.0).filter(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn put_on(&self, rest: &str) -> String {
        let path = format!("{}{rest}", self.0);
        if path.is_empty() { "/".to_owned() } else { path }
    }
}
