//! An OIDC issuer over plain HTTP: discovery, a key set, and tokens with any header and any claims.
//!
//! It mints what a test asks for, sound or not, and answers badly on command. Tokens are put
//! together by hand (RFC 7515 §5.1), so that no library forbids the broken ones.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};

use crate::fake::{Fake, serve};
use crate::http::{Answer, Request, Server};

mod keys;

pub use keys::{Algorithm, SigningKey};

/// How the issuer misbehaves, at both of its doors unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    Refuse,
    Hang,
    ServerError,
    /// 200, with a body that is not JSON.
    Garbage,
    /// 200, ten megabytes of well-formed JSON.
    Oversized,
    /// To the address where a cloud keeps its credentials.
    Redirect,
    /// 200 and the right body, a few bytes a second.
    Drip,
    /// The key set is `{"keys":[]}`.
    EmptySet,
    /// Another key under the `kid` of the first.
    DuplicateKid,
    /// Discovery speaks for another issuer.
    WrongIssuer,
}

impl Fault {
    /// The faults that leave an authorizer without any key set.
    pub const NO_KEYS: &[Self] = &[
        Self::Refuse,
        Self::Hang,
        Self::ServerError,
        Self::Garbage,
        Self::Oversized,
        Self::Redirect,
        Self::Drip,
        Self::EmptySet,
        Self::WrongIssuer,
    ];
}

pub struct Issuer {
    server: Server,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    fault: Mutex<Option<Fault>>,
    keys: Mutex<Vec<Value>>,
    requests: Mutex<Vec<String>>,
}

impl Issuer {
    /// An issuer that publishes these keys.
    pub async fn start(keys: &[&SigningKey]) -> Self {
        let state = Arc::<State>::default();
        let issuer = Self { server: serve(&state).await, state };
        issuer.publish(keys);
        issuer
    }

    /// Its `iss`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Replaces the key set.
    pub fn publish(&self, keys: &[&SigningKey]) {
        self.publish_set(keys.iter().map(|key| key.jwk()).collect());
    }

    /// Replaces the key set by these members, whatever they are.
    pub fn publish_set(&self, keys: Vec<Value>) {
        *self.state.keys.lock().unwrap() = keys;
    }

    pub async fn fail(&self, fault: Fault) {
        if fault == Fault::Refuse {
            self.server.refuse().await;
        } else {
            self.server.listen();
        }
        *self.state.fault.lock().unwrap() = Some(fault);
    }

    pub fn recover(&self) {
        *self.state.fault.lock().unwrap() = None;
        self.server.listen();
    }

    /// How many requests came for paths that end so: `jwks`, `openid-configuration`, or any with ``.
    pub fn count(&self, path_end: &str) -> usize {
        self.state.requests.lock().unwrap().iter().filter(|path| path.ends_with(path_end)).count()
    }

    /// Good claims for `audience`: valid for five minutes from now, with the scope `items:read`.
    pub fn claims(&self, audience: &str) -> Value {
        let now = now();
        json!({
            "iss": self.url(),
            "sub": "client-7",
            "aud": audience,
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "jti": "f3b1c9e2-7d5a-4a8e-9f30-000000000001",
            "scope": "items:read",
        })
    }

    /// The issuer's record for the key table: reads items with the scope `items:read`.
    pub fn record(&self, audience: &str) -> Value {
        json!({
            "pk": format!("issuer#{}", self.url()),
            "audiences": [audience],
            "algorithms": ["RS256", "ES256", "EdDSA"],
            "jwks_uri": format!("{}/jwks", self.url()),
            "token_types": ["at+jwt", "JWT"],
            "grants": [{ "scope": "items:read", "allow": ["GET /items", "GET /items/*"] }],
            "version": 1_763_800_000_000_u64,
        })
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs()
}

/// A token signed by `key`, with the header that its algorithm and `kid` call for.
pub fn token(key: &SigningKey, claims: &Value) -> String {
    token_with(key, &json!({ "typ": "at+jwt", "alg": key.algorithm().name(), "kid": key.kid() }), claims)
}

/// A token signed by `key`, under a header that may say anything.
pub fn token_with(key: &SigningKey, header: &Value, claims: &Value) -> String {
    let input = unsigned(header, claims);
    let signature = key.sign(input.as_bytes());
    format!("{input}.{}", BASE64URL.encode(signature))
}

/// Header and claims, encoded and joined: a token without its last part.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", BASE64URL.encode(header.to_string()), BASE64URL.encode(claims.to_string()))
}

impl Fake for State {
    async fn answer(&self, request: &Request) -> Answer {
        let path = request.target.split('?').next().unwrap_or_default();
        self.requests.lock().unwrap().push(path.to_owned());
        let fault = *self.fault.lock().unwrap();
        let issuer = format!("http://{}", request.header("host"));
        let document = match path {
            "/.well-known/openid-configuration" => discovery(&issuer, fault),
            "/jwks" => json!({ "keys": key_set(self, fault) }),
            _ => return Answer::status(404),
        };
        match fault {
            Some(Fault::Refuse | Fault::Hang) => Answer::Hang,
            Some(Fault::ServerError) => Answer::status(500),
            Some(Fault::Garbage) => {
                Answer::Reply { status: 200, headers: Vec::new(), body: "<html>hello</html>".into() }
            }
            Some(Fault::Oversized) => {
                // Put together as text: a serialiser would hold every other fake up for seconds.
                let members = document.to_string().split_off(1);
                let body = format!("{{\"padding\":\"{}\",{members}", "x".repeat(10_000_000));
                Answer::Reply { status: 200, headers: Vec::new(), body: body.into() }
            }
            Some(Fault::Redirect) => Answer::Reply {
                status: 302,
                headers: vec![("location", "http://169.254.169.254/latest/meta-data/".to_owned())],
                body: "".into(),
            },
            Some(Fault::Drip) => {
                Answer::Drip { body: document.to_string().into(), piece: 8, every: Duration::from_millis(250) }
            }
            _ => Answer::json(200, &document),
        }
    }
}

fn discovery(issuer: &str, fault: Option<Fault>) -> Value {
    let claimed = if fault == Some(Fault::WrongIssuer) { "http://issuer.invalid" } else { issuer };
    json!({
        "issuer": claimed,
        "jwks_uri": format!("{issuer}/jwks"),
        "token_endpoint": format!("{issuer}/token"),
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
    })
}

fn key_set(state: &State, fault: Option<Fault>) -> Vec<Value> {
    let keys = state.keys.lock().unwrap().clone();
    match fault {
        Some(Fault::EmptySet) => Vec::new(),
        Some(Fault::DuplicateKid) => {
            keys.iter().take(1).map(SigningKey::namesake_of).chain(keys.iter().cloned()).collect()
        }
        _ => keys,
    }
}
