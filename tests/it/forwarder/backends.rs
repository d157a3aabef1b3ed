//! What becomes of a request when its back end answers, and when it is down, slow, cut off, huge or
//! talks nonsense. Whatever it does, the client gets a defined answer, and nothing unsafe is sent twice.

use std::time::{Duration, Instant};

use countersign_tests::backend::{Behaviour, Received};
use countersign_tests::events::proxy::{Form, Passed};
use countersign_tests::forwarder::{Forwarded, Forwarding, caller, with};
use countersign_tests::function::Function;

const IDEMPOTENT: [&str; 5] = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"];
const UNSAFE: [&str; 2] = ["POST", "PATCH"];

/// One request through a fresh forwarder that waits for a second; what came of it, and what blue got.
async fn sent(forwarding: &Forwarding, function: &Function, method: &str) -> (Forwarded, Vec<Received>) {
    let request = forwarding.request(method, "/items/7?x=1");
    let forwarded = forwarding.send(function, Form::Rest, &request, &caller()).await;
    (forwarded, forwarding.blue.take())
}

async fn impatient(forwarding: &Forwarding) -> Function {
    forwarding.forwarder(&[("BACKEND_TIMEOUT", "1")]).await
}

/// Whatever the back end does, there is one answer to it, at once.
async fn assert_answer(behaviour: Behaviour, status: u16, code: &str, attempts_of_a_get: usize) {
    let forwarding = Forwarding::with_a_route().await;
    let function = impatient(&forwarding).await;
    forwarding.blue.always(behaviour.clone());
    for (method, attempts) in [("GET", attempts_of_a_get), ("POST", 1)] {
        let started = Instant::now();
        let (forwarded, received) = sent(&forwarding, &function, method).await;
        assert_eq!((forwarded.status, forwarded.code()), (status, code), "{method}, {behaviour:?}");
        assert_eq!(received.len(), attempts, "{method}, {behaviour:?}");
        assert!(started.elapsed() < Duration::from_secs(4), "{method}, {behaviour:?}: {:?}", started.elapsed());
        assert_eq!(forwarded.json()["code"], code);
        let causes = forwarded.decided.audit["causes"].to_string();
        assert!(causes.contains("http://127.0.0.1") && !causes.contains("x=1"), "a place, and no query: {causes}");
    }
    // It is none the worse for it.
    forwarding.blue.always(Behaviour::Tell);
    assert_eq!(sent(&forwarding, &function, "GET").await.0.status, 200);
}

#[tokio::test]
async fn a_request_reaches_its_back_end_and_the_answer_comes_back() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    for form in Form::ALL {
        let headers = [("Accept", "text/x"), ("Traceparent", "00-a-b-01"), ("Content-Type", "text/plain")];
        let request = forwarding.request("POST", "/items/7?a=1&b=%20");
        let request = headers.iter().fold(request, |request, (name, value)| request.with_header(name, value));
        forwarding.blue.next([Behaviour::Reply {
            status: 201,
            headers: vec![
                ("Content-Type", "text/plain".to_owned()),
                ("Set-Cookie", "a=1".to_owned()),
                ("Set-Cookie", "b=2".to_owned()),
                ("Connection", "X-Hop".to_owned()),
                ("X-Hop", "1".to_owned()),
            ],
            body: "made".into(),
        }]);
        let body = ("naïve".as_bytes(), Passed::Base64);
        let forwarded = forwarding.send_body(&function, form, &request, body, &caller()).await;

        let [received] = &forwarding.blue.take()[..] else { panic!("{form:?}: not one request") };
        assert_eq!((received.method.as_str(), received.target.as_str()), ("POST", "/items/7?a=1&b=%20"), "{form:?}");
        assert_eq!(received.body, "naïve".as_bytes());
        for (name, value) in headers {
            assert_eq!(received.header(name), Some(value), "{form:?}");
        }
        assert_eq!(received.header("x-consumer-username"), Some("acme"));
        assert_eq!(received.header("x-consumer-id"), Some("kid_0123456789ab"));
        assert_eq!(received.header("x-forwarded-for"), Some("203.0.113.7"));
        assert_eq!(received.header("x-forwarded-host"), Some("api.example.com"));
        assert_eq!(received.header("cf-ray"), Some("8f2c1d3e4b5a6978-LHR"));

        assert_eq!((forwarded.status, forwarded.body.as_slice()), (201, &b"made"[..]), "{form:?}");
        let cookies: Vec<_> = forwarded.headers.iter().filter(|(name, _)| name == "set-cookie").collect();
        assert_eq!(cookies.len(), 2, "{form:?}: {cookies:?}");
        assert_eq!((forwarded.header("x-hop"), forwarded.header("connection")), (None, None));
        let audit = &forwarded.decided.audit;
        assert_eq!((&audit["outcome"], &audit["backend"]), (&"forwarded".into(), &"blue".into()));
    }
}

