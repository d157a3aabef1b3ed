//! What is published is what `tests/schemas` says, which is what the edge's own suite reads.

use std::path::Path;

use serde_json::{Value, json};

use super::{World, issuer, key, name, route};

mod validator;

fn schema(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn with(mut record: Value, changes: Value) -> Value {
    record.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    record.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    record
}

/// Records that use every attribute, and records that use none that can be left out.
fn records() -> Vec<Value> {
    let bare = json!({ "name": null, "cidrs": null, "rate_limit": null, "expires_at": null, "context": null });
    let full_issuer = json!({
        "jwks_uri": "https://id.example/keys", "required_claims": { "azp": "app", "n": 3, "ok": false }, "max_age": 600,
        "edge": true, "algorithms": ["RS256", "ES384", "EdDSA"], "token_types": ["at+jwt", "JWT"],
        "grants": [{ "any": true, "allow": ["GET /"] }, { "claim": "role", "equals": "admin", "allow": ["* /*"] },
            { "scope": "read", "allow": [] }],
    });
    let full_route = json!({
        "match": { "method": ["GET"], "host": ["*.example.com"], "path": ["/a/*"], "cidrs": ["10.0.0.0/8"], "countries": ["GB"] },
        "auth": "token", "mode": "enforce", "cache": { "ttl": 5, "query": ["q"], "headers": ["accept"], "bypass": ["cookie"] },
        "headers": { "set": { "x-a": "1" }, "remove": ["cookie"], "require": ["x-id"] }, "allow_cidrs": ["10.0.0.1"],
        "deny_cidrs": ["2001:db8::/32"], "rate_limit": "gold", "priority": -7, "starts_at": 1, "ends_at": 2,
        "cors": { "origins": ["https://app.example.com"], "methods": ["GET"], "headers": ["x-id"], "expose": ["etag"],
            "credentials": true, "max_age": 60 },
    });
    vec![
        key(0),
        with(key(1), bare),
        with(key(2), json!({ "status": "suspended", "until": 1_900_000_000u64, "reason": "unpaid", "grants": [] })),
        with(key(3), json!({ "status": "revoked" })),
        with(key(4), json!({ "status": "disabled" })),
        issuer("https://bare.example", 1),
        with(issuer("https://full.example", 2), full_issuer),
        with(route("bare", 1), json!({ "match": {}, "origin": null, "priority": null })),
        with(route("full", 2), full_route),
    ]
}

#[tokio::test]
async fn all_that_is_published_is_as_its_schema_says() {
    let world = World::new().await;
    records().iter().for_each(|record| world.put(record));
    let report = world.reconcile().await;
    assert_eq!((&report["written"], &report["invalid"]), (&json!(8), &json!(0)), "{report:#}");
    for name in world.cloudflare.kv_names() {
        let file = format!("{}.json", name.split(':').next().unwrap());
        let stored = world.cloudflare.kv(&name).unwrap();
        let value: Value = serde_json::from_str(&stored.value).unwrap();
        assert_eq!(validator::errors(&schema(&file), &value), Vec::<String>::new(), "{name}");
        assert_eq!(stored.metadata["v"], value["version"], "{name}");
        let digest = countersign_tests::deployment::key_hash(&stored.value);
        assert_eq!(stored.metadata, json!({ "v": value["version"], "d": digest[..16] }), "{name}");
    }
}

#[test]
fn the_schemas_refuse_what_must_not_go_out() {
    let key = json!({ "version": 1, "key_id": "k", "principal": "p", "status": "active", "grants": ["GET /"] });
    let good = |file: &str, value: &Value| validator::errors(&schema(file), value).is_empty();
    assert!(good("key.json", &key));
    for change in [
        json!({ "context": {} }),
        json!({ "usage_plan_key": "u" }),
        json!({ "reason": "r" }),
        json!({ "status": "revoked" }),
        json!({ "version": "1" }),
        json!({ "principal": "" }),
        json!({ "cidrs": [] }),
        json!({ "key_id": null }),
    ] {
        assert!(!good("key.json", &with(key.clone(), change.clone())), "{change}");
    }
    let routes = |route: Value| json!({ "version": 1, "routes": [route] });
    let route = json!({ "id": "a", "version": 1, "match": {}, "priority": 0 });
    assert!(good("routes.json", &routes(route.clone())));
    for change in
        [json!({ "backend": "b" }), json!({ "match": { "hosts": ["a"] } }), json!({ "headers": { "set": {} } })]
    {
        assert!(!good("routes.json", &routes(with(route.clone(), change.clone()))), "{change}");
    }
    let issuer =
        json!({ "version": 1, "audiences": [], "algorithms": ["RS256"], "grants": [], "token_types": ["JWT"] });
    assert!(!good("issuer.json", &issuer) && !good("issuer.json", &with(issuer, json!({ "algorithms": ["HS256"] }))));
}

#[tokio::test]
async fn nothing_private_is_published() {
    let world = World::new().await;
    records().iter().for_each(|record| world.put(record));
    world.reconcile().await;
    for name in world.cloudflare.kv_names() {
        let value = world.cloudflare.kv(&name).unwrap().value;
        for private in ["not public", "not-public", "unpaid", "context", "usage_plan", "created_at", "backend"] {
            assert!(!value.contains(private), "{name}: {value}");
        }
    }
    assert!(world.cloudflare.kv(&name(0)).is_some());
}
