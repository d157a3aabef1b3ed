//! GetItem, PutItem, DeleteItem, BatchGetItem and Scan, with DynamoDB's own bounds.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::ServiceError;
use super::expressions;
use super::items::{Item, Items};

const LARGEST_ITEM: usize = 400 * 1024;
const LARGEST_PAGE: usize = 1024 * 1024;
const LARGEST_BATCH: usize = 100;

pub fn perform(table: &str, items: &mut Items, operation: &str, input: &Value) -> Result<Value, ServiceError> {
    let named = if operation == "BatchGetItem" {
        input["RequestItems"].get(table).is_some()
    } else {
        input["TableName"] == table
    };
    if !named {
        let message = format!("Requested resource not found: Table: {}", input["TableName"]);
        return Err(ServiceError::new("com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", message));
    }
    match operation {
        "GetItem" => get_item(items, input),
        "PutItem" => put_item(items, input),
        "DeleteItem" => delete_item(items, input),
        "BatchGetItem" => batch_get_item(table, items, &input["RequestItems"][table]),
        "Scan" => scan(items, input),
        other => Err(ServiceError::new("UnknownOperationException", format!("no {other} here"))),
    }
}

/// Of a call for one item; empty for others.
pub fn partition_key(input: &Value) -> &str {
    let item = if input["Key"].is_null() { &input["Item"] } else { &input["Key"] };
    item["pk"]["S"].as_str().unwrap_or_default()
}

fn required_key(input: &Value) -> Result<&str, ServiceError> {
    match partition_key(input) {
        "" => Err(validation("One or more parameter values are not valid: an empty string value for key: pk")),
        pk => Ok(pk),
    }
}

fn get_item(items: &Items, input: &Value) -> Result<Value, ServiceError> {
    Ok(match items.get(required_key(input)?) {
        Some(item) => json!({ "Item": item }),
        None => json!({}),
    })
}

fn put_item(items: &mut Items, input: &Value) -> Result<Value, ServiceError> {
    let old = items.get(required_key(input)?);
    check("ConditionExpression", input, old)?;
    if input["Item"].to_string().len() > LARGEST_ITEM {
        return Err(validation("Item size has exceeded the maximum allowed size"));
    }
    items.put(input["Item"].as_object().cloned().unwrap_or_default());
    Ok(json!({}))
}

fn delete_item(items: &mut Items, input: &Value) -> Result<Value, ServiceError> {
    let pk = required_key(input)?;
    check("ConditionExpression", input, items.get(pk))?;
    items.remove(pk);
    Ok(json!({}))
}

fn check(member: &str, input: &Value, item: Option<&Item>) -> Result<(), ServiceError> {
    if expressions::holds(member, input, item)? {
        return Ok(());
    }
    let code = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    let mut error = ServiceError::new(code, "The conditional request failed");
    if let Some(item) = item
        && input["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
    {
        error.more = json!({ "Item": item });
    }
    Err(error)
}

fn batch_get_item(table: &str, items: &Items, request: &Value) -> Result<Value, ServiceError> {
    let keys = request["Keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    if keys.is_empty() || keys.len() > LARGEST_BATCH {
        return Err(validation("Too many items requested for the BatchGetItem call"));
    }
    let pks: BTreeSet<_> = keys.iter().filter_map(|key| key["pk"]["S"].as_str()).collect();
    if pks.len() < keys.len() {
        return Err(validation("Provided list of item keys contains duplicates"));
    }
    let processed = items.batch_limit.unwrap_or(usize::MAX).min(keys.len());
    let (answered, rest) = keys.split_at(processed);
    // Not in the order asked: DynamoDB promises none.
    let found: Vec<_> = answered.iter().rev().filter_map(|key| items.get(key["pk"]["S"].as_str()?)).collect();
    let mut unprocessed = Map::new();
    if !rest.is_empty() {
        let mut later = request.clone();
        later["Keys"] = json!(rest);
        unprocessed.insert(table.to_owned(), later);
    }
    Ok(json!({ "Responses": { table: found }, "UnprocessedKeys": unprocessed }))
}

/// A page ends at its limit even where nothing comes after it, so that the last page can be empty.
fn scan(items: &Items, input: &Value) -> Result<Value, ServiceError> {
    expressions::holds("FilterExpression", input, None)?;
    let limit = input["Limit"].as_u64().map_or(usize::MAX, |limit| usize::try_from(limit).expect("a limit"));
    let limit = limit.min(items.page_size);
    let (mut found, mut scanned, mut size) = (Vec::new(), 0, 0);
    let mut last = None;
    for (pk, item) in items.after(input["ExclusiveStartKey"]["pk"]["S"].as_str()) {
        scanned += 1;
        size += item.iter().map(|(name, value)| name.len() + value.to_string().len()).sum::<usize>();
        if expressions::holds("FilterExpression", input, Some(item))? {
            found.push(item);
        }
        if scanned == limit || size >= LARGEST_PAGE {
            last = Some(pk);
            break;
        }
    }
    let mut output = json!({ "Items": found, "Count": found.len(), "ScannedCount": scanned });
    if let Some(pk) = last {
        output["LastEvaluatedKey"] = json!({ "pk": { "S": pk } });
    }
    Ok(output)
}

pub fn validation(message: impl Into<String>) -> ServiceError {
    ServiceError::new("com.amazon.coral.validate#ValidationException", message)
}
