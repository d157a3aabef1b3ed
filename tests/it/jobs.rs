//! Invocations of key-sync from event to answer: what Lambda, Secrets Manager and operators see of a
//! job, and what the log says.

use std::time::Duration;

use countersign_key_sync::handler::{self, Done};
use countersign_key_sync::start::KeySync;
use countersign_tests::aws::Outage;
use countersign_tests::cloudflare::{Cloudflare, Fault};
use countersign_tests::deployment::{Deployment, key_hash, key_record};
use countersign_tests::issuer::{self, Issuer};
use countersign_tests::key_sync::{self, Aws, TOKEN_SECRET, invoke, now};
use countersign_tests::lifetimes::scaled;
use serde_json::{Value, json};
use tokio::time::Instant;

const TOKEN: &str = "cloudflare-token-of-the-job-tests";

struct World {
    deployment: Deployment,
    cloudflare: Cloudflare,
    key_sync: KeySync,
}

impl World {
    async fn new() -> Self {
        let deployment = Deployment::new().await;
        deployment.secret.put_other(TOKEN_SECRET, TOKEN);
        let cloudflare = key_sync::cloudflare(TOKEN).await;
        let variables = [
            ("SIGNING_SECRET", deployment.secret.arn()),
            ("CLOUDFLARE_API", &cloudflare.url()),
            ("ISSUER_NETWORK", "any"),
        ];
        let key_sync = Aws::of(&deployment).key_sync(&variables, scaled(), now).await;
        Self { deployment, cloudflare, key_sync }
    }

    async fn job(&self, event: &Value) -> Done {
        invoke(&self.key_sync, event).await
    }

    async fn tick(&self) -> Done {
        self.job(&json!({ "job": "tick" })).await
    }

    /// An issuer in the table, so that the mirror has something to do.
    async fn issuer(&self) -> Issuer {
        let issuer = Issuer::start(&[&issuer::SigningKey::generate("first", issuer::Algorithm::Es256)]).await;
        self.deployment.table.put(&issuer.record("https://api.example.com"));
        issuer
    }
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

/// The line that tells the job; the others are metrics only.
fn line(done: &Done) -> Value {
    serde_json::from_str(done.lines.lines().next().unwrap()).unwrap()
}

#[tokio::test]
async fn a_tick_does_all_its_parts_and_reports_each() {
    let world = World::new().await;
    let _issuer = world.issuer().await;
    let done = world.tick().await;
    for part in ["repair", "mirror-jwks", "reconcile"] {
        assert!(report(&done)[part].is_object(), "{part}: {}", report(&done));
    }
    let line = line(&done);
    assert_eq!((&line["job"], &line["outcome"]), (&json!("tick"), &json!("ok")));
    assert!(line["_aws"]["CloudWatchMetrics"][0]["Metrics"].to_string().contains("Jobs"), "{line}");
}

#[tokio::test]
async fn a_part_that_fails_does_not_stop_the_others() {
    let world = World::new().await;
    let issuer = world.issuer().await;
    issuer.fail(issuer::Fault::ServerError).await;
    let done = world.tick().await;
    let (code, message) = failure(&done);
    assert_eq!(code, "parts_failed");
    assert!(message.starts_with("mirror-jwks: ") && message.contains("status 500"), "{message}");
    assert!(world.cloudflare.kv(&format!("key:{}", key_hash("reader-key-0001-imported"))).is_some());
    let line = line(&done);
    assert!(line["report"]["reconcile"]["written"].as_u64() > Some(0), "{line}");
    assert!(done.lines.contains(r#""part":"mirror-jwks""#), "{}", done.lines);

    issuer.recover();
    report(&world.tick().await);
}

#[tokio::test]
async fn a_token_that_was_replaced_is_read_again_after_a_refusal() {
    let world = World::new().await;
    world.deployment.secret.put_other("cloudflare-token", "a-token-that-was-revoked");
    let done = world.tick().await;
    assert_eq!(failure(&done).0, "cloudflare_refused");
    assert!(!done.lines.contains("a-token-that-was-revoked"), "{}", done.lines);
    world.deployment.secret.put_other("cloudflare-token", TOKEN);
    report(&world.tick().await);
}

#[tokio::test]
async fn a_job_ends_before_its_invocation_does() {
    let world = World::new().await;
    world.cloudflare.fail("", Fault::Hang, None);
    let began = Instant::now();
    let left = Duration::from_secs(5);
    let done = handler::handle(&world.key_sync, r#"{"job":"reconcile"}"#, "i", left).await;
    assert!(began.elapsed() < left, "{:?}", began.elapsed());
    assert!(["out_of_time", "cloudflare_unavailable"].contains(&failure(&done).0), "{}", done.lines);

    world.cloudflare.recover();
    report(&world.job(&json!({ "job": "reconcile" })).await);
}

#[tokio::test]
async fn a_batch_is_answered_with_where_to_go_on() {
    let world = World::new().await;
    world.deployment.table.forget_stream();
    world.deployment.table.put(&key_record("second-key-0001-imported"));
    let event = json!({ "Records": world.deployment.table.stream() });
    let first = event["Records"][0]["dynamodb"]["SequenceNumber"].clone();

    world.cloudflare.fail("/bulk", Fault::Status(400), None);
    let failed = world.job(&event).await;
    assert_eq!(report(&failed), &json!({ "batchItemFailures": [{ "itemIdentifier": first }] }));
    assert_eq!(line(&failed)["outcome"], "failed", "an answer, but no success");

    world.cloudflare.recover();
    assert_eq!(report(&world.job(&event).await), &json!({ "batchItemFailures": [] }));
    assert!(world.cloudflare.kv(&format!("key:{}", key_hash("second-key-0001-imported"))).is_some());
}

#[tokio::test]
async fn a_rotation_of_another_secret_touches_nothing() {
    let world = World::new().await;
    let other = world.deployment.secret.arn().replace("signing", "other");
    let event = json!({
        "Step": "createSecret", "SecretId": other, "ClientRequestToken": "9b7c0a52-4f1d-4c7e-8a3b-2f5e6d7c8b9a",
    });
    assert_eq!(failure(&world.job(&event).await).0, "bad_input");
    assert!(world.deployment.secret.service.calls().is_empty());
}

#[tokio::test]
async fn status_says_what_it_can_when_nothing_answers() {
    let world = World::new().await;
    world.deployment.table.service.fail(Outage::AccessDenied).await;
    world.cloudflare.fail("", Fault::Status(503), None);
    let done = world.job(&json!({ "job": "status" })).await;
    let status = report(&done);
    assert!(status["rotation"]["error"].as_str().unwrap().starts_with("table_unavailable: "), "{status}");
    assert!(status["reconcile"]["error"].as_str().unwrap().contains("role"), "{status}");

    world.deployment.table.service.recover();
    world.cloudflare.recover();
    report(&world.tick().await);
    let done = world.job(&json!({ "job": "status" })).await;
    let status = report(&done);
    assert_eq!(status["rotation"]["labels"]["AWSCURRENT"], "0d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a001");
    assert!(status["reconcile"].is_object() && status["lease_kv"].is_null(), "{status}");
}

#[tokio::test]
async fn put_keys_is_off_until_it_is_on() {
    let world = World::new().await;
    let event = json!({ "job": "put-keys", "keys": [{ "hash": key_hash("csk_canary-raw-key") }] });
    let (code, message) = {
        let done = world.job(&event).await;
        (failure(&done).0, failure(&done).1.to_owned())
    };
    assert_eq!(code, "not_configured");
    assert!(message.contains("PUT_KEYS"), "{message}");
}
