//! A key created, changed, suspended and revoked in the table: how long until Cloudflare's KV, the edge
//! and every authorizer knew.
//!
//! What Cloudflare takes to spread a write is not in these numbers. The Worker goes by a record for as long as it
//! really does, its stand-in remembers nothing; an authorizer's memory of one is a hundredth of what it is.

use std::time::Duration;

use countersign_tests::deployment::{key_hash, key_record};
use countersign_tests::signer::EdgeKey;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::clients::Client;
use super::counts::End;
use super::world::{Pace, World};

/// The raw key whose record changes.
const RAW: &str = "partner-key-0001-imported";
/// How often an event source mapping asks a shard for changes.
const POLL: Duration = Duration::from_millis(250);
const LOOK: Duration = Duration::from_millis(20);
/// What is promised for KV.
const WRITTEN: Duration = Duration::from_secs(5);
/// What three looks, one at each environment, may take on a busy machine, over what is promised.
const ASKING: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_of_a_key_is_known_in_time() {
    let world = World::start(Pace::Scaled, EdgeKey::random("5d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a000")).await;
    tokio::select! {
        () = mapping(&world) => {}
        () = life_of_a_key(&world) => {}
    }
}

/// Plays Lambda's event source mapping on the table's stream: its filter, its order, its repetition.
async fn mapping(world: &World) {
    let mut done = world.deployment.table.stream().len();
    loop {
        let records = world.deployment.table.stream();
        let fresh: Vec<_> = records[done..].iter().filter(|record| passes_the_filter(record)).cloned().collect();
        if !fresh.is_empty() {
            let answer = world.job(json!({ "Records": fresh })).await;
            if answer["batchItemFailures"].as_array().is_some_and(|failures| !failures.is_empty()) {
                continue;
            }
        }
        done = records.len();
        sleep(POLL).await;
    }
}

fn passes_the_filter(record: &Value) -> bool {
    let pk = record["dynamodb"]["Keys"]["pk"]["S"].as_str().expect("a stream record names its key");
    !["nonce#", "jwks#", "sync#", "edgekey#"].iter().any(|prefix| pk.starts_with(prefix))
}

async fn life_of_a_key(world: &World) {
    let mut record = key_record(RAW);
    assert_eq!((edge(world).await, authorizers(world).await), (End::Refused, Some(End::Refused)));

    change(world, "created", &record, End::Allowed).await;
    record["grants"] = json!(["GET /orders"]);
    change(world, "changed", &record, End::Refused).await;
    record["grants"] = json!(["GET /items"]);
    change(world, "changed back", &record, End::Allowed).await;
    record["status"] = json!("suspended");
    change(world, "suspended", &record, End::Refused).await;
    record["status"] = json!("active");
    change(world, "restored", &record, End::Allowed).await;
    record["status"] = json!("revoked");
    change(world, "revoked", &record, End::Refused).await;
    let tombstone = world.cloudflare.kv(&format!("key:{}", key_hash(RAW)));
    assert!(tombstone.is_some_and(|stored| stored.value.contains("revoked")), "a revoked key leaves a tombstone");
}

/// What the holder of the key is told at the edge.
async fn edge(world: &World) -> End {
    let mut client = Client::new(&world.edge.authority(), RAW);
    End::of_status(client.send("GET", "/items").await.expect("the edge answers"))
}

/// What the authorizers make of a request that the edge has signed for the key, whatever the edge
/// knows of it. `None` while they disagree.
async fn authorizers(world: &World) -> Option<End> {
    let mut ends = Vec::new();
    for _ in 0..world.fleet.size() {
        let status = world.fleet.answer(world.deployment.signed("GET", "/items", RAW)).await;
        ends.push(End::of_status(status));
    }
    ends.iter().all(|end| *end == ends[0]).then(|| ends[0])
}

/// Writes the record and waits until everybody has it.
async fn change(world: &World, what: &str, record: &Value, expected: End) {
    let mut record = record.clone();
    record["version"] = json!(countersign_tests::key_sync::now().as_millis());
    let calls = world.cloudflare.calls().len();
    let changed = Instant::now();
    world.deployment.table.put(&record);
    let (kv, edge, authorizer) = tokio::join!(
        until(changed, world, async || published(world, &record)),
        until(changed, world, async || edge(world).await == expected),
        until(changed, world, async || authorizers(world).await == Some(expected)),
    );
    let calls = world.cloudflare.calls().len() - calls;
    let [in_kv, at_edge, at_authorizer] = [kv, edge, authorizer].map(|span| span.as_millis());
    print!("a key {what}: {in_kv} ms until it was in KV ({calls} call of Cloudflare), ");
    println!("{at_edge} ms until the edge went by it, {at_authorizer} ms until every authorizer did");
    assert!(kv < WRITTEN, "{what}: {kv:?} until it was in KV");
    assert!(edge < WRITTEN + world.edge.memory() + ASKING, "{what}: {edge:?} until the edge had it");
    let fresh = world.pace.lifetimes().record_fresh;
    assert!(authorizer < fresh + ASKING, "{what}: {authorizer:?} until the authorizers had it");
    assert_eq!(calls, 1, "{what}: one write tells Cloudflare");
}

fn published(world: &World, record: &Value) -> bool {
    let stored = world.cloudflare.kv(&format!("key:{}", key_hash(RAW)));
    stored.is_some_and(|stored| stored.metadata["v"] == record["version"])
}

/// How long after `start` it was so.
async fn until(start: Instant, world: &World, so: impl AsyncFn() -> bool) -> Duration {
    while !so().await {
        assert!(start.elapsed() < 4 * WRITTEN + world.edge.memory(), "nothing happens");
        sleep(LOOK).await;
    }
    start.elapsed()
}
