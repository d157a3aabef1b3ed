//! The edge's own doors: for it alone, and no more than they promise.

use countersign_decision::limits;
use countersign_tests::aws::Outage;
use countersign_tests::deployment::{OWNER, key_hash, key_record};
use countersign_tests::events::proxy::{Form, Passed};
use countersign_tests::forwarder::{Forwarded, Forwarding, caller, edge, with};
use countersign_tests::function::Function;
use serde_json::{Value, json};

struct Suite {
    forwarding: Forwarding,
    function: Function,
}

impl Suite {
    async fn new() -> Self {
        let forwarding = Forwarding::with_a_route().await;
        let function = forwarding.forwarder(&[("DEFAULT_BACKEND", "green")]).await;
        Self { forwarding, function }
    }

    async fn get(&self, form: Form, path: &str, context: &Value) -> Forwarded {
        let request = self.forwarding.request("GET", path);
        self.forwarding.send(&self.function, form, &request, context).await
    }

    async fn post(&self, form: Form, path: &str, body: &[u8], context: &Value) -> Forwarded {
        let request = self.forwarding.request("POST", path);
        self.forwarding.send_body(&self.function, form, &request, (body, Passed::Base64), context).await
    }

    fn assert_nothing_was_forwarded(&self) {
        assert_eq!(self.forwarding.blue.count() + self.forwarding.green.count(), 0);
    }
}

#[tokio::test]
async fn the_probe_answers_204() {
    let suite = Suite::new().await;
    for form in Form::ALL {
        let answer = suite.get(form, "/.countersign/probe", &edge()).await;
        assert_eq!((answer.status, answer.body.as_slice()), (204, b"".as_slice()), "{form:?}");
        assert_eq!((answer.outcome(), answer.code()), ("inside", "inside_probe"));
    }
    suite.assert_nothing_was_forwarded();
}

/// Under any spelling, and whoever asks but the edge: there is nothing, and nothing is forwarded.
#[tokio::test]
async fn nobody_else_finds_a_door() {
    let suite = Suite::new().await;
    let paths = [
        "/.countersign/probe",
        "/.countersign/logs",
        "/.countersign",
        "/.countersign/",
        "/.COUNTERSIGN/probe",
        "/%2ecountersign/probe",
        "/.countersig%6e/probe",
        "/%252ecountersign/probe",
        "/items/.countersign/probe",
        "/.countersign;x/probe",
        "/x/..%2f.countersign/probe",
    ];
    for context in [
        caller(),
        with(&caller(), "inside", "false"),
        with(&caller(), "inside", "1"),
        with(&caller(), "inside", "TRUE"),
        with(&caller(), "Inside", "true"),
        with(&caller(), "reason", "inside"),
    ] {
        for form in Form::ALL {
            for path in paths {
                let answer = suite.get(form, path, &context).await;
                assert_eq!((answer.status, answer.code()), (404, "inside_unknown"), "{form:?} {path} {context}");
            }
            let answer = suite.post(form, "/.countersign/logs", b"{}", &context).await;
            assert_eq!((answer.status, answer.code()), (404, "inside_unknown"), "{form:?} {context}");
        }
    }
    let mut flag = caller();
    flag["inside"] = json!(true);
    let answer = suite.get(Form::Http2, "/.countersign/probe", &flag).await;
    assert_eq!(answer.code(), "inside_unknown", "a flag is not what our authorizer says");
    suite.assert_nothing_was_forwarded();
}

