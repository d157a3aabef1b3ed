#![allow(clippy::unwrap_used)]

use countersign_decision::limits;
use countersign_decision::request::Sent;
use serde_json::{Value, json};

use super::*;

mod hostile;

const ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:abc/prod/GET/items";

fn token() -> Value {
    json!({ "type": "TOKEN", "authorizationToken": "Bearer x.y.z", "methodArn": ARN })
}

fn rest() -> Value {
    json!({
        "type": "REQUEST",
        "methodArn": ARN,
        "path": "/items",
        "httpMethod": "GET",
        "headers": { "X-A": "last" },
        "multiValueHeaders": { "X-A": ["first", "last"], "Host": ["api.example.com"] },
        "queryStringParameters": { "x": "2" },
        "multiValueQueryStringParameters": { "x": ["1", "2"], "y": [""] },
        "requestContext": {
            "apiId": "abc",
            "stage": "prod",
            "path": "/prod/items",
            "domainName": "api.example.com",
            "requestId": "r-1",
            "resourcePath": "/{proxy+}",
            "identity": { "sourceIp": "203.0.113.7", "apiKey": "not read" },
        },
    })
}

fn http_1() -> Value {
    let mut event = rest();
    event["version"] = json!("1.0");
    event["path"] = json!("/prod/items");
    event
}

fn http_2() -> Value {
    json!({
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": ARN,
        "rawPath": "/prod/items",
        "rawQueryString": "x=1&x=2",
        "cookies": ["a=b"],
        "headers": { "x-a": "first,last" },
        "requestContext": {
            "apiId": "abc",
            "stage": "prod",
            "domainName": "api.example.com",
            "requestId": "r-1",
            "routeKey": "GET /items",
            "http": { "method": "GET", "path": "/prod/items", "sourceIp": "203.0.113.7" },
        },
    })
}

fn websocket() -> Value {
    json!({
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:abc/prod/$connect",
        "multiValueHeaders": { "Host": ["ws.example.com"] },
        "multiValueQueryStringParameters": null,
        "requestContext": {
            "apiId": "abc",
            "stage": "prod",
            "routeKey": "$connect",
            "eventType": "CONNECT",
            "identity": { "sourceIp": "203.0.113.7" },
        },
    })
}

fn with(mut event: Value, pointer: &str, value: Value) -> Value {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap()[field] = value;
    event
}

fn without(mut event: Value, field: &str) -> Value {
    event.as_object_mut().unwrap().remove(field).unwrap();
    event
}

fn read<T>(event: &Value, look: impl FnOnce(Request<'_>) -> T) -> Result<T, String> {
    let payload = event.to_string();
    let answer = parse(&payload).map(look);
    answer.map_err(|unreadable| {
        assert_eq!(unreadable.fault, Fault::EventUnreadable);
        unreadable.detail
    })
}

fn kind(event: &Value) -> Result<EventKind, String> {
    read(event, |request| request.kind)
}

fn path(event: &Value) -> Result<PathView<'static>, String> {
    read(event, |request| match request.path {
        PathView::Wire(path) => PathView::Wire(path.into_owned().into()),
        PathView::WireWithoutStage(path) => PathView::WireWithoutStage(path.into_owned().into()),
        PathView::Decoded(path) => PathView::Decoded(path.into_owned().into()),
        PathView::Hidden => PathView::Hidden,
    })
}

#[test]
fn the_five_kinds_are_told_apart() {
    assert_eq!(kind(&token()), Ok(EventKind::RestToken));
    assert_eq!(kind(&rest()), Ok(EventKind::RestRequest));
    assert_eq!(kind(&http_1()), Ok(EventKind::Http1));
    assert_eq!(kind(&http_2()), Ok(EventKind::Http2));
    assert_eq!(kind(&websocket()), Ok(EventKind::WebSocket));
}

#[test]
fn kinds_do_not_hang_on_fields_that_other_kinds_may_have() {
    assert_eq!(kind(&with(rest(), "/rawPath", json!("/v1/items"))), Ok(EventKind::RestRequest));
    assert_eq!(kind(&with(rest(), "/version", json!("$LATEST"))), Ok(EventKind::RestRequest));
    assert_eq!(kind(&with(websocket(), "/version", json!("$LATEST"))), Ok(EventKind::WebSocket));
    assert_eq!(kind(&without(http_2(), "version")), Ok(EventKind::Http2));
    assert_eq!(kind(&with(http_1(), "/requestContext/http", json!({ "method": "POST" }))), Ok(EventKind::Http1));
}

#[test]
fn keys_may_come_in_any_order() {
    let backwards = r#"{"requestContext":{"http":{"method":"GET"}},"headers":{"a":"b"},"rawQueryString":"",
        "rawPath":"/items","routeArn":"arn:aws:execute-api:eu-west-1:1:abc/$default/GET/items","type":"REQUEST","version":"2.0"}"#;
    assert_eq!(parse(backwards).unwrap().kind, EventKind::Http2);
}

