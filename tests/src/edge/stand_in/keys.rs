//! The two slots of a Worker version, imported as WebCrypto would: what has another algorithm, format
//! or usage than it should cannot be used, and a key that cannot be used is none.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD as BASE64, BASE64_URL_SAFE_NO_PAD as BASE64URL};
use serde_json::{Value, json};

use crate::cloudflare::Binding;
use crate::signer::EdgeKey;

pub struct Keys {
    active: Option<Slot>,
    standby: Option<Slot>,
}

/// A key, and what verifies a question that is signed with it.
pub struct Slot {
    pub key: EdgeKey,
    verifier: Verifier,
}

enum Verifier {
    Hmac(Vec<u8>),
    Ed25519(Vec<u8>),
    P256(Vec<u8>),
}

/// All that stands before the key itself in a SubjectPublicKeyInfo, in bytes.
const ED25519_HEAD: usize = 12;
const P256_HEAD: usize = 26;

impl Keys {
    pub fn of(secrets: &BTreeMap<String, Binding>) -> Self {
        let Some(Binding::Text(names)) = secrets.get("EDGE_KEYS") else {
            return Self { active: None, standby: None };
        };
        let names: Value = serde_json::from_str(names).expect("EDGE_KEYS is JSON");
        let slot = |slot: &str| {
            let binding = secrets.get(&format!("EDGE_KEY_{}", slot.to_uppercase()));
            Slot::import(&names[slot], binding)
        };
        match names["active"].as_str() {
            Some("a") => Self { active: slot("a"), standby: slot("b") },
            Some("b") => Self { active: slot("b"), standby: slot("a") },
            other => panic!("EDGE_KEYS calls {other:?} active"),
        }
    }

    pub fn active(&self) -> Option<&EdgeKey> {
        self.active.as_ref().map(|slot| &slot.key)
    }

    pub fn slot(&self, name: &str) -> Option<&Slot> {
        match name {
            "active" => self.active.as_ref(),
            "standby" => self.standby.as_ref(),
            _ => None,
        }
    }

    /// The slot with this key, whichever it is.
    pub fn by_keyid(&self, keyid: &str) -> Option<&Slot> {
        [&self.active, &self.standby].into_iter().flatten().find(|slot| slot.key.keyid() == keyid)
    }
}

impl Slot {
    /// `None`: an empty slot. One of the two halves without the other is a defect of whoever pushed.
    fn import(name: &Value, binding: Option<&Binding>) -> Option<Self> {
        let (keyid, binding) = match (name["keyid"].as_str(), binding) {
            (None, None) => return None,
            (Some(keyid), Some(binding)) => (keyid, binding),
            (keyid, _) => panic!("a slot is half empty: {keyid:?} in EDGE_KEYS"),
        };
        let Binding::Key { algorithm, format, usages, key_base64 } = binding else {
            panic!("a signing key must not be readable");
        };
        let bytes = BASE64.decode(key_base64).expect("standard base64");
        let public = || BASE64URL.decode(name["public_key"].as_str().expect("a public key")).expect("base64url");
        let (key, verifier) = match name["alg"].as_str() {
            Some("hmac-sha256") => {
                assert_eq!((algorithm, format.as_str()), (&json!({ "name": "HMAC", "hash": "SHA-256" }), "raw"));
                assert_eq!(usages, &["sign", "verify"]);
                assert!(bytes.len() >= 32, "a short key");
                (EdgeKey::hmac(keyid, &bytes), Verifier::Hmac(bytes))
            }
            Some("ed25519") => {
                assert_eq!((algorithm, format.as_str()), (&json!({ "name": "Ed25519" }), "pkcs8"));
                assert_first_version(&bytes);
                let public = public().split_off(ED25519_HEAD);
                (EdgeKey::ed25519(keyid, Some(&bytes)), Verifier::Ed25519(public))
            }
            Some("ecdsa-p256-sha256") => {
                assert_eq!((algorithm, format.as_str()), (&json!({ "name": "ECDSA", "namedCurve": "P-256" }), "pkcs8"));
                assert_first_version(&bytes);
                (EdgeKey::p256(keyid, Some(&bytes)), Verifier::P256(public().split_off(P256_HEAD)))
            }
            other => panic!("no such algorithm: {other:?}"),
        };
        if !matches!(verifier, Verifier::Hmac(_)) {
            assert_eq!(usages, &["sign"]);
        }
        Some(Self { key, verifier })
    }

    pub fn verifies(&self, base: &[u8], signature: &[u8]) -> bool {
        match &self.verifier {
            Verifier::Hmac(key) => hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key), base, signature).is_ok(),
            Verifier::Ed25519(public) => UnparsedPublicKey::new(&ED25519, public).verify(base, signature).is_ok(),
            Verifier::P256(public) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public).verify(base, signature).is_ok()
            }
        }
    }
}

/// PKCS#8 with `version` 0: the second version (RFC 5958) is not imported everywhere.
fn assert_first_version(pkcs8: &[u8]) {
    let body = if pkcs8[1] < 0x80 { 2 } else { 2 + usize::from(pkcs8[1] & 0x7f) };
    assert_eq!(&pkcs8[body..body + 3], &[0x02, 0x01, 0x00], "PKCS#8 of the first version");
}
