//! What an operator meets besides crashes and outages: each situation ends with a stable code, a word
//! on what to change, and nothing harmed.

use std::sync::Arc;

use countersign_decision::lifetimes::Lifetimes;
use countersign_tests::aws::dynamodb::Table;
use countersign_tests::aws::lambda::Lambda;
use countersign_tests::aws::secrets::Secret;
use countersign_tests::edge::{Edge, Gateway};
use countersign_tests::events::WireRequest;
use countersign_tests::http::{Answer, Server};
use countersign_tests::key_sync::{self, Aws, TOKEN_SECRET};
use countersign_tests::lifetimes;
use serde_json::{Value, json};

use crate::crash::cell::{settle, up_to, with_a_past};
use crate::crash::world::{LEASE, World};
use crate::crash::{clock, threads};

const LIFETIMES: Lifetimes = Lifetimes::DEFAULT;

async fn world_with_a_past(algorithm: &'static str) -> World {
    with_a_past(World::with_worker(algorithm).await).await
}

/// The error of a step or job, which names its code and every one of these words.
fn assert_says(outcome: &Result<impl std::fmt::Debug, String>, words: &[&str]) {
    let error = outcome.as_ref().expect_err("it is refused");
    for word in words {
        assert!(error.contains(word), "{word:?} is not in {error:?}");
    }
}

#[test]
fn setting_up_a_schedule_tests_the_key_that_is_there() {
    threads::alone(async {
        let world = world_with_a_past("hmac-sha256").await;
        let versions = world.cloudflare.versions();
        // Without an immediate rotation, testSecret is all that Secrets Manager asks for.
        let token = world.secrets.rotate().await.unwrap();
        world.step("testSecret", &token).await.unwrap();
        assert_eq!(world.cloudflare.versions(), versions, "a test changes nothing");
        assert_says(&world.step("finishSecret", &token).await, &["finishSecret", "rotation_refused", "createSecret"]);
        assert_ne!(world.active().unwrap(), token);
    });
}

#[test]
fn a_rotation_does_not_begin_before_the_last_one_has_ended() {
    threads::alone(async {
        let world = world_with_a_past("hmac-sha256").await;
        let last = world.rotate().await;
        let token = world.secrets.rotate().await.unwrap();
        assert_says(
            &world.step("createSecret", &token).await,
            &["createSecret", "too_early", "AWSPREVIOUS", "its overlap ends in"],
        );
        assert_says(&world.job("retire").await, &["too_early", "AWSPREVIOUS"]);
        assert_eq!(world.secrets.value(&token).await, None, "no key was made");
        clock::advance(LIFETIMES.overlap);
        world.steps(&token).await;
        assert_eq!(world.secrets.holder("AWSPREVIOUS").await, Some(last));
        settle(&world).await;
    });
}

#[test]
fn a_gradual_deployment_stops_a_rotation_before_it_begins() {
    threads::alone(async {
        let world = world_with_a_past("hmac-sha256").await;
        world.cloudflare.split_deployment();
        let token = world.secrets.rotate().await.unwrap();
        assert_says(&world.step("createSecret", &token).await, &["createSecret", "needs_operator", "100 %"]);
        assert_eq!(world.secrets.value(&token).await, None, "no key was made");
        world.cloudflare.deploy_newest();
        world.step("createSecret", &token).await.unwrap();
        world.cloudflare.upload_undeployed_version();
        assert_says(&world.step("setSecret", &token).await, &["setSecret", "needs_operator"]);
        world.check("a push that was refused").await;
    });
}

#[test]
fn a_wrong_edge_url_is_called_one() {
    threads::alone(async {
        let mut world = world_with_a_past("hmac-sha256").await;
        let token = world.secrets.rotate().await.unwrap();
        let edge = world.urls.edge.clone();
        for status in [200, 301, 403, 404, 500] {
            let other = Server::start(move |_| async move { Answer::status(status) }).await;
            world.urls.edge = other.url();
            let outcome = world.step("createSecret", &token).await;
            assert_says(&outcome, &["createSecret", "edge_unreachable", "EDGE_URL"]);
            assert_says(&world.job("retire").await, &["edge_unreachable", "EDGE_URL"]);
        }
        world.urls.edge = edge;
        world.steps(&token).await;
        settle(&world).await;
    });
}

