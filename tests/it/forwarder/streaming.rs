//! `RESPONSE=stream`: an answer reaches the client while its back end still sends it, in as much memory as a
//! small one takes, and one that breaks off is never taken for whole.

use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign_tests::aws::invoke::Functions;
use countersign_tests::backend::Behaviour;
use countersign_tests::events::proxy::{Form, Passed};
use countersign_tests::forwarder::{Forwarded, Forwarding, caller, edge, streamed};
use countersign_tests::function::{Begun, Function};
use countersign_tests::runtime_api::{End, Part, Reply};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::sleep;

struct World {
    forwarding: Forwarding,
    function: Function,
}

impl World {
    /// Its forwarder gives a silent back end up after a second.
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(more: &[(&str, &str)]) -> Self {
        let forwarding = Forwarding::with_a_route().await;
        let own = [("RESPONSE", "stream"), ("BACKEND_TIMEOUT", "1")];
        let function = forwarding.forwarder(&[&own, more].concat()).await;
        Self { forwarding, function }
    }

    async fn send(&self, method: &str, behaviour: Behaviour) -> Forwarded {
        self.forwarding.blue.next([behaviour]);
        let request = self.forwarding.request(method, "/items?secret=1");
        self.forwarding.send(&self.function, Form::Rest, &request, &caller()).await
    }

    fn begin(&self, behaviour: Behaviour) -> Begun<'_> {
        self.forwarding.blue.next([behaviour]);
        let request = self.forwarding.request("GET", "/items?secret=1");
        let event = self.forwarding.api.integration_event(Form::Rest, &request, (b"", Passed::Text), &caller());
        self.function.begin(event.to_string())
    }

    /// Nothing that happened to one answer is left for the next.
    async fn assert_alive(&self) {
        let next = self.send("GET", Behaviour::Tell).await;
        assert_eq!((next.status, next.code(), end(&next)), (200, "forwarded", &End::Whole));
    }
}

fn end(forwarded: &Forwarded) -> &End {
    let Reply::Streamed { end, .. } = &forwarded.decided.reply else { panic!("not streamed: {forwarded:?}") };
    end
}

fn cut() -> End {
    let error_body = r#"{"errorType":"Fault","errorMessage":"answer_cut"}"#.to_owned();
    End::Cut { error_type: "Fault.answer_cut".to_owned(), error_body }
}

async fn piece(begun: &mut Begun<'_>) -> Vec<u8> {
    match begun.part().await {
        Part::Piece(piece) => piece,
        Part::Whole(reply) => panic!("{reply:?}"),
        Part::End(end) => panic!("{end:?}"),
    }
}

