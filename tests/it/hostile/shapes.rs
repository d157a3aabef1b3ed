//! Events of the right kind with something in them missing, doubled or of the wrong type.

use countersign_tests::deployment::{READER, key_hash};
use countersign_tests::events::Kind;
use serde_json::{Value, json};

use super::{Allowed, Target};

/// Every value of every event, replaced by every type there is.
#[tokio::test]
async fn any_field_of_any_other_type() {
    let target = Target::new().await;
    for kind in Kind::ALL {
        let good = target.good(kind);
        for pointer in pointers(&good) {
            for value in [
                json!(null),
                json!(0),
                json!(-1.5e300),
                json!(true),
                json!(""),
                json!("x"),
                json!("\u{0}\u{1f}\u{7f}\u{2028}é"),
                json!([]),
                json!([[]]),
                json!([null]),
                json!({}),
                json!({ "a": null }),
                json!({ "": [{}] }),
            ] {
                let mut event = good.clone();
                *event.pointer_mut(&pointer).unwrap() = value.clone();
                target.send(kind, event.to_string(), Allowed::Perhaps, &format!("{pointer} = {value}")).await;
            }
            let mut event = good.clone();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            if let Some(parent) = event.pointer_mut(parent).and_then(Value::as_object_mut) {
                parent.remove(name);
            }
            target.send(kind, event.to_string(), Allowed::Perhaps, &format!("without {pointer}")).await;
        }
    }
    target.assert_alive().await;
}

/// What the decision stands on, taken away or changed: not allowed, whatever the shape.
#[tokio::test]
async fn no_field_that_counts_can_be_missing() {
    let target = Target::new().await;
    for (kind, pointers) in [
        (Kind::RestToken, &["/type", "/methodArn", "/authorizationToken"] as &[_]),
        (
            Kind::RestRequest,
            &["/type", "/methodArn", "/httpMethod", "/multiValueHeaders", "/multiValueQueryStringParameters"],
        ),
        (Kind::Http1, &["/type", "/methodArn", "/httpMethod", "/path", "/multiValueHeaders"]),
        (
            Kind::Http2,
            &[
                "/type",
                "/routeArn",
                "/rawPath",
                "/rawQueryString",
                "/headers",
                "/requestContext",
                "/requestContext/http/method",
            ],
        ),
        (
            Kind::WebSocket,
            &[
                "/type",
                "/methodArn",
                "/multiValueHeaders",
                "/multiValueQueryStringParameters",
                "/requestContext/eventType",
            ],
        ),
    ] {
        for pointer in pointers {
            for value in [json!(null), json!({}), json!([]), json!(""), json!(7)] {
                let mut event = target.good(kind);
                *event.pointer_mut(pointer).unwrap() = value.clone();
                // A REST event without its multi-value map has the single values still.
                let spare = value.is_null() && pointer.starts_with("/multiValue");
                let allowed = if spare { Allowed::Perhaps } else { Allowed::Never };
                target.send(kind, event.to_string(), allowed, &format!("{pointer} = {value}")).await;
            }
        }
    }
    target.assert_alive().await;
}

/// JSON lets a name come twice. Whichever of the two a parser takes, ours lets nobody in by it.
#[tokio::test]
async fn a_name_that_comes_twice() {
    let target = Target::new().await;
    for kind in Kind::SIGNABLE {
        let lower = matches!(kind, Kind::Http1 | Kind::Http2);
        let multi = kind != Kind::Http2;
        let quoted = |value: &str| if multi { json!([value]) } else { json!(value) };
        let map = if multi { "multiValueHeaders" } else { "headers" };
        let other_key = key_hash(READER);
        for (name, value) in [
            ("Edge-Key", other_key.as_str()),
            ("edge-key", other_key.as_str()),
            ("EDGE-KEY", other_key.as_str()),
            ("Edge-Target", "/prod/admin"),
            ("Edge-Client", r#"ip="192.0.2.1""#),
            ("Signature-Input", "edge=()"),
            ("Signature", "edge=:AAAA:"),
            ("Host", "elsewhere.example.com"),
        ] {
            let name = if lower { name.to_ascii_lowercase() } else { name.to_owned() };
            let text = target.good(kind).to_string();
            let opening = format!("\"{map}\":{{");
            for doubled in [
                text.replacen(&opening, &format!("{opening}{}:{},", json!(name), quoted(value)), 1),
                insert_last(&text, &opening, &format!(",{}:{}", json!(name), quoted(value))),
            ] {
                assert_ne!(doubled, text, "{kind:?} {name}: nothing was doubled");
                target.send(kind, doubled, Allowed::Never, &format!("{name} twice")).await;
            }
        }
        let text = target.good(kind).to_string();
        for (field, value) in [
            ("methodArn", json!("arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/DELETE/admin")),
            ("routeArn", json!("arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/DELETE/admin")),
            ("requestContext", json!({ "http": { "method": "DELETE" } })),
            (map, json!({})),
        ] {
            if text.contains(&format!("\"{field}\":")) {
                let doubled = text.replacen('{', &format!("{{{}:{value},", json!(field)), 1);
                target.send(kind, doubled, Allowed::Never, &format!("{field} twice")).await;
            }
        }
    }
    target.assert_alive().await;
}

/// A pointer to every value of a document, the document itself excepted.
pub fn pointers(value: &Value) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => {
            map.iter().map(|(name, child)| (name.replace('~', "~0").replace('/', "~1"), child)).collect()
        }
        Value::Array(list) => list.iter().enumerate().map(|(i, child)| (i.to_string(), child)).collect(),
        _ => Vec::new(),
    };
    let below = |(name, child): (String, &Value)| {
        let own = format!("/{name}");
        let deeper = pointers(child).into_iter().map(|rest| format!("{own}{rest}")).collect::<Vec<_>>();
        std::iter::once(own.clone()).chain(deeper)
    };
    children.into_iter().flat_map(below).collect()
}

/// Inserts text before the brace that closes the object opened by `opening`.
fn insert_last(text: &str, opening: &str, insertion: &str) -> String {
    let start = text.find(opening).map_or(text.len(), |at| at + opening.len());
    let mut depth = 1;
    let mut in_string = false;
    let mut escaped = false;
    for (at, c) in text[start..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            '{' if !in_string => depth += 1,
            '}' if !in_string => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return format!("{}{insertion}{}", &text[..start + at], &text[start + at..]);
        }
    }
    text.to_owned()
}
