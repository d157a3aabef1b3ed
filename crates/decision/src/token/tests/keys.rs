//! What an issuer may publish, what is made of it, and which key a token gets.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{EDDSA, ES256, ES384, RS256, Signer, Trial, claims, header, set_of, with};
use crate::decision::Refusal;
use crate::limits;
use crate::token::KeySet;
use crate::token::key_set::{DropReason, KeySetError};

/// Why one published key is not used; `None` if it is.
fn dropped(jwk: Value) -> Option<DropReason> {
    let set = set_of(&[jwk]);
    assert_eq!(set.is_empty(), !set.dropped().is_empty());
    set.dropped().first().map(|dropped| dropped.reason)
}

fn changed(signer: &Signer, changes: Value) -> Option<DropReason> {
    dropped(with(signer.jwk(), changes))
}

#[test]
fn what_is_a_key_set() {
    let parse = |body: &str| KeySet::parse(body.as_bytes()).map(|set| set.is_empty());
    assert_eq!(parse(r#"{"keys":[]}"#), Ok(true));
    assert_eq!(parse(r#" {"other":{}, "keys":[ ]} "#), Ok(true));
    for body in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        r#"{"keys":[}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"Keys":[]}"#,
        r#"{"keys":[]}x"#,
    ] {
        assert_eq!(parse(body), Err(KeySetError::Malformed), "{body}");
    }
    assert_eq!(KeySet::parse(b"{\"keys\":[],\"\xff\":1}").err(), Some(KeySetError::Malformed));
    assert_eq!(parse("<html>Service Unavailable</html>"), Err(KeySetError::Malformed));
}

#[test]
fn the_size_is_bounded() {
    let padded = |size: usize| format!("{{\"keys\":[]}}{}", " ".repeat(size - 11));
    assert!(KeySet::parse(padded(limits::JWKS_BODY).as_bytes()).is_ok());
    assert_eq!(KeySet::parse(padded(limits::JWKS_BODY + 1).as_bytes()).err(), Some(KeySetError::TooLarge));
    let keys = |count: usize| json!({"keys": vec![json!({}); count]}).to_string();
    assert!(KeySet::parse(keys(limits::JWKS_KEYS).as_bytes()).is_ok());
    assert_eq!(KeySet::parse(keys(limits::JWKS_KEYS + 1).as_bytes()).err(), Some(KeySetError::TooManyKeys));
    assert_eq!(KeySet::parse(keys(10_000).as_bytes()).err(), Some(KeySetError::TooManyKeys));
}

#[test]
fn only_keys_for_verifying() {
    for (changes, expected) in [
        (json!({}), None),
        (json!({"use": "sig"}), None),
        (json!({"use": "enc"}), Some(DropReason::NotForVerifying)),
        (json!({"use": ""}), Some(DropReason::NotForVerifying)),
        (json!({"use": "SIG"}), Some(DropReason::NotForVerifying)),
        (json!({"use": 1}), Some(DropReason::Malformed)),
        (json!({"key_ops": ["verify"]}), None),
        (json!({"key_ops": ["sign", "verify"]}), None),
        (json!({"key_ops": ["encrypt"]}), Some(DropReason::NotForVerifying)),
        (json!({"key_ops": []}), Some(DropReason::NotForVerifying)),
        (json!({"key_ops": {"verify": true}}), Some(DropReason::Malformed)),
        (json!({"use": "sig", "key_ops": ["encrypt"]}), Some(DropReason::NotForVerifying)),
        (json!({"use": "enc", "key_ops": ["verify"]}), Some(DropReason::NotForVerifying)),
    ] {
        for signer in [&*RS256, &*ES256, &*EDDSA] {
            assert_eq!(changed(signer, changes.clone()), expected, "{changes}");
        }
    }
}

#[test]
fn secrets_that_were_published() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert_eq!(changed(&RS256, json!({member: "AQAB"})), Some(DropReason::Secret), "{member}");
    }
    assert_eq!(changed(&EDDSA, json!({"d": "AQAB"})), Some(DropReason::Secret));
    assert_eq!(dropped(json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "use": "sig"})), Some(DropReason::Secret));
}

