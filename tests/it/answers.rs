//! Every answer is one that API Gateway understands. The published types of `aws_lambda_events` are
//! the second opinion on its shape, a policy evaluation of our own on its meaning.

use std::collections::HashMap;

use aws_lambda_events::apigw::{
    ApiGatewayCustomAuthorizerPolicy, ApiGatewayCustomAuthorizerResponse,
    ApiGatewayV2CustomAuthorizerIamPolicyResponse, ApiGatewayV2CustomAuthorizerSimpleResponse,
};
use aws_lambda_events::iam::IamPolicyEffect;
use countersign_tests::deployment::{self, Deployment, READER, Response, key_hash, key_record};
use countersign_tests::events::{Kind, WireRequest};
use countersign_tests::gateway;
use countersign_tests::runtime_api::Reply;
use serde_json::{Value, json};

type Context = HashMap<String, String>;

/// The parts of a policy answer, read through the published type of its kind of API.
fn typed(kind: Kind, reply: &Reply) -> (String, ApiGatewayCustomAuthorizerPolicy, Context) {
    let Reply::Answer(bytes) = reply else { panic!("{kind:?}: not an answer: {reply:?}") };
    let parts = match kind {
        Kind::Http1 | Kind::Http2 => {
            let answer: ApiGatewayV2CustomAuthorizerIamPolicyResponse<Context> = serde_json::from_slice(bytes).unwrap();
            (answer.principal_id, answer.policy_document, answer.context)
        }
        Kind::RestToken | Kind::RestRequest | Kind::WebSocket => {
            let answer: ApiGatewayCustomAuthorizerResponse<Context> = serde_json::from_slice(bytes).unwrap();
            (answer.principal_id, answer.policy_document, answer.context)
        }
    };
    (parts.0.expect("a principal"), parts.1, parts.2)
}

fn json_of(reply: &Reply) -> Value {
    match reply {
        Reply::Answer(bytes) => serde_json::from_slice(bytes).unwrap(),
        Reply::Error { .. } | Reply::Streamed { .. } => panic!("not an answer: {reply:?}"),
    }
}

fn effects(policy: &ApiGatewayCustomAuthorizerPolicy) -> Vec<IamPolicyEffect> {
    policy.statement.iter().map(|statement| statement.effect.clone()).collect()
}

/// A request that each kind allows: `GET /items`, or the upgrade of a WebSocket.
fn allowed(deployment: &Deployment) -> WireRequest {
    deployment.signed("GET", "/items", READER)
}

#[tokio::test]
async fn an_allow_is_a_policy_with_a_principal_and_a_flat_context() {
    let deployment = Deployment::new().await;
    let mut record = key_record(READER);
    record["context"] = json!({ "plan": "gold", "seats": "12" });
    record["usage_plan_key"] = json!("usage-plan-key-1");
    deployment.table.put(&record);
    let function = deployment.authorizer(&[]).await;

    for kind in Kind::SIGNABLE {
        let response = deployment.send(&function, kind, &allowed(&deployment)).await;
        assert_eq!((response.status, response.outcome(), response.code()), (200, "allow", "allow"), "{kind:?}");

        let (principal, policy, context) = typed(kind, &response.decided.reply);
        assert_eq!(principal, "acme");
        assert_eq!(policy.version.as_deref(), Some("2012-10-17"));
        assert!(effects(&policy).contains(&IamPolicyEffect::Allow));
        for (name, expected) in [
            ("principal", "acme"),
            ("key_id", record["key_id"].as_str().unwrap()),
            ("edge_keyid", deployment.edge.keyid()),
            ("client_ip", "203.0.113.7"),
            ("client_host", "api.example.com"),
            ("ray", "8f2c1d3e4b5a6978-LHR"),
            ("plan", "gold"),
            ("seats", "12"),
        ] {
            assert_eq!(context.get(name).map(String::as_str), Some(expected), "{kind:?} {name}");
        }
        for absent in ["issuer", "scopes", "content_digest", "inside"] {
            assert!(!context.contains_key(absent), "{kind:?} {absent}");
        }
    }
    let response = deployment.send(&function, Kind::RestRequest, &allowed(&deployment)).await;
    assert_eq!(json_of(&response.decided.reply)["usageIdentifierKey"], "usage-plan-key-1");
}

