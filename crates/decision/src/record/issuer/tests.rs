#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::IssuerRecord;

fn with(changes: Value) -> Result<IssuerRecord, String> {
    let mut item = json!({"audiences": ["api"], "algorithms": ["RS256"], "version": 1_800_000_000_000_u64});
    let (Some(members), Value::Object(changes)) = (item.as_object_mut(), changes) else { unreachable!() };
    members.extend(changes);
    serde_json::from_value(item).map_err(|error| error.to_string())
}

fn without(name: &str) -> Result<IssuerRecord, String> {
    let mut item = json!({"audiences": ["api"], "algorithms": ["RS256"], "version": 1});
    item.as_object_mut().unwrap().remove(name);
    serde_json::from_value(item).map_err(|error| error.to_string())
}

#[test]
fn the_least_there_can_be() {
    let record = with(json!({})).unwrap();
    assert_eq!((record.version(), record.is_edge(), record.jwks_uri()), (1_800_000_000_000, false, None));
    assert!(record.rules().is_empty(), "nothing is granted that is not written");
    assert!(record.has_token_type(Some("at+jwt")) && record.has_token_type(Some("JWT")) && record.has_token_type(None));
}

#[test]
fn attributes_of_a_newer_version_are_ignored() {
    assert!(with(json!({"pk": "issuer#x", "notes": null, "nested": {"a": [1, {}]}, "number": 1.5})).is_ok());
}

#[test]
fn what_is_wrong_is_named() {
    for (changes, attribute) in [
        (json!({"audiences": []}), "audiences"),
        (json!({"audiences": ["api", ""]}), "audiences"),
        (json!({"audiences": "api"}), "audiences"),
        (json!({"audiences": [1]}), "audiences"),
        (json!({"audiences": null}), "audiences"),
        (json!({"algorithms": []}), "algorithms"),
        (json!({"algorithms": ["HS256"]}), "algorithms"),
        (json!({"algorithms": ["RS256", "none"]}), "algorithms"),
        (json!({"algorithms": ["rs256"]}), "algorithms"),
        (json!({"algorithms": "RS256"}), "algorithms"),
        (json!({"jwks_uri": 1}), "jwks_uri"),
        (json!({"jwks_uri": null}), "jwks_uri"),
        (json!({"edge": "true"}), "edge"),
        (json!({"edge": 1}), "edge"),
        (json!({"max_age": 0}), "max_age"),
        (json!({"max_age": -1}), "max_age"),
        (json!({"max_age": "60"}), "max_age"),
        (json!({"max_age": 1.5}), "max_age"),
        (json!({"version": "1"}), "version"),
        (json!({"version": -1}), "version"),
        (json!({"token_types": []}), "token_types"),
        (json!({"token_types": "JWT"}), "token_types"),
        (json!({"required_claims": ["tid"]}), "required_claims"),
        (json!({"required_claims": {"tid": null}}), "required_claims"),
        (json!({"required_claims": {"tid": 1.5}}), "required_claims"),
        (json!({"grants": {}}), "grants"),
        (json!({"grants": ["GET /a"]}), "grants"),
    ] {
        let error = with(changes.clone()).map(|_| ()).unwrap_err();
        assert!(error.starts_with(attribute), "{changes}: {error}");
    }
    for attribute in ["audiences", "algorithms", "version"] {
        assert!(without(attribute).unwrap_err().starts_with(attribute));
    }
}

#[test]
fn a_rule_has_one_condition_and_nothing_unknown() {
    let allow = ["GET /a"];
    for rule in [
        json!({"scope": "s", "allow": allow}),
        json!({"claim": "c", "equals": "v", "allow": allow}),
        json!({"claim": "c", "equals": 1, "allow": allow}),
        json!({"claim": "c", "equals": false, "allow": allow}),
        json!({"any": true, "allow": allow}),
    ] {
        assert!(with(json!({"grants": [rule]})).is_ok(), "{rule}");
    }
    for rule in [
        json!({"allow": allow}),
        json!({"scope": "s"}),
        json!({"any": false, "allow": allow}),
        json!({"any": "true", "allow": allow}),
        json!({"any": true, "scope": "s", "allow": allow}),
        json!({"scope": "s", "claim": "c", "equals": "v", "allow": allow}),
        json!({"claim": "c", "allow": allow}),
        json!({"equals": "v", "allow": allow}),
        json!({"scope": "s", "claim": "c", "allow": allow}),
        json!({"any": true, "cidrs": ["10.0.0.0/8"], "allow": allow}),
        json!({"any": true, "allow": ["nonsense"]}),
        json!({"any": true, "allow": "GET /a"}),
    ] {
        let error = with(json!({"grants": [rule.clone()]})).map(|_| ()).unwrap_err();
        assert!(error.starts_with("grants"), "{rule}: {error}");
    }
}

#[test]
fn a_key_set_address_is_a_plain_url() {
    for uri in [
        "https://issuer.example/jwks",
        "https://issuer.example:8443/a?b=c",
        "http://127.0.0.1:4000/jwks",
        "https://[2001:db8::1]/jwks",
    ] {
        assert_eq!(with(json!({"jwks_uri": uri})).unwrap().jwks_uri(), Some(uri));
    }
    for uri in [
        "",
        "https://",
        "https:///jwks",
        "https://?x",
        "issuer.example/jwks",
        "ftp://x/y",
        "file:///etc/passwd",
        "HTTPS://x/y",
        "https://user@x/y",
        "https://user:pw@x",
        "https://x/y#z",
        "https://x/a b",
        "https://x/\u{e9}",
        "https://x/\n",
    ] {
        assert!(with(json!({"jwks_uri": uri})).is_err(), "{uri:?}");
    }
}

#[test]
fn token_types_are_media_types() {
    let record = with(json!({"token_types": ["application/at+jwt"]})).unwrap();
    for (typ, expected) in [
        (Some("at+jwt"), true),
        (Some("AT+JWT"), true),
        (Some("Application/At+Jwt"), true),
        (Some("JWT"), false),
        (None, false),
        (Some(""), false),
    ] {
        assert_eq!(record.has_token_type(typ), expected, "{typ:?}");
    }
}
