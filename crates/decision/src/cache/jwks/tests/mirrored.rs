//! A set that key-sync has mirrored, before a fetch and after one that failed.

use serde_json::json;

use super::{Cache, FAILS, KeySet, L, Notice, at, set};

fn offer(cache: &mut Cache, kids: &[&str], fetched_at: u64, kid: &str, secs: u64) -> bool {
    cache.0.offer(set(kids), at(fetched_at), Some(kid), at(secs), &L).is_ok()
}

#[test]
fn a_fresh_set_with_the_key_does_instead_of_a_fetch() {
    let mut cache = Cache::default();
    assert_eq!(cache.ask("a", 1000), "fetch");
    assert!(offer(&mut cache, &["a"], 700, "a", 1000));
    assert_eq!(cache.ask("a", 1000), "use");
    // It is 300 s old, whenever it was read.
    assert_eq!(cache.ask("a", 700 + L.jwks_soft.as_secs()), "use refresh");
}

#[test]
fn what_it_does_not_have_is_asked_of_the_issuer() {
    let mut cache = Cache::default();
    assert_eq!(cache.ask("new", 1000), "fetch");
    assert!(!offer(&mut cache, &["a"], 999, "new", 1000));
    assert_eq!(cache.fetched(Ok(set(&["a", "new"])), 1000), Notice::Renewed);
    assert_eq!(cache.ask("new", 1000), "use");
}

#[test]
fn an_unknown_key_is_never_refused_on_the_word_of_a_mirror() {
    let mut cache = Cache::default();
    assert_eq!(cache.ask("a", 1000), "fetch");
    assert!(offer(&mut cache, &["a"], 999, "a", 1000));
    assert_eq!(cache.ask("new", 1005), "fetch");
}

#[test]
fn old_sets_are_for_need_only() {
    let soft = L.jwks_soft.as_secs();
    let mut cache = Cache::default();
    assert_eq!(cache.ask("a", 10_000), "fetch");
    assert!(!offer(&mut cache, &["a"], 10_000 - soft, "a", 10_000), "not fresh");
    assert_eq!(cache.fetched(FAILS, 10_000), Notice::Failed);
    cache.0.fall_back(set(&["a"]), at(10_000 - soft), at(10_000), &L);
    assert_eq!(cache.ask("a", 10_001), "use kept");
    assert_eq!(cache.ask("new", 10_001), "cooling");

    let mut cache = Cache::default();
    let kept = L.jwks_kept.as_secs();
    assert_eq!(cache.ask("a", 100_000), "fetch");
    assert_eq!(cache.fetched(FAILS, 100_000), Notice::Failed);
    cache.0.fall_back(set(&["a"]), at(100_000 - kept), at(100_000), &L);
    assert_eq!(cache.ask("a", 100_001), "cooling", "too old even for need");
}

#[test]
fn neither_an_older_nor_an_empty_set_replaces_anything() {
    let mut cache = Cache::holding(&["a"]);
    assert_eq!(cache.ask("new", 100), "fetch");
    assert!(!offer(&mut cache, &[], 99, "a", 100));
    assert!(cache.0.offer(set(&["b"]), at(0), None, at(100), &L).is_err(), "as old as what is held");
    cache.0.fall_back(set(&["b"]), at(0), at(100), &L);
    cache.0.fall_back(set(&[]), at(99), at(100), &L);
    assert!(cache.finds("a", 100) && !cache.finds("b", 100));
}

/// Its key `old` is one that whoever mirrored it has missed.
fn mirrored() -> KeySet {
    let key = |kid: &str, x: &str| json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x});
    let [old, new] = ["11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"];
    let body = json!({"keys": [key("new", new), key("old", old)]}).to_string();
    KeySet::parse_mirrored(body.as_bytes(), |kid| kid == "old").unwrap()
}

#[test]
fn a_key_that_the_mirror_has_missed_is_given_up_when_our_own_fetch_agrees() {
    let cooling = L.jwks_cooling.as_secs();
    let mut cache = Cache::default();
    assert_eq!(cache.ask("old", 1000), "fetch");
    assert_eq!(cache.0.offer(mirrored(), at(1000), Some("old"), at(1000), &L).ok(), Some(Notice::Shrunken));
    assert_eq!(cache.ask("old", 1001), "use");
    assert_eq!(cache.ask("old", 1000 + cooling), "use refresh");
    assert_eq!(cache.fetched(Ok(set(&["new"])), 1000 + cooling), Notice::Confirmed);
    assert!(!cache.finds("old", 1001 + cooling) && cache.finds("new", 1001 + cooling));
}

#[test]
fn a_mirror_that_agrees_with_our_own_fetch_confirms_it() {
    let cooling = L.jwks_cooling.as_secs();
    let mut cache = Cache::holding(&["new", "old"]);
    assert_eq!(cache.ask("absent", 100), "fetch");
    assert_eq!(cache.fetched(Ok(set(&["new"])), 100), Notice::Shrunken);
    let then = 100 + cooling;
    assert_eq!(cache.0.offer(mirrored(), at(then), Some("new"), at(then), &L).ok(), Some(Notice::Confirmed));
    assert!(!cache.finds("old", then) && cache.finds("new", then));
}

#[test]
fn a_stamp_from_the_future_is_not_fresh() {
    let mut cache = Cache::default();
    assert_eq!(cache.ask("a", 1000), "fetch");
    assert!(!offer(&mut cache, &["a"], 1010, "a", 1000));
}
