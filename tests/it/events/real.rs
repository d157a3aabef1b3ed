//! Events that real API Gateways sent or AWS documents, read in place.

use countersign_authorizer::event;
use countersign_decision::request::{Arn, EventKind, QueryView, Request};
use serde_json::{Value, json};

use super::agreement;
use crate::recorded;

fn parse<T>(event: &Value, look: impl FnOnce(&Request<'_>) -> T) -> T {
    let payload = event.to_string();
    look(&event::parse(&payload).unwrap_or_else(|unreadable| panic!("{}: {event}", unreadable.detail)))
}

/// A recorded event of an integration, as the authorizer of the same request would have got it.
fn as_authorizer_event(mut event: Value, arn_field: &str, arn: &str) -> Value {
    let members = event.as_object_mut().unwrap();
    members.remove("body");
    members.remove("isBase64Encoded");
    members.insert("type".to_owned(), json!("REQUEST"));
    members.insert(arn_field.to_owned(), json!(arn));
    event
}

#[test]
fn documented_authorizer_events_are_read() {
    use EventKind::{Http1, Http2, RestRequest, RestToken, WebSocket};
    let http_2 = ("abcdef123/test/GET/request", "/my/path", 2);
    for (name, kind, (arn, path, headers)) in [
        ("custom-auth-request", RestToken, ("ymy8tbxw7b/*/GET/", "", 0)),
        ("custom-auth-request-type-request", RestRequest, ("s4x3opwd6i/test/GET/request", "/request", 21)),
        ("v2-custom-authorizer-v1-request", Http1, ("abcdef123/test/GET/request", "/request", 8)),
        ("v2-custom-authorizer-v2-request", Http2, http_2),
        ("v2-custom-authorizer-v2-request-null-maps", Http2, http_2),
        ("v2-custom-authorizer-v2-request-without-cookies", Http2, http_2),
        ("v2-custom-authorizer-v2-request-without-identity-source", Http2, http_2),
        ("v2-custom-authorizer-websocket-request", WebSocket, ("abcdef123/test/$connect", "", 2)),
    ] {
        let Some(event) = recorded::read(&format!("lambda-events/example-apigw-{name}.json")) else { return };
        parse(&event, |request| {
            let Arn { api_id, stage, method, path: routed, .. } = &request.arn;
            assert_eq!((request.kind, format!("{api_id}/{stage}/{method}{routed}").as_str()), (kind, arn), "{name}");
            assert_eq!((request.path.text(), request.headers.len()), (path, headers), "{name}");
        });
    }
}

#[test]
fn documented_queries_are_read() {
    let query = |name: &str| {
        let event = recorded::read(&format!("lambda-events/example-apigw-{name}.json"))?;
        Some(parse(&event, |request| match &request.query {
            QueryView::Raw(query) => format!("raw {query}"),
            QueryView::Decoded(pairs) => format!("decoded {pairs:?}"),
            view => format!("{view:?}"),
        }))
    };
    let Some(rest) = query("custom-auth-request-type-request") else { return };
    assert_eq!(rest, r#"decoded [("QueryString1", "queryValue1")]"#);
    // Both have the single-value map only, or an empty one beside it.
    assert_eq!(query("v2-custom-authorizer-v1-request").unwrap(), "Lossy");
    assert_eq!(query("v2-custom-authorizer-websocket-request").unwrap(), "Lossy");
    let raw = "raw parameter1=value1&parameter1=value2&parameter2=value";
    assert_eq!(query("v2-custom-authorizer-v2-request").unwrap(), raw);
    assert_eq!(query("custom-auth-request").unwrap(), "Hidden");
}

const CAPTURED_QUERY: &str =
    "repeat=one&repeat=two&redirect=https%3A%2F%2Fexample.com%2Fa%2Fb&literalPlus=a+b&encodedPlus=a%2Bb&empty=";

/// One `curl` to a REST API and to an HTTP API, in July 2026.
#[test]
fn captured_events_agree_with_the_url_that_made_them() {
    let Some(rest) = recorded::read("apigw-captures/voker-apigwv1-request.json") else { return };
    let http = recorded::read("apigw-captures/voker-apigwv2-request.json").unwrap();
    let region = "arn:aws:execute-api:us-west-2:910345601053";
    for (event, arn_field, route, target) in [
        (&rest, "methodArn", "5h7pqvr9u4/live/POST/capture/space%20value", "/live/capture/space%20value"),
        (&rest, "methodArn", "5h7pqvr9u4/live/POST/capture/space value", "/live/capture/space%20value"),
        (&http, "routeArn", "sjzepsqsu5/$default/POST/capture/space value", "/capture/space%20value"),
        (&http, "routeArn", "sjzepsqsu5/$default/POST/capture/space%20value", "/capture/space%20value"),
    ] {
        let event = as_authorizer_event(event.clone(), arn_field, &format!("{region}:{route}"));
        let host = event["requestContext"]["domainName"].as_str().unwrap();
        let agrees = |target: &str| agreement(target, &event, "", host).is_ok();
        assert!(agrees(&format!("{target}?{CAPTURED_QUERY}")), "{route}");
        for other in [
            format!("{target}/?{CAPTURED_QUERY}"),
            format!("{target}?{CAPTURED_QUERY}&more="),
            format!("{target}?{}", CAPTURED_QUERY.replace("one&repeat=two", "two&repeat=one")),
            format!("{target}?{}", CAPTURED_QUERY.replace("a+b", "a%2Bb")),
            format!("{target}?{}", CAPTURED_QUERY.replace("&empty=", "")),
            format!("{}?{CAPTURED_QUERY}", target.replace("%20", "%2520")),
            format!("{}?{CAPTURED_QUERY}", target.replace("capture", "captur")),
            target.to_owned(),
        ] {
            assert!(!agrees(&other), "{route} {other}");
        }
    }
}

/// REST events keep repeated header lines apart, HTTP APIs join them with a bare comma.
#[test]
fn captured_headers_show_what_was_repeated() {
    let Some(rest) = recorded::read("apigw-captures/voker-apigwv1-request.json") else { return };
    let http = recorded::read("apigw-captures/voker-apigwv2-request.json").unwrap();
    let rest = as_authorizer_event(rest, "methodArn", "arn:aws:execute-api:us-west-2:1:abc/live/POST/capture");
    let http = as_authorizer_event(http, "routeArn", "arn:aws:execute-api:us-west-2:1:abc/$default/POST/capture");
    let probe = |event: &Value| {
        parse(event, |request| {
            assert_eq!(request.source_ip.as_deref(), Some("68.8.83.18"));
            assert_eq!(request.method, "POST");
            request.headers.all("X-Voker-Probe").map(str::to_owned).collect::<Vec<_>>()
        })
    };
    assert_eq!(probe(&rest), ["first", "second"]);
    assert_eq!(probe(&http), ["first,second"]);
}

/// REST events recorded in 2024: slashes, escapes and queries, each with the path on the wire.
#[test]
fn recorded_rest_events_agree_with_their_url_unless_slashes_were_merged() {
    let Some(all) = recorded::read("apigw-captures/localstack-rest-proxy-snapshots.json") else { return };
    let email = "/stage/proxy-value/api/user/test%2Balias@gmail.com/plus/test+alias@gmail.com";
    let encoded = "dateTimeOffset=2023-06-12T18:05:10.123456+00:00&email=test%2Balias@gmail.com&plus=test+alias@gmail.com\
        &url=https://www.google.com/&whitespace=foo%20bar&zhash=abort/";
    let repeated = "category=electronics&category=books&price=10&price=20&price=30";
    for (name, target, expected) in [
        ("without-trailing-slash", "/stage/proxy-value", true),
        ("with-trailing-slash", "/stage/proxy-value/", true),
        ("with-double-slash", "/stage/proxy-value//double-slash", true),
        ("without-trailing-slash-and-query-params", "/stage/proxy-value?urlparam=test", true),
        ("with-trailing-slash-and-query-params", "/stage/proxy-value/?urlparam=test", true),
        ("with-path-encoded-email", email, true),
        ("with-params-encoding", &format!("/stage/proxy-value/api?{encoded}"), true),
        ("with-params-encoding-multi", &format!("/stage/proxy-value?{repeated}"), true),
        // The route is another path than the one signed, if only by a slash.
        ("with-prepended-slash-to-stage", "//stage/proxy-value", false),
        ("with-prepended-slash", "/stage//proxy-value", false),
        // And each of them refuses its neighbour.
        ("without-trailing-slash", "/stage/proxy-value/", false),
        ("with-trailing-slash", "/stage/proxy-value", false),
        ("with-double-slash", "/stage/proxy-value/double-slash", false),
        ("with-path-encoded-email", &email.replace("%2B", "+"), false),
        ("with-params-encoding", &format!("/stage/proxy-value/api?{}", encoded.replace("%2B", "+")), false),
        (
            "with-params-encoding-multi",
            &format!("/stage/proxy-value?{}", repeated.replace("10&price=20", "20&price=10")),
            false,
        ),
    ] {
        let mut event = all["recorded"][format!("invocation-payload-{name}")].clone();
        // The recording has placeholders in some places, instead of the list that every header has.
        for lines in event["multiValueHeaders"].as_object_mut().unwrap().values_mut().filter(|lines| lines.is_string())
        {
            *lines = json!([lines.take()]);
        }
        let route = format!("{}{}", event["httpMethod"].as_str().unwrap(), event["path"].as_str().unwrap());
        let arn = format!("arn:aws:execute-api:us-east-1:111111111111:abc/stage/{route}");
        let event = as_authorizer_event(event, "methodArn", &arn);
        let agreed = agreement(target, &event, "", "abc.execute-api.us-east-1.amazonaws.com");
        assert_eq!(agreed.is_ok(), expected, "{name} {target}: {agreed:?}");
        let lines = event["multiValueHeaders"].as_object().unwrap().len();
        assert_eq!(parse(&event, |request| request.headers.len()), lines);
    }
}
