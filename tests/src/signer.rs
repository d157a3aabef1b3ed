//! Signs requests as the edge does: RFC 9421 in the profile `countersign`, written a second time.
//!
//! Nothing here comes from the crate under test. Structured fields are put together as text
//! (RFC 8941 §4.1), so that every part of a request can be wrong in a way no serialiser allows.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD as BASE64, BASE64_URL_SAFE_NO_PAD as BASE64URL};
use serde_json::{Value, json};

use crate::events::WireRequest;
use crate::issuer::now;

/// A key of the edge, both halves of it.
pub struct EdgeKey {
    keyid: String,
    secret: Secret,
}

enum Secret {
    Hmac(Vec<u8>),
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

impl EdgeKey {
    pub fn hmac(keyid: &str, key: &[u8]) -> Self {
        Self { keyid: keyid.to_owned(), secret: Secret::Hmac(key.to_vec()) }
    }

    /// An HMAC key of 32 random bytes.
    pub fn random(keyid: &str) -> Self {
        Self::hmac(keyid, &random::<32>())
    }

    /// An Ed25519 key from its seed, or a fresh one.
    pub fn ed25519(keyid: &str, pkcs8: Option<&[u8]>) -> Self {
        let pair = match pkcs8 {
            Some(pkcs8) => Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).expect("an Ed25519 key in PKCS#8"),
            None => Ed25519KeyPair::generate().expect("an Ed25519 key"),
        };
        Self { keyid: keyid.to_owned(), secret: Secret::Ed25519(pair) }
    }

    /// A P-256 key from PKCS#8, or a fresh one.
    pub fn p256(keyid: &str, pkcs8: Option<&[u8]>) -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = match pkcs8 {
            Some(pkcs8) => EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).expect("a P-256 key in PKCS#8"),
            None => EcdsaKeyPair::generate(algorithm).expect("a P-256 key"),
        };
        Self { keyid: keyid.to_owned(), secret: Secret::P256(pair) }
    }

    pub fn keyid(&self) -> &str {
        &self.keyid
    }

    /// As RFC 9421 §6.2 registers it.
    pub const fn algorithm(&self) -> &'static str {
        match self.secret {
            Secret::Hmac(_) => "hmac-sha256",
            Secret::Ed25519(_) => "ed25519",
            Secret::P256(_) => "ecdsa-p256-sha256",
        }
    }

    /// The signature over a base: for ecdsa-p256-sha256 `r‖s`, 64 bytes.
    pub fn sign(&self, base: &[u8]) -> Vec<u8> {
        match &self.secret {
            Secret::Hmac(key) => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), base).as_ref().to_vec(),
            Secret::Ed25519(pair) => pair.sign(base).as_ref().to_vec(),
            Secret::P256(pair) => pair.sign(&SystemRandom::new(), base).expect("a signature").as_ref().to_vec(),
        }
    }

    /// What the signing secret holds for this key.
    pub fn secret_value(&self) -> String {
        let key = match &self.secret {
            Secret::Hmac(key) => BASE64URL.encode(key),
            Secret::Ed25519(pair) => BASE64URL.encode(pair.to_pkcs8().expect("PKCS#8")),
            Secret::P256(pair) => BASE64URL.encode(pair.to_pkcs8v1().expect("PKCS#8")),
        };
        json!({ "alg": self.algorithm(), "key": key }).to_string()
    }

    /// The public half as the key table holds it; `None` for HMAC, which has none.
    pub fn record(&self) -> Option<Value> {
        let spki = match &self.secret {
            Secret::Hmac(_) => return None,
            Secret::Ed25519(pair) => pair.public_key().as_der().expect("SPKI").as_ref().to_vec(),
            Secret::P256(pair) => pair.public_key().as_der().expect("SPKI").as_ref().to_vec(),
        };
        let pk = format!("edgekey#{}", self.keyid);
        Some(json!({ "pk": pk, "alg": self.algorithm(), "public_key": BASE64URL.encode(spki) }))
    }
}

/// A request that is about to be signed. Every part may be changed first.
#[derive(Clone)]
pub struct Draft<'k> {
    key: &'k EdgeKey,
    pub method: String,
    pub authority: String,
    /// Path and query of the outgoing URL.
    pub target: String,
    /// Every header but `Host`, `Signature-Input` and `Signature`.
    pub headers: Vec<(String, String)>,
    pub label: String,
    /// Names and serialised values, in order.
    pub parameters: Vec<(String, String)>,
    /// Component identifiers in order; where `None`, what the profile asks for.
    pub covered: Option<Vec<String>>,
}

