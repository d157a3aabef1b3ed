//! Every way in which the edge can depart from the table is found, named and repaired.

use countersign_key_sync::job::DryRun;
use countersign_tests::key_sync::{invoke, now};
use serde_json::{Value, json};

use super::{BUDGET, World, hash, issuer, key, name, pk, route};

#[tokio::test]
async fn ten_thousand_keys_are_published_and_then_cost_no_write() {
    let world = World::of(10_000).await;
    let first = world.reconcile().await;
    world.assert_agreement();
    assert_eq!(
        (&first["missing"], &first["written"], &first["scanned"]),
        (&json!(10_001), &json!(10_001), &json!(10_000))
    );
    assert_eq!(first["calls"], json!(3 + 2), "three listings of nothing, the routes, and one batch: {first}");

    world.cloudflare.forget_calls();
    world.table.service.forget_calls();
    let second = world.reconcile().await;
    assert_eq!(world.writes(), 0);
    assert_eq!((&second["written"], &second["deleted"], &second["missing"]), (&json!(0), &json!(0), &json!(0)));
    assert_eq!(second["calls"], json!(10 + 2), "ten pages of keys, and what is few: {second}");
    let calls = world.table.service.calls();
    let scans = calls.iter().filter(|call| call.operation == "Scan").count();
    assert_eq!(scans, 21, "one scan of twenty pages and a rest");
    let others: Vec<_> = calls.iter().map(|call| call.operation.as_str()).filter(|name| *name != "Scan").collect();
    let lease_and_notes = ["PutItem", "GetItem", "PutItem", "PutItem", "GetItem", "PutItem", "PutItem", "DeleteItem"];
    assert_eq!(others, lease_and_notes, "its lease, its note before and after, the note of the routes; no lease `kv`");
}

