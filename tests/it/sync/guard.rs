//! A table that was lost, emptied or mistaken does not empty the edge.

use countersign_key_sync::job::DryRun;
use countersign_tests::cloudflare::Fault;
use countersign_tests::key_sync::invoke;
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
    let second = world.reconcile().await;
    let deleted = [&first, &second].map(|report| report["deleted"].as_u64().unwrap());
    assert_eq!(deleted.iter().sum::<u64>(), 51_000, "what was allowed is done by the next run: {second:#}");
    assert_eq!((first["allow_deletions"].is_object(), second.get("allow_deletions")), (true, None), "{first:#}");
    world.assert_agreement();
}

/// An edge of four pages, of which the budget lets each run list one or two; most of its keys may go.
async fn in_parts() -> World {
    let world = World::standing(4_000).await;
    (0..3_000).for_each(|n| world.remove(&pk(n)));
    world.leave_calls(47);
    world
}

#[tokio::test]
async fn what_may_go_may_go_from_all_parts_of_the_edge_once() {
    let world = in_parts().await;
    let first = world.try_reconcile(true, DryRun::No).await.unwrap();
    let covered = first["compared_percent"].as_u64().unwrap();
    assert!((30..90).contains(&covered) && first["deleted"].as_u64() > Some(500), "{first:#}");
    let rest = &first["allow_deletions"];
    assert_eq!(rest["percent_left"], json!(100 - covered), "{first:#}");
    let status = invoke(&world.key_sync, &json!({ "job": "status" })).await.answer.unwrap();
    assert_eq!(&status["reconcile"]["last"]["allow_deletions"], rest, "{status:#}");

    world.leave_calls(super::BUDGET);
    let second = world.reconcile().await;
    let deleted = [&first, &second].map(|report| report["deleted"].as_u64().unwrap());
    assert_eq!((deleted[0] + deleted[1], second.get("allow_deletions")), (3_000, None), "{second:#}");
    world.assert_agreement();

    (3_000..3_500).for_each(|n| world.remove(&pk(n)));
    let third = world.reconcile().await;
    assert_eq!((&third["deleted"], third["guard"].is_array()), (&json!(0), true), "once around: {third:#}");
}

/// It was said of the table as it was then.
#[tokio::test]
async fn what_may_go_does_not_grow() {
    let world = in_parts().await;
    let first = world.try_reconcile(true, DryRun::No).await.unwrap();
    (3_000..3_990).for_each(|n| world.remove(&pk(n)));
    let shown = world.shown();
    for _ in 0..3 {
        world.leave_calls(super::BUDGET);
        let report = world.reconcile().await;
        assert_eq!((&report["deleted"], report["guard"].is_array()), (&json!(0), true), "{report:#}");
    }
    assert_eq!(world.shown(), shown, "after {first:#}");
}

#[tokio::test]
async fn a_dry_run_gives_no_word_and_a_run_that_fails_neither() {
    let world = in_parts().await;
    world.try_reconcile(true, DryRun::Yes).await.unwrap();
    assert_eq!(world.note().get("allowance"), None);
    world.leave_calls(47);
    world.cloudflare.fail("/bulk", Fault::Status(400), None);
    world.try_reconcile(true, DryRun::No).await.unwrap_err();
    assert_eq!(world.note().get("allowance"), None);
    world.cloudflare.recover();
    world.leave_calls(super::BUDGET);
    let report = world.reconcile().await;
    assert_eq!((&report["deleted"], report["guard"].is_array()), (&json!(0), true), "{report:#}");
}

/// Two sides on which nothing is left agree with each other, and not with what was there.
#[tokio::test]
async fn an_empty_table_and_an_empty_edge_are_no_agreement() {
    let world = World::of(30).await;
    world.reconcile().await;
    (0..30).for_each(|n| world.remove(&pk(n)));
    (0..30).for_each(|n| world.cloudflare.kv_remove(&name(n)));
    for _ in 0..2 {
        let done = invoke(&world.key_sync, &json!({ "job": "reconcile" })).await;
        let error = done.answer.unwrap_err();
        assert_eq!(error.code.name(), "guard", "{error}");
        assert!(error.message.contains("no key") && error.message.contains("allow_deletions"), "{error}");
        assert!(!done.lines.contains("Drift"), "{}", done.lines);
    }
    let meant = world.try_reconcile(true, DryRun::No).await.unwrap();
    assert_eq!(meant["scanned"], json!(0));
    assert_eq!(world.reconcile().await["missing"], json!(0), "an operator has said so");
}

/// A listing that shows nothing does not agree with a table of which nothing can be published.
#[tokio::test]
async fn a_listing_of_nothing_is_no_agreement() {
    let world = World::in_agreement(3).await;
    world.reconcile().await;
    world.cloudflare.kv_names().iter().for_each(|name| world.cloudflare.kv_remove(name));
    for pk in world.table.keys("").iter().filter(|pk| !pk.starts_with("sync#")) {
        world.table.put(&json!({ "pk": pk, "version": 1, "status": "?" }));
    }
    let error = world.try_reconcile(false, DryRun::No).await.unwrap_err();
    assert!(error.code.name() == "guard" && error.message.contains("lists no name"), "{error}");
}
