//! Routes that move while requests flow: none is dropped, none is sent twice, and each goes where its
//! route led no longer ago than the bound. With waits a hundred times as short as the real ones.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use countersign_tests::aws::Outage;
use countersign_tests::events::proxy::Form;
use countersign_tests::forwarder::{Forwarded, Forwarding, caller};
use countersign_tests::function::Function;
use countersign_tests::lifetimes;
use serde_json::json;
use tokio::time::sleep;

const SCALED: &str = env!("CARGO_BIN_EXE_forwarder-with-lifetimes");
const ENVIRONMENTS: usize = 3;
const MOVES: usize = 12;
const RENAMES: usize = 16;

async fn scaled(forwarding: &Forwarding) -> Function {
    let started = forwarding.try_forwarder(Path::new(SCALED), &[], &[]).await;
    started.unwrap_or_else(|failed| panic!("the forwarder does not start: {failed:?}"))
}

/// One answer, and when its request was on its way.
struct Answered {
    resource: &'static str,
    sent: Instant,
    done: Instant,
    forwarded: Forwarded,
}

impl Answered {
    fn backend(&self) -> String {
        assert_eq!((self.forwarded.status, self.forwarded.code()), (200, "forwarded"), "{:?}", self.forwarded);
        self.forwarded.json()["backend"].as_str().expect("the back end's name").to_owned()
    }
}