#[test]
fn rest_requests_keep_every_header_line_and_query_value() {
    read(&rest(), |request| {
        assert_eq!(request.method, "GET");
        assert_eq!((request.arn.api_id.as_ref(), request.arn.path.as_ref()), ("abc", "/items"));
        assert_eq!(request.headers.all("x-a").collect::<Vec<_>>(), ["first", "last"]);
        assert_eq!(request.headers.sent("host"), Sent::Once("api.example.com"));
        let pairs = [("x", "1"), ("x", "2"), ("y", "")].map(|(name, value)| (name.into(), value.into()));
        assert_eq!(request.query, QueryView::Decoded(pairs.into()));
        assert_eq!(request.source_ip.as_deref(), Some("203.0.113.7"));
        assert_eq!(request.domain_name.as_deref(), Some("api.example.com"));
        assert_eq!((request.api_id.as_deref(), request.stage.as_deref()), (Some("abc"), Some("prod")));
        assert_eq!(request.request_id.as_deref(), Some("r-1"));
    })
    .unwrap();
}

#[test]
fn single_value_headers_are_read_where_there_are_no_others() {
    for event in [without(rest(), "multiValueHeaders"), with(rest(), "/multiValueHeaders", Value::Null)] {
        read(&event, |request| assert_eq!(request.headers.sent("X-A"), Sent::Once("last"))).unwrap();
    }
    let none = with(without(rest(), "multiValueHeaders"), "/headers", Value::Null);
    read(&none, |request| assert!(request.headers.is_empty())).unwrap();
    read(&http_2(), |request| assert_eq!(request.headers.sent("X-A"), Sent::Once("first,last"))).unwrap();
}

#[test]
fn a_rest_path_is_the_one_on_the_wire_where_the_event_has_it() {
    assert_eq!(path(&rest()), Ok(PathView::Wire("/prod/items".into())));
    assert_eq!(path(&with(rest(), "/rawPath", json!("/v1/items"))), Ok(PathView::Wire("/v1/items".into())));
    assert_eq!(path(&with(rest(), "/rawPath", Value::Null)), Ok(PathView::Wire("/prod/items".into())));
    let bare = with(rest(), "/requestContext/path", Value::Null);
    assert_eq!(path(&bare), Ok(PathView::WireWithoutStage("/items".into())));
    assert_eq!(path(&without(bare, "path")).unwrap_err(), "the event has no path");
}

#[test]
fn http_apis_show_a_decoded_path_and_websockets_none() {
    assert_eq!(path(&http_1()), Ok(PathView::Decoded("/prod/items".into())));
    assert_eq!(path(&http_2()), Ok(PathView::Decoded("/prod/items".into())));
    assert_eq!(path(&websocket()), Ok(PathView::Hidden));
    assert_eq!(path(&token()), Ok(PathView::Hidden));
}

#[test]
fn a_query_without_its_multi_value_map_is_lossy_unless_it_is_empty() {
    let lossy = |event: Value| read(&event, |request| request.query == QueryView::Lossy).unwrap();
    let empty = |event: Value| read(&event, |request| request.query == QueryView::Decoded(Vec::new())).unwrap();
    for event in [rest(), http_1()] {
        let single = without(event, "multiValueQueryStringParameters");
        assert!(lossy(single.clone()));
        assert!(lossy(with(single.clone(), "/multiValueQueryStringParameters", json!({}))));
        assert!(empty(with(single.clone(), "/queryStringParameters", Value::Null)));
        assert!(empty(with(single.clone(), "/queryStringParameters", json!({}))));
        assert!(empty(without(single, "queryStringParameters")));
    }
    assert!(empty(websocket()));
    assert_eq!(read(&http_2(), |request| request.query == QueryView::Raw("x=1&x=2".into())), Ok(true));
}

#[test]
fn a_websocket_is_a_get_and_a_token_event_has_one_header() {
    read(&websocket(), |request| {
        assert_eq!((request.method.as_ref(), request.arn.method.as_ref()), ("GET", "$connect"));
        assert_eq!(request.source_ip.as_deref(), Some("203.0.113.7"));
    })
    .unwrap();
    read(&token(), |request| {
        assert_eq!(request.authorization_token.as_deref(), Some("Bearer x.y.z"));
        assert_eq!((request.method.as_ref(), request.headers.len()), ("GET", 0));
        assert_eq!(request.query, QueryView::Hidden);
    })
    .unwrap();
}

#[test]
fn nothing_is_copied_but_strings_with_escapes() {
    let payload = serde_json::to_string(&rest()).unwrap().replace("first", r"fi\u0072st");
    let request = parse(&payload).unwrap();
    assert!(matches!(request.path, PathView::Wire(Cow::Borrowed(_))));
    assert!(matches!((&request.arn.path, &request.method), (Cow::Borrowed(_), Cow::Borrowed(_))));
    assert_eq!(request.headers.all("X-A").collect::<Vec<_>>(), ["first", "last"]);
}

#[test]
fn an_arn_with_escapes_is_read_like_any_other() {
    let event = with(http_2(), "/routeArn", json!(r#"arn:aws-cn:execute-api:cn-north-1:1:abc/prod/GET/a"b\c:d/é"#));
    read(&event, |request| {
        assert_eq!(request.arn.path, r#"/a"b\c:d/é"#);
        assert_eq!(request.arn.prefix, "arn:aws-cn:execute-api:cn-north-1:1");
    })
    .unwrap();
}
