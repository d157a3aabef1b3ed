//! What the table says and what the edge shows: key-sync between a fake DynamoDB and a fake Cloudflare.
//!
//! The world keeps the records that it put into the table, and says on its own what the edge should
//! show of each; it shares no code with what publishes.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::time::Timestamp;
use countersign_key_sync::job::DryRun;
use countersign_key_sync::reconcile::{Options, reconcile};
use countersign_key_sync::report::JobError;
use countersign_key_sync::start::KeySync;
use countersign_key_sync::stream::{self, Published};
use countersign_tests::aws::dynamodb::Table;
use countersign_tests::aws::secrets::Secret;
use countersign_tests::cloudflare::Cloudflare;
use countersign_tests::deployment::key_hash;
use countersign_tests::key_sync::{Aws, now};
use countersign_tests::lifetimes::scaled;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

mod differences;
mod faults;
mod guard;
mod model;
mod overlap;
mod put_keys;
mod routes;
mod schemas;
mod streams;

const TOKEN: &str = "cloudflare-token-of-the-sync-tests";

struct World {
    table: Table,
    cloudflare: Cloudflare,
    key_sync: KeySync,
    /// By partition key.
    records: Mutex<BTreeMap<String, Value>>,
    secret: Secret,
    lifetimes: Lifetimes,
    clock: fn() -> Timestamp,
}

/// The calls of Cloudflare that comparisons may make at once.
const BUDGET: u64 = 290;

/// A clock under which no budget comes back while a test runs.
fn standing() -> Timestamp {
    Timestamp::from_secs(1_800_000_000)
}

impl World {
    async fn new() -> Self {
        Self::with(Lifetimes::DEFAULT, now, &[]).await
    }

    /// One whose leases run out soon.
    async fn scaled() -> Self {
        Self::with(Lifetimes { lease: Lifetimes::DEFAULT.lease / 40, ..scaled() }, now, &[]).await
    }

    async fn with(lifetimes: Lifetimes, clock: fn() -> Timestamp, more: &[(&str, &str)]) -> Self {
        let (table, secret) = (Table::start("countersign-keys").await, Secret::start("countersign-signing").await);
        secret.put_other("cloudflare-token", TOKEN);
        table.set_page_size(500);
        let cloudflare = Cloudflare::start("acc", TOKEN, "ns", "edge").await;
        let aws = Aws { dynamodb: table.service.url(), secrets_manager: secret.service.url(), ..Aws::default() };
        let key_sync = key_sync(&aws, &cloudflare.url(), secret.arn(), lifetimes, clock, more).await;
        Self { table, cloudflare, key_sync, records: Mutex::default(), secret, lifetimes, clock }
    }

    /// A world with so many active keys in the table, none of them published.
    async fn of(keys: usize) -> Self {
        Self::new().await.filled(keys)
    }

    /// A world in which the edge already shows the table.
    async fn in_agreement(keys: usize) -> Self {
        Self::of(keys).await.agreed().await
    }

    /// The same, and time stands still.
    async fn standing(keys: usize) -> Self {
        Self::with(Lifetimes::DEFAULT, standing, &[]).await.filled(keys).agreed().await
    }

    fn filled(self, keys: usize) -> Self {
        (0..keys).for_each(|n| self.put(&key(n)));
        self
    }

    async fn agreed(self) -> Self {
        self.put(&issuer("https://id.example", 1));
        self.put(&route("main", 1));
        self.reconcile().await;
        self.assert_agreement();
        self.cloudflare.forget_calls();
        self.table.service.forget_calls();
        self.table.forget_stream();
        self
    }

    /// Another run of key-sync in this world, through other doors.
    async fn through(&self, dynamodb: String, cloudflare: &str) -> KeySync {
        let aws = Aws { dynamodb, secrets_manager: self.secret.service.url(), ..Aws::default() };
        key_sync(&aws, cloudflare, self.secret.arn(), self.lifetimes, self.clock, &[]).await
    }

    async fn another(&self) -> KeySync {
        self.through(self.table.service.url(), &self.cloudflare.url()).await
    }

    fn put(&self, record: &Value) {
        self.table.put(record);
        self.records.lock().unwrap().insert(record["pk"].as_str().unwrap().to_owned(), record.clone());
    }

    /// Changes a record as an operator does: the new attributes, and a higher version.
    fn change(&self, pk: &str, changes: &Value) -> Value {
        let mut record = self.records.lock().unwrap()[pk].clone();
        record["version"] = json!(record["version"].as_u64().unwrap() + 1);
        record.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        self.put(&record);
        record
    }

    fn remove(&self, pk: &str) {
        self.table.remove(pk);
        self.records.lock().unwrap().remove(pk);
    }

    async fn try_reconcile(&self, allow_deletions: bool, dry_run: DryRun) -> Result<Value, JobError> {
        let report = reconcile(&self.key_sync, Options { allow_deletions, dry_run }, soon()).await;
        report.map(|report| report.into_json())
    }

    async fn reconcile(&self) -> Value {
        self.try_reconcile(false, DryRun::No).await.unwrap()
    }

    /// Hands changes to the stream job, as Lambda would.
    async fn deliver(&self, changes: &[Value]) -> Published {
        let records = serde_json::from_value(Value::Array(changes.to_vec())).unwrap();
        let records: Vec<_> = records;
        stream::publish_batch(&self.key_sync, &records, soon()).await
    }

    /// What the edge should show under each name but that of the routes.
    fn expected(&self) -> BTreeMap<String, Value> {
        let records = self.records.lock().unwrap();
        let published = records.iter().filter(|(pk, _)| pk.starts_with("key#") || pk.starts_with("issuer#"));
        published.map(|(pk, record)| (pk.replacen('#', ":", 1), public(record))).collect()
    }

