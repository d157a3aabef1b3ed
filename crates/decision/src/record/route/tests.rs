#![allow(clippy::indexing_slicing)]

use serde_json::{Value, json};

use super::RouteRecord;

fn with(changes: &Value) -> Result<RouteRecord, String> {
    let mut item = json!({ "match": { "path": ["/v1/*"] }, "origin": "gateway", "version": 7 });
    for (name, value) in changes.as_object().unwrap() {
        item[name] = value.clone();
    }
    serde_json::from_value(item).map_err(|error| error.to_string())
}

#[test]
fn a_whole_record_is_read() {
    let record = with(&json!({
        "match": { "method": ["GET", "POST"], "host": ["api.example.com", "*.example.org"], "path": ["/v1/*"],
            "cidrs": ["203.0.113.0/24", "2001:db8::1"], "countries": ["GB", "T1"] },
        "origin": "gateway", "backend": "orders-2", "auth": "any", "mode": "shadow",
        "cache": { "ttl": 60, "query": [], "headers": ["accept"], "bypass": ["cookie"] },
        "headers": { "set": { "x-team": "a b" }, "remove": ["cookie"], "require": ["x-request-id"] },
        "allow_cidrs": ["::ffff:198.51.100.0/120"], "deny_cidrs": ["198.51.100.7"], "rate_limit": "gold",
        "cors": { "origins": ["https://app.example.com"], "methods": ["GET"], "credentials": true, "max_age": 600 },
        "priority": -5, "starts_at": 1_800_000_000u64, "ends_at": 1_800_000_001u64, "of_a_newer_version": { "a": 1 },
    }))
    .unwrap();
    assert_eq!((record.version(), record.backend(), record.priority), (7, Some("orders-2"), -5));
    assert_eq!(record.matching.cidrs.len(), 2);
    assert_eq!(record.allow_cidrs[0].to_string(), "198.51.100.0/24", "a mapped block is the one inside");
}

#[test]
fn what_is_wrong_is_refused_and_its_attribute_named() {
    let long = "a".repeat(600);
    let many: Vec<_> = (0..33).map(|n| format!("/{n}")).collect();
    for (changes, attribute, says) in [
        (json!({ "match": null }), "match", "null"),
        (json!({ "match": { "hosts": ["a"] } }), "match", "unknown field"),
        (json!({ "match": { "path": [] } }), "match", "leave it out"),
        (json!({ "match": { "path": many } }), "match", "name 1 to 32"),
        (json!({ "match": { "path": [format!("/{long}")] } }), "match", "longer"),
        (json!({ "match": { "path": ["v1"] } }), "match", "path"),
        (json!({ "match": { "path": ["/a/../b"] } }), "match", "path"),
        (json!({ "match": { "path": ["/%2e%2e/b"] } }), "match", "path"),
        (json!({ "match": { "path": ["/caf%C3%A9/*"] } }), "match", "decoded"),
        (json!({ "match": { "path": "/v1" } }), "match", "sequence"),
        (json!({ "match": { "method": ["get"] } }), "match", "capitals"),
        (json!({ "match": { "host": ["API.example.com"] } }), "match", "lower case"),
        (json!({ "match": { "host": ["a.*.com"] } }), "match", "lower case"),
        (json!({ "match": { "countries": ["gb"] } }), "match", "GB"),
        (json!({ "match": { "cidrs": ["10.0.0.0/33"] } }), "match", "cidrs"),
        (json!({ "origin": "https://evil.example" }), "origin", "letters"),
        (json!({ "backend": "" }), "backend", "letters"),
        (json!({ "rate_limit": 5 }), "rate_limit", "string"),
        (json!({ "auth": "none" }), "auth", "anonymous"),
        (json!({ "mode": "on" }), "mode", "enforce"),
        (json!({ "cache": { "ttl": 0 } }), "cache", "ttl"),
        (json!({ "cache": { "ttl": 60, "stale": 1 } }), "cache", "unknown field"),
        (json!({ "headers": { "set": { "X-Team": "a" } } }), "headers", "lower case"),
        (json!({ "headers": { "set": { "x-team": "a\r\nb: c" } } }), "headers", "printable"),
        (json!({ "cors": { "origins": [] } }), "cors", "leave it out"),
        (json!({ "cors": { "origins": ["*"], "credentials": true } }), "cors", "stands alone"),
        (json!({ "cors": { "origins": ["https://a.example/"] } }), "cors", "origin"),
        (json!({ "allow_cidrs": ["anything"] }), "allow_cidrs", "203.0.113.0/24"),
        (json!({ "deny_cidrs": (0..101).map(|n| format!("10.0.0.{n}")).collect::<Vec<_>>() }), "deny_cidrs", "100"),
        (json!({ "priority": 1.5 }), "priority", "i32"),
        (json!({ "starts_at": 2, "ends_at": 2 }), "ends_at", "later"),
        (json!({ "version": null }), "version", "null"),
    ] {
        let error = with(&changes).err().unwrap_or_default();
        assert!(error.starts_with(&format!("{attribute}:")) || error.starts_with(attribute), "{changes}: {error:?}");
        assert!(error.contains(says), "{changes}: {error:?}");
    }
    for missing in ["match", "version"] {
        let mut item = json!({ "match": {}, "version": 1 });
        item.as_object_mut().unwrap().remove(missing);
        let error = serde_json::from_value::<RouteRecord>(item).unwrap_err().to_string();
        assert!(error.starts_with(missing), "{error}");
    }
}

#[test]
fn no_rule_touches_what_carries_the_proof() {
    for name in [
        "edge-key",
        "edge-anything",
        "signature",
        "signature-input",
        "signature-agent",
        "authorization",
        "host",
        "content-digest",
    ] {
        for rule in [json!({ "set": { name: "x" } }), json!({ "remove": [name] }), json!({ "require": [name] })] {
            let error = with(&json!({ "headers": rule })).err().unwrap_or_default();
            assert!(error.contains("belongs to the proof"), "{name} {rule}: {error:?}");
        }
    }
}