#[tokio::test]
async fn each_class_of_drift_is_named_and_repaired() {
    let world = World::in_agreement(50).await;
    let older = world.cloudflare.kv(&name(1)).unwrap();
    world.cloudflare.kv_remove(&name(0));
    world.change(&pk(1), &json!({ "status": "suspended", "reason": "a bill", "until": 1_900_000_000u64 }));
    world.cloudflare.kv_put(&name(2), r#"{"edited":"by hand"}"#, json!(null));
    let ahead = json!({ "v": 1_999_999_999_999u64, "d": "0000000000000000" });
    world.cloudflare.kv_put(&name(3), &older.value, ahead);
    world.cloudflare.kv_put(&name(9_999), &older.value, older.metadata.clone());
    world.cloudflare.kv_put("key:nobody", "{}", json!(null));
    world.put(&issuer("https://new.example", 1));
    world.cloudflare.kv_put("issuer:https://gone.example", "{}", json!(null));
    world.cloudflare.kv_put("someone-else's", "1", json!(null));

    let dry = world.try_reconcile(false, DryRun::Yes).await.unwrap();
    assert_eq!(world.writes(), 0, "a dry run writes nothing");
    let report = world.reconcile().await;
    for report in [&dry, &report] {
        for (class, count) in [("missing", 2), ("stale", 1), ("different", 2), ("extra", 3), ("invalid", 0)] {
            assert_eq!(report[class], json!(count), "{class}: {report:#}");
        }
    }
    assert_eq!((&report["written"], &report["deleted"], &report["failed"]), (&json!(5), &json!(3), &json!(0)));
    let examples = report["examples"].as_array().unwrap();
    assert!(examples.contains(&json!({ "name": format!("key:{}", &hash(1)[..12]), "class": "stale" })), "{report:#}");
    assert!(!report.to_string().contains(&hash(1)), "a report shows twelve digits of a hash");

    assert!(world.cloudflare.kv("someone-else's").is_some(), "names that are not ours stay");
    world.cloudflare.kv_remove("someone-else's");
    world.assert_agreement();
    assert_eq!(world.reconcile().await["written"], json!(0));
}

#[tokio::test]
async fn revoked_and_disabled_keys_are_shown_as_such() {
    let world = World::in_agreement(3).await;
    world.change(&pk(0), &json!({ "status": "revoked" }));
    world.change(&pk(1), &json!({ "status": "disabled" }));
    world.reconcile().await;
    world.assert_agreement();
    assert_eq!(world.shown()[&name(0)].as_object().unwrap().len(), 3, "a tombstone");
    assert!(!format!("{:?}", world.shown()).contains("not public"));
}

#[tokio::test]
async fn an_invalid_record_is_reported_and_what_the_edge_has_of_it_stays() {
    let world = World::in_agreement(20).await;
    let before = world.shown();
    let mut broken = key(0);
    broken["status"] = json!("paused");
    world.table.put(&broken);
    let mut unversioned = key(1);
    unversioned.as_object_mut().unwrap().remove("version");
    world.table.put(&unversioned);
    let mut new = key(77);
    new["grants"] = json!(["nonsense"]);
    world.table.put(&new);
    let mut issuer = issuer("https://id.example", 2);
    issuer["audiences"] = json!([]);
    world.table.put(&issuer);
    world.table.put(&json!({ "pk": "key#NOT-A-HASH", "version": 1 }));

    let report = world.reconcile().await;
    assert_eq!(world.shown(), before);
    assert_eq!(
        (&report["invalid"], &report["written"], &report["deleted"]),
        (&json!(5), &json!(0), &json!(0)),
        "{report:#}"
    );
    let said: Vec<_> = report["invalid_examples"].as_array().unwrap().iter().map(Value::to_string).collect();
    let expected =
        [&hash(0)[..12], "status must be", &hash(1)[..12], "version: is missing", "audiences", "64 lower-case"];
    for text in expected {
        assert!(said.iter().any(|said| said.contains(text)), "{text} in {said:#?}");
    }
}

/// Cloudflare's calls are limited, so that a large edge is compared in parts; here the parts are small
/// because other runs have used most of what five minutes allow.
#[tokio::test]
async fn a_run_goes_on_where_the_last_one_ended() {
    let world = World::standing(5_000).await;
    let changed: Vec<_> = (0..250).map(|n| n * 20).collect();
    for n in &changed {
        world.change(&pk(*n), &json!({ "status": "revoked" }));
    }
    world.leave_calls(47);
    let first = world.reconcile().await;
    assert!(
        first["waits"].as_str().unwrap().contains("goes on") && first["calls"].as_u64().unwrap() <= 47,
        "{first:#}"
    );
    let covered = first["compared_percent"].as_u64().unwrap();
    assert!((50..80).contains(&covered), "three of five pages: {covered}");
    world.leave_calls(BUDGET);
    let second = world.reconcile().await;
    assert!(second.get("waits").is_none(), "{second:#}");
    world.assert_agreement();
    let stale = [&first, &second].map(|report| report["stale"].as_u64().unwrap());
    assert_eq!((stale[0] + stale[1], stale[0] > 100 && stale[1] > 50), (250, true), "{stale:?}");
    assert_eq!(world.reconcile().await["compared_percent"], json!(100), "and from the beginning again");
}

#[tokio::test]
async fn no_calls_left_is_no_failure_and_no_agreement() {
    let world = World::standing(10).await;
    let last = world.note()["last"].clone();
    world.cloudflare.kv_remove(&name(1));
    world.leave_calls(40);
    let report = world.try_reconcile(false, DryRun::No).await.unwrap();
    assert!(report["waits"].as_str().unwrap().contains("nothing was compared"), "{report}");
    assert_eq!((world.cloudflare.calls().len(), report.get("missing"), report.get("scanned")), (0, None, None));
    assert_ne!(last, json!(null));
    let done = invoke(&world.key_sync, &json!({ "job": "reconcile" })).await;
    assert!(!done.lines.contains("Drift") && !done.lines.contains("Late"), "no drift was measured: {}", done.lines);
    let error = world.try_reconcile(true, DryRun::No).await.unwrap_err();
    assert!(error.code.name() == "incomplete" && error.message.contains("ask for it again"), "{error}");

    world.leave_calls(BUDGET);
    assert_eq!(world.reconcile().await["written"], json!(1));
    world.assert_agreement();
}

/// What was changed just now is on its way; the stream brings it. What has been missing for longer is
/// drift, and so is what the edge has of its own.
#[tokio::test]
async fn a_change_that_is_on_its_way_is_late_and_no_drift() {
    let world = World::in_agreement(10).await;
    let ago = |seconds: u64| now().as_millis() - seconds * 1000;
    let at = |mut record: Value, version: u64| {
        record["version"] = json!(version);
        world.put(&record);
    };
    at(key(20), ago(1));
    at(key(1), ago(100));
    at(issuer("https://new.example", 1), ago(1));
    at(route("new", 1), ago(1));
    let report = world.try_reconcile(false, DryRun::Yes).await.unwrap();
    let drift =
        |report: &Value| ["missing", "stale", "different", "extra"].map(|class| report[class].as_u64().unwrap());
    assert_eq!((drift(&report), &report["late"]), ([0; 4], &json!(4)), "{report:#}");

    at(key(21), ago(200));
    at(key(2), ago(200));
    at(key(22), now().as_millis() + 3_600_000);
    let edited = json!({ "v": ago(1), "d": "0000000000000000" });
    world.cloudflare.kv_put(&name(3), "{}", edited.clone());
    world.cloudflare.kv_put(&name(77), "{}", edited);
    let done = invoke(&world.key_sync, &json!({ "job": "reconcile" })).await;
    let report = done.answer.unwrap();
    assert_eq!((drift(&report), &report["late"]), ([2, 1, 1, 1], &json!(4)), "{report:#}");
    assert!(done.lines.contains(r#""Late":4.0"#), "a metric of its own: {}", done.lines);
    assert_eq!((&report["written"], &report["deleted"]), (&json!(8), &json!(1)), "late or not, it is written");
    world.assert_agreement();
}

/// What the edge has of a record that became invalid stays, and is no difference: it does not cost a
/// second scan at every run.
#[tokio::test]
async fn an_invalid_record_at_the_edge_costs_no_second_scan() {
    let world = World::in_agreement(20).await;
    let mut broken = key(0);
    broken["status"] = json!("paused");
    world.table.put(&broken);
    world.table.put(&json!({ "pk": "key#NOT-A-HASH", "version": 1 }));
    world.cloudflare.kv_put("key:NOT-A-HASH", "{}", json!(null));
    let before = world.shown();
    for _ in 0..2 {
        world.table.service.forget_calls();
        let report = world.reconcile().await;
        assert_eq!((&report["invalid"], &report["listed"], &report["written"]), (&json!(2), &json!(23), &json!(0)));
        let calls = world.table.service.calls();
        let scans = calls.iter().filter(|call| call.operation == "Scan").count();
        assert_eq!((scans, world.shown()), (1, before.clone()), "{report:#}");
    }
    world.cloudflare.kv_remove("key:NOT-A-HASH");
    world.table.remove("key#NOT-A-HASH");
    world.put(&key(0));
    assert_eq!(world.reconcile().await["written"], json!(0), "valid again, and never changed");
    world.assert_agreement();
}
