//! What a client sent arrives, and what the back end answered goes back, through every form of event.

use countersign_tests::backend::Behaviour;
use countersign_tests::deployment::{Deployment, READER, key_hash};
use countersign_tests::events::WireRequest;
use countersign_tests::events::proxy::{Form, Passed};
use countersign_tests::forwarder::{Forwarding, caller};
use countersign_tests::runtime_api::Reply;
use serde_json::{Value, json};

use crate::recorded;

/// With the edge's signature over its target a request keeps every byte of its path and query that the
/// event still shows.
#[tokio::test]
async fn a_request_arrives_as_it_was_sent() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    for form in Form::ALL {
        for (method, resource, body, passed) in [
            ("GET", "/", b"".as_slice(), Passed::Text),
            ("GET", "/items?page=2&page=1&q=a%2Bb&q=a+b&empty=", b"", Passed::Text),
            ("POST", "/items/a%40b/c%20d", b"{\"a\":\"\xc3\xa9\"}", Passed::Text),
            ("PUT", "/items/caf%C3%A9//x/", b"\x00\xff\xfe binary", Passed::Base64),
            ("DELETE", "/items/7", b"", Passed::Text),
            ("PATCH", "/items/7", b"text as base64", Passed::Base64),
        ] {
            let request = forwarding
                .request(method, resource)
                .with_header("Content-Type", "application/x")
                .with_header("Cookie", "a=1; b=2")
                .with_header("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
                .with_header("X-Consumer-Username", "root");
            let answer = forwarding.send_body(&function, form, &request, (body, passed), &caller()).await;
            assert_eq!((answer.status, answer.code()), (200, "forwarded"), "{form:?} {method} {resource}");
            let [received] = forwarding.blue.take().try_into().expect("one request");
            assert_eq!((received.method.as_str(), received.target.as_str()), (method, resource), "{form:?}");
            assert_eq!(received.body, body, "{form:?} {method} {resource}");
            for (name, value) in [
                ("content-type", "application/x"),
                ("cookie", "a=1; b=2"),
                ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
                ("x-consumer-username", "acme"),
                ("x-consumer-id", "kid_0123456789ab"),
                ("x-forwarded-for", "203.0.113.7"),
                ("x-forwarded-host", "api.example.com"),
                ("cf-ray", "8f2c1d3e4b5a6978-LHR"),
            ] {
                assert_eq!(received.header(name), Some(value), "{form:?} {name}");
            }
            assert_eq!(received.header("edge-target"), None, "{form:?}");
        }
    }
    assert_eq!(forwarding.green.count(), 0);
}

#[tokio::test]
async fn an_answer_goes_back_as_it_was_given() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    let headers = || {
        vec![
            ("content-type", "text/html; charset=iso-8859-1".to_owned()),
            ("set-cookie", "a=1; Path=/".to_owned()),
            ("set-cookie", "b=2, or not".to_owned()),
            ("location", "http://169.254.169.254/latest".to_owned()),
            ("x-empty", String::new()),
        ]
    };
    for form in Form::ALL {
        for (status, body) in [
            (200, b"text".as_slice()),
            (200, b""),
            (201, "\u{0} é \" \\ \u{2028}".as_bytes()),
            (206, b"caf\xe9"),
            (302, b"elsewhere"),
            (404, b"{}"),
            (418, b"\x1f\x8b\x08"),
            (503, b"not now"),
        ] {
            let reply = Behaviour::Reply { status, headers: headers(), body: body.to_vec().into() };
            forwarding.blue.next([reply]);
            let answer = forwarding.send(&function, form, &forwarding.request("GET", "/items"), &caller()).await;
            assert_eq!((answer.status, answer.body.as_slice()), (status, body), "{form:?}");
            assert_eq!(answer.outcome(), "forwarded", "{form:?} {status}: a back end's error is its own");
            let mut sent = headers();
            let mut back: Vec<_> = answer.headers.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
            sent.sort();
            back.sort();
            assert_eq!(back, sent, "{form:?} {status}");
        }
    }
    // One request each: a redirect is the client's to follow.
    assert_eq!(forwarding.blue.count(), 8 * Form::ALL.len());
}

