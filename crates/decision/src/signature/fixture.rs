//! Requests as the edge signs them, for tests: every part can be spoilt, before signing or after.
//!
//! The signature base is put together here as plain text, apart from `base`: the two check each other.

#![allow(clippy::unwrap_used)]

use std::borrow::Cow;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{Algorithm, EdgeKey, Tag, read, verify};
use crate::decision::Refusal;
use crate::lifetimes::Lifetimes;
use crate::request::Headers;
use crate::time::Timestamp;

/// Seconds since the Unix epoch, when every draft is signed and judged.
pub const NOW: u64 = 1_800_000_000;
pub const KEYID: &str = "5c1f9a04-7b1e-4f0a-9c51-2f6a3c8e0d11";
pub const NONCE: &str = "c2lnbmVkLWJ5LXRoZS1lZGdl";

/// Both halves of a key.
pub struct Edge {
    pub key: EdgeKey,
    secret: Secret,
}

enum Secret {
    Hmac(Box<hmac::Key>),
    Ed25519(Ed25519KeyPair),
    EcdsaP256(EcdsaKeyPair),
}

impl Edge {
    pub fn new(algorithm: Algorithm) -> Self {
        let (secret, key) = match algorithm {
            Algorithm::HmacSha256 => {
                let key = EdgeKey::hmac(KEYID, &[0x5a; 32]);
                (Secret::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, &[0x5a; 32]))), key)
            }
            Algorithm::Ed25519 => {
                let pair = Ed25519KeyPair::from_seed_unchecked(&[0x5a; 32]).unwrap();
                let key = EdgeKey::public(KEYID, algorithm, pair.public_key().as_der().unwrap().as_ref());
                (Secret::Ed25519(pair), key)
            }
            Algorithm::EcdsaP256Sha256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
                let key = EdgeKey::public(KEYID, algorithm, pair.public_key().as_der().unwrap().as_ref());
                (Secret::EcdsaP256(pair), key)
            }
        };
        Self { key: key.unwrap(), secret }
    }

    pub fn hmac() -> Self {
        Self::new(Algorithm::HmacSha256)
    }

    pub fn sign(&self, base: &str) -> Vec<u8> {
        let base = base.as_bytes();
        match &self.secret {
            Secret::Hmac(key) => hmac::sign(key, base).as_ref().to_vec(),
            Secret::Ed25519(pair) => pair.sign(base).as_ref().to_vec(),
            Secret::EcdsaP256(pair) => pair.sign(&SystemRandom::new(), base).unwrap().as_ref().to_vec(),
        }
    }
}

/// A request about to be signed. `covered` holds names; `parameters` serialised values.
#[derive(Clone)]
pub struct Draft {
    pub method: String,
    pub authority: String,
    pub lines: Vec<(String, String)>,
    pub label: String,
    pub covered: Vec<String>,
    pub parameters: Vec<(String, String)>,
}

impl Draft {
    /// A request that the profile accepts for one minute.
    pub fn new(edge: &Edge) -> Self {
        let client = r#"ip="203.0.113.7", ray="8f2c1d3e4b5a6978-LHR", country="GB", host="api.example.com""#;
        let draft = Self {
            method: "POST".to_owned(),
            authority: "abc123.execute-api.eu-west-1.amazonaws.com".to_owned(),
            lines: Vec::new(),
            label: "edge".to_owned(),
            covered: ["@method", "@authority"].map(str::to_owned).into(),
            parameters: Vec::new(),
        };
        draft
            .line("Accept", "application/json")
            .line("User-Agent", "curl/8.9.1")
            .signed_line("Edge-Target", "/prod/v1/items?x=1")
            .signed_line("Edge-Client", client)
            .parameter("created", NOW)
            .parameter("expires", NOW + 60)
            .parameter("keyid", format!("{KEYID:?}"))
            .parameter("alg", format!("{:?}", edge.key.algorithm().as_str()))
            .parameter("nonce", format!("{NONCE:?}"))
            .parameter("tag", "\"countersign\"")
    }

