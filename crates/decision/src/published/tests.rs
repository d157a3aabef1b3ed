#![allow(clippy::indexing_slicing)]

use serde_json::{Value, json};

use super::*;

const HASH: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn key_of(item: Value) -> Result<Published, String> {
    key(HASH, &serde_json::from_value(item).unwrap())
}

fn whole_key(status: &str) -> Value {
    json!({
        "key_id": "kid_1", "principal": "acme", "name": "nightly export", "status": status, "reason": "a secret reason",
        "until": 1_800_000_000u64, "grants": ["GET /a", "GET /a**", "GET /a"], "cidrs": ["::ffff:203.0.113.0/120", "2001:db8::1"],
        "rate_limit": "gold", "expires_at": 1_900_000_000u64, "usage_plan_key": "a secret plan",
        "context": { "tenant": "a secret tenant" }, "version": 12,
    })
}

fn value(published: &Published) -> Value {
    serde_json::from_str(&published.value).unwrap()
}

#[test]
fn a_key_shows_its_public_part_and_nothing_else() {
    let published = key_of(whole_key("suspended")).unwrap();
    assert_eq!(published.name, format!("key:{HASH}"));
    assert_eq!(
        value(&published),
        json!({
            "version": 12, "key_id": "kid_1", "principal": "acme", "name": "nightly export", "status": "suspended",
            "until": 1_800_000_000u64, "grants": ["GET /a", "GET /a*"], "cidrs": ["203.0.113.0/24", "2001:db8::1/128"],
            "rate_limit": "gold", "expires_at": 1_900_000_000u64,
        })
    );
    assert_eq!(value(&key_of(whole_key("active")).unwrap())["until"], Value::Null, "until belongs to a suspension");
}

#[test]
fn a_revoked_key_is_a_tombstone() {
    let published = key_of(whole_key("revoked")).unwrap();
    assert_eq!(value(&published), json!({ "version": 12, "key_id": "kid_1", "status": "revoked" }));
}

#[test]
fn a_key_without_a_version_is_not_published() {
    let item = json!({ "key_id": "k", "principal": "p", "status": "active", "grants": [] });
    assert_eq!(key_of(item), Err("version: is missing".to_owned()));
}

#[test]
fn an_issuer_is_published_whole() {
    let item = json!({
        "audiences": ["https://api.example.com"], "algorithms": ["RS256", "EdDSA"], "jwks_uri": "https://id.example/jwks",
        "grants": [
            { "any": true, "allow": ["GET /"] }, { "scope": "read", "allow": ["GET /a"] },
            { "claim": "admin", "equals": true, "allow": ["* /*"] },
        ],
        "required_claims": { "tier": 3, "azp": "app" }, "token_types": ["at+jwt"], "edge": true, "max_age": 300, "version": 4,
    });
    let published = issuer("https://id.example", &serde_json::from_value(item.clone()).unwrap()).unwrap();
    assert_eq!((published.name.as_str(), value(&published)), ("issuer:https://id.example", item));
}

#[test]
fn a_name_that_the_store_does_not_take_is_refused() {
    let item = json!({ "audiences": ["a"], "algorithms": ["RS256"], "version": 4 });
    let record = serde_json::from_value(item).unwrap();
    assert!(issuer(&"x".repeat(505), &record).is_ok());
    assert!(issuer(&"x".repeat(506), &record).unwrap_err().contains("512"));
}

fn route(item: &Value) -> RouteRecord {
    let mut whole = json!({ "match": { "path": ["/v1/*"] }, "backend": "secret-back-end", "version": 5 });
    whole.as_object_mut().unwrap().extend(item.as_object().unwrap().clone());
    serde_json::from_value(whole).unwrap()
}

#[test]
fn routes_come_by_priority_and_without_back_ends() {
    let (low, high, other) = (route(&json!({ "priority": -1 })), route(&json!({ "priority": 9 })), route(&json!({})));
    let document = routes(77, &[("b", &low), ("z", &other), ("c", &high), ("a", &other)]).unwrap();
    let value = value(&document);
    let ids: Vec<_> = value["routes"].as_array().unwrap().iter().map(|route| route["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["c", "a", "z", "b"]);
    assert_eq!(value["routes"][1], json!({ "id": "a", "version": 5, "match": { "path": ["/v1/*"] }, "priority": 0 }));
    assert_eq!((value["version"].as_u64(), document.mark.version), (Some(77), 77));
    assert!(!document.value.contains("secret"));
}

#[test]
fn the_digest_of_routes_is_of_what_they_say_alone() {
    let (one, other) = (route(&json!({})), route(&json!({ "origin": "b" })));
    let digest = routes_digest(&[("a", &one), ("b", &other)]).unwrap();
    assert_eq!(digest, routes_digest(&[("b", &other), ("a", &one)]).unwrap());
    assert_ne!(digest, routes_digest(&[("a", &other), ("b", &one)]).unwrap());
    assert_ne!(digest, routes_digest(&[("a", &one)]).unwrap());
}

#[test]
fn routes_are_bounded() {
    let one = route(&json!({}));
    let ids: Vec<_> = (0..=limits::PUBLISHED_ROUTES).map(|n| n.to_string()).collect();
    let all: Vec<_> = ids.iter().map(|id| (id.as_str(), &one)).collect();
    assert!(routes(1, &all[1..]).is_ok());
    assert!(routes(1, &all).unwrap_err().contains("1000 routes"));
    let large = route(
        &json!({ "headers": { "set": { "x-a": "v".repeat(512), "x-b": "v".repeat(512), "x-c": "v".repeat(512) } } }),
    );
    let all: Vec<_> = ids.iter().map(|id| (id.as_str(), &large)).collect();
    assert!(routes(1, &all[1..]).unwrap_err().contains("larger"));
    assert!(routes(1, &[("a\u{0}", &one)]).unwrap_err().contains("id"));
}

#[test]
fn a_mark_goes_out_and_comes_back() {
    let mark = key_of(whole_key("active")).unwrap().mark;
    let metadata = mark.metadata();
    assert_eq!(metadata["d"].as_str().map(str::len), Some(16));
    assert_eq!(Mark::read(&metadata), Some(mark));
    assert_ne!(key_of(whole_key("disabled")).unwrap().mark, mark);
    for strange in [
        json!(null),
        json!({}),
        json!({ "v": 1 }),
        json!({ "v": "1", "d": "0" }),
        json!({ "v": 1, "d": "+00000000000000f" }),
    ] {
        assert_eq!(Mark::read(&strange), None, "{strange}");
    }
}