#[tokio::test]
async fn every_method_and_status_passes() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    for method in IDEMPOTENT.into_iter().chain(UNSAFE) {
        let (forwarded, received) = sent(&forwarding, &function, method).await;
        assert_eq!((forwarded.status, received[0].method.as_str()), (200, method));
        let length = received[0].header("content-length");
        assert!(length.is_none_or(|length| length == "0"), "{method}: {length:?}");
    }
    for status in [200, 204, 301, 304, 400, 404, 418, 500, 503, 599] {
        forwarding.blue.next([Behaviour::Reply { status, headers: Vec::new(), body: "".into() }]);
        assert_eq!(sent(&forwarding, &function, "GET").await.0.status, status);
    }
}

#[tokio::test]
async fn a_back_end_that_is_down_is_unreachable() {
    let mut forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    forwarding.blue.stop().await;
    for method in ["GET", "POST"] {
        let (forwarded, _) = sent(&forwarding, &function, method).await;
        assert_eq!((forwarded.status, forwarded.code()), (502, "backend_unreachable"), "{method}");
        let causes = forwarded.decided.audit["causes"].as_array().map_or(0, Vec::len);
        assert_eq!(causes, if method == "GET" { 2 } else { 1 }, "one for each attempt");
    }
}

#[tokio::test]
async fn a_slow_back_end_is_waited_for_and_not_longer() {
    let forwarding = Forwarding::with_a_route().await;
    let function = impatient(&forwarding).await;
    forwarding.blue.next([Behaviour::Slow(Duration::from_millis(300))]);
    assert_eq!(sent(&forwarding, &function, "POST").await.0.status, 200);
}

#[tokio::test]
async fn a_back_end_that_says_nothing_is_a_timeout_and_not_asked_again() {
    assert_silence(Behaviour::Hang).await;
}

#[tokio::test]
async fn a_back_end_that_never_ends_its_answer_in_time_is_a_timeout() {
    assert_silence(Behaviour::Slow(Duration::from_secs(60))).await;
}

async fn assert_silence(behaviour: Behaviour) {
    let forwarding = Forwarding::with_a_route().await;
    let function = impatient(&forwarding).await;
    forwarding.blue.always(behaviour);
    for method in ["GET", "POST"] {
        let started = Instant::now();
        let (forwarded, received) = sent(&forwarding, &function, method).await;
        assert_eq!((forwarded.status, forwarded.code()), (504, "backend_timeout"), "{method}");
        assert_eq!(received.len(), 1, "{method}");
        assert!(started.elapsed() < Duration::from_secs(4), "{method}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn a_connection_cut_before_the_answer_is_tried_again_where_that_is_safe() {
    assert_answer(Behaviour::Cut, 502, "backend_answer_invalid", 2).await;
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    for method in IDEMPOTENT {
        forwarding.blue.next([Behaviour::Cut]);
        let (forwarded, received) = sent(&forwarding, &function, method).await;
        assert_eq!((forwarded.status, received.len()), (200, 2), "{method}");
    }
    for method in UNSAFE {
        forwarding.blue.next([Behaviour::Cut]);
        let (forwarded, received) = sent(&forwarding, &function, method).await;
        assert_eq!((forwarded.status, received.len()), (502, 1), "{method}");
    }
}

#[tokio::test]
async fn an_answer_cut_in_the_middle_is_none() {
    for behaviour in [Behaviour::Truncated(100_000), Behaviour::Truncated(10), Behaviour::Unended] {
        assert_answer(behaviour, 502, "backend_answer_invalid", 1).await;
    }
}

#[tokio::test]
async fn an_answer_larger_than_lambda_can_give_is_refused() {
    for behaviour in [Behaviour::Huge(7 << 20), Behaviour::Endless] {
        assert_answer(behaviour, 502, "backend_answer_too_large", 1).await;
    }
    let announced = Behaviour::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nx");
    assert_answer(announced, 502, "backend_answer_too_large", 1).await;
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    forwarding.blue.next([Behaviour::Huge(5 << 20)]);
    let (forwarded, _) = sent(&forwarding, &function, "GET").await;
    assert_eq!((forwarded.status, forwarded.body.len()), (200, 5 << 20));
}

#[tokio::test]
async fn nonsense_is_no_answer() {
    for nonsense in [
        &b"it works!\r\n\r\n"[..],
        b"\x00\x01\x02\x03\x04\x05\x06\x07",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 099 Low\r\n\r\n",
        b"HTTP/1.1 999 High\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad name: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        assert_answer(Behaviour::Raw(nonsense), 502, "backend_answer_invalid", 1).await;
    }
}

#[tokio::test]
async fn an_answer_with_more_headers_than_are_taken_is_none() {
    for lines in [600, 5_000] {
        let headers = vec![("X-Many", "1".to_owned()); lines];
        assert_answer(Behaviour::Reply { status: 200, headers, body: "".into() }, 502, "backend_answer_invalid", 1)
            .await;
    }
}

/// What cannot be sent now cannot be sent a moment later.
#[tokio::test]
async fn what_can_never_be_sent_is_not_tried_again() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    let request = forwarding.request("GET", "/items");
    let mut event = forwarding.api.integration_event(Form::Http2, &request, (b"", Passed::Text), &caller());
    event["headers"].as_object_mut().expect("headers").retain(|name, _| !name.eq_ignore_ascii_case("edge-target"));
    event["rawQueryString"] = "x".repeat(70_000).into();
    let decided = function.decide(event.to_string()).await;
    assert_eq!(decided.code(), "backend_unreachable");
    assert_eq!(decided.audit["causes"].as_array().map(Vec::len), Some(1), "{}", decided.audit["causes"]);
    assert!(forwarding.blue.take().is_empty());
}

#[tokio::test]
async fn a_redirect_is_passed_back_and_not_followed() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/inside", forwarding.green.url());
        let headers = vec![("Location", location.clone())];
        forwarding.blue.next([Behaviour::Reply { status, headers, body: "".into() }]);
        let (forwarded, _) = sent(&forwarding, &function, "GET").await;
        assert_eq!((forwarded.status, forwarded.header("location")), (status, Some(location.as_str())));
    }
    assert_eq!(forwarding.green.connections(), 0);
}

