//! One key of the edge, ready to verify with: a shared HMAC key or a public key.
//!
//! Knows the two places a key is written down: the secret's value and the `edgekey#…` record. Does
//! not know where they are stored nor which versions are current. A key is prepared once and its raw
//! bytes are forgotten; nothing here can be printed. Algorithms: RFC 9421 §3.3.3 to §3.3.5.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::Algorithm;

/// Shortest HMAC key, in bytes: as long as the hash (RFC 2104 §3).
const HMAC_KEY: usize = 32;
/// Shortest generated password that is taken for an HMAC key: 48 alphanumerics hold 285 bits.
const GENERATED: usize = 48;

/// All that precedes the 32 bytes of the key in an Ed25519 SubjectPublicKeyInfo (RFC 8410 §4).
const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// All that precedes the uncompressed point, 65 bytes from its `04`, in a P-256 SubjectPublicKeyInfo
/// with a named curve (RFC 5480 §2).
const P256_SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A key that the edge signs with. Neither `Debug` nor `Display`, and no way back to its bytes.
pub struct EdgeKey {
    keyid: Box<str>,
    material: Material,
}

enum Material {
    /// Boxed, so that a key that moves leaves no copies of its 1.2 kB behind.
    Hmac(Box<hmac::Key>),
    Ed25519(ParsedPublicKey),
    EcdsaP256(ParsedPublicKey),
}

/// Why a text or record is not a key to verify with. Quotes nothing of it: it may be a secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyError {
    /// Neither the JSON object of a signing key nor a generated password.
    Unreadable,
    /// `alg` is not an algorithm of the profile.
    AlgorithmUnknown,
    /// The value is a private key: its public half is in the key table.
    NotHmac { alg: Algorithm },
    /// `key` is not unpadded base64url.
    Encoding,
    /// Less than 32 bytes of key, or less than 48 generated characters.
    TooShort,
    /// Not a SubjectPublicKeyInfo of the algorithm's curve, or not a point on it.
    PublicKey,
}

/// What the signing secret holds, if it is not a generated password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretValue<'a> {
    alg: &'a str,
    key: &'a str,
}

impl EdgeKey {
    /// # Errors
    /// `TooShort` below 32 bytes.
    pub fn hmac(keyid: &str, key: &[u8]) -> Result<Self, KeyError> {
        if key.len() < HMAC_KEY {
            return Err(KeyError::TooShort);
        }
        let key = Box::new(hmac::Key::new(hmac::HMAC_SHA256, key));
        Ok(Self { keyid: keyid.into(), material: Material::Hmac(key) })
    }

    /// A public key as WebCrypto exports it (`spki`): DER, P-256 points uncompressed.
    ///
    /// # Errors
    /// `PublicKey` for any other encoding, curve or point; `AlgorithmUnknown` for `HmacSha256`, which
    /// has no public key.
    pub fn public(keyid: &str, algorithm: Algorithm, spki_der: &[u8]) -> Result<Self, KeyError> {
        let material = match algorithm {
            Algorithm::HmacSha256 => return Err(KeyError::AlgorithmUnknown),
            Algorithm::Ed25519 => {
                let key = spki_der.strip_prefix(&ED25519_SPKI).filter(|key| key.len() == 32);
                let key = key.ok_or(KeyError::PublicKey)?;
                Material::Ed25519(ParsedPublicKey::new(&ED25519, key).map_err(|_| KeyError::PublicKey)?)
            }
            Algorithm::EcdsaP256Sha256 => {
                let point = spki_der.strip_prefix(&P256_SPKI).filter(|point| point.len() == 65);
                let point = point.ok_or(KeyError::PublicKey)?;
                let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                Material::EcdsaP256(key.map_err(|_| KeyError::PublicKey)?)
            }
        };
        Ok(Self { keyid: keyid.into(), material })
    }

    /// The value of one version of the signing secret: `{"alg":"hmac-sha256","key":"<base64url>"}`
    /// and no other member, or a generated password, whose ASCII bytes then are the key.
    ///
    /// # Errors
    /// Every `KeyError` but `PublicKey`. A caller's own copy of `text` is the caller's to erase.
    pub fn from_secret_value(keyid: &str, text: &str) -> Result<Self, KeyError> {
        if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return if text.len() < GENERATED { Err(KeyError::TooShort) } else { Self::hmac(keyid, text.as_bytes()) };
        }
        let value: SecretValue<'_> = serde_json::from_str(text).map_err(|_| KeyError::Unreadable)?;
        match Algorithm::parse(value.alg).ok_or(KeyError::AlgorithmUnknown)? {
            Algorithm::HmacSha256 => {}
            alg @ (Algorithm::Ed25519 | Algorithm::EcdsaP256Sha256) => return Err(KeyError::NotHmac { alg }),
        }
        // Sized before decoding: a vector that grows would leave copies of the key behind.
        let mut key = Zeroizing::new(vec![0; base64::decoded_len_estimate(value.key.len())]);
        let len = URL_SAFE_NO_PAD.decode_slice(value.key, &mut key).map_err(|_| KeyError::Encoding)?;
        Self::hmac(keyid, key.get(..len).unwrap_or_default())
    }

    /// The secret's VersionId that this key was stored under.
    pub fn keyid(&self) -> &str {
        &self.keyid
    }

    pub const fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Hmac(_) => Algorithm::HmacSha256,
            Material::Ed25519(_) => Algorithm::Ed25519,
            Material::EcdsaP256(_) => Algorithm::EcdsaP256Sha256,
        }
    }

    /// Whether `signature` is this key's over `base`: 32 bytes of HMAC, compared in constant time, or
    /// 64 bytes, for P-256 `r` and `s` one after the other.
    pub fn verify(&self, base: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Hmac(key) => hmac::verify(key, base, signature).is_ok(),
            Material::Ed25519(key) | Material::EcdsaP256(key) => key.verify_sig(base, signature).is_ok(),
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str(r#"neither {"alg":"…","key":"…"} nor 48 or more letters and digits"#),
            Self::AlgorithmUnknown => f.write_str("alg is not one that this key can have"),
            Self::NotHmac { alg } => write!(f, "a private {} key, where a shared key was expected", alg.as_str()),
            Self::Encoding => f.write_str("key is not base64url without padding"),
            Self::TooShort => f.write_str("shorter than 32 bytes of key, or than 48 letters and digits"),
            Self::PublicKey => f.write_str("not the SubjectPublicKeyInfo (DER) of a public key for this alg"),
        }
    }
}

impl std::error::Error for KeyError {}
