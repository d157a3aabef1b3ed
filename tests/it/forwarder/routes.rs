//! Which back end a request goes to: the table's routes, and what happens when they cannot be had.

use std::time::Duration;

use countersign_tests::aws::Outage;
use countersign_tests::events::proxy::Form;
use countersign_tests::forwarder::{Forwarding, caller, with};
use countersign_tests::function::Function;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// The bound that is promised, and what a request may take on top of it.
const BOUND: Duration = Duration::from_secs(32);

/// Which back end was reached, or the code of what happened instead.
async fn reached(forwarding: &Forwarding, function: &Function, form: Form, resource: &str, context: &Value) -> String {
    let request = forwarding.request("GET", resource);
    let answer = forwarding.send(function, form, &request, context).await;
    if answer.code() == "forwarded" {
        let told = answer.json()["backend"].as_str().expect("the back end's name").to_owned();
        assert_eq!(answer.decided.audit["backend"], told.as_str());
        return told;
    }
    answer.code().to_owned()
}

/// What `tests/vectors/routing.json` holds for the rule is so in every form of event, by what the event
/// and the context show.
#[tokio::test]
async fn routes_are_chosen_by_what_was_verified() {
    let forwarding = Forwarding::new().await;
    forwarding.put_route("rest", &json!({ "backend": "blue", "priority": -1 }));
    forwarding.put_route("green-host", &json!({ "match": { "host": ["green.example.com"] }, "backend": "green" }));
    forwarding.put_route("green-path", &json!({ "match": { "path": ["/a b/*", "/green"] }, "backend": "green" }));
    forwarding.put_route("posts", &json!({ "match": { "method": ["POST"] }, "backend": "green" }));
    forwarding.put_route("net", &json!({ "match": { "cidrs": ["192.0.2.0/24"] }, "backend": "green" }));
    forwarding.put_route("abroad", &json!({ "match": { "countries": ["GB"] }, "backend": "green", "priority": 9 }));
    forwarding.put_route("edge-only", &json!({ "match": { "path": ["/edge"] }, "origin": "o", "priority": 9 }));
    let past = json!({ "match": { "path": ["/then"] }, "backend": "green", "ends_at": 1_763_800_000 });
    forwarding.put_route("past", &past);
    let function = forwarding.forwarder(&[]).await;
    for form in Form::ALL {
        for (resource, context, backend) in [
            ("/", caller(), "blue"),
            ("/green", caller(), "green"),
            ("/a%20b/c", caller(), "green"),
            ("/greener", caller(), "blue"),
            ("/edge", caller(), "blue"),
            ("/then", caller(), "blue"),
            ("/", with(&caller(), "client_host", "green.example.com"), "green"),
            ("/", with(&caller(), "client_host", "GREEN.example.com:443"), "green"),
            ("/", with(&caller(), "client_ip", "192.0.2.200"), "green"),
            ("/", with(&caller(), "client_ip", "::ffff:192.0.2.200"), "green"),
        ] {
            assert_eq!(reached(&forwarding, &function, form, resource, &context).await, backend, "{form:?} {resource}");
        }
        // Headers of the client's choice change nothing.
        let request = forwarding
            .request("GET", "/")
            .with_header("X-Forwarded-Host", "green.example.com")
            .with_header("X-Forwarded-For", "192.0.2.200")
            .with_header("Forwarded", "for=192.0.2.200;host=green.example.com")
            .with_header("Cf-Connecting-Ip", "192.0.2.200")
            .with_header("X-Http-Method", "POST");
        let answer = forwarding.send(&function, form, &request, &caller()).await;
        assert_eq!((answer.json()["backend"].as_str(), answer.code()), (Some("blue"), "forwarded"), "{form:?}");
        let posted = forwarding.send(&function, form, &forwarding.request("POST", "/"), &caller()).await;
        assert_eq!(posted.decided.audit["table_route"], "posts", "{form:?}");
    }
}

#[tokio::test]
async fn addresses_that_a_route_does_not_take() {
    let forwarding = Forwarding::new().await;
    forwarding.put_route("all", &json!({ "backend": "blue", "priority": -1 }));
    let walled = json!({
        "match": { "path": ["/walled"] }, "backend": "green",
        "allow_cidrs": ["203.0.113.0/24"], "deny_cidrs": ["203.0.113.7"],
    });
    forwarding.put_route("walled", &walled);
    let function = forwarding.forwarder(&[("DEFAULT_BACKEND", "blue")]).await;
    let mut unknown = caller();
    unknown.as_object_mut().expect("a context").remove("client_ip");
    for form in Form::ALL {
        for (context, outcome) in [
            (with(&caller(), "client_ip", "203.0.113.8"), "green"),
            (caller(), "address_not_allowed"),
            (with(&caller(), "client_ip", "198.51.100.20"), "address_not_allowed"),
            (unknown.clone(), "address_not_allowed"),
        ] {
            assert_eq!(reached(&forwarding, &function, form, "/walled", &context).await, outcome, "{form:?} {context}");
        }
    }
    assert_eq!(forwarding.blue.count(), 0, "a refused request falls through to no other route");
}

