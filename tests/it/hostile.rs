//! Events that no gateway should send. Each ends in an answer or an error; the process lives on,
//! nothing panics, nobody gets in, and the next honest caller is served.

mod excess;
mod shapes;

use countersign_tests::deployment::{Deployment, key_record};
use countersign_tests::events::{Kind, WireRequest};
use countersign_tests::function::Function;
use countersign_tests::gateway;
use countersign_tests::runtime_api::Reply;
use serde_json::{Value, json};

pub use self::shapes::pointers;

/// What an event may come to.
#[derive(Clone, Copy, PartialEq)]
enum Allowed {
    Never,
    /// The change may lie where nothing depends on it.
    Perhaps,
}

struct Target {
    deployment: Deployment,
    /// The edge is required here.
    signed: Function,
    /// Here a caller's own credential is enough.
    unsigned: Function,
}

impl Target {
    async fn new() -> Self {
        let deployment = Deployment::new().await;
        let mut owner = key_record("owner-key-0001-imported");
        owner["grants"] = json!(["* /*", "CONNECT /"]);
        deployment.table.put(&owner);
        let signed = deployment.authorizer(&[]).await;
        let unsigned = deployment.authorizer(&[("REQUIRE", "caller")]).await;
        Self { deployment, signed, unsigned }
    }

    /// An event that is allowed as it stands, for a caller who may do anything.
    fn good(&self, kind: Kind) -> Value {
        let request = match kind {
            Kind::RestToken => WireRequest::new("GET", &self.deployment.api.domain, "/prod/items")
                .with_header("Authorization", "owner-key-0001-imported"),
            _ => self.deployment.signed("GET", "/items?page=1", "owner-key-0001-imported"),
        };
        self.deployment.api.event(kind, &request)
    }

    const fn function(&self, kind: Kind) -> &Function {
        if matches!(kind, Kind::RestToken) { &self.unsigned } else { &self.signed }
    }

    /// Sends an event and holds the reply against what it may be.
    async fn send(&self, kind: Kind, event: impl Into<Vec<u8>>, allowed: Allowed, what: &str) {
        let reply = self.function(kind).invoke(event).await;
        let lets_in = match &reply {
            Reply::Answer(bytes) => {
                let answer: Value = serde_json::from_slice(bytes).expect("an answer is JSON");
                let statements = answer["policyDocument"]["Statement"].as_array().expect("a policy has statements");
                statements.iter().any(|statement| statement["Effect"] == "Allow")
            }
            Reply::Streamed { .. } => panic!("{kind:?} {what}: {reply:?}"),
            Reply::Error { error_message, .. } => {
                assert!(!error_message.contains("panick"), "{kind:?} {what}: {error_message}");
                false
            }
        };
        assert!(allowed == Allowed::Perhaps || !lets_in, "{kind:?} {what}: let in: {reply:?}");
    }

    /// Nothing broke on the way here.
    async fn assert_alive(&self) {
        for kind in Kind::ALL {
            let event = self.good(kind);
            let reply = self.function(kind).invoke(event.to_string()).await;
            assert_eq!(gateway::status(kind, gateway::arn_of(&event), &reply), 200, "{kind:?}: {reply:?}");
        }
        for function in [&self.signed, &self.unsigned] {
            assert!(function.is_alive());
            let panicked = function.output().into_iter().find(|line| line.contains("panicked"));
            assert_eq!(panicked, None);
        }
    }
}

