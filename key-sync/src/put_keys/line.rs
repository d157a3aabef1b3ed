//! One line: what it may say, and what it changes of the record that is stored. Pure.

use aws_lc_rs::digest::{SHA256, digest};
use countersign_decision::api_key::KeyHash;
use countersign_decision::limits;
use countersign_decision::record::key::KeyRecord;
use countersign_decision::request::Arn;
use countersign_decision::time::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What a line may say, besides its hash.
const ATTRIBUTES: [&str; 12] = [
    "key_id",
    "principal",
    "name",
    "status",
    "reason",
    "until",
    "grants",
    "cidrs",
    "rate_limit",
    "expires_at",
    "usage_plan_key",
    "context",
];

/// How a key of our own begins; see `countersign_decision::api_key`.
const RAW: &str = "csk_";

/// A line that could be stored.
#[derive(Debug)]
pub(super) struct Line {
    /// 64 lower-case hexadecimal digits.
    pub hash: String,
    attributes: Map<String, Value>,
    revokes: bool,
}

/// What a line changes.
#[derive(Debug, PartialEq)]
pub(super) enum Change {
    None,
    Create(Map<String, Value>),
    /// If the record still has this version.
    Update {
        attributes: Map<String, Value>,
        version: u64,
    },
}

impl Line {
    /// `Err`: why it is refused. Nothing of a line that may hold a raw key is in it.
    pub fn read(line: &Value) -> Result<Self, String> {
        let Value::Object(members) = line else { return Err("a line must be an object".to_owned()) };
        let hash = members.get("hash").and_then(Value::as_str).filter(|hash| KeyHash::from_hex(hash).is_ok());
        let Some(hash) = hash else {
            return Err(
                "hash: must be the lower-case hexadecimal SHA-256 of the key, 64 digits; a key itself is never sent"
                    .to_owned(),
            );
        };
        if holds_raw_key(line, hash) {
            return Err(
                "the line holds what looks like a key itself: only its hash is ever sent; make a new key".to_owned()
            );
        }
        let mut attributes = members.clone();
        attributes.remove("hash");
        if attributes.keys().any(|name| !ATTRIBUTES.contains(&name.as_str())) {
            return Err(format!("a member is none of hash, {}", ATTRIBUTES.join(", ")));
        }
        if let Some((name, _)) = attributes.iter().find(|(_, value)| value.is_null()) {
            return Err(format!("{name}: null is no value; leave it out"));
        }
        if attributes.get("reason").is_some_and(|reason| reason.as_str().is_none_or(|text| text.len() > limits::NAME)) {
            return Err(format!("reason: must be a text of at most {} bytes", limits::NAME));
        }
        let record = KeyRecord::deserialize(&attributes).map_err(|error| error.to_string())?;
        if answer(&record) > limits::ANSWER {
            return Err(format!(
                "grants: all of them in one answer are larger than {} bytes; use fewer or shorter ones",
                limits::ANSWER
            ));
        }
        Ok(Self { hash: hash.to_owned(), attributes, revokes: record.is_revoked() })
    }

    pub fn pk(&self) -> String {
        format!("key#{}", self.hash)
    }

    pub fn short_hash(&self) -> &str {
        self.hash.get(..12).unwrap_or_default()
    }

    /// What of the stored record a line cannot say is kept.
    pub fn change(&self, stored: Option<&Map<String, Value>>, now: Timestamp) -> Result<Change, String> {
        let Some(stored) = stored else {
            let mut attributes = self.attributes.clone();
            attributes.insert("created_at".to_owned(), json!(now.as_secs()));
            return Ok(Change::Create(stamped(attributes, now.as_millis(), now)));
        };
        if stored.get("status").is_some_and(|status| status == "revoked") && !self.revokes {
            return Err("status: the key was revoked and stays so; make a new key".to_owned());
        }
        let said =
            |record: &Map<String, Value>| ATTRIBUTES.iter().all(|name| record.get(*name) == self.attributes.get(*name));
        if said(stored) {
            return Ok(Change::None);
        }
        let version = stored.get("version").and_then(Value::as_u64);
        let version = version.ok_or("version: the stored record has none, so it cannot be replaced safely")?;
        let mut attributes = stored.clone();
        attributes.retain(|name, _| !ATTRIBUTES.contains(&name.as_str()));
        attributes.extend(self.attributes.clone());
        let newer = version.saturating_add(1).max(now.as_millis());
        Ok(Change::Update { attributes: stamped(attributes, newer, now), version })
    }
}

fn stamped(mut attributes: Map<String, Value>, version: u64, now: Timestamp) -> Map<String, Value> {
    attributes.insert("version".to_owned(), json!(version));
    attributes.insert("updated_at".to_owned(), json!(now.as_secs()));
    attributes
}

/// Whether a text of the line is the key that has the hash, or has the form of one of our keys.
fn holds_raw_key(value: &Value, hash: &str) -> bool {
    let is_raw = |text: &str| hex_sha256(text) == hash || text.split(RAW).skip(1).any(is_long_word);
    match value {
        Value::String(text) => is_raw(text),
        Value::Array(list) => list.iter().any(|value| holds_raw_key(value, hash)),
        Value::Object(map) => map.iter().any(|(name, value)| {
            matches!(name.as_str(), "key" | "raw" | "raw_key" | "api_key") || is_raw(name) || holds_raw_key(value, hash)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Shorter than any key's secret part, so that a cut one is found too.
fn is_long_word(text: &str) -> bool {
    text.bytes().take_while(u8::is_ascii_alphanumeric).count() >= 16
}

fn hex_sha256(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// About how long the authorizer's answer is for a key: its grants as ARNs of an API with names of
/// usual length, its context, and what is the same for all.
fn answer(record: &KeyRecord) -> usize {
    const FRAME: usize = 1_200;
    let base = "arn:aws:execute-api:ap-southeast-2:123456789012:a1b2c3d4e5/production/";
    let context: usize = record.context.iter().map(|(name, value)| name.len() + value.len() + r#""":"","#.len()).sum();
    ["GET", "$connect"]
        .into_iter()
        .filter_map(|method| Arn::parse(format!("{base}{method}/")))
        .map(|arn| {
            let mut length = FRAME + context;
            record.grants.for_each_resource(&arn, |method, path| {
                length += base.len() + method.len() + path.len() + r#""","#.len();
            });
            length
        })
        .max()
        .unwrap_or_default()
}
