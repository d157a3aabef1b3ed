//! One KV namespace: names with a value and metadata, which may expire; bulk calls and listings.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Done, Refusal};

/// What is stored under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub value: String,
    /// Null where there is none.
    pub metadata: Value,
}

#[derive(Default)]
pub(super) struct Namespace {
    entries: BTreeMap<String, Entry>,
    /// When each name was written last, where only one write a second is taken.
    written: Option<HashMap<String, Instant>>,
}

struct Entry {
    stored: Stored,
    /// Seconds since 1970.
    expires: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    key: String,
    value: String,
    #[serde(default)]
    metadata: Value,
    expiration: Option<u64>,
    expiration_ttl: Option<u64>,
}

/// The documented limits; sizes in bytes.
const BULK: usize = 10_000;
const BULK_BYTES: usize = 100_000_000;
const NAME: usize = 512;
const VALUE: usize = 25 << 20;
const METADATA: usize = 1024;
const SHORTEST_LIFE: u64 = 60;
const PAGE: std::ops::RangeInclusive<usize> = 10..=1000;

impl Namespace {
    pub fn get(&self, name: &str) -> Option<Stored> {
        self.entries.get(name).filter(|entry| entry.lives()).map(|entry| entry.stored.clone())
    }

    pub fn names(&self) -> Vec<String> {
        self.entries.iter().filter(|(_, entry)| entry.lives()).map(|(name, _)| name.clone()).collect()
    }

    pub fn put(&mut self, name: &str, value: &str, metadata: Value) {
        let stored = Stored { value: value.to_owned(), metadata };
        self.entries.insert(name.to_owned(), Entry { stored, expires: None });
    }

    pub fn remove(&mut self, name: &str) {
        self.entries.remove(name);
    }

    pub fn strict_write_rate(&mut self) {
        self.written = Some(HashMap::new());
    }

    /// `unsuccessful`: names that a bulk call shall fail for.
    pub fn perform(
        &mut self,
        method: &str,
        operation: &str,
        query: &str,
        body: &[u8],
        unsuccessful: &[String],
    ) -> Result<Done, Refusal> {
        match (method, operation) {
            ("PUT", "bulk") => self.write(body, unsuccessful),
            ("POST", "bulk/delete") => self.delete(body, unsuccessful),
            ("GET", "keys") => self.list(query),
            _ => Err(Refusal::new(405, 7_001, format!("{method} not supported for {operation}"))),
        }
    }

    fn write(&mut self, body: &[u8], unsuccessful: &[String]) -> Result<Done, Refusal> {
        let pairs: Vec<Pair> = bulk(body)?;
        for pair in &pairs {
            pair.check()?;
        }
        let mut failed = Vec::new();
        let sent = pairs.len();
        for pair in pairs {
            if unsuccessful.contains(&pair.key) || self.too_soon(&pair.key) {
                failed.push(pair.key);
                continue;
            }
            let expires = pair.expiration_ttl.map(|life| now() + life).or(pair.expiration);
            let stored = Stored { value: pair.value, metadata: pair.metadata };
            self.entries.insert(pair.key, Entry { stored, expires });
        }
        Ok(outcome(sent, failed))
    }

    fn delete(&mut self, body: &[u8], unsuccessful: &[String]) -> Result<Done, Refusal> {
        let names: Vec<String> = bulk(body)?;
        let sent = names.len();
        let mut failed = Vec::new();
        for name in names {
            if unsuccessful.contains(&name) || self.too_soon(&name) {
                failed.push(name);
            } else {
                self.entries.remove(&name);
            }
        }
        Ok(outcome(sent, failed))
    }

    fn list(&self, query: &str) -> Result<Done, Refusal> {
        let parameter = |wanted: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let value = pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value)?;
            Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
        };
        let limit = parameter("limit").map_or(Ok(*PAGE.end()), |limit| limit.parse());
        let limit = limit.ok().filter(|limit| PAGE.contains(limit));
        let limit = limit.ok_or_else(|| Refusal::new(400, 10_026, "limit must be 10 to 1000"))?;
        let prefix = parameter("prefix").unwrap_or_default();
        let after = match parameter("cursor").filter(|cursor| !cursor.is_empty()) {
            Some(cursor) => Bound::Excluded(name_in(&cursor)?),
            None => Bound::Included(prefix.clone()),
        };
        let rest = self.entries.range((after, Bound::Unbounded));
        let mut rest = rest.take_while(|(name, _)| name.starts_with(&prefix)).filter(|(_, entry)| entry.lives());
        let page: Vec<_> = rest.by_ref().take(limit).collect();
        let last = page.last().filter(|_| rest.next().is_some());
        let cursor = last.map(|(name, _)| BASE64URL.encode(name)).unwrap_or_default();
        let result: Vec<Value> = page.iter().map(|(name, entry)| entry.listed(name)).collect();
        Ok(Done { result_info: json!({ "count": result.len(), "cursor": cursor }), result: result.into() })
    }

    fn too_soon(&mut self, name: &str) -> bool {
        let Some(written) = &mut self.written else { return false };
        let before = written.insert(name.to_owned(), Instant::now());
        before.is_some_and(|before| before.elapsed() < Duration::from_secs(1))
    }
}

impl Pair {
    fn check(&self) -> Result<(), Refusal> {
        if self.key.is_empty() || self.key.len() > NAME || matches!(self.key.as_str(), "." | "..") {
            return Err(Refusal::new(400, 10_028, "invalid key name"));
        }
        if self.value.len() > VALUE {
            return Err(Refusal::new(413, 10_029, "value too large"));
        }
        if !self.metadata.is_null() && self.metadata.to_string().len() > METADATA {
            return Err(Refusal::new(413, 10_030, "metadata too large"));
        }
        let soonest = now() + SHORTEST_LIFE;
        if self.expiration_ttl.is_some_and(|life| life < SHORTEST_LIFE)
            || self.expiration.is_some_and(|at| at < soonest)
        {
            return Err(Refusal::new(400, 10_031, "expires too soon"));
        }
        Ok(())
    }
}

impl Entry {
    fn lives(&self) -> bool {
        self.expires.is_none_or(|at| now() < at)
    }

    fn listed(&self, name: &str) -> Value {
        let mut listed = json!({ "name": name });
        if let Some(at) = self.expires {
            listed["expiration"] = at.into();
        }
        if !self.stored.metadata.is_null() {
            listed["metadata"] = self.stored.metadata.clone();
        }
        listed
    }
}

fn bulk<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<Vec<T>, Refusal> {
    if body.len() > BULK_BYTES {
        return Err(Refusal::new(413, 10_032, "more than 100 MB"));
    }
    let items: Vec<T> =
        serde_json::from_slice(body).map_err(|error| Refusal::new(400, 10_012, format!("invalid body: {error}")))?;
    if items.is_empty() || items.len() > BULK {
        return Err(Refusal::new(400, 10_033, "a bulk call takes 1 to 10000 keys"));
    }
    Ok(items)
}

fn outcome(sent: usize, failed: Vec<String>) -> Done {
    json!({ "successful_key_count": sent - failed.len(), "unsuccessful_keys": failed }).into()
}

fn name_in(cursor: &str) -> Result<String, Refusal> {
    let name = BASE64URL.decode(cursor).ok().and_then(|name| String::from_utf8(name).ok());
    name.ok_or_else(|| Refusal::new(400, 10_034, "invalid cursor"))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs()
}