#[tokio::test]
async fn a_policy_is_right_for_every_other_route_too() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[]).await;
    for kind in [Kind::RestRequest, Kind::Http1, Kind::Http2] {
        let request = deployment.signed("GET", "/items/9f8e7d6c", READER);
        let response = deployment.send(&function, kind, &request).await;
        assert_eq!(response.status, 200, "{kind:?}: {response:?}");

        let text = json_of(&response.decided.reply).to_string();
        assert!(!text.contains("9f8e7d6c"), "{kind:?}: the caller's path is in the answer: {text}");
        for (route, expected) in [
            ("prod/GET/items", 200),
            ("prod/GET/items/1/parts", 200),
            ("prod/POST/items", 200),
            ("prod/POST/items/1", 403),
            ("prod/DELETE/items/1", 403),
            ("prod/GET/admin", 403),
            ("prod/GET/admin/items", 403),
            ("prod/GET/", 403),
            ("beta/GET/items", 403),
            ("prod/$connect", 403),
            ("prod/GET/.countersign/probe", 403),
        ] {
            let arn = format!("arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/{route}");
            assert_eq!(gateway::status(kind, &arn, &response.decided.reply), expected, "{kind:?} {route}");
        }
    }
}

#[tokio::test]
async fn a_connection_is_granted_as_connect_only() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[]).await;
    let response = deployment.send(&function, Kind::WebSocket, &allowed(&deployment)).await;
    let prefix = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod";
    for (route, expected) in [("$connect", 200), ("$disconnect", 403), ("$default", 403), ("GET/items", 403)] {
        let arn = format!("{prefix}/{route}");
        assert_eq!(gateway::status(Kind::WebSocket, &arn, &response.decided.reply), expected, "{route}");
    }
}

/// Even a grant of everything stops before the inside doors.
#[tokio::test]
async fn no_grant_opens_the_inside_doors() {
    let deployment = Deployment::new().await;
    let mut record = key_record("owner-key-0001-imported");
    record["grants"] = json!(["* /*"]);
    deployment.table.put(&record);
    let function = deployment.authorizer(&[]).await;
    for kind in [Kind::RestRequest, Kind::Http1, Kind::Http2] {
        let request = deployment.signed("GET", "/anything", "owner-key-0001-imported");
        let response = deployment.send(&function, kind, &request).await;
        assert_eq!(response.status, 200, "{kind:?}: {response:?}");
        for door in [".countersign/probe", ".countersign/keys/00", ".countersign"] {
            let arn = format!("arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/{door}");
            assert_eq!(gateway::status(kind, &arn, &response.decided.reply), 403, "{kind:?} {door}");
        }
        let knock = deployment.signed("GET", "/.countersign/probe", "owner-key-0001-imported");
        let response = deployment.send(&function, kind, &knock).await;
        assert_eq!((response.status, response.code()), (403, "inside_path"), "{kind:?}");
    }
}

#[tokio::test]
async fn who_are_you_is_exactly_unauthorized_where_that_is_a_401() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[]).await;
    let unsigned =
        deployment.draft("GET", "/items").without_header("edge-target").without_header("edge-client").unsigned();
    let unknown = deployment.signed("GET", "/items", "nobody-key-0001-imported");
    for (request, code) in [(unsigned, "edge_proof_missing"), (unknown, "key_unknown")] {
        for kind in Kind::SIGNABLE {
            let response = deployment.send(&function, kind, &request).await;
            assert_eq!((response.outcome(), response.code()), ("refuse", code), "{kind:?}");
            if kind.answers_401_by_error() {
                let Reply::Error { error_message, .. } = &response.decided.reply else {
                    panic!("{kind:?}: {response:?}")
                };
                assert_eq!(error_message, "Unauthorized");
                assert_eq!(response.status, 401);
            } else {
                assert_denied_everywhere(kind, &response);
            }
        }
    }
}