    /// What it shows.
    fn shown(&self) -> BTreeMap<String, Value> {
        let names = self.cloudflare.kv_names().into_iter().filter(|name| name != "routes");
        names
            .map(|name| (name.clone(), serde_json::from_str(&self.cloudflare.kv(&name).unwrap().value).unwrap()))
            .collect()
    }

    fn assert_agreement(&self) {
        let (shown, expected) = (self.shown(), self.expected());
        let wrong: Vec<_> = expected.iter().filter(|(name, value)| shown.get(*name) != Some(*value)).take(3).collect();
        assert!(wrong.is_empty(), "the edge should show {wrong:#?}");
        let extra: Vec<_> = shown.keys().filter(|name| !expected.contains_key(*name)).take(3).collect();
        assert!(extra.is_empty(), "the edge should not show {extra:?}");
    }

    /// The attributes of key-sync's note of its comparisons, as DynamoDB has them.
    fn note(&self) -> Value {
        self.table.get("sync#reconcile").expect("a comparison was made")
    }

    /// Calls in the budget of comparisons, made or reserved.
    fn spent(&self) -> usize {
        let budget = self.note()["budget"]["M"].clone();
        let number = |name: &str| budget[name]["N"].as_str().unwrap().parse::<usize>().unwrap();
        number("spent") + number("reserved")
    }

    /// As if other comparisons had made all calls but these just now.
    fn leave_calls(&self, left: u64) {
        let note = self.note();
        let number = |name: &str| note[name]["N"].as_str().unwrap().parse::<u64>().unwrap();
        let budget = json!({ "at": (self.clock)().as_millis(), "spent": BUDGET - left, "reserved": 0 });
        let mut left = json!({ "pk": "sync#reconcile", "next": number("next"), "budget": budget });
        if let Some(allowance) = note.get("allowance") {
            let member = |name: &str| allowance["M"][name]["N"].as_str().unwrap().parse::<u64>().unwrap();
            let members = ["given_at", "buckets", "keys"].map(|name| (name.to_owned(), json!(member(name))));
            left["allowance"] = Value::Object(members.into_iter().collect());
        }
        self.table.put(&left);
    }

    fn routes(&self) -> Value {
        serde_json::from_str(&self.cloudflare.kv("routes").expect("routes are published").value).unwrap()
    }

    /// Calls of Cloudflare whose method and path contain this.
    fn calls(&self, matching: &str) -> usize {
        let calls = self.cloudflare.calls();
        calls.iter().filter(|(method, path)| format!("{method} {path}").contains(matching)).count()
    }

    fn writes(&self) -> usize {
        self.calls("/bulk")
    }
}

async fn key_sync(
    aws: &Aws,
    cloudflare: &str,
    secret: &str,
    lifetimes: Lifetimes,
    clock: fn() -> Timestamp,
    more: &[(&str, &str)],
) -> KeySync {
    let mut variables = vec![
        ("KEY_TABLE", "countersign-keys"),
        ("SIGNING_SECRET", secret),
        ("CLOUDFLARE_ACCOUNT", "acc"),
        ("CLOUDFLARE_NAMESPACE", "ns"),
        ("CLOUDFLARE_SCRIPT", "edge"),
        ("CLOUDFLARE_TOKEN", "cloudflare-token"),
        ("CLOUDFLARE_API", cloudflare),
    ];
    variables.extend_from_slice(more);
    aws.key_sync(&variables, lifetimes, clock).await
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn hash(n: usize) -> String {
    key_hash(&format!("raw key number {n}"))
}

fn pk(n: usize) -> String {
    format!("key#{}", hash(n))
}

fn name(n: usize) -> String {
    format!("key:{}", hash(n))
}

fn key(n: usize) -> Value {
    json!({
        "pk": pk(n), "key_id": format!("kid_{n}"), "principal": "acme", "name": format!("key {n}"), "status": "active",
        "grants": ["GET /items", "POST /items/*"], "cidrs": ["203.0.113.0/24"], "rate_limit": "gold",
        "expires_at": 1_900_000_000u64, "context": { "tenant": "not public" }, "usage_plan_key": "not public",
        "version": 1_763_800_000_000u64, "created_at": 1_763_800_000u64,
    })
}

fn issuer(iss: &str, version: u64) -> Value {
    json!({
        "pk": format!("issuer#{iss}"), "audiences": ["https://api.example.com"], "algorithms": ["RS256"],
        "grants": [{ "scope": "read", "allow": ["GET /items"] }], "token_types": ["at+jwt"], "version": version,
    })
}

fn route(id: &str, version: u64) -> Value {
    json!({
        "pk": format!("route#{id}"), "match": { "path": [format!("/{id}/*")] }, "origin": "gateway",
        "backend": "not-public", "priority": 1, "version": version,
    })
}

/// The public part of a record, by the list that the design gives.
fn public(record: &Value) -> Value {
    let tombstone = ["version", "key_id", "status"].as_slice();
    let key =
        ["version", "key_id", "principal", "name", "status", "until", "grants", "cidrs", "rate_limit", "expires_at"];
    let issuer = [
        "version",
        "audiences",
        "algorithms",
        "jwks_uri",
        "grants",
        "required_claims",
        "token_types",
        "edge",
        "max_age",
    ];
    let members = match record["pk"].as_str().unwrap() {
        _ if record["status"] == "revoked" => tombstone,
        pk if pk.starts_with("key#") => &key,
        _ => &issuer,
    };
    let record = record.as_object().unwrap();
    let public = record.iter().filter(|(member, _)| members.contains(&member.as_str()));
    Value::Object(public.map(|(member, value)| (member.clone(), value.clone())).collect::<Map<_, _>>())
}
