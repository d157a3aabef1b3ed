//! A token in the making, with what its issuer has said and published.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use countersign_tests::issuer::{Algorithm, SigningKey};
use serde_json::{Value, json};

use super::super::case::NOW;
use super::super::keys;

pub const ISSUER: &str = "https://login.example/";
pub const KEY_SET: &str = "https://login.example/keys";
pub const AUDIENCE: &str = "https://api.example.com";

pub struct Token {
    key: &'static SigningKey,
    pub scheme: &'static str,
    pub header: Value,
    pub claims: Value,
    /// Instead of what the claims are as JSON.
    pub payload: Option<String>,
    pub forged: bool,
    /// `None`: nobody knows the issuer.
    pub record: Option<Value>,
    /// Its key set.
    pub published: Vec<Value>,
}

impl Token {
    pub fn good(algorithm: Algorithm) -> Self {
        let key = keys::issuing(algorithm);
        Self {
            key,
            scheme: "Bearer ",
            header: json!({ "alg": algorithm.name(), "kid": key.kid(), "typ": "at+jwt" }),
            claims: json!({ "iss": ISSUER, "sub": "client-7", "aud": AUDIENCE, "iat": NOW, "exp": NOW + 300 }),
            payload: None,
            forged: false,
            record: Some(json!({
                "pk": format!("issuer#{ISSUER}"),
                "audiences": [AUDIENCE],
                "algorithms": ["RS256", "PS256", "ES256", "EdDSA"],
                "jwks_uri": KEY_SET,
                "token_types": ["at+jwt", "JWT"],
                "grants": [{ "any": true, "allow": ["GET /items", "CONNECT /"] }],
                "version": 1_763_800_000_000_u64,
            })),
            published: [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa].map(jwk).into(),
        }
    }

    /// `Authorization` with this token. `before` is what it was in the file, and stays if it is one still: some
    /// signatures draw a random number, and files should change only where something changed.
    pub fn authorization(&self, before: Option<&str>) -> String {
        let payload = self.payload.clone().unwrap_or_else(|| self.claims.to_string());
        let input = format!("{}.{}", BASE64URL.encode(self.header.to_string()), BASE64URL.encode(payload));
        let unsigned = format!("{}{input}.", self.scheme);
        let holds = |signature: &&str| {
            let signature = BASE64URL.decode(signature).unwrap_or_default();
            self.key.verifies(input.as_bytes(), &signature)
        };
        match before.and_then(|line| line.strip_prefix(&unsigned)).filter(holds) {
            Some(signature) => unsigned + signature,
            None => unsigned + &BASE64URL.encode(self.sign(&input)),
        }
    }

    fn sign(&self, input: &str) -> Vec<u8> {
        let signed = if self.forged { format!("{input}A") } else { input.to_owned() };
        self.key.sign(signed.as_bytes())
    }
}

/// A public key of the issuer, for every algorithm that its type allows.
pub fn jwk(algorithm: Algorithm) -> Value {
    let mut jwk = keys::issuing(algorithm).jwk();
    jwk.as_object_mut().unwrap().remove("alg");
    jwk
}

/// An object with other members; `null` takes one away.
pub fn changed(mut object: Value, changes: Value) -> Value {
    merge(&mut object, changes);
    object
}

pub fn merge(into: &mut Value, changes: Value) {
    let Value::Object(changes) = changes else { panic!("{changes} is no object") };
    let into = into.as_object_mut().unwrap();
    into.extend(changes);
    into.retain(|_, value| !value.is_null());
}
