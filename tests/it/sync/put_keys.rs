//! Records from a team's own key system: each line is judged on its own, and no key itself gets in.

use countersign_decision::lifetimes::Lifetimes;
use countersign_key_sync::job::DryRun;
use countersign_key_sync::put_keys::put_keys;
use countersign_tests::aws::Outage;
use countersign_tests::key_sync::{invoke, now};
use serde_json::{Value, json};

use super::{World, hash, soon};

async fn world() -> World {
    World::with(Lifetimes::DEFAULT, now, &[("PUT_KEYS", "on")]).await
}

fn line(n: usize) -> Value {
    json!({ "hash": hash(n), "key_id": format!("kid_{n}"), "principal": "acme", "status": "active", "grants": ["GET /items"] })
}

fn with(n: usize, changes: &Value) -> Value {
    let mut line = line(n);
    line.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    line
}

async fn put(world: &World, lines: &[Value]) -> Value {
    put_keys(&world.key_sync, lines, soon(), DryRun::No).await.unwrap().into_json()
}

fn outcomes(report: &Value) -> Vec<&str> {
    report["lines"].as_array().unwrap().iter().map(|line| line["outcome"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn lines_are_created_updated_left_and_reach_the_edge() {
    let world = world().await;
    let report = put(&world, &[line(0), line(1)]).await;
    assert_eq!(outcomes(&report), ["created", "created"]);
    assert_eq!((&report["created"], &report["lines"][1]["hash"]), (&json!(2), &json!(hash(1)[..12])));
    let created = world.table.get(&super::pk(0)).unwrap();
    let report = put(&world, &[line(0), with(1, &json!({ "status": "revoked" }))]).await;
    assert_eq!(outcomes(&report), ["unchanged", "updated"]);
    assert_eq!(world.table.get(&super::pk(0)).unwrap(), created);
    let revoked = world.table.get(&super::pk(1)).unwrap();
    let number = |record: &Value, name: &str| record[name]["N"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(number(&revoked, "version") > number(&created, "version"));
    assert!(number(&revoked, "created_at") > 1_700_000_000 && number(&revoked, "updated_at") > 1_700_000_000);

    assert!(world.deliver(&world.table.stream()).await.error.is_none());
    assert_eq!(world.shown()[&super::name(1)]["status"], "revoked");
    assert_eq!(world.shown()[&super::name(0)]["principal"], "acme");
}

#[tokio::test]
async fn what_a_line_cannot_say_is_kept() {
    let world = world().await;
    let mut stored = super::key(0);
    stored["note"] = json!("an operator's own");
    stored["version"] = json!(9_999_999_999_999u64);
    world.table.put(&stored);
    assert_eq!(outcomes(&put(&world, &[line(0)]).await), ["updated"]);
    let now = world.table.get(&super::pk(0)).unwrap();
    assert_eq!((&now["note"]["S"], &now["created_at"]["N"]), (&json!("an operator's own"), &json!("1763800000")));
    assert_eq!((&now["version"]["N"], now.get("cidrs")), (&json!("10000000000000"), None), "higher than any before");
}

#[tokio::test]
async fn each_bad_line_is_refused_by_itself() {
    let world = world().await;
    let long: Vec<_> = (0..60).map(|n| format!("* /{n}/{}", "a".repeat(200))).collect();
    let bad = [
        (json!("text"), "object"),
        (json!({ "key_id": "k" }), "hash"),
        (with(1, &json!({ "hash": hash(1).to_uppercase() })), "hash"),
        (with(1, &json!({ "status": "paused" })), "status"),
        (with(1, &json!({ "grants": ["nonsense"] })), "METHOD /path"),
        (with(1, &json!({ "grants": long })), "7500"),
        (with(1, &json!({ "cidrs": ["10.0.0.0/99"] })), "cidrs"),
        (with(1, &json!({ "context": { "principal": "root" } })), "reserved"),
        (with(1, &json!({ "version": 5 })), "none of hash"),
        (with(1, &json!({ "ttl": 5 })), "none of hash"),
        (with(1, &json!({ "until": null })), "until"),
        (with(1, &json!({ "reason": "x".repeat(300) })), "reason"),
        (line(0), "twice"),
    ];
    let lines: Vec<_> =
        [line(0)].into_iter().chain(bad.iter().map(|(line, _)| line.clone())).chain([line(2)]).collect();
    let report = put(&world, &lines).await;
    let said = report["lines"].as_array().unwrap();
    for ((line, why), said) in bad.iter().zip(&said[1..]) {
        assert_eq!(
            (&said["outcome"], said["why"].as_str().unwrap().contains(why)),
            (&json!("refused"), true),
            "{line}: {said}"
        );
    }
    assert_eq!((&report["created"], &report["refused"]), (&json!(2), &json!(bad.len())));
    assert_eq!(world.table.keys("key#").len(), 2);
}

#[tokio::test]
async fn a_key_itself_is_refused_and_never_repeated() {
    let world = world().await;
    let (imported, ours) = ("canary raw key of any form", "csk_3mVq0Xn1sT7bYd9GhJ2kLp2sHGAz");
    let of = |raw: &str| countersign_tests::deployment::key_hash(raw);
    let lines = [
        with(0, &json!({ "key": "canary-in-a-member" })),
        with(0, &json!({ "raw": "canary-in-a-member" })),
        with(0, &json!({ "hash": of(imported), "principal": imported })),
        with(0, &json!({ "hash": of(imported), "context": { imported: "1" } })),
        with(0, &json!({ "hash": of(imported), "expires_at": imported })),
        with(0, &json!({ "name": format!("the key is {ours}!") })),
        with(0, &json!({ "cidrs": [ours] })),
        with(0, &json!({ "hash": ours })),
        json!({ ours: 1 }),
    ];
    let report = put(&world, &lines).await;
    assert_eq!(report["refused"], json!(lines.len()), "{report:#}");
    let said = report.to_string();
    assert!(!said.contains("canary") && !said.contains("csk_"), "{said}");
    assert_eq!(world.table.keys("key#").len(), 0);
}

#[tokio::test]
async fn a_revoked_key_stays_revoked() {
    let world = world().await;
    put(&world, &[with(0, &json!({ "status": "revoked" }))]).await;
    let report = put(&world, &[line(0)]).await;
    assert!(report["lines"][0]["why"].as_str().unwrap().contains("stays so"), "{report}");
    assert_eq!(world.table.get(&super::pk(0)).unwrap()["status"]["S"], "revoked");
    let reason = with(0, &json!({ "status": "revoked", "reason": "leaked" }));
    assert_eq!(outcomes(&put(&world, &[reason]).await), ["updated"]);
}

#[tokio::test]
async fn it_is_off_by_default_bounded_and_can_be_tried() {
    let off = World::new().await;
    let error = put_keys(&off.key_sync, &[line(0)], soon(), DryRun::No).await.unwrap_err();
    assert_eq!(error.code.name(), "not_configured");
    let world = world().await;
    for lines in [vec![], vec![line(0); 1_001]] {
        let error = put_keys(&world.key_sync, &lines, soon(), DryRun::No).await.unwrap_err();
        assert_eq!(error.code.name(), "bad_input");
    }
    let tried = put_keys(&world.key_sync, &[line(0)], soon(), DryRun::Yes).await.unwrap().into_json();
    assert_eq!((outcomes(&tried), world.table.keys("key#").len()), (vec!["created"], 0));
}

/// A line that was not written is not wrong, and a job that has written nothing did not end well.
#[tokio::test]
async fn a_table_that_takes_nothing_fails_the_job_with_its_lines() {
    let world = world().await;
    put(&world, &[line(9)]).await;
    world.table.service.fail_operation("PutItem", Outage::ServerError);
    let wrong = with(5, &json!({ "status": "paused" }));
    let lines = [line(9), line(0), line(1), wrong, line(2), line(3)];
    let error = put_keys(&world.key_sync, &lines, soon(), DryRun::No).await.unwrap_err();
    assert_eq!(error.code.name(), "table_unavailable");
    assert!(error.message.contains("none of 6 lines") && error.message.contains("PutItem"), "{error}");
    let report = Value::Object(error.done.members().clone());
    assert_eq!(outcomes(&report), ["unchanged", "failed", "failed", "refused", "failed", "failed"]);
    assert_eq!((&report["failed"], &report["created"], &report["refused"]), (&json!(4), &json!(0), &json!(1)));
    assert!(report["lines"][5]["why"].as_str().unwrap().starts_with("not tried"), "{report:#}");

    let done = invoke(&world.key_sync, &json!({ "job": "put-keys", "keys": lines })).await;
    assert_eq!(done.answer.unwrap_err().code.name(), "table_unavailable");
    let told: Value = serde_json::from_str(done.lines.lines().next().unwrap()).unwrap();
    assert_eq!((&told["outcome"], outcomes(&told["report"]).len()), (&json!("failed"), 6));
    world.table.service.recover();
    assert_eq!(outcomes(&put(&world, &lines).await)[..3], ["unchanged", "created", "created"]);
}

#[tokio::test]
async fn no_time_for_any_line_is_no_success() {
    let world = world().await;
    let past = tokio::time::Instant::now();
    let error = put_keys(&world.key_sync, &[line(0), line(1)], past, DryRun::No).await.unwrap_err();
    assert_eq!((error.code.name(), world.table.keys("key#").len()), ("out_of_time", 0));
    let lines = [line(0), with(0, &json!({ "name": "again" }))];
    assert_eq!(outcomes(&put(&world, &lines).await), ["created", "refused"], "refused lines alone are no failure");
}
