//! Callers whose tokens do not hold, each for one reason.

use countersign_tests::issuer::Algorithm;
use serde_json::{Value, json};

use super::super::case::NOW;
use super::case::Case;
use super::token::{changed, jwk};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(forms());
    cases.extend(forbidden_headers());
    cases.extend(headers());
    cases.extend(issuers_and_keys());
    cases.extend(types_of_claims());
    cases.extend(claims());
    cases
}

fn token(name: &'static str) -> Case {
    Case::new(name).token(Algorithm::EdDsa)
}

fn bearing(name: &'static str, token: &str) -> Case {
    Case::new(name).line("Authorization", &format!("Bearer {token}")).is("token_malformed")
}

/// What is no token, or not one of any issuer's.
fn forms() -> [Case; 8] {
    [
        bearing("three parts that are nothing", "not.a.token"),
        bearing("two parts", "e30.e30"),
        bearing("four parts", "e30.e30.e30.e30"),
        token("a claim that is there twice")
            .payload(|claims| claims.replacen('{', "{\"jti\":1,\"jti\":2,", 1))
            .is("token_malformed"),
        token("claims that are a list").payload(|claims| format!("[{claims}]")).is("token_malformed"),
        token("claims and something behind them").payload(|claims| claims + "{}").is("token_malformed"),
        token("a token of 8,193 characters").claims(json!({ "pad": "x".repeat(5_899) })).is("token_too_large"),
        Case::new("characters that no token has")
            .line("Authorization", "Bearer not a token")
            .is("token_malformed")
            .at_the_edge("authorization_scheme", "so two lines look that the edge gets as one, with a comma"),
    ]
}

/// Parameters that change what a verifier must do, or that offer it a key.
fn forbidden_headers() -> [Case; 10] {
    let offered = jwk(Algorithm::EdDsa);
    let address = json!("https://attacker.example/");
    [
        ("a header with crit", json!({ "crit": ["exp"] })),
        ("a header with b64", json!({ "b64": true })),
        ("a header with jku", json!({ "jku": address })),
        ("a header with jwk", json!({ "jwk": offered })),
        ("a header with x5u", json!({ "x5u": address })),
        ("a header with x5c", json!({ "x5c": ["AAAA"] })),
        ("a header with enc", json!({ "enc": "A256GCM" })),
        ("a header with zip", json!({ "zip": "DEF" })),
        ("a header with cty", json!({ "cty": "JWT" })),
        ("a header with epk", json!({ "epk": offered })),
    ]
    .map(|(name, changes)| token(name).header(changes).is("token_header"))
}

fn headers() -> [Case; 8] {
    [
        token("a header without an algorithm").header(json!({ "alg": null })).is("token_malformed"),
        token("no algorithm at all").header(json!({ "alg": "none" })).is("token_algorithm"),
        token("a symmetric algorithm").header(json!({ "alg": "HS256" })).is("token_algorithm"),
        token("an algorithm that is not the issuer's").record(json!({ "algorithms": ["ES256"] })).is("token_algorithm"),
        token("a type that is no access token's").header(json!({ "typ": "logout+jwt" })).is("token_type"),
        token("a type that is not the issuer's").record(json!({ "token_types": ["JWT"] })).is("token_type"),
        token("no type, where the issuer's is another")
            .header(json!({ "typ": null }))
            .record(json!({ "token_types": ["at+jwt"] }))
            .is("token_type"),
        token("a signature that is another token's").forged().is("token_signature"),
    ]
}