/// Nothing but the authorizer's context says who the caller is; without it nothing is forwarded.
#[tokio::test]
async fn without_an_authorizer_nothing_reaches_a_back_end() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[("DEFAULT_BACKEND", "green"), ("BODY_DIGEST", "off")]).await;
    let forged = forwarding
        .request("GET", "/items")
        .with_header("X-Consumer-Username", "root")
        .with_header("Principal", "root")
        .with_header("Edge-Client", r#"ip="203.0.113.7""#)
        .with_header("Signature-Input", "edge=()")
        .with_header("Authorization", "Bearer x.y.z");
    for form in Form::ALL {
        for context in [
            Value::Null,
            json!({}),
            json!({ "principalId": "root" }),
            json!({ "inside": "true" }),
            json!({ "key_id": "k", "edge_keyid": "e" }),
            json!({ "principal": null }),
            json!({ "principal": { "principal": "root" } }),
            json!({ "claims": { "principal": "root" }, "scopes": ["principal"] }),
        ] {
            let answer = forwarding.send(&function, form, &forged, &context).await;
            assert_eq!((answer.status, answer.code()), (500, "no_authorizer"), "{form:?} {context}");
            assert_eq!(answer.json()["code"], "no_authorizer");
        }
    }
    assert_eq!(forwarding.blue.count() + forwarding.green.count(), 0);
}

/// The edge signs, the authorizer verifies, the forwarder checks what only it can see.
#[tokio::test]
async fn an_authorizers_own_context_is_understood() {
    let (deployment, forwarding) = (Deployment::new().await, Forwarding::with_a_route().await);
    let authorizer = deployment.authorizer(&[("HTTP_ANSWER", "simple")]).await;
    let forwarder = forwarding.forwarder(&[("BODY_DIGEST", "required")]).await;
    let body = br#"{"hello": "world"}"#;
    let digest = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    for form in Form::ALL {
        let draft = deployment.draft("POST", "/items?a=1").key_hash(&key_hash(READER));
        let request = draft.header("Content-Digest", digest).sign();
        let decided = deployment.send(&authorizer, form.authorizer(), &request).await.decided;
        let Reply::Answer(answer) = decided.reply else { panic!("{form:?}: {decided:?}") };
        let context = serde_json::from_slice::<Value>(&answer).expect("an answer is JSON")["context"].clone();
        for passed in [Passed::Text, Passed::Base64] {
            let whole = forwarding.send_body(&forwarder, form, &request, (body, passed), &context).await;
            assert_eq!((whole.status, whole.code()), (200, "forwarded"), "{form:?} {context}");
            let [received] = forwarding.blue.take().try_into().expect("one request");
            assert_eq!((received.target.as_str(), received.body.as_slice()), ("/items?a=1", body.as_slice()));
            assert_eq!(received.header("x-consumer-username"), Some("acme"));
            for tampered in [b"{\"hello\": \"worlD\"}".as_slice(), b"", b"{\"hello\": \"world\"} "] {
                let refused = forwarding.send_body(&forwarder, form, &request, (tampered, passed), &context).await;
                assert_eq!((refused.status, refused.code()), (400, "digest_mismatch"), "{form:?} {passed:?}");
            }
            assert_eq!(forwarding.blue.count(), 0);
        }
    }
}