/// Requests for both resources, one after the other, until told to stop.
async fn traffic(forwarding: &Forwarding, function: &Function, stop: &AtomicBool) -> Vec<Answered> {
    let mut answered = Vec::new();
    for form in Form::ALL.into_iter().cycle() {
        for resource in ["/moving", "/staying"] {
            let sent = Instant::now();
            let request = forwarding.request("POST", resource);
            let forwarded = forwarding.send(function, form, &request, &caller()).await;
            answered.push(Answered { resource, sent, done: Instant::now(), forwarded });
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    answered
}

fn put_routes(forwarding: &Forwarding, backend: &str) {
    forwarding.put_route("moving", &json!({ "match": { "path": ["/moving"] }, "backend": backend }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_moves_while_requests_flow() {
    let forwarding = Arc::new(Forwarding::with_a_route().await);
    // Where the route led from when on, as early as it can have begun; and as late as each can have ended.
    let mut led = vec![(Instant::now(), "blue")];
    let mut ended = Vec::new();
    put_routes(&forwarding, "blue");
    let stop = Arc::new(AtomicBool::default());
    let mut clients = Vec::new();
    for _ in 0..ENVIRONMENTS {
        let (forwarding, stop) = (forwarding.clone(), stop.clone());
        let function = scaled(&forwarding).await;
        clients.push(tokio::spawn(async move { traffic(&forwarding, &function, &stop).await }));
    }

    for turn in 0..MOVES {
        sleep(Duration::from_millis(700)).await;
        let backend = ["green", "blue"][turn % 2];
        led.push((Instant::now(), backend));
        put_routes(&forwarding, backend);
        ended.push(Instant::now());
    }
    sleep(Duration::from_millis(700)).await;
    stop.store(true, Ordering::Relaxed);

    let mut answers = Vec::new();
    for client in clients {
        answers.extend(client.await.expect("a client does not fail"));
    }
    // Milliseconds of the records' stamps.
    let bound = lifetimes::scaled().record_fresh + Duration::from_millis(5);
    let mut reached = BTreeMap::<_, usize>::new();
    let mut longest_ago = Duration::ZERO;
    for answer in &answers {
        let backend = answer.backend();
        *reached.entry((answer.resource, backend.clone())).or_default() += 1;
        if answer.resource == "/staying" {
            assert_eq!(backend, "blue", "a request of another route moved with it");
            continue;
        }
        let spans = led.iter().enumerate().filter(|(_, (_, name))| *name == backend);
        let ago = spans.filter(|(_, (begun, _))| *begun <= answer.done).map(|(turn, _)| {
            ended.get(turn).map_or(Duration::ZERO, |ended| answer.sent.saturating_duration_since(*ended))
        });
        let ago = ago.min().expect("the route has led there");
        let kept = &answer.forwarded.decided.audit["kept"];
        if kept.is_null() {
            assert!(ago <= bound, "{backend} was reached {ago:?} after the route had left it");
            longest_ago = longest_ago.max(ago);
        }
    }
    let count = |resource, backend: &str| reached.get(&(resource, backend.to_owned())).copied().unwrap_or_default();
    println!("{} requests, {MOVES} moves: {reached:?}; at most {longest_ago:?} late of {bound:?}", answers.len());
    assert!(count("/moving", "blue") > MOVES && count("/moving", "green") > MOVES, "too little traffic: {reached:?}");
    let arrived = (forwarding.blue.take().len(), forwarding.green.take().len());
    let answered = (count("/staying", "blue") + count("/moving", "blue"), count("/moving", "green"));
    assert_eq!(arrived, answered, "each request arrives once");
}

/// key-sync notes a route's new name a moment after it is in the table. Meanwhile an environment that reads
/// finds neither: the requests of both names go where they went.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_is_renamed_while_requests_flow() {
    let forwarding = Arc::new(Forwarding::with_a_route().await);
    put_routes(&forwarding, "green");
    let stop = Arc::new(AtomicBool::default());
    let mut clients = Vec::new();
    for _ in 0..ENVIRONMENTS {
        let (forwarding, stop) = (forwarding.clone(), stop.clone());
        let function = scaled(&forwarding).await;
        // Only one that knows the routes can miss one.
        forwarding.send(&function, Form::Rest, &forwarding.request("GET", "/moving"), &caller()).await;
        clients.push(tokio::spawn(async move { traffic(&forwarding, &function, &stop).await }));
    }

    let table = &forwarding.table;
    let (mut route, mut note) =
        (table.get("route#moving").expect("a route"), table.get("sync#routes").expect("a note"));
    note["pk"] = json!("sync#routes");
    let (mut pk, mut late) = ("route#moving".to_owned(), Vec::new());
    for turn in 0..RENAMES {
        let begun = Instant::now();
        table.remove(&pk);
        sleep(Duration::from_millis(10)).await;
        let id = format!("moving-{turn}");
        pk = format!("route#{id}");
        route["pk"] = json!(pk);
        table.put(&route);
        sleep(Duration::from_millis(60)).await;
        note["ids"] = json!(["all", id]);
        table.put(&note);
        // On a machine that is too slow for these waits a gap is no rename any more.
        if begun.elapsed() >= lifetimes::scaled().route_gap {
            late.push((begun, Instant::now() + lifetimes::scaled().record_fresh));
        }
        sleep(Duration::from_millis(430)).await;
    }
    stop.store(true, Ordering::Relaxed);

    let (mut count, mut missed) = (0, 0);
    for client in clients {
        for answer in client.await.expect("a client does not fail") {
            if late.iter().any(|(from, to)| answer.done >= *from && answer.sent <= *to) {
                continue;
            }
            let backend = if answer.resource == "/moving" { "green" } else { "blue" };
            assert_eq!(answer.backend(), backend, "{}", answer.resource);
            count += 1;
            let causes = answer.forwarded.decided.audit["causes"].to_string();
            missed += usize::from(causes.contains("route#moving"));
        }
    }
    println!("{count} requests, {RENAMES} renames, {} of them too slow; {missed} reads met a gap", late.len());
    assert!(late.len() <= RENAMES / 2 && missed > 0, "the renames were not met: {} late, {missed} met", late.len());
}

/// The set of routes is good or it is not taken: while one record is invalid, and while the table is
/// down, requests go where they went.
#[tokio::test]
async fn the_last_good_routes_go_on() {
    let forwarding = Forwarding::with_a_route().await;
    put_routes(&forwarding, "green");
    let function = scaled(&forwarding).await;
    let ask = async || {
        let request = forwarding.request("GET", "/moving");
        let (sent, forwarded) = (Instant::now(), forwarding.send(&function, Form::Rest, &request, &caller()).await);
        Answered { resource: "/moving", sent, done: Instant::now(), forwarded }
    };
    assert_eq!(ask().await.backend(), "green");
    let fresh = lifetimes::scaled().record_fresh;

    put_routes(&forwarding, "blue");
    forwarding.put_route("spoilt", &json!({ "match": { "path": ["no path"] }, "backend": "blue" }));
    let mut told = 0;
    for _ in 0..10 {
        sleep(fresh / 4).await;
        let answer = ask().await;
        assert_eq!(answer.backend(), "green", "the whole set waits for the one record");
        told += usize::from(answer.forwarded.decided.audit["causes"].to_string().contains("route#spoilt"));
    }
    assert!(told > 0, "the operator is told which record it is");
    assert_eq!(ask().await.forwarded.decided.audit["kept"], json!(["routes"]));
    forwarding.remove_route("spoilt");
    sleep(fresh + fresh / 2).await;
    assert_eq!(ask().await.backend(), "blue", "mended, and taken");

    forwarding.table.service.fail(Outage::ServerError).await;
    for _ in 0..5 {
        sleep(fresh / 2).await;
        assert_eq!(ask().await.backend(), "blue");
    }
    forwarding.table.service.recover();
    put_routes(&forwarding, "green");
    sleep(fresh + fresh / 2).await;
    assert_eq!(ask().await.backend(), "green");

    forwarding.remove_route("moving");
    sleep(fresh + fresh / 2).await;
    assert_eq!(ask().await.backend(), "blue", "the route that is left takes it");
}
