//! Whatever goes wrong in one run, a later one brings edge and table together and says what it did.

use std::time::Duration;

use countersign_tests::aws::Outage;
use countersign_tests::cloudflare::Fault;
use countersign_tests::gate::{Gate, When};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{TOKEN, World, key, name, pk, route, soon};
use countersign_key_sync::job::DryRun;
use countersign_key_sync::reconcile::{Options, reconcile};

/// A world with one difference of each class, and two routes to publish.
async fn in_disagreement() -> World {
    disagreeing(World::scaled().await).await
}

async fn disagreeing(world: World) -> World {
    (0..30).for_each(|n| world.put(&key(n)));
    world.reconcile().await;
    world.cloudflare.kv_remove(&name(0));
    world.change(&pk(1), &json!({ "status": "revoked" }));
    world.cloudflare.kv_put(&name(2), "{}", json!(null));
    world.remove(&pk(3));
    world.put(&route("a", 1));
    world.put(&route("b", 1));
    world.cloudflare.forget_calls();
    world
}

#[tokio::test]
async fn an_outage_of_cloudflare_is_an_error_and_the_next_run_repairs_the_rest() {
    let faults = [
        Fault::Status(500),
        Fault::Status(403),
        Fault::RetryAfter(300),
        Fault::Html,
        Fault::Garbage,
        Fault::SuccessFalse,
        Fault::Cut,
        Fault::Echo,
    ];
    let mut worlds = JoinSet::new();
    for fault in faults {
        for call in ["/bulk", "/bulk/delete", "/keys", "prefix=key"] {
            worlds.spawn(repair_after(call, fault.clone()));
        }
    }
    worlds.join_all().await;
}

