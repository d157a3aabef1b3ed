//! An issuer with one key of each kind, and tokens of any shape.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod attacks;
mod claims;
mod grants;
mod header;
mod keys;
mod tampering;

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{KeySet, Purpose, Unverified, VerifiedToken};
use crate::decision::Refusal;
use crate::lifetimes::Lifetimes;
use crate::record::issuer::IssuerRecord;
use crate::time::Timestamp;

pub(super) const ISSUER: &str = "https://issuer.example.com";
pub(super) const AUDIENCE: &str = "https://api.example.com/";
pub(super) const NOW: u64 = 1_800_000_000;

pub(super) enum Signer {
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    Ec(Box<EcdsaKeyPair>, &'static str),
    Ed(Ed25519KeyPair),
}

fn rsa(padding: &'static dyn RsaEncoding) -> Signer {
    Signer::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()), padding)
}

pub(super) static RS256: LazyLock<Signer> = LazyLock::new(|| rsa(&RSA_PKCS1_SHA256));
pub(super) static PS256: LazyLock<Signer> = LazyLock::new(|| rsa(&RSA_PSS_SHA256));
pub(super) static ES256: LazyLock<Signer> =
    LazyLock::new(|| Signer::Ec(Box::new(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()), "P-256"));
pub(super) static ES384: LazyLock<Signer> =
    LazyLock::new(|| Signer::Ec(Box::new(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap()), "P-384"));
pub(super) static EDDSA: LazyLock<Signer> = LazyLock::new(|| Signer::Ed(Ed25519KeyPair::generate().unwrap()));

pub(super) fn signers() -> [(&'static str, &'static Signer); 5] {
    [("RS256", &RS256), ("PS256", &PS256), ("ES256", &ES256), ("ES384", &ES384), ("EdDSA", &EDDSA)]
}

impl Signer {
    /// Its public half, without `alg`, `use` and `kid`.
    pub(super) fn jwk(&self) -> Value {
        match self {
            Self::Rsa(pair, _) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "n": b64(&public.n), "e": b64(&public.e)})
            }
            Self::Ec(pair, curve) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({"kty": "EC", "crv": curve, "x": b64(x), "y": b64(y)})
            }
            Self::Ed(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key().as_ref())}),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair, padding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*padding, &random, message, &mut signature).unwrap();
                signature
            }
            Self::Ec(pair, _) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// A token with any header and payload, whether JSON or not, and a good signature over them.
    pub(super) fn mint(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let message = format!("{}.{}", b64(header.as_ref()), b64(payload.as_ref()));
        let signature = self.sign(message.as_bytes());
        format!("{message}.{}", b64(&signature))
    }
}

pub(super) fn b64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `base` with members set, or removed where the change is `null`.
pub(super) fn with(mut base: Value, changes: Value) -> Value {
    let (Some(members), Value::Object(changes)) = (base.as_object_mut(), changes) else { unreachable!() };
    for (name, value) in changes {
        if value.is_null() {
            members.remove(&name)
        } else {
            members.insert(name, value)
        };
    }
    base
}

pub(super) fn header(alg: &str) -> Value {
    json!({"alg": alg, "kid": alg, "typ": "at+jwt"})
}

pub(super) fn claims() -> Value {
    json!({"iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "iat": NOW - 60, "exp": NOW + 3600, "scope": "items:read"})
}

/// The issuer's set: every key named after its algorithm.
pub(super) fn key_set() -> KeySet {
    let named = |(alg, signer): (&str, &Signer)| with(signer.jwk(), json!({"kid": alg, "alg": alg, "use": "sig"}));
    set_of(&signers().map(named))
}

pub(super) fn set_of(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).unwrap()
}

pub(super) fn item() -> Value {
    json!({
        "pk": format!("issuer#{ISSUER}"),
        "audiences": [AUDIENCE],
        "algorithms": ["RS256", "PS256", "ES256", "ES384", "EdDSA"],
        "grants": [{"scope": "items:read", "allow": ["GET /items"]}],
        "version": 1,
    })
}

pub(super) fn record(changes: Value) -> IssuerRecord {
    serde_json::from_value(with(item(), changes)).unwrap()
}

/// Everything a verification takes, to be changed one thing at a time.
pub(super) struct Trial<'t> {
    pub record: IssuerRecord,
    pub keys: KeySet,
    pub purpose: Purpose<'t>,
    pub result_ttl: u32,
    pub now: Timestamp,
}

impl Default for Trial<'_> {
    fn default() -> Self {
        Self {
            record: record(json!({})),
            keys: key_set(),
            purpose: Purpose::Caller,
            result_ttl: 0,
            now: Timestamp::from_secs(NOW),
        }
    }
}

impl Trial<'_> {
    pub(super) fn run(&self, token: &str) -> Result<VerifiedToken, Refusal> {
        Unverified::read(token)?.verify(
            ISSUER,
            &self.record,
            &self.keys,
            self.purpose,
            self.result_ttl,
            &Lifetimes::DEFAULT,
            self.now,
        )
    }

    pub(super) fn refusal(&self, token: &str) -> Option<Refusal> {
        self.run(token).err()
    }

    /// A good token but for its claims.
    pub(super) fn claims(&self, changes: Value) -> Result<VerifiedToken, Refusal> {
        self.run(&ES256.mint(header("ES256").to_string(), with(claims(), changes).to_string()))
    }
}

/// A token as a well-behaved issuer makes it.
pub(super) fn good() -> String {
    ES256.mint(header("ES256").to_string(), claims().to_string())
}

#[test]
fn a_good_token_of_every_algorithm_is_believed() {
    for (alg, signer) in signers() {
        let token = Trial::default().run(&signer.mint(header(alg).to_string(), claims().to_string())).unwrap();
        assert_eq!(
            (token.issuer.as_str(), token.subject.as_str(), token.scopes.as_str()),
            (ISSUER, "alice", "items:read")
        );
        assert_eq!(token.expires, Timestamp::from_secs(NOW + 3600));
        assert!(token.grants.allows("GET", "/items") && !token.grants.allows("GET", "/admin"));
    }
}

/// What the library alone says of a token, at its strictest: whatever is believed here must pass there.
pub(super) fn jsonwebtoken_believes(token: &str, alg: &str, signer: &Signer) -> bool {
    let mut validation = jsonwebtoken::Validation::new(alg.parse().unwrap());
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // It reads the clock; the time of these tests is fixed.
    validation.validate_exp = false;
    let jwk = serde_json::from_value(signer.jwk()).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
    jsonwebtoken::decode::<serde::de::IgnoredAny>(token, &key, &validation).is_ok()
}

#[test]
fn jsonwebtoken_agrees() {
    for (alg, signer) in signers() {
        let token = signer.mint(header(alg).to_string(), claims().to_string());
        assert!(Trial::default().run(&token).is_ok());
        assert!(jsonwebtoken_believes(&token, alg, signer), "{alg}");
        let forged = token.replacen('.', ".AAAA", 1);
        assert!(!jsonwebtoken_believes(&forged, alg, signer), "{alg}");
    }
}
