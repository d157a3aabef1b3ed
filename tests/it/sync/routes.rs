//! All routes are one document, so one change republishes all, and none is ever left out by accident.

use countersign_key_sync::job::DryRun;
use serde_json::json;

use super::{World, key, route};

fn ids(world: &World) -> Vec<String> {
    let routes = world.routes();
    routes["routes"].as_array().unwrap().iter().map(|route| route["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_changed_route_brings_all_others_with_it() {
    let world = World::in_agreement(0).await;
    let first = world.routes()["version"].as_u64().unwrap();
    for id in ["a", "b", "c"] {
        world.put(&route(id, 1));
    }
    let published = world.deliver(&world.table.stream()).await;
    assert_eq!((published.failed_from, published.report.members()["routes"].clone()), (None, json!("written")));
    assert_eq!(ids(&world), ["a", "b", "c", "main"]);
    let second = world.routes()["version"].as_u64().unwrap();
    assert!(second > first);

    world.table.forget_stream();
    world.change("route#b", &json!({ "priority": 50, "mode": "shadow" }));
    world.deliver(&world.table.stream()).await;
    assert_eq!(ids(&world), ["b", "a", "c", "main"]);
    assert!(world.routes()["version"].as_u64().unwrap() > second);
    assert!(!world.routes().to_string().contains("not-public"));
    world.cloudflare.forget_calls();
    assert_eq!((&world.reconcile().await["written"], world.writes()), (&json!(0), 0));
}

#[tokio::test]
async fn a_removed_route_makes_a_newer_document() {
    let world = World::in_agreement(0).await;
    for id in ["a", "b", "c"] {
        world.put(&route(id, 1));
    }
    world.reconcile().await;
    let before = world.routes()["version"].as_u64().unwrap();
    world.table.forget_stream();
    world.remove("route#a");
    world.deliver(&world.table.stream()).await;
    assert_eq!(ids(&world), ["b", "c", "main"]);
    assert!(world.routes()["version"].as_u64().unwrap() > before, "although no route is newer");
}

#[tokio::test]
async fn most_routes_do_not_go_at_once() {
    let world = World::in_agreement(0).await;
    (0..9).for_each(|n| world.put(&route(&format!("r{n}"), 1)));
    world.reconcile().await;
    world.table.forget_stream();
    (0..6).for_each(|n| world.remove(&format!("route#r{n}")));
    let published = world.deliver(&world.table.stream()).await;
    assert!(published.report.members()["routes"]["guard"].as_str().unwrap().contains("4 of 10"));
    let report = world.reconcile().await;
    assert!(report["guard"][0].as_str().unwrap().contains("4 of 10"), "{report:#}");
    assert_eq!(ids(&world).len(), 10);
    world.try_reconcile(true, DryRun::No).await.unwrap();
    assert_eq!(ids(&world).len(), 4);
}

/// A document without it would send its requests to the next route.
#[tokio::test]
async fn an_invalid_route_keeps_the_last_document() {
    let world = World::in_agreement(0).await;
    let before = world.routes();
    let mut broken = route("b", 1);
    broken["auth"] = json!("nobody");
    world.table.put(&broken);
    world.change("route#main", &json!({ "priority": 9 }));
    let published = world.deliver(&world.table.stream()).await;
    let says = published.report.members()["routes"]["not_published_because_of"][0].clone();
    assert_eq!((published.failed_from, &says["record"]), (None, &json!("route#b")));
    assert!(says["why"].as_str().unwrap().starts_with("auth:"), "{says}");
    let report = world.reconcile().await;
    assert_eq!((world.routes(), &report["invalid"]), (before, &json!(1)));
    world.put(&route("b", 2));
    world.reconcile().await;
    assert_eq!(ids(&world), ["main", "b"]);
}

fn noted(world: &World) -> Vec<String> {
    let note = world.table.get("sync#routes").unwrap();
    let mut ids: Vec<_> =
        note["ids"]["L"].as_array().unwrap().iter().map(|id| id["S"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}

/// The forwarder knows by the note which routes there are, and an invalid one may be the edge's alone.
#[tokio::test]
async fn what_cannot_be_published_is_noted_all_the_same() {
    let world = World::in_agreement(0).await;
    let before = world.routes();
    let mut broken = route("broken", 1);
    broken["auth"] = json!("nobody");
    world.table.put(&broken);
    world.deliver(&world.table.stream()).await;
    world.put(&route("changed", 1));
    world.deliver(&world.table.stream()).await;
    assert_eq!(noted(&world), ["broken", "changed", "main"]);

    world.put(&route("compared", 1));
    let report = world.reconcile().await;
    assert_eq!((noted(&world).join(" "), &report["invalid"]), ("broken changed compared main".to_owned(), &json!(1)));
    world.table.remove("sync#routes");
    world.reconcile().await;
    assert_eq!((noted(&world).join(" "), world.routes()), ("broken changed compared main".to_owned(), before));

    world.remove("route#broken");
    world.reconcile().await;
    assert_eq!((noted(&world), ids(&world).len()), (vec!["changed".into(), "compared".into(), "main".into()], 3));
}

#[tokio::test]
async fn before_the_first_comparison_there_is_no_document() {
    let world = World::new().await;
    world.put(&route("a", 1));
    world.put(&key(1));
    let published = world.deliver(&world.table.stream()).await;
    assert!(published.report.members()["routes"].as_str().unwrap().contains("reconcile"));
    assert!(world.cloudflare.kv("routes").is_none());
    world.reconcile().await;
    assert_eq!(ids(&world), ["a"]);
}

/// The note of what was published is gone, and so are the records: what the edge shows stays.
#[tokio::test]
async fn a_lost_note_and_no_routes_empty_nothing() {
    let world = World::in_agreement(3).await;
    world.table.remove("sync#routes");
    world.remove("route#main");
    let report = world.reconcile().await;
    assert_eq!(
        (ids(&world), report["guard"].as_array().map(Vec::len)),
        (vec!["main".to_owned()], Some(1)),
        "{report:#}"
    );
}