async fn repair_after(call: &'static str, fault: Fault) {
    let world = disagreeing(World::new().await).await;
    world.cloudflare.fail(call, fault.clone(), None);
    let error = world.try_reconcile(false, DryRun::No).await.unwrap_err();
    assert!(error.code.name().starts_with("cloudflare_"), "{fault:?} of {call}: {error}");
    assert!(error.message.starts_with("reconcile"), "{error}");
    assert!(!error.message.contains(TOKEN), "{error}");
    world.cloudflare.recover();
    let report = world.reconcile().await;
    world.assert_agreement();
    assert_eq!(world.routes()["routes"].as_array().map(Vec::len), Some(2));
    let repaired = report["written"].as_u64().unwrap() + report["deleted"].as_u64().unwrap();
    assert!(repaired > 0, "{fault:?} of {call}: {report:#}");
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_found_to_be_done() {
    let world = in_disagreement().await;
    world.cloudflare.fail("/bulk", Fault::AppliedThenLost, None);
    for _ in 0..4 {
        let error = world.try_reconcile(false, DryRun::No).await;
        if error.is_ok() {
            break;
        }
    }
    world.assert_agreement();
    world.cloudflare.recover();
    let report = world.reconcile().await;
    assert_eq!((&report["written"], &report["deleted"]), (&json!(0), &json!(0)), "nothing was left: {report:#}");
}

#[tokio::test]
async fn a_partial_success_is_reported_and_made_whole() {
    let world = in_disagreement().await;
    world.cloudflare.fail("/bulk", Fault::PartialSuccess(vec![name(0), name(3)]), None);
    let report = world.reconcile().await;
    assert_eq!(
        (&report["written"], &report["deleted"], &report["failed"]),
        (&json!(3), &json!(0), &json!(2)),
        "{report:#}"
    );
    world.cloudflare.recover();
    let report = world.reconcile().await;
    assert_eq!(
        (&report["written"], &report["deleted"], &report["failed"]),
        (&json!(1), &json!(1), &json!(0)),
        "{report:#}"
    );
    world.assert_agreement();
}

#[tokio::test]
async fn an_outage_of_the_table_takes_nothing_away() {
    for operation in ["Scan", "GetItem", "BatchGetItem", "PutItem"] {
        for outage in [Outage::Throttle, Outage::ServerError, Outage::Garbage] {
            let world = in_disagreement().await;
            let extra = world.cloudflare.kv(&name(3));
            world.table.service.fail_operation(operation, outage);
            let error = world.try_reconcile(false, DryRun::No).await.unwrap_err();
            assert_eq!(error.code.name(), "table_unavailable", "{error}");
            assert_eq!(world.cloudflare.kv(&name(3)), extra);
            world.table.service.recover();
            world.reconcile().await;
            world.assert_agreement();
        }
    }
}

/// A scan that breaks off after some pages has not seen the whole table.
#[tokio::test]
async fn half_a_scan_is_no_scan() {
    let world = disagreeing(World::new().await).await;
    world.table.set_page_size(10);
    let gate = Gate::new();
    let door = world.table.service.with_gate(&gate).await;
    let own = world.through(door.url(), &world.cloudflare.url()).await;
    // The lease, the note, the lease again, the calls that are reserved, and a page come before.
    gate.arm(6, When::Before);
    let run = reconcile(&own, Options { allow_deletions: false, dry_run: DryRun::No }, soon());
    let broken = async {
        gate.reached().await;
        world.table.service.fail_operation("Scan", Outage::ServerError);
    };
    let (report, ()) = tokio::join!(run, broken);
    let error = report.unwrap_err();
    assert!(error.message.contains("Scan"), "{error}");
    assert_eq!(gate.log().iter().filter(|call| *call == "Scan").count(), 1 + 3, "{:?}", gate.log());
    assert_eq!((error.code.name(), world.writes()), ("table_unavailable", 0));
}

/// Every call of a repair, killed before and after it is performed.
#[tokio::test]
async fn a_run_that_dies_at_any_call_leaves_work_that_the_next_one_does() {
    for when in [When::Before, When::After] {
        let mut deaths = 0;
        loop {
            // A few at a time: most of each is waiting for the lease of the dead.
            let some: JoinSet<_> = (deaths + 1..=deaths + 6).map(|n| repair_until(n, when)).collect();
            deaths += 6;
            if some.join_all().await.contains(&Ended::ByItself) {
                break;
            }
        }
        assert!(deaths > 20, "{deaths} calls are no whole repair");
    }
}

#[derive(Debug, Eq, PartialEq)]
enum Ended {
    ByDeath,
    /// There were fewer calls.
    ByItself,
}

/// Kills a repair at its n-th call, and lets the next run do its work.
async fn repair_until(n: usize, when: When) -> Ended {
    let world = in_disagreement().await;
    let gate = Gate::new();
    let (table, edge) = (world.table.service.with_gate(&gate).await, world.cloudflare.with_gate(&gate).await);
    let own = world.through(table.url(), &edge.url()).await;
    gate.arm(n, when);
    let ended = tokio::select! {
        report = reconcile(&own, Options { allow_deletions: false, dry_run: DryRun::No }, soon()) => {
            report.unwrap();
            Ended::ByItself
        }
        () = gate.reached() => Ended::ByDeath,
    };
    world.reconcile().await;
    world.assert_agreement();
    let routes = world.routes()["routes"].as_array().map(Vec::len);
    assert_eq!(routes, Some(2), "{when:?} call {n} of {:?}", gate.log());
    ended
}

/// A write that Cloudflare does not answer ends before the lease does, and another run publishes something
/// newer. Where the first write lands after all, it harms the edge only, and the comparison repairs it.
#[tokio::test]
async fn a_write_ends_with_its_lease_and_one_that_lands_late_is_repaired() {
    let world = World::scaled().await;
    (0..3).for_each(|n| world.put(&key(n)));
    world.put(&route("main", 1));
    world.reconcile().await;
    world.table.forget_stream();
    let before = world.cloudflare.kv(&name(0)).unwrap();

    world.change(&pk(0), &json!({ "status": "suspended" }));
    world.change("route#main", &json!({ "priority": 3 }));
    let older = world.table.stream();
    let other = world.another().await;
    world.cloudflare.fail("/bulk", Fault::Slow(world.lifetimes.lease * 3), Some(1));
    let late = world.deliver(&older);
    let newer = async {
        sleep(Duration::from_millis(300)).await;
        let changed = world.change(&pk(0), &json!({ "status": "revoked" }));
        let batch = world.table.stream()[older.len()..].to_vec();
        let records: Vec<_> = serde_json::from_value(json!(batch)).unwrap();
        let published = countersign_key_sync::stream::publish_batch(&other, &records, soon()).await;
        assert!(published.error.is_none(), "{:?}", published.error);
        let shown = world.shown()[&name(0)].clone();
        assert_eq!((&shown["status"], &shown["version"]), (&json!("revoked"), &changed["version"]));
    };
    let (late, ()) = tokio::join!(late, newer);
    assert_eq!(late.error.unwrap().code.name(), "cloudflare_unavailable");
    assert_eq!(late.failed_from.as_deref(), older[0]["dynamodb"]["SequenceNumber"].as_str());
    assert_eq!(world.shown()[&name(0)]["status"], "revoked", "the run did not go on after its lease");
    world.cloudflare.kv_put(&name(0), &before.value, before.metadata);
    assert_eq!(world.shown()[&name(0)]["status"], "active");
    let report = world.reconcile().await;
    assert_eq!(report["stale"], json!(2), "the key, and the document that was not written: {report:#}");
    world.assert_agreement();
}
