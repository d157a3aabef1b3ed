use std::marker::PhantomData;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};

use super::super::fixture::Edge;
use super::super::{Algorithm, EdgeKey, KeyError};

fn secret_value(text: &str) -> Result<EdgeKey, KeyError> {
    EdgeKey::from_secret_value("v1", text)
}

fn error(result: Result<EdgeKey, KeyError>) -> Option<KeyError> {
    result.err()
}

#[test]
fn an_hmac_key_has_at_least_32_bytes() {
    assert_eq!(error(EdgeKey::hmac("v1", b"")), Some(KeyError::TooShort));
    assert_eq!(error(EdgeKey::hmac("v1", &[1; 31])), Some(KeyError::TooShort));
    let key = EdgeKey::hmac("v1", &[1; 32]).unwrap();
    assert_eq!((key.keyid(), key.algorithm()), ("v1", Algorithm::HmacSha256));
}

/// RFC 4231 §4.7, the case with a key longer than the block.
#[test]
fn hmac_is_hmac_sha256() {
    let key = EdgeKey::hmac("v1", &[0xaa; 131]).unwrap();
    let tag: [u8; 32] = [
        0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f, 0x0d, 0x8a, 0x26, 0xaa, 0xcb, 0xf5, 0xb7, 0x7f, 0x8e, 0x0b,
        0xc6, 0x21, 0x37, 0x28, 0xc5, 0x14, 0x05, 0x46, 0x04, 0x0f, 0x0e, 0xe3, 0x7f, 0x54,
    ];
    let text = b"Test Using Larger Than Block-Size Key - Hash Key First";
    assert!(key.verify(text, &tag));
    assert!(!key.verify(text, &tag[..16]), "a truncated tag");
    assert!(!key.verify(text, b""), "no tag");
    assert!(!key.verify(text, &[tag.as_slice(), &[0]].concat()), "a tag with a byte too many");
}

#[test]
fn both_forms_of_a_secret_value_make_the_same_keys() {
    let generated = "Ab3".repeat(20) + "Wxyz";
    let written = format!(r#"{{"alg":"hmac-sha256","key":"{}"}}"#, BASE64_URL_SAFE_NO_PAD.encode(&generated));
    let spaced = format!("\n{} ", written.replace(':', " : "));
    let tag =
        aws_lc_rs::hmac::sign(&aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, generated.as_bytes()), b"base");
    for value in [&generated, &written, &spaced] {
        let key = secret_value(value).unwrap();
        assert_eq!((key.keyid(), key.algorithm()), ("v1", Algorithm::HmacSha256));
        assert!(key.verify(b"base", tag.as_ref()), "{value}");
    }
}

