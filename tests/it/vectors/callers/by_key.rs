//! Callers with an API key, with none, and with what is neither key nor token.

use countersign_tests::deployment::READER;
use countersign_tests::issuer::Algorithm;
use serde_json::json;

use super::super::case::NOW;
use super::case::Case;

/// In our own form, with its checksum.
const OURS: &str = "csk_3mVq0Xn1sT7bYd9GhJ2kLp2sHGAz";

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new("a key").key(READER, json!({})),
        Case::new("a key of our own form").key(OURS, json!({})),
        Case::new("a key and a token").key(READER, json!({})).token(Algorithm::EdDsa),
        Case::new("no credential").is("caller_missing"),
        Case::new("a key that is too short").line("X-Api-Key", "short").is("key_malformed"),
        Case::new("a key that is too long").line("X-Api-Key", &"k".repeat(257)).is("key_malformed"),
        Case::new("a key with a space in it").line("X-Api-Key", "reader key 0001").is("key_malformed"),
        Case::new("a key with a letter beyond ASCII").line("X-Api-Key", "reader-key-\u{e9}-0001").is("key_malformed"),
        Case::new("a key whose checksum is another's")
            .line("X-Api-Key", "csk_3mVq0Xn1sT7bYd9GhJ2kLq2sHGAz")
            .is("key_malformed"),
        Case::new("a key of our own form without a checksum").line("X-Api-Key", "csk_tooshort").is("key_malformed"),
        Case::new("a key that nobody has").line("X-Api-Key", "nobody-key-0001-imported").is("key_unknown"),
    ];
    cases.extend(states());
    cases.extend(addresses());
    cases.extend(schemes());
    cases.extend(together());
    cases.extend(different());
    cases
}

fn states() -> [Case; 10] {
    let key = |name, changes| Case::new(name).key(READER, changes);
    [
        key("a revoked key", json!({ "status": "revoked" })).is("key_revoked"),
        key("a disabled key", json!({ "status": "disabled" })).is("key_disabled"),
        key("a key that is suspended for good", json!({ "status": "suspended" })).is("key_suspended"),
        key("a key that is suspended for another second", json!({ "status": "suspended", "until": NOW + 1 }))
            .is("key_suspended"),
        key("a key whose suspension ends now", json!({ "status": "suspended", "until": NOW })),
        key("until means nothing to an active key", json!({ "until": NOW + 1 })),
        key("a key that expires in a second", json!({ "expires_at": NOW + 1 })),
        key("a key that expires now", json!({ "expires_at": NOW })).is("key_expired"),
        key("a key whose suspension ends when it has expired", {
            json!({ "status": "suspended", "until": NOW, "expires_at": NOW })
        })
        .is("key_expired"),
        key("an expired key from another address", json!({ "expires_at": NOW, "cidrs": ["198.51.100.0/24"] }))
            .is("key_expired"),
    ]
}

/// An IPv4-mapped IPv6 address or block is the IPv4 one inside it.
fn addresses() -> [Case; 11] {
    let key = |name, cidrs: &[&str]| Case::new(name).key(READER, json!({ "cidrs": cidrs }));
    [
        key("an address of the key's block", &["198.51.100.0/24", "203.0.113.0/24"]),
        key("an address of a block that is written from its middle", &["203.0.113.200/24"]),
        key("the key's only address", &["203.0.113.7"]),
        key("an IPv4-mapped address of an IPv4 block", &["203.0.113.0/24"]).from("::ffff:203.0.113.7"),
        key("an IPv4 address of an IPv4-mapped block", &["::ffff:203.0.113.0/120"]),
        key("an IPv6 address of the key's block", &["2001:db8::/33"]).from("2001:db8:7fff::7"),
        key("an address outside", &["203.0.113.8/29"]).is("key_address"),
        key("an IPv4-mapped address outside", &["203.0.113.0/24"]).from("::ffff:203.0.114.7").is("key_address"),
        key("an IPv6 address outside", &["2001:db8::/33"]).from("2001:db8:8000::7").is("key_address"),
        key("an IPv4 address is in no IPv6 block", &["::/0"]).is("key_address"),
        key("an IPv6 address is in no IPv4 block", &["0.0.0.0/0"]).from("2001:db8::7").is("key_address"),
    ]
}

