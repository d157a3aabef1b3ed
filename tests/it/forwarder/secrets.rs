//! Canaries in every place where a secret can be: none of them is ever written, whatever goes wrong.

use countersign_tests::aws::Outage;
use countersign_tests::backend::Behaviour;
use countersign_tests::deployment::{OWNER, key_hash, key_record};
use countersign_tests::events::WireRequest;
use countersign_tests::events::proxy::{Form, Passed};
use countersign_tests::forwarder::{Forwarding, caller, edge, with};
use countersign_tests::function::Function;
use serde_json::{Value, json};

fn private(forwarding: &Forwarding, method: &str, resource: &str) -> WireRequest {
    forwarding
        .request(method, &format!("{resource}?token=canary-query"))
        .with_header("Authorization", "Bearer canary.canary.canary")
        .with_header("X-Api-Key", "canary-key-0001-imported")
        .with_header("Edge-Key", "canary-hash")
        .with_header("Cookie", "session=canary-cookie")
        .with_header("X-Custom", "canary-header")
        .with_header("User-Agent", "canary-agent")
        .with_header("Signature", "edge=:canary:")
}

/// The key's own context belongs to the back end.
fn context() -> Value {
    with(&with(&caller(), "plan", "canary-plan"), "content_digest", "sha-256=:canary")
}

#[track_caller]
fn assert_kept(function: &Function, what: &str) {
    let lines = function.output();
    assert!(!lines.is_empty(), "{what}: nothing was written, so this shows nothing");
    for line in lines {
        assert!(!line.contains("canary") && !line.contains("bPxRfiCYEXAMPLEKEY"), "{what}: {line}");
    }
}

#[tokio::test]
async fn whatever_the_back_end_does() {
    let reply = |status| Behaviour::Reply {
        status,
        headers: vec![("set-cookie", "canary=1".to_owned()), ("x-secret", "canary".to_owned())],
        body: b"canary"[..].into(),
    };
    for behaviour in [
        Behaviour::Tell,
        reply(200),
        reply(500),
        Behaviour::Hang,
        Behaviour::Cut,
        Behaviour::Truncated(1000),
        Behaviour::Unended,
        Behaviour::Huge(7_000_000),
        Behaviour::Raw(b"canary nonsense\r\n\r\n"),
        Behaviour::Raw(b"HTTP/1.1 200 OK\r\ncanary\r\n\r\n"),
        Behaviour::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: canary\r\n\r\n"),
    ] {
        let forwarding = Forwarding::with_a_route().await;
        let more = [("BACKEND_TIMEOUT", "1"), ("AWS_SESSION_TOKEN", "canary-session"), ("BODY_DIGEST", "off")];
        let function = forwarding.forwarder(&more).await;
        forwarding.blue.always(behaviour.clone());
        for form in Form::ALL {
            let request = private(&forwarding, "POST", "/items/canary-path");
            forwarding.send_body(&function, form, &request, (b"canary-body", Passed::Text), &context()).await;
            forwarding.send(&function, form, &private(&forwarding, "GET", "/items/canary-path"), &context()).await;
        }
        assert_kept(&function, &format!("{behaviour:?}"));
    }
}

#[tokio::test]
async fn whatever_is_refused() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[("BODY_DIGEST", "required")]).await;
    for form in Form::ALL {
        for (resource, context) in [
            ("/items", context()),
            ("/items", caller()),
            ("/items", json!({ "key_id": "canary" })),
            ("/canary/../canary", caller()),
            ("/.countersign/keys/canary", caller()),
            ("/.countersign/keys/canary", edge()),
            ("/.countersign/canary", edge()),
            ("/.countersign/logs", edge()),
        ] {
            for passed in [Passed::Text, Passed::Base64] {
                let request = private(&forwarding, "POST", resource);
                forwarding.send_body(&function, form, &request, (b"canary-body", passed), &context).await;
            }
        }
        // Events that cannot be read hold as much.
        let event = forwarding
            .api
            .integration_event(form, &private(&forwarding, "POST", "/"), (b"canary", Passed::Text), &context())
            .to_string();
        for broken in [
            event[..event.len() - 2].to_owned(),
            event.replacen('{', "{\"canary\":canary,", 1),
            event.replacen('{', "{\"body\":{\"canary\":1},", 1),
            event.replace("\"canary\"", "[\"canary\"]"),
            event.replace("\"principal\":", "\"principal\":\"canary\",\"principal\":"),
        ] {
            function.invoke(broken).await;
        }
    }
    // Lines come in order: after this one has come, all have.
    forwarding.send(&function, Form::Rest, &private(&forwarding, "GET", "/"), &json!({})).await;
    assert_kept(&function, "refused");
}

#[tokio::test]
async fn whatever_the_table_says() {
    for outage in [None, Some(Outage::ServerError), Some(Outage::Garbage), Some(Outage::AccessDenied)] {
        let forwarding = Forwarding::with_a_route().await;
        let mut record = key_record(OWNER);
        record["name"] = json!(["canary"]);
        record["context"] = json!({ "secret": "canary" });
        forwarding.table.put(&record);
        if let Some(outage) = outage {
            forwarding.table.service.fail(outage).await;
        }
        let function = forwarding.forwarder(&[("AWS_SESSION_TOKEN", "canary-session")]).await;
        for form in Form::ALL {
            let key = forwarding.request("GET", &format!("/.countersign/keys/{}", key_hash(OWNER)));
            forwarding.send(&function, form, &key, &edge()).await;
            let request = private(&forwarding, "GET", "/items");
            forwarding.send(&function, form, &request, &caller()).await;
        }
        assert_kept(&function, &format!("{outage:?}"));
        let hash = key_hash(OWNER);
        assert!(!function.output().iter().any(|line| line.contains(&hash)), "a hash names a key");
    }
}

/// Whatever a caller writes, a request is one line of JSON.
#[tokio::test]
async fn no_one_can_break_a_line() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    let forged = "{\"outcome\":\"forwarded\",\"code\":\"forwarded\",\"principal\":\"forged\"}";
    let mut requests = 0;
    let before = function.output().len();
    for end in ["\n", "\r\n", "\u{2028}", "\u{85}", "\0"] {
        let text = format!("x{end}{forged}{end}");
        for form in Form::ALL {
            let context = with(&with(&caller(), "principal", &text), "ray", &text);
            let request = forwarding.request("GET", "/items").with_header("X-Text", &text);
            let mut event = forwarding.api.integration_event(form, &request, (b"", Passed::Text), &context);
            event["requestContext"]["requestId"] = json!(text);
            event["requestContext"]["stage"] = json!(text);
            event["requestContext"]["routeKey"] = json!(text);
            function.decide(event.to_string()).await;
            requests += 1;
        }
    }
    let lines = function.output().split_off(before);
    assert_eq!(lines.len(), requests, "one line each: {lines:#?}");
    for line in lines {
        let line: Value = serde_json::from_str(&line).expect("a line is JSON");
        assert_ne!(line["principal"], "forged");
    }
}
