//! The whole decision over the bare cryptography: event bytes in, answer bytes out, warm keys.
//!
//! Bare is what nobody could leave out: HMAC-SHA256 over the request's own signature base, with a
//! prepared key, or the RSA verification of the token's own bytes, with a parsed one. A key's hash
//! comes from the edge, so behind an edge an API key costs no hash here, only a longer base.
//!
//! Both are timed in the same run, in turns, and the ratio of their best rounds is printed with the
//! goal: the best round is the one that the machine's other work disturbed least.
//! The process starts the fakes, then itself again with the environment that points at them, so
//! that what is measured is the authorizer as it starts in Lambda. Allowed requests get no audit
//! line here, only their count: writing to a terminal is not what is measured.
//!
//! Run with `make bench`; `cargo bench -p countersign-tests -- key` takes the rows that have `key` in them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a bench ends at the first surprise")]

use std::hint::black_box;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::{hmac, signature as rsa};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use countersign_authorizer::answer::Answer;
use countersign_authorizer::config::Config;
use countersign_authorizer::handler::Authorizer;
use countersign_authorizer::start;
use countersign_decision::time::Timestamp;
use countersign_tests::deployment::{Deployment, KEYID, READER, key_hash};
use countersign_tests::events::{Kind, WireRequest};
use countersign_tests::issuer::{self, Issuer, SigningKey};
use countersign_tests::signer::EdgeKey;
use serde::{Deserialize, Serialize};

const ROUNDS: usize = 400;
const PER_ROUND: u32 = 50;
const AUDIENCE: &str = "https://api.example.com";
const HMAC_KEY: [u8; 32] = [7; 32];

/// What the second process is told, besides its environment.
#[derive(Deserialize, Serialize)]
struct Cases {
    edge: String,
    edge_base: String,
    edge_and_key: String,
    edge_and_key_base: String,
    token: String,
    token_text: String,
    rsa_public_key: String,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match std::env::var("COUNTERSIGN_BENCH") {
        Ok(cases) => runtime.block_on(measure(&serde_json::from_str(&cases).unwrap())),
        Err(_) => runtime.block_on(serve()),
    }
}

async fn serve() {
    let deployment = Deployment::of(EdgeKey::hmac(KEYID, &HMAC_KEY)).await;
    let signer = SigningKey::generate("bench", issuer::Algorithm::Rs256);
    let issuer = Issuer::start(&[&signer]).await;
    deployment.table.put(&issuer.record(AUDIENCE));
    let token = issuer::token(&signer, &issuer.claims(AUDIENCE));
    let event = |request: &WireRequest| padded(&deployment, request);
    let draft = || deployment.draft("GET", "/items/7?page=2&sort=name");
    let (edge, edge_and_key) = (draft(), draft().key_hash(&key_hash(READER)));
    let cases = Cases {
        edge: event(&edge.sign()),
        edge_base: edge.base(),
        edge_and_key: event(&edge_and_key.sign()),
        edge_and_key_base: edge_and_key.base(),
        token: event(
            &WireRequest::new("GET", &deployment.api.domain, &deployment.api.target("/items/7?page=2&sort=name"))
                .with_header("Authorization", &format!("Bearer {token}")),
        ),
        token_text: token,
        rsa_public_key: BASE64_STANDARD.encode(signer.spki()),
    };
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(std::env::args().skip(1))
        .env_clear()
        .envs(deployment.env())
        .envs([
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "bench"),
            ("AWS_SECRET_ACCESS_KEY", "bench"),
            ("AUDIT", "refusals"),
        ])
        .env("COUNTERSIGN_BENCH", serde_json::to_string(&cases).unwrap())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let status = child.wait().await.unwrap();
    std::process::exit(status.code().unwrap_or(1));
}

