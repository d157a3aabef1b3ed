//! Private keys of an issuer, and their public halves as JSON Web Keys (RFC 7517, 7518, 8037).

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Algorithm {
    Rs256,
    Ps256,
    Es256,
    EdDsa,
}

impl Algorithm {
    /// As `alg` spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }
}

pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    secret: Secret,
}

enum Secret {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    /// A fresh key. RSA ones have 2048 bits.
    pub fn generate(kid: &str, algorithm: Algorithm) -> Self {
        let secret = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => {
                Secret::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("an RSA key"))
            }
            Algorithm::Es256 => {
                Secret::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a P-256 key"))
            }
            Algorithm::EdDsa => Secret::Ed25519(Ed25519KeyPair::generate().expect("an Ed25519 key")),
        };
        Self { kid: kid.to_owned(), algorithm, secret }
    }

    /// A key that is known: RSA ones in PKCS#1, the others in PKCS#8.
    pub fn read(kid: &str, algorithm: Algorithm, der: &[u8]) -> Self {
        let secret = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => Secret::Rsa(RsaKeyPair::from_der(der).expect("an RSA key")),
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
                Secret::P256(pair.expect("a P-256 key"))
            }
            Algorithm::EdDsa => {
                Secret::Ed25519(Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).expect("an Ed25519 key"))
            }
        };
        Self { kid: kid.to_owned(), algorithm, secret }
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The signature as JWS wants it: for ES256 `r‖s`, 64 bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.secret {
            Secret::Rsa(key) => {
                let encoding = if self.algorithm == Algorithm::Ps256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(encoding, &SystemRandom::new(), message, &mut signature).expect("a signature");
                signature
            }
            Secret::P256(key) => key.sign(&SystemRandom::new(), message).expect("a signature").as_ref().to_vec(),
            Secret::Ed25519(key) => key.sign(message).as_ref().to_vec(),
        }
    }

    /// Whether a signature is one of this key's. PS256 and ES256 have many over one message.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let (algorithm, key): (&'static dyn VerificationAlgorithm, &[u8]) = match &self.secret {
            Secret::Rsa(key) if self.algorithm == Algorithm::Ps256 => {
                (&RSA_PSS_2048_8192_SHA256, key.public_key().as_ref())
            }
            Secret::Rsa(key) => (&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref()),
            Secret::P256(key) => (&ECDSA_P256_SHA256_FIXED, key.public_key().as_ref()),
            Secret::Ed25519(key) => (&ED25519, key.public_key().as_ref()),
        };
        UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
    }

    /// The public key as a member of a key set.
    pub fn jwk(&self) -> Value {
        let mut jwk = match &self.secret {
            Secret::Rsa(key) => {
                let (modulus, exponent) = rsa_numbers(key.public_key().as_ref());
                json!({ "kty": "RSA", "n": BASE64URL.encode(modulus), "e": BASE64URL.encode(exponent) })
            }
            Secret::P256(key) => {
                // 0x04, then x and y: the uncompressed point.
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": BASE64URL.encode(x), "y": BASE64URL.encode(y) })
            }
            Secret::Ed25519(key) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": BASE64URL.encode(key.public_key().as_ref()) })
            }
        };
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.algorithm().name());
        jwk["use"] = json!("sig");
        jwk
    }

    /// The public key as SPKI in DER.
    pub fn spki(&self) -> Vec<u8> {
        let der: PublicKeyX509Der<'_> = match &self.secret {
            Secret::Rsa(key) => key.public_key().as_der(),
            Secret::P256(key) => key.public_key().as_der(),
            Secret::Ed25519(key) => key.public_key().as_der(),
        }
        .expect("a public key has an encoding");
        der.as_ref().to_vec()
    }

    /// The public half of another key under the same `kid`.
    pub(super) fn namesake_of(jwk: &Value) -> Value {
        Self::generate(jwk["kid"].as_str().unwrap_or_default(), Algorithm::Es256).jwk()
    }
}

/// Modulus and exponent of an RSAPublicKey in DER (RFC 8017 A.1.1), without leading zeros.
fn rsa_numbers(der: &[u8]) -> (&[u8], &[u8]) {
    let (sequence, _) = der_value(der);
    let (modulus, rest) = der_value(sequence);
    let (exponent, _) = der_value(rest);
    let unsigned = |number: &'_ [u8]| number.iter().take_while(|&&byte| byte == 0).count();
    (&modulus[unsigned(modulus)..], &exponent[unsigned(exponent)..])
}

/// The content of the first DER value, and what follows it.
fn der_value(der: &[u8]) -> (&[u8], &[u8]) {
    let short = usize::from(der[1]);
    let (header, length) = if short < 0x80 {
        (2, short)
    } else {
        let octets = short - 0x80;
        let length = der[2..2 + octets].iter().fold(0, |length, &octet| length << 8 | usize::from(octet));
        (2 + octets, length)
    };
    der[header..].split_at(length)
}
