//! Request smuggling: one event is one request, and what a client wrote is never read as anything but
//! what it was judged as. The back end of these tests takes nothing that two readers could take for two
//! things.

use countersign_tests::backend::Behaviour;
use countersign_tests::events::proxy::{Form, Passed};
use countersign_tests::forwarder::{Forwarding, caller, with};
use serde_json::{Value, json};

/// A second request, where a reader that takes the first for shorter would find it.
const SECOND: &[u8] = b"0\r\n\r\nGET /admin HTTP/1.1\r\nHost: inside\r\nX-Consumer-Username: root\r\n\r\n";

/// The event with these header lines beside its own.
fn with_lines(mut event: Value, lines: &[(&str, &str)]) -> Value {
    for (name, value) in lines {
        event["headers"][*name] = json!(value);
        if event["multiValueHeaders"].is_object() {
            let values = event["multiValueHeaders"][*name].as_array().cloned().unwrap_or_default();
            event["multiValueHeaders"][*name] = values.into_iter().chain([json!(value)]).collect();
        }
    }
    event
}

#[tokio::test]
async fn no_header_changes_where_a_request_ends() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    for lines in [
        &[("Transfer-Encoding", "chunked")][..],
        &[("transfer-encoding", "chunked"), ("Content-Length", "4")],
        &[("Transfer-Encoding", "identity, chunked"), ("TE", "trailers")],
        &[("Transfer_Encoding", "chunked")],
        &[("Transfer-Encoding", "\u{b}chunked")],
        &[("Transfer-Encoding\t", "chunked")],
        &[("Transfer-Encoding ", "chunked")],
        &[("Content-Length", "0")],
        &[("Content-Length", "5"), ("content-length", "6")],
        &[("Content_Length", "5")],
        &[("Content-Length", "+5")],
        &[("Connection", "content-length, keep-alive"), ("Keep-Alive", "max=1")],
        &[("Expect", "100-continue")],
        &[("Upgrade", "h2c"), ("Connection", "Upgrade, HTTP2-Settings"), ("HTTP2-Settings", "AAMAAABk")],
        &[("Trailer", "X-Consumer-Username")],
    ] {
        for form in Form::ALL {
            for (method, body) in [("POST", SECOND), ("GET", SECOND), ("POST", b"")] {
                let request = forwarding.request(method, "/items");
                let event = forwarding.api.integration_event(form, &request, (body, Passed::Base64), &caller());
                let event = with_lines(event, lines);
                function.decide(event.to_string()).await;
                let received = forwarding.blue.take();
                assert_eq!(received.len(), 1, "{form:?} {method} {lines:?}: {received:?}");
                assert_eq!((received[0].target.as_str(), received[0].body.as_slice()), ("/items", body));
                for (name, _) in lines.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length")) {
                    assert_eq!(received[0].header(name.trim()), None, "{form:?} {lines:?}");
                }
                let length = body.len().to_string();
                let expected = if body.is_empty() { "0" } else { &length };
                assert_eq!(received[0].header("content-length"), Some(expected), "{form:?} {method} {lines:?}");
            }
        }
    }
}

#[tokio::test]
async fn nothing_in_a_header_ends_its_line() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    let lines = [
        ("X-A", "1\r\nX-Consumer-Username: root"),
        ("X-B", "1\nX-Consumer-Username: root"),
        ("X-C", "1\rX-Consumer-Username: root"),
        ("X-D", "1\r\n\r\nGET /admin HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("X-E\r\nX-Consumer-Username", "root"),
        ("X-F: 1\r\nX-Admin", "1"),
        ("X G", "1"),
        ("", "1"),
        ("X-H", "nul\0"),
        ("X-I", "\u{7f}"),
        ("X-Kept", "ü\t1"),
    ];
    for form in Form::ALL {
        let request = forwarding.request("GET", "/items");
        let event = forwarding.api.integration_event(form, &request, (b"", Passed::Text), &caller());
        function.decide(with_lines(event, &lines).to_string()).await;
        let [received] = &forwarding.blue.take()[..] else { panic!("{form:?}: not one request") };
        assert_eq!(received.values("x-consumer-username"), ["acme"], "{form:?}");
        assert_eq!(received.values("x-kept"), ["ü\t1"], "{form:?}");
        let others = ["x-a", "x-b", "x-c", "x-d", "x-h", "x-i", "x-admin"];
        assert!(others.iter().all(|name| received.values(name).is_empty()), "{form:?}: {:?}", received.headers);
    }
}

/// Left out, such a value would leave the caller without a name; sent, with somebody else's.
#[tokio::test]
async fn nobody_is_sent_on_under_another_name() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    for (entry, value) in [
        ("principal", " acme"),
        ("principal", "acme\t"),
        ("key_id", "kid\r\nX-Admin: 1"),
        ("scopes", "\u{a0}admin"),
        ("client_host", "api.example.com\n"),
        ("ray", " 8f2c1d3e4b5a6978-LHR"),
    ] {
        for form in Form::ALL {
            let context = with(&caller(), entry, value);
            let forwarded = forwarding.send(&function, form, &forwarding.request("GET", "/items"), &context).await;
            assert_eq!((forwarded.status, forwarded.code()), (500, "record_malformed"), "{form:?}, {entry}");
            assert!(forwarding.blue.take().is_empty(), "{form:?}, {entry}");
            assert_eq!(forwarded.decided.audit["causes"].as_array().map(Vec::len), Some(1), "{form:?}, {entry}");
        }
    }
}

