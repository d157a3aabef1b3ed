//! A table that was lost, emptied or mistaken does not empty the edge.

use countersign_key_sync::job::DryRun;
use serde_json::json;

use super::{World, hash, name, pk};

#[tokio::test]
async fn an_empty_table_takes_nothing_away() {
    for keys in [1, 5, 200] {
        let world = World::in_agreement(keys).await;
        let before = world.shown();
        (0..keys).for_each(|n| world.remove(&pk(n)));
        world.remove("issuer#https://id.example");
        world.remove("route#main");
        let report = world.reconcile().await;
        assert_eq!((world.shown(), world.writes()), (before, 0));
        assert_eq!((&report["extra"], &report["deleted"]), (&json!(keys + 1), &json!(0)), "{report:#}");
        let guards = report["guard"].as_array().unwrap();
        assert_eq!(guards.len(), 3, "keys, issuers, routes: {report:#}");
        assert!(guards.iter().all(|guard| guard.as_str().unwrap().contains("allow_deletions")), "{report:#}");

        let dry = world.try_reconcile(true, DryRun::Yes).await.unwrap();
        assert_eq!((&dry["extra"], world.writes()), (&json!(keys + 1), 0));
        let meant = world.try_reconcile(true, DryRun::No).await.unwrap();
        assert_eq!(meant["deleted"], json!(keys + 1), "{meant:#}");
        world.assert_agreement();
        assert_eq!(world.routes()["routes"], json!([]));
    }
}

#[tokio::test]
async fn a_fifth_may_go_and_one_more_may_not() {
    let world = World::in_agreement(200).await;
    (0..40).for_each(|n| world.remove(&pk(n)));
    assert_eq!(world.reconcile().await["deleted"], json!(40));
    world.assert_agreement();
    (40..73).for_each(|n| world.remove(&pk(n)));
    let report = world.reconcile().await;
    assert_eq!((&report["deleted"], &report["extra"]), (&json!(0), &json!(33)), "33 of 160: {report:#}");
    assert!(world.cloudflare.kv(&name(50)).is_some());
}

#[tokio::test]
async fn ten_may_go_where_they_are_no_more_than_half() {
    let world = World::in_agreement(20).await;
    (0..10).for_each(|n| world.remove(&pk(n)));
    assert_eq!(world.reconcile().await["deleted"], json!(10));
    world.assert_agreement();
    (10..16).for_each(|n| world.remove(&pk(n)));
    let report = world.reconcile().await;
    assert_eq!((&report["deleted"], &report["extra"]), (&json!(0), &json!(6)), "6 of 10: {report:#}");
}

/// What the guard holds back, it holds back for ever: repeated runs do not nibble the edge away.
#[tokio::test]
async fn the_guard_does_not_tire() {
    let world = World::in_agreement(100).await;
    (0..60).for_each(|n| world.remove(&pk(n)));
    for _ in 0..3 {
        let report = world.reconcile().await;
        assert_eq!((&report["deleted"], &report["extra"]), (&json!(0), &json!(60)), "{report:#}");
    }
    assert_eq!(world.writes(), 0);
}

/// More differs than a run keeps in mind: no entry is taken for extra that was not seen to be, and the
/// guard counts those that were not.
#[tokio::test]
async fn an_edge_full_of_strangers_is_cleared_only_when_that_is_meant() {
    const STRANGERS: usize = 51_000;
    let world = World::in_agreement(100).await;
    (1_000..1_000 + STRANGERS).for_each(|n| world.cloudflare.kv_put(&format!("key:{}", hash(n)), "{}", json!(null)));
    let report = world.reconcile().await;
    assert_eq!(report["deleted"], json!(0), "{report:#}");
    let guard = report["guard"][0].as_str().unwrap();
    assert!(guard.contains("51100 keys, the table 100: 51000 would go"), "{guard}");
    let unchecked = report["unchecked"].as_u64().unwrap();
    assert!((1..20).contains(&unchecked), "keys beside the strangers that were not kept: {report:#}");
    assert_eq!(report["written"], json!(unchecked));

    let first = world.try_reconcile(true, DryRun::No).await.unwrap();
    assert!(first["deleted"].as_u64().unwrap() > 45_000, "{first:#}");
    world.try_reconcile(true, DryRun::No).await.unwrap();
    world.assert_agreement();
}
