//! Ten thousand strangers of each sort. What they make us ask is bounded and counted, and a good
//! caller is served among them.

use std::time::Duration;

use countersign_tests::deployment::{Deployment, READER, key_hash};
use countersign_tests::events::{Kind, WireRequest};
use countersign_tests::function::Function;
use countersign_tests::gateway;
use countersign_tests::issuer::{Algorithm, Issuer, SigningKey, token, token_with};
use countersign_tests::signer::{Draft, EdgeKey};
use serde_json::json;
use tokio::time::Instant;

const STRANGERS: usize = 10_000;
const AUDIENCE: &str = "https://api.example.com";
/// Look-ups of unknown keys or issuers in one second of one environment.
const BUDGET: usize = 20;

/// Sends one request of each stranger and, now and then, one of a good caller. Returns the seconds
/// that took, begun ones included.
async fn flood(
    deployment: &Deployment,
    function: &Function,
    kind: Kind,
    stranger: impl Fn(usize) -> WireRequest,
    good: impl Fn() -> WireRequest,
) -> usize {
    let resident = function.resident_bytes();
    let began = Instant::now();
    for n in 0..STRANGERS {
        let event = deployment.api.event(kind, &stranger(n));
        let reply = function.invoke(event.to_string()).await;
        let status = gateway::status(kind, gateway::arn_of(&event), &reply);
        assert_ne!(status, 200, "stranger {n} was let in: {reply:?}");
        if n % 500 == 0 {
            let response = deployment.send(function, kind, &good()).await;
            assert_eq!(response.status, 200, "after {n} strangers: {response:?}");
            assert!(response.decided.took < Duration::from_millis(1500), "after {n}: {:?}", response.decided.took);
        }
    }
    let grown = function.resident_bytes().saturating_sub(resident);
    assert!(grown < 32 << 20, "the flood left {grown} bytes behind");
    began.elapsed().as_secs() as usize + 1
}

#[tokio::test]
async fn of_keyids() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[]).await;
    let good = || deployment.signed("GET", "/items", READER);
    deployment.send(&function, Kind::Http2, &good()).await;

    let stranger = |n: usize| {
        let key = EdgeKey::hmac(&format!("ffffffff-6f4b-4a53-8f2e-{n:012}"), &[7; 32]);
        Draft::new(&key, "GET", &deployment.api.domain, "/prod/items").key_hash(&key_hash(READER)).sign()
    };
    let seconds = flood(&deployment, &function, Kind::Http2, stranger, good).await;

    let service = &deployment.secret.service;
    let describes = service.count("DescribeSecret", "");
    assert!(describes <= 2 + seconds / 10, "{describes} looks at the labels in {seconds} s");
    assert_eq!(service.count("GetSecretValue", ""), 1, "only the one labelled value is ever read");
    let reads = deployment.table.service.count("GetItem", "");
    assert!(reads <= 1 + seconds / 30, "{reads} reads for strangers who proved nothing");
}

/// The right keyid and a signature made up: nothing is looked up for whoever cannot sign.
#[tokio::test]
async fn of_forged_signatures() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[]).await;
    let good = || deployment.signed("GET", "/items", READER);
    deployment.send(&function, Kind::RestRequest, &good()).await;
    deployment.table.service.forget_calls();

    let forger = EdgeKey::random(deployment.edge.keyid());
    let stranger = |n: usize| {
        deployment
            .draft("GET", &format!("/items/{n}"))
            .key_hash(&key_hash(&format!("made-up-key-{n}")))
            .sign_with(&forger)
    };
    let seconds = flood(&deployment, &function, Kind::RestRequest, stranger, good).await;

    let reads = deployment.table.service.count("GetItem", "");
    assert!(reads <= seconds / 30 + 1, "{reads} reads for forgers in {seconds} s");
    assert!(deployment.secret.service.calls().len() <= 2 + seconds / 30);
}

#[tokio::test]
async fn of_api_keys() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[("REQUIRE", "caller")]).await;
    let request =
        |raw: &str| WireRequest::new("GET", &deployment.api.domain, "/prod/items").with_header("x-api-key", raw);
    let good = || request(READER);
    deployment.send(&function, Kind::Http2, &good()).await;

    let stranger = |n: usize| request(&format!("made-up-key-{n:08}"));
    let seconds = flood(&deployment, &function, Kind::Http2, stranger, good).await;

    let reads = deployment.table.service.count("GetItem", "");
    assert!(reads <= BUDGET * (seconds + 1) + 1 + seconds / 30, "{reads} reads in {seconds} s");
    assert!(reads > BUDGET, "some strangers are looked up, or this test shows nothing");
}

