//! What changes in the table or in the secret is seen in time, by environments that are warm.

use std::time::Duration;

use countersign_tests::deployment::{Deployment, READER, key_hash, key_record};
use countersign_tests::events::Kind;
use countersign_tests::signer::{Draft, EdgeKey};
use serde_json::json;
use tokio::time::{Instant, sleep};

/// The revocation bound, and what a request may take on top of it.
const REVOCATION: Duration = Duration::from_secs(32);
/// How long an unknown key is remembered as unknown.
const NEGATIVE: Duration = Duration::from_secs(6);
/// The one timing rule: the edge signs with a new key no sooner than this after its value is readable.
const ACTIVATION: Duration = Duration::from_secs(15);

#[tokio::test]
async fn a_revoked_key_stops_within_its_bound() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[]).await;
    let ask = async || deployment.send(&function, Kind::Http2, &deployment.signed("GET", "/items", READER)).await;
    assert_eq!(ask().await.code(), "allow");

    let mut record = key_record(READER);
    record["status"] = json!("revoked");
    deployment.table.put(&record);
    let revoked = Instant::now();
    loop {
        let response = ask().await;
        if response.code() == "key_revoked" {
            break;
        }
        assert_eq!(response.code(), "allow");
        assert!(revoked.elapsed() < REVOCATION, "a revoked key still works");
        sleep(Duration::from_millis(500)).await;
    }
    let reads = deployment.table.service.calls();
    assert!(reads.iter().all(|call| call.input["ConsistentRead"] == true), "an eventual read may bring a key back");
    assert!(reads.len() <= 3, "{} reads of one key in {:?}", reads.len(), revoked.elapsed());
}

#[tokio::test]
async fn a_new_key_works_soon_after_it_was_tried_too_early() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[]).await;
    let ask = async || {
        let request = deployment.signed("GET", "/items", "early-key-0001-imported");
        deployment.send(&function, Kind::RestRequest, &request).await
    };
    assert_eq!(ask().await.code(), "key_unknown");
    deployment.table.put(&key_record("early-key-0001-imported"));
    let written = Instant::now();
    while ask().await.code() != "allow" {
        assert!(written.elapsed() < NEGATIVE, "a key that exists is still unknown");
        sleep(Duration::from_millis(250)).await;
    }
}

#[tokio::test]
async fn a_new_shared_key_is_never_refused_once_it_may_be_used() {
    used_as_soon_as_allowed(EdgeKey::random).await;
}

#[tokio::test]
async fn a_new_public_key_is_never_refused_once_it_may_be_used() {
    used_as_soon_as_allowed(|keyid| EdgeKey::p256(keyid, None)).await;
}

/// Three environments of different age, strangers asking each of them all the while.
async fn used_as_soon_as_allowed(make: impl Fn(&str) -> EdgeKey) {
    let fresh = make("1d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a010");
    let deployment = Deployment::of(make("1d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a011")).await;
    let signed_by = |key: &EdgeKey| {
        let draft = Draft::new(key, "GET", &deployment.api.domain, &deployment.api.target("/items"));
        draft.key_hash(&key_hash(READER)).sign()
    };
    let mut functions = Vec::new();
    for _ in 0..3 {
        functions.push(deployment.authorizer(&[]).await);
        sleep(Duration::from_secs(1)).await;
    }

    // First a placeholder, used by someone who guessed its id; then the value.
    deployment.secret.put(fresh.keyid(), &["AWSPENDING"], None);
    for function in &functions {
        let early = deployment.send(function, Kind::Http2, &signed_by(&fresh)).await;
        assert_ne!(early.outcome(), "allow");
    }
    deployment.secret.put(fresh.keyid(), &["AWSPENDING"], Some(&fresh.secret_value()));
    if let Some(record) = fresh.record() {
        deployment.table.put(&record);
    }
    let readable = Instant::now();
    let mut strangers = 0;
    while readable.elapsed() < ACTIVATION {
        strangers += 1;
        let stranger = EdgeKey::hmac(&format!("ffffffff-6f4b-4a53-8f2e-{strangers:012}"), &[7; 32]);
        for function in &functions {
            let response = deployment.send(function, Kind::Http2, &signed_by(&stranger)).await;
            assert_ne!(response.outcome(), "allow");
        }
        sleep(Duration::from_millis(200)).await;
    }
    for function in &functions {
        for key in [&fresh, &deployment.edge] {
            let response = deployment.send(function, Kind::Http2, &signed_by(key)).await;
            assert_eq!(response.code(), "allow", "{} {}", key.algorithm(), key.keyid());
        }
    }
}

/// Every label that makes a key acceptable, and every algorithm; what has no label is refused.
#[tokio::test]
async fn labels_alone_say_which_key_signs() {
    let keyids = [20, 21, 22].map(|n| format!("2d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a0{n}"));
    for make in [EdgeKey::random, |keyid: &str| EdgeKey::ed25519(keyid, None), |keyid: &str| EdgeKey::p256(keyid, None)]
    {
        let deployment = Deployment::of(make("2d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a02f")).await;
        let [previous, pending, retired] = keyids.each_ref().map(|keyid| make(keyid));
        for (key, labels) in
            [(&previous, &["AWSPREVIOUS"] as &[_]), (&pending, &["AWSPENDING"]), (&retired, &["RETIRING"])]
        {
            deployment.secret.put(key.keyid(), labels, Some(&key.secret_value()));
            if let Some(record) = key.record() {
                deployment.table.put(&record);
            }
        }
        let function = deployment.authorizer(&[]).await;
        for (key, code) in [
            (&deployment.edge, "allow"),
            (&previous, "allow"),
            (&pending, "allow"),
            (&retired, "signature_key_unknown"),
        ] {
            let draft = Draft::new(key, "GET", &deployment.api.domain, "/prod/items").key_hash(&key_hash(READER));
            let response = deployment.send(&function, Kind::RestRequest, &draft.sign()).await;
            assert_eq!(response.code(), code, "{} {}", key.algorithm(), key.keyid());
            if code == "allow" {
                let forged = deployment.send(&function, Kind::RestRequest, &draft.sign_with(&make(key.keyid()))).await;
                assert_eq!(forged.code(), "signature_invalid", "{}", key.algorithm());
            }
        }
        // The private halves of asymmetric keys are nothing that an authorizer may even ask for.
        let values = deployment.secret.service.count("GetSecretValue", "");
        assert_eq!(values > 0, deployment.edge.record().is_none(), "{}", deployment.edge.algorithm());
    }
}

/// What the template generates is a key as it stands: 64 letters and digits, taken as bytes.
#[tokio::test]
async fn a_generated_secret_is_a_key_at_once() {
    let generated = "Zk3mVq0Xn1sT7bYd9GhJ2kLpW4fZ0aQ8Rr5Uu6Ee7Tt8Yy9Ii0Oo1Pp2Aa3Ss4D9";
    let deployment = Deployment::of(EdgeKey::hmac("3d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a030", generated.as_bytes())).await;
    deployment.secret.put(deployment.edge.keyid(), &["AWSCURRENT"], Some(generated));
    let function = deployment.authorizer(&[]).await;
    let response = deployment.send(&function, Kind::Http2, &deployment.signed("GET", "/items", READER)).await;
    assert_eq!(response.code(), "allow");
}