#[test]
fn type_curve_and_algorithm_agree() {
    for (signer, changes, expected) in [
        (&*ES256, json!({"alg": "ES256"}), None),
        (&*ES256, json!({"alg": "ES384"}), Some(DropReason::Unsupported)),
        (&*ES256, json!({"alg": "RS256"}), Some(DropReason::Unsupported)),
        (&*ES256, json!({"alg": "ECDH-ES"}), Some(DropReason::Unsupported)),
        (&*ES256, json!({"alg": "HS256"}), Some(DropReason::Unsupported)),
        (&*ES256, json!({"alg": 1}), Some(DropReason::Malformed)),
        (&*ES256, json!({"crv": "P-521"}), Some(DropReason::Unsupported)),
        (&*ES256, json!({"crv": "secp256k1"}), Some(DropReason::Unsupported)),
        (&*ES256, json!({"crv": "P-384"}), Some(DropReason::Malformed)),
        (&*ES384, json!({"crv": "P-256"}), Some(DropReason::Malformed)),
        (&*ES256, json!({"crv": null}), Some(DropReason::Unsupported)),
        (&*ES256, json!({"kty": "OKP"}), Some(DropReason::Unsupported)),
        (&*ES256, json!({"kty": "ec"}), Some(DropReason::Unsupported)),
        (&*ES256, json!({"kty": null}), Some(DropReason::Malformed)),
        (&*RS256, json!({"alg": "PS512"}), None),
        (&*RS256, json!({"alg": "RSA-OAEP"}), Some(DropReason::Unsupported)),
        (&*RS256, json!({"alg": "RS1"}), Some(DropReason::Unsupported)),
        (&*RS256, json!({"kty": "RSA", "crv": "P-256"}), Some(DropReason::Unsupported)),
        (&*EDDSA, json!({"alg": "EdDSA"}), None),
        (&*EDDSA, json!({"crv": "X25519"}), Some(DropReason::Unsupported)),
        (&*EDDSA, json!({"crv": "Ed448"}), Some(DropReason::Unsupported)),
    ] {
        assert_eq!(changed(signer, changes.clone()), expected, "{changes}");
    }
}

#[test]
fn numbers_that_are_no_keys() {
    let (zeros, ones) = ("A".repeat(43), format!("{}8", "_".repeat(42)));
    for (signer, changes) in [
        (&*ES256, json!({"x": zeros})),
        (&*ES256, json!({"y": ones})),
        (&*ES256, json!({"x": "AAAA"})),
        (&*ES256, json!({"x": null})),
        (&*ES256, json!({"y": format!("{zeros}=")})),
        (&*EDDSA, json!({"x": "AAAA"})),
        (&*EDDSA, json!({"x": format!("{zeros}AAAA")})),
        (&*RS256, json!({"e": "AQ"})),
        (&*RS256, json!({"e": "Ag"})),
        (&*RS256, json!({"e": "AA"})),
        (&*RS256, json!({"e": ""})),
        (&*RS256, json!({"e": "AAEAAQ"})),
        (&*RS256, json!({"e": "AQAAAAE"})),
        (&*RS256, json!({"n": ""})),
        (&*RS256, json!({"n": "AQAB"})),
        (&*RS256, json!({"n": 65537})),
    ] {
        assert_eq!(changed(signer, changes.clone()), Some(DropReason::Malformed), "{changes}");
    }
}

/// The same 64 bytes, cut elsewhere.
#[test]
fn coordinates_have_the_length_of_the_field() {
    let jwk = ES256.jwk();
    let bytes = |member: &str| URL_SAFE_NO_PAD.decode(jwk[member].as_str().unwrap()).unwrap();
    let point = [bytes("x"), bytes("y")].concat();
    let (x, y) = point.split_at(31);
    assert_eq!(changed(&ES256, json!({"x": super::b64(x), "y": super::b64(y)})), Some(DropReason::Malformed));
}

/// A modulus of so many bits, odd unless its last byte says otherwise.
fn modulus(bits: usize, last: u8) -> String {
    let mut n = vec![0xa5; bits.div_ceil(8)];
    n[0] = if bits.is_multiple_of(8) { 0x80 } else { 1 << (bits % 8 - 1) };
    *n.last_mut().unwrap() = last;
    super::b64(&n)
}

#[test]
fn rsa_has_2048_to_8192_bits() {
    let with_modulus = |n: String| changed(&RS256, json!({"n": n, "alg": "RS256"}));
    for (bits, expected) in [
        (1024, Some(DropReason::Malformed)),
        (2047, Some(DropReason::Malformed)),
        (2048, None),
        (4096, None),
        (8192, None),
        (8193, Some(DropReason::Malformed)),
        (16_384, Some(DropReason::Malformed)),
    ] {
        assert_eq!(with_modulus(modulus(bits, 1)), expected, "{bits}");
    }
    assert_eq!(with_modulus(modulus(2048, 2)), Some(DropReason::Malformed), "even");
    let mut padded = vec![0];
    padded.extend([0x81; 256]);
    assert_eq!(with_modulus(super::b64(&padded)), Some(DropReason::Malformed), "a leading zero");
}

