//! Project Wycheproof: vectors that broken implementations accept, through the verifiers that tokens
//! and edge signatures use.
//!
//! The primitives come with the crate `wycheproof`. Its JWS and JWK files do not: see `json_web`.
//! `Valid` must verify, `Invalid` must not; what the vectors call acceptable may go either way.

mod json_web;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_decision::signature::{self, EdgeKey, KeyError};
use countersign_decision::token::KeySet;
use countersign_decision::token::algorithm::Algorithm;
use serde_json::{Value, json};
use wycheproof::{TestResult, ecdsa, eddsa, mac, rsa_pkcs1_verify, rsa_pss_verify};

/// What came out against what must come out, counted so that an empty file cannot pass.
#[derive(Default)]
struct Tally {
    accepted: usize,
    refused: usize,
    wrong: Vec<usize>,
}

impl Tally {
    fn expect(&mut self, id: usize, expected: TestResult, accepted: bool) {
        match accepted {
            true => self.accepted += 1,
            false => self.refused += 1,
        }
        let wrong = match expected {
            TestResult::Valid => !accepted,
            TestResult::Invalid => accepted,
            TestResult::Acceptable => false,
        };
        if wrong {
            self.wrong.push(id);
        }
    }

    /// No surprises, and both answers were seen.
    #[track_caller]
    fn check(&self, name: &str) {
        assert!(self.wrong.is_empty(), "{name}: unexpected answers to {:?}", self.wrong);
        assert!(self.accepted > 0 && self.refused > 0, "{name}: {} accepted, {} refused", self.accepted, self.refused);
    }
}

/// A token's signature under the only key of an issuer's set; a key that is not used verifies nothing.
fn token_verifies(jwk: &Value, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
    let set = KeySet::parse(json!({"keys": [jwk]}).to_string().as_bytes()).expect("a key set");
    set.find(None).is_ok_and(|key| key.verify(algorithm, message, signature.to_vec()).is_ok())
}

/// An integer as a JWK spells it: base64url of its minimal octets (RFC 7518 §2).
fn integer(bytes: &[u8]) -> String {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    URL_SAFE_NO_PAD.encode(&bytes[zeros..])
}

#[test]
fn ecdsa_p256() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).expect("the crate's vectors");
    let (mut tokens, mut edge) = (Tally::default(), Tally::default());
    for group in set.test_groups {
        let (x, y) = group.key.key[1..].split_at(32);
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)});
        let key = EdgeKey::public("k", signature::Algorithm::EcdsaP256Sha256, &group.der).expect("a public key");
        for test in group.tests {
            tokens.expect(test.tc_id, test.result, token_verifies(&jwk, Algorithm::Es256, &test.msg, &test.sig));
            edge.expect(test.tc_id, test.result, key.verify(&test.msg, &test.sig));
        }
    }
    tokens.check("ES256");
    edge.check("ecdsa-p256-sha256");
}

#[test]
fn ecdsa_p384() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp384r1Sha384P1363).expect("the crate's vectors");
    let mut tokens = Tally::default();
    for group in set.test_groups {
        let (x, y) = group.key.key[1..].split_at(48);
        let jwk = json!({"kty": "EC", "crv": "P-384", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)});
        for test in group.tests {
            tokens.expect(test.tc_id, test.result, token_verifies(&jwk, Algorithm::Es384, &test.msg, &test.sig));
        }
    }
    tokens.check("ES384");
}

#[test]
fn ed25519() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).expect("the crate's vectors");
    let (mut tokens, mut edge) = (Tally::default(), Tally::default());
    for group in set.test_groups {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(&*group.key.pk)});
        let key = EdgeKey::public("k", signature::Algorithm::Ed25519, &group.der).expect("a public key");
        for test in group.tests {
            tokens.expect(test.tc_id, test.result, token_verifies(&jwk, Algorithm::EdDsa, &test.msg, &test.sig));
            edge.expect(test.tc_id, test.result, key.verify(&test.msg, &test.sig));
        }
    }
    tokens.check("EdDSA");
    edge.check("ed25519");
}

