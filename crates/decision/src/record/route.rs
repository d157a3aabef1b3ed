//! `route#<id>`: which requests are meant, and what is done with them at the edge and behind the gateway.
//!
//! Names of tiers, origins and back ends stand for what a deploy-time list says; a record names no
//! address. Attributes that this version does not know are ignored, as in the other records; inside
//! an attribute nothing unknown is passed over, because a condition that is not understood would make
//! the route mean more. A known attribute of the wrong type, `null` included, is an error that names it.

mod parts;
#[cfg(test)]
mod tests;

use std::fmt;

use ipnet::IpNet;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::{LABEL, blocks, is_label};
use crate::time::Timestamp;

pub(crate) use parts::{Auth, Cache, Cors, HeaderRules, Match, Mode};

/// A validated record.
#[derive(Debug)]
pub struct RouteRecord {
    pub(crate) matching: Match,
    /// At the edge: where requests go.
    pub(crate) origin: Option<String>,
    /// Behind the gateway: who answers.
    pub(crate) backend: Option<String>,
    pub(crate) auth: Option<Auth>,
    pub(crate) mode: Option<Mode>,
    pub(crate) cache: Option<Cache>,
    pub(crate) headers: Option<HeaderRules>,
    pub(crate) allow_cidrs: Vec<IpNet>,
    pub(crate) deny_cidrs: Vec<IpNet>,
    /// The edge's tier.
    pub(crate) rate_limit: Option<String>,
    pub(crate) cors: Option<Cors>,
    /// The highest that matches wins.
    pub(crate) priority: i32,
    pub(crate) starts_at: Option<Timestamp>,
    pub(crate) ends_at: Option<Timestamp>,
    pub(crate) version: u64,
}

impl RouteRecord {
    /// The name of who answers behind the gateway, on the forwarder's list.
    pub fn backend(&self) -> Option<&str> {
        self.backend.as_deref()
    }

    pub const fn version(&self) -> u64 {
        self.version
    }
}

/// The stored shape.
#[derive(Default)]
struct Item {
    matching: Option<Match>,
    origin: Option<String>,
    backend: Option<String>,
    auth: Option<Auth>,
    mode: Option<Mode>,
    cache: Option<Cache>,
    headers: Option<HeaderRules>,
    allow_cidrs: Vec<String>,
    deny_cidrs: Vec<String>,
    rate_limit: Option<String>,
    cors: Option<Cors>,
    priority: i32,
    starts_at: Option<u64>,
    ends_at: Option<u64>,
    version: Option<u64>,
}

impl<'de> Deserialize<'de> for RouteRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Attributes)?.validate().map_err(D::Error::custom)
    }
}

struct Attributes;

impl<'de> Visitor<'de> for Attributes {
    type Value = Item;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a route record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item, A::Error> {
        let mut item = Item::default();
        while let Some(name) = map.next_key::<String>()? {
            let read = match name.as_str() {
                "match" => map.next_value().map(|value| item.matching = Some(value)),
                "origin" => map.next_value().map(|value| item.origin = Some(value)),
                "backend" => map.next_value().map(|value| item.backend = Some(value)),
                "auth" => map.next_value().map(|value| item.auth = Some(value)),
                "mode" => map.next_value().map(|value| item.mode = Some(value)),
                "cache" => map.next_value().map(|value| item.cache = Some(value)),
                "headers" => map.next_value().map(|value| item.headers = Some(value)),
                "allow_cidrs" => map.next_value().map(|value| item.allow_cidrs = value),
                "deny_cidrs" => map.next_value().map(|value| item.deny_cidrs = value),
                "rate_limit" => map.next_value().map(|value| item.rate_limit = Some(value)),
                "cors" => map.next_value().map(|value| item.cors = Some(value)),
                "priority" => map.next_value().map(|value| item.priority = value),
                "starts_at" => map.next_value().map(|value| item.starts_at = Some(value)),
                "ends_at" => map.next_value().map(|value| item.ends_at = Some(value)),
                "version" => map.next_value().map(|value| item.version = Some(value)),
                _ => map.next_value::<IgnoredAny>().map(drop),
            };
            read.map_err(|error| A::Error::custom(format_args!("{name}: {error}")))?;
        }
        Ok(item)
    }
}

impl Item {
    fn validate(self) -> Result<RouteRecord, String> {
        let names = [("origin", &self.origin), ("backend", &self.backend), ("rate_limit", &self.rate_limit)];
        for (attribute, name) in names {
            if name.as_deref().is_some_and(|name| !is_label(name)) {
                return Err(format!("{attribute}: {LABEL}"));
            }
        }
        let (starts_at, ends_at) = (self.starts_at.map(Timestamp::from_secs), self.ends_at.map(Timestamp::from_secs));
        if starts_at.zip(ends_at).is_some_and(|(starts_at, ends_at)| ends_at <= starts_at) {
            return Err("ends_at: must be later than starts_at".to_owned());
        }
        Ok(RouteRecord {
            matching: self.matching.ok_or("match: is missing; {} matches every request")?,
            origin: self.origin,
            backend: self.backend,
            auth: self.auth,
            mode: self.mode,
            cache: self.cache,
            headers: self.headers,
            allow_cidrs: blocks("allow_cidrs", &self.allow_cidrs)?,
            deny_cidrs: blocks("deny_cidrs", &self.deny_cidrs)?,
            rate_limit: self.rate_limit,
            cors: self.cors,
            priority: self.priority,
            starts_at,
            ends_at,
            version: self.version.ok_or("version: is missing")?,
        })
    }
}
