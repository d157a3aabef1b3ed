#![allow(clippy::unwrap_used)]

use countersign_decision::limits;
use serde_json::{Value, json};

use super::*;

fn rest() -> Value {
    json!({
        "resource": "/{proxy+}",
        "path": "/items/a%20b",
        "httpMethod": "POST",
        "headers": { "X-A": "last" },
        "multiValueHeaders": { "X-A": ["first", "last"], "Cookie": ["a=1; b=2"] },
        "queryStringParameters": { "x": "2" },
        "multiValueQueryStringParameters": { "x": ["1", "2"], "y": [""] },
        "pathParameters": { "proxy": "items/a b" },
        "requestContext": {
            "apiId": "abc",
            "stage": "prod",
            "path": "/prod/items/a%20b",
            "domainName": "api.example.com",
            "requestId": "r-1",
            "resourcePath": "/{proxy+}",
            "identity": { "sourceIp": "198.51.100.20", "apiKey": "not read" },
            "authorizer": { "principal": "acme", "principalId": "acme", "integrationLatency": 7 },
        },
        "body": "{\"a\":\"é\"}",
        "isBase64Encoded": false,
    })
}

fn http_1() -> Value {
    let mut event = rest();
    event["version"] = json!("1.0");
    event["path"] = json!("/prod/items/a b");
    event
}

fn http_2() -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/prod/items/a b",
        "rawQueryString": "x=1&x=2",
        "cookies": ["a=1", "b=2"],
        "headers": { "x-a": "first,last" },
        "pathParameters": { "proxy": "items/a b" },
        "requestContext": {
            "apiId": "abc",
            "stage": "prod",
            "domainName": "api.example.com",
            "requestId": "r-1",
            "routeKey": "ANY /{proxy+}",
            "http": { "method": "POST", "sourceIp": "198.51.100.20" },
            "authorizer": { "lambda": { "principal": "acme" } },
        },
        "body": "eyJhIjoixQ==",
        "isBase64Encoded": true,
    })
}

fn detail(event: &Value) -> String {
    parse(&event.to_string()).err().map(|unreadable| unreadable.detail).unwrap_or_default()
}

fn lines<'r>(request: &'r Request<'_>) -> Vec<(&'r str, &'r str)> {
    request.headers.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect()
}

#[test]
fn the_forms_show_one_request() {
    for (event, name, path) in [
        (rest(), "rest_1.0", "/items/a%20b"),
        (http_1(), "http_1.0", "/items/a b"),
        (http_2(), "http_2.0", "/items/a b"),
    ] {
        let payload = event.to_string();
        let request = parse(&payload).unwrap();
        assert_eq!((request.event(), request.path.as_ref(), request.method.as_ref()), (name, path, "POST"));
        assert_eq!(request.payload, payload);
        assert_eq!(request.header("cookie").map(|cookie| cookie.contains("b=2")), Some(true), "{name}");
        assert_eq!(request.identity.as_ref().unwrap().principal(), Some("acme"), "{name}");
        let told = [&request.api, &request.stage, &request.domain, &request.request_id, &request.source_ip];
        assert_eq!(
            told.map(|text| text.as_deref().unwrap_or_default()),
            ["abc", "prod", "api.example.com", "r-1", "198.51.100.20"]
        );
    }
}

#[test]
fn headers_are_lines_in_lower_case() {
    let payload = rest().to_string();
    let request = parse(&payload).unwrap();
    assert_eq!(lines(&request), [("cookie", "a=1; b=2"), ("x-a", "first"), ("x-a", "last")]);
    assert_eq!((request.header("x-a"), request.header("x-b")), (None, None), "twice is as good as never");
    let payload = http_2().to_string();
    let request = parse(&payload).unwrap();
    assert_eq!(lines(&request), [("x-a", "first,last"), ("cookie", "a=1; b=2")]);

    let mut event = http_1();
    event["multiValueHeaders"] = json!(null);
    let payload = event.to_string();
    assert_eq!(lines(&parse(&payload).unwrap()), [("x-a", "last")]);
    // JSON lets a name come twice; an edge's header must not be lost behind a second one.
    let payload = rest().to_string().replacen("\"multiValueHeaders\":{", "\"multiValueHeaders\":{\"X-a\":[\"0\"],", 1);
    assert_eq!(parse(&payload).unwrap().headers.iter().filter(|(name, _)| name == "x-a").count(), 3);
}

#[test]
fn queries_come_as_they_are_shown() {
    let payload = rest().to_string();
    let Query::Decoded(pairs) = parse(&payload).unwrap().query else { panic!("decoded") };
    assert_eq!(pairs, [("x".into(), "1".into()), ("x".into(), "2".into()), ("y".into(), "".into())]);
    let payload = http_2().to_string();
    assert!(matches!(parse(&payload).unwrap().query, Query::Raw(query) if query == "x=1&x=2"));
    let mut event = rest();
    event["multiValueQueryStringParameters"] = json!(null);
    event["queryStringParameters"] = json!(null);
    let payload = event.to_string();
    assert!(matches!(parse(&payload).unwrap().query, Query::Decoded(pairs) if pairs.is_empty()));
}