#[tokio::test]
async fn nothing_in_a_method_path_or_query_ends_the_request_line() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    let tail = " HTTP/1.1\r\nHost: x\r\n\r\nGET /admin HTTP/1.1\r\nX: ";
    for form in Form::ALL {
        let event = |field: &str| {
            let request = forwarding.request("GET", "/items");
            let mut event = forwarding.api.integration_event(form, &request, (b"", Passed::Text), &caller());
            let path = format!("/items{tail}");
            match (field, form) {
                ("method", Form::Http2) => event["requestContext"]["http"]["method"] = json!(format!("GET /x{tail}")),
                ("method", _) => event["httpMethod"] = json!(format!("GET /x{tail}")),
                ("path", Form::Http2) => event["rawPath"] = json!(path),
                ("path", _) => event["path"] = json!(path),
                (_, Form::Http2) => event["rawQueryString"] = json!(format!("a=1{tail}")),
                (_, _) => event["multiValueQueryStringParameters"] = json!({ "a": [format!("1{tail}")] }),
            }
            event
        };
        for field in ["method", "path"] {
            function.decide(event(field).to_string()).await;
            let received = forwarding.blue.take();
            assert!(received.is_empty(), "{form:?}, {field}: {received:?}");
        }
        function.decide(event("query").to_string()).await;
        let [received] = &forwarding.blue.take()[..] else { panic!("{form:?}: not one request") };
        assert!(received.target.starts_with("/items?a=1%20HTTP"), "{form:?}: {}", received.target);
        assert!(received.target.contains("%0D%0A"), "{form:?}: {}", received.target);
    }
}

#[tokio::test]
async fn what_is_about_the_caller_comes_from_the_authorizer_alone() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    let claims = [
        "X-Consumer-Username",
        "x_consumer_username",
        "X-Consumer-Custom-Id",
        "X.Consumer.Id",
        "X-Consumer-Groups",
        "X-Forwarded-For",
        "X_Forwarded_For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Port",
        "X-Forwarded-User",
        "X-Forwarded",
        "Forwarded",
        "Forwarded-For",
        "X-Real-IP",
        "Client-IP",
        "X-Client-IP",
        "X-Cluster-Client-IP",
        "Fastly-Client-IP",
        "True-Client-IP",
        "X-Appengine-User-IP",
        "Remote-User",
        "X_Remote_User",
        "CF-Connecting-IP",
        "CF-IPCountry",
        "Cf_Ray",
        "Edge-Client",
        "Edge-Key",
        "Edge_Target",
        "Signature",
        "Signature-Input",
        "X-HTTP-Method-Override",
        "X-Original-URL",
        "X-Rewrite-URL",
        "Proxy",
        "X-Amzn-Oidc-Identity",
    ];
    for form in Form::ALL {
        for named in ["", "X-Consumer-Username, X-Forwarded-For, X-Consumer-Id, x-secret"] {
            let request = forwarding.request("GET", "/items");
            let event = forwarding.api.integration_event(form, &request, (b"", Passed::Text), &caller());
            let lines: Vec<_> = claims.iter().map(|name| (*name, "forged")).chain([("Connection", named)]).collect();
            let lines: Vec<_> = lines.into_iter().chain([("X-Secret", "s")]).collect();
            function.decide(with_lines(event, &lines).to_string()).await;
            let [received] = &forwarding.blue.take()[..] else { panic!("{form:?}: not one request") };
            let forged: Vec<_> = received.headers.iter().filter(|(_, value)| value.contains("forged")).collect();
            assert!(forged.is_empty(), "{form:?}: {forged:?}");
            assert_eq!(received.header("x-consumer-username"), Some("acme"), "{form:?}");
            assert_eq!(received.header("x-forwarded-for"), Some("203.0.113.7"), "{form:?}");
            assert_eq!(received.header("x-forwarded-proto"), Some("https"), "{form:?}");
            assert_eq!(received.header("x-secret"), if named.is_empty() { Some("s") } else { None }, "{form:?}");
        }
    }
}

/// Where no edge has proved a ray, nobody has.
#[tokio::test]
async fn a_ray_that_nobody_verified_is_passed_to_nobody() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    for form in Form::ALL {
        for name in ["Cf-Ray", "CF_RAY", "Cf-Connecting-IP", "Cf_IPCountry"] {
            let request = forwarding.request("GET", "/items").with_header(name, "forged");
            forwarding.send(&function, form, &request, &json!({ "principal": "acme" })).await;
            let [received] = &forwarding.blue.take()[..] else { panic!("{form:?}: not one request") };
            assert!(received.headers.iter().all(|(_, value)| value != "forged"), "{form:?}: {:?}", received.headers);
        }
    }
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_given_to_nobody() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    let stray = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret";
    for method in ["GET", "POST"] {
        forwarding.blue.next([Behaviour::Surplus(stray)]);
        let request = forwarding.request(method, "/first");
        forwarding.send(&function, Form::Rest, &request, &caller()).await;
        let request = forwarding.request(method, "/second");
        let forwarded = forwarding.send(&function, Form::Rest, &request, &caller()).await;
        assert_eq!((forwarded.status, &forwarded.json()["target"]), (200, &json!("/second")), "{method}");
    }
    assert_eq!(forwarding.blue.take().len(), 4);
}
