//! One vector in the making: a request that the edge signs, and what becomes of it on its way.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use countersign_tests::deployment::{READER, key_hash};
use countersign_tests::events::{Api, Kind, WireRequest};
use countersign_tests::signer::{Draft, EdgeKey, quoted};
use serde_json::{Value, json};

/// Seconds since the epoch: 2026-11-22 10:00 UTC, the moment of every decision.
pub const NOW: u64 = 1_795_341_600;

pub struct Case {
    pub name: String,
    pub key: &'static EdgeKey,
    pub draft: Draft<'static>,
    kind: Kind,
    /// The stage that the edge signs for, and the `PATH_MAP` of its authorizer.
    api: Api,
    path_map: &'static str,
    /// Where the request went after all.
    arrives: Option<(Api, String)>,
    /// What happened to it after it was signed.
    on_the_way: fn(WireRequest) -> WireRequest,
    variables: Vec<(&'static str, &'static str)>,
    claimed_nonces: Vec<String>,
    code: &'static str,
}

impl Case {
    /// A request that [`READER`] may make, signed at [`NOW`] for one minute, without a nonce.
    pub fn new(name: &str, key: &'static EdgeKey, kind: Kind, api: Api, method: &str, resource: &str) -> Self {
        let draft = Draft::new(key, method, &api.domain, &api.target(resource))
            .parameter("created", NOW.to_string())
            .parameter("expires", (NOW + 60).to_string())
            .without_parameter("nonce")
            .key_hash(&key_hash(READER));
        Self {
            name: name.to_owned(),
            key,
            draft,
            kind,
            api,
            path_map: "",
            arrives: None,
            on_the_way: |request| request,
            variables: Vec::new(),
            claimed_nonces: Vec::new(),
            code: "allow",
        }
    }

    pub fn path_map(mut self, path_map: &'static str) -> Self {
        self.path_map = path_map;
        self
    }

    pub fn variable(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    /// Changes what is signed.
    pub fn signs(mut self, change: impl FnOnce(Draft<'static>) -> Draft<'static>) -> Self {
        self.draft = change(self.draft);
        self
    }

    pub fn nonce(self, nonce: &str) -> Self {
        self.signs(|draft| draft.parameter("nonce", quoted(nonce)))
    }

    pub fn claimed(mut self, pk: &str) -> Self {
        self.claimed_nonces.push(pk.to_owned());
        self
    }

    /// The signed request is sent to another stage or another resource.
    pub fn arrives_at(mut self, api: Api, resource: &str) -> Self {
        let target = api.target(resource);
        self.arrives = Some((api, target));
        self
    }

    pub fn on_the_way(mut self, change: fn(WireRequest) -> WireRequest) -> Self {
        self.on_the_way = change;
        self
    }

    pub const fn is(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    /// The vector. `stored` may know a signature over the same base.
    pub fn vector(&self, stored: impl FnOnce(&Self) -> Option<String>) -> Value {
        let base = self.draft.base();
        let signature = stored(self).unwrap_or_else(|| BASE64.encode(self.key.sign(base.as_bytes())));
        let params = self.draft.signature_params();
        let label = &self.draft.label;
        let signed = self
            .draft
            .unsigned()
            .with_header("Signature-Input", &format!("{label}={params}"))
            .with_header("Signature", &format!("{label}=:{signature}:"));
        let request = (self.on_the_way)(signed);
        let (api, target) = self.arrives.clone().unwrap_or_else(|| (self.api.clone(), request.target.clone()));
        let seen = WireRequest { authority: api.domain.clone(), target, ..request.clone() };
        let is_signed = request.header("signature").is_some();
        json!({
            "name": self.name,
            "key": self.key.keyid(),
            "environment": self.environment(),
            "worker_url": format!("https://{}{}", request.authority, request.target),
            "method": request.method,
            "headers": request.headers,
            "event": api.event(self.kind, &seen),
            "now": NOW,
            "claimed_nonces": self.claimed_nonces,
            "expected": {
                "base": is_signed.then_some(base),
                "signature_params": is_signed.then_some(params),
                "signature": is_signed.then_some(signature),
                "code": self.code,
            },
        })
    }

    fn environment(&self) -> Value {
        let mut environment = json!({
            "APIS": format!("{}/{}", self.api.id, self.api.stage),
            "AUTHORITIES": self.api.domain,
            "SIGNING_ALGORITHM": self.key.algorithm(),
        });
        if !self.path_map.is_empty() {
            environment["PATH_MAP"] = json!(self.path_map);
        }
        for (name, value) in &self.variables {
            environment[*name] = json!(value);
        }
        environment
    }
}