fn schemes() -> [Case; 5] {
    [
        Case::new("another scheme").line("Authorization", "Basic YWNtZTpwYXNz").is("authorization_scheme"),
        Case::new("a scheme and no token").line("Authorization", "Bearer").is("authorization_scheme"),
        Case::new("no scheme").line("Authorization", READER).is("authorization_scheme"),
        Case::new("nothing at all beside a good key")
            .key(READER, json!({}))
            .line("Authorization", "")
            .is("authorization_scheme"),
        Case::new("another scheme beside a good key")
            .key(READER, json!({}))
            .line("Authorization", "Basic YWNtZTpwYXNz")
            .is("authorization_scheme"),
    ]
}

/// A wrong credential is not rescued by a good one.
fn together() -> [Case; 7] {
    let both = |name| Case::new(name).key(READER, json!({})).token(Algorithm::EdDsa);
    [
        Case::new("two keys, both good").key(READER, json!({})).key(OURS, json!({})).is("credentials_ambiguous"),
        Case::new("one key twice").key(READER, json!({})).line("X-Api-Key", READER).is("credentials_ambiguous"),
        Case::new("a revoked key beside a good token")
            .key(READER, json!({ "status": "revoked" }))
            .token(Algorithm::EdDsa)
            .is("key_revoked"),
        Case::new("an unknown key beside a good token")
            .line("X-Api-Key", "nobody-key-0001-imported")
            .token(Algorithm::EdDsa)
            .is("key_unknown"),
        Case::new("an empty key beside a good token").line("X-Api-Key", "").token(Algorithm::EdDsa).is("key_malformed"),
        both("an expired token beside a good key")
            .claims(json!({ "exp": NOW - 5, "iat": NOW - 60 }))
            .is("token_expired"),
        Case::new("a revoked key beside an expired token")
            .key(READER, json!({ "status": "revoked" }))
            .token(Algorithm::EdDsa)
            .claims(json!({ "exp": NOW - 5, "iat": NOW - 60 }))
            .is("key_revoked"),
    ]
}

fn different() -> [Case; 7] {
    const ONE_LINE: &str = "header lines of one name reach the edge as one, with a comma";
    const GRANTS: &str = "what a caller may do, and what back ends are told, is the authorizer's to say";
    [
        Case::new("an empty key")
            .line("X-Api-Key", "")
            .is("key_malformed")
            .at_the_edge("caller_missing", "clients of Kong know an empty key as none"),
        Case::new("a key with a comma in it")
            .key("reader,key,0001", json!({}))
            .at_the_edge("credentials_ambiguous", ONE_LINE),
        Case::new("two lines of Authorization")
            .line("Authorization", "Bearer a.b.c")
            .line("Authorization", "Bearer d.e.f")
            .is("credentials_ambiguous")
            .at_the_edge("authorization_scheme", ONE_LINE),
        Case::new("a key under a name with underscores")
            .having(READER, json!({}))
            .line("X_Api_Key", READER)
            .is("caller_missing")
            .at_the_edge("allow", "the edge takes `_` in a name for `-`, as many a server behind it does"),
        Case::new("a good key without a grant for the route")
            .key(READER, json!({ "grants": ["PUT /elsewhere"] }))
            .is("grant_missing")
            .at_the_edge("allow", GRANTS),
        Case::new("a key and a token that say more than an answer takes")
            .key(READER, json!({ "context": { "about": "x".repeat(1_000) } }))
            .token(Algorithm::EdDsa)
            .claims(json!({ "scope": "x".repeat(760), "sub": "s".repeat(255) }))
            .is("context_too_large")
            .at_the_edge("allow", GRANTS),
        Case::new("a token that expires while the gateway may give its answer again")
            .token(Algorithm::EdDsa)
            .claims(json!({ "exp": NOW + 299 }))
            .variable("RESULT_TTL", "300")
            .is("token_expires_too_soon")
            .at_the_edge("allow", "behind an edge no answer is given twice"),
    ]
}