#[test]
fn one_bad_key_does_not_spoil_the_others() {
    let good = with(ES256.jwk(), json!({"kid": "good"}));
    let set = set_of(&[
        json!(null),
        json!([]),
        json!("key"),
        json!({"kid": 7}),
        json!({"kid": "k".repeat(limits::KID + 1)}),
        good,
        json!({"kty": "oct", "kid": "secret", "k": "AA"}),
    ]);
    assert!(set.find(Some("good")).is_ok());
    assert_eq!(set.dropped().len(), 6);
    assert!(set.dropped().iter().all(|dropped| dropped.kid.as_ref().is_none_or(|kid| kid.len() <= limits::KID)));
    // Members twice: which would count?
    let twice = format!(r#"{{"keys":[{}]}}"#, ES256.jwk().to_string().replacen('{', r#"{"kid":"a","kid":"b","#, 1));
    let set = KeySet::parse(twice.as_bytes()).unwrap();
    assert_eq!((set.is_empty(), set.dropped()[0].reason), (true, DropReason::Malformed));
}

#[test]
fn two_keys_of_one_name_are_both_refused() {
    let (one, other) = (with(ES256.jwk(), json!({"kid": "k"})), with(EDDSA.jwk(), json!({"kid": "k"})));
    let set = set_of(&[one.clone(), other, with(RS256.jwk(), json!({"kid": "single"}))]);
    assert_eq!(set.find(Some("k")).err(), Some(Refusal::TokenKeyUnknown));
    assert!(set.find(Some("single")).is_ok());
    assert_eq!(set.dropped().iter().filter(|dropped| dropped.reason == DropReason::DuplicateKid).count(), 2);
    // One for encryption beside one for signatures leaves no doubt which is meant.
    let set = set_of(&[one, with(RS256.jwk(), json!({"kid": "k", "use": "enc"}))]);
    assert!(set.find(Some("k")).is_ok());
}

#[test]
fn the_name_decides_which_key() {
    let (es, ed) = (with(ES256.jwk(), json!({"kid": "a"})), EDDSA.jwk());
    let set = set_of(&[es.clone(), ed.clone(), with(RS256.jwk(), json!({"kid": "enc", "use": "enc"}))]);
    assert!(set.find(Some("a")).is_ok());
    assert_eq!(set.find(Some("b")).err(), Some(Refusal::TokenKeyUnknown));
    assert_eq!(set.find(Some("")).err(), Some(Refusal::TokenKeyUnknown));
    assert_eq!(set.find(Some("enc")).err(), Some(Refusal::TokenKeyUnusable));
    assert_eq!(set.find(None).err(), Some(Refusal::TokenKeyUnknown), "two could be meant");
    for only in [es, ed] {
        assert!(set_of(&[only]).find(None).is_ok());
    }
    assert_eq!(set_of(&[]).find(None).err(), Some(Refusal::TokenKeyUnknown));
}

#[test]
fn a_key_without_alg_verifies_what_its_type_admits() {
    let without_alg = Trial { keys: set_of(&[with(RS256.jwk(), json!({"kid": "RS256"}))]), ..Trial::default() };
    let token = RS256.mint(header("RS256").to_string(), claims().to_string());
    assert_eq!(without_alg.refusal(&token), None);
    // Padding still counts: the same key, the same bytes, announced as PSS.
    let as_pss = RS256.mint(with(header("RS256"), json!({"alg": "PS256"})).to_string(), claims().to_string());
    assert_eq!(without_alg.refusal(&as_pss), Some(Refusal::TokenSignature));
    let pinned =
        Trial { keys: set_of(&[with(RS256.jwk(), json!({"kid": "RS256", "alg": "PS256"}))]), ..Trial::default() };
    assert_eq!(pinned.refusal(&token), Some(Refusal::TokenAlgorithm));
}

#[test]
fn a_token_without_kid_gets_the_only_key() {
    let token = ES256.mint(r#"{"alg":"ES256"}"#, claims().to_string());
    let one = Trial { keys: set_of(&[with(ES256.jwk(), json!({"kid": "x"}))]), ..Trial::default() };
    assert_eq!(one.refusal(&token), None);
    assert_eq!(Trial::default().refusal(&token), Some(Refusal::TokenKeyUnknown));
}

#[test]
fn a_key_that_the_mirror_has_missed_verifies_only_what_names_it() {
    let keys = [with(ES256.jwk(), json!({"kid": "published"})), with(EDDSA.jwk(), json!({"kid": "withdrawn"}))];
    let body = json!({ "keys": keys }).to_string();
    let keys = KeySet::parse_mirrored(body.as_bytes(), |kid| kid == "withdrawn").unwrap();
    let trial = Trial { keys, ..Trial::default() };
    let nameless = |alg: &str| json!({ "alg": alg }).to_string();
    let named = json!({"alg": "EdDSA", "kid": "withdrawn"}).to_string();
    assert_eq!(trial.refusal(&ES256.mint(nameless("ES256"), claims().to_string())), None);
    assert_eq!(trial.refusal(&EDDSA.mint(named, claims().to_string())), None);
    assert!(trial.refusal(&EDDSA.mint(nameless("EdDSA"), claims().to_string())).is_some());
    assert!(KeySet::parse_mirrored(body.as_bytes(), |_| true).unwrap().is_empty());
}