#[tokio::test]
async fn you_may_not_is_a_deny() {
    let deployment = Deployment::new().await;
    let mut record = key_record("reader-key-0002-imported");
    record["grants"] = json!(["GET /items"]);
    deployment.table.put(&record);
    let function = deployment.authorizer(&[]).await;
    for kind in Kind::SIGNABLE {
        // A key that may read items may neither read another route nor connect.
        let request = deployment.signed("GET", "/admin", "reader-key-0002-imported");
        let response = deployment.send(&function, kind, &request).await;
        assert_eq!((response.outcome(), response.code()), ("refuse", "grant_missing"), "{kind:?}");
        assert_denied_everywhere(kind, &response);
    }
}

fn assert_denied_everywhere(kind: Kind, response: &Response) {
    assert_eq!(response.status, 403, "{kind:?}: {response:?}");
    let (_, policy, _) = typed(kind, &response.decided.reply);
    assert!(effects(&policy).iter().all(|effect| *effect == IamPolicyEffect::Deny), "{kind:?}: {policy:?}");
    assert!(!policy.statement.is_empty(), "{kind:?}: a policy needs a statement");
}

#[tokio::test]
async fn our_own_fault_is_an_error_that_is_no_401() {
    let deployment = Deployment::new().await;
    let mut broken = key_record("broken-key-0001-imported");
    broken["grants"] = json!("GET /items");
    deployment.table.put(&broken);
    let function = deployment.authorizer(&[]).await;
    for kind in Kind::SIGNABLE {
        let request = deployment.signed("GET", "/items", "broken-key-0001-imported");
        let response = deployment.send(&function, kind, &request).await;
        let Reply::Error { error_message, .. } = &response.decided.reply else { panic!("{kind:?}: {response:?}") };
        assert_ne!(error_message, "Unauthorized");
        assert!(error_message.contains("record_malformed"), "{kind:?}: {error_message}");
        assert_eq!((response.status, response.outcome(), response.code()), (500, "fault", "record_malformed"));
    }
}

#[tokio::test]
async fn a_token_event_is_answered_by_a_policy_or_unauthorized() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[("REQUIRE", "caller")]).await;
    let ask = async |value: &str, resource: &str| {
        let request = WireRequest::new("GET", &deployment.api.domain, &deployment.api.target(resource));
        deployment.send(&function, Kind::RestToken, &request.with_header("Authorization", value)).await
    };

    let response = ask(READER, "/items").await;
    assert_eq!((response.status, response.code()), (200, "allow"));
    let (principal, _, context) = typed(Kind::RestToken, &response.decided.reply);
    assert_eq!((principal.as_str(), context["principal"].as_str()), ("acme", "acme"));

    let response = ask("nobody-key-0001-imported", "/items").await;
    assert_eq!((response.status, response.code()), (401, "key_unknown"));
    let response = ask(READER, "/admin").await;
    assert_eq!((response.status, response.code()), (403, "grant_missing"));
}

#[tokio::test]
async fn a_token_event_where_the_edge_is_required_is_a_fault_that_says_so() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[]).await;
    let request = WireRequest::new("GET", &deployment.api.domain, "/prod/items").with_header("Authorization", READER);
    let response = deployment.send(&function, Kind::RestToken, &request).await;
    assert_eq!((response.status, response.outcome(), response.code()), (500, "fault", "token_event_needs_edge"));
    let Reply::Error { error_message, .. } = &response.decided.reply else { panic!("{response:?}") };
    assert!(error_message.contains("token_event_needs_edge"), "{error_message}");
}