impl<'k> Draft<'k> {
    /// A request that the profile accepts, signed now for one minute, with a fresh nonce.
    pub fn new(key: &'k EdgeKey, method: &str, authority: &str, target: &str) -> Self {
        let created = now();
        let parameters = [
            ("created", created.to_string()),
            ("expires", (created + 60).to_string()),
            ("keyid", quoted(&key.keyid)),
            ("alg", quoted(key.algorithm())),
            ("nonce", quoted(&nonce())),
            ("tag", quoted("countersign")),
        ];
        let client = r#"ip="203.0.113.7", ray="8f2c1d3e4b5a6978-LHR", country="GB", host="api.example.com""#;
        Self {
            key,
            method: method.to_owned(),
            authority: authority.to_owned(),
            target: target.to_owned(),
            headers: vec![("Edge-Target".to_owned(), target.to_owned()), ("Edge-Client".to_owned(), client.to_owned())],
            label: "edge".to_owned(),
            parameters: parameters.map(|(name, value)| (name.to_owned(), value)).into(),
            covered: None,
        }
    }

    /// Adds one more header line.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Takes away every line of a header.
    #[must_use]
    pub fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(sent, _)| !sent.eq_ignore_ascii_case(name));
        self
    }

    /// Names the API key that the caller used at the edge, by its hash.
    #[must_use]
    pub fn key_hash(self, hash: &str) -> Self {
        self.header("Edge-Key", hash)
    }

    /// Passes the caller's token on.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    /// Sets a parameter to a value already serialised, where it stands or at the end.
    #[must_use]
    pub fn parameter(mut self, name: &str, value: impl Into<String>) -> Self {
        let value = value.into();
        match self.parameters.iter_mut().find(|(own, _)| own == name) {
            Some(own) => own.1 = value,
            None => self.parameters.push((name.to_owned(), value)),
        }
        self
    }

    #[must_use]
    pub fn without_parameter(mut self, name: &str) -> Self {
        self.parameters.retain(|(own, _)| own != name);
        self
    }

    #[must_use]
    pub fn covering(mut self, components: &[&str]) -> Self {
        self.covered = Some(components.iter().map(|&component| component.to_owned()).collect());
        self
    }

    /// The value of the signature's member in `Signature-Input`: an inner list with parameters.
    pub fn signature_params(&self) -> String {
        let list: Vec<_> = self.components().iter().map(|component| quoted(component)).collect();
        let parameters = self.parameters.iter().map(|(name, value)| format!(";{name}={value}"));
        format!("({}){}", list.join(" "), parameters.collect::<String>())
    }

    /// The signature base (RFC 9421 §2.5).
    pub fn base(&self) -> String {
        let mut base = String::new();
        for component in self.components() {
            let value = match component.as_str() {
                "@method" => self.method.clone(),
                "@authority" => self.authority.to_ascii_lowercase(),
                field => self.field(field),
            };
            base += &format!("{}: {value}\n", quoted(&component));
        }
        base + "\"@signature-params\": " + &self.signature_params()
    }

    /// The request as the edge sends it, signed with the draft's own key.
    pub fn sign(&self) -> WireRequest {
        self.sign_with(self.key)
    }

    /// The same claims, signed with another key: a forgery, if it is not the one named.
    pub fn sign_with(&self, key: &EdgeKey) -> WireRequest {
        let signature = BASE64.encode(key.sign(self.base().as_bytes()));
        let input = format!("{}={}", self.label, self.signature_params());
        self.unsigned()
            .with_header("Signature-Input", &input)
            .with_header("Signature", &format!("{}=:{signature}:", self.label))
    }

    /// The request without a signature.
    pub fn unsigned(&self) -> WireRequest {
        let mut request = WireRequest::new(&self.method, &self.authority, &self.target);
        request.headers.extend(self.headers.iter().cloned());
        request
    }

    fn components(&self) -> Vec<String> {
        self.covered.clone().unwrap_or_else(|| {
            let optional = self.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).filter(|name| {
                matches!(name.as_str(), "authorization" | "content-digest")
                    || name.starts_with("edge-") && name != "edge-target" && name != "edge-client"
            });
            let required = ["@method", "@authority", "edge-target", "edge-client"].map(str::to_owned);
            required.into_iter().chain(optional).collect()
        })
    }

    fn field(&self, name: &str) -> String {
        let lines = self.headers.iter().filter(|(sent, _)| sent.eq_ignore_ascii_case(name));
        lines.map(|(_, value)| value.trim()).collect::<Vec<_>>().join(", ")
    }
}

/// A string as structured fields write it (RFC 8941 §4.1.6).
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A nonce that nobody has used: 22 letters of base64url.
pub fn nonce() -> String {
    BASE64URL.encode(random::<16>())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("random bytes");
    bytes
}
