//! Workers KV, in bulk.
//!
//! A bulk call may succeed in part: the keys that it names as unsuccessful are sent again, and
//! reported when they stay so. A key takes one write a second.

use std::collections::HashSet;
use std::time::Duration;

use countersign_https::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::call::Call;
use crate::{Cloudflare, Error, segment};

/// What is written under one name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// At most 512 bytes.
    #[serde(rename = "key")]
    pub name: String,
    /// At most 25 MiB.
    pub value: String,
    /// Comes with a listing. At most 1,024 bytes as JSON; null: none.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub metadata: Value,
}

/// What a bulk write or delete came to.
#[derive(Debug, Default)]
pub struct Written {
    /// HTTP calls that it took.
    pub calls: u32,
    /// Names that could not be written, after all attempts or because KV takes no such pair.
    pub failed: Vec<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
pub struct Listed {
    pub name: String,
    pub metadata: Option<Value>,
}

/// One page.
#[derive(Debug, Default)]
pub struct Listing {
    pub names: Vec<Listed>,
    /// Where the next page starts; `None` on the last.
    pub cursor: Option<String>,
}

/// Names of one bulk call: Cloudflare's limit.
const BATCH: usize = 10_000;
/// Bytes of one bulk call; Cloudflare takes 100 MB.
const BATCH_BYTES: usize = 90_000_000;
/// Cloudflare's limits for one pair, in bytes.
const NAME: usize = 512;
const VALUE: usize = 25 << 20;
const METADATA: usize = 1024;
/// Names on one page: Cloudflare's limit.
const PAGE: usize = 1000;
/// A page of names of 512 bytes with metadata of 1,024 bytes, each byte escaped, fits.
const LARGEST_PAGE: usize = 16_000_000;
/// The answer of a bulk call may name every key.
const LARGEST_RESULT: usize = 16_000_000;

/// How often unsuccessful names are sent, the first time included.
const ROUNDS: u32 = 3;
/// Between them: a key takes one write a second.
const BETWEEN_ROUNDS: Duration = Duration::from_millis(1100);

/// Which bulk call.
struct Bulk {
    name: &'static str,
    method: &'static str,
    path: String,
}

#[derive(Deserialize)]
struct BulkResult {
    unsuccessful_keys: Option<Vec<String>>,
}

impl Cloudflare {
    /// Writes all pairs, or says which could not be written. Names must be unique.
    ///
    /// # Errors
    /// [`Error`]; earlier batches of the same call may have been written.
    pub async fn kv_write(&self, namespace: &str, pairs: &[Pair], until: Instant) -> Result<Written, Error> {
        let path = format!("/storage/kv/namespaces/{}/bulk", segment(namespace));
        let bulk = Bulk { name: "PUT bulk of KV", method: "PUT", path };
        let (fit, unfit): (Vec<&Pair>, Vec<&Pair>) = pairs.iter().partition(|pair| pair.fits());
        let mut written = self.bulk(&bulk, fit, |pair| &pair.name, until).await?;
        written.failed.extend(unfit.into_iter().map(|pair| pair.name.clone()));
        Ok(written)
    }

    /// Deletes all names, or says which could not be deleted. Names that are not there are no error.
    ///
    /// # Errors
    /// [`Error`]; earlier batches of the same call may have been deleted.
    pub async fn kv_delete(&self, namespace: &str, names: &[String], until: Instant) -> Result<Written, Error> {
        let path = format!("/storage/kv/namespaces/{}/bulk/delete", segment(namespace));
        let bulk = Bulk { name: "POST bulk delete of KV", method: "POST", path };
        self.bulk(&bulk, names.iter().collect(), |name| name, until).await
    }