#[tokio::test]
async fn a_simple_answer_is_a_boolean_and_a_context() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[("HTTP_ANSWER", "simple")]).await;
    for (request, status, authorized) in [
        (allowed(&deployment), 200, true),
        (deployment.signed("GET", "/admin", READER), 403, false),
        (deployment.signed("GET", "/items", "nobody-key-0001-imported"), 403, false),
    ] {
        let response = deployment.send(&function, Kind::Http2, &request).await;
        assert_eq!(response.status, status, "{response:?}");
        let Reply::Answer(bytes) = &response.decided.reply else { panic!("{response:?}") };
        let answer: ApiGatewayV2CustomAuthorizerSimpleResponse<Option<Context>> =
            serde_json::from_slice(bytes).unwrap();
        assert_eq!(answer.is_authorized, authorized);
        assert_eq!(answer.context.is_some_and(|context| context.contains_key("principal")), authorized);
        assert!(json_of(&response.decided.reply).get("policyDocument").is_none(), "one answer or the other");
    }
    // Only the payload of version 2.0 knows simple answers.
    let response = deployment.send(&function, Kind::RestRequest, &allowed(&deployment)).await;
    assert_eq!(typed(Kind::RestRequest, &response.decided.reply).0, "acme");
}

#[tokio::test]
async fn where_results_are_cached_a_refused_route_gets_the_callers_whole_policy() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[("REQUIRE", "caller"), ("RESULT_TTL", "300"), ("SIGNING_SECRET", "")]).await;
    let ask = async |kind: Kind, resource: &str| {
        let request = WireRequest::new("GET", &deployment.api.domain, &deployment.api.target(resource));
        deployment::send(&deployment.api, &function, kind, &request.with_header("x-api-key", READER)).await
    };
    for kind in [Kind::RestRequest, Kind::Http1, Kind::Http2] {
        let response = ask(kind, "/admin").await;
        assert_eq!(
            (response.status, response.outcome(), response.code()),
            (403, "refuse", "grant_missing"),
            "{kind:?}"
        );
        let elsewhere = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/items";
        assert_eq!(gateway::status(kind, elsewhere, &response.decided.reply), 200, "{kind:?}");

        // A hostile path earns nothing, so that nothing is cached for it.
        let response = ask(kind, "/items/*").await;
        assert_eq!((response.status, response.code()), (403, "path_hostile"), "{kind:?}");
        assert_eq!(gateway::status(kind, elsewhere, &response.decided.reply), 403, "{kind:?}");
    }
}

#[tokio::test]
async fn no_answer_contains_a_null() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[]).await;
    for kind in Kind::SIGNABLE {
        for resource in ["/items", "/admin"] {
            let response = deployment.send(&function, kind, &deployment.signed("GET", resource, READER)).await;
            let text = json_of(&response.decided.reply).to_string();
            assert!(!text.contains("null"), "{kind:?} {resource}: {text}");
        }
    }
}

/// A grant that does not fit is never cut: half a policy would be a wrong one.
#[tokio::test]
async fn a_grant_too_large_to_say_is_a_fault() {
    let deployment = Deployment::new().await;
    let raw = "wide-key-0001-imported";
    let mut record = key_record(raw);
    let grants: Vec<_> = (0..60).map(|n| format!("* /collection-{n:03}/with/a/rather/long/path/*")).collect();
    record["grants"] = json!(grants);
    deployment.table.put(&record);
    let function = deployment.authorizer(&[]).await;
    let request = deployment.draft("GET", "/collection-007/with/a/rather/long/path/x").key_hash(&key_hash(raw)).sign();
    for kind in [Kind::RestRequest, Kind::Http1, Kind::Http2] {
        let response = deployment.send(&function, kind, &request).await;
        assert_eq!((response.status, response.code()), (500, "answer_too_large"), "{kind:?}");
    }
}
