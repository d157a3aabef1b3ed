//! What a payload must say, of which type, and until when.

use serde_json::{Value, json};

use super::{AUDIENCE, ES256, ISSUER, NOW, Trial, claims, header, record, with};
use crate::decision::Refusal;
use crate::time::Timestamp;
use crate::token::Purpose;

fn refusal(changes: Value) -> Option<Refusal> {
    Trial::default().claims(changes).err()
}

/// The claim replaced by a piece of JSON that `json!` could not write.
fn raw(claim: &str, value: &str) -> Option<Refusal> {
    let claims = with(claims(), json!({claim: null})).to_string();
    let payload = claims.replacen('{', &format!("{{\"{claim}\":{value},"), 1);
    Trial::default().refusal(&ES256.mint(header("ES256").to_string(), payload))
}

#[test]
fn a_wrong_type_is_never_absence() {
    let times = [
        "\"1800003600\"",
        "null",
        "true",
        "[]",
        "{}",
        "[1800003600]",
        "1800003600.0",
        "1.8e9",
        "1e400",
        "-1",
        "-0.5",
        "18446744073709551616",
        "0x10",
        "Infinity",
    ];
    for claim in ["exp", "nbf", "iat"] {
        for value in times {
            let expected =
                if matches!(value, "0x10" | "Infinity") { Refusal::TokenMalformed } else { Refusal::TokenClaims };
            assert_eq!(raw(claim, value), Some(expected), "{claim}: {value}");
        }
    }
    for value in ["1", "null", "true", "[]", "[\"alice\"]", "{}", "\"\"", "\"a\\u0000b\"", "\"a\\nb\"", "\"\\u0085\""] {
        assert_eq!(raw("sub", value), Some(Refusal::TokenClaims), "sub: {value}");
    }
    for value in
        ["1", "null", "true", "{}", "[1]", "[[\"https://api.example.com/\"]]", "[\"https://api.example.com/\",1]"]
    {
        assert_eq!(raw("aud", value), Some(Refusal::TokenClaims), "aud: {value}");
    }
    for value in ["1", "null", "[\"items:read\"]", "{}", "\"caf\\u00e9\"", "\"a\\tb\"", "\"a\\\"b\""] {
        assert_eq!(raw("scope", value), Some(Refusal::TokenClaims), "scope: {value}");
    }
    for value in ["1", "null", "[1]", "{}", "[\"ok\",\"a\\u0007\"]"] {
        assert_eq!(raw("scp", value), Some(Refusal::TokenClaims), "scp: {value}");
    }
    assert_eq!(raw("sub", "\"\\ud800\""), Some(Refusal::TokenClaims), "half a surrogate pair");
}

#[test]
fn what_must_be_there() {
    for claim in ["iss", "sub", "aud", "exp"] {
        assert_eq!(refusal(json!({claim: null})), Some(Refusal::TokenClaims), "{claim}");
    }
    for claim in ["iat", "scope"] {
        assert_eq!(refusal(json!({claim: null})), None, "{claim}");
    }
    assert_eq!(refusal(json!({"sub": "s".repeat(255)})), None);
    assert_eq!(refusal(json!({"sub": "s".repeat(256)})), Some(Refusal::TokenClaims));
}

/// A reader of headers that takes the white space away would see somebody else.
#[test]
fn a_subject_has_no_white_space_around() {
    for sub in [" alice", "alice ", "  alice  ", "alice\u{a0}", "\u{2003}alice", "\u{3000}", " "] {
        assert_eq!(refusal(json!({"sub": sub})), Some(Refusal::TokenClaims), "{sub:?}");
    }
    assert_eq!(refusal(json!({"sub": "alice smith"})), None);
}

#[test]
fn audience() {
    for aud in [json!(AUDIENCE), json!([AUDIENCE]), json!(["https://other.example", AUDIENCE])] {
        assert_eq!(refusal(json!({"aud": aud})), None);
    }
    for aud in [
        json!(""),
        json!([]),
        json!("https://api.example.com"),
        json!("https://API.example.com/"),
        json!(["x", "y"]),
        json!(format!("{AUDIENCE} ")),
    ] {
        assert_eq!(refusal(json!({"aud": aud})), Some(Refusal::TokenAudience));
    }
}

#[test]
fn the_issuer_is_the_one_whose_record_was_looked_up() {
    for iss in [
        "https://issuer.example.com/",
        "https://ISSUER.example.com",
        "http://issuer.example.com",
        "https://issuer.example.com/tenant-b",
    ] {
        assert_eq!(refusal(json!({"iss": iss})), Some(Refusal::TokenIssuerUnknown), "{iss}");
    }
    assert_eq!(ISSUER, "https://issuer.example.com");
}

#[test]
fn times_at_their_edges() {
    // Skew is 5 s. `exp` itself is too late, as RFC 7519 §4.1.4 says.
    for (changes, expected) in [
        (json!({"exp": NOW + 1}), None),
        (json!({"exp": NOW - 4}), None),
        (json!({"exp": NOW - 5}), Some(Refusal::TokenExpired)),
        (json!({"exp": 0}), Some(Refusal::TokenExpired)),
        (json!({"nbf": NOW + 5}), None),
        (json!({"nbf": NOW + 6}), Some(Refusal::TokenFuture)),
        (json!({"nbf": 0}), None),
        (json!({"iat": NOW + 5}), None),
        (json!({"iat": NOW + 6}), Some(Refusal::TokenFuture)),
        (json!({"iat": u64::MAX}), Some(Refusal::TokenFuture)),
        (json!({"iat": NOW - 60, "exp": NOW - 60 + 86_400}), None),
        (json!({"iat": NOW - 60, "exp": NOW - 60 + 86_401}), Some(Refusal::TokenLifetime)),
        (json!({"iat": 0}), Some(Refusal::TokenLifetime)),
        (json!({"exp": u64::MAX}), Some(Refusal::TokenLifetime)),
        (json!({"iat": NOW + 3, "exp": NOW + 3}), Some(Refusal::TokenLifetime)),
        (json!({"iat": NOW + 3, "exp": NOW + 2}), Some(Refusal::TokenLifetime)),
        // Without `iat`, what is left may be no longer than a whole life.
        (json!({"iat": null, "exp": NOW + 86_400}), None),
        (json!({"iat": null, "exp": NOW + 86_401}), Some(Refusal::TokenLifetime)),
    ] {
        assert_eq!(refusal(changes.clone()), expected, "{changes}");
    }
}

