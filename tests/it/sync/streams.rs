//! Changes reach the edge as they come, whatever order, number and delay they come in.

use countersign_key_sync::job::DryRun;
use countersign_key_sync::publish::sync;
use countersign_tests::cloudflare::Fault;
use serde_json::json;

use super::{World, hash, issuer, key, name, pk, route, soon};

#[tokio::test]
async fn a_change_is_at_the_edge_when_its_batch_is_answered() {
    let world = World::in_agreement(5).await;
    world.put(&key(10));
    world.change(&pk(1), &json!({ "status": "suspended" }));
    world.change(&pk(2), &json!({ "status": "revoked" }));
    world.put(&issuer("https://two.example", 1));
    let published = world.deliver(&world.table.stream()).await;
    world.assert_agreement();
    assert_eq!((published.failed_from, published.error.map(|error| error.to_string())), (None, None));
    let report = published.report.into_json();
    assert_eq!((&report["changes"], &report["written"], &report["failed"]), (&json!(4), &json!(4), &json!(0)));
    assert_eq!(world.writes(), 1, "one batch is one call");
    assert!(report["latency_ms"].as_u64().is_some_and(|millis| millis < 60_000), "{report}");
    assert!(world.table.get("sync#latency").is_some(), "and status can say so");
}

#[tokio::test]
async fn an_old_batch_publishes_what_is_true_now() {
    let world = World::in_agreement(2).await;
    world.change(&pk(0), &json!({ "status": "suspended" }));
    let old = world.table.stream();
    world.change(&pk(0), &json!({ "status": "revoked" }));
    let new = world.table.stream()[old.len()..].to_vec();
    for batch in [&new, &old, &old, &new] {
        assert!(world.deliver(batch).await.error.is_none());
        world.assert_agreement();
    }
}

#[tokio::test]
async fn a_deletion_is_left_to_the_comparison() {
    let world = World::in_agreement(20).await;
    world.remove(&pk(0));
    let published = world.deliver(&world.table.stream()).await;
    assert_eq!(published.failed_from, None);
    assert!(world.cloudflare.kv(&name(0)).is_some());
    let absent = &published.report.members()["absent"];
    assert_eq!(absent, &json!([format!("key#{}", &hash(0)[..12])]));
    assert_eq!(world.reconcile().await["deleted"], json!(1));
    world.assert_agreement();
}

#[tokio::test]
async fn the_bookkeeping_of_others_is_not_published() {
    let world = World::in_agreement(1).await;
    for pk in ["nonce#k#n", "jwks#https://id.example", "edgekey#v", "sync#edge", "keyring#x"] {
        world.table.put(&json!({ "pk": pk, "version": 1 }));
    }
    world.table.service.forget_calls();
    let published = world.deliver(&world.table.stream()).await;
    assert_eq!((published.failed_from, world.cloudflare.calls().len()), (None, 0));
    assert_eq!(world.table.service.calls().len(), 0, "not even a lease");
}

#[tokio::test]
async fn the_stream_is_read_again_from_the_first_change_that_failed() {
    let world = World::in_agreement(0).await;
    (0..6).for_each(|n| world.put(&key(n)));
    let changes = world.table.stream();
    let number = |at: usize| changes[at]["dynamodb"]["SequenceNumber"].as_str().map(str::to_owned);
    world.cloudflare.fail("/bulk", Fault::PartialSuccess(vec![name(4), name(2)]), Some(3));
    let published = world.deliver(&changes).await;
    assert_eq!((published.failed_from, published.report.members()["written"].clone()), (number(2), json!(4)));
    assert_eq!(published.error.unwrap().code.name(), "incomplete");

    world.cloudflare.fail("/bulk", Fault::Status(500), None);
    let published = world.deliver(&changes[2..]).await;
    assert_eq!((published.failed_from, published.error.unwrap().code.name()), (number(2), "cloudflare_unavailable"));
    world.cloudflare.recover();
    assert!(world.deliver(&changes[2..]).await.error.is_none());
    world.assert_agreement();
}

#[tokio::test]
async fn an_invalid_record_does_not_hold_up_the_others() {
    let world = World::in_agreement(0).await;
    let mut broken = key(0);
    broken["grants"] = json!(["?"]);
    world.table.put(&broken);
    world.put(&key(1));
    let published = world.deliver(&world.table.stream()).await;
    assert_eq!(
        (published.failed_from.clone(), published.error.is_none()),
        (None, true),
        "trying again changes nothing"
    );
    assert!(published.report.members()["invalid"][0]["why"].as_str().unwrap().contains("grant"));
    world.assert_agreement();
}

#[tokio::test]
async fn records_can_be_published_by_name() {
    let world = World::in_agreement(3).await;
    world.cloudflare.kv_remove(&name(0));
    world.change(&pk(1), &json!({ "status": "revoked" }));
    world.put(&route("b", 1));
    let names = [pk(0), pk(1), pk(77), "route#b".to_owned()];
    let dry = sync(&world.key_sync, &names, soon(), DryRun::Yes).await.unwrap().into_json();
    assert_eq!((dry["would_write"].as_array().map(Vec::len), world.writes()), (Some(2), 0), "{dry:#}");
    let report = sync(&world.key_sync, &names, soon(), DryRun::No).await.unwrap().into_json();
    assert_eq!((&report["written"], report["absent"].as_array().map(Vec::len)), (&json!(3), Some(1)), "{report:#}");
    world.assert_agreement();
    for name in ["sync#edge", "nonce#a#b", "key", &name(0)] {
        let error = sync(&world.key_sync, &[name.to_owned()], soon(), DryRun::No).await.unwrap_err();
        assert_eq!(error.code.name(), "bad_input", "{name}");
    }
    world.cloudflare.kv_remove(&name(2));
    let all = sync(&world.key_sync, &[], soon(), DryRun::No).await.unwrap().into_json();
    assert_eq!((&all["missing"], &all["written"]), (&json!(1), &json!(1)));
}
