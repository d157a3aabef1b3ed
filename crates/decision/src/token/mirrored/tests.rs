#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::decision::Refusal;

const X: [&str; 3] = [
    "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw",
    "_FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU",
];

fn key(kid: &str) -> Value {
    let n = kid.bytes().map(usize::from).sum::<usize>() % X.len();
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": X[n] })
}

fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

fn renew(fetched: &str, held: Option<&Mirrored>, secs: u64) -> Result<Mirrored, Unusable> {
    Mirrored::renew(fetched.as_bytes(), held, Timestamp::from_secs(secs), &Lifetimes::DEFAULT)
}

fn kids(mirrored: &Mirrored) -> Vec<String> {
    let found = members(&mirrored.keys);
    found.iter().filter_map(|jwk| Object::parse(jwk.get()).as_ref().and_then(kid)).collect()
}

#[test]
fn a_set_without_a_usable_key_is_not_taken() {
    let encryption = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "a", "x": X[0], "use": "enc" });
    for empty in [set(&[]), set(&[encryption]), set(&[key("a"), key("a")])] {
        assert_eq!(renew(&empty, None, 1), Err(Unusable::Empty), "{empty}");
    }
    for unreadable in ["", "<html>", "[]", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
        assert!(matches!(renew(unreadable, None, 1), Err(Unusable::Unreadable(_))), "{unreadable}");
    }
    let large = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(limits::JWKS_BODY));
    assert_eq!(renew(&large, None, 1), Err(Unusable::Unreadable(KeySetError::TooLarge)));
}

#[test]
fn a_key_that_vanishes_stays_until_a_second_look_agrees() {
    let first = renew(&set(&[key("a"), key("b")]), None, 1000).unwrap();
    assert!(first.vanished.is_empty());

    let shrunken = renew(&set(&[key("b")]), Some(&first), 1300).unwrap();
    assert_eq!(kids(&shrunken), ["b", "a"]);
    assert_eq!(shrunken.vanished, BTreeMap::from([("a".to_owned(), 1300)]));

    let too_soon = renew(&set(&[key("b")]), Some(&shrunken), 1329).unwrap();
    assert_eq!(too_soon, shrunken, "two looks within jwks_cooling may be one answer of a cache");

    let confirmed = renew(&set(&[key("b")]), Some(&shrunken), 1330).unwrap();
    assert_eq!((kids(&confirmed), confirmed.vanished.len()), (vec!["b".to_owned()], 0));

    let back = renew(&set(&[key("a"), key("b")]), Some(&shrunken), 1600).unwrap();
    assert_eq!((kids(&back), back.vanished.len()), (vec!["a".to_owned(), "b".to_owned()], 0));
}

#[test]
fn a_key_that_changed_is_replaced_at_once() {
    let first = renew(&set(&[key("a"), key("b")]), None, 1000).unwrap();
    let mut changed = key("a");
    changed["x"] = json!("XMNkqs1wEnZZCYvvy8GAPOa9G4tOEjG8uWHqfEmaDKI");
    let mut unusable = key("b");
    unusable["use"] = json!("enc");
    let second = renew(&set(&[changed.clone(), unusable]), Some(&first), 1300).unwrap();
    assert!(second.vanished.is_empty());
    assert_eq!(members(&second.keys).len(), 2);
    assert!(second.keys.contains(changed["x"].as_str().unwrap()));
}

#[test]
fn published_secrets_are_not_copied_and_are_refused_all_the_same() {
    let mut private = key("leaked");
    private["d"] = json!("canary-private-half");
    let symmetric = json!({ "kty": "oct", "k": "canary-symmetric" });
    let twice = r#"{"kty":"oct","k":"canary-twice","k":"canary-twice"}"#;
    let published = set(&[key("a"), private, symmetric]).replacen("[{", &format!("[{twice},{{"), 1);
    let judged = |text: &str| {
        let set = KeySet::parse(text.as_bytes()).unwrap();
        let mut reasons: Vec<_> = set.dropped().iter().map(|dropped| dropped.reason.code()).collect();
        reasons.sort_unstable();
        (reasons, set.find(Some("leaked")).err(), set.find(Some("a")).is_ok())
    };
    let mirrored = renew(&published, None, 1).unwrap();
    assert!(!mirrored.keys.contains("canary"), "{}", mirrored.keys);
    assert_eq!(judged(&mirrored.keys), judged(&published));
    assert_eq!(judged(&published).1, Some(Refusal::TokenKeyUnusable));
}

#[test]
fn a_member_that_is_there_twice_is_not_mended_on_the_way() {
    let twice = format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"twice","x":"{}","x":"{}"}}"#, X[1], X[0]);
    let published = set(&[key("a")]).replacen("[{", &format!("[{twice},{{"), 1);
    let mirrored = renew(&published, None, 1).unwrap();
    let parsed = KeySet::parse(mirrored.keys.as_bytes()).unwrap();
    assert_eq!(
        parsed.find(Some("twice")).err(),
        KeySet::parse(published.as_bytes()).unwrap().find(Some("twice")).err()
    );
}

#[test]
fn retained_keys_never_push_a_set_over_its_bounds() {
    let many: Vec<_> = (0..limits::JWKS_KEYS).map(|n| key(&format!("new-{n}"))).collect();
    let held = renew(&set(&[key("a")]), None, 1).unwrap();
    let full = renew(&set(&many), Some(&held), 2).unwrap();
    assert_eq!((members(&full.keys).len(), full.vanished.len()), (limits::JWKS_KEYS, 0));
    KeySet::parse(full.keys.as_bytes()).unwrap();

    let mut large = key("large");
    large["x5c"] = json!(["x".repeat(limits::JWKS_BODY - 150)]);
    let full = renew(&set(&[large]), Some(&held), 2).unwrap();
    assert!(full.vanished.is_empty() && full.keys.len() <= limits::JWKS_BODY);
}
