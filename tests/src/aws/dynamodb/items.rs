//! The items of the table, in the order of a hash as in DynamoDB, and what changed them.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Bound::{Excluded, Unbounded};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

/// Attributes in DynamoDB's notation, `pk` among them.
pub type Item = Map<String, Value>;

pub struct Items {
    by_hash: BTreeMap<(u64, String), Item>,
    pub changes: Vec<Value>,
    sequence: u64,
    pub page_size: usize,
    pub batch_limit: Option<usize>,
}

impl Default for Items {
    fn default() -> Self {
        let (by_hash, changes) = (BTreeMap::new(), Vec::new());
        Self { by_hash, changes, sequence: 0, page_size: usize::MAX, batch_limit: None }
    }
}

impl Items {
    pub fn get(&self, pk: &str) -> Option<&Item> {
        self.by_hash.get(&place(pk))
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.by_hash.keys().map(|(_, pk)| pk.as_str())
    }

    /// The items behind a partition key, whether or not there is one of that name; all without.
    pub fn after(&self, pk: Option<&str>) -> impl Iterator<Item = (&str, &Item)> {
        let start = pk.map_or(Unbounded, |pk| Excluded(place(pk)));
        self.by_hash.range((start, Unbounded)).map(|((_, pk), item)| (pk.as_str(), item))
    }

    pub fn put(&mut self, item: Item) {
        let pk = item["pk"]["S"].as_str().expect("a record has a pk").to_owned();
        let old = self.by_hash.insert(place(&pk), item.clone());
        self.changed(&pk, old, Some(item));
    }

    pub fn remove(&mut self, pk: &str) {
        let old = self.by_hash.remove(&place(pk));
        self.changed(pk, old, None);
    }

    /// A write that leaves the item as it was is no change.
    fn changed(&mut self, pk: &str, old: Option<Item>, new: Option<Item>) {
        let event = match (&old, &new) {
            (None, Some(_)) => "INSERT",
            (Some(old), Some(new)) if old != new => "MODIFY",
            (Some(_), None) => "REMOVE",
            _ => return,
        };
        self.sequence += 1;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let mut change = json!({
            "ApproximateCreationDateTime": now.as_secs(),
            "Keys": { "pk": { "S": pk } },
            "SequenceNumber": format!("1000000{:020}", self.sequence),
            "SizeBytes": 26,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        });
        for (image, item) in [("OldImage", old), ("NewImage", new)] {
            if let Some(item) = item {
                change[image] = Value::Object(item);
            }
        }
        self.changes.push(json!({
            "eventID": format!("{:032x}", self.sequence),
            "eventName": event,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "eu-west-1",
            "dynamodb": change,
            "eventSourceARN":
                "arn:aws:dynamodb:eu-west-1:123456789012:table/countersign-keys/stream/2026-01-01T00:00:00.000",
        }));
    }
}

/// The same in every run: a test that depends on the order fails always or never.
fn place(pk: &str) -> (u64, String) {
    let mut hasher = DefaultHasher::new();
    pk.hash(&mut hasher);
    (hasher.finish(), pk.to_owned())
}
