//! A stand-in for the edge Worker: it knows callers by KV, signs what it forwards, bodies by their
//! digests, with the key that the deployed Worker version calls active, and proves possession when it
//! is asked with a signature. Where a forwarder serves the inside doors, it asks and logs through them.
//!
//! Nothing is remembered from one request to the next: what Cloudflare has deployed is in effect at
//! once. Shares no code with key-sync; what a WebCrypto would not import is no key here.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::Value;

use super::{Answered, Origin, PROBE, name_of, ray};
use crate::cloudflare::Cloudflare;
use crate::deployment::key_hash;
use crate::fake::{Door, Fake, serve};
use crate::gate::Gate;
use crate::http::{Answer, Request, Server};
use crate::signer::{Draft, EdgeKey};

mod doors;
mod keys;
mod probe;

use doors::Log;
use keys::Keys;

pub struct StandIn {
    server: Server,
    inside: Arc<Inside>,
}

struct Inside {
    cloudflare: Arc<Cloudflare>,
    origin: Origin,
    log: Log,
    clock: fn() -> u64,
}

/// Headers of a client's request that go on to the gateway as they are.
const PASSED_ON: [&str; 3] = ["accept", "content-type", "traceparent"];

impl StandIn {
    pub async fn start(cloudflare: Arc<Cloudflare>, origin: Origin, clock: fn() -> u64) -> Self {
        let inside = Arc::new(Inside { cloudflare, origin, log: Log::default(), clock });
        Self { server: serve(&inside).await, inside }
    }

    pub fn authority(&self) -> String {
        self.server.authority()
    }

    pub async fn with_gate(&self, gate: &Arc<Gate>) -> Door {
        Door::open(&self.inside, gate, Inside::name_of).await
    }

    pub async fn send_logs(&self) -> Option<Answered> {
        self.inside.send_logs().await
    }
}

impl Fake for Inside {
    async fn answer(&self, request: &Request) -> Answer {
        match request.target.as_str() {
            PROBE if request.method == "POST" => self.prove(request).await,
            inside if inside.starts_with("/.countersign") => Answer::status(404),
            _ => self.serve(request).await,
        }
    }
}

impl Inside {
    fn name_of(&self, request: &Request) -> String {
        name_of(&request.target)
    }

    /// A client's request, with the ray that the client is told and that goes into every log.
    async fn serve(&self, request: &Request) -> Answer {
        let ray = ray();
        let answered = self.forward(request, &ray).await;
        self.log(request, &ray, answered.status);
        answered.with_ray(ray)
    }

    /// Who may not is told so here, the others by whoever stands behind.
    async fn forward(&self, request: &Request, ray: &str) -> Answered {
        let hash = key_hash(request.header("x-api-key"));
        let known = match self.published(&hash) {
            _ if request.header("x-api-key").is_empty() => return 401.into(),
            Some(record) => Some(record),
            None => match self.look_up(&hash).await {
                Ok(found) => found,
                Err(status) => return status.into(),
            },
        };
        let Some(record) = known else { return 401.into() };
        if !is_active(&record, (self.clock)() / 1000) {
            return 403.into();
        }
        let keys = Keys::of(&self.cloudflare.deployed());
        let Some(active) = keys.active() else { return 503.into() };
        let target = format!("{}{}", self.origin.prefix, request.target);
        let mut draft = self.draft(active, &request.method, &target, ray, &request.body).key_hash(&hash);
        for name in PASSED_ON.into_iter().filter(|name| request.headers.contains_key(*name)) {
            draft = draft.header(name, request.header(name));
        }
        (self.origin.exchange)(draft.sign(), request.body.clone()).await
    }

    /// What KV says about a key.
    fn published(&self, hash: &str) -> Option<Value> {
        let stored = self.cloudflare.kv(&format!("key:{hash}"))?;
        Some(serde_json::from_str(&stored.value).expect("what is published is JSON"))
    }

    fn draft<'k>(&self, key: &'k EdgeKey, method: &str, target: &str, ray: &str, body: &[u8]) -> Draft<'k> {
        let created = (self.clock)() / 1000;
        let client = format!(r#"ip="203.0.113.7", ray="{ray}", country="GB", host="api.example.com""#);
        let draft = Draft::new(key, method, &self.origin.host, target)
            .without_header("Edge-Client")
            .header("Edge-Client", &client)
            .header("Cf-Ray", ray)
            .parameter("created", created.to_string())
            .parameter("expires", (created + 60).to_string());
        if body.is_empty() { draft } else { draft.header("Content-Digest", &content_digest(body)) }
    }
}

/// As the published record has it: a suspension may end by itself, and so may the key. `now` is in
/// seconds, as the record's times are.
fn is_active(record: &Value, now: u64) -> bool {
    let expired = record["expires_at"].as_u64().is_some_and(|at| at <= now);
    let suspension_over = record["until"].as_u64().is_some_and(|until| until <= now);
    match record["status"].as_str() {
        Some("active") => !expired,
        Some("suspended") => !expired && suspension_over,
        _ => false,
    }
}

/// As RFC 9530 writes it.
fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64.encode(digest(&SHA256, body)))
}