    /// Adds a header line.
    pub fn line(mut self, name: &str, value: &str) -> Self {
        self.lines.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a header line and covers it.
    pub fn signed_line(mut self, name: &str, value: &str) -> Self {
        self.covered.push(name.to_ascii_lowercase());
        self.line(name, value)
    }

    /// Takes a header away; what covers it stays.
    pub fn without_line(mut self, name: &str) -> Self {
        self.lines.retain(|(sent, _)| !sent.eq_ignore_ascii_case(name));
        self
    }

    /// Covers one thing less.
    pub fn not_covering(mut self, name: &str) -> Self {
        self.covered.retain(|covered| covered != name);
        self
    }

    /// Covers one thing more, or one a second time.
    pub fn covering(mut self, name: &str) -> Self {
        self.covered.push(name.to_owned());
        self
    }

    /// Sets a parameter where it stands, else at the end.
    pub fn parameter(mut self, name: &str, value: impl ToString) -> Self {
        match self.parameters.iter_mut().find(|(own, _)| own == name) {
            Some(own) => own.1 = value.to_string(),
            None => self.parameters.push((name.to_owned(), value.to_string())),
        }
        self
    }

    pub fn without_parameter(mut self, name: &str) -> Self {
        self.parameters.retain(|(own, _)| own != name);
        self
    }

    /// The inner list with its parameters, as it is signed and sent.
    pub fn params(&self) -> String {
        let covered: Vec<_> = self.covered.iter().map(|name| format!("{name:?}")).collect();
        let parameters: String = self.parameters.iter().map(|(name, value)| format!(";{name}={value}")).collect();
        format!("({}){parameters}", covered.join(" "))
    }

    pub fn base(&self) -> String {
        let value = |name: &str| match name {
            "@method" => self.method.clone(),
            "@authority" => self.authority.to_ascii_lowercase(),
            field => {
                let lines = self.lines.iter().filter(|(sent, _)| sent.eq_ignore_ascii_case(field));
                lines.map(|(_, value)| value.trim()).collect::<Vec<_>>().join(", ")
            }
        };
        let lines: String = self.covered.iter().map(|name| format!("{name:?}: {}\n", value(name))).collect();
        format!("{lines}\"@signature-params\": {}", self.params())
    }

    pub fn sign(&self, edge: &Edge) -> Signed {
        self.sign_as(&edge.sign(&self.base()))
    }

    /// The request with these bytes for a signature.
    pub fn sign_as(&self, signature: &[u8]) -> Signed {
        let input = format!("{}={}", self.label, self.params());
        let signature = format!("{}=:{}:", self.label, BASE64_STANDARD.encode(signature));
        let lines = self.clone().line("Signature-Input", &input).line("Signature", &signature).lines;
        Signed { method: self.method.clone(), authority: self.authority.clone(), lines }
    }
}

/// A request as it arrives.
#[derive(Clone)]
pub struct Signed {
    pub method: String,
    pub authority: String,
    pub lines: Vec<(String, String)>,
}

impl Signed {
    /// Puts another value in the place of a header's.
    pub fn with_line(mut self, name: &str, value: &str) -> Self {
        self.lines.iter_mut().find(|(sent, _)| sent.eq_ignore_ascii_case(name)).unwrap().1 = value.to_owned();
        self
    }

    pub fn line(&self, name: &str) -> &str {
        &self.lines.iter().find(|(sent, _)| sent.eq_ignore_ascii_case(name)).unwrap().1
    }

    pub fn headers(&self) -> Headers<'_> {
        let lines = self.lines.iter().map(|(name, value)| (Cow::from(name.as_str()), Cow::from(value.as_str())));
        Headers::new(lines.collect())
    }

    /// The three steps as the decision takes them, with a nonce required.
    pub fn judge(&self, key: &EdgeKey) -> Result<Tag, Refusal> {
        self.judge_at(key, Timestamp::from_secs(NOW))
    }

    pub fn judge_at(&self, key: &EdgeKey, now: Timestamp) -> Result<Tag, Refusal> {
        let headers = self.headers();
        let claim = read(&headers)?.ok_or(Refusal::EdgeProofMissing)?;
        claim.check(&headers, true, &Lifetimes::DEFAULT, now)?;
        verify(&claim, key, &self.method, &self.authority, &headers)?;
        Ok(claim.tag)
    }
}
