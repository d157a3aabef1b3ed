//! A token instead of a signature: it proves the edge and nothing about the request, so all that
//! a signature would carry is refused beside it.

use countersign_tests::deployment::{Deployment, READER, Response, key_hash, key_record};
use countersign_tests::events::{Kind, WireRequest};
use countersign_tests::function::Function;
use countersign_tests::issuer::{Algorithm, Issuer, SigningKey, now, token};
use serde_json::{Value, json};

mod worker;

/// The kinds that carry more than one header.
const KINDS: [Kind; 4] = Kind::SIGNABLE;

struct Edge {
    deployment: Deployment,
    issuer: Issuer,
    key: SigningKey,
    function: Function,
}

impl Edge {
    async fn new(env: &[(&str, &str)]) -> Self {
        let key = SigningKey::generate("edge-2026-11", Algorithm::Es256);
        let issuer = Issuer::start(&[&key]).await;
        let deployment = Deployment::new().await;
        let mut record = issuer.record(&deployment.api.domain);
        record["edge"] = json!(true);
        record["grants"] = json!([]);
        deployment.table.put(&record);
        let env: Vec<_> = [("EDGE_PROOF", "token")].into_iter().chain(env.iter().copied()).collect();
        let function = deployment.authorizer(&env).await;
        Self { deployment, issuer, key, function }
    }

    fn claims(&self) -> Value {
        let mut claims = self.issuer.claims(&self.deployment.api.domain);
        claims["exp"] = json!(now() + 240);
        claims
    }

    /// A request with the edge's token and no caller yet.
    fn request(&self, claims: &Value) -> WireRequest {
        WireRequest::new("GET", &self.deployment.api.domain, "/prod/items")
            .with_header("Edge-Token", &token(&self.key, claims))
    }

    async fn ask(&self, kind: Kind, request: &WireRequest) -> Response {
        self.deployment.send(&self.function, kind, request).await
    }
}

#[tokio::test]
async fn a_token_and_the_callers_own_key_pass_together() {
    for proof in ["token", "either"] {
        let edge = Edge::new(&[("EDGE_PROOF", proof)]).await;
        for kind in KINDS {
            let request = edge.request(&edge.claims()).with_header("X-Api-Key", READER);
            let response = edge.ask(kind, &request).await;
            assert_eq!((response.status, response.code()), (200, "allow"), "{proof} {kind:?}");
        }
    }
}

#[tokio::test]
async fn a_token_alone_is_no_caller() {
    for require in ["edge+caller", "edge"] {
        let grants = if require == "edge" { "GET /items" } else { "" };
        let edge = Edge::new(&[("REQUIRE", require), ("ANONYMOUS_GRANTS", grants)]).await;
        for kind in KINDS {
            let response = edge.ask(kind, &edge.request(&edge.claims())).await;
            assert_eq!((response.outcome(), response.code()), ("refuse", "caller_missing"), "{require} {kind:?}");
        }
    }
}