/// The edge asking for itself gets the doors and nothing else, by the method that each takes.
#[tokio::test]
async fn the_edge_finds_the_doors_only() {
    let suite = Suite::new().await;
    for form in Form::ALL {
        for path in ["/items", "/", "/.countersign", "/.countersign/", "/.countersign/other", "/.countersign/probe/x"] {
            let answer = suite.get(form, path, &edge()).await;
            assert_eq!((answer.status, answer.code()), (404, "inside_unknown"), "{form:?} {path}");
        }
        for (method, path, allow) in [
            ("POST", "/.countersign/probe", "GET"),
            ("GET", "/.countersign/logs", "POST"),
            ("HEAD", "/.countersign/keys/0", "GET"),
            ("DELETE", "/.countersign/keys/0", "GET"),
        ] {
            let request = suite.forwarding.request(method, path);
            let answer = suite.forwarding.send(&suite.function, form, &request, &edge()).await;
            assert_eq!((answer.status, answer.code()), (405, "inside_method"), "{form:?} {method} {path}");
            assert_eq!(answer.header("allow"), Some(allow), "{form:?} {path}");
        }
    }
    suite.assert_nothing_was_forwarded();
}

/// What the edge's store would hold, word for word; nothing of a record that is not published there.
#[tokio::test]
async fn a_key_is_told_as_it_is_published() {
    let suite = Suite::new().await;
    let mut record = key_record(OWNER);
    record["context"] = json!({ "plan": "canary" });
    record["usage_plan_key"] = json!("canary");
    record["cidrs"] = json!(["203.0.113.0/24"]);
    suite.forwarding.table.put(&record);
    let hash = key_hash(OWNER);
    for form in Form::ALL {
        let answer = suite.get(form, &format!("/.countersign/keys/{hash}"), &edge()).await;
        assert_eq!((answer.status, answer.outcome(), answer.code()), (200, "inside", "inside_key"), "{form:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let document = json!({
            "version": 1_763_800_000_000_u64,
            "key_id": record["key_id"],
            "principal": "acme",
            "name": "a key of the tests",
            "status": "active",
            "grants": ["GET /items", "GET /items/*", "POST /items", "CONNECT /"],
            "cidrs": ["203.0.113.0/24"],
        });
        assert_eq!(answer.json(), document, "{form:?}");
    }
    let reads = suite.forwarding.table.service.calls();
    let of_key: Vec<_> = reads.iter().filter(|call| call.input.to_string().contains(&hash)).collect();
    assert_eq!(of_key.len(), 1, "a key is remembered");
    assert!(of_key[0].input.to_string().contains("\"ConsistentRead\":true"), "an eventual read may bring a key back");
}

#[tokio::test]
async fn keys_that_are_not_there_or_not_to_be_used() {
    let suite = Suite::new().await;
    for (raw, attribute, value) in
        [("revoked-key-0001", "status", json!("revoked")), ("spoilt-and-revoked-1", "status", json!("revoked"))]
    {
        let mut record = key_record(raw);
        record[attribute] = value;
        if raw.starts_with("spoilt") {
            record["grants"] = json!("nonsense");
        }
        suite.forwarding.table.put(&record);
        let answer = suite.get(Form::Rest, &format!("/.countersign/keys/{}", key_hash(raw)), &edge()).await;
        let tombstone = json!({ "version": record["version"], "key_id": record["key_id"], "status": "revoked" });
        assert_eq!((answer.status, answer.json()), (200, tombstone), "{raw}");
    }
    let mut spoilt = key_record("spoilt-key-0001");
    spoilt["grants"] = json!("nonsense");
    suite.forwarding.table.put(&spoilt);
    let unknown = key_hash("nobody");
    for (name, status, code) in [
        (key_hash("spoilt-key-0001"), 500, "record_malformed"),
        (unknown.clone(), 404, "inside_key_unknown"),
        (unknown.to_uppercase(), 404, "inside_key_unknown"),
        (unknown[1..].to_owned(), 404, "inside_key_unknown"),
        (format!("{unknown}/"), 404, "inside_key_unknown"),
        (format!("%30{}", &unknown[1..]), 404, "inside_key_unknown"),
        (String::new(), 404, "inside_key_unknown"),
        ("key%23".to_owned(), 404, "inside_key_unknown"),
    ] {
        for form in Form::ALL {
            let answer = suite.get(form, &format!("/.countersign/keys/{name}"), &edge()).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{form:?} {name}");
        }
    }
    suite.forwarding.table.service.fail(Outage::ServerError).await;
    let answer = suite.get(Form::Http2, &format!("/.countersign/keys/{}", key_hash("another")), &edge()).await;
    assert_eq!((answer.status, answer.code()), (503, "table_unavailable"), "an outage is no answer about a key");
}

