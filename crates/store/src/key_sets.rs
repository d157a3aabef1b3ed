//! `jwks#<iss>`: an issuer's key set, mirrored into the table, and what it was mirrored from.
//!
//! The set is kept as the text that was fetched, so that whoever uses it parses and judges it as if it
//! had come from the issuer.

use std::collections::BTreeMap;

use countersign_decision::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::table::{Item, Record, number, put_if, text};
use crate::{KeyTable, Unavailable};

/// Used only while the issuer's record still has this version, and this `jwks_uri` if it names one.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct MirroredKeySet {
    /// The URL that was fetched, from the issuer's record or from discovery.
    pub jwks_uri: String,
    /// The version of the issuer's record that led there.
    pub issuer_version: u64,
    /// The JWK Set, JSON.
    pub keys: String,
    /// Stored in seconds since the Unix epoch.
    #[serde(with = "seconds")]
    pub fetched_at: Timestamp,
    /// Keys of `keys` that the issuer does not publish any more: `kid`, and since when, in seconds. They
    /// stay until a second look confirms it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vanished: BTreeMap<String, u64>,
}

impl KeyTable {
    pub async fn key_set(&self, iss: &str) -> Result<Option<Record<MirroredKeySet>>, Unavailable> {
        self.read(pk(iss)).await
    }

    /// Replaces an older set, and one that cannot be read. One of a newer record, or fetched later, stays:
    /// that is no error, as whoever wrote it knew more.
    pub async fn put_key_set(&self, iss: &str, set: &MirroredKeySet) -> Result<(), Unavailable> {
        let pk = pk(iss);
        let item: Item = serde_dynamo::to_item(set).map_err(|wrong| Unavailable::answer(&pk, wrong))?;
        let put = self.client.put_item().table_name(&self.name).set_item(Some(item)).item("pk", text(&pk));
        // A comparison with what is absent or no number does not hold.
        let put = put
            .condition_expression("NOT (issuer_version > :v OR (issuer_version = :v AND fetched_at > :f))")
            .expression_attribute_values(":v", number(set.issuer_version))
            .expression_attribute_values(":f", number(set.fetched_at.as_secs()));
        put_if(put).await.map(drop)
    }
}

fn pk(iss: &str) -> String {
    format!("jwks#{iss}")
}

mod seconds {
    use countersign_decision::time::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(at.as_secs())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        u64::deserialize(deserializer).map(Timestamp::from_secs)
    }
}