#[tokio::test]
async fn what_only_a_signature_could_prove_is_refused() {
    let edge = Edge::new(&[]).await;
    let with_key = || edge.request(&edge.claims()).with_header("X-Api-Key", READER);
    let either = Edge::new(&[("EDGE_PROOF", "either")]).await;
    let signed = either.deployment.signed("GET", "/items", READER);
    for kind in KINDS {
        for (name, value) in [
            ("Edge-Key", key_hash(READER)),
            ("Edge-Client", r#"ip="192.0.2.1""#.to_owned()),
            ("Edge-Anything", "1".to_owned()),
        ] {
            let response = edge.ask(kind, &with_key().with_header(name, &value)).await;
            assert_eq!((response.outcome(), response.code()), ("refuse", "edge_header_unsigned"), "{kind:?} {name}");
        }
        let both = signed.clone().with_header("Edge-Token", &token(&either.key, &either.claims()));
        let response = either.ask(kind, &both).await;
        assert_eq!((response.outcome(), response.code()), ("refuse", "credentials_ambiguous"), "{kind:?}");
        assert_eq!(either.ask(kind, &signed).await.code(), "allow", "{kind:?}: each alone is good");
    }
}

#[tokio::test]
async fn there_are_no_inside_doors_and_no_addresses() {
    let edge = Edge::new(&[]).await;
    let mut record = key_record("office-key-0001-imported");
    record["grants"] = json!(["* /*", "CONNECT /"]);
    record["cidrs"] = json!(["0.0.0.0/0", "::/0"]);
    edge.deployment.table.put(&record);
    for kind in KINDS {
        let request = edge.request(&edge.claims()).with_header("X-Api-Key", "office-key-0001-imported");
        assert_eq!(edge.ask(kind, &request).await.code(), "key_address", "{kind:?}");
    }
    for kind in [Kind::RestRequest, Kind::Http1, Kind::Http2] {
        let mut knock = edge.request(&edge.claims());
        knock.target = "/prod/.countersign/probe".to_owned();
        assert_eq!(edge.ask(kind, &knock).await.code(), "inside_path", "{kind:?}");
    }
}

#[tokio::test]
async fn a_token_for_another_host_or_too_long_is_refused() {
    let edge = Edge::new(&[]).await;
    for (claim, value, code) in [
        ("aud", json!("elsewhere.example.com"), "token_audience"),
        ("aud", json!(["elsewhere.example.com"]), "token_audience"),
        ("exp", json!(now() + 330), "token_lifetime"),
        ("exp", json!(now() - 60), "token_expired"),
        ("nbf", json!(now() + 120), "token_future"),
    ] {
        let mut claims = edge.claims();
        claims[claim] = value.clone();
        for kind in KINDS {
            let response = edge.ask(kind, &edge.request(&claims).with_header("X-Api-Key", READER)).await;
            assert_eq!((response.outcome(), response.code()), ("refuse", code), "{kind:?} {claim} {value}");
        }
    }
    let forger = SigningKey::generate("edge-2026-11", Algorithm::Es256);
    let forged = token(&forger, &edge.claims());
    let request = WireRequest::new("GET", &edge.deployment.api.domain, "/prod/items");
    let request = request.with_header("Edge-Token", &forged).with_header("X-Api-Key", READER);
    assert_eq!(edge.ask(Kind::Http2, &request).await.code(), "token_signature");
}

/// The edge's issuer speaks for no caller, and a caller's issuer for no edge.
#[tokio::test]
async fn an_issuer_is_one_or_the_other() {
    let edge = Edge::new(&[]).await;
    let caller_key = SigningKey::generate("2026-11", Algorithm::Es256);
    let callers = Issuer::start(&[&caller_key]).await;
    edge.deployment.table.put(&callers.record(&edge.deployment.api.domain));
    let mut claims = callers.claims(&edge.deployment.api.domain);
    claims["exp"] = json!(now() + 240);
    let of_caller = token(&caller_key, &claims);
    let of_edge = token(&edge.key, &edge.claims());
    for (edge_token, bearer, code) in [
        (&of_edge, &of_caller, "allow"),
        (&of_caller, &of_caller, "edge_token_issuer"),
        (&of_edge, &of_edge, "edge_token_issuer"),
    ] {
        let request = WireRequest::new("GET", &edge.deployment.api.domain, "/prod/items")
            .with_header("Edge-Token", edge_token)
            .with_header("Authorization", &format!("Bearer {bearer}"));
        assert_eq!(edge.ask(Kind::Http2, &request).await.code(), code);
    }
}

#[tokio::test]
async fn it_is_off_unless_asked_for() {
    let edge = Edge::new(&[("EDGE_PROOF", "")]).await;
    let response = edge.ask(Kind::Http2, &edge.request(&edge.claims()).with_header("X-Api-Key", READER)).await;
    assert_eq!(response.outcome(), "refuse");
    assert_eq!(edge.issuer.count(""), 0, "nobody asked who signed it");
}