#[test]
fn the_record_sets_the_longest_life() {
    let strict = Trial { record: record(json!({"max_age": 600})), ..Trial::default() };
    assert_eq!(strict.claims(json!({"iat": NOW, "exp": NOW + 600})).err(), None);
    assert_eq!(strict.claims(json!({"iat": NOW, "exp": NOW + 601})).err(), Some(Refusal::TokenLifetime));
    let generous = Trial { record: record(json!({"max_age": 172_800})), ..Trial::default() };
    assert_eq!(generous.claims(json!({"iat": NOW, "exp": NOW + 172_800})).err(), None);
}

#[test]
fn an_answer_never_outlives_its_token() {
    let cached = Trial { result_ttl: 300, ..Trial::default() };
    assert_eq!(cached.claims(json!({"exp": NOW + 300})).err(), None);
    assert_eq!(cached.claims(json!({"exp": NOW + 299})).err(), Some(Refusal::TokenExpiresTooSoon));
    // Skew forgives a late clock, but not for as long as an answer is kept.
    assert_eq!(cached.claims(json!({"exp": NOW - 1})).err(), Some(Refusal::TokenExpiresTooSoon));
}

#[test]
fn time_moves_a_token_through_its_life() {
    let at = |now| {
        Trial { now: Timestamp::from_millis(now), ..Trial::default() }
            .claims(json!({"nbf": NOW, "iat": NOW, "exp": NOW + 60}))
            .err()
    };
    assert_eq!(at(NOW * 1000 - 5_001), Some(Refusal::TokenFuture));
    assert_eq!(at(NOW * 1000 - 5_000), None);
    assert_eq!(at((NOW + 65) * 1000 - 1), None);
    assert_eq!(at((NOW + 65) * 1000), Some(Refusal::TokenExpired));
}

mod edge {
    use super::*;

    const AUTHORITY: &str = "api.example.com";

    fn trial() -> Trial<'static> {
        let record = record(json!({"edge": true, "audiences": [AUTHORITY, "other.example.com"]}));
        Trial { record, purpose: Purpose::Edge { authority: AUTHORITY }, ..Trial::default() }
    }

    fn refusal(changes: Value) -> Option<Refusal> {
        let short = json!({"aud": AUTHORITY, "iat": NOW, "exp": NOW + 300});
        let changed = with(with(claims(), short), changes);
        trial().refusal(&ES256.mint(header("ES256").to_string(), changed.to_string()))
    }

    #[test]
    fn is_for_this_gateway_alone() {
        assert_eq!(refusal(json!({})), None);
        assert_eq!(refusal(json!({"aud": [AUTHORITY]})), None);
        for aud in [
            json!("other.example.com"),
            json!([AUTHORITY, "other.example.com"]),
            json!("api.example.com:443"),
            json!([]),
            json!([AUTHORITY, AUTHORITY]),
        ] {
            assert_eq!(refusal(json!({"aud": aud})), Some(Refusal::TokenAudience), "{aud}");
        }
        let unlisted = Trial { record: record(json!({"edge": true, "audiences": ["other.example.com"]})), ..trial() };
        assert_eq!(unlisted.claims(json!({"aud": AUTHORITY, "exp": NOW + 60})).err(), Some(Refusal::TokenAudience));
    }

    #[test]
    fn lives_five_minutes_at_most() {
        assert_eq!(refusal(json!({"exp": NOW + 301})), Some(Refusal::TokenLifetime));
        assert_eq!(refusal(json!({"iat": null})), Some(Refusal::TokenClaims), "its life cannot be told");
        let generous =
            Trial { record: record(json!({"edge": true, "audiences": [AUTHORITY], "max_age": 3600})), ..trial() };
        assert_eq!(
            generous.claims(json!({"aud": AUTHORITY, "iat": NOW, "exp": NOW + 301})).err(),
            Some(Refusal::TokenLifetime)
        );
        let strict =
            Trial { record: record(json!({"edge": true, "audiences": [AUTHORITY], "max_age": 60})), ..trial() };
        assert_eq!(
            strict.claims(json!({"aud": AUTHORITY, "iat": NOW, "exp": NOW + 61})).err(),
            Some(Refusal::TokenLifetime)
        );
    }

    #[test]
    fn and_caller_exclude_each_other() {
        let edge_as_caller = Trial { purpose: Purpose::Caller, ..trial() };
        assert_eq!(
            edge_as_caller.claims(json!({"aud": AUTHORITY, "exp": NOW + 60})).err(),
            Some(Refusal::EdgeTokenIssuer)
        );
        let caller_as_edge = Trial { purpose: Purpose::Edge { authority: AUDIENCE }, ..Trial::default() };
        assert_eq!(caller_as_edge.claims(json!({"exp": NOW + 60})).err(), Some(Refusal::EdgeTokenIssuer));
    }
}