/// Lines are written as they are or not at all, one each, and never as metrics of ours.
#[tokio::test]
async fn log_lines_are_written_as_they_are() {
    let suite = Suite::new().await;
    let good = [
        r#"{"part":"edge","ray":"8f2c1d3e4b5a6978-LHR","outcome":"forward"}"#,
        r#"{ "part" : "edge", "text": "é \n \u2028 日本" }"#,
        r#"{"part":"edge","nested":{"_aws":{}}}"#,
    ];
    let bad = [
        r#"{"_aws":{"Timestamp":1,"CloudWatchMetrics":[]},"Forwards":1000000}"#,
        r#"{"\u005faws":{"Timestamp":1,"CloudWatchMetrics":[]}}"#,
        "plain text",
        "[1]",
        "{\"part\":\"edge\",\"a\":\"\u{2028}\"}",
        "{\"part\":\"edge\"}\r",
        r#"{"part":"edge""#,
    ];
    for form in Form::ALL {
        let before = suite.function.output().len();
        let batch = [&bad[..3], &good, &bad[3..], &[""]].concat().join("\n");
        let answer = suite.post(form, "/.countersign/logs", batch.as_bytes(), &edge()).await;
        assert_eq!((answer.status, answer.outcome(), answer.code()), (200, "inside", "inside_logs"), "{form:?}");
        assert_eq!(answer.json(), json!({ "written": good.len(), "refused": bad.len() }), "{form:?}");
        let lines = suite.function.output().split_off(before);
        let (audit, written) = lines.split_last().expect("lines");
        assert_eq!(written, good, "{form:?}: as they came, each a line of its own");
        assert!(audit.contains("inside_logs"));
    }
    suite.assert_nothing_was_forwarded();
}

#[tokio::test]
async fn a_batch_of_lines_is_bounded_and_checked() {
    let suite = Suite::new().await;
    let digest = "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:"; // of {}
    for form in Form::ALL {
        for (body, context, status, code) in [
            (b"".to_vec(), edge(), 400, "logs_invalid"),
            (b"nothing\n[]\n".to_vec(), edge(), 400, "logs_invalid"),
            ("{}\n".repeat(limits::LOGS_LINES).into_bytes(), edge(), 200, "inside_logs"),
            ("{}\n".repeat(limits::LOGS_LINES + 1).into_bytes(), edge(), 413, "logs_too_large"),
            (vec![b' '; limits::LOGS_BODY + 1], edge(), 413, "logs_too_large"),
            (b"{}".to_vec(), with(&edge(), "content_digest", digest), 200, "inside_logs"),
            (b"{ }".to_vec(), with(&edge(), "content_digest", digest), 400, "digest_mismatch"),
        ] {
            let answer = suite.post(form, "/.countersign/logs", &body, &context).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{form:?} {} bytes", body.len());
        }
    }
    // Even where bodies are not checked otherwise.
    let function = suite.forwarding.forwarder(&[("BODY_DIGEST", "off")]).await;
    let request = suite.forwarding.request("POST", "/.countersign/logs");
    let context = with(&edge(), "content_digest", digest);
    let forged = (b"{\"forged\":true}".as_slice(), Passed::Text);
    let answer = suite.forwarding.send_body(&function, Form::Rest, &request, forged, &context).await;
    assert_eq!(answer.code(), "digest_mismatch");
    assert!(!function.output().iter().any(|line| line.contains("forged")));
}
