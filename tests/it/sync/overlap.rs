//! Comparisons that meet: one at a time, with one budget of Cloudflare's calls, whatever becomes of one.

use std::time::Duration;

use countersign_key_sync::job::DryRun;
use countersign_key_sync::publish::{CALLS_OF_A_BULK, Publisher};
use countersign_key_sync::reconcile::{Options, reconcile};
use countersign_tests::cloudflare::Fault;
use countersign_tests::gate::{Gate, When};
use countersign_tests::key_sync::{invoke, now};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{World, key, name, pk, soon};

const NOT_MEANT: Options = Options { allow_deletions: false, dry_run: DryRun::No };

/// As if another run had taken the lease just now.
fn hold(world: &World, lease: &str) {
    let until = now().as_millis() + 3_600_000;
    world.table.put(&json!({ "pk": format!("sync#lease#{lease}"), "owner": "another run", "until": until }));
}

/// An operator's comparison beside a tick's.
#[tokio::test]
async fn two_at_the_same_time_go_one_after_the_other_and_count_all_their_calls() {
    let world = World::standing(2_500).await;
    let before = world.spent();
    world.cloudflare.fail("prefix=key", Fault::Slow(Duration::from_millis(50)), None);
    let other = world.another().await;
    let dry = Options { allow_deletions: true, dry_run: DryRun::Yes };
    let (one, two) = tokio::join!(reconcile(&world.key_sync, NOT_MEANT, soon()), reconcile(&other, dry, soon()));
    let calls = [one, two].map(|report| report.unwrap().into_json()["calls"].as_u64().unwrap());
    assert_eq!(calls, [5, 5]);
    let paths: Vec<_> = world.cloudflare.calls().into_iter().map(|(_, path)| path).collect();
    assert!(paths[..5].iter().zip(&paths[5..]).all(|(one, two)| one == two), "not mixed: {paths:#?}");
    assert_eq!((world.cloudflare.calls().len(), world.spent() - before), (10, 10));
}

#[tokio::test]
async fn a_comparison_that_may_not_write_fails_and_says_what_differs() {
    let world = World::scaled().await;
    world.put(&key(0));
    world.reconcile().await;
    world.put(&key(1));
    hold(&world, "kv");
    let error = world.try_reconcile(false, DryRun::No).await.unwrap_err();
    assert_eq!((error.code.name(), &error.done.members()["missing"]), ("incomplete", &json!(1)), "{error}");
}

#[tokio::test]
async fn whoever_finds_another_comparison_leaves_it_alone() {
    let world = World::scaled().await;
    world.put(&key(0));
    world.reconcile().await;
    world.table.forget_stream();
    world.cloudflare.kv_remove(&name(0));
    world.put(&key(1));
    hold(&world, "reconcile");
    let note = world.note();

    let error = world.try_reconcile(false, DryRun::No).await.unwrap_err();
    assert_eq!(error.code.name(), "lease_held");
    assert!(error.message.starts_with("reconcile: another run") && error.message.contains("try again"), "{error}");
    assert_eq!(world.note(), note);

    assert!(world.deliver(&world.table.stream()).await.error.is_none(), "changes are published all the same");
    assert!(world.cloudflare.kv(&name(1)).is_some() && world.cloudflare.kv(&name(0)).is_none());

    let tick = invoke(&world.key_sync, &json!({ "job": "tick" })).await;
    let told: Value = serde_json::from_str(tick.lines.lines().next().unwrap()).unwrap();
    assert!(told["report"]["reconcile"].as_str().unwrap().starts_with("lease_held: "), "{told:#}");
    assert!(!told.to_string().contains("reconcile: lease_held"), "it is no part that failed: {told:#}");
    let status = invoke(&world.key_sync, &json!({ "job": "status" })).await.answer.unwrap();
    assert!(status["lease_reconcile"]["until"].is_number() && status["lease_kv"].is_null(), "{status:#}");
}

/// A run that writes holds the lease `kv` for a batch only; whoever compares does not wait for a stream.
#[tokio::test]
async fn a_comparison_that_finds_nothing_needs_no_right_to_write() {
    let world = World::scaled().await;
    world.put(&key(0));
    world.reconcile().await;
    hold(&world, "kv");
    assert_eq!(world.reconcile().await["written"], json!(0));
}

/// A run that takes longer than its lease keeps it, whatever it waits for.
#[tokio::test]
async fn a_long_run_keeps_its_lease() {
    let world = World::scaled().await;
    world.put(&key(0));
    world.reconcile().await;
    let span = world.lifetimes.lease;
    world.cloudflare.fail("prefix=key", Fault::Slow(span * 3), Some(1));
    let other = world.another().await;
    let began = Instant::now();
    let slow = reconcile(&world.key_sync, NOT_MEANT, soon());
    let late = async {
        sleep(span / 2).await;
        reconcile(&other, NOT_MEANT, Instant::now() + span * 2).await
    };
    let (slow, late) = tokio::join!(slow, late);
    assert!(began.elapsed() > span * 3, "{:?}", began.elapsed());
    slow.unwrap();
    assert_eq!(late.unwrap_err().code.name(), "lease_held");
}

