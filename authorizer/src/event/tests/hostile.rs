//! Events that API Gateway would not send: each ends in a fault that quotes nothing of it, or in a
//! request that the decision refuses; none in a panic.

use super::*;

const SECRET: &str = "csk_canary";

#[test]
fn what_is_no_json_is_a_fault() {
    let deep = "[".repeat(100_000);
    let deep_in_field = format!(r#"{{"type":"REQUEST","x":{}}}"#, "[".repeat(100_000));
    for payload in ["", " ", "null", "true", "7", "\"x\"", "[]", "{", "{}", "{}{}", "{\"type\":", &deep, &deep_in_field]
    {
        let unreadable = parse(payload).unwrap_err();
        assert_eq!(unreadable.fault, Fault::EventUnreadable, "{payload:.20}");
    }
    assert!(parse("\0").is_err());
}

#[test]
fn a_field_of_another_type_is_a_fault() {
    let wrong = [json!(7), json!(true), json!([]), json!({}), json!([SECRET])];
    for event in [token(), rest(), http_1(), http_2(), websocket()] {
        for field in ["type", "version", "methodArn", "routeArn", "httpMethod", "path", "rawPath", "rawQueryString"] {
            for value in &wrong {
                assert!(
                    read(&with(event.clone(), &format!("/{field}"), value.clone()), |_| ()).is_err(),
                    "{field} {value}"
                );
            }
        }
        for field in ["headers", "multiValueHeaders", "requestContext"] {
            for value in [json!(7), json!(SECRET), json!([[]])] {
                let event = with(without_multi(event.clone()), &format!("/{field}"), value.clone());
                let is_read = field != "headers" || event["type"] == "REQUEST";
                assert_eq!(read(&event, |_| ()).is_err(), is_read, "{field} {value} {event}");
            }
        }
    }
}

/// So that `headers` is the map that is read.
fn without_multi(mut event: Value) -> Value {
    event.as_object_mut().unwrap().remove("multiValueHeaders");
    event
}

#[test]
fn header_and_query_values_are_strings() {
    for value in [json!(null), json!(7), json!({ "a": SECRET }), json!([SECRET])] {
        let single = with(without(rest(), "multiValueHeaders"), "/headers/X-Key", value.clone());
        assert!(read(&single, |_| ()).is_err(), "{value}");
        assert!(read(&with(rest(), "/multiValueHeaders/X-Key", json!([value])), |_| ()).is_err(), "{value}");
        assert!(read(&with(rest(), "/multiValueQueryStringParameters/q", json!([value])), |_| ()).is_err(), "{value}");
    }
    for value in [json!(null), json!("x"), json!({})] {
        assert!(read(&with(rest(), "/multiValueHeaders/X-Key", value.clone()), |_| ()).is_err(), "{value}");
    }
}

#[test]
fn a_fault_says_where_and_quotes_nothing() {
    for event in [
        with(rest(), "/httpMethod", json!({ SECRET: SECRET })),
        with(rest(), "/multiValueHeaders/X-Key", json!(SECRET)),
        with(without(rest(), "multiValueHeaders"), "/headers", json!(SECRET)),
        with(rest(), "/type", json!(SECRET)),
        with(rest(), "/methodArn", json!(SECRET)),
    ] {
        let detail = read(&event, |_| ()).unwrap_err();
        assert!(!detail.contains(SECRET), "{detail}");
    }
    let detail = parse("{\"type\": \"REQUEST\",\n \"version\": 2}").unwrap_err().detail;
    assert_eq!(detail, "the event has a field of another type than documented, or one twice, at line 2 column 13");
}

#[test]
fn what_its_kind_must_have_is_missed_by_name() {
    for (event, fields) in [
        (token(), &["methodArn", "authorizationToken"][..]),
        (rest(), &["methodArn"]),
        (http_1(), &["methodArn", "path", "httpMethod"]),
        (http_2(), &["routeArn", "rawPath", "rawQueryString"]),
    ] {
        for field in fields {
            for event in [without(event.clone(), field), with(event.clone(), &format!("/{field}"), Value::Null)] {
                assert_eq!(read(&event, |_| ()).unwrap_err(), format!("the event has no {field}"));
            }
        }
    }
    let detail = read(&without(http_2(), "requestContext"), |_| ()).unwrap_err();
    assert_eq!(detail, "the event has no requestContext.http.method");
}

#[test]
fn half_a_websocket_is_a_fault() {
    for event in [
        with(websocket(), "/httpMethod", json!("GET")),
        with(websocket(), "/methodArn", json!(ARN)),
        with(websocket(), "/requestContext/eventType", Value::Null),
        with(websocket(), "/requestContext/eventType", json!("MESSAGE")),
        with(rest(), "/requestContext/eventType", json!("CONNECT")),
        without(websocket(), "requestContext"),
        without(rest(), "httpMethod"),
    ] {
        assert!(read(&event, |_| ()).unwrap_err().contains("neither a REST request nor a WebSocket"), "{event}");
    }
}

#[test]
fn arns_of_other_services_and_halves_of_arns_are_faults() {
    for arn in ["", "x", "arn:aws:s3:::bucket/key", "arn:aws:execute-api:r:1:abc", "arn:aws:execute-api:r:1:/prod/GET/"]
    {
        let detail = read(&with(rest(), "/methodArn", json!(arn)), |_| ()).unwrap_err();
        assert_eq!(detail, "methodArn is not an execute-api ARN", "{arn}");
    }
}

#[test]
fn a_field_twice_is_a_fault_but_a_header_twice_is_two_headers() {
    let event = serde_json::to_string(&rest()).unwrap();
    let twice = event.replacen('{', r#"{"httpMethod":"POST","#, 1);
    assert!(parse(&twice).is_err());
    let context = event.replace(r#""stage":"prod""#, r#""stage":"prod","stage":"dev""#);
    assert!(parse(&context).is_err());
    let header = event.replace(r#""Host":["api.example.com"]"#, r#""Host":["a"],"Host":["b"],"hOST":["c"]"#);
    assert_eq!(parse(&header).unwrap().headers.all("host").collect::<Vec<_>>(), ["a", "b", "c"]);
    let single = r#"{"type":"REQUEST","httpMethod":"GET","path":"/","headers":{"Host":"a","host":"b","Host":"c"},"methodArn":"ARN"}"#;
    let single = single.replace("ARN", ARN);
    assert_eq!(parse(&single).unwrap().headers.all("host").collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn more_headers_than_any_gateway_sends_are_seen_but_not_kept() {
    for (count, kept) in [(limits::HEADERS, limits::HEADERS), (10_000, limits::HEADERS + 1)] {
        let names = (0..count).map(|n| format!("x-{n}"));
        let single = names.clone().map(|name| (name, json!("v"))).collect();
        let multi = names.map(|name| (name, json!(["v"]))).collect();
        let one_name = json!({ "x": vec!["v"; count] });
        let without_multi = with(without(rest(), "multiValueHeaders"), "/headers", Value::Object(single));
        for event in [
            with(rest(), "/multiValueHeaders", Value::Object(multi)),
            with(rest(), "/multiValueHeaders", one_name),
            without_multi,
        ] {
            assert_eq!(read(&event, |request| request.headers.len()), Ok(kept));
        }
    }
}

#[test]
fn a_megabyte_and_strange_characters_are_read() {
    let event = with(rest(), "/multiValueHeaders/X-Big", json!(["x".repeat(1_000_000)]));
    assert_eq!(read(&event, |request| request.headers.len()), Ok(4));
    let event = with(rest(), "/multiValueHeaders/X-\u{1F511}\u{0}", json!(["\u{0}\r\n\u{7f}é"]));
    let line = read(&event, |request| request.headers.all("X-\u{1F511}\u{0}").map(str::to_owned).collect::<Vec<_>>());
    assert_eq!(line.unwrap(), ["\u{0}\r\n\u{7f}é"]);
    assert!(parse(r#"{"type":"\ud800","methodArn":"x"}"#).is_err());
}
