//! The closed list of failures: each of them happens here, in every form of event, and is answered with
//! its status and its code, and nothing else.

use std::collections::BTreeMap;

use countersign_forwarder::failure::Failure;
use countersign_tests::aws::Outage;
use countersign_tests::aws::invoke::Functions;
use countersign_tests::backend::Behaviour;
use countersign_tests::events::proxy::{Form, Passed};
use countersign_tests::forwarder::{Forwarding, caller, edge, with};
use countersign_tests::runtime_api::{End, Reply};
use serde_json::{Value, json};

/// One way to fail.
struct Case {
    failure: Failure,
    method: &'static str,
    resource: &'static str,
    body: Vec<u8>,
    context: Value,
    /// What blue does, if it is asked.
    behaviour: Behaviour,
    /// Routes beside the one that leads everything to blue.
    route: Option<Value>,
    more: Vec<(&'static str, String)>,
    table: Option<Outage>,
}

impl Case {
    fn new(failure: Failure) -> Self {
        Self {
            failure,
            method: "GET",
            resource: "/items",
            body: Vec::new(),
            context: caller(),
            behaviour: Behaviour::Tell,
            route: None,
            more: vec![("BACKEND_TIMEOUT", "1".to_owned())],
            table: None,
        }
    }

    fn inside(failure: Failure, method: &'static str, resource: &'static str, body: &[u8]) -> Self {
        Self { method, resource, body: body.to_vec(), context: edge(), ..Self::new(failure) }
    }

    fn digest(failure: Failure, covered: &str) -> Self {
        let context = with(&caller(), "content_digest", covered);
        Self { method: "POST", body: b"body".to_vec(), context, ..Self::new(failure) }
    }

    fn backend(failure: Failure, behaviour: Behaviour) -> Self {
        Self { behaviour, ..Self::new(failure) }
    }

    fn route(failure: Failure, attributes: Value) -> Self {
        Self { route: Some(attributes), ..Self::new(failure) }
    }
}

fn cases(functions: &Functions, function: &str) -> Vec<Case> {
    let sha = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
    let lambda = vec![("BACKENDS", format!("blue={function}")), ("AWS_ENDPOINT_URL_LAMBDA", functions.url())];
    let nobody = "http://127.0.0.1:1".to_owned();
    let walled = json!({ "backend": "blue", "priority": 1, "allow_cidrs": ["192.0.2.0/24"] });
    vec![
        Case { context: json!({}), ..Case::new(Failure::NoAuthorizer) },
        Case {
            more: vec![("BODY_DIGEST", "required".to_owned())],
            method: "POST",
            body: b"body".to_vec(),
            ..Case::new(Failure::DigestMissing)
        },
        Case::digest(Failure::DigestMalformed, "sha-256"),
        Case::digest(Failure::DigestUnsupported, "md5=:AAAA:"),
        Case::digest(Failure::DigestMismatch, sha),
        Case { resource: "/items/../admin", ..Case::new(Failure::PathRefused) },
        Case::route(Failure::AddressNotAllowed, walled),
        Case { method: "DELETE", ..Case::new(Failure::NoRoute) },
        Case::route(Failure::BackendUnlisted, json!({ "backend": "red", "priority": 1 })),
        Case::route(Failure::RecordMalformed, json!({ "backend": 7 })),
        Case { table: Some(Outage::ServerError), ..Case::new(Failure::TableUnavailable) },
        Case { more: lambda, method: "POST", body: vec![0xff; 4_800_000], ..Case::new(Failure::RequestTooLarge) },
        Case { more: vec![("BACKENDS", format!("blue={nobody}"))], ..Case::new(Failure::BackendUnreachable) },
        Case::backend(Failure::BackendTimeout, Behaviour::Hang),
        Case::backend(Failure::BackendAnswerInvalid, Behaviour::Raw(b"nonsense\r\n\r\n")),
        Case::backend(Failure::BackendAnswerTooLarge, Behaviour::Huge(7_000_000)),
        Case::inside(Failure::InsideUnknown, "GET", "/.countersign/other", b""),
        Case::inside(Failure::InsideMethod("POST"), "GET", "/.countersign/logs", b""),
        Case::inside(Failure::InsideKeyUnknown, "GET", "/.countersign/keys/0", b""),
        Case::inside(Failure::LogsInvalid, "POST", "/.countersign/logs", b"nothing"),
        Case::inside(Failure::LogsTooLarge, "POST", "/.countersign/logs", &[b'\n'; 300_000]),
    ]
}

#[tokio::test]
async fn every_failure_is_answered_as_it_is_defined() {
    assert_answered("buffered", &Form::ALL).await;
}

/// The last moment for a failure to become an answer is when the back end begins with its own.
#[tokio::test]
async fn every_failure_is_answered_where_answers_are_streamed() {
    assert_answered("stream", &[Form::Rest]).await;
}

async fn assert_answered(mode: &str, forms: &[Form]) {
    const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:blue";
    let functions = Functions::start(&[FUNCTION]).await;
    let mut happened = BTreeMap::new();
    for mut case in cases(&functions, FUNCTION) {
        let (code, status) = (case.failure.code(), case.failure.status());
        if mode == "stream" && case.failure == Failure::BackendAnswerTooLarge {
            // A body may be as large as it likes, a head may not.
            let headers = (0..20).map(|_| ("x-large", "y".repeat(1_000))).collect();
            case.behaviour = Behaviour::Reply { status: 200, headers, body: "".into() };
        }
        let forwarding = Forwarding::new().await;
        forwarding.put_route("all", &json!({ "match": { "method": ["GET", "POST"] }, "backend": "blue" }));
        if let Some(route) = &case.route {
            forwarding.put_route("own", route);
        }
        if let Some(outage) = case.table {
            forwarding.table.service.fail(outage).await;
        }
        forwarding.blue.always(case.behaviour.clone());
        let own = case.more.iter().map(|(name, value)| (*name, value.as_str()));
        let more: Vec<_> = own.chain([("RESPONSE", mode)]).collect();
        let function = forwarding.forwarder(&more).await;
        for form in forms.iter().copied() {
            let request = forwarding.request(case.method, case.resource);
            let body = (case.body.as_slice(), Passed::Base64);
            let answer = forwarding.send_body(&function, form, &request, body, &case.context).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{form:?}: {answer:?}");
            assert_eq!(matches!(answer.decided.reply, Reply::Streamed { end: End::Whole, .. }), mode == "stream");
            let outcome = if status < 500 { "refuse" } else { "fault" };
            assert_eq!((answer.outcome(), &answer.decided.audit["status"]), (outcome, &json!(status)), "{form:?}");
            let told = answer.json();
            assert_eq!(told["code"], code);
            assert!(told["request_id"] == answer.decided.audit["request_id"] && told["message"].is_string(), "{told}");
            assert_eq!(told.as_object().map(serde_json::Map::len), Some(3), "nothing else is told: {told}");
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.header("cache-control"), Some("no-store"), "the next request may be answered");
        }
        happened.insert(code, status);
    }
    let defined: BTreeMap<_, _> = Failure::ALL.into_iter().map(|failure| (failure.code(), failure.status())).collect();
    assert_eq!(happened, defined, "left: what happened, right: what is defined");
}
