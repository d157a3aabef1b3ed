//! The key table in DynamoDB: what a decision reads and claims, and the calls under all the rest.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::delete_item::builders::DeleteItemFluentBuilder;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use countersign_decision::api_key::KeyHash;
use countersign_decision::record::issuer::IssuerRecord;
use countersign_decision::record::key::KeyRecord;
use countersign_decision::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Unavailable;

pub struct KeyTable {
    pub(crate) client: Client,
    pub(crate) name: String,
}

/// A record that is there; `Err` says which attribute is not what it must be.
pub type Record<T> = Result<T, String>;

/// An item as stored, `pk` included.
pub(crate) type Item = HashMap<String, AttributeValue>;

impl KeyTable {
    pub const fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    pub async fn key(&self, hash: &KeyHash) -> Result<Option<Record<KeyRecord>>, Unavailable> {
        self.read(format!("key#{}", hash.to_hex())).await
    }

    pub async fn issuer(&self, iss: &str) -> Result<Option<Record<IssuerRecord>>, Unavailable> {
        self.read(format!("issuer#{iss}")).await
    }

    /// Claims a nonce. `false`: someone else claimed it before.
    ///
    /// `claimant` is this invocation's id. The call may be retried after its first attempt was
    /// applied and the answer lost; a claim that already carries our own id is therefore ours.
    pub async fn claim_nonce(&self, pk: &str, until: Timestamp, claimant: &str) -> Result<bool, Unavailable> {
        let put = self
            .put_item(pk.to_owned())
            .item("claimant", text(claimant))
            .item("ttl", number(until.as_secs().saturating_add(1)))
            .condition_expression("attribute_not_exists(pk)");
        let in_the_way = put_if(put).await?;
        Ok(in_the_way.is_none_or(|item| item.get("claimant") == Some(&text(claimant))))
    }

    /// Consistent, so that a revoked key is seen as revoked by the first read after the write.
    pub(crate) async fn read<T: DeserializeOwned>(&self, pk: String) -> Result<Option<Record<T>>, Unavailable> {
        let get = self.client.get_item().table_name(&self.name).key("pk", AttributeValue::S(pk)).consistent_read(true);
        let answer = get.send().await.map_err(|error| Unavailable::of("GetItem", &error))?;
        Ok(answer.item.map(record))
    }

    /// Replaces the whole item. `value` must serialise to a map without a member `pk`.
    pub(crate) async fn put(&self, pk: String, value: &impl Serialize) -> Result<(), Unavailable> {
        let item: Item = serde_dynamo::to_item(value).map_err(|wrong| Unavailable::answer(&pk, wrong))?;
        let put = self.client.put_item().table_name(&self.name).set_item(Some(item)).item("pk", AttributeValue::S(pk));
        put.send().await.map(drop).map_err(|error| Unavailable::of("PutItem", &error))
    }

    pub(crate) fn put_item(&self, pk: String) -> PutItemFluentBuilder {
        self.client.put_item().table_name(&self.name).item("pk", AttributeValue::S(pk))
    }

    pub(crate) fn delete_item(&self, pk: String) -> DeleteItemFluentBuilder {
        self.client.delete_item().table_name(&self.name).key("pk", AttributeValue::S(pk))
    }
}

/// A put that its condition may forbid: then the answer is the item that stood in the way, empty where
/// the condition asked for an item and there is none.
pub(crate) async fn put_if(put: PutItemFluentBuilder) -> Result<Option<Item>, Unavailable> {
    let put = put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    match put.send().await {
        Ok(_) => Ok(None),
        Err(error) => match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                Ok(Some(failed.item().cloned().unwrap_or_default()))
            }
            _ => Err(Unavailable::of("PutItem", &error)),
        },
    }
}

pub(crate) fn record<T: DeserializeOwned>(mut item: Item) -> Record<T> {
    item.remove("pk");
    serde_dynamo::from_item(item).map_err(|error| error.to_string())
}

/// The primary key of an item.
pub(crate) fn key(pk: String) -> Item {
    HashMap::from([("pk".to_owned(), AttributeValue::S(pk))])
}

pub(crate) fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A whole number as stored; `None` for anything else.
pub(crate) fn as_number(value: Option<&AttributeValue>) -> Option<u64> {
    value?.as_n().ok()?.parse().ok()
}
