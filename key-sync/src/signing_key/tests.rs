use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign_decision::signature::{Algorithm, EdgeKey, KeyError};

use super::{SigningKey, Unusable, generate};

const KEYID: &str = "0d9f4f3e-6f4b-4a53-8f2e-6a1c36b0a001";

/// `unwrap_err` would want to print a key.
fn error_of(value: &str) -> Unusable {
    match SigningKey::from_secret_value(KEYID, value) {
        Ok(_) => panic!("a key"),
        Err(unusable) => unusable,
    }
}

fn key(value: &str) -> SigningKey {
    SigningKey::from_secret_value(KEYID, value).unwrap_or_else(|unusable| panic!("{unusable}"))
}

#[test]
fn a_generated_value_is_a_key_of_its_algorithm_and_no_two_are_alike() {
    for algorithm in Algorithm::ALL {
        let value = generate(algorithm).unwrap();
        let key = key(&value);
        assert_eq!((key.keyid(), key.algorithm()), (KEYID, algorithm));
        assert_ne!(*value, *generate(algorithm).unwrap(), "{algorithm:?}");
    }
}

#[test]
fn what_it_signs_verifies_with_what_the_authorizer_has() {
    for algorithm in Algorithm::ALL {
        let value = generate(algorithm).unwrap();
        let key = key(&value);
        let signature = key.sign(b"a base").unwrap();
        let authorizers = match key.public_key() {
            None => EdgeKey::from_secret_value(KEYID, &value),
            Some(spki) => EdgeKey::public(KEYID, algorithm, &spki),
        };
        let Ok(authorizers) = authorizers else { panic!("the authorizer reads it") };
        assert_eq!(key.public_key().is_none(), algorithm == Algorithm::HmacSha256);
        for verifier in [key.verifier(), &authorizers] {
            assert!(verifier.verify(b"a base", &signature));
            assert!(!verifier.verify(b"another base", &signature));
        }
    }
}

#[test]
fn a_generated_password_is_a_shared_key() {
    let password = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ01";
    let key = key(password);
    assert_eq!(key.algorithm(), Algorithm::HmacSha256);
    let edge = key.for_edge().unwrap();
    assert_eq!(*edge.key_base64, STANDARD.encode(password));
}

#[test]
fn the_edge_imports_the_key_that_is_in_the_value() {
    for (algorithm, format, usages) in [
        (Algorithm::HmacSha256, "raw", &["sign", "verify"][..]),
        (Algorithm::Ed25519, "pkcs8", &["sign"]),
        (Algorithm::EcdsaP256Sha256, "pkcs8", &["sign"]),
    ] {
        let value = generate(algorithm).unwrap();
        let edge = key(&value).for_edge().unwrap();
        assert_eq!((edge.format, edge.usages), (format, usages));
        let value: serde_json::Value = serde_json::from_str(&value).unwrap();
        let stored = URL_SAFE_NO_PAD.decode(value["key"].as_str().unwrap()).unwrap();
        assert_eq!(STANDARD.decode(&*edge.key_base64).unwrap(), stored, "{algorithm:?}");
    }
}

#[test]
fn a_private_key_of_the_second_version_reaches_the_edge_as_one_of_the_first() {
    let pair = aws_lc_rs::signature::Ed25519KeyPair::generate().unwrap();
    let second = URL_SAFE_NO_PAD.encode(pair.to_pkcs8().unwrap());
    let key = key(&format!(r#"{{"alg":"ed25519","key":"{second}"}}"#));
    let edge = STANDARD.decode(&*key.for_edge().unwrap().key_base64).unwrap();
    assert_eq!(edge, pair.to_pkcs8v1().unwrap().as_ref());
}

#[test]
fn anything_else_is_no_key() {
    let p256 = generate(Algorithm::EcdsaP256Sha256).unwrap();
    for (value, expected) in [
        ("", Unusable::Value(KeyError::TooShort)),
        ("0123456789abcdef", Unusable::Value(KeyError::TooShort)),
        ("not a key at all, but a sentence of some length, with commas", Unusable::Value(KeyError::Unreadable)),
        (r#"{"alg":"hmac-sha256","key":"AAAA"}"#, Unusable::Value(KeyError::TooShort)),
        (r#"{"alg":"rsa","key":"AAAA"}"#, Unusable::Value(KeyError::AlgorithmUnknown)),
        (r#"{"alg":"ed25519","key":"AAAA"}"#, Unusable::PrivateKey),
        (r#"{"alg":"ed25519","key":"****"}"#, Unusable::PrivateKey),
        (&p256.replace("ecdsa-p256-sha256", "ed25519"), Unusable::PrivateKey),
    ] {
        assert_eq!(error_of(value), expected, "{value}");
    }
}

#[test]
fn no_error_quotes_the_value() {
    let canary = "c4n4ryc4n4ryc4n4ryc4n4ry";
    for value in [
        canary.to_owned(),
        format!("{canary}!"),
        format!(r#"{{"alg":"{canary}","key":"{canary}"}}"#),
        format!(r#"{{"alg":"ed25519","key":"{canary}"}}"#),
    ] {
        let error = error_of(&value);
        assert!(!format!("{error} {error:?}").contains("c4n4ry"), "{error}");
    }
}
