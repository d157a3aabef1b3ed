//! A DynamoDB of one table: GetItem and the conditional PutItem, in JSON 1.0.
//!
//! Only the condition that the nonce claim needs is understood; any other is a ValidationException,
//! as an expression with a syntax error would be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use super::{Dialect, Service, ServiceError};

type Items = Arc<Mutex<HashMap<String, Map<String, Value>>>>;

pub struct Table {
    pub service: Service,
    name: String,
    items: Items,
}

impl Table {
    pub async fn start(name: &str) -> Self {
        let items = Items::default();
        let dialect = Dialect {
            target_prefix: "DynamoDB_20120810.",
            content_type: "application/x-amz-json-1.0",
            throttled: "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            key_of: partition_key,
        };
        let service = Service::start(dialect, {
            let (name, items) = (name.to_owned(), items.clone());
            move |operation, input| perform(&name, &items, operation, input)
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
        let pk = record["pk"].as_str().expect("a record has a pk").to_owned();
        let item = record.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
        self.items.lock().unwrap().insert(pk, item);
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
        self.items.lock().unwrap().keys().filter(|pk| pk.starts_with(prefix)).cloned().collect()
    }
}

fn partition_key(input: &Value) -> String {
    let pk = if input["Key"].is_null() { &input["Item"]["pk"]["S"] } else { &input["Key"]["pk"]["S"] };
    pk.as_str().unwrap_or_default().to_owned()
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

fn perform(table: &str, items: &Items, operation: &str, input: &Value) -> Result<Value, ServiceError> {
    if input["TableName"] != table {
        let message = format!("Requested resource not found: Table: {}", input["TableName"]);
        return Err(ServiceError::new("ResourceNotFoundException", message));
    }
    match operation {
        "GetItem" => Ok(get_item(items, input)),
        "PutItem" => put_item(items, input),
        other => Err(ServiceError::new("UnknownOperationException", format!("no {other} here"))),
    }
}

fn get_item(items: &Items, input: &Value) -> Value {
    match items.lock().unwrap().get(&partition_key(input)) {
        Some(item) => json!({ "Item": item }),
        None => json!({}),
    }
}

fn put_item(items: &Items, input: &Value) -> Result<Value, ServiceError> {
    let mut items = items.lock().unwrap();
    let pk = partition_key(input);
    if let Some(old) = items.get(&pk)
        && requires_absence(input)?
    {
        let code = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
        let mut error = ServiceError::new(code, "The conditional request failed");
        if input["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD" {
            error.more = json!({ "Item": old });
        }
        return Err(error);
    }
    let item = input["Item"].as_object().cloned().unwrap_or_default();
    items.insert(pk, item);
    Ok(json!({}))
}

/// Whether the put is to fail where the item exists.
fn requires_absence(input: &Value) -> Result<bool, ServiceError> {
    let Some(condition) = input["ConditionExpression"].as_str() else { return Ok(false) };
    let name =
        condition.trim().strip_prefix("attribute_not_exists(").and_then(|rest| rest.strip_suffix(')')).map(str::trim);
    let resolved = name.map(|name| match input["ExpressionAttributeNames"][name].as_str() {
        Some(resolved) if name.starts_with('#') => resolved,
        _ => name,
    });
    if resolved == Some("pk") {
        Ok(true)
    } else {
        Err(ServiceError::new("ValidationException", format!("Invalid ConditionExpression: {condition}")))
    }
}
