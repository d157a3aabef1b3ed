//! Canaries in every place where key-sync holds a secret: the API token, the signing keys, raw API
//! keys, the variables of the authorizer, the event's rotation token. Every job is done, and fails, and
//! none of them is in a line, a report, an error, the table or KV.
//!
//! A signing key leaves Secrets Manager for one place only: a secret of the Worker that cannot be read.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use countersign_tests::aws::lambda::Lambda;
use countersign_tests::cloudflare::{Binding, Fault};
use countersign_tests::deployment::{READER, key_hash, key_record};
use countersign_tests::issuer::{Algorithm, Issuer, SigningKey};
use serde_json::{Value, json};

use crate::crash::cell::settle;
use crate::crash::clock;
use crate::crash::threads::alone;
use crate::crash::world::{API_TOKEN, LEASE, STEPS, World};

const ROTATION_TOKEN: &str = "canary-rotation-token";
const VARIABLE: &str = "canary-variable-of-the-authorizer";
/// Sent by mistake where only hashes belong.
const RAW_KEYS: [&str; 2] = ["csk_canarycanarycanarycanary12", "canary-raw-key-imported-0001"];

/// One world, and the versions of the signing secret that there ever were.
struct Watched {
    world: World,
    lambda: Lambda,
    versions: BTreeSet<String>,
}

impl Watched {
    async fn start(algorithm: &'static str) -> Self {
        let lambda = Lambda::start("authorizer", &[("CANARY", VARIABLE)]).await;
        let mut world = World::start(algorithm).await;
        world.urls.lambda = lambda.url();
        let versions = world.secrets.labels().await.into_keys().collect();
        Self { world, lambda, versions }
    }

    async fn steps(&mut self, token: &str) {
        for step in STEPS {
            self.world.prepare(step).await;
            let mut event = self.world.event(step, token);
            event["RotationToken"] = json!(ROTATION_TOKEN);
            self.world.invoke(&event).await.unwrap_or_else(|error| self.world.fail(&error));
        }
        self.versions.insert(token.to_owned());
    }

    async fn job(&self, event: Value) -> Value {
        self.world.invoke(&event).await.unwrap_or_else(|error| self.world.fail(&format!("{event}: {error}")))
    }

    /// Where the canaries may be, they are; and nowhere else.
    async fn search(&self) {
        let places = self.places();
        assert!(places.iter().all(|(_, text)| !text.is_empty()) && places.len() > 20, "too little to search");
        let keys = self.keys().await;
        let at_the_edge = self.world.cloudflare.deployed();
        let held = |binding: &Binding| matches!(binding, Binding::Key { key_base64, .. } if keys.contains(key_base64));
        assert!(at_the_edge.values().any(held), "the edge has none of the keys that are searched for");
        let others = [API_TOKEN, ROTATION_TOKEN, READER].into_iter().chain(RAW_KEYS).map(str::to_owned);
        for canary in keys.into_iter().chain(others).chain([VARIABLE.to_owned()]) {
            for (place, text) in &places {
                assert!(!text.contains(&canary), "{canary} is in {place}: {text}");
            }
        }
    }

    /// Everything that anybody but Secrets Manager and the Worker's secrets could show.
    fn places(&self) -> Vec<(&'static str, String)> {
        let Watched { world, .. } = self;
        let mut places: Vec<_> = world.said.borrow().iter().map(|said| ("what key-sync said", said.clone())).collect();
        let records = world.table.keys("").into_iter().filter_map(|pk| world.table.get(&pk));
        places.extend(records.map(|record| ("the table", record.to_string())));
        places.extend(world.table.stream().into_iter().map(|change| ("the table's stream", change.to_string())));
        for name in world.cloudflare.kv_names() {
            let stored = world.cloudflare.kv(&name).expect("a name that is listed");
            places.push(("KV", format!("{name} {} {}", stored.value, stored.metadata)));
        }
        let calls = world.cloudflare.calls();
        places.extend(calls.into_iter().map(|(method, target)| ("a URL", format!("{method} {target}"))));
        for (name, binding) in world.cloudflare.deployed() {
            if let Binding::Text(text) = binding {
                places.push(("a readable secret of the Worker", format!("{name} {text}")));
            }
        }
        let mut variables = self.lambda.variables();
        variables.remove("CANARY");
        places.push(("the authorizer's variables", format!("variables: {variables:?}")));
        places
    }

    /// Every signing key in every way to write it down; of a private key the secret number too.
    async fn keys(&self) -> BTreeSet<String> {
        let mut written = BTreeSet::new();
        for version in &self.versions {
            let value = self.world.secrets.value(version).await.expect("a version with a value");
            let value: Value = serde_json::from_str(&value).expect("a value in JSON");
            let key = BASE64_URL_SAFE_NO_PAD.decode(value["key"].as_str().expect("a key")).expect("base64url");
            let number = match self.world.algorithm {
                "ed25519" => &key[16..48],
                "ecdsa-p256-sha256" => &key[36..68],
                _ => &key,
            };
            for secret in [&key, number] {
                written.extend([BASE64_STANDARD, BASE64_URL_SAFE].map(|base64| base64.encode(secret)));
                written.extend([BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD].map(|base64| base64.encode(secret)));
                let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
                written.extend([hex.to_uppercase(), hex, format!("{secret:?}")]);
            }
        }
        written
    }
}