/// One made-up key again and again costs one read in five seconds.
#[tokio::test]
async fn of_one_api_key() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[("REQUIRE", "caller")]).await;
    let request =
        |raw: &str| WireRequest::new("GET", &deployment.api.domain, "/prod/items").with_header("x-api-key", raw);
    let good = || request(READER);
    deployment.send(&function, Kind::Http1, &good()).await;
    deployment.table.service.forget_calls();

    let seconds = flood(&deployment, &function, Kind::Http1, |_| request("made-up-key"), good).await;
    let reads = deployment.table.service.count("GetItem", &format!("key#{}", key_hash("made-up-key")));
    assert!((1..=1 + seconds / 5).contains(&reads), "{reads} reads of one unknown key in {seconds} s");
}

/// A caller with a token, who passes, and the tokens of strangers.
async fn with_tokens(stranger: impl Fn(&SigningKey, &Issuer, usize) -> String) -> (Deployment, Issuer, usize) {
    let key = SigningKey::generate("2026-11", Algorithm::EdDsa);
    let issuer = Issuer::start(&[&key]).await;
    let deployment = Deployment::new().await;
    deployment.table.put(&issuer.record(AUDIENCE));
    let function = deployment.authorizer(&[("REQUIRE", "caller")]).await;
    let request = |token: &str| {
        let request = WireRequest::new("GET", &deployment.api.domain, "/prod/items");
        request.with_header("Authorization", &format!("Bearer {token}"))
    };
    let good = || request(&token(&key, &issuer.claims(AUDIENCE)));
    deployment.send(&function, Kind::RestToken, &good()).await;

    let seconds = flood(&deployment, &function, Kind::RestToken, |n| request(&stranger(&key, &issuer, n)), good).await;
    (deployment, issuer, seconds)
}

#[tokio::test]
async fn of_issuers() {
    let (deployment, issuer, seconds) = with_tokens(|key, issuer, n| {
        let mut claims = issuer.claims(AUDIENCE);
        // Each of them would answer, if it were asked.
        claims["iss"] = json!(format!("{}/tenant-{n}", issuer.url()));
        token(key, &claims)
    })
    .await;
    let reads = deployment.table.service.count("GetItem", "");
    assert!(reads <= BUDGET * (seconds + 1) + 2 + seconds / 15, "{reads} reads in {seconds} s");
    assert!(reads > BUDGET, "some strangers are looked up, or this test shows nothing");
    assert!(issuer.count("") <= 1 + seconds / 30, "{} requests to issuers", issuer.count(""));
}

#[tokio::test]
async fn of_kids() {
    let (deployment, issuer, seconds) = with_tokens(|key, issuer, n| {
        token_with(
            key,
            &json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": format!("kid-{n}") }),
            &issuer.claims(AUDIENCE),
        )
    })
    .await;
    let fetches = issuer.count("jwks");
    assert!((1..=2 + seconds / 30).contains(&fetches), "{fetches} fetches of the key set in {seconds} s");
    let reads = deployment.table.service.count("GetItem", "issuer#");
    assert!(reads <= 1 + seconds / 30, "{reads} reads of the issuer's record in {seconds} s");
}

/// A key that the issuer publishes while strangers flood is found within the 30 s between fetches.
#[tokio::test]
async fn of_kids_does_not_lock_out_a_rotated_key() {
    let [key, rotated] = ["2026-11", "2026-12"].map(|kid| SigningKey::generate(kid, Algorithm::EdDsa));
    let issuer = Issuer::start(&[&key]).await;
    let deployment = Deployment::new().await;
    deployment.table.put(&issuer.record(AUDIENCE));
    let function = deployment.authorizer(&[("REQUIRE", "caller")]).await;
    let ask = async |token: &str| {
        let request = WireRequest::new("GET", &deployment.api.domain, "/prod/items");
        deployment.send(&function, Kind::Http2, &request.with_header("Authorization", &format!("Bearer {token}"))).await
    };
    let stranger = |n: u64| {
        let header = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": format!("kid-{n}") });
        token_with(&key, &header, &issuer.claims(AUDIENCE))
    };
    assert_eq!(ask(&token(&key, &issuer.claims(AUDIENCE))).await.status, 200);
    assert_ne!(ask(&stranger(0)).await.status, 200);

    issuer.publish(&[&key, &rotated]);
    let published = Instant::now();
    let mut n = 0;
    let found = loop {
        n += 1;
        assert_ne!(ask(&stranger(n)).await.status, 200);
        if ask(&token(&rotated, &issuer.claims(AUDIENCE))).await.status == 200 {
            break published.elapsed();
        }
        assert!(published.elapsed() < Duration::from_secs(35), "a published key is still unknown");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert!(found < Duration::from_secs(32), "a published key was unknown for {found:?}");
    assert_eq!(ask(&token(&key, &issuer.claims(AUDIENCE))).await.status, 200);
}
