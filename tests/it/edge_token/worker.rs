//! The edge Worker with a token for its proof, before the authorizer that is to take it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use countersign_tests::cloudflare::Cloudflare;
use countersign_tests::deployment::{READER, key_hash};
use countersign_tests::edge::worker::{Settings, Worker, outbound, variables};
use countersign_tests::edge::{Answered, Exchange};
use countersign_tests::events::WireRequest;
use countersign_tests::issuer::token;
use countersign_tests::{binary, client, key_sync};
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::{Edge, KINDS};

const TOKEN_HOST: &str = "login.example.com";

#[tokio::test]
async fn what_the_worker_shows_instead_of_a_signature_is_taken() {
    let Some(build) = binary::edge_worker() else {
        println!("There is no edge Worker to ask: see COUNTERSIGN_WORKERD in the Makefile.");
        return;
    };
    let edge = Edge::new(&[]).await;
    let seen = Arc::<Mutex<Vec<WireRequest>>>::default();
    let (issued, claims) = (token(&edge.key, &edge.claims()), seen.clone());
    let exchange: Arc<Exchange> = Arc::new(move |request, body| {
        let answered = answer(&issued, &claims, request, &body);
        Box::pin(async move { answered })
    });
    let outbound = outbound::exchanging(exchange).await;
    let settings = Settings { outbound, variables: settings(&edge), clock: None };
    let worker = Worker::start(build, Arc::new(published().await), settings).await;
    let ask = async |headers: &[(&str, &str)]| {
        client::send("GET", &format!("http://{}/items?x=1", worker.authority()), headers, Bytes::new()).await.unwrap().0
    };
    assert_eq!(ask(&[("X-Api-Key", READER)]).await, 200, "{}", worker.said());
    assert_eq!(ask(&[("X-Api-Key", READER), ("Edge-Token", "forged"), ("Edge-Key", "forged")]).await, 200);
    assert_eq!(ask(&[("X-Api-Key", "nobody-has-this-key-0001")]).await, 401);
    let sent = std::mem::take(&mut *seen.lock().unwrap());
    assert_eq!(sent.len(), 2, "{sent:?}");
    for request in sent {
        for kind in KINDS {
            let response = edge.ask(kind, &request).await;
            assert_eq!((response.status, response.code()), (200, "allow"), "{kind:?} {request:?}");
        }
    }
}

/// The issuer's token endpoint, or the gateway, which keeps what it gets.
fn answer(issued: &str, seen: &Mutex<Vec<WireRequest>>, request: WireRequest, body: &Bytes) -> Answered {
    if request.authority != TOKEN_HOST {
        seen.lock().unwrap().push(request);
        return 200.into();
    }
    assert!(body.starts_with(b"grant_type=client_credentials"), "{body:?}");
    let granted = json!({ "access_token": issued, "token_type": "Bearer", "expires_in": 240 });
    Answered { status: 200, content_type: "application/json".to_owned(), body: granted.to_string().into() }
}

fn settings(edge: &Edge) -> BTreeMap<String, String> {
    let api = &edge.deployment.api;
    let mut settings = variables(&api.domain, &api.target(""), false);
    for (name, value) in [
        ("EDGE_PROOF", "token"),
        ("EDGE_TOKEN_URL", &format!("https://{TOKEN_HOST}/token")),
        ("EDGE_TOKEN_CLIENT_ID", "edge"),
        ("EDGE_TOKEN_CLIENT_SECRET", "only-for-tests"),
    ] {
        settings.insert(name.to_owned(), value.to_owned());
    }
    settings
}

/// What KV has of the table: a key, and no route.
async fn published() -> Cloudflare {
    let cloudflare = key_sync::cloudflare("cloudflare-token").await;
    let record = json!({ "version": 1, "key_id": "kid_1", "principal": "acme", "status": "active", "grants": [] });
    cloudflare.kv_put(&format!("key:{}", key_hash(READER)), &record.to_string(), Value::Null);
    cloudflare.kv_put("routes", r#"{"version":1,"routes":[]}"#, Value::Null);
    cloudflare
}