/// A REST event with the headers that a browser and two proxies add: 3.7 KB, as a real one.
fn padded(deployment: &Deployment, request: &WireRequest) -> String {
    let common = [
        ("Accept", "application/json"),
        ("Accept-Encoding", "br, gzip"),
        ("Accept-Language", "en-GB,en;q=0.9"),
        ("CF-Connecting-IP", "203.0.113.7"),
        ("CF-IPCountry", "GB"),
        ("CF-Ray", "8f2c1d5e6a7b8c9d-LHR"),
        ("CF-Visitor", "{\"scheme\":\"https\"}"),
        ("CF-Worker", "example.com"),
        ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("X-Amzn-Trace-Id", "Root=1-6a5145a8-536f3e792f6be9b44c1f46fa"),
        ("X-Forwarded-For", "198.51.100.23"),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
        ("Cookie", "session=5f2b8c1e9d7a4c3fb1e6a2d480f7c915; theme=dark"),
        ("Origin", "https://app.example.com"),
        ("Referer", "https://app.example.com/items?page=1"),
        ("Sec-Fetch-Mode", "cors"),
        ("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ];
    let request = common.into_iter().fold(request.clone(), |request, (name, value)| request.with_header(name, value));
    deployment.api.event(Kind::RestRequest, &request).to_string()
}

async fn measure(cases: &Cases) {
    let variable = |name: &str| std::env::var(name).ok();
    let edge_only = authorizer(|name| match name {
        "REQUIRE" => Some("edge".to_owned()),
        "ANONYMOUS_GRANTS" => Some("GET /items/*".to_owned()),
        name => variable(name),
    })
    .await;
    let edge_and_caller = authorizer(variable).await;
    let caller = authorizer(|name| match name {
        "REQUIRE" => Some("caller".to_owned()),
        "SIGNING_SECRET" | "AUTHORITIES" => None,
        name => variable(name),
    })
    .await;

    let hmac_key = hmac::Key::new(hmac::HMAC_SHA256, &HMAC_KEY);
    let bare_hmac = |base: &str| {
        let (base, tag) = (base.to_owned(), hmac::sign(&hmac_key, base.as_bytes()));
        let key = &hmac_key;
        move || hmac::verify(key, black_box(base.as_bytes()), tag.as_ref()).unwrap()
    };

    let rsa_key = BASE64_STANDARD.decode(&cases.rsa_public_key).unwrap();
    let rsa_key = rsa::ParsedPublicKey::new(&rsa::RSA_PKCS1_2048_8192_SHA256, rsa_key).unwrap();
    let (message, rsa_signature) = cases.token_text.rsplit_once('.').unwrap();
    let rsa_signature = BASE64_URL_SAFE_NO_PAD.decode(rsa_signature).unwrap();
    let bare_rsa = || rsa_key.verify_sig(black_box(message.as_bytes()), &rsa_signature).unwrap();

    let (edge_base, edge_and_key_base) = (&cases.edge_base, &cases.edge_and_key_base);
    println!("events: {} and {} bytes", cases.edge.len(), cases.edge_and_key.len());
    println!(
        "signature bases, which bare HMAC-SHA256 is over: {} and {} bytes",
        edge_base.len(),
        edge_and_key_base.len()
    );
    println!("{:<34}{:>10}{:>12}{:>8}{:>8}", "whole decision", "bare µs", "decision µs", "ratio", "goal");
    row("edge, hmac-sha256", 10.0, &bare_hmac(edge_base), &edge_only, &cases.edge).await;
    row("edge, hmac-sha256, and API key", 10.0, &bare_hmac(edge_and_key_base), &edge_and_caller, &cases.edge_and_key)
        .await;
    row("OIDC token, RS256", 1.4, &bare_rsa, &caller, &cases.token).await;
}

async fn authorizer(variable: impl Fn(&str) -> Option<String>) -> Authorizer {
    let config = Config::read(variable).unwrap_or_else(|problems| panic!("{problems}"));
    start::authorizer(config, now()).await.0
}

async fn row(name: &str, goal: f64, bare: &dyn Fn(), authorizer: &Authorizer, event: &str) {
    if std::env::args().skip(1).any(|wanted| !wanted.starts_with('-') && !name.contains(&wanted)) {
        return;
    }
    assert_allowed(authorizer.answer(event, "bench", now()).await);
    let (mut best_bare, mut best_decision) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        let started = Instant::now();
        for _ in 0..PER_ROUND {
            bare();
        }
        best_bare = best_bare.min(micros_each(started));
        let now = now();
        let started = Instant::now();
        for _ in 0..PER_ROUND {
            black_box(authorizer.answer(black_box(event), "bench", now).await);
        }
        best_decision = best_decision.min(micros_each(started));
    }
    println!("{name:<34}{best_bare:>10.2}{best_decision:>12.2}{:>8.2}{goal:>8.1}", best_decision / best_bare);
}

fn assert_allowed(answer: Answer) {
    assert!(matches!(&answer, Answer::Body(body) if body.contains("\"Allow\"")), "{answer:?}");
}

fn micros_each(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e6 / f64::from(PER_ROUND)
}

fn now() -> Timestamp {
    Timestamp::from_millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap())
}
