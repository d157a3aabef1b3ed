//! Requests over HTTP(S): what arrives, and every bound on what comes back.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use countersign_https::{Bytes, Failure, Https, Network, Request, Response};
use countersign_tests::http::{Answer, Server};

const PATIENCE: Duration = Duration::from_millis(500);

fn reply(status: u16, headers: Vec<(&'static str, String)>, body: &'static str) -> Answer {
    Answer::Reply { status, headers, body: body.into() }
}

async fn get(https: &Https, url: &str, largest_body: usize) -> Result<Response, Failure> {
    let request = Request { method: "GET", url, headers: Vec::new(), body: Bytes::new() };
    https.send(request, largest_body, PATIENCE).await
}

/// What becomes of a request that is answered so.
async fn answered(answer: impl Fn() -> Answer + Send + Sync + 'static) -> Result<Response, Failure> {
    let server = Server::start(move |_| std::future::ready(answer())).await;
    get(&Https::new(Network::Any), &server.url(), 1000).await
}

#[tokio::test]
async fn a_request_arrives_as_it_was_made() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let server = Server::start({
        let seen = seen.clone();
        move |request| {
            let line = format!(
                "{} {} {} {} {} {}",
                request.method,
                request.target,
                request.header("x-one"),
                request.header("content-length"),
                request.header("user-agent"),
                String::from_utf8_lossy(&request.body),
            );
            seen.lock().unwrap().push(line);
            std::future::ready(reply(201, vec![("x-two", "2".to_owned())], "done"))
        }
    })
    .await;
    let https = Https::new(Network::Any);
    for (method, body) in [("POST", ""), ("PATCH", "{}")] {
        let url = format!("{}/a%2Fb?c=%20", server.url());
        let headers = vec![("x-one", "1".to_owned())];
        let response =
            https.send(Request { method, url: &url, headers, body: body.into() }, 100, PATIENCE).await.unwrap();
        assert_eq!(
            (response.status, response.header("X-Two"), response.body.as_slice()),
            (201, Some("2"), &b"done"[..])
        );
        assert_eq!(response.header("x-three"), None);
    }
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        *seen.lock().unwrap(),
        [
            format!("POST /a%2Fb?c=%20 1 0 countersign/{version} "),
            format!("PATCH /a%2Fb?c=%20 1 2 countersign/{version} {{}}"),
        ]
    );
}

#[tokio::test]
async fn a_name_may_be_there_twice_in_both_directions() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let server = Server::start({
        let seen = seen.clone();
        move |request| {
            let values = request.headers.get_all("x-many").iter().chain(request.headers.get_all("user-agent"));
            seen.lock().unwrap().extend(values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()));
            let cookies = ["a=1", "b=2"].map(|cookie| ("set-cookie", cookie.to_owned()));
            std::future::ready(reply(200, cookies.into(), ""))
        }
    })
    .await;
    let name = "X-Many".to_owned();
    let headers =
        vec![(name.as_str(), "one".to_owned()), ("x-many", "zwölf".to_owned()), ("User-Agent", "own".to_owned())];
    let request = Request { method: "GET", url: &server.url(), headers, body: Bytes::new() };
    let response = Https::new(Network::Any).send(request, 10, PATIENCE).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), ["one", "zwölf", "own"]);
    let cookies: Vec<_> =
        response.headers().filter(|(name, _)| *name == "set-cookie").map(|(_, value)| value).collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
}

#[tokio::test]
async fn a_body_is_read_up_to_its_bound() {
    let exact = answered(|| Answer::Reply { status: 200, headers: Vec::new(), body: vec![b'x'; 1000].into() }).await;
    assert_eq!(exact.unwrap().body.len(), 1000);
    let over = answered(|| Answer::Reply { status: 200, headers: Vec::new(), body: vec![b'x'; 1001].into() }).await;
    assert!(matches!(over, Err(Failure::TooLarge(_))));
    let started = Instant::now();
    assert!(matches!(answered(|| Answer::Endless).await, Err(Failure::TooLarge(_))));
    assert!(started.elapsed() < PATIENCE, "an endless body is given up at its bound, not at the patience");
}

#[tokio::test]
async fn a_slow_answer_ends_with_the_patience() {
    let started = Instant::now();
    let drip = || Answer::Drip { body: vec![b'x'; 900].into(), piece: 8, every: Duration::from_millis(100) };
    assert!(matches!(answered(drip).await, Err(Failure::NoAnswer(_))));
    assert!(matches!(answered(|| Answer::Hang).await, Err(Failure::NoAnswer(_))));
    assert!(started.elapsed() < PATIENCE * 3);
}

#[tokio::test]
async fn a_broken_connection_may_have_carried_the_request() {
    assert!(matches!(answered(|| Answer::Cut).await, Err(Failure::Disconnected(_))));
    assert!(matches!(answered(|| Answer::Truncated("half of this".into())).await, Err(Failure::NoAnswer(_))));
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let server = Server::start(|_| std::future::ready(Answer::status(200))).await;
    server.refuse().await;
    let refused = get(&Https::new(Network::Any), &server.url(), 1000).await;
    assert!(matches!(refused, Err(Failure::NotSent(_))));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let inside = Arc::new(Mutex::new(0));
    let target = Server::start({
        let inside = inside.clone();
        move |_| {
            *inside.lock().unwrap() += 1;
            std::future::ready(reply(200, Vec::new(), "secret"))
        }
    })
    .await;
    let location = target.url();
    let server = Server::start(move |_| std::future::ready(reply(302, vec![("location", location.clone())], ""))).await;
    let https = Https::new(Network::Any);
    let response = get(&https, &server.url(), 1000).await.unwrap();
    assert_eq!((response.status, response.header("location")), (302, Some(target.url().as_str())));
    assert_eq!(https.get(&server.url()).await, Err(format!("{}: status 302", server.url())));
    assert_eq!(*inside.lock().unwrap(), 0);
}

#[tokio::test]
async fn public_means_tls_to_public_addresses() {
    let asked = Arc::new(Mutex::new(0));
    let server = Server::start({
        let asked = asked.clone();
        move |_| {
            *asked.lock().unwrap() += 1;
            std::future::ready(Answer::status(200))
        }
    })
    .await;
    let port = server.authority().rsplit(':').next().unwrap().to_owned();
    let public = Https::new(Network::Public);
    for url in [
        server.url(),
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        // Other ways to write 127.0.0.1, which only a resolver takes apart.
        format!("https://2130706433:{port}/"),
        format!("https://0x7f.1:{port}/"),
    ] {
        let result = get(&public, &url, 1000).await;
        assert!(matches!(result, Err(Failure::Unsendable(_) | Failure::NotSent(_))), "{url}");
    }
    assert_eq!(*asked.lock().unwrap(), 0);
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_is_not_quoted() {
    let url = "http://127.0.0.1:9/";
    let headers = vec![("authorization", "Bearer canary\r\nx: y".to_owned())];
    let request = Request { method: "GET", url, headers, body: Bytes::new() };
    let Err(Failure::Unsendable(why)) = Https::new(Network::Any).send(request, 10, PATIENCE).await else {
        panic!("such a header was sent");
    };
    assert!(why.contains("authorization") && !why.contains("canary"), "{why}");
}
