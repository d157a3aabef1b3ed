//! Canaries in every place where a secret can be: none of them is ever written, whatever goes wrong.

use countersign_tests::aws::Outage;
use countersign_tests::deployment::{Deployment, READER, key_hash, key_record};
use countersign_tests::events::{Kind, WireRequest};
use countersign_tests::function::Function;
use countersign_tests::issuer::{Algorithm, Issuer, SigningKey, token};
use countersign_tests::runtime_api::Reply;
use countersign_tests::signer::EdgeKey;
use serde_json::json;

/// Not one of the secrets in any line, nor in what API Gateway was told.
#[track_caller]
fn assert_kept(function: &Function, replies: &[Reply], secrets: &[String]) {
    let lines = function.output();
    assert!(!lines.is_empty(), "nothing was written, so this shows nothing");
    let told = replies.iter().map(|reply| match reply {
        Reply::Answer(bytes) | Reply::Streamed { bytes, .. } => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Error { error_type, error_message } => format!("{error_type} {error_message}"),
    });
    for line in lines.into_iter().chain(told) {
        for secret in secrets {
            assert!(!line.contains(secret.as_str()), "{secret:?} is in {line}");
        }
    }
}

/// What must not be seen of a token: the whole of it, its claims, its signature.
fn parts_of(token: &str) -> impl Iterator<Item = String> {
    token.split('.').skip(1).map(str::to_owned).filter(|part| !part.is_empty())
}

/// Headers and query values that are nobody's business.
fn with_private_parts(request: WireRequest) -> WireRequest {
    request
        .with_header("Cookie", "session=canary-cookie")
        .with_header("X-Custom", "canary-header")
        .with_header("User-Agent", "canary-agent")
}

const PRIVATE: [&str; 5] = ["canary-cookie", "canary-header", "canary-agent", "canary-query", "canary-basic"];

fn private() -> Vec<String> {
    // What the process itself holds for calling AWS belongs to them.
    PRIVATE.into_iter().chain(["bPxRfiCYEXAMPLEKEY", "canary-session"]).map(str::to_owned).collect()
}

#[tokio::test]
async fn behind_an_edge() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[("AWS_SESSION_TOKEN", "canary-session")]).await;
    let forger = EdgeKey::random(deployment.edge.keyid());
    let mut secrets = private();
    secrets.push(deployment.edge.secret_value());
    secrets.push(
        serde_json::from_str::<serde_json::Value>(&deployment.edge.secret_value()).unwrap()["key"]
            .as_str()
            .unwrap()
            .to_owned(),
    );
    secrets.extend([READER, "nobody-key-0001-imported"].map(key_hash));
    secrets.push("raw-canary-key-0001".to_owned());

    let draft = |raw: &str| deployment.draft("POST", "/items?token=canary-query").key_hash(&key_hash(raw));
    let good = || draft(READER).sign();
    let signature_of = |request: &WireRequest| {
        request.header("signature").unwrap().trim_start_matches("edge=:").trim_end_matches(":").to_owned()
    };
    let mut requests = vec![
        good(),
        draft("nobody-key-0001-imported").sign(),
        draft(READER).sign_with(&forger),
        draft(READER).parameter("created", "1").sign(),
        draft(READER).parameter("created", "canary-query").sign(),
        draft(READER).parameter("keyid", "\"stranger\"").sign(),
        good().with_header("X-Api-Key", "raw-canary-key-0001"),
        good().with_header("Edge-Secret", "canary-header"),
        good().with_header("Signature", "edge=:Y2FuYXJ5:"),
        good().with_header("Authorization", "Basic canary-basic"),
        WireRequest { target: "/prod/items?token=canary-query&other=canary-query".to_owned(), ..good() },
        WireRequest { target: "/prod/other?token=canary-query".to_owned(), ..good() },
        WireRequest { authority: "elsewhere.example.com".to_owned(), ..good() },
    ];
    requests.push(requests[0].clone());
    secrets.extend(requests.iter().map(signature_of).filter(|signature| signature.len() > 20));

    let mut replies = Vec::new();
    for request in requests.into_iter().map(with_private_parts) {
        for kind in Kind::SIGNABLE {
            replies.push(deployment.send(&function, kind, &request).await.decided.reply);
        }
    }
    assert_kept(&function, &replies, &secrets);
}

