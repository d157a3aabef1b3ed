//! The mirror of key sets: key-sync writes it, the authorizer reads it before it asks the issuer, and
//! neither believes more than it should.

use std::time::Duration;

use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::limits;
use countersign_key_sync::handler::Done;
use countersign_key_sync::report::Code;
use countersign_key_sync::start::KeySync;
use countersign_tests::aws::Outage;
use countersign_tests::deployment::{Deployment, Response};
use countersign_tests::events::Kind;
use countersign_tests::function::Function;
use countersign_tests::issuer::{self, Algorithm, Fault, Issuer, SigningKey, token};
use countersign_tests::key_sync::{Aws, invoke, now};
use serde_json::{Value, json};
use tokio::time::Instant;

mod authorizer;

const AUDIENCE: &str = "https://api.example.com";

/// A deployment with one issuer, and a key-sync beside it.
struct World {
    deployment: Deployment,
    issuer: Issuer,
    key: SigningKey,
    key_sync: KeySync,
}

impl World {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(variables: &[(&str, &str)]) -> Self {
        let deployment = Deployment::new().await;
        let key = SigningKey::generate("first", Algorithm::Es256);
        let issuer = Issuer::start(&[&key]).await;
        deployment.table.put(&issuer.record(AUDIENCE));
        let key_sync = key_sync(&deployment, variables).await;
        Self { deployment, issuer, key, key_sync }
    }

    fn pk(&self) -> String {
        format!("jwks#{}", self.issuer.url())
    }

    /// The mirrored record: the set's text, and when it was fetched.
    fn mirrored(&self) -> Option<(String, u64)> {
        let item = self.deployment.table.get(&self.pk())?;
        let fetched_at = item["fetched_at"]["N"].as_str().unwrap().parse().unwrap();
        Some((item["keys"]["S"].as_str().unwrap().to_owned(), fetched_at))
    }

    /// Writes a mirrored record as key-sync would, but for what is changed.
    fn put_mirrored(&self, keys: &[&SigningKey], changes: &Value) {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
        let mut record = json!({
            "pk": self.pk(),
            "jwks_uri": format!("{}/jwks", self.issuer.url()),
            "issuer_version": self.issuer.record(AUDIENCE)["version"],
            "keys": json!({ "keys": keys }).to_string(),
            "fetched_at": issuer::now(),
        });
        for (name, value) in changes.as_object().unwrap() {
            record[name] = value.clone();
        }
        self.deployment.table.put(&record);
    }

    async fn mirror(&self) -> Done {
        invoke(&self.key_sync, &json!({ "job": "mirror-jwks" })).await
    }

    /// A request with a token of this key.
    async fn ask(&self, function: &Function, key: &SigningKey) -> Response {
        let token = token(key, &self.issuer.claims(AUDIENCE));
        let request = self.deployment.draft("GET", "/items").bearer(&token).sign();
        self.deployment.send(function, Kind::Http2, &request).await
    }
}

async fn key_sync(deployment: &Deployment, variables: &[(&str, &str)]) -> KeySync {
    let own = [("SIGNING_SECRET", deployment.secret.arn()), ("ISSUER_NETWORK", "any")];
    Aws::of(deployment).key_sync(&[variables, &own].concat(), Lifetimes::DEFAULT, now).await
}

#[track_caller]
fn report(done: &Done) -> &Value {
    done.answer.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn failure(done: &Done) -> (&'static str, &str) {
    let error = done.answer.as_ref().unwrap_err();
    (error.code.name(), &error.message)
}

#[tokio::test]
async fn a_set_is_written_with_what_it_came_from() {
    let world = World::new().await;
    let before = issuer::now();
    let done = world.mirror().await;
    assert_eq!((&report(&done)["issuers"], &report(&done)["written"]), (&json!(1), &json!(1)));
    let item = world.deployment.table.get(&world.pk()).unwrap();
    assert_eq!(item["jwks_uri"]["S"], json!(format!("{}/jwks", world.issuer.url())));
    assert_eq!(item["issuer_version"]["N"], json!(world.issuer.record(AUDIENCE)["version"].to_string()));
    let (keys, fetched_at) = world.mirrored().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&keys).unwrap(), json!({ "keys": [world.key.jwk()] }));
    assert!((before..=issuer::now()).contains(&fetched_at));

    // Young, and the same: nothing to write.
    let again = world.mirror().await;
    assert_eq!((&report(&again)["written"], &report(&again)["unchanged"]), (&json!(0), &json!(1)));
}

#[tokio::test]
async fn discovery_says_where_the_set_is_when_the_record_does_not() {
    let world = World::new().await;
    let mut record = world.issuer.record(AUDIENCE);
    record.as_object_mut().unwrap().remove("jwks_uri");
    world.deployment.table.put(&record);
    report(&world.mirror().await);
    assert_eq!((world.issuer.count("openid-configuration"), world.issuer.count("jwks")), (1, 1));
    let item = world.deployment.table.get(&world.pk()).unwrap();
    assert_eq!(item["jwks_uri"]["S"], json!(format!("{}/jwks", world.issuer.url())));
}

