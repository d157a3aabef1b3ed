//! The vectors that the edge is held to as well, through the whole forwarder: the same route for the same
//! request, the same verdict on the same body, in every form of event.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use countersign_tests::events::WireRequest;
use countersign_tests::events::proxy::{Form, Passed};
use countersign_tests::forwarder::{Forwarding, caller, with};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// Every escape that a path may have.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn cases(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(format!("{file}.json"));
    let mut file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    serde_json::from_value(file["cases"].take()).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// Neither countries nor another time than now: the one is the edge's to know, the other not ours to set.
fn is_for_a_forwarder(case: &Value) -> bool {
    let depends = |route: &Value| {
        route["match"]["countries"].is_array() || route["starts_at"].is_u64() || route["ends_at"].is_u64()
    };
    !list(&case["document"]["routes"]).iter().any(depends)
}

/// Behind a gateway there always is a host, a path begins with a slash, and a method is one that it routes.
fn is_of_a_gateway(request: &Value) -> bool {
    let is_routed = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"].contains(&text(&request["method"]));
    request["host"].is_string() && text(&request["path"]).starts_with('/') && is_routed
}

/// Each route has a back end of its own, told apart by the path in front of what is asked for.
async fn world(case: &Value) -> (Forwarding, String) {
    let forwarding = Forwarding::new().await;
    let mut backends = vec![format!("unused={}", forwarding.green.url())];
    for route in list(&case["document"]["routes"]) {
        let id = text(&route["id"]);
        let mut attributes = route.clone();
        attributes.as_object_mut().unwrap().remove("id");
        attributes["backend"] = json!(id);
        forwarding.put_route(id, &attributes);
        backends.push(format!("{id}={}/to/{id}", forwarding.blue.url()));
    }
    (forwarding, backends.join(","))
}

#[tokio::test]
async fn every_request_takes_its_route() {
    let mut asked = 0;
    for case in cases("routing").iter().filter(|case| is_for_a_forwarder(case)) {
        let (forwarding, backends) = world(case).await;
        let function = forwarding.forwarder(&[("BACKENDS", &backends)]).await;
        for request in list(&case["requests"]).iter().filter(|request| is_of_a_gateway(request)) {
            let path = utf8_percent_encode(text(&request["path"]), PATH).to_string();
            let context = with(&caller(), "client_host", text(&request["host"]));
            let mut context = with(&context, "client_ip", request["client"].as_str().unwrap_or_default());
            context.as_object_mut().unwrap().retain(|name, value| name != "client_ip" || value != "");
            for form in Form::ALL {
                let sent = WireRequest { method: text(&request["method"]).to_owned(), ..forwarding.request("", &path) };
                let answer = forwarding.send(&function, form, &sent, &context).await;
                let received: Vec<_> = forwarding.blue.take().into_iter().map(|received| received.target).collect();
                let (code, targets) = match (&request["route"], &request["admitted"]) {
                    (Value::String(id), Value::Bool(true)) => ("forwarded", vec![format!("/to/{id}{path}")]),
                    (Value::String(_), _) => ("address_not_allowed", Vec::new()),
                    _ => ("no_route", Vec::new()),
                };
                assert_eq!((answer.code(), &received), (code, &targets), "{} {form:?} {request}", case["name"]);
                asked += 1;
            }
        }
        assert!(forwarding.green.take().is_empty());
    }
    assert!(asked > 150, "{asked}");
}

#[tokio::test]
async fn every_body_is_judged_by_its_field() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    let request = forwarding.request("POST", "/items");
    for case in cases("content-digest") {
        let body = BASE64.decode(text(&case["body"])).unwrap();
        let context = with(&caller(), "content_digest", text(&case["field"]));
        let (status, code) = match text(&case["expected"]) {
            "ok" => (200, "forwarded".to_owned()),
            other => (400, format!("digest_{other}")),
        };
        // A gateway spoils as text what is none.
        let ways = [Some(Passed::Base64), str::from_utf8(&body).is_ok().then_some(Passed::Text)];
        for way in ways.into_iter().flatten() {
            for form in Form::ALL {
                let answer = forwarding.send_body(&function, form, &request, (&body, way), &context).await;
                let name = &case["name"];
                assert_eq!((answer.status, answer.code()), (status, code.as_str()), "{name} {form:?} {way:?}");
                let received: Vec<_> = forwarding.blue.take().into_iter().map(|received| received.body).collect();
                let expected = if status == 200 { vec![body.clone()] } else { Vec::new() };
                assert_eq!(received, expected, "{name} {form:?} {way:?}");
            }
        }
    }
}
