//! What takes too long for every run: `make soak`.

use countersign_tests::cloudflare::Binding;
use countersign_tests::deployment::READER;
use countersign_tests::signer::EdgeKey;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::clients::Clients;
use super::series::Series;
use super::world::{Pace, World};

/// Every so many rotations somebody rolls the Worker back to where it signed with the last key.
const ROLLBACK: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes: make soak"]
async fn a_hundred_rotations_refuse_nobody_34_of_hmac_sha256() {
    rotations(34, EdgeKey::random("6d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a001")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes: make soak"]
async fn a_hundred_rotations_refuse_nobody_33_of_ed25519() {
    rotations(33, EdgeKey::ed25519("6d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a002", None)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "minutes: make soak"]
async fn a_hundred_rotations_refuse_nobody_33_of_ecdsa_p256_sha256() {
    rotations(33, EdgeKey::p256("6d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a003", None)).await;
}

async fn rotations(number: usize, first: EdgeKey) {
    let world = World::start(Pace::Scaled, first).await;
    let series = Series::with(&world, number, async |n| {
        if n % ROLLBACK == 0 {
            roll_back(&world).await;
        }
    });
    let series = series.await;
    println!("{series}; rolled back {} times", number / ROLLBACK);
    series.assert_harmless();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "eleven minutes: make soak"]
async fn a_rotation_at_real_lifetimes_refuses_nobody() {
    let world = World::start(Pace::Real, EdgeKey::random("6d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a004")).await;
    let series = Series::run(&world, 1).await;
    println!("real lifetimes: {series}");
    series.assert_harmless();
}

/// The old key is refused from then on, and until then so may be who was signed for with it; once the
/// environments are replaced, nobody is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "with the others: make soak"]
async fn an_emergency_rotation_ends_the_old_key_and_then_refuses_nobody() {
    let world = World::start(Pace::Scaled, EdgeKey::random("6d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a005")).await;
    let clients = Clients::start(&world.edges(), READER);
    let mut updates = world.lambda.updates();
    let replaced = async {
        updates.changed().await.expect("the fake is there");
        world.fleet.renew_all().await;
    };
    let rotated = async {
        let report = world.job(json!({ "job": "rotate-emergency" })).await;
        world.rotate_to(report["token"].as_str().expect("the report names the token")).await
    };
    tokio::join!(replaced, rotated);
    // What was signed with the old key has arrived by then.
    sleep(world.pace.lifetimes().edge_spread).await;
    let during = clients.counts();
    assert_eq!(world.lambda.variables().get("REQUIRE").map(String::as_str), Some("edge+caller"), "variables are kept");

    let leaked = world.deployment.signed("GET", "/items", READER);
    for _ in 0..world.fleet.size() {
        let status = world.fleet.answer(leaked.clone()).await;
        assert!(status == 401 || status == 403, "{status} for what the old key has signed");
    }
    sleep(world.pace.lifetimes().overlap).await;
    let all = clients.stop().await;
    let after = all.since(&during);
    println!("an emergency rotation: meanwhile {during}; afterwards {after}");
    assert_eq!((after.refused, after.faults), (0, 0), "{after}");
    assert!(after.allowed > 0 && during.faults == 0, "{during}; {after}");
}

/// The edge signs with the last key again, which still has its label, until the tick.
async fn roll_back(world: &World) {
    let holder = |label: &str| world.deployment.secret.holder(label);
    world.roll_back().await;
    assert_eq!(active(world), holder("AWSPREVIOUS"));
    sleep(world.pace.lifetimes().labels_hard).await;
    world.job(json!({ "job": "tick" })).await;
    assert_eq!(active(world), holder("AWSCURRENT"));
}

/// The key that the deployed Worker signs with.
fn active(world: &World) -> Option<String> {
    let deployed = world.cloudflare.deployed();
    let Some(Binding::Text(keys)) = deployed.get("EDGE_KEYS") else { return None };
    let keys: Value = serde_json::from_str(keys).ok()?;
    keys[keys["active"].as_str()?]["keyid"].as_str().map(str::to_owned)
}
