//! One line per request, which says enough to find it at the edge and in the authorizer.

use countersign_tests::events::proxy::{Form, Passed};
use countersign_tests::forwarder::{Forwarding, caller, edge, with};
use serde_json::{Value, json};

#[tokio::test]
async fn a_line_tells_who_asked_for_what_and_who_answered() {
    let forwarding = Forwarding::with_a_route().await;
    let function = forwarding.forwarder(&[]).await;
    for (form, event, route) in [
        (Form::Rest, "rest_1.0", "/{proxy+}"),
        (Form::Http1, "http_1.0", "/{proxy+}"),
        (Form::Http2, "http_2.0", "$default"),
    ] {
        let context = with(&caller(), "issuer", "https://id.example.com");
        let answer = forwarding.send(&function, form, &forwarding.request("GET", "/items?a=1"), &context).await;
        let line = &answer.decided.audit;
        for (name, value) in [
            ("outcome", json!("forwarded")),
            ("code", json!("forwarded")),
            ("request_id", json!("7c2af7db-31f3-42b5-8a6d-9ffc74e3b9e0")),
            ("event", json!(event)),
            ("api", json!(forwarding.api.id)),
            ("stage", json!("prod")),
            ("method", json!("GET")),
            ("route", json!(route)),
            ("table_route", json!("all")),
            ("backend", json!("blue")),
            ("status", json!(200)),
            ("principal", json!("acme")),
            ("key_id", json!("kid_0123456789ab")),
            ("issuer", json!("https://id.example.com")),
            ("ray", json!("8f2c1d3e4b5a6978-LHR")),
            ("client_ip", json!("203.0.113.7")),
            ("Forwards", json!(1)),
            ("ForwardsKept", json!(0)),
        ] {
            assert_eq!(line[name], value, "{form:?} {name}");
        }
        let (whole, behind) = (line["ForwardDuration"].as_u64(), line["backend_duration"].as_u64());
        assert!(whole.is_some() && behind.is_some() && behind <= whole, "{whole:?} {behind:?}");
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Dimensions"], json!([["outcome"], ["outcome", "code"]]));
        let names: Vec<_> = directive["Metrics"].as_array().expect("metrics").iter().map(|m| &m["Name"]).collect();
        assert_eq!(names, ["Forwards", "ForwardDuration", "ForwardsKept"]);
    }
}

/// What the settings leave out is counted; what did not go well is always told.
#[tokio::test]
async fn lines_may_be_left_out_and_counts_may_not() {
    for (setting, lines, counted) in [("all", 12, 12), ("refusals", 0, 0), ("sample:5", 2, 10)] {
        let forwarding = Forwarding::with_a_route().await;
        let function = forwarding.forwarder(&[("AUDIT", setting)]).await;
        let event = |path: &str, context: &Value| {
            let request = forwarding.request("GET", path);
            forwarding.api.integration_event(Form::Rest, &request, (b"", Passed::Text), context)
        };
        for _ in 0..12 {
            function.invoke(event("/items", &caller()).to_string()).await;
        }
        for (path, context, code) in
            [("/items", json!({}), "no_authorizer"), ("/.countersign/probe", caller(), "inside_unknown")]
        {
            let decided = function.decide(event(path, &context).to_string()).await;
            assert_eq!((decided.code(), &decided.audit["Forwards"]), (code, &json!(1)), "{setting}");
        }
        // Lines come in order, so these are here too.
        let told: Vec<Value> = function.output().iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let forwards: Vec<_> = told.iter().filter(|line| line["outcome"] == "forwarded").collect();
        assert_eq!(forwards.len(), lines, "{setting}: {forwards:?}");
        assert_eq!(forwards.iter().filter_map(|line| line["Forwards"].as_u64()).sum::<u64>(), counted, "{setting}");
    }
}

/// The edge's lines, the authorizer's and these are found by one ray, the doors' own requests too.
#[tokio::test]
async fn the_doors_have_lines_as_well() {
    let forwarding = Forwarding::new().await;
    let function = forwarding.forwarder(&[]).await;
    let request = forwarding.request("GET", "/.countersign/probe");
    let context = with(&edge(), "ray", "9a9a9a9a9a9a9a9a-FRA");
    let line = forwarding.send(&function, Form::Http2, &request, &context).await.decided.audit;
    assert_eq!((&line["outcome"], &line["code"]), (&json!("inside"), &json!("inside_probe")));
    assert_eq!((&line["ray"], &line["principal"]), (&json!("9a9a9a9a9a9a9a9a-FRA"), &json!("edge")));
    assert_eq!(line["backend"], Value::Null);
}