/// Another run has taken the lease of one that was taken for dead, and is not: it stops, and what it would
/// have noted is not true any more.
#[tokio::test]
async fn a_run_that_was_overtaken_stops_and_notes_nothing() {
    let world = World::scaled().await;
    (0..3).for_each(|n| world.put(&key(n)));
    world.reconcile().await;
    world.cloudflare.kv_remove(&name(0));
    world.cloudflare.forget_calls();
    world.cloudflare.fail("prefix=key", Fault::Slow(world.lifetimes.lease * 2), None);
    let run = reconcile(&world.key_sync, NOT_MEANT, soon());
    let overtaken = async {
        while world.calls("prefix=key") == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        hold(&world, "reconcile");
        let budget = json!({ "at": now().as_millis(), "spent": 100, "reserved": 50 });
        world.table.put(&json!({ "pk": "sync#reconcile", "next": 777, "budget": budget }));
    };
    let (error, ()) = tokio::join!(run, overtaken);
    assert_eq!(error.unwrap_err().code.name(), "lease_lost");
    assert_eq!((world.note()["next"]["N"].as_str(), world.spent(), world.writes()), (Some("777"), 150, 0));
}

/// Calls are in the note before they are made, so that runs that die one after the other do not pass the
/// budget together.
#[tokio::test]
async fn a_run_that_is_killed_has_made_its_calls() {
    let world = World::scaled().await;
    (0..2_500).for_each(|n| world.put(&key(n)));
    world.reconcile().await;
    for n in [1, 3, 5] {
        let gate = Gate::new();
        let edge = world.cloudflare.with_gate(&gate).await;
        let own = world.through(world.table.service.url(), &edge.url()).await;
        gate.arm(n, When::After);
        tokio::select! {
            report = reconcile(&own, NOT_MEANT, soon()) => panic!("the run ended: {report:?}"),
            () = gate.reached() => {}
        }
        assert!(world.spent() >= 50, "what was reserved is noted");
    }
    let began = Instant::now();
    world.reconcile().await;
    let drained = usize::try_from(began.elapsed().as_secs() + 10).unwrap();
    assert!(world.spent() + drained > 3 * 50, "three have died: {}", world.note());
    world.assert_agreement();
}

/// Every call of every kind is spent from the same budget, and no more than there is.
#[tokio::test]
async fn a_repair_ends_with_the_budget_and_goes_on_with_the_next() {
    let world = World::standing(100).await;
    (0..100).for_each(|n| drop(world.change(&pk(n), &json!({ "status": "disabled" }))));
    world.leave_calls(49);
    world.cloudflare.fail("/bulk", Fault::PartialSuccess(vec![name(1)]), None);
    let first = world.reconcile().await;
    assert_eq!((&first["written"], &first["failed"], &first["calls"]), (&json!(99), &json!(1), &json!(6)), "{first:#}");
    world.cloudflare.recover();
    world.leave_calls(46);
    world.cloudflare.forget_calls();
    let second = world.reconcile().await;
    assert!(world.cloudflare.calls().len() <= 46 && second["compared_percent"] == json!(100), "{second:#}");
    world.assert_agreement();
}

/// Values so large that they take more than one bulk call: each of them is asked for.
#[tokio::test]
async fn a_publisher_leaves_what_its_calls_do_not_suffice_for() {
    const KEYS: usize = 1_300;
    let world = World::new().await;
    let grants: Vec<_> = (0..30).map(|n| format!("GET /{n}/{}", "a".repeat(240))).collect();
    (0..KEYS).for_each(|n| {
        let mut large = key(n);
        large["grants"] = json!(grants);
        world.put(&large);
    });
    let pks: Vec<_> = (0..KEYS).map(pk).collect();
    let publisher = Publisher::begin(&world.key_sync, soon()).await.unwrap().at_most(CALLS_OF_A_BULK);
    let outcome = publisher.publish(&pks).await.unwrap();
    publisher.end().await;
    assert_eq!((world.writes(), outcome.written + outcome.left.len(), outcome.failed.len()), (1, KEYS, 0));
    assert!(outcome.written > 1_000 && outcome.left.len() > 100, "{} were left", outcome.left.len());
    assert!(outcome.left.iter().all(|pk| world.cloudflare.kv(&pk.replacen('#', ":", 1)).is_none()));
    assert_eq!(world.reconcile().await["written"], json!(outcome.left.len() + 1), "and the routes");
    world.assert_agreement();
}