/// A stranger that answers like an edge without our keys. They are pushed, once; that it was in vain is
/// said, and what to look at.
#[test]
fn a_stranger_at_edge_url_costs_one_version_of_the_worker() {
    let cells = [(401, false), (409, false), (401, true)];
    threads::run_all(cells.len(), &cells, async |&(status, in_overlap), _: Option<()>| {
        let mut world = world_with_a_past("hmac-sha256").await;
        if in_overlap {
            world.rotate().await;
        }
        let stranger = Server::start(move |_| async move { Answer::status(status) }).await;
        let edge = std::mem::replace(&mut world.urls.edge, stranger.url());
        let versions = world.cloudflare.versions().len();
        assert_says(&world.job("tick").await, &["edge_wrong_key", "accepts no labelled key"]);
        assert_eq!(world.cloudflare.versions().len(), versions + 1, "the keys are pushed");
        for _ in 0..3 {
            clock::advance(LIFETIMES.edge_spread);
            let url = world.urls.edge.clone();
            assert_says(&world.job("tick").await, &["edge_wrong_key", "the Worker edge", "EDGE_URL", &url, "route"]);
            assert_eq!(world.cloudflare.versions().len(), versions + 1, "and are not pushed again");
            world.check("a tick that asked a stranger").await;
        }
        // Who deploys the Worker may have mended it.
        world.cloudflare.deploy_newest();
        assert_says(&world.job("tick").await, &["edge_wrong_key"]);
        assert_eq!(world.cloudflare.versions().len(), versions + 2, "a new deployment is a new attempt");

        world.urls.edge = edge;
        world.tick_after(LEASE).await;
        assert_eq!(world.cloudflare.versions().len(), versions + 2, "there is nothing to mend");
        settle(&world).await;
        let retired = &world.cloudflare.versions()[1];
        world.cloudflare.rollback(retired);
        world.tick_after(LEASE).await;
        assert!(world.check("a rollback").await.labelled, "a rollback is undone as ever");
    });
}

#[test]
fn a_value_that_somebody_put_there_is_no_key() {
    threads::alone(async {
        let world = world_with_a_past("hmac-sha256").await;
        let token = world.secrets.rotate().await.unwrap();
        world.secrets.put_pending(&token, "s3cr3t-c4n4ry");
        let outcome = world.step("createSecret", &token).await;
        assert_says(&outcome, &["createSecret", "secret_malformed", &token]);
        let said = world.said.borrow().join("\n");
        assert!(!said.contains("c4n4ry-") && !said.contains("s3cr3t"), "a value is quoted: {said}");
        world.check("a value that is no key").await;
    });
}

#[test]
fn an_emergency_ends_the_old_key_at_once() {
    threads::alone(async {
        let mut world = world_with_a_past("hmac-sha256").await;
        let lambda = Lambda::start("authorizer", &[("REQUIRE", "edge+caller")]).await;
        world.urls.lambda = lambda.url();
        // A rotation is under way, and the last one's overlap has not run: neither is waited for.
        let last = world.rotate().await;
        clock::advance(LIFETIMES.overlap);
        let given_up = up_to(&world, 3).await;
        let report = world.job("rotate-emergency").await.unwrap();
        let token = report["token"].as_str().unwrap().to_owned();
        assert_eq!(world.secrets.holder("AWSPENDING").await.as_ref(), Some(&token), "{report}");
        world.steps(&token).await;
        let labels = world.secrets.labels().await;
        assert_eq!(labels.into_keys().collect::<Vec<_>>(), [token.as_str()], "not {last}, not {given_up}");
        assert_eq!(world.active().as_ref(), Some(&token));
        assert_eq!(*lambda.updates().borrow(), 1, "the environments are replaced once");
        assert_eq!(lambda.variables()["REQUIRE"], "edge+caller", "variables are kept");
        assert_eq!(world.table.get("sync#emergency"), None);
    });
}

