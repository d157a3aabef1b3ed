//! Back ends that are Lambda functions: the event that each gets, and what becomes of its answer.

use std::time::{Duration, Instant};

use countersign_tests::aws::invoke::{Functions, Invocation};
use countersign_tests::backend::{Backend, Behaviour};
use countersign_tests::events::proxy::{Form, Passed};
use countersign_tests::forwarder::{Forwarded, Forwarding, caller};
use countersign_tests::function::Function;
use serde_json::{Value, json};

const MAIL: &str = "arn:aws:lambda:eu-west-1:123456789012:function:mail:live";

struct World {
    forwarding: Forwarding,
    functions: Functions,
    forwarder: Function,
}

impl World {
    /// Everything goes to one function, which may take `seconds`.
    async fn with_patience(seconds: &str) -> Self {
        Self::with(&[("BACKEND_TIMEOUT", seconds)]).await
    }

    async fn with(settings: &[(&str, &str)]) -> Self {
        let (forwarding, functions) = (Forwarding::new().await, Functions::start(&[MAIL]).await);
        let (backends, url) = (format!("mail={MAIL}"), functions.url());
        let own =
            [("BACKENDS", backends.as_str()), ("DEFAULT_BACKEND", "mail"), ("AWS_ENDPOINT_URL_LAMBDA", url.as_str())];
        let more = [&own, settings].concat();
        let forwarder = forwarding.forwarder(&more).await;
        Self { forwarding, functions, forwarder }
    }

    /// One request, what came of it, and the events that functions got.
    async fn send(&self, form: Form, method: &str, body: &[u8]) -> (Forwarded, Vec<Value>) {
        let request = self.forwarding.request(method, "/items/7?x=1");
        let lines =
            [("Accept", "a/b"), ("Cookie", "a=1; b=2"), ("X-Consumer-Username", "root"), ("X-Forwarded-For", "::1")];
        let request = lines.iter().fold(request, |request, (name, value)| request.with_header(name, value));
        let body = (body, Passed::Base64);
        let forwarded = self.forwarding.send_body(&self.forwarder, form, &request, body, &caller()).await;
        let events = self.functions.take();
        assert!(events.iter().all(|(arn, _)| arn == MAIL));
        (forwarded, events.into_iter().map(|(_, event)| event).collect())
    }
}

#[tokio::test]
async fn a_function_gets_the_gateways_event_with_verified_headers() {
    let world = World::with_patience("20").await;
    for form in Form::ALL {
        let (forwarded, events) = world.send(form, "POST", b"{}").await;
        assert_eq!((forwarded.status, forwarded.body.as_slice()), (200, &b"hello"[..]), "{form:?}");
        let [event] = &events[..] else { panic!("{form:?}: not one event") };
        let headers = event["headers"].as_object().unwrap();
        for (name, value) in [
            ("accept", "a/b"),
            ("host", "api.example.com"),
            ("x-consumer-username", "acme"),
            ("x-forwarded-for", "203.0.113.7"),
        ] {
            assert_eq!(headers[name], value, "{form:?}");
            let values = &event["multiValueHeaders"][name];
            assert!(form == Form::Http2 || *values == json!([value]), "{form:?}: {values}");
        }
        assert!(headers.keys().all(|name| !name.starts_with("edge") && !name.starts_with("signature")), "{headers:?}");
        assert!(event["requestContext"]["authorizer"].is_object(), "{form:?}");
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("e30="), &json!(true)), "{form:?}");
        if form == Form::Http2 {
            assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
        }
    }
}

