//! The records that operators write, `key#`, `issuer#` and `route#`, read many at a time: page by page
//! through the whole table, or by name.
//!
//! What else is in the table is filtered out where it lies: claimed nonces can outnumber the keys.

use aws_sdk_dynamodb::types::AttributeValue;
use countersign_decision::api_key::KeyHash;
use countersign_decision::record::issuer::IssuerRecord;
use countersign_decision::record::key::KeyRecord;
use countersign_decision::record::route::RouteRecord;
use serde::{Deserialize, Serialize};

use crate::table::{Item, Record, as_number, key, record, text};
use crate::{KeyTable, Unavailable};

#[derive(Debug)]
pub enum Entry {
    /// `hash`: as the partition key has it; where it is no hash, the record says so.
    Key {
        hash: String,
        record: Record<KeyRecord>,
    },
    Issuer {
        iss: String,
        record: Record<IssuerRecord>,
    },
    Route {
        id: String,
        record: Record<Box<RouteRecord>>,
    },
}

impl Entry {
    /// The partition key.
    pub fn pk(&self) -> String {
        match self {
            Self::Key { hash, .. } => format!("key#{hash}"),
            Self::Issuer { iss, .. } => format!("issuer#{iss}"),
            Self::Route { id, .. } => format!("route#{id}"),
        }
    }
}

/// What one call of a scan found, often nothing: a page is a megabyte of the table before the filter.
pub struct Page {
    pub entries: Vec<Entry>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Cursor>,
}

/// A place in the scan's order. It stays good after the item there is gone.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl KeyTable {
    /// `consistent` costs twice as much and sees every write that was answered before.
    pub async fn scan(&self, start: Option<Cursor>, consistent: bool) -> Result<Page, Unavailable> {
        let scan = self
            .client
            .scan()
            .table_name(&self.name)
            .consistent_read(consistent)
            .filter_expression("begins_with(pk, :key) OR begins_with(pk, :issuer) OR begins_with(pk, :route)")
            .expression_attribute_values(":key", text("key#"))
            .expression_attribute_values(":issuer", text("issuer#"))
            .expression_attribute_values(":route", text("route#"))
            .set_exclusive_start_key(start.map(|Cursor(pk)| key(pk)));
        let page = scan.send().await.map_err(|error| Unavailable::of("Scan", &error))?;
        let next = match page.last_evaluated_key {
            Some(mut last) if !last.is_empty() => match last.remove("pk") {
                Some(AttributeValue::S(pk)) => Some(Cursor(pk)),
                _ => return Err(Unavailable::answer("Scan", "LastEvaluatedKey has no pk")),
            },
            _ => None,
        };
        Ok(Page { entries: page.items.into_iter().flatten().filter_map(entry).collect(), next })
    }

    /// Consistent reads of these partition keys, answered sorted and each once; `None` where there is no
    /// such record.
    pub async fn read_entries(&self, pks: &[String]) -> Result<Vec<(String, Option<Entry>)>, Unavailable> {
        let items = self.batch(pks).await?;
        Ok(items.into_iter().map(|(pk, item)| (pk, item.and_then(entry))).collect())
    }
}

/// `None`: an item of another kind.
fn entry(mut item: Item) -> Option<Entry> {
    let Some(AttributeValue::S(pk)) = item.remove("pk") else { return None };
    let (kind, name) = pk.split_once('#')?;
    let name = name.to_owned();
    match kind {
        "key" if KeyHash::from_hex(&name).is_err() => Some(Entry::Key {
            hash: name,
            record: Err("pk: after key# come 64 lower-case hexadecimal digits".to_owned()),
        }),
        "key" => Some(Entry::Key { hash: name, record: key_record(item) }),
        "issuer" => Some(Entry::Issuer { iss: name, record: record(item) }),
        "route" => Some(Entry::Route { id: name, record: record(item) }),
        _ => None,
    }
}

/// An invalid record that says plainly that its key must not be used is published as a revoked one:
/// otherwise the edge would go on with what it had, which may be an active key.
fn key_record(item: Item) -> Record<KeyRecord> {
    let tombstone = tombstone(&item);
    record(item).or_else(|why| tombstone.ok_or(why))
}

fn tombstone(item: &Item) -> Option<KeyRecord> {
    let said = |name: &str| item.get(name)?.as_s().ok();
    if !matches!(said("status")?.as_str(), "revoked" | "disabled") {
        return None;
    }
    KeyRecord::tombstone(said("key_id")?, as_number(item.get("version"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_record_of_a_key_that_is_shut_out_is_one_of_a_revoked_key() {
        let read = |status: &str, key_id: &str, version: AttributeValue| {
            key_record(Item::from([
                ("status".to_owned(), text(status)),
                ("key_id".to_owned(), text(key_id)),
                ("version".to_owned(), version),
                ("grants".to_owned(), text("nonsense")),
            ]))
        };
        let seven = || AttributeValue::N("7".to_owned());
        for status in ["revoked", "disabled"] {
            assert!(read(status, "k1", seven()).is_ok_and(|key| key.is_revoked() && key.version() == Some(7)));
        }
        for status in ["active", "suspended", "paused"] {
            assert!(read(status, "k1", seven()).is_err(), "{status}");
        }
        assert!(read("revoked", "", seven()).is_err() && read("revoked", "k1", text("7")).is_err());
    }
}