#[tokio::test]
async fn payloads_that_are_no_event() {
    let target = Target::new().await;
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    let nested =
        format!(r#"{{"type":"REQUEST","requestContext":{}1{}}}"#, "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let payloads: Vec<Vec<u8>> = [
        "", " ", "null", "true", "42", "-0", "1e400", "\"REQUEST\"", "[]", "{}", "[{}]", "{", "}", "{\"type\":", "{]", "\u{feff}{}",
        "{\"type\":\"REQUEST\"}", "{\"type\":\"TOKEN\"}", "{\"type\":null}", "{\"type\":[\"TOKEN\"]}", "{\"version\":\"2.0\"}",
        "{\"type\":\"REQUEST\",\"version\":\"3.0\"}", "{\"type\":\"TOKEN\",\"methodArn\":\"\",\"authorizationToken\":\"\"}",
        "{\"type\":\"TOKEN\",\"methodArn\":\"arn:aws:execute-api:eu-west-1:1:a1b2c3d4e5/prod\",\"authorizationToken\":\"x\"}",
        "{\"Records\":[{\"eventSource\":\"aws:s3\"}]}", "{\"type\":\"\\ud800\"}", "{'type':'TOKEN'}", "{\"type\":\"TOKEN\"}{}",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .chain([deep("[", "]").into_bytes(), deep("{\"a\":", "").into_bytes(), nested.into_bytes()])
    .chain([vec![0xff, 0xfe, 0x00], vec![0; 1000], b"{\"type\":\"TOKEN\xff\"}".to_vec(), vec![b'x'; 1 << 20]])
    .collect();
    for payload in payloads {
        let what = String::from_utf8_lossy(&payload[..payload.len().min(60)]).into_owned();
        target.send(Kind::RestRequest, payload.clone(), Allowed::Never, &what).await;
        target.send(Kind::RestToken, payload, Allowed::Never, &what).await;
    }
    target.assert_alive().await;
}

/// HTTP APIs decode a path before anyone looks at it: then these are wildcards too.
#[tokio::test]
async fn wildcards_that_come_encoded() {
    let target = Target::new().await;
    for resource in ["/items/%2a", "/items/%2A", "/items/%3f", "/items/%24x"] {
        let request = target.deployment.signed("GET", resource, "owner-key-0001-imported");
        for kind in [Kind::Http1, Kind::Http2] {
            let event = target.deployment.api.event(kind, &request);
            target.send(kind, event.to_string(), Allowed::Never, resource).await;
        }
        // REST leaves them encoded, and so they mean nothing.
        let event = target.deployment.api.event(Kind::RestRequest, &request);
        target.send(Kind::RestRequest, event.to_string(), Allowed::Perhaps, resource).await;
    }
    target.assert_alive().await;
}

/// No character of a path widens what is granted, wherever it comes from.
#[tokio::test]
async fn paths_that_mean_something_to_a_policy() {
    let target = Target::new().await;
    for resource in [
        "/*",
        "/items/*",
        "/items/$x",
        "/items/../admin",
        "/items/./x",
        "/items/%2e%2e/admin",
        "/items/%2E%2E%2Fadmin",
        "/items/..%2fadmin",
        "/items/..%5cadmin",
        "/items/%00",
        "/items/..",
        "/..",
        "/items/${aws:username}",
        "/items\\..\\admin",
        "/.countersign/probe",
        "/%2ecountersign/probe",
        "/.countersig%6e/probe",
        "//.countersign/probe",
        "/items/..%252f.countersign/probe",
        "/.countersign",
        "/.countersign/",
    ] {
        for kind in [Kind::RestRequest, Kind::Http1, Kind::Http2] {
            let event = target
                .deployment
                .api
                .event(kind, &target.deployment.signed("GET", resource, "owner-key-0001-imported"));
            target.send(kind, event.to_string(), Allowed::Never, resource).await;
        }
        let request = WireRequest::new("GET", &target.deployment.api.domain, &format!("/prod{resource}"));
        let event = target
            .deployment
            .api
            .event(Kind::RestToken, &request.with_header("Authorization", "owner-key-0001-imported"));
        target.send(Kind::RestToken, event.to_string(), Allowed::Never, resource).await;
    }
    target.assert_alive().await;
}

/// The events of other services and other times reach the function too, by mistake or on purpose.
#[tokio::test]
async fn other_services_events() {
    let target = Target::new().await;
    let arn = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/items";
    for event in [
        json!({ "version": "2.0", "routeKey": "$default", "rawPath": "/items", "headers": {}, "requestContext": {}, "isBase64Encoded": false }),
        json!({ "Step": "createSecret", "SecretId": "arn:aws:secretsmanager:eu-west-1:1:secret:x", "ClientRequestToken": "x" }),
        json!({ "detail-type": "Scheduled Event", "source": "aws.events", "detail": {} }),
        json!({ "type": "TOKEN", "methodArn": arn, "authorizationToken": "owner-key-0001-imported", "version": "2.0", "routeArn": arn }),
        json!({ "type": "REQUEST", "methodArn": arn, "requestContext": { "eventType": "CONNECT" } }),
        json!({ "type": "REQUEST", "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/$connect", "requestContext": { "eventType": "MESSAGE" } }),
    ] {
        // Sent where the edge is required: nothing here is signed.
        target.send(Kind::Http2, event.to_string(), Allowed::Never, &event.to_string()).await;
    }
    target.assert_alive().await;
}