#[tokio::test]
async fn its_answer_is_read_as_the_gateway_reads_it() {
    let world = World::with_patience("20").await;
    world.functions.answer(&json!({
        "statusCode": "201", "headers": { "X-One": 1, "X-None": null }, "body": "AP8=", "isBase64Encoded": true,
        "multiValueHeaders": { "Set-Cookie": ["a=1", "b=2"], "X-None": null }, "cookies": ["a=1", "b=2"],
    }));
    for form in Form::ALL {
        let (forwarded, _) = world.send(form, "GET", b"").await;
        assert_eq!((forwarded.status, forwarded.body.as_slice()), (201, &b"\0\xff"[..]), "{form:?}");
        assert_eq!((forwarded.header("x-one"), forwarded.header("x-none")), (Some("1"), None));
        assert_eq!(forwarded.headers.iter().filter(|(name, _)| name == "set-cookie").count(), 2, "{form:?}");
    }
    world.functions.answer(&json!({ "any": "json" }));
    let (forwarded, _) = world.send(Form::Http2, "GET", b"").await;
    assert_eq!((forwarded.status, forwarded.json()), (200, json!({ "any": "json" })));
}

#[tokio::test]
async fn whatever_is_no_answer_is_a_defined_failure() {
    let world = World::with_patience("20").await;
    let invalid = "backend_answer_invalid";
    for (invocation, status, code) in [
        (Invocation::Answers("".into()), 502, invalid),
        (Invocation::Answers("<html>".into()), 502, invalid),
        (Invocation::Answers("null".into()), 502, invalid),
        (Invocation::Answers(r#"{"statusCode":"canary"}"#.into()), 502, invalid),
        (Invocation::Answers(r#"{"statusCode":200,"body":{"canary":1}}"#.into()), 502, invalid),
        (Invocation::Fails(json!({ "errorType": "Error", "errorMessage": "canary" })), 502, invalid),
        (Invocation::Refused(429, "TooManyRequestsException"), 502, "backend_unreachable"),
        (Invocation::Refused(403, "AccessDeniedException"), 502, "backend_unreachable"),
        (Invocation::Refused(404, "ResourceNotFoundException"), 502, "backend_unreachable"),
        (Invocation::Refused(413, "RequestTooLargeException"), 413, "request_too_large"),
        (Invocation::Refused(500, "ServiceException"), 502, "backend_unreachable"),
    ] {
        world.functions.then(invocation.clone());
        for method in ["GET", "POST"] {
            let (forwarded, events) = world.send(Form::Rest, method, b"").await;
            assert_eq!((forwarded.status, forwarded.code()), (status, code), "{invocation:?}");
            assert_eq!(events.len(), 1, "{method} {invocation:?}: an answer is final");
            assert!(!forwarded.decided.audit.to_string().contains("canary"), "{:?}", forwarded.decided.audit);
        }
    }
}

/// Names are compared with each other, so their number is bounded before.
#[tokio::test]
async fn an_answer_with_more_headers_than_are_taken_costs_no_time() {
    let world = World::with_patience("20").await;
    let names: serde_json::Map<_, _> = (0..20_000).map(|n| (format!("x-{n}"), json!("1"))).collect();
    let lists: serde_json::Map<_, _> = (0..20_000).map(|n| (format!("x-{n}"), json!(["1"]))).collect();
    let many: String = (0..500_000).map(|n| format!("x-{n},")).collect();
    for (form, answer) in [
        (Form::Rest, json!({ "statusCode": 200, "headers": names, "multiValueHeaders": lists })),
        (Form::Http1, json!({ "statusCode": 200, "multiValueHeaders": { "x": vec!["1"; 20_000] } })),
        (Form::Http2, json!({ "statusCode": 200, "headers": names })),
        (Form::Http2, json!({ "statusCode": 200, "cookies": vec!["a=1"; 20_000] })),
        (Form::Http2, json!({ "statusCode": 200, "headers": { "connection": many } })),
    ] {
        world.functions.answer(&answer);
        let started = Instant::now();
        let (forwarded, _) = world.send(form, "GET", b"").await;
        assert_eq!((forwarded.status, forwarded.code()), (502, "backend_answer_invalid"), "{form:?}");
        assert!(forwarded.decided.audit["causes"].to_string().contains("more than 512 header lines"), "{form:?}");
        assert!(started.elapsed() < Duration::from_secs(10), "{form:?}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_hidden_key_is_nowhere_in_the_event() {
    for (setting, hidden) in [("on", true), ("off", false)] {
        let world = World::with(&[("HIDE_CREDENTIALS", setting)]).await;
        let request = world.forwarding.request("GET", "/items").with_header("X-Api-Key", "canary");
        let mut event = world.forwarding.api.integration_event(Form::Rest, &request, (b"", Passed::Text), &caller());
        event["requestContext"]["identity"]["apiKey"] = json!("canary");
        event["requestContext"]["identity"]["apiKeyId"] = json!("canary-id");
        world.forwarder.decide(event.to_string()).await;
        let [(_, seen)] = &world.functions.take()[..] else { panic!("not one event") };
        assert_eq!(!seen.to_string().contains("canary"), hidden, "{seen}");
        let identity = |event: &Value| event["requestContext"]["identity"]["sourceIp"].clone();
        assert_eq!(identity(seen), identity(&event));
    }
}

/// A request that is sent into a connection which the other side is closing is lost.
#[tokio::test]
async fn a_connection_is_given_up_before_common_servers_close_it() {
    let (forwarding, service) = (Forwarding::new().await, Backend::start("lambda").await);
    service.always(Behaviour::Reply { status: 200, headers: Vec::new(), body: r#"{"statusCode":204}"#.into() });
    let (backends, url) = (format!("mail={MAIL}"), service.url());
    let more =
        [("BACKENDS", backends.as_str()), ("DEFAULT_BACKEND", "mail"), ("AWS_ENDPOINT_URL_LAMBDA", url.as_str())];
    let forwarder = forwarding.forwarder(&more).await;
    let request = forwarding.request("POST", "/items");
    for connections in 1..3 {
        for _ in 0..2 {
            assert_eq!(forwarding.send(&forwarder, Form::Rest, &request, &caller()).await.status, 204);
            assert_eq!(service.connections(), connections);
        }
        tokio::time::sleep(Duration::from_millis(4_200)).await;
    }
}

#[tokio::test]
async fn a_connection_that_fails_is_tried_again_where_that_is_safe() {
    let world = World::with_patience("20").await;
    world.functions.then(Invocation::Cut);
    for (method, attempts) in [("GET", 2), ("PUT", 2), ("POST", 1), ("PATCH", 1)] {
        let (forwarded, events) = world.send(Form::Rest, method, b"").await;
        assert_eq!((forwarded.status, forwarded.code()), (502, "backend_unreachable"), "{method}");
        assert_eq!(events.len(), attempts, "{method}");
    }
    world.functions.refuse().await;
    for method in ["GET", "POST"] {
        let (forwarded, _) = world.send(Form::Rest, method, b"").await;
        assert_eq!((forwarded.status, forwarded.code()), (502, "backend_unreachable"), "{method}");
    }
}

#[tokio::test]
async fn a_function_may_take_its_time_and_not_more() {
    let world = World::with_patience("2").await;
    // Longer than the table may take.
    world.functions.then(Invocation::Slow(Duration::from_millis(1_200)));
    let (forwarded, events) = world.send(Form::Http2, "POST", b"").await;
    assert_eq!((forwarded.status, events.len()), (200, 1));
    world.functions.then(Invocation::Hang);
    for method in ["GET", "POST"] {
        let started = Instant::now();
        let (forwarded, events) = world.send(Form::Rest, method, b"").await;
        assert_eq!((forwarded.status, forwarded.code()), (504, "backend_timeout"), "{method}");
        assert_eq!(events.len(), 1, "{method}");
        assert!(started.elapsed() < Duration::from_secs(4));
    }
}

#[tokio::test]
async fn an_event_that_grows_beyond_what_a_function_takes_is_too_large() {
    let world = World::with_patience("20").await;
    let (forwarded, events) = world.send(Form::Rest, "POST", &vec![b'x'; 4_600_000]).await;
    assert_eq!((forwarded.status, events.len()), (200, 1));
    let (forwarded, events) = world.send(Form::Rest, "POST", &vec![b'x'; 4_718_000]).await;
    assert_eq!((forwarded.status, forwarded.code(), events.len()), (413, "request_too_large", 0));
}
