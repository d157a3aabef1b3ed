//! `edgekey#<VersionId>`: the public half of an asymmetric signing key. key-sync publishes it, the
//! authorizer verifies with it; the private half never leaves the secret.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_decision::signature::Algorithm;
use serde::Deserialize;

use crate::table::{Record, text};
use crate::{KeyTable, Unavailable};

#[derive(Debug, Deserialize)]
#[serde(try_from = "Item")]
pub struct PublicSigningKey {
    pub algorithm: Algorithm,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
}

/// The stored shape: the algorithm's RFC 9421 name, and the key in base64url without padding.
#[derive(Deserialize)]
struct Item {
    alg: String,
    public_key: String,
}

impl TryFrom<Item> for PublicSigningKey {
    type Error = &'static str;

    fn try_from(item: Item) -> Result<Self, Self::Error> {
        let algorithm = Algorithm::parse(&item.alg).ok_or("alg must be ed25519 or ecdsa-p256-sha256")?;
        let spki =
            URL_SAFE_NO_PAD.decode(item.public_key).map_err(|_| "public_key must be base64url without padding")?;
        Ok(Self { algorithm, spki })
    }
}

impl KeyTable {
    pub async fn public_signing_key(&self, version: &str) -> Result<Option<Record<PublicSigningKey>>, Unavailable> {
        self.read(pk(version)).await
    }

    /// Without a condition: a version's key never changes, so publishing it again writes the same.
    /// `spki` is DER.
    pub async fn publish_edge_key(&self, version: &str, algorithm: Algorithm, spki: &[u8]) -> Result<(), Unavailable> {
        let put = self
            .put_item(pk(version))
            .item("alg", text(algorithm.as_str()))
            .item("public_key", AttributeValue::S(URL_SAFE_NO_PAD.encode(spki)));
        put.send().await.map(drop).map_err(|error| Unavailable::of("PutItem", &error))
    }

    /// Succeeds where there is none.
    pub async fn remove_edge_key(&self, version: &str) -> Result<(), Unavailable> {
        let removed = self.delete_item(pk(version)).send().await;
        removed.map(drop).map_err(|error| Unavailable::of("DeleteItem", &error))
    }
}

fn pk(version: &str) -> String {
    format!("edgekey#{version}")
}