    /// One page of at most 1,000 names that start with `prefix`, in order, from `cursor` on.
    ///
    /// # Errors
    /// [`Error`]; `Refused` where there is no such namespace.
    pub async fn kv_list(
        &self,
        namespace: &str,
        prefix: &str,
        cursor: Option<&str>,
        until: Instant,
    ) -> Result<Listing, Error> {
        let mut path =
            format!("/storage/kv/namespaces/{}/keys?limit={PAGE}&prefix={}", segment(namespace), segment(prefix));
        if let Some(cursor) = cursor {
            path.push_str("&cursor=");
            path.push_str(&segment(cursor));
        }
        let call = Call {
            name: "GET keys of KV",
            method: "GET",
            path,
            body: Bytes::new(),
            secret: false,
            largest_answer: LARGEST_PAGE,
        };
        let page = self.call::<Vec<Listed>>(&call, until).await?;
        let cursor = page.result_info.and_then(|info| info.cursor).filter(|cursor| !cursor.is_empty());
        Ok(Listing { names: page.result.unwrap_or_default(), cursor })
    }

    async fn bulk<T: Serialize>(
        &self,
        bulk: &Bulk,
        mut left: Vec<&T>,
        name_of: fn(&T) -> &String,
        until: Instant,
    ) -> Result<Written, Error> {
        let calls_before = self.calls();
        for round in 1.. {
            let mut unsuccessful = HashSet::new();
            let mut rest = left.as_slice();
            while !rest.is_empty() {
                let (body, taken) = batch(rest, BATCH, BATCH_BYTES);
                rest = rest.get(taken..).unwrap_or_default();
                unsuccessful.extend(self.one_bulk(bulk, body, until).await?);
            }
            left.retain(|item| unsuccessful.contains(name_of(item)));
            if left.is_empty() || round == ROUNDS || Instant::now() + BETWEEN_ROUNDS >= until {
                break;
            }
            sleep(BETWEEN_ROUNDS).await;
        }
        let failed = left.into_iter().map(|item| name_of(item).clone()).collect();
        Ok(Written { calls: self.calls().wrapping_sub(calls_before), failed })
    }

    /// The names that Cloudflare could not deal with.
    async fn one_bulk(&self, bulk: &Bulk, body: Vec<u8>, until: Instant) -> Result<Vec<String>, Error> {
        let call = Call {
            name: bulk.name,
            method: bulk.method,
            path: bulk.path.clone(),
            body: body.into(),
            secret: false,
            largest_answer: LARGEST_RESULT,
        };
        let result = self.call::<BulkResult>(&call, until).await?.result;
        Ok(result.and_then(|result| result.unsuccessful_keys).unwrap_or_default())
    }
}

impl Pair {
    fn fits(&self) -> bool {
        let metadata = if self.metadata.is_null() { 0 } else { self.metadata.to_string().len() };
        (1..=NAME).contains(&self.name.len())
            && !matches!(self.name.as_str(), "." | "..")
            && self.value.len() <= VALUE
            && metadata <= METADATA
    }
}

/// As many items as one call takes, as a JSON array, and how many they are: at least one.
fn batch<T: Serialize>(items: &[&T], most: usize, most_bytes: usize) -> (Vec<u8>, usize) {
    let mut body = vec![b'['];
    let mut taken = 0;
    for item in items.iter().take(most) {
        let before = body.len();
        if taken > 0 {
            body.push(b',');
        }
        // Text and JSON values: nothing that cannot be written.
        let _ = serde_json::to_writer(&mut body, item);
        if taken > 0 && body.len() >= most_bytes {
            body.truncate(before);
            break;
        }
        taken += 1;
    }
    body.push(b']');
    (body, taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_a_json_array_within_both_limits() {
        let names: Vec<String> = (0..10).map(|n| format!("name-{n}")).collect();
        let all: Vec<&String> = names.iter().collect();
        let taken_of = |most, most_bytes| {
            let (body, taken) = batch(&all, most, most_bytes);
            let read: Vec<String> = serde_json::from_slice(&body).unwrap();
            assert_eq!(read, names[..taken]);
            assert!(body.len() <= most_bytes || taken == 1);
            taken
        };
        assert_eq!(taken_of(100, 1000), 10);
        assert_eq!(taken_of(3, 1000), 3);
        assert_eq!(taken_of(100, 50), 5, "a name takes nine bytes and a comma or a bracket");
        assert_eq!(taken_of(100, 1), 1, "one that is too large alone is Cloudflare's to refuse");
    }
}
