//! `key#<hash>`: an API key's record, and whether it may be used now and from here.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;

use crate::decision::Refusal;
use crate::grant::GrantSet;
use crate::limits;
use crate::record::{LABEL, blocks, is_label};
use crate::time::Timestamp;

/// Context names that are ours; a key's own context may not use them.
pub const RESERVED_CONTEXT: &[&str] = &[
    "principal",
    "key_id",
    "issuer",
    "scopes",
    "edge_keyid",
    "client_ip",
    "client_host",
    "ray",
    "content_digest",
    "inside",
    "reason",
];

/// A validated record. Attributes that this version does not know are ignored, so that an older
/// authorizer reads a newer table; a known attribute of the wrong type is an error.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Item")]
pub struct KeyRecord {
    pub key_id: String,
    pub principal: String,
    /// For people; nothing is decided by it.
    pub(crate) name: Option<String>,
    pub(crate) status: Status,
    pub grants: Arc<GrantSet>,
    pub(crate) cidrs: Vec<IpNet>,
    /// The edge's tier.
    pub(crate) rate_limit: Option<String>,
    pub(crate) expires_at: Option<Timestamp>,
    pub usage_plan_key: Option<String>,
    pub context: Vec<(String, String)>,
    /// Needed only where the record is published.
    pub(crate) version: Option<u64>,
}

#[derive(Debug)]
pub(crate) enum Status {
    Active,
    Disabled,
    /// Until a moment, or until someone changes the record.
    Suspended(Option<Timestamp>),
    Revoked,
}

impl KeyRecord {
    /// What is left of an invalid record whose key must not be used; `None`: not even its id is valid.
    pub fn tombstone(key_id: &str, version: u64) -> Option<Self> {
        is_name(key_id).then(|| Self {
            key_id: key_id.to_owned(),
            principal: String::new(),
            name: None,
            status: Status::Revoked,
            grants: Arc::default(),
            cidrs: Vec::new(),
            rate_limit: None,
            expires_at: None,
            usage_plan_key: None,
            context: Vec::new(),
            version: Some(version),
        })
    }

    pub const fn version(&self) -> Option<u64> {
        self.version
    }

    pub const fn is_revoked(&self) -> bool {
        matches!(self.status, Status::Revoked)
    }

    /// `address` is the caller's own, as the edge signed it or, without an edge, as the gateway saw it.
    /// The gateway may go on giving the answer for as long as it is `reused`; the key must outlive that.
    pub fn check(&self, address: Option<IpAddr>, reused: Duration, now: Timestamp) -> Result<(), Refusal> {
        match self.status {
            Status::Revoked => return Err(Refusal::KeyRevoked),
            Status::Disabled => return Err(Refusal::KeyDisabled),
            Status::Suspended(until) if until.is_none_or(|until| now < until) => return Err(Refusal::KeySuspended),
            Status::Suspended(_) | Status::Active => {}
        }
        if self.expires_at.is_some_and(|at| now.plus(reused) >= at) {
            return Err(Refusal::KeyExpired);
        }
        let inside = |address: IpAddr| self.cidrs.iter().any(|net| net.contains(&address.to_canonical()));
        if !self.cidrs.is_empty() && !address.is_some_and(inside) {
            return Err(Refusal::KeyAddress);
        }
        Ok(())
    }
}

/// The stored shape.
#[derive(Deserialize)]
struct Item {
    key_id: String,
    principal: String,
    name: Option<String>,
    status: String,
    until: Option<u64>,
    grants: GrantSet,
    #[serde(default)]
    cidrs: Vec<String>,
    rate_limit: Option<String>,
    expires_at: Option<u64>,
    usage_plan_key: Option<String>,
    #[serde(default)]
    context: BTreeMap<String, String>,
    version: Option<u64>,
}

impl TryFrom<Item> for KeyRecord {
    type Error = String;

    fn try_from(item: Item) -> Result<Self, String> {
        let status = match item.status.as_str() {
            "active" => Status::Active,
            "disabled" => Status::Disabled,
            "suspended" => Status::Suspended(item.until.map(Timestamp::from_secs)),
            "revoked" => Status::Revoked,
            _ => return Err("status must be active, disabled, suspended or revoked".to_owned()),
        };
        if item.usage_plan_key.as_ref().is_some_and(|key| key.len() > limits::USAGE_PLAN_KEY) {
            return Err(format!("usage_plan_key is longer than {} characters", limits::USAGE_PLAN_KEY));
        }
        let label = item.name.filter(|label| !label.is_empty());
        let named = [("key_id", Some(&item.key_id)), ("principal", Some(&item.principal)), ("name", label.as_ref())];
        for (name, value) in named.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            if !is_name(value) {
                return Err(format!("{name} must be 1 to {} characters without control characters", limits::NAME));
            }
        }
        // Back ends read these two in headers, without white space around: as if they were another's.
        for (name, value) in [("key_id", &item.key_id), ("principal", &item.principal)] {
            if value.trim() != value {
                return Err(format!("{name} must not begin or end with white space"));
            }
        }
        if item.rate_limit.as_deref().is_some_and(|tier| !is_label(tier)) {
            return Err(format!("rate_limit: {LABEL}"));
        }
        Ok(Self {
            key_id: item.key_id,
            principal: item.principal,
            name: label,
            status,
            grants: Arc::new(item.grants),
            cidrs: blocks("cidrs", &item.cidrs)?,
            rate_limit: item.rate_limit,
            expires_at: item.expires_at.map(Timestamp::from_secs),
            usage_plan_key: item.usage_plan_key,
            context: checked_context(item.context)?,
            version: item.version,
        })
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= limits::NAME && !text.chars().any(char::is_control)
}