#[tokio::test]
async fn where_no_route_matches() {
    let forwarding = Forwarding::new().await;
    let unlisted = json!({ "match": { "path": ["/unlisted"] }, "backend": "https://evil.example.com" });
    let plain = forwarding.forwarder(&[]).await;
    let falling_back = forwarding.forwarder(&[("DEFAULT_BACKEND", "green")]).await;
    assert_eq!(reached(&forwarding, &plain, Form::Rest, "/", &caller()).await, "no_route");
    assert_eq!(reached(&forwarding, &falling_back, Form::Rest, "/", &caller()).await, "green");

    let mut unlisted = unlisted;
    unlisted["backend"] = json!("evil");
    forwarding.put_route("unlisted", &unlisted);
    for function in [forwarding.forwarder(&[]).await, forwarding.forwarder(&[("DEFAULT_BACKEND", "green")]).await] {
        let request = forwarding.request("GET", "/unlisted");
        let answer = forwarding.send(&function, Form::Http2, &request, &caller()).await;
        assert_eq!((answer.status, answer.code()), (500, "backend_unlisted"));
        let causes = answer.decided.audit["causes"].to_string();
        assert!(causes.contains("route#unlisted") && causes.contains("BACKENDS"), "{causes}");
    }
    assert_eq!(forwarding.green.count(), 1);
}

/// With its real lifetimes: what is written to the table is in effect within the bound.
#[tokio::test]
async fn a_changed_route_is_in_effect_within_its_bound() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    assert_eq!(reached(&forwarding, &function, Form::Rest, "/", &caller()).await, "blue");
    forwarding.put_route("all", &json!({ "backend": "green" }));
    let changed = Instant::now();
    loop {
        let backend = reached(&forwarding, &function, Form::Rest, "/", &caller()).await;
        if backend == "green" {
            break;
        }
        assert_eq!(backend, "blue");
        assert!(changed.elapsed() < BOUND, "a changed route is not in effect");
        sleep(Duration::from_millis(500)).await;
    }
    let reads = forwarding.table.service.calls();
    assert!(reads.len() <= 6, "{} calls in {:?}", reads.len(), changed.elapsed());
    for call in reads {
        assert!(call.input.to_string().contains("\"ConsistentRead\":true"), "{}", call.operation);
    }
}

/// A table that is down takes nothing away from an environment that knows the routes, and gives nothing
/// to one that does not.
#[tokio::test]
async fn while_the_table_is_down() {
    for outage in Outage::DOWN {
        let forwarding = Forwarding::with_a_route().await;
        let warm = forwarding.forwarder(&[]).await;
        assert_eq!(reached(&forwarding, &warm, Form::Rest, "/", &caller()).await, "blue");
        forwarding.table.service.fail(*outage).await;
        let cold = forwarding.forwarder(&[("DEFAULT_BACKEND", "green")]).await;
        for form in Form::ALL {
            assert_eq!(reached(&forwarding, &warm, form, "/", &caller()).await, "blue", "{outage:?}");
            let request = forwarding.request("GET", "/");
            let answer = forwarding.send(&cold, form, &request, &caller()).await;
            assert_eq!((answer.status, answer.code()), (503, "table_unavailable"), "{outage:?}");
            assert!(answer.decided.took < Duration::from_secs(3), "{outage:?}: {:?}", answer.decided.took);
        }
        forwarding.table.service.recover();
        let healed = Instant::now();
        while reached(&forwarding, &cold, Form::Rest, "/", &caller()).await != "blue" {
            assert!(healed.elapsed() < Duration::from_secs(5), "{outage:?}: the table is back, and nobody asks it");
            sleep(Duration::from_millis(200)).await;
        }
        assert_eq!(forwarding.green.count(), 0, "what is not known is not what does not match");
    }
}

/// An invalid record is not a route less.
#[tokio::test]
async fn an_invalid_route_spoils_a_start() {
    let forwarding = Forwarding::with_a_route().await;
    forwarding.put_route("spoilt", &json!({ "match": { "paths": ["/x"] }, "backend": "green" }));
    let function = forwarding.forwarder(&[("DEFAULT_BACKEND", "green")]).await;
    for form in Form::ALL {
        let request = forwarding.request("GET", "/");
        let answer = forwarding.send(&function, form, &request, &caller()).await;
        assert_eq!((answer.status, answer.code()), (500, "record_malformed"));
        let causes = answer.decided.audit["causes"].to_string();
        assert!(causes.contains("route#spoilt") && causes.contains("paths"), "{causes}");
    }
    assert_eq!(forwarding.blue.count() + forwarding.green.count(), 0);
}
