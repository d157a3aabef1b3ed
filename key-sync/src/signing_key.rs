//! A key of the edge with its secret half: generated, read from the secret's value, signed with, and
//! written as the edge imports it.
//!
//! The only file that sees the bytes of a signing key. Nothing here can be printed, and what is
//! copied is overwritten when dropped. Private keys are PKCS#8 of the first version (RFC 5208), which
//! every WebCrypto imports. Algorithms: RFC 9421 §3.3.3 to §3.3.5.

use std::fmt;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use countersign_cloudflare::SecretKey;
use countersign_decision::signature::{Algorithm, EdgeKey, KeyError};
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

#[cfg(test)]
mod tests;

/// Bytes of a new HMAC key: as long as the hash (RFC 2104 §3).
const HMAC_KEY: usize = 32;

/// What a value has around the key: `{"alg":"…","key":"…"}`.
const BESIDE_KEY: usize = 64;

pub struct SigningKey {
    material: Material,
    /// The same key, as the authorizer has it.
    verifier: EdgeKey,
}

enum Material {
    Hmac(Zeroizing<Vec<u8>>),
    Ed25519(Ed25519KeyPair),
    EcdsaP256(EcdsaKeyPair),
}

/// Why a value is not a key to sign with. Quotes nothing of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unusable {
    Value(KeyError),
    /// Not the PKCS#8 of a private key of its algorithm, in base64url without padding.
    PrivateKey,
}

/// The library has no randomness, or no memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CryptoFailed;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Value<'v> {
    alg: &'v str,
    key: &'v str,
}

/// A value for the secret: a new key.
///
/// # Errors
/// `CryptoFailed`.
pub fn generate(algorithm: Algorithm) -> Result<Zeroizing<String>, CryptoFailed> {
    match algorithm {
        Algorithm::HmacSha256 => {
            let mut key = Zeroizing::new([0; HMAC_KEY]);
            rand::fill(key.as_mut()).map_err(|_| CryptoFailed)?;
            Ok(value(algorithm, key.as_ref()))
        }
        Algorithm::Ed25519 => {
            let pair = Ed25519KeyPair::generate().map_err(|_| CryptoFailed)?;
            Ok(value(algorithm, pair.to_pkcs8v1().map_err(|_| CryptoFailed)?.as_ref()))
        }
        Algorithm::EcdsaP256Sha256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| CryptoFailed)?;
            Ok(value(algorithm, pair.to_pkcs8v1().map_err(|_| CryptoFailed)?.as_ref()))
        }
    }
}

