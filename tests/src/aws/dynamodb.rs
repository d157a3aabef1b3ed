//! A DynamoDB of one table, in JSON 1.0: the operations that Countersign calls, with their conditions,
//! and the table's change feed.
//!
//! What it does not understand it refuses as DynamoDB would, with a ValidationException.

use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use super::{Dialect, Service};
use items::Items;

mod expressions;
mod items;
mod operations;

pub struct Table {
    pub service: Service,
    name: String,
    items: Arc<Mutex<Items>>,
}

impl Table {
    pub async fn start(name: &str) -> Self {
        let items = Arc::<Mutex<Items>>::default();
        let dialect = Dialect {
            target_prefix: "DynamoDB_20120810.",
            content_type: "application/x-amz-json-1.0",
            throttled: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            key_of: |input| operations::partition_key(input).to_owned(),
        };
        let service = Service::start(dialect, {
            let (name, items) = (name.to_owned(), items.clone());
            move |operation, input| operations::perform(&name, &mut items.lock().unwrap(), operation, input)
        })
        .await;
        Self { service, name: name.to_owned(), items }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes a record given as plain JSON: strings, numbers, booleans, lists and objects.
    pub fn put(&self, record: &Value) {
        let record = record.as_object().expect("a record is an object");
        let item = record.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
        self.items.lock().unwrap().put(item);
    }

    pub fn remove(&self, pk: &str) {
        self.items.lock().unwrap().remove(pk);
    }

    /// The record as stored: attributes in DynamoDB's notation.
    pub fn get(&self, pk: &str) -> Option<Value> {
        self.items.lock().unwrap().get(pk).cloned().map(Value::Object)
    }

    /// All partition keys that start with `prefix`.
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        self.items.lock().unwrap().keys().filter(|pk| pk.starts_with(prefix)).map(str::to_owned).collect()
    }

    /// Ends each page of a scan after so many items, found or filtered out. A megabyte ends it anyway.
    pub fn set_page_size(&self, items: usize) {
        self.items.lock().unwrap().page_size = items;
    }

    /// Answers so many keys of each BatchGetItem and leaves the others unprocessed; `None` answers all.
    pub fn set_batch_limit(&self, keys: Option<usize>) {
        self.items.lock().unwrap().batch_limit = keys;
    }

    /// Every change of an item so far, in order: the records of the table's stream, with both images, as
    /// Lambda receives them.
    pub fn stream(&self) -> Vec<Value> {
        self.items.lock().unwrap().changes.clone()
    }

    /// Begins the stream anew; sequence numbers go on.
    pub fn forget_stream(&self) {
        self.items.lock().unwrap().changes.clear();
    }
}

fn attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(flag) => json!({ "BOOL": flag }),
        Value::Number(number) => json!({ "N": number.to_string() }),
        Value::String(text) => json!({ "S": text }),
        Value::Array(list) => json!({ "L": list.iter().map(attribute).collect::<Vec<_>>() }),
        Value::Object(map) => {
            let members = map.iter().map(|(name, value)| (name.clone(), attribute(value)));
            json!({ "M": members.collect::<Map<_, _>>() })
        }
    }
}