#[test]
fn every_other_secret_value_is_refused_by_name() {
    let key = BASE64_URL_SAFE_NO_PAD.encode([0xfb; 32]);
    let json = |alg: &str, key: &str| format!(r#"{{"alg":"{alg}","key":"{key}"}}"#);
    let cases = [
        (String::new(), KeyError::TooShort),
        ("a".repeat(47), KeyError::TooShort),
        ("a".repeat(63) + " ", KeyError::Unreadable),
        ("a".repeat(63) + "é", KeyError::Unreadable),
        ("a".repeat(63) + "-", KeyError::Unreadable),
        ("pending".to_owned(), KeyError::TooShort),
        ("{}".to_owned(), KeyError::Unreadable),
        ("null".to_owned(), KeyError::TooShort),
        (format!("[{key:?}]"), KeyError::Unreadable),
        (r#"{"alg":"hmac-sha256"}"#.to_owned(), KeyError::Unreadable),
        (format!(r#"{{"key":"{key}"}}"#), KeyError::Unreadable),
        (format!(r#"{{"alg":"hmac-sha256","key":"{key}","key":"{key}"}}"#), KeyError::Unreadable),
        (format!(r#"{{"alg":"ed25519","alg":"hmac-sha256","key":"{key}"}}"#), KeyError::Unreadable),
        (format!(r#"{{"alg":"hmac-sha256","key":"{key}","old":"{key}"}}"#), KeyError::Unreadable),
        (json("hmac-sha256", &key) + "x", KeyError::Unreadable),
        (json("hmac-sha256", &BASE64_URL_SAFE_NO_PAD.encode([0xfb; 31])), KeyError::TooShort),
        (json("hmac-sha256", ""), KeyError::TooShort),
        (json("hmac-sha256", &BASE64_URL_SAFE.encode([0xfb; 32])), KeyError::Encoding),
        (json("hmac-sha256", &BASE64_STANDARD.encode([0xfb; 33])), KeyError::Encoding),
        (json("hmac-sha256", &format!("{}_", &key[..42])), KeyError::Encoding),
        (json("none", &key), KeyError::AlgorithmUnknown),
        (json("", &key), KeyError::AlgorithmUnknown),
        (json("HMAC-SHA256", &key), KeyError::AlgorithmUnknown),
        (json("ed25519", &key), KeyError::NotHmac { alg: Algorithm::Ed25519 }),
        (json("ecdsa-p256-sha256", "x"), KeyError::NotHmac { alg: Algorithm::EcdsaP256Sha256 }),
    ];
    for (value, expected) in cases {
        assert_eq!(error(secret_value(&value)), Some(expected), "{value}");
    }
}

#[test]
fn no_error_quotes_a_secret() {
    let secret = "S3cr3tS3cr3tS3cr3tS3cr3tS3cr3tS3cr3tS3cr3t";
    for value in [secret.to_owned(), format!("{secret}!"), format!(r#"{{"alg":"{secret}","key":{{"{secret}":1}}}}"#)] {
        let error = error(secret_value(&value)).unwrap();
        assert!(!format!("{error} {error:?}").contains("S3cr3t"), "{error}");
    }
}

fn public(algorithm: Algorithm, spki: &[u8]) -> Result<EdgeKey, KeyError> {
    EdgeKey::public("v1", algorithm, spki)
}

fn ed25519_spki() -> Vec<u8> {
    Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap().public_key().as_der().unwrap().as_ref().to_vec()
}

fn p256_spki() -> Vec<u8> {
    let pair = EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    pair.public_key().as_der().unwrap().as_ref().to_vec()
}

#[test]
fn a_public_key_is_a_subject_public_key_info_of_its_own_curve() {
    let (ed25519, p256) = (ed25519_spki(), p256_spki());
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
    let p384 = p384.public_key().as_der().unwrap().as_ref().to_vec();
    assert_eq!(public(Algorithm::Ed25519, &ed25519).unwrap().algorithm(), Algorithm::Ed25519);
    assert_eq!(public(Algorithm::EcdsaP256Sha256, &p256).unwrap().algorithm(), Algorithm::EcdsaP256Sha256);

    let refused = [
        ("P-256 as Ed25519", Algorithm::Ed25519, p256.clone()),
        ("Ed25519 as P-256", Algorithm::EcdsaP256Sha256, ed25519.clone()),
        ("P-384 as P-256", Algorithm::EcdsaP256Sha256, p384),
        ("nothing", Algorithm::Ed25519, Vec::new()),
        ("the bare key", Algorithm::Ed25519, ed25519[12..].to_vec()),
        ("the bare point", Algorithm::EcdsaP256Sha256, p256[26..].to_vec()),
        ("a byte short", Algorithm::Ed25519, ed25519[..43].to_vec()),
        ("a byte long", Algorithm::Ed25519, [ed25519.as_slice(), &[0]].concat()),
        ("a point a byte long", Algorithm::EcdsaP256Sha256, [p256.as_slice(), &[0]].concat()),
        ("a point off the curve", Algorithm::EcdsaP256Sha256, [&p256[..90], &[p256[90] ^ 1]].concat()),
        ("the point at infinity", Algorithm::EcdsaP256Sha256, [&p256[..26], &[0; 65]].concat()),
        ("one inside the other", Algorithm::Ed25519, [&ed25519[..12], &ed25519].concat()),
        ("one point inside the other", Algorithm::EcdsaP256Sha256, [&p256[..26], &p256].concat()),
        ("PEM", Algorithm::Ed25519, b"-----BEGIN PUBLIC KEY-----".to_vec()),
    ];
    for (what, algorithm, spki) in refused {
        assert_eq!(error(public(algorithm, &spki)), Some(KeyError::PublicKey), "{what}");
    }
    assert_eq!(error(public(Algorithm::HmacSha256, &ed25519)), Some(KeyError::AlgorithmUnknown));
}

#[test]
fn a_public_key_takes_64_bytes_and_no_other_length() {
    for algorithm in [Algorithm::Ed25519, Algorithm::EcdsaP256Sha256] {
        let edge = Edge::new(algorithm);
        let signature = edge.sign("base");
        assert!(edge.key.verify(b"base", &signature));
        assert!(!edge.key.verify(b"base", &signature[..63]), "{algorithm:?}");
        assert!(!edge.key.verify(b"base", &[signature.as_slice(), &[0]].concat()), "{algorithm:?}");
        assert!(!edge.key.verify(b"base", b""), "{algorithm:?}");
    }
}

/// An inherent constant hides one of a trait, but only where its bound holds.
#[test]
fn a_key_cannot_be_printed() {
    struct Of<T>(PhantomData<T>);
    trait Otherwise {
        const SHOWN: bool = false;
    }
    impl<T> Otherwise for Of<T> {}
    #[allow(dead_code)]
    impl<T: std::fmt::Debug> Of<T> {
        const SHOWN: bool = true;
    }
    const { assert!(Of::<KeyError>::SHOWN) };
    const { assert!(!Of::<EdgeKey>::SHOWN) };
}