fn checked_context(context: BTreeMap<String, String>) -> Result<Vec<(String, String)>, String> {
    let mut size = 0;
    for (name, value) in &context {
        if RESERVED_CONTEXT.contains(&name.as_str()) {
            return Err(format!("context: the name {name:?} is reserved"));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(plain) || value.chars().any(char::is_control) {
            return Err(format!(
                "context: {name:?} must be letters, digits and _, its value without control characters"
            ));
        }
        size += name.len() + value.len();
    }
    if size > limits::KEY_CONTEXT {
        return Err(format!("context is larger than {} bytes", limits::KEY_CONTEXT));
    }
    Ok(context.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn with(changes: Value) -> Result<KeyRecord, String> {
        let mut item =
            json!({"key_id": "k1", "principal": "acme", "status": "active", "grants": ["GET /items"], "version": 1});
        let (Some(item_map), Value::Object(changes)) = (item.as_object_mut(), changes) else { unreachable!() };
        for (name, value) in changes {
            if value.is_null() {
                item_map.remove(&name);
            } else {
                item_map.insert(name, value);
            }
        }
        serde_json::from_value(item).map_err(|error| error.to_string())
    }

    fn check(changes: Value, address: Option<&str>) -> Result<(), Refusal> {
        with(changes).unwrap().check(address.map(|text| text.parse().unwrap()), Duration::ZERO, NOW)
    }

    #[test]
    fn status_and_expiry_decide() {
        assert_eq!(check(json!({}), None), Ok(()));
        assert_eq!(check(json!({"status": "disabled"}), None), Err(Refusal::KeyDisabled));
        assert_eq!(check(json!({"status": "revoked"}), None), Err(Refusal::KeyRevoked));
        assert_eq!(check(json!({"status": "suspended"}), None), Err(Refusal::KeySuspended));
        assert_eq!(check(json!({"status": "suspended", "until": 1_800_000_001u64}), None), Err(Refusal::KeySuspended));
        assert_eq!(check(json!({"status": "suspended", "until": 1_800_000_000u64}), None), Ok(()));
        assert_eq!(check(json!({"expires_at": 1_800_000_000u64}), None), Err(Refusal::KeyExpired));
        assert_eq!(check(json!({"expires_at": 1_800_000_001u64}), None), Ok(()));
    }

    #[test]
    fn a_key_outlives_the_answers_that_are_reused() {
        let key = with(json!({"expires_at": 1_800_000_300u64})).unwrap();
        assert_eq!(key.check(None, Duration::from_secs(299), NOW), Ok(()));
        assert_eq!(key.check(None, Duration::from_secs(300), NOW), Err(Refusal::KeyExpired));
    }

    #[test]
    fn addresses_are_compared_in_one_family() {
        let v4 = json!({"cidrs": ["203.0.113.0/24", "2001:db8::/32", "198.51.100.7"]});
        for good in ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1", "198.51.100.7"] {
            assert_eq!(check(v4.clone(), Some(good)), Ok(()), "{good}");
        }
        for bad in [Some("203.0.114.9"), Some("::ffff:203.0.114.9"), Some("2001:db9::1"), None] {
            assert_eq!(check(v4.clone(), bad), Err(Refusal::KeyAddress), "{bad:?}");
        }
        let mapped = json!({"cidrs": ["::ffff:203.0.113.0/120"]});
        assert_eq!(check(mapped.clone(), Some("203.0.113.200")), Ok(()));
        assert_eq!(check(mapped, Some("203.0.114.1")), Err(Refusal::KeyAddress));
    }

    #[test]
    fn malformed_records_name_the_attribute() {
        for (changes, names) in [
            (json!({"status": "paused"}), "status"),
            (json!({"status": 1}), "string"),
            (json!({"key_id": ""}), "key_id"),
            (json!({"key_id": null}), "key_id"),
            (json!({"principal": "a\nb"}), "principal"),
            (json!({"principal": " acme"}), "principal must not begin or end with white space"),
            (json!({"principal": "acme\u{a0}"}), "principal must not"),
            (json!({"principal": " "}), "principal must not"),
            (json!({"key_id": "k1 "}), "key_id must not"),
            (json!({"grants": null}), "grants"),
            (json!({"grants": ["nonsense"]}), "METHOD /path"),
            (json!({"cidrs": ["10.0.0.0/33"]}), "cidrs"),
            (json!({"expires_at": "tomorrow"}), "u64"),
            (json!({"context": {"principal": "root"}}), "reserved"),
            (json!({"context": {"a b": "c"}}), "letters"),
            (json!({"context": {"a": "c\u{0}"}}), "control"),
            (json!({"context": {"a": "x".repeat(2048)}}), "larger"),
        ] {
            let error = with(changes.clone()).err().unwrap_or_default();
            assert!(error.contains(names), "{changes}: {error:?}");
        }
        for fine in [json!({"a_newer_attribute": [1, 2]}), json!({"principal": "a b"}), json!({"name": " of Ann "})] {
            assert!(with(fine.clone()).is_ok(), "{fine}");
        }
    }
}
