//! From scopes and claims to what a caller may do.

use serde_json::{Value, json};

use super::{Trial, record};
use crate::decision::Refusal;
use crate::limits;

/// Which of `/a`, `/b`, `/c` the claims open under the rules.
fn opened(rules: Value, claims: Value) -> String {
    let trial = Trial { record: record(json!({"grants": rules})), ..Trial::default() };
    let token = trial.claims(claims).unwrap();
    ["/a", "/b", "/c"].into_iter().filter(|path| token.grants.allows("GET", path)).collect()
}

#[test]
fn scopes_come_from_scope_and_scp() {
    let scopes = |changes| Trial::default().claims(changes).map(|token| token.scopes);
    for (changes, expected) in [
        (json!({"scope": "a b"}), "a b"),
        (json!({"scope": ""}), ""),
        (json!({"scope": null}), ""),
        (json!({"scope": " a  b a "}), "a b"),
        (json!({"scope": null, "scp": "a b"}), "a b"),
        (json!({"scope": null, "scp": ["a", "b"]}), "a b"),
        (json!({"scope": "a c", "scp": ["a", "b c"]}), "a c b"),
        (json!({"scope": "https://x.example/read urn:y:z"}), "https://x.example/read urn:y:z"),
    ] {
        assert_eq!(scopes(changes.clone()), Ok(expected.to_owned()), "{changes}");
    }
    let many = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
    assert!(scopes(json!({"scope": many(limits::SCOPES)})).is_ok());
    assert_eq!(scopes(json!({"scope": many(limits::SCOPES + 1)})), Err(Refusal::TokenClaims));
}

#[test]
fn a_scope_is_met_whole() {
    let rules = json!([{"scope": "read", "allow": ["GET /a"]}, {"scope": "read:all", "allow": ["GET /b"]}, {"scope": "", "allow": ["GET /c"]}]);
    assert_eq!(opened(rules.clone(), json!({"scope": "read"})), "/a");
    assert_eq!(opened(rules.clone(), json!({"scope": "read:all READ rea"})), "/b");
    assert_eq!(opened(rules.clone(), json!({"scope": "read read:all"})), "/a/b");
    assert_eq!(opened(rules, json!({"scope": ""})), "");
}

#[test]
fn a_claim_is_met_by_itself_or_by_an_element() {
    let rules = json!([
        {"claim": "groups", "equals": "ops", "allow": ["GET /a"]},
        {"claim": "level", "equals": 3, "allow": ["GET /b"]},
        {"claim": "staff", "equals": true, "allow": ["GET /c"]},
    ]);
    let opened = |claims| opened(rules.clone(), claims);
    assert_eq!(opened(json!({"groups": "ops", "level": 3, "staff": true})), "/a/b/c");
    assert_eq!(opened(json!({"groups": ["dev", "ops"], "level": [1, 3], "staff": [true]})), "/a/b/c");
    assert_eq!(opened(json!({"groups": "dev", "level": 2, "staff": false})), "");
    assert_eq!(opened(json!({"groups": "ops,dev", "level": "3", "staff": "true"})), "", "types count");
    assert_eq!(opened(json!({"groups": {"ops": true}, "level": 3.5, "staff": 1})), "");
    assert_eq!(opened(json!({"groups": [["ops"]], "level": {}, "staff": []})), "");
    assert_eq!(opened(json!({"Groups": "ops"})), "");
}

#[test]
fn any_is_met_by_every_token_and_rules_add_up() {
    let rules = json!([{"any": true, "allow": ["GET /a"]}, {"scope": "items:read", "allow": ["GET /b", "GET /a"]}]);
    assert_eq!(opened(rules.clone(), json!({})), "/a/b");
    assert_eq!(opened(rules, json!({"scope": null})), "/a");
    assert_eq!(opened(json!([]), json!({})), "", "no rule, no grant");
}

#[test]
fn one_rule_met_is_shared_and_another_does_not_change_it() {
    let rules = json!([{"any": true, "allow": ["GET /a"]}, {"scope": "more", "allow": ["GET /b"]}]);
    let trial = Trial { record: record(json!({"grants": rules})), ..Trial::default() };
    assert!(trial.claims(json!({"scope": "more"})).unwrap().grants.allows("GET", "/b"));
    assert!(!trial.claims(json!({"scope": "less"})).unwrap().grants.allows("GET", "/b"));
}

#[test]
fn required_claims() {
    let trial = Trial {
        record: record(json!({"required_claims": {"tid": "tenant-a", "email_verified": true, "amr": "mfa"}})),
        ..Trial::default()
    };
    let good = json!({"tid": "tenant-a", "email_verified": true, "amr": ["pwd", "mfa"]});
    assert_eq!(trial.claims(good.clone()).err(), None);
    for (name, wrong) in [
        ("tid", json!("tenant-b")),
        ("tid", json!(null)),
        ("tid", json!("Tenant-a")),
        ("email_verified", json!("true")),
        ("email_verified", json!(false)),
        ("amr", json!(["pwd"])),
        ("amr", json!("mfa,pwd")),
    ] {
        let changed = super::with(good.clone(), json!({name: wrong}));
        assert_eq!(
            trial.claims(super::with(changed, json!({"iat": super::NOW}))).err(),
            Some(Refusal::TokenRequiredClaim),
            "{name}"
        );
    }
}