#[test]
fn rsa_pkcs1() {
    use rsa_pkcs1_verify::TestName as Name;
    for (name, algorithm) in [
        (Name::Rsa2048Sha256, Algorithm::Rs256),
        (Name::Rsa3072Sha256, Algorithm::Rs256),
        (Name::Rsa4096Sha256, Algorithm::Rs256),
        (Name::Rsa8192Sha256, Algorithm::Rs256),
        (Name::Rsa2048Sha384, Algorithm::Rs384),
        (Name::Rsa2048Sha512, Algorithm::Rs512),
    ] {
        let mut tokens = Tally::default();
        for group in rsa_pkcs1_verify::TestSet::load(name).expect("the crate's vectors").test_groups {
            let jwk = json!({"kty": "RSA", "n": integer(&group.key.n), "e": integer(&group.key.e)});
            for test in group.tests {
                tokens.expect(test.tc_id, test.result, token_verifies(&jwk, algorithm, &test.msg, &test.sig));
            }
        }
        tokens.check(&format!("{name:?}"));
    }
}

#[test]
fn rsa_pss() {
    use rsa_pss_verify::TestName as Name;
    for (name, algorithm) in [
        (Name::RsaPss2048Sha256Mgf1SaltLen32, Algorithm::Ps256),
        (Name::RsaPss3072Sha256Mgf1SaltLen32, Algorithm::Ps256),
        (Name::RsaPss4096Sha256Mgf1SaltLen32, Algorithm::Ps256),
        (Name::RsaPss2048Sha384Mgf1SaltLen48, Algorithm::Ps384),
        (Name::RsaPss4096Sha384Mgf1SaltLen48, Algorithm::Ps384),
        (Name::RsaPss4096Sha512Mgf1SaltLen64, Algorithm::Ps512),
    ] {
        let mut tokens = Tally::default();
        for group in rsa_pss_verify::TestSet::load(name).expect("the crate's vectors").test_groups {
            let jwk = json!({"kty": "RSA", "n": integer(&group.key.n), "e": integer(&group.key.e)});
            for test in group.tests {
                tokens.expect(test.tc_id, test.result, token_verifies(&jwk, algorithm, &test.msg, &test.sig));
            }
        }
        tokens.check(&format!("{name:?}"));
    }
}

/// RFC 7518 §3.5 fixes salt and mask hash: signatures that are good under others are not PS256.
#[test]
fn rsa_pss_under_other_parameters() {
    use rsa_pss_verify::TestName as Name;
    for (name, algorithm) in [
        (Name::RsaPss2048Sha256Mgf1SaltLen0, Algorithm::Ps256),
        (Name::RsaPss2048Sha256Mgf1Sha1_20, Algorithm::Ps256),
        (Name::RsaPss4096Sha512Mgf1SaltLen32, Algorithm::Ps512),
    ] {
        let mut good_elsewhere = 0;
        for group in rsa_pss_verify::TestSet::load(name).expect("the crate's vectors").test_groups {
            let jwk = json!({"kty": "RSA", "n": integer(&group.key.n), "e": integer(&group.key.e)});
            for test in group.tests {
                if test.result == TestResult::Valid {
                    good_elsewhere += 1;
                    assert!(!token_verifies(&jwk, algorithm, &test.msg, &test.sig), "{name:?} {}", test.tc_id);
                }
            }
        }
        assert!(good_elsewhere > 0, "{name:?}");
    }
}

/// Truncated tags are valid vectors of theirs; an edge signature is always the whole tag.
#[test]
fn hmac_sha256() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).expect("the crate's vectors");
    let mut edge = Tally::default();
    let mut too_short = 0;
    for group in set.test_groups {
        for test in group.tests {
            match EdgeKey::hmac("k", &test.key) {
                Ok(key) => {
                    let whole = test.tag.len() == 32;
                    let expected = if whole { test.result } else { TestResult::Invalid };
                    edge.expect(test.tc_id, expected, key.verify(&test.msg, &test.tag));
                }
                Err(error) => {
                    assert!(error == KeyError::TooShort && test.key.len() < 32, "{}", test.tc_id);
                    too_short += 1;
                }
            }
        }
    }
    edge.check("hmac-sha256");
    assert!(too_short > 0, "the vectors have short keys, which are no keys here");
}
