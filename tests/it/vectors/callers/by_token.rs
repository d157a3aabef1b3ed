//! Callers whose tokens hold.

use countersign_tests::issuer::Algorithm;
use serde_json::json;

use super::super::case::NOW;
use super::case::Case;
use super::token::{AUDIENCE, ISSUER, jwk};

pub fn cases() -> Vec<Case> {
    let token = |name| Case::new(name).token(Algorithm::EdDsa);
    vec![
        Case::new("a token under RS256").token(Algorithm::Rs256),
        Case::new("a token under PS256").token(Algorithm::Ps256),
        Case::new("a token under ES256").token(Algorithm::Es256),
        Case::new("a token under EdDSA").token(Algorithm::EdDsa),
        token("a token that names no key, of an issuer with one")
            .header(json!({ "kid": null }))
            .publishing(vec![jwk(Algorithm::EdDsa)]),
        token("a token without a type is a JWT").header(json!({ "typ": null })),
        token("a type as a media type, in capitals").header(json!({ "typ": "Application/AT+JWT" })),
        token("a header that names a certificate").header(json!({ "x5t": "AAAA" })),
        token("an audience among others").claims(json!({ "aud": ["https://other.example.com", AUDIENCE] })),
        token("one of several audiences").record(json!({ "audiences": ["https://other.example.com", AUDIENCE] })),
        token("claims that the issuer's record requires")
            .record(json!({ "required_claims": { "tenant": "acme", "level": 3, "admin": true } }))
            .claims(json!({ "tenant": "acme", "level": 3, "admin": true })),
        token("a required claim among others")
            .record(json!({ "required_claims": { "groups": "staff" } }))
            .claims(json!({ "groups": ["guests", "staff"] })),
        token("a token that expired within the skew").claims(json!({ "exp": NOW - 4, "iat": NOW - 60 })),
        token("a token from the future within the skew").claims(json!({ "iat": NOW + 5, "nbf": NOW + 5 })),
        token("a token that lives a day").claims(json!({ "exp": NOW + 86_400 })),
        token("a token without a birth that is left a day").claims(json!({ "exp": NOW + 86_400, "iat": null })),
        token("a token that lives as long as its issuer's may").record(json!({ "max_age": 300 })),
        token("a subject as long as it may be").claims(json!({ "sub": "s".repeat(255) })),
        token("a token of 8,192 characters").claims(json!({ "pad": "x".repeat(5_898) })),
        Case::new("a scheme in another case").token(Algorithm::EdDsa).scheme("bEARER  "),
        token("an issuer whose name the edge's store does not take")
            .issued_by(&format!("{ISSUER}{}", "x".repeat(506 - ISSUER.len())))
            .at_the_edge("token_issuer_unknown", "a name in the edge's store is 512 bytes long, `issuer:` included"),
    ]
}