fn value(algorithm: Algorithm, key: &[u8]) -> Zeroizing<String> {
    // Room for all of it at once: a string that grows would leave copies of the key behind.
    let mut value = Zeroizing::new(String::with_capacity(BESIDE_KEY + key.len() * 2));
    value.push_str(r#"{"alg":""#);
    value.push_str(algorithm.as_str());
    value.push_str(r#"","key":""#);
    URL_SAFE_NO_PAD.encode_string(key, &mut value);
    value.push_str(r#""}"#);
    value
}

impl SigningKey {
    /// The value of one version of the secret, as `EdgeKey::from_secret_value` reads it for HMAC, or
    /// `{"alg":"…","key":"<PKCS#8 in base64url>"}` for a private key.
    ///
    /// # Errors
    /// `Unusable`.
    pub fn from_secret_value(keyid: &str, text: &str) -> Result<Self, Unusable> {
        match EdgeKey::from_secret_value(keyid, text) {
            Ok(verifier) => Ok(Self { material: Material::Hmac(shared_key(text)?), verifier }),
            Err(KeyError::NotHmac { alg }) => Self::private(keyid, alg, text),
            Err(error) => Err(Unusable::Value(error)),
        }
    }

    fn private(keyid: &str, algorithm: Algorithm, text: &str) -> Result<Self, Unusable> {
        let value: Value<'_> = serde_json::from_str(text).map_err(|_| Unusable::PrivateKey)?;
        let pkcs8 = decode(value.key)?;
        let (material, spki) = match algorithm {
            Algorithm::HmacSha256 => return Err(Unusable::PrivateKey),
            Algorithm::Ed25519 => {
                let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| Unusable::PrivateKey)?;
                let spki = pair.public_key().as_der().map_err(|_| Unusable::PrivateKey)?.as_ref().to_vec();
                (Material::Ed25519(pair), spki)
            }
            Algorithm::EcdsaP256Sha256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8);
                let pair = pair.map_err(|_| Unusable::PrivateKey)?;
                let spki = pair.public_key().as_der().map_err(|_| Unusable::PrivateKey)?.as_ref().to_vec();
                (Material::EcdsaP256(pair), spki)
            }
        };
        let verifier = EdgeKey::public(keyid, algorithm, &spki).map_err(Unusable::Value)?;
        Ok(Self { material, verifier })
    }

    pub fn keyid(&self) -> &str {
        self.verifier.keyid()
    }

    pub const fn algorithm(&self) -> Algorithm {
        self.verifier.algorithm()
    }

    /// The key as the authorizer has it.
    pub const fn verifier(&self) -> &EdgeKey {
        &self.verifier
    }

    /// 32 bytes of HMAC, or 64 bytes, for P-256 `r` and `s` one after the other.
    ///
    /// # Errors
    /// `CryptoFailed`.
    pub fn sign(&self, base: &[u8]) -> Result<Vec<u8>, CryptoFailed> {
        match &self.material {
            Material::Hmac(key) => Ok(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), base).as_ref().to_vec()),
            Material::Ed25519(pair) => Ok(pair.try_sign(base).map_err(|_| CryptoFailed)?.as_ref().to_vec()),
            Material::EcdsaP256(pair) => {
                Ok(pair.sign(&SystemRandom::new(), base).map_err(|_| CryptoFailed)?.as_ref().to_vec())
            }
        }
    }

    /// SubjectPublicKeyInfo (DER) of the public half; `None` for a shared key, which has none.
    pub fn public_key(&self) -> Option<Vec<u8>> {
        match &self.material {
            Material::Hmac(_) => None,
            Material::Ed25519(pair) => pair.public_key().as_der().ok().map(|der| der.as_ref().to_vec()),
            Material::EcdsaP256(pair) => pair.public_key().as_der().ok().map(|der| der.as_ref().to_vec()),
        }
    }

    /// The key as the edge imports it: usable there, and not readable. It verifies too where it is
    /// shared, so that the edge can tell who asks for its probe.
    ///
    /// # Errors
    /// `CryptoFailed`.
    pub fn for_edge(&self) -> Result<SecretKey, CryptoFailed> {
        match &self.material {
            Material::Hmac(key) => Ok(SecretKey {
                algorithm: json!({ "name": "HMAC", "hash": "SHA-256" }),
                format: "raw",
                usages: &["sign", "verify"],
                key_base64: encoded(key),
            }),
            Material::Ed25519(pair) => Ok(SecretKey {
                algorithm: json!({ "name": "Ed25519" }),
                format: "pkcs8",
                usages: &["sign"],
                key_base64: encoded(pair.to_pkcs8v1().map_err(|_| CryptoFailed)?.as_ref()),
            }),
            Material::EcdsaP256(pair) => Ok(SecretKey {
                algorithm: json!({ "name": "ECDSA", "namedCurve": "P-256" }),
                format: "pkcs8",
                usages: &["sign"],
                key_base64: encoded(pair.to_pkcs8v1().map_err(|_| CryptoFailed)?.as_ref()),
            }),
        }
    }
}

/// The bytes of an HMAC key whose value has been accepted.
fn shared_key(text: &str) -> Result<Zeroizing<Vec<u8>>, Unusable> {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(Zeroizing::new(text.as_bytes().to_vec()));
    }
    let value: Value<'_> = serde_json::from_str(text).map_err(|_| Unusable::Value(KeyError::Unreadable))?;
    debug_assert_eq!(value.alg, Algorithm::HmacSha256.as_str());
    decode(value.key)
}

fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, Unusable> {
    let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
    let len = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).map_err(|_| Unusable::PrivateKey)?;
    bytes.truncate(len);
    Ok(bytes)
}

fn encoded(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 2));
    STANDARD.encode_string(bytes, &mut text);
    text
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(error) => error.fmt(f),
            Self::PrivateKey => {
                f.write_str("not the PKCS#8 of a private key for this alg, in base64url without padding")
            }
        }
    }
}
