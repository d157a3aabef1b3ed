//! Many items by name: BatchGetItem, which answers as much as it can and leaves the rest to be asked for
//! again.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use serde_json::{Map, Value};

use crate::table::{Item, key, record};
use crate::{KeyTable, Unavailable};

/// Names of one call: DynamoDB's bound.
const BATCH: usize = 100;
/// How often in a row a call may come back with nothing done, before that is an outage.
const FRUITLESS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(25);

impl KeyTable {
    /// The attributes of these partition keys as they are stored, judged by nobody, without `pk`; sorted,
    /// each once.
    pub async fn read_items(&self, pks: &[String]) -> Result<Vec<(String, Option<Map<String, Value>>)>, Unavailable> {
        let mut read = Vec::with_capacity(pks.len());
        for (pk, item) in self.batch(pks).await? {
            let attributes = item.map(record).transpose().map_err(|wrong| Unavailable::answer(&pk, wrong))?;
            read.push((pk, attributes));
        }
        Ok(read)
    }

    /// Consistent reads of any number of items; `None` where there is none.
    pub(crate) async fn batch(&self, pks: &[String]) -> Result<BTreeMap<String, Option<Item>>, Unavailable> {
        let mut found: BTreeMap<_, Option<Item>> = pks.iter().map(|pk| (pk.clone(), None)).collect();
        let names: Vec<_> = found.keys().cloned().collect();
        for names in names.chunks(BATCH) {
            for item in self.batch_of(names.iter().cloned().map(key).collect()).await? {
                if let Some(AttributeValue::S(pk)) = item.get("pk") {
                    found.insert(pk.clone(), Some(item));
                }
            }
        }
        Ok(found)
    }

    /// At most [`BATCH`] items, asked for until none is left over, after pauses that grow while nothing
    /// comes.
    async fn batch_of(&self, mut keys: Vec<Item>) -> Result<Vec<Item>, Unavailable> {
        let mut found = Vec::with_capacity(keys.len());
        let mut fruitless = 0;
        while !keys.is_empty() {
            let asked = keys.len();
            let request = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
            let request = request.map_err(|wrong| Unavailable::answer("BatchGetItem", wrong))?;
            let answer = self.client.batch_get_item().request_items(&self.name, request).send().await;
            let answer = answer.map_err(|error| Unavailable::of("BatchGetItem", &error))?;
            found.extend(answer.responses.into_iter().flatten().flat_map(|(_, items)| items));
            keys = answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, left)| left.keys).collect();
            fruitless = if keys.len() < asked { 0 } else { fruitless + 1 };
            if fruitless == FRUITLESS {
                return Err(Unavailable::answer("BatchGetItem", "all keys come back unprocessed, again and again"));
            }
            if !keys.is_empty() {
                tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(fruitless)).await;
            }
        }
        Ok(found)
    }
}
