//! A table and an edge of any size out of arithmetic: the n-th key in the order of names has its number
//! in its hash, and a scan goes through the numbers in another order. Of the edge only the marks are
//! kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use countersign_tests::client;
use countersign_tests::http::{Answer, Request, Server};
use hyper::body::Bytes;
use serde_json::{Value, json};

/// Items of one page of a scan: about a megabyte.
const SCANNED: usize = 2_500;
/// Names of one page of a listing.
const LISTED: usize = 1_000;

pub struct Worlds {
    table: Server,
    edge: Server,
}

struct State {
    keys: usize,
    /// The step of the scan, prime to the number of keys.
    step: usize,
    /// Leases and notes.
    items: HashMap<String, Value>,
    /// What the edge was given for each key.
    marks: Vec<Option<(u64, String)>>,
    few: HashMap<String, Value>,
    changes: usize,
    changed: bool,
}

impl Worlds {
    /// `changes`: how many keys are revoked by [`change`].
    pub async fn start(keys: usize, changes: usize) -> Self {
        let (items, few) = (HashMap::new(), HashMap::new());
        let step = (keys * 7 / 11..).find(|step| gcd(*step, keys) == 1).unwrap();
        let state = State { keys, step, items, marks: vec![None; keys], few, changes, changed: false };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        let table = Server::start(move |request| {
            let answer = shared.lock().unwrap().table(&request);
            async move { answer }
        });
        let edge = Server::start(move |request| {
            let answer = state.lock().unwrap().edge(&request);
            async move { answer }
        });
        Self { table: table.await, edge: edge.await }
    }

    pub fn table(&self) -> String {
        self.table.url()
    }

    pub fn edge(&self) -> String {
        self.edge.url()
    }
}