fn paced(pieces: &[&'static [u8]]) -> (Behaviour, Arc<Semaphore>) {
    let pace = Arc::new(Semaphore::new(0));
    (Behaviour::Paced(pieces.to_vec(), pace.clone()), pace)
}

#[tokio::test]
async fn each_piece_is_passed_on_before_the_next_is_there() {
    let world = World::with(&[("BACKEND_TIMEOUT", "20")]).await;
    let (behaviour, pace) = paced(&[b"first", b"second"]);
    let mut begun = world.begin(behaviour);
    let head = piece(&mut begun).await;
    assert_eq!(streamed(&head), (200, Vec::new(), &b""[..]), "the back end has said no more");
    for expected in [b"first".as_slice(), b"second"] {
        pace.add_permits(1);
        assert_eq!(piece(&mut begun).await, expected);
    }
    assert!(!begun.is_told(), "it is not over");
    pace.add_permits(1);
    let Part::End(End::Whole) = begun.part().await else { panic!("not whole") };
    let audit = begun.audit().await;
    assert_eq!((&audit["outcome"], &audit["code"]), (&json!("forwarded"), &json!("forwarded")));
    assert_eq!((&audit["status"], &audit["bytes"]), (&json!(200), &json!(11)));
    assert_eq!((&audit["backend"], &audit["causes"]), (&json!("blue"), &Value::Null));
    world.assert_alive().await;
}

/// The parts of the test keep 64 MB; the function keeps a few pieces.
#[tokio::test]
async fn a_large_answer_takes_no_more_memory_than_a_small_one() {
    const LARGE: usize = 64 << 20;
    let world = World::with(&[("BACKEND_TIMEOUT", "20")]).await;
    world.assert_alive().await;
    let before = world.function.peak_resident_bytes();
    let forwarded = world.send("GET", Behaviour::Huge(LARGE)).await;
    assert_eq!((forwarded.status, end(&forwarded)), (200, &End::Whole));
    assert!(forwarded.body.len() == LARGE && forwarded.body.iter().all(|byte| *byte == b'x'));
    assert_eq!((forwarded.code(), &forwarded.decided.audit["bytes"]), ("forwarded", &json!(LARGE)));
    let grown = world.function.peak_resident_bytes() - before;
    assert!(grown < 12 << 20, "{grown} bytes more than before");
}

#[tokio::test]
async fn what_nobody_takes_is_not_read() {
    let world = World::new().await;
    world.assert_alive().await;
    let before = world.function.resident_bytes();
    let mut begun = world.begin(Behaviour::Endless);
    for _ in 0..100 {
        piece(&mut begun).await;
    }
    // Longer than a back end may be silent: it is not the back end that is waited for.
    sleep(Duration::from_millis(1_500)).await;
    assert!(!begun.is_told());
    let grown = world.function.resident_bytes().saturating_sub(before);
    assert!(grown < 12 << 20, "{grown} bytes more than before");
    piece(&mut begun).await;
    let audit = begun.hang_up().await;
    assert_eq!((&audit["outcome"], &audit["code"]), (&json!("fault"), &json!("answer_untaken")));
    assert!(audit["bytes"].as_u64() > Some(1 << 20) && audit["status"] == 200, "{audit}");
    assert_eq!(audit["causes"], json!(["nobody takes the answer any more"]));
    world.assert_alive().await;
}

/// Nobody waits for a back end in the name of a client that is gone.
#[tokio::test]
async fn a_client_that_hangs_up_ends_the_wait() {
    let world = World::with(&[("BACKEND_TIMEOUT", "20")]).await;
    let (behaviour, _pace) = paced(&[b"never"]);
    let mut begun = world.begin(behaviour);
    piece(&mut begun).await;
    let started = Instant::now();
    assert_eq!(begun.hang_up().await["code"], "answer_untaken");
    world.assert_alive().await;
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_taken_for_whole() {
    let world = World::new().await;
    for (behaviour, length) in
        [(Behaviour::Truncated(100_000), 50_000), (Behaviour::Truncated(10), 5), (Behaviour::Unended, 4)]
    {
        for method in ["GET", "POST"] {
            let forwarded = world.send(method, behaviour.clone()).await;
            assert_eq!((forwarded.status, end(&forwarded)), (200, &cut()), "{behaviour:?}");
            assert_eq!(forwarded.body.len(), length, "{behaviour:?}: nothing is added to what was there");
            let audit = &forwarded.decided.audit;
            assert_eq!((forwarded.outcome(), forwarded.code()), ("fault", "backend_answer_invalid"), "{behaviour:?}");
            assert_eq!((&audit["status"], &audit["bytes"]), (&json!(200), &json!(length)), "{behaviour:?}");
            let causes = audit["causes"].to_string();
            assert!(causes.contains("http://127.0.0.1") && !causes.contains("secret"), "{causes}");
            assert_eq!(world.forwarding.blue.take().len(), 1, "{method}: it is not asked again");
        }
        world.assert_alive().await;
        world.forwarding.blue.take();
    }
}

#[tokio::test]
async fn a_back_end_may_take_its_time_but_not_fall_silent() {
    let world = World::with(&[("BACKEND_TIMEOUT", "2")]).await;
    let pieces: [&[u8]; 5] = [b"1", b"2", b"3", b"4", b"5"];
    for silent in [false, true] {
        let (behaviour, pace) = paced(&pieces);
        let mut begun = world.begin(behaviour);
        piece(&mut begun).await;
        // Longer than two seconds together.
        for expected in pieces {
            sleep(Duration::from_millis(500)).await;
            pace.add_permits(1);
            assert_eq!(piece(&mut begun).await, expected);
        }
        let started = Instant::now();
        pace.add_permits(usize::from(!silent));
        let Part::End(end) = begun.part().await else { panic!("it goes on") };
        let (expected, outcome, code) =
            if silent { (cut(), "fault", "backend_timeout") } else { (End::Whole, "forwarded", "forwarded") };
        assert_eq!(end, expected);
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
        let audit = begun.audit().await;
        assert_eq!((&audit["outcome"], &audit["code"], &audit["bytes"]), (&json!(outcome), &json!(code), &json!(5)));
    }
}

/// Lambda would end it without a line, and the environment with it.
#[tokio::test]
async fn an_answer_ends_before_the_function_has_to() {
    let world = World::with(&[("BACKEND_TIMEOUT", "20")]).await;
    world.function.time_out_after(Duration::from_secs(2));
    let (behaviour, pace) = paced(&[b"1", b"2"]);
    pace.add_permits(1);
    let started = Instant::now();
    let silent = world.send("GET", behaviour).await;
    assert_eq!((silent.code(), end(&silent), silent.body.as_slice()), ("backend_timeout", &cut(), &b"1"[..]));

    let begun = world.begin(Behaviour::Endless);
    let audit = begun.audit().await;
    assert_eq!(audit["code"], "answer_untaken");
    assert_eq!(audit["causes"], json!(["the answer was not taken before the function has to end"]));
    assert!(started.elapsed() < Duration::from_secs(15), "by nothing else: {:?}", started.elapsed());
}

#[tokio::test]
async fn an_answer_goes_back_as_it_was_given() {
    let world = World::new().await;
    let all: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let mut headers = vec![
        ("content-type", "image/x".to_owned()),
        ("set-cookie", "a=1; Path=/".to_owned()),
        ("set-cookie", "b=2, or not".to_owned()),
        ("vary", "accept".to_owned()),
        ("vary", "origin".to_owned()),
        ("location", "http://169.254.169.254/latest".to_owned()),
        ("x-empty", String::new()),
    ];
    headers.extend((0..80).map(|n| ("x-many", n.to_string())));
    for status in [200, 206, 302, 404, 503] {
        let connection = [("connection", "x-hop".to_owned()), ("x-hop", "1".to_owned())];
        let reply = Behaviour::Reply {
            status,
            headers: headers.iter().cloned().chain(connection).collect(),
            body: all.clone().into(),
        };
        let forwarded = world.send("GET", reply).await;
        assert_eq!((forwarded.status, end(&forwarded)), (status, &End::Whole));
        assert_eq!(forwarded.body, all, "byte for byte, and not as base64");
        let mut sent = headers.clone();
        let mut back: Vec<_> = forwarded.headers.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        sent.sort();
        back.sort();
        assert_eq!(back, sent, "{status}");
    }
}

#[tokio::test]
async fn an_answer_without_a_body_ends_at_once() {
    let world = World::with(&[("BACKEND_TIMEOUT", "20")]).await;
    for (method, status, body) in [("HEAD", 200, "not sent"), ("GET", 204, ""), ("GET", 304, ""), ("DELETE", 200, "")] {
        let headers = vec![("etag", "\"7\"".to_owned())];
        let started = Instant::now();
        let forwarded = world.send(method, Behaviour::Reply { status, headers, body: body.into() }).await;
        assert_eq!((forwarded.status, end(&forwarded)), (status, &End::Whole), "{method}");
        assert_eq!((forwarded.header("etag"), forwarded.body.len()), (Some("\"7\""), 0), "{method} {status}");
        assert_eq!(forwarded.decided.audit["bytes"], 0, "{method} {status}");
        assert!(started.elapsed() < Duration::from_secs(5), "{method} {status}: {:?}", started.elapsed());
    }
}

/// Their gateways take nothing else.
#[tokio::test]
async fn http_apis_are_answered_whole() {
    let world = World::with(&[("BACKEND_TIMEOUT", "20")]).await;
    let send = async |form, behaviour| {
        world.forwarding.blue.next([behaviour]);
        let request = world.forwarding.request("GET", "/items");
        world.forwarding.send(&world.function, form, &request, &caller()).await
    };
    for form in [Form::Http1, Form::Http2] {
        let whole = send(form, Behaviour::Huge(1 << 20)).await;
        assert!(matches!(whole.decided.reply, Reply::Answer(_)), "{form:?}");
        assert_eq!((whole.status, whole.body.len(), &whole.decided.audit["bytes"]), (200, 1 << 20, &Value::Null));
        for (behaviour, code) in
            [(Behaviour::Huge(7 << 20), "backend_answer_too_large"), (Behaviour::Unended, "backend_answer_invalid")]
        {
            let refused = send(form, behaviour).await;
            assert_eq!((refused.status, refused.code()), (502, code), "{form:?}");
        }
    }
}

/// What is there at once goes the same way: the gateway expects it.
#[tokio::test]
async fn doors_and_functions_answer_in_the_same_form() {
    const MAIL: &str = "arn:aws:lambda:eu-west-1:123456789012:function:mail";
    let functions = Functions::start(&[MAIL]).await;
    let (backends, url) = (format!("blue={MAIL}"), functions.url());
    let world = World::with(&[("BACKENDS", backends.as_str()), ("AWS_ENDPOINT_URL_LAMBDA", url.as_str())]).await;
    functions.answer(&json!({
        "statusCode": 201, "headers": { "x-one": "1" }, "body": "AP8=", "isBase64Encoded": true,
        "multiValueHeaders": { "set-cookie": ["a=1", "b=2"] },
    }));
    let request = world.forwarding.request("GET", "/items");
    let answered = world.forwarding.send(&world.function, Form::Rest, &request, &caller()).await;
    assert_eq!((answered.status, answered.body.as_slice(), end(&answered)), (201, &b"\0\xff"[..], &End::Whole));
    assert_eq!(answered.header("x-one"), Some("1"));
    assert_eq!(answered.headers.iter().filter(|(name, _)| name == "set-cookie").count(), 2);
    assert_eq!((answered.code(), &answered.decided.audit["bytes"]), ("forwarded", &json!(2)));

    let request = world.forwarding.request("GET", "/.countersign/probe");
    let probed = world.forwarding.send(&world.function, Form::Rest, &request, &edge()).await;
    assert_eq!((probed.status, probed.body.len(), end(&probed)), (204, 0, &End::Whole));
    assert_eq!(probed.code(), "inside_probe");
}
