//! One line per decision, with what an operator needs; the metrics are in it; a warm decision costs
//! that line and nothing else.

use std::collections::BTreeSet;

use countersign_tests::deployment::{Deployment, READER, key_record};
use countersign_tests::events::Kind;
use countersign_tests::issuer::{Algorithm, Issuer, SigningKey, token};
use serde_json::{Value, json};

const AUDIENCE: &str = "https://api.example.com";

#[tokio::test]
async fn a_line_says_who_was_let_in_where() {
    let key = SigningKey::generate("2026-11", Algorithm::EdDsa);
    let issuer = Issuer::start(&[&key]).await;
    let deployment = Deployment::new().await;
    deployment.table.put(&issuer.record(AUDIENCE));
    let function = deployment.authorizer(&[]).await;
    let key_id = &key_record(READER)["key_id"];
    for kind in Kind::SIGNABLE {
        let line = deployment.send(&function, kind, &deployment.signed("GET", "/items", READER)).await.decided.audit;
        for (name, expected) in [
            ("outcome", &json!("allow")),
            ("code", &json!("allow")),
            ("principal", &json!("acme")),
            ("key_id", key_id),
            ("edge_keyid", &json!(deployment.edge.keyid())),
            ("ray", &json!("8f2c1d3e4b5a6978-LHR")),
            ("client_ip", &json!("203.0.113.7")),
            ("request_id", &json!("7c2af7db-31f3-42b5-8a6d-9ffc74e3b9e0")),
            ("api", &json!("a1b2c3d4e5")),
            ("stage", &json!("prod")),
            ("method", &json!("GET")),
        ] {
            assert_eq!(&line[name], expected, "{kind:?} {name}: {line}");
        }
        assert!(line["Duration"].is_number() && line["route"].is_string(), "{kind:?}: {line}");
    }
    let bearer = token(&key, &issuer.claims(AUDIENCE));
    let request = deployment.draft("GET", "/items").bearer(&bearer).sign();
    let line = deployment.send(&function, Kind::Http2, &request).await.decided.audit;
    assert_eq!((&line["principal"], &line["issuer"]), (&json!("client-7"), &json!(issuer.url())));
}

/// CloudWatch takes metrics from the line; a dimension with a caller's value would be a metric each.
#[tokio::test]
async fn metrics_have_no_dimension_that_callers_choose() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[("METRICS_NAMESPACE", "Elsewhere")]).await;
    for raw in [READER, "nobody-key-0001-imported"] {
        let line =
            deployment.send(&function, Kind::Http2, &deployment.signed("GET", "/items", raw)).await.decided.audit;
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().expect("embedded metrics");
        assert!(line["_aws"]["Timestamp"].as_u64().is_some_and(|at| at > 1_700_000_000_000), "milliseconds: {line}");
        for directive in directives {
            assert_eq!(directive["Namespace"], "Elsewhere");
            let dimensions = directive["Dimensions"].as_array().unwrap().iter().flat_map(|set| set.as_array().unwrap());
            let names: BTreeSet<_> = dimensions.map(|name| name.as_str().unwrap()).collect();
            assert!(names.is_subset(&["code", "outcome"].into()), "{names:?}");
            for metric in directive["Metrics"].as_array().unwrap() {
                let name = metric["Name"].as_str().unwrap();
                assert!(line[name].is_number(), "{name} is named and not there: {line}");
            }
        }
    }
}

#[tokio::test]
async fn a_warm_decision_makes_no_call_and_writes_one_line() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[]).await;
    let ask = async || deployment.send(&function, Kind::RestRequest, &deployment.signed("GET", "/items", READER)).await;
    ask().await;
    deployment.table.service.forget_calls();
    deployment.secret.service.forget_calls();
    let before = function.output().len();
    for _ in 0..50 {
        assert_eq!(ask().await.code(), "allow");
    }
    assert_eq!(function.output().len() - before, 50);
    assert_eq!(deployment.table.service.calls().len() + deployment.secret.service.calls().len(), 0);
}

#[tokio::test]
async fn lines_that_are_not_wanted_are_not_written_but_counted() {
    let deployment = Deployment::new().await;
    for (audit, lines) in [("all", 20), ("sample:5", 4), ("refusals", 0)] {
        let function = deployment.authorizer(&[("AUDIT", audit)]).await;
        for _ in 0..20 {
            let event = deployment.api.event(Kind::Http2, &deployment.signed("GET", "/items", READER));
            function.invoke(event.to_string()).await;
        }
        // Refusals and faults always have a line, and this one comes after all the others.
        let refused = deployment.send(&function, Kind::Http2, &deployment.signed("GET", "/admin", READER)).await;
        assert_eq!(refused.code(), "grant_missing", "{audit}");
        let written: Vec<Value> = function.output().iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let allows: Vec<_> = written.iter().filter(|line| line["outcome"] == "allow").collect();
        assert_eq!(allows.len(), lines, "{audit}: {allows:?}");
        let counted: u64 = allows.iter().filter_map(|line| line["Decisions"].as_u64()).sum();
        assert_eq!(counted, if lines == 0 { 0 } else { 20 }, "{audit}");
    }
}