#[test]
fn bodies_are_bytes() {
    let body = |event: &Value| parse(&event.to_string()).map(|request| request.body.into_owned()).unwrap();
    assert_eq!(body(&rest()), "{\"a\":\"é\"}".as_bytes());
    assert_eq!(body(&http_2()), b"{\"a\":\"\xc5");
    for nothing in [json!(null), json!("")] {
        for mut event in [rest(), http_1(), http_2()] {
            event["body"] = nothing.clone();
            assert_eq!(body(&event), b"");
            event.as_object_mut().unwrap().remove("body");
            event.as_object_mut().unwrap().remove("isBase64Encoded");
            assert_eq!(body(&event), b"");
        }
    }
    let mut event = http_2();
    event["body"] = json!("not base64");
    assert!(detail(&event).contains("base64"));
}

#[test]
fn a_named_stage_is_no_part_of_an_http_apis_path() {
    let path = |event: &Value| parse(&event.to_string()).map(|request| request.path.into_owned()).unwrap();
    for (form, field) in [(http_1(), "path"), (http_2(), "rawPath")] {
        let mut event = form;
        event[field] = json!("/prod/prod/items");
        event["requestContext"]["domainName"] = json!("abc.execute-api.eu-west-1.amazonaws.com");
        assert_eq!(path(&event), "/prod/items", "{field}: on the default endpoint");
        for domain in ["abcd.example.com", "abc.example.com"] {
            event["requestContext"]["domainName"] = json!(domain);
            assert_eq!(path(&event), "/prod/prod/items", "{field} {domain}: nothing tells");
        }
        event["requestContext"]["routeKey"] = json!(null);
        event["requestContext"]["resourcePath"] = json!("/{proxy+}");
        event["pathParameters"] = json!({ "proxy": "prod/items" });
        assert_eq!(path(&event), "/prod/items", "{field}: the route tells");
        event["requestContext"]["routeKey"] = json!("ANY /prod/{proxy+}");
        event["pathParameters"] = json!({ "proxy": "prod/items" });
        assert_eq!(path(&event), "/prod/prod/items", "{field}: the route tells");
    }
    let mut event = rest();
    event["path"] = json!("/prod/items");
    event["requestContext"]["domainName"] = json!("abc.execute-api.eu-west-1.amazonaws.com");
    assert_eq!(path(&event), "/prod/items", "REST has taken it away already");
}

#[test]
fn without_an_authorizer_there_is_no_identity() {
    for authorizer in [json!(null), json!({}), json!({ "principalId": "acme" }), json!({ "claims": {} })] {
        for mut event in [rest(), http_1(), http_2()] {
            event["requestContext"]["authorizer"] = authorizer.clone();
            assert!(parse(&event.to_string()).is_ok_and(|request| request.identity.is_none()), "{authorizer}");
        }
    }
    let mut event = rest();
    event["requestContext"]["authorizer"] = json!("acme");
    assert!(!detail(&event).is_empty());
}

#[test]
fn other_events_are_told_what_they_are() {
    let websocket =
        json!({ "requestContext": { "connectionId": "c", "routeKey": "$default", "eventType": "MESSAGE" } });
    assert!(detail(&websocket).contains("WebSocket"));
    assert!(detail(&json!({ "requestContext": { "elb": {} }, "path": "/" })).contains("load balancer"));
    assert!(detail(&json!({ "type": "REQUEST", "methodArn": "x" })).contains("authorizer"));
    assert!(detail(&json!({ "version": "3.0" })).contains("version"));
    assert!(detail(&json!({ "Records": [] })).contains("httpMethod"));
    for (field, mut event) in [
        ("httpMethod", rest()),
        ("path", http_1()),
        ("rawPath", http_2()),
        ("rawQueryString", http_2()),
        ("requestContext", rest()),
    ] {
        event.as_object_mut().unwrap().remove(field);
        assert!(detail(&event).contains(field), "{field}");
    }
    for method in ["", "GET /", "GE\nT", "é", "get", "ANY", "CONNECT", "TRACE", "PROPFIND"] {
        let mut event = rest();
        event["httpMethod"] = json!(method);
        assert!(detail(&event).contains("method"), "{method:?}");
    }
}

#[test]
fn excess_is_refused() {
    let mut event = rest();
    event["multiValueHeaders"]["X-B"] = json!(vec!["x"; limits::HEADERS]);
    assert!(detail(&event).contains("header"));
    let mut event = rest();
    event["multiValueQueryStringParameters"]["z"] = json!(vec!["x"; limits::PARAMETERS]);
    assert!(detail(&event).contains("query"));
}

/// No event may be quoted back: it carries credentials.
#[test]
fn what_is_wrong_is_not_quoted() {
    for payload in [
        r#"{"path":"/canary","path":"/canary"}"#,
        r#"{"headers":{"authorization":"canary"},"canary"#,
        r#"{"version":"canary"}"#,
        r#"{"httpMethod":"canary canary","path":"/","requestContext":{}}"#,
        r#"{"body":{"canary":1}}"#,
    ] {
        let detail = parse(payload).err().unwrap().detail;
        assert!(!detail.contains("canary"), "{detail}");
    }
}