#[tokio::test]
async fn connections_are_kept_and_one_that_was_closed_meanwhile_loses_nothing() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    for _ in 0..3 {
        assert_eq!(sent(&forwarding, &function, "POST").await.0.status, 200);
    }
    assert_eq!(forwarding.blue.connections(), 1, "one connection serves one after the other");
    for connections in 2..5 {
        forwarding.blue.next([Behaviour::ThenClose(Duration::from_millis(20))]);
        assert_eq!(sent(&forwarding, &function, "POST").await.0.status, 200);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let (forwarded, received) = sent(&forwarding, &function, "POST").await;
        assert_eq!((forwarded.status, received.len()), (200, 1));
        assert_eq!(forwarding.blue.connections(), connections);
    }
}

#[tokio::test]
async fn a_connection_is_given_up_before_common_servers_close_it() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    for connections in 1..3 {
        assert_eq!(sent(&forwarding, &function, "POST").await.0.status, 200);
        assert_eq!(forwarding.blue.connections(), connections);
        tokio::time::sleep(Duration::from_millis(4_200)).await;
    }
}

#[tokio::test]
async fn credentials_and_identity_are_passed_on_as_configured() {
    let forwarding = Forwarding::with_a_route().await;
    let context = with(&caller(), "team", "blue");
    let request = forwarding.request("GET", "/items/7");
    let credentials = [("Authorization", "Bearer t"), ("X-Key", "k"), ("X-Team", "forged")];
    let request = credentials.iter().fold(request, |request, (name, value)| request.with_header(name, value));
    let shown = forwarding.forwarder(&[]).await;
    forwarding.send(&shown, Form::Http2, &request, &context).await;
    let received = forwarding.blue.take();
    assert_eq!((received[0].header("authorization"), received[0].header("x-key")), (Some("Bearer t"), Some("k")));
    let more = [
        ("HIDE_CREDENTIALS", "on"),
        ("API_KEY_HEADER", "X-Key"),
        ("IDENTITY_HEADERS", "team=X-Team,principal=X-Principal"),
    ];
    let hidden = forwarding.forwarder(&more).await;
    forwarding.send(&hidden, Form::Http2, &request, &context).await;
    let received = forwarding.blue.take();
    assert_eq!((received[0].header("authorization"), received[0].header("x-key")), (None, None));
    assert_eq!((received[0].header("x-team"), received[0].header("x-principal")), (Some("blue"), Some("acme")));
    assert_eq!(received[0].header("x-consumer-username"), None);
}
