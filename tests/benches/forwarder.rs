//! The forwarder over a bare Lambda proxy: CPU time of both processes for the same events, each on a
//! fake Runtime API of its own and before the same back end.
//!
//! Bare is what nobody could leave out: the runtime's loop, the event parsed, the request sent with the
//! same client, the answer rendered (`src/bin/bare-proxy.rs`). What the forwarder does beyond that is
//! what the ratio shows: reading strictly, checking the body's digest, choosing the route, cleaning the
//! headers, accounting. Both take turns within one run, and the median of their rounds is compared. No
//! round writes a line for each request, but in the row that says so.
//!
//! Run with `make bench`; `cargo bench -p countersign-tests --bench forwarder -- POST` takes the rows that
//! have `POST` in them. Linux only: CPU time is read from `/proc`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a bench ends at the first surprise")]

use std::path::Path;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use countersign_tests::binary;
use countersign_tests::events::WireRequest;
use countersign_tests::events::proxy::{Form, Passed};
use countersign_tests::forwarder::{Forwarding, caller, with};
use countersign_tests::function::Function;
use countersign_tests::http::{Answer, Server};
use countersign_tests::runtime_api::Reply;
use serde_json::json;

const ROUNDS: usize = 40;
/// Fewer where a body is large.
const BYTES_PER_ROUND: usize = 10_000_000;
const MOST_PER_ROUND: usize = 100;

struct Row {
    name: &'static str,
    form: Form,
    method: &'static str,
    /// Bytes of the body, whose digest is verified.
    body: usize,
    audit: &'static str,
}

const ROWS: [Row; 5] = [
    Row { name: "HTTP 2.0, GET", form: Form::Http2, method: "GET", body: 0, audit: "refusals" },
    Row { name: "HTTP 2.0, GET, a line each", form: Form::Http2, method: "GET", body: 0, audit: "all" },
    Row { name: "REST, GET", form: Form::Rest, method: "GET", body: 0, audit: "refusals" },
    Row { name: "REST, POST, 10 kB, digest", form: Form::Rest, method: "POST", body: 10_000, audit: "refusals" },
    Row { name: "REST, POST, 1 MB, digest", form: Form::Rest, method: "POST", body: 1_000_000, audit: "refusals" },
];

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let forwarding = Forwarding::new().await;
        let body = json!({ "items": vec![json!({ "id": 7, "name": "a name" }); 20] }).to_string();
        let backend = Server::start(move |_| {
            let headers = [("content-type", "application/json"), ("cache-control", "no-store"), ("etag", "\"7\"")];
            let headers = headers.map(|(name, value)| (name, value.to_owned())).into();
            std::future::ready(Answer::Reply { status: 200, headers, body: body.clone().into() })
        })
        .await;
        for id in 0..10 {
            let path = format!("/v{id}/*");
            forwarding.put_route(&format!("r{id}"), &json!({ "match": { "path": [path] }, "backend": "blue" }));
        }
        forwarding.put_route("items", &json!({ "match": { "path": ["/items/*"] }, "backend": "blue", "priority": 1 }));
        println!("{:<30}{:>10}{:>14}{:>8}", "CPU of one request", "bare µs", "forwarder µs", "ratio");
        for row in ROWS.iter().filter(|row| is_wanted(row.name)) {
            measure(row, &forwarding, &backend.url()).await;
        }
    });
}

fn is_wanted(name: &str) -> bool {
    let mut wanted = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    wanted.peek().is_none() || wanted.any(|wanted| name.contains(&wanted))
}

async fn measure(row: &Row, forwarding: &Forwarding, backend: &str) {
    let format = if row.form == Form::Http2 { "2.0" } else { "1.0" };
    let bare = [("BACKEND", backend), ("FORMAT", format)];
    let bare = Function::try_start_of(Path::new(env!("CARGO_BIN_EXE_bare-proxy")), &bare).await.unwrap();
    let backends = format!("blue={backend}");
    let more = [("BACKENDS", backends.as_str()), ("AUDIT", row.audit)];
    let forwarder = forwarding.try_forwarder(binary::forwarder(), &more, &[]).await.unwrap();

    let event = event(row, forwarding);
    let requests = (BYTES_PER_ROUND / event.len()).min(MOST_PER_ROUND);
    let (mut of_bare, mut of_forwarder) = (Vec::new(), Vec::new());
    for _ in 0..=ROUNDS {
        of_bare.push(round(&bare, &event, requests).await);
        of_forwarder.push(round(&forwarder, &event, requests).await);
    }
    // The first of each is the warm-up.
    let (bare, forwarder) = (median(&mut of_bare[1..]), median(&mut of_forwarder[1..]));
    println!("{:<30}{bare:>10.1}{forwarder:>14.1}{:>8.2}", row.name, forwarder / bare);
}

/// A request as a browser sends it, through an edge that signs.
fn event(row: &Row, forwarding: &Forwarding) -> String {
    let common = [
        ("Accept", "application/json"),
        ("Accept-Encoding", "br, gzip"),
        ("Accept-Language", "en-GB,en;q=0.9"),
        ("CF-Ray", "8f2c1d5e6a7b8c9d-LHR"),
        ("Content-Type", "application/json"),
        ("Edge-Client", "ip=\"203.0.113.7\", ray=\"8f2c1d5e6a7b8c9d-LHR\", country=\"GB\", host=\"api.example.com\""),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("X-Amzn-Trace-Id", "Root=1-6a5145a8-536f3e792f6be9b44c1f46fa"),
        ("X-Forwarded-For", "198.51.100.23"),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
        ("Origin", "https://app.example.com"),
        ("Referer", "https://app.example.com/items?page=1"),
        ("Sec-Fetch-Mode", "cors"),
        ("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ];
    let request = forwarding.request(row.method, "/items/7?page=2&sort=name");
    let add = |request: WireRequest, (name, value): (&str, &str)| request.with_header(name, value);
    let mut request = common.into_iter().fold(request, add);
    let mut context = caller();
    let body = vec![b'x'; row.body];
    if row.body > 0 {
        let value = format!("sha-256=:{}:", BASE64_STANDARD.encode(digest(&SHA256, &body)));
        request = request.with_header("Content-Digest", &value);
        context = with(&context, "content_digest", &value);
    }
    forwarding.api.integration_event(row.form, &request, (&body, Passed::Text), &context).to_string()
}

/// CPU time of one request, in microseconds.
async fn round(function: &Function, event: &str, requests: usize) -> f64 {
    let before = function.cpu_time();
    for _ in 0..requests {
        let reply = function.invoke(event).await;
        let Reply::Answer(answer) = &reply else { panic!("{reply:?}") };
        assert!(answer.starts_with(b"{\"statusCode\":200,"), "{reply:?}");
    }
    let spent: Duration = function.cpu_time() - before;
    spent.as_secs_f64() * 1e6 / requests as f64
}

fn median(rounds: &mut [f64]) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}