/// Secrets Manager would not start the rotation: that is said before anything is done for it.
#[test]
fn an_emergency_where_rotation_is_off_says_what_to_set_and_changes_nothing() {
    threads::alone(async {
        let mut world = world_with_a_past("hmac-sha256").await;
        let lambda = Lambda::start("authorizer", &[]).await;
        world.urls.lambda = lambda.url();
        world.rotate().await;
        world.secrets.disable_rotation();
        let before = (world.secrets.labels().await, world.cloudflare.versions(), world.table.get("sync#edge"));
        let outcome = world.job("rotate-emergency").await;
        assert_says(&outcome, &["not_configured", "rotate-emergency", "RotateEvery", "rate(30 days)", "rotate-secret"]);
        let after = (world.secrets.labels().await, world.cloudflare.versions(), world.table.get("sync#edge"));
        assert_eq!(after, before);
        assert_eq!((world.table.get("sync#emergency"), *lambda.updates().borrow()), (None, 0));
    });
}

/// The template's generated password cannot be a private key, and an authorizer of public keys may
/// not read it.
#[tokio::test]
async fn bootstrap_makes_the_first_key_where_the_generated_value_is_none() {
    for algorithm in ["ed25519", "ecdsa-p256-sha256"] {
        let table = Arc::new(Table::start("countersign-keys").await);
        let secret = Secret::start("countersign-signing").await;
        let generated = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ01";
        secret.put("9b7c0a52-4f1d-4c7e-8a3b-2f5e6d7c8b9a", &["AWSCURRENT"], Some(generated));
        secret.put_other(TOKEN_SECRET, "token");
        let cloudflare = Arc::new(key_sync::cloudflare("token").await);
        let edge = Edge::start(cloudflare.clone(), published_only(&table)).await;
        let aws = Aws { dynamodb: table.service.url(), secrets_manager: secret.service.url(), lambda: String::new() };
        let (cloudflare_url, edge_url) = (cloudflare.url(), edge.url());
        let variables = [
            ("SIGNING_SECRET", secret.arn()),
            ("SIGNING_ALGORITHM", algorithm),
            ("CLOUDFLARE_API", &cloudflare_url),
            ("EDGE_URL", &edge_url),
        ];
        let key_sync = aws.key_sync(&variables, lifetimes::scaled(), key_sync::now).await;
        let bootstrap = json!({ "job": "bootstrap" });
        let report = key_sync::invoke(&key_sync, &bootstrap).await.answer.unwrap_or_else(|error| panic!("{error}"));
        let current = secret.holder("AWSCURRENT").unwrap();
        assert_eq!(table.keys("edgekey#"), [format!("edgekey#{current}")], "{report}");
        assert_eq!(report["edge"]["active"], json!({ "keyid": current, "gateway_status": 204 }), "{report}");

        let versions = cloudflare.versions();
        let again = key_sync::invoke(&key_sync, &bootstrap).await.answer.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again["done"], json!([]), "a second one finds nothing to do");
        assert_eq!((cloudflare.versions(), secret.holder("AWSCURRENT")), (versions, Some(current)));
    }
}

/// A gateway that lets pass what is signed with a key whose public half is in the table.
fn published_only(table: &Arc<Table>) -> Gateway {
    let table = table.clone();
    let send = move |request: WireRequest| {
        let input = request.header("signature-input").unwrap_or_default();
        let keyid = input.split("keyid=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let status =
            if table.get(&format!("edgekey#{keyid}")).as_ref().is_some_and(Value::is_object) { 204_u16 } else { 500 };
        Box::pin(async move { status }) as std::pin::Pin<Box<dyn Future<Output = u16> + Send>>
    };
    Gateway { host: "api.example.com".to_owned(), prefix: "/prod".to_owned(), send: Arc::new(send) }
}
