//! Rotations while clients send without pause: nobody is refused, and nothing fails.
//!
//! Clients talk to the edge, which signs with what was pushed to it and asks several authorizers, real
//! processes of different age. key-sync rotates between the same fakes. All waits of the system's own,
//! but for the Worker's, are a hundred times as short, except for one rotation in `make soak`.

use countersign_tests::deployment::READER;
use countersign_tests::signer::EdgeKey;
use tokio::time::sleep;

use clients::Clients;
use series::Series;
use world::{Pace, World};

mod clients;
mod counts;
mod fleet;
mod keys;
mod series;
mod soak;
mod world;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_rotations_refuse_nobody() {
    let world = World::start(Pace::Scaled, EdgeKey::random("4d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a000")).await;
    let series = Series::run(&world, 10).await;
    println!("{series}");
    series.assert_harmless();
}

/// The traffic would tell: here the edge goes on signing with a key whose label has gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_label_that_goes_too_early_is_noticed() {
    let world = World::start(Pace::Scaled, EdgeKey::random("4d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a001")).await;
    let clients = Clients::start(&world.edges(), READER);
    world.rotate().await;
    world.roll_back().await;
    world.deployment.secret.unlabel(world.deployment.edge.keyid());
    sleep(2 * world.pace.lifetimes().labels_hard).await;
    let counts = clients.stop().await;
    let why = world.fleet.counts().why;
    assert!(counts.refused > 0 && counts.faults == 0, "{counts}");
    assert!(why.keys().any(|why| why.contains("signature_key_unknown")), "{counts} {why:?}");
}