fn issuers_and_keys() -> Vec<Case> {
    let named = |algorithm, kid: &str| changed(jwk(algorithm), json!({ "kid": kid }));
    let unusable = |name, algorithm, changes| {
        let key = changed(named(algorithm, "unusable"), changes);
        let case = Case::new(name).token(algorithm).header(json!({ "kid": "unusable" }));
        case.publishing(vec![jwk(Algorithm::EdDsa), key]).is("token_key_unusable")
    };
    vec![
        token("an issuer that nobody knows").no_record().is("token_issuer_unknown"),
        token("an issuer without a name").claims(json!({ "iss": "" })).no_record().is("token_issuer_unknown"),
        token("the edge's issuer").record(json!({ "edge": true })).is("edge_token_issuer"),
        token("a key that the issuer does not have").header(json!({ "kid": "another" })).is("token_key_unknown"),
        token("a key with too long a name").header(json!({ "kid": "k".repeat(257) })).is("token_key_unknown"),
        Case::new("a token that names no key, of an issuer with two that fit")
            .token(Algorithm::Rs256)
            .header(json!({ "kid": null }))
            .publishing(vec![named(Algorithm::Rs256, "one"), named(Algorithm::Rs256, "two")])
            .is("token_key_unknown"),
        token("a name that two keys have")
            .header(json!({ "kid": "one" }))
            .publishing(vec![named(Algorithm::EdDsa, "one"), named(Algorithm::Es256, "one"), jwk(Algorithm::Rs256)])
            .is("token_key_unknown"),
        unusable("an RSA key of 1,024 bits", Algorithm::Rs256, json!({ "n": "_".repeat(170) + "8" })),
        unusable("a point off the curve", Algorithm::Es256, json!({ "y": "A".repeat(43) })),
        unusable("a key whose private half is published", Algorithm::Rs256, json!({ "p": "AQAB" })),
        unusable("a key for encryption", Algorithm::EdDsa, json!({ "use": "enc" })),
        unusable("a key that may only sign", Algorithm::EdDsa, json!({ "key_ops": ["sign"] })),
        token("a token that names no key, of an issuer with two of which one fits")
            .header(json!({ "kid": null }))
            .publishing(vec![jwk(Algorithm::EdDsa), jwk(Algorithm::Rs256)])
            .is("token_key_unknown"),
        token("a key of another type")
            .header(json!({ "kid": "one" }))
            .publishing(vec![named(Algorithm::Es256, "one")])
            .is("token_algorithm"),
    ]
}

fn types_of_claims() -> [Case; 14] {
    let wrong = |name, changes| token(name).claims(changes).is("token_claims");
    [
        wrong("no issuer", json!({ "iss": null })),
        wrong("an issuer that is a number", json!({ "iss": 7 })),
        wrong("no subject", json!({ "sub": null })),
        wrong("an empty subject", json!({ "sub": "" })),
        wrong("a subject with a line feed", json!({ "sub": "a\nb" })),
        wrong("a subject with a space before it", json!({ "sub": " client-7" })),
        wrong("a subject of 256 bytes and 128 characters", json!({ "sub": "é".repeat(128) })),
        token("more claims than are read").claims(many()).is("token_malformed"),
        wrong("no audience", json!({ "aud": null })),
        wrong("an audience that is a number", json!({ "aud": 7 })),
        wrong("no expiry", json!({ "exp": null })),
        wrong("an expiry that is a text", json!({ "exp": (NOW + 300).to_string() })),
        wrong("half a second", json!({ "nbf": 1_795_341_600.5 })),
        wrong("a time that is no time", json!({ "iat": -1 })),
    ]
}

fn many() -> Value {
    (0..129).map(|n| (format!("claim{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into()
}

fn claims() -> [Case; 13] {
    let wrong = |name, changes, code| token(name).claims(changes).is(code);
    [
        wrong("another audience", json!({ "aud": "https://other.example.com" }), "token_audience"),
        wrong("no audience at all", json!({ "aud": [] }), "token_audience"),
        wrong("an expired token", json!({ "exp": NOW - 5, "iat": NOW - 60 }), "token_expired"),
        wrong("a token that is not valid yet", json!({ "nbf": NOW + 6 }), "token_future"),
        wrong("a token from the future", json!({ "iat": NOW + 6 }), "token_future"),
        wrong("a token that lives longer than a day", json!({ "exp": NOW + 86_401 }), "token_lifetime"),
        wrong("a token that is left more than a day", json!({ "exp": NOW + 86_401, "iat": null }), "token_lifetime"),
        wrong("a token that expires when it is born", json!({ "exp": NOW, "iat": NOW }), "token_lifetime"),
        token("a token that lives longer than its issuer's may").record(json!({ "max_age": 299 })).is("token_lifetime"),
        token("a required claim that is missing")
            .record(json!({ "required_claims": { "tenant": "acme" } }))
            .is("token_required_claim"),
        token("a required claim of another type")
            .record(json!({ "required_claims": { "level": 3 } }))
            .claims(json!({ "level": "3" }))
            .is("token_required_claim"),
        wrong("an expiry with a decimal point", json!({ "exp": 1_795_341_900.0 }), "token_claims")
            .at_the_edge("allow", "a reader of JSON in JavaScript does not tell 1.0 from 1"),
        wrong("scopes that are a number", json!({ "scope": 7 }), "token_claims")
            .at_the_edge("allow", "scopes are grants, and those are the authorizer's to read"),
    ]
}