fn every_job(algorithm: &'static str) {
    alone(async {
        let issuer_key = SigningKey::generate("2026-11", Algorithm::EdDsa);
        let issuer = Issuer::start(&[&issuer_key]).await;
        let mut watched = Watched::start(algorithm).await;
        watched.world.table.put(&issuer.record("https://api.example.com"));
        let token = watched.world.secrets.rotate().await.expect("a rotation starts");
        watched.steps(&token).await;
        settle(&watched.world).await;

        watched.job(json!({ "job": "sync", "names": [format!("key#{}", key_hash(READER))] })).await;
        for job in ["reconcile", "retire", "mirror-jwks", "status", "tick", "bootstrap"] {
            watched.job(json!({ "job": job })).await;
        }
        let changes = watched.world.table.stream();
        assert!(!changes.is_empty(), "nothing has changed in the table");
        watched.job(json!({ "Records": changes })).await;
        let lines = watched.job(json!({ "job": "put-keys", "keys": lines_of_a_careless_team() })).await;
        assert!(lines.to_string().contains("created"), "no line was taken: {lines}");
        assert!(watched.world.cloudflare.kv_names().iter().any(|name| name.starts_with("issuer:")), "nothing in KV");

        let report = watched.job(json!({ "job": "rotate-emergency" })).await;
        watched.steps(report["token"].as_str().expect("a token")).await;
        assert_eq!(*watched.lambda.updates().borrow(), 1, "the authorizer's environments were not replaced");
        assert_eq!(watched.lambda.variables().get("CANARY").map(String::as_str), Some(VARIABLE));
        watched.search().await;
    });
}

fn lines_of_a_careless_team() -> Value {
    let line = |hash: &str, name: &str| {
        json!({ "hash": hash, "key_id": "kid_canary", "principal": "acme", "name": name, "status": "active",
            "grants": ["GET /items"] })
    };
    let [own, imported] = RAW_KEYS;
    json!([
        line(&key_hash("a key that nobody has sent"), "fine"),
        line(own, "the key instead of its hash"),
        line(imported, "the same"),
        line(&key_hash(own), own),
        { "hash": key_hash(imported), "key": imported },
        imported,
    ])
}

#[test]
fn of_every_job_with_a_shared_key() {
    every_job("hmac-sha256");
}

#[test]
fn of_every_job_with_a_private_key_of_ed25519() {
    every_job("ed25519");
}

#[test]
fn of_every_job_with_a_private_key_of_p256() {
    every_job("ecdsa-p256-sha256");
}

/// Cloudflare quotes the credential and what it was sent; whatever fails, key-sync does not.
#[test]
fn of_everything_that_fails() {
    alone(async {
        let mut watched = Watched::start("hmac-sha256").await;
        let faults = [Fault::Echo, Fault::Status(403), Fault::Html, Fault::Garbage, Fault::SuccessFalse];
        for fault in faults {
            let token = watched.world.secrets.rotate().await.expect("a rotation starts");
            watched.world.step(STEPS[0], &token).await.expect("a key is made");
            watched.versions.insert(token.clone());
            watched.world.cloudflare.fail("", fault.clone(), None);
            let record = json!({ "pk": format!("key#{}", key_hash(RAW_KEYS[1])), "version": clock::now_millis() });
            let mut changed = key_record(RAW_KEYS[1]);
            changed["version"] = record["version"].clone();
            watched.world.table.put(&changed);
            let failing = [
                watched.world.event(STEPS[1], &token),
                json!({ "job": "tick" }),
                json!({ "job": "bootstrap" }),
                json!({ "job": "sync" }),
                json!({ "job": "reconcile" }),
            ];
            for event in failing {
                clock::advance(LEASE);
                let ended = watched.world.invoke(&event).await;
                assert!(ended.is_err(), "{event} does not fail under {fault:?}: {ended:?}");
            }
            watched.world.cloudflare.recover();
            clock::advance(Duration::from_secs(3 * 3600));
            watched.job(json!({ "job": "tick" })).await;
        }
        watched.search().await;
    });
}

/// What is stored where a key should be is reported, and not quoted.
#[test]
fn of_what_is_no_key() {
    alone(async {
        let watched = Watched::start("hmac-sha256").await;
        let token = watched.world.secrets.rotate().await.expect("a rotation starts");
        for value in [
            r#"{"alg":"hmac-sha256","key":"canary-raw-key-imported-0001 is not base64!"}"#,
            r#"{"alg":"canary-raw-key-imported-0001","key":"Y2FuYXJ5"}"#,
            r#"{"alg":"ed25519","key":"canary-raw-key-imported-0001"}"#,
            r#"{"key":"canary-raw-key-imported-0001"#,
            "canary-raw-key-imported-0001",
        ] {
            watched.world.secrets.put_pending(&token, value);
            clock::advance(LEASE);
            let error = watched.world.step(STEPS[0], &token).await.expect_err("it is no key");
            assert!(error.contains("createSecret") && error.contains(&token), "{error}");
        }
        watched.job(json!({ "job": "status" })).await;
        watched.search().await;
    });
}