/// Events as real gateways sent them, with what our authorizer would have added.
#[tokio::test]
async fn recorded_events_are_forwarded() {
    let Some(_) = recorded::directory() else { return };
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    let mut events = Vec::new();
    let mut voker = recorded::read("apigw-captures/voker-apigwv1-request.json").expect("a recorded event");
    voker["requestContext"]["authorizer"] = json!({ "principal": "acme" });
    let query =
        "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&literalPlus=a%20b&encodedPlus=a%2Bb&empty=";
    events.push((voker, "/capture/space%20value", query.to_owned()));
    let mut voker = recorded::read("apigw-captures/voker-apigwv2-request.json").expect("a recorded event");
    voker["requestContext"]["authorizer"]["lambda"] = json!({ "principal": "acme" });
    let raw = voker["rawQueryString"].as_str().expect("a query").to_owned();
    events.push((voker, "/capture/space%20value", raw));
    let snapshots = recorded::read("apigw-captures/localstack-rest-proxy-snapshots.json").expect("recorded events");
    for (name, mut event) in snapshots["recorded"].as_object().expect("recorded events").clone() {
        // Some are answers that show the event instead; placeholders stand for what was blanked out.
        let Some(path) = event["path"].as_str().map(str::to_owned).filter(|_| event["httpMethod"].is_string()) else {
            continue;
        };
        if event["body"].is_object() {
            event["body"] = json!(event["body"].to_string());
        }
        for values in event["multiValueHeaders"].as_object_mut().expect(&name).values_mut() {
            if values.is_string() {
                *values = json!([values]);
            }
        }
        let query = event["multiValueQueryStringParameters"].is_object().to_string();
        event["requestContext"]["authorizer"] = json!({ "principal": "acme" });
        events.push((event, Box::leak(path.into_boxed_str()), query));
    }
    assert!(events.len() > 4, "the snapshots are not read");
    for (event, path, query) in events {
        let decided = function.decide(event.to_string()).await;
        assert_eq!(decided.code(), "forwarded", "{path}: {decided:?}");
        let [received] = forwarding.blue.take().try_into().expect("one request");
        let (sent_path, sent_query) = received.target.split_once('?').unwrap_or((&received.target, ""));
        assert_eq!(sent_path, path);
        match query.as_str() {
            "true" => assert_ne!(sent_query, "", "{path}"),
            "false" => assert_eq!(sent_query, "", "{path}"),
            query => assert_eq!(in_order(sent_query), in_order(query), "{path}"),
        }
    }
}

/// Format 1.0 loses the order across names.
fn in_order(query: &str) -> Vec<&str> {
    let mut parameters: Vec<_> = query.split('&').collect();
    parameters.sort_unstable();
    parameters
}

/// What other services send, or a gateway sends elsewhere, is an error of the function that says what it is.
#[tokio::test]
async fn events_of_other_kinds_are_errors() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    let request = WireRequest::new("GET", &forwarding.api.domain, "/prod/items");
    for form in Form::ALL {
        let asked = forwarding.api.event(form.authorizer(), &request);
        assert_unreadable(&function.decide(asked.to_string()).await, "authorizer");
    }
    let websocket = json!({
        "headers": {},
        "requestContext": { "connectionId": "c", "eventType": "MESSAGE", "routeKey": "$default", "authorizer": caller() },
        "body": "hello", "isBase64Encoded": false,
    });
    assert_unreadable(&function.decide(websocket.to_string()).await, "WebSocket");
    if let Some(mut alb) = recorded::read("apigw-captures/voker-alb-request.json") {
        alb["requestContext"]["authorizer"] = caller();
        assert_unreadable(&function.decide(alb.to_string()).await, "load balancer");
    }
    if let Some(url) = recorded::read("apigw-captures/voker-functionurl-request.json") {
        assert_eq!(function.decide(url.to_string()).await.code(), "no_authorizer");
    }
    assert_eq!(forwarding.blue.count(), 0);
}

#[track_caller]
fn assert_unreadable(decided: &countersign_tests::function::Decided, what: &str) {
    assert_eq!((decided.outcome(), decided.code()), ("fault", "event_unreadable"));
    let Reply::Error { error_message, .. } = &decided.reply else { panic!("{decided:?}") };
    assert_eq!(error_message, "event_unreadable", "nothing of the event reaches who sent it");
    let causes = decided.audit["causes"].to_string();
    assert!(causes.contains(what), "{what}: {causes}");
}
