//! A request that changes something is good for one time; our own retry is not a second one.

use std::time::Duration;

use countersign_tests::aws::Outage;
use countersign_tests::deployment::{Deployment, OWNER, READER, key_hash};
use countersign_tests::events::Kind;
use countersign_tests::gateway;
use countersign_tests::issuer::now;
use countersign_tests::signer::{EdgeKey, quoted};

/// The kinds that show a method.
const WITH_METHOD: [Kind; 3] = [Kind::RestRequest, Kind::Http1, Kind::Http2];

#[tokio::test]
async fn what_changes_something_passes_once() {
    let deployment = Deployment::with_owner().await;
    let function = deployment.authorizer(&[]).await;
    for (kind, method) in
        WITH_METHOD.into_iter().flat_map(|kind| ["POST", "PUT", "PATCH", "DELETE"].map(|method| (kind, method)))
    {
        let request = deployment.signed(method, "/items", OWNER);
        let first = deployment.send(&function, kind, &request).await;
        assert_eq!((first.status, first.code()), (200, "allow"), "{kind:?} {method}");
        for _ in 0..2 {
            let again = deployment.send(&function, kind, &request).await;
            assert_eq!((again.outcome(), again.code()), ("refuse", "nonce_replayed"), "{kind:?} {method}");
            assert_eq!(again.status, if kind.answers_401_by_error() { 401 } else { 403 });
        }
    }
}

#[tokio::test]
async fn a_claim_is_stored_under_the_keyid_and_outlives_the_signature() {
    let deployment = Deployment::with_owner().await;
    let function = deployment.authorizer(&[]).await;
    let request = deployment
        .draft("POST", "/items")
        .key_hash(&key_hash(READER))
        .parameter("nonce", quoted("a-nonce-of-22-letters1"))
        .parameter("expires", (now() + 240).to_string());
    assert_eq!(deployment.send(&function, Kind::Http2, &request.sign()).await.status, 200);

    let pk = format!("nonce#{}#a-nonce-of-22-letters1", deployment.edge.keyid());
    let claim = deployment.table.get(&pk).expect("the claim is in the table");
    let ttl: u64 = claim["ttl"]["N"].as_str().expect("a ttl").parse().unwrap();
    assert!(ttl >= now() + 239, "the claim ends at {ttl}, before the signature does");
    assert!(ttl <= now() + 24 * 3600, "the claim stays until {ttl}");
}

#[tokio::test]
async fn two_environments_share_the_claim() {
    let deployment = Deployment::with_owner().await;
    let (one, other) = (deployment.authorizer(&[]).await, deployment.authorizer(&[]).await);
    for _ in 0..10 {
        let request = deployment.signed("POST", "/items", READER);
        let event = deployment.api.event(Kind::Http2, &request).to_string();
        // Different invocations: each environment counts on its own, so the ids are given here.
        let (first, second) = tokio::join!(
            one.invoke_as("5f0c1a52-0000-4000-8000-000000000001", event.clone()),
            other.invoke_as("5f0c1a52-0000-4000-8000-000000000002", event.clone()),
        );
        let arn = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/POST/items";
        let statuses = [&first, &second].map(|reply| gateway::status(Kind::Http2, arn, reply));
        assert!(statuses == [200, 403] || statuses == [403, 200], "{statuses:?}");
    }
}

#[tokio::test]
async fn our_own_retry_is_no_replay() {
    let deployment = Deployment::with_owner().await;
    let function = deployment.authorizer(&[]).await;
    let event = deployment.api.event(Kind::RestRequest, &deployment.signed("POST", "/items", READER));
    let arn = gateway::arn_of(&event);
    let invocation = "5f0c1a52-1111-4000-8000-000000000001";
    for _ in 0..3 {
        let reply = function.invoke_as(invocation, event.to_string()).await;
        assert_eq!(gateway::status(Kind::RestRequest, arn, &reply), 200, "{reply:?}");
    }
    let reply = function.invoke_as("5f0c1a52-1111-4000-8000-000000000002", event.to_string()).await;
    assert_eq!(gateway::status(Kind::RestRequest, arn, &reply), 401, "{reply:?}");
}

/// The id that makes a retry ours is Lambda's. Those in the event are not: clients choose some.
#[tokio::test]
async fn a_request_id_of_the_event_makes_no_retry() {
    let deployment = Deployment::with_owner().await;
    let function = deployment.authorizer(&[]).await;
    let request = deployment
        .signed("POST", "/items", READER)
        .with_header("X-Amzn-RequestId", "5f0c1a52-2222-4000-8000-000000000001")
        .with_header("Lambda-Runtime-Aws-Request-Id", "5f0c1a52-2222-4000-8000-000000000001");
    assert_eq!(deployment.send(&function, Kind::RestRequest, &request).await.status, 200);
    assert_eq!(deployment.send(&function, Kind::RestRequest, &request).await.code(), "nonce_replayed");
}

