//! The gate that crash tests stand on: what it stops, and what it leaves alone.

use std::future::Future;
use std::time::Duration;

use countersign_tests::aws::clients;
use countersign_tests::gate::{Gate, When};

use super::{NOW, secret, table};

const SPAN: Duration = Duration::from_secs(60);

/// Runs a job until it ends or the gate is reached; `true` if it crashed there.
async fn crashes<T>(gate: &Gate, job: impl Future<Output = T>) -> bool {
    tokio::select! { _ = job => false, () = gate.reached() => true }
}

#[tokio::test]
async fn a_call_is_stopped_before_or_after_its_effect() {
    let (fake, plain) = table().await;
    let gate = Gate::new();
    let door = fake.service.with_gate(&gate).await;
    let gated = clients::key_table(&fake, &door.url());

    gate.arm(1, When::Before);
    assert!(crashes(&gate, gated.take_lease("kv", "one", NOW, SPAN)).await);
    assert!(fake.get("sync#lease#kv").is_none(), "nothing was done");

    gate.arm(1, When::After);
    assert!(crashes(&gate, gated.take_lease("kv", "one", NOW, SPAN)).await);
    assert!(fake.get("sync#lease#kv").is_some(), "it was done, and nobody was told");

    assert!(!crashes(&gate, gated.renew_lease("kv", "one", NOW, SPAN)).await, "once reached, the gate is open");
    assert!(plain.renew_lease("kv", "one", NOW, SPAN).await.unwrap());
    assert_eq!(gate.log(), ["PutItem sync#lease#kv"; 3], "the plain port does not count");
}

#[tokio::test]
async fn calls_are_counted_over_all_services() {
    let ((fake_table, _), (fake_secret, _)) = (table().await, secret().await);
    let gate = Gate::new();
    let doors = (fake_table.service.with_gate(&gate).await, fake_secret.service.with_gate(&gate).await);
    let table = clients::key_table(&fake_table, &doors.0.url());
    let secret = clients::signing_secret(&fake_secret, &doors.1.url());
    let job = async || {
        table.take_lease("rotation", "one", NOW, SPAN).await.unwrap();
        secret.describe().await.unwrap();
        table.release_lease("rotation", "one").await.unwrap();
    };
    job().await;
    let whole = gate.log();
    assert_eq!(whole, ["PutItem sync#lease#rotation", "DescribeSecret", "DeleteItem sync#lease#rotation"]);
    for n in 1..=whole.len() {
        gate.forget_calls();
        gate.arm(n, When::Before);
        assert!(crashes(&gate, job()).await);
        assert_eq!(gate.log(), whole[..n]);
    }
    gate.arm(4, When::Before);
    assert!(!crashes(&gate, job()).await);
    assert!(gate.disarm(), "there is no fourth call");
}
