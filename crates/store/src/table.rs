//! The key table in DynamoDB: records of keys and issuers, public signing keys, claimed nonces.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_decision::api_key::KeyHash;
use countersign_decision::record::issuer::IssuerRecord;
use countersign_decision::record::key::KeyRecord;
use countersign_decision::signature::Algorithm;
use countersign_decision::time::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::Unavailable;

pub struct KeyTable {
    client: Client,
    name: String,
}

/// A record that is there; `Err` says which attribute is not what it must be.
pub type Record<T> = Result<T, String>;

/// `edgekey#<VersionId>`: the public half of an asymmetric signing key.
#[derive(Debug, Deserialize)]
#[serde(try_from = "PublicSigningKeyItem")]
pub struct PublicSigningKey {
    pub algorithm: Algorithm,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
}

/// The stored shape: the algorithm's RFC 9421 name, and the key in base64url without padding.
#[derive(Deserialize)]
struct PublicSigningKeyItem {
    alg: String,
    public_key: String,
}

impl TryFrom<PublicSigningKeyItem> for PublicSigningKey {
    type Error = &'static str;

    fn try_from(item: PublicSigningKeyItem) -> Result<Self, Self::Error> {
        let algorithm = Algorithm::parse(&item.alg).ok_or("alg must be ed25519 or ecdsa-p256-sha256")?;
        let spki =
            URL_SAFE_NO_PAD.decode(item.public_key).map_err(|_| "public_key must be base64url without padding")?;
        Ok(Self { algorithm, spki })
    }
}

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

    pub async fn public_signing_key(&self, version: &str) -> Result<Option<Record<PublicSigningKey>>, Unavailable> {
        self.read(format!("edgekey#{version}")).await
    }

    /// Consistent, so that a revoked key is seen as revoked by the first read after the write.
    async fn read<T: DeserializeOwned>(&self, pk: String) -> Result<Option<Record<T>>, Unavailable> {
        let get = self.client.get_item().table_name(&self.name).key("pk", AttributeValue::S(pk)).consistent_read(true);
        let answer = get.send().await.map_err(|error| Unavailable::new("GetItem", &error))?;
        Ok(answer.item.map(|item| serde_dynamo::from_item(item).map_err(|error| error.to_string())))
    }

    /// Claims a nonce. `false`: someone else claimed it before.
    ///
    /// `claimant` is this invocation's id. The call may be retried after its first attempt was
    /// applied and the answer lost; a claim that already carries our own id is therefore ours.
    pub async fn claim_nonce(&self, pk: &str, until: Timestamp, claimant: &str) -> Result<bool, Unavailable> {
        let put = self
            .client
            .put_item()
            .table_name(&self.name)
            .item("pk", AttributeValue::S(pk.to_owned()))
            .item("claimant", AttributeValue::S(claimant.to_owned()))
            .item("ttl", AttributeValue::N(until.as_secs().saturating_add(1).to_string()))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) => match already_claimed(&error) {
                Some(item) => Ok(item.get("claimant").and_then(|id| id.as_s().ok()).is_some_and(|id| id == claimant)),
                None => Err(Unavailable::new("PutItem", &error)),
            },
        }
    }
}

fn already_claimed<R>(error: &SdkError<PutItemError, R>) -> Option<HashMap<String, AttributeValue>> {
    match error.as_service_error() {
        Some(PutItemError::ConditionalCheckFailedException(failed)) => Some(failed.item().cloned().unwrap_or_default()),
        _ => None,
    }
}