#[tokio::test]
async fn a_store_that_fails_is_a_fault() {
    for outage in Outage::DOWN.iter().copied().filter(|outage| !matches!(outage, Outage::Refuse | Outage::Truncated)) {
        let deployment = Deployment::with_owner().await;
        let function = deployment.authorizer(&[]).await;
        assert_eq!(
            deployment.send(&function, Kind::Http2, &deployment.signed("GET", "/items", READER)).await.status,
            200
        );
        deployment.table.service.fail_operation("PutItem", outage);
        for kind in WITH_METHOD {
            let response = deployment.send(&function, kind, &deployment.signed("POST", "/items", READER)).await;
            assert_eq!((response.status, response.code()), (500, "nonce_store_unavailable"), "{outage:?} {kind:?}");
            assert!(response.decided.took < Duration::from_millis(1500), "{outage:?}: {:?}", response.decided.took);
        }
        // What needs no claim goes on.
        assert_eq!(
            deployment.send(&function, Kind::Http2, &deployment.signed("GET", "/items", READER)).await.status,
            200
        );
    }
}

/// The claim is written and its answer is lost: the client's second attempt finds our own claim.
#[tokio::test]
async fn an_answer_lost_on_the_way_back_is_no_replay() {
    let deployment = Deployment::with_owner().await;
    let function = deployment.authorizer(&[]).await;
    deployment.table.service.fail_operation("PutItem", Outage::Truncated);
    let response = deployment.send(&function, Kind::Http2, &deployment.signed("POST", "/items", READER)).await;
    assert!(deployment.table.service.count("PutItem", "nonce#") > 1, "the client tries again");
    assert_eq!((response.status, response.code()), (200, "allow"));
}

#[tokio::test]
async fn a_nonce_is_claimed_only_when_all_else_allows() {
    let deployment = Deployment::with_owner().await;
    let function = deployment.authorizer(&[]).await;
    let forger = EdgeKey::random(deployment.edge.keyid());
    let unknown = key_hash("nobody-key-0001-imported");
    for request in [
        deployment.signed("POST", "/admin", READER),
        deployment.draft("POST", "/items").key_hash(&unknown).sign(),
        deployment.draft("POST", "/items").key_hash(&key_hash(READER)).sign_with(&forger),
        deployment.draft("POST", "/items").sign(),
    ] {
        let response = deployment.send(&function, Kind::Http2, &request).await;
        assert_eq!(response.outcome(), "refuse", "{response:?}");
    }
    assert_eq!(deployment.table.service.count("PutItem", ""), 0);
    assert!(deployment.table.keys("nonce#").is_empty());
}

#[tokio::test]
async fn a_nonce_is_required_where_it_is_claimed() {
    let deployment = Deployment::with_owner().await;
    let function = deployment.authorizer(&[]).await;
    let draft = |method: &str| deployment.draft(method, "/items").key_hash(&key_hash(OWNER));
    let missing = draft("POST").without_parameter("nonce").sign();
    assert_eq!(deployment.send(&function, Kind::Http2, &missing).await.code(), "nonce_missing");
    let longest = "n".repeat(64);
    let too_long = "n".repeat(65);
    for (nonce, code) in [
        ("sixteen-letters1", "allow"),
        (longest.as_str(), "allow"),
        ("fifteen-letters", "nonce_malformed"),
        (too_long.as_str(), "nonce_malformed"),
        ("with#hash-of-22-letter", "nonce_malformed"),
        ("with space 22 letters1", "nonce_malformed"),
        ("", "nonce_malformed"),
    ] {
        let request = draft("POST").parameter("nonce", quoted(nonce)).sign();
        assert_eq!(deployment.send(&function, Kind::Http2, &request).await.code(), code, "{nonce:?}");
    }
    // Reading changes nothing, so it may come twice and without a nonce.
    let read = draft("GET").without_parameter("nonce").sign();
    for _ in 0..2 {
        assert_eq!(deployment.send(&function, Kind::Http2, &read).await.code(), "allow");
    }
}

#[tokio::test]
async fn replay_all_claims_reads_and_connections_too() {
    let deployment = Deployment::with_owner().await;
    let function = deployment.authorizer(&[("REPLAY", "all")]).await;
    for kind in Kind::SIGNABLE {
        let request = deployment.signed("GET", "/items", READER);
        assert_eq!(deployment.send(&function, kind, &request).await.code(), "allow", "{kind:?}");
        assert_eq!(deployment.send(&function, kind, &request).await.code(), "nonce_replayed", "{kind:?}");
    }
}

#[tokio::test]
async fn replay_off_claims_nothing() {
    let deployment = Deployment::with_owner().await;
    let function = deployment.authorizer(&[("REPLAY", "off")]).await;
    let request = deployment.draft("POST", "/items").key_hash(&key_hash(READER)).without_parameter("nonce").sign();
    for _ in 0..2 {
        assert_eq!(deployment.send(&function, Kind::Http2, &request).await.code(), "allow");
    }
    assert_eq!(deployment.table.service.count("PutItem", ""), 0);
}