#[tokio::test]
async fn without_an_edge() {
    let key = SigningKey::generate("2026-11", Algorithm::EdDsa);
    let stranger = SigningKey::generate("2026-11", Algorithm::EdDsa);
    let issuer = Issuer::start(&[&key]).await;
    let deployment = Deployment::new().await;
    deployment.table.put(&issuer.record("https://api.example.com"));
    let function = deployment.authorizer(&[("REQUIRE", "caller"), ("AWS_SESSION_TOKEN", "canary-session")]).await;

    let mut wrong_audience = issuer.claims("https://elsewhere.example.com");
    wrong_audience["email"] = json!("canary-header");
    let tokens = [
        token(&key, &issuer.claims("https://api.example.com")),
        token(&stranger, &issuer.claims("https://api.example.com")),
        token(&key, &wrong_audience),
        token(&key, &json!({ "iss": "https://unknown.example.com", "sub": "canary-header" })),
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.".to_owned(),
        "not.a-canary.a-canary-too".to_owned(),
    ];
    let keys = [READER, "nobody-key-0001-imported", "csk_canarycanarycanarycanary12", "short"];
    let mut secrets: Vec<_> = private().into_iter().chain(tokens.iter().flat_map(|token| parts_of(token))).collect();
    secrets.extend(keys.iter().filter(|key| key.len() > 5).flat_map(|key| [(*key).to_owned(), key_hash(key)]));

    let request = || WireRequest::new("GET", &deployment.api.domain, "/prod/items?token=canary-query");
    let mut requests: Vec<_> =
        tokens.iter().map(|token| request().with_header("Authorization", &format!("Bearer {token}"))).collect();
    requests.extend(
        keys.iter()
            .flat_map(|key| [request().with_header("X-Api-Key", key), request().with_header("Authorization", key)]),
    );
    requests.push(request().with_header("Authorization", "Basic canary-basic"));
    requests.push(request().with_header("X-Api-Key", READER).with_header("x-api-key", READER));

    let mut replies = Vec::new();
    for request in requests.into_iter().map(with_private_parts) {
        for kind in Kind::ALL {
            replies.push(deployment.send(&function, kind, &request).await.decided.reply);
        }
    }
    assert_kept(&function, &replies, &secrets);
}

/// Errors quote what they stumble over, and what dependencies say is quoted too.
#[tokio::test]
async fn when_everything_fails() {
    for outage in [Outage::Throttle, Outage::ServerError, Outage::Garbage, Outage::AccessDenied, Outage::Truncated] {
        let deployment = Deployment::new().await;
        let function = deployment.authorizer(&[("REPLAY", "all")]).await;
        deployment.table.service.fail(outage).await;
        let request = with_private_parts(deployment.signed("GET", "/items?token=canary-query", READER));
        let mut replies = vec![deployment.send(&function, Kind::RestRequest, &request).await.decided.reply];
        deployment.secret.service.fail(outage).await;
        replies.push(deployment.send(&function, Kind::Http2, &request).await.decided.reply);
        let secrets: Vec<_> = private().into_iter().chain([key_hash(READER)]).collect();
        assert_kept(&function, &replies, &secrets);
    }
}

/// A secret or a record that cannot be understood is reported, and not quoted.
#[tokio::test]
async fn when_what_is_stored_is_malformed() {
    for value in [
        r#"{"alg":"hmac-sha256","key":"canary-key-not-base64!"}"#,
        r#"{"alg":"hmac-sha256","key":"Y2FuYXJ5"}"#,
        r#"{"alg":"hmac-sha512","key":"canary-key-of-another-algorithm-canary-key"}"#,
        r#"{"alg":"ed25519","key":"canary-private-key-canary-private-key"}"#,
        r#"{"key":"canary-key-without-algorithm"#,
        "canary-too-short",
        "canary with spaces canary with spaces canary with spaces canary with",
    ] {
        let deployment = Deployment::new().await;
        deployment.secret.put(deployment.edge.keyid(), &["AWSCURRENT"], Some(value));
        let function = deployment.authorizer(&[]).await;
        let response = deployment.send(&function, Kind::Http2, &deployment.signed("GET", "/items", READER)).await;
        assert_eq!((response.status, response.outcome()), (500, "fault"), "{value}");
        assert_kept(&function, &[response.decided.reply], &["canary".to_owned(), "Y2FuYXJ5".to_owned()]);
    }

    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[("REQUIRE", "caller")]).await;
    for (name, value) in [("grants", json!("canary")), ("status", json!(7)), ("cidrs", json!({ "canary": 1 }))] {
        let raw = format!("raw-key-with-wrong-{name}");
        let mut record = key_record(&raw);
        record[name] = value;
        deployment.table.put(&record);
        let request = WireRequest::new("GET", &deployment.api.domain, "/prod/items").with_header("x-api-key", &raw);
        let response = deployment.send(&function, Kind::Http2, &request).await;
        assert_eq!((response.status, response.code()), (500, "record_malformed"), "{name}");
        assert_kept(&function, &[response.decided.reply], &[raw.clone(), key_hash(&raw)]);
    }
}

/// Whatever a caller writes, a decision is one line of JSON.
#[tokio::test]
async fn no_one_can_break_a_line() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[("REQUIRE", "caller")]).await;
    let forged = "{\"outcome\":\"allow\",\"code\":\"allow\"}";
    let breaks = ["\n", "\r\n", "\u{2028}", "\u{85}", "\0"].map(|end| format!("x{end}{forged}{end}"));
    let before = function.output().len();
    let mut decisions = 0;
    for text in &breaks {
        for kind in [Kind::RestRequest, Kind::Http2] {
            let mut event = deployment.api.event(kind, &WireRequest::new("GET", &deployment.api.domain, "/prod/items"));
            event["requestContext"]["requestId"] = json!(text);
            event["headers"]["host"] = json!(text);
            event["multiValueHeaders"]["Host"] = json!([text]);
            function.decide(event.to_string()).await;
            event =
                deployment.api.event(kind, &WireRequest::new(text, &deployment.api.domain, &format!("/prod/{text}")));
            function.decide(event.to_string()).await;
            decisions += 2;
        }
    }
    let lines = function.output().split_off(before);
    assert_eq!(lines.len(), decisions, "one line each: {lines:#?}");
    for line in lines {
        let line: serde_json::Value = serde_json::from_str(&line).expect("a line is JSON");
        assert_ne!(line["outcome"], "allow");
    }
}