/// From now on the table says that some keys are revoked.
pub async fn change(table: &str) {
    client::send("POST", &format!("{table}/change"), &[], Bytes::new()).await.unwrap();
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl State {
    /// 16 digits of the number, spread over all names, and 48 of anything.
    fn hash(&self, n: usize) -> String {
        let place = (u128::try_from(n).unwrap() << 64) / u128::try_from(self.keys).unwrap();
        format!("{place:016x}{:048x}", (n as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn number(&self, hash: &str) -> usize {
        let place = u128::from_str_radix(&hash[..16], 16).unwrap();
        let keys = u128::try_from(self.keys).unwrap();
        usize::try_from((place * keys).div_ceil(1 << 64)).unwrap()
    }

    fn item(&self, n: usize) -> Value {
        let revoked =
            self.changed && n.is_multiple_of(self.keys / self.changes) && n / (self.keys / self.changes) < self.changes;
        json!({
            "pk": { "S": format!("key#{}", self.hash(n)) }, "key_id": { "S": format!("kid_{n}") }, "principal": { "S": "acme" },
            "name": { "S": "a key of the bench" }, "status": { "S": if revoked { "revoked" } else { "active" } },
            "grants": { "L": [{ "S": "GET /items" }, { "S": "GET /items/*" }, { "S": "POST /items" }] },
            "cidrs": { "L": [{ "S": "203.0.113.0/24" }] }, "rate_limit": { "S": "gold" },
            "version": { "N": (1_763_800_000_000_u64 + u64::from(revoked)).to_string() },
            "created_at": { "N": "1763800000" },
        })
    }

    fn table(&mut self, request: &Request) -> Answer {
        if request.target == "/change" {
            self.changed = true;
            return Answer::status(200);
        }
        let input: Value = serde_json::from_slice(&request.body).unwrap();
        let output = match request.header("x-amz-target").rsplit('.').next().unwrap() {
            "Scan" => self.scan(&input),
            "BatchGetItem" => {
                let wanted = input["RequestItems"]["countersign-keys"]["Keys"].as_array().unwrap().iter();
                let hashes = wanted.filter_map(|key| key["pk"]["S"].as_str().unwrap().strip_prefix("key#"));
                let items: Vec<_> = hashes.map(|hash| self.item(self.number(hash))).collect();
                json!({ "Responses": { "countersign-keys": items }, "UnprocessedKeys": {} })
            }
            "GetItem" => match self.items.get(input["Key"]["pk"]["S"].as_str().unwrap()) {
                Some(item) => json!({ "Item": item }),
                None => json!({}),
            },
            "PutItem" => {
                let item = &input["Item"];
                self.items.insert(item["pk"]["S"].as_str().unwrap().to_owned(), item.clone());
                json!({})
            }
            "DeleteItem" => json!({}),
            other => panic!("no {other} here"),
        };
        let headers = vec![("content-type", "application/x-amz-json-1.0".to_owned())];
        Answer::Reply { status: 200, headers, body: output.to_string().into() }
    }

    fn scan(&self, input: &Value) -> Value {
        let pk = input["ExclusiveStartKey"]["pk"]["S"].as_str();
        let mut at = pk.map_or(0, |pk| (self.number(&pk["key#".len()..]) + self.step) % self.keys);
        let mut items = Vec::with_capacity(SCANNED);
        // The scan ends where it began: at number 0.
        while items.len() < SCANNED && (at != 0 || (items.is_empty() && pk.is_none())) {
            items.push(self.item(at));
            at = (at + self.step) % self.keys;
        }
        let mut output = json!({ "Count": items.len() });
        if at != 0 {
            output["LastEvaluatedKey"] = json!({ "pk": items.last().unwrap()["pk"] });
        }
        output["Items"] = Value::Array(items);
        output
    }

    fn edge(&mut self, request: &Request) -> Answer {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let (result, cursor) = match (request.method.as_str(), path.rsplit('/').next().unwrap()) {
            ("GET", "keys") => self.list(query),
            ("PUT", "bulk") => (self.write(&request.body), String::new()),
            other => panic!("no {other:?} here"),
        };
        let info = json!({ "cursor": cursor });
        Answer::json(
            200,
            &json!({ "success": true, "errors": [], "messages": [], "result": result, "result_info": info }),
        )
    }

    fn list(&self, query: &str) -> (Value, String) {
        let parameter = |name: &str| {
            let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            value.unwrap_or_default().replace("%3A", ":")
        };
        let prefix = parameter("prefix");
        let Some(digits) = prefix.strip_prefix("key:") else {
            let names = self.few.iter().filter(|(name, _)| name.starts_with(&prefix));
            return (
                names.map(|(name, metadata)| json!({ "name": name, "metadata": metadata })).collect(),
                String::new(),
            );
        };
        let cursor = parameter("cursor");
        let first = if cursor.is_empty() { self.number(&format!("{digits:0<64}")) } else { cursor.parse().unwrap() };
        let mut names = Vec::with_capacity(LISTED);
        let mut n = first;
        while n < self.keys && names.len() < LISTED && self.hash(n).starts_with(digits) {
            if let Some((version, digest)) = &self.marks[n] {
                names.push(
                    json!({ "name": format!("key:{}", self.hash(n)), "metadata": { "v": version, "d": digest } }),
                );
            }
            n += 1;
        }
        let more = n < self.keys && self.hash(n).starts_with(digits);
        (Value::Array(names), if more { n.to_string() } else { String::new() })
    }

    fn write(&mut self, body: &[u8]) -> Value {
        let pairs: Value = serde_json::from_slice(body).unwrap();
        let pairs = pairs.as_array().unwrap();
        for pair in pairs {
            let (name, metadata) = (pair["key"].as_str().unwrap(), &pair["metadata"]);
            if let Some(hash) = name.strip_prefix("key:") {
                let n = self.number(hash);
                self.marks[n] = Some((metadata["v"].as_u64().unwrap(), metadata["d"].as_str().unwrap().to_owned()));
            } else {
                self.few.insert(name.to_owned(), metadata.clone());
            }
        }
        json!({ "successful_key_count": pairs.len(), "unsuccessful_keys": [] })
    }
}