#[tokio::test]
async fn a_bad_answer_replaces_nothing() {
    let world = World::new().await;
    report(&world.mirror().await);
    let good = world.mirrored();
    for &fault in Fault::NO_KEYS {
        if fault == Fault::WrongIssuer {
            continue; // The record names the place, so nobody asks discovery.
        }
        world.issuer.fail(fault).await;
        let began = Instant::now();
        let done = world.mirror().await;
        assert!(began.elapsed() < Duration::from_secs(7), "{fault:?}");
        // The table still has a fresh set, so this is told and is no failure.
        assert_eq!(report(&done)["failed"].as_array().unwrap().len(), 1, "{fault:?}: {}", done.lines);
        assert_eq!(world.mirrored(), good, "{fault:?}");
        world.issuer.recover();
    }
}

#[tokio::test]
async fn an_issuer_without_any_set_fails_the_job_and_is_named() {
    let world = World::new().await;
    world.issuer.fail(Fault::ServerError).await;
    let done = world.mirror().await;
    let (code, message) = failure(&done);
    assert_eq!(code, "key_set_unavailable");
    assert!(message.contains(&world.issuer.url()) && message.contains("status 500"), "{message}");
    assert_eq!(world.mirrored(), None);
    world.issuer.recover();
    report(&world.mirror().await);
}

#[tokio::test]
async fn a_document_of_another_issuer_is_not_believed() {
    let world = World::new().await;
    let mut record = world.issuer.record(AUDIENCE);
    record.as_object_mut().unwrap().remove("jwks_uri");
    world.deployment.table.put(&record);
    world.issuer.fail(Fault::WrongIssuer).await;
    assert!(failure(&world.mirror().await).1.contains("another issuer"));
    assert_eq!(world.mirrored(), None);
}

#[tokio::test]
async fn private_addresses_are_not_fetched_from() {
    let world = World::with(&[("ISSUER_NETWORK", "public")]).await;
    assert_eq!(failure(&world.mirror().await).0, "key_set_unavailable");
    assert_eq!(world.issuer.count(""), 0);
}

#[tokio::test]
async fn an_issuer_that_hangs_takes_only_its_own_turn() {
    let world = World::new().await;
    let (other_key, hanging) = (SigningKey::generate("other", Algorithm::EdDsa), &world.issuer);
    let other = Issuer::start(&[&other_key]).await;
    world.deployment.table.put(&other.record(AUDIENCE));
    hanging.fail(Fault::Hang).await;
    let (code, message) = (world.mirror().await, format!("jwks#{}", other.url()));
    assert_eq!(failure(&code).0, "key_set_unavailable");
    assert!(world.deployment.table.get(&message).is_some());
}

#[tokio::test]
async fn a_changed_issuer_is_mirrored_with_its_batch() {
    let world = World::new().await;
    report(&world.mirror().await);
    world.deployment.table.forget_stream();
    let mut record = world.issuer.record(AUDIENCE);
    record["version"] = json!(1_763_800_000_001_u64);
    world.deployment.table.put(&record);
    let event = json!({ "Records": world.deployment.table.stream() });
    invoke(&world.key_sync, &event).await;
    let item = world.deployment.table.get(&world.pk()).unwrap();
    assert_eq!(item["issuer_version"]["N"], "1763800000001");
}

#[tokio::test]
async fn an_issuer_that_was_removed_is_forgotten() {
    let world = World::new().await;
    report(&world.mirror().await);
    world.deployment.table.remove(&format!("issuer#{}", world.issuer.url()));
    assert_eq!(report(&world.mirror().await)["issuers"], 0);
    let asked = world.issuer.count("jwks");
    assert_eq!(report(&world.mirror().await)["issuers"], 0);
    assert_eq!(world.issuer.count("jwks"), asked);
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let world = World::new().await;
    let done = invoke(&world.key_sync, &json!({ "job": "mirror-jwks", "dry_run": true })).await;
    assert_eq!(report(&done)["written"], 1);
    let writes = world.deployment.table.service.calls();
    assert!(writes.iter().all(|call| ["GetItem", "Scan"].contains(&call.operation.as_str())), "{writes:?}");
}

#[tokio::test]
async fn a_table_that_is_down_is_an_error_of_its_own() {
    let world = World::new().await;
    world.deployment.table.service.fail(Outage::ServerError).await;
    assert_eq!(failure(&world.mirror().await).0, "table_unavailable");
}

#[tokio::test]
async fn a_private_half_that_was_published_is_not_copied() {
    let world = World::new().await;
    let mut leaked = SigningKey::generate("leaked", Algorithm::Es256).jwk();
    leaked["d"] = json!("canary-private-half-0123456789");
    world.issuer.publish_set(vec![world.key.jwk(), leaked]);
    let done = world.mirror().await;
    report(&done);
    let (keys, _) = world.mirrored().unwrap();
    assert!(!keys.contains("canary") && !done.lines.contains("canary"));
    let function = world.deployment.authorizer(&[]).await;
    assert_eq!(world.ask(&function, &world.key).await.status, 200);
}

#[tokio::test]
async fn more_issuers_than_are_mirrored_is_said_by_every_run() {
    let world = World::new().await;
    for n in 0..limits::MIRRORED_ISSUERS {
        world.deployment.table.put(&json!({ "pk": format!("issuer#https://{n}.example") }));
    }
    for _ in 0..2 {
        let error = world.mirror().await.answer.unwrap_err();
        let says = format!("1 issuers are not mirrored: at most {} are", limits::MIRRORED_ISSUERS);
        assert_eq!(error.code, Code::KeySetUnavailable);
        assert!(error.message.ends_with(&says), "{}", error.message);
    }
}
