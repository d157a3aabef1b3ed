//! A stand-in for the edge Worker: it knows callers by KV, signs what it forwards, bodies by their
//! digests, with the key that the deployed Worker version calls active, and proves possession when it
//! is asked with a signature. Where a forwarder serves the inside doors, it asks and logs through them.
//!
//! Nothing is remembered from one request to the next: what Cloudflare has deployed is in effect at
//! once. Shares no code with key-sync; what a WebCrypto would not import is no key here.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::Value;

use crate::cloudflare::Cloudflare;
use crate::deployment::key_hash;
use crate::events::WireRequest;
use crate::fake::{Door, Fake, serve};
use crate::gate::Gate;
use crate::http::{Answer, Request, Server};
use crate::signer::{Draft, EdgeKey};

mod doors;
pub mod keys;
mod origin;
mod probe;

use doors::Log;
use keys::Keys;
pub use origin::{Answered, Exchange, Origin};

pub type Send =
    dyn Fn(WireRequest) -> Pin<Box<dyn Future<Output = u16> + std::marker::Send>> + std::marker::Send + Sync;

/// The gateway that the edge signs for, where nobody asks for more than the status of an answer. An
/// [`Origin`] takes bodies and has doors.
#[derive(Clone)]
pub struct Gateway {
    /// Its host, which is the signed `@authority`.
    pub host: String,
    /// What stands before a client's path: the stage, as in `/prod`; or nothing.
    pub prefix: String,
    /// Sends one request and says with which status it was answered.
    pub send: Arc<Send>,
}

pub struct Edge {
    server: Server,
    inside: Arc<Inside>,
}

struct Inside {
    cloudflare: Arc<Cloudflare>,
    origin: Origin,
    log: Log,
    clock: fn() -> u64,
}

const PROBE: &str = "/.countersign/probe";
/// Headers of a client's request that go on to the gateway as they are.
const PASSED_ON: [&str; 3] = ["accept", "content-type", "traceparent"];

impl Edge {
    pub async fn start(cloudflare: Arc<Cloudflare>, before: impl Into<Origin>) -> Self {
        Self::start_at(cloudflare, before, system_clock).await
    }

    /// `clock` tells milliseconds since the Unix epoch: what is signed is dated by it, and the age of a
    /// probe's question is judged by it.
    pub async fn start_at(cloudflare: Arc<Cloudflare>, before: impl Into<Origin>, clock: fn() -> u64) -> Self {
        let inside = Arc::new(Inside { cloudflare, origin: before.into(), log: Log::default(), clock });
        Self { server: serve(&inside).await, inside }
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// `127.0.0.1:port`.
    pub fn authority(&self) -> String {
        self.server.authority()
    }

    /// Opens a further port, whose calls pass the gate, probes as `POST edge probe`.
    pub async fn with_gate(&self, gate: &Arc<Gate>) -> Door {
        Door::open(&self.inside, gate, Inside::name_of).await
    }

    /// Connections are refused until [`Edge::listen`].
    pub async fn refuse(&self) {
        self.server.refuse().await;
    }

    pub fn listen(&self) {
        self.server.listen();
    }

    /// Sends the log lines that have gathered through the inside door; `None`: there are none, or
    /// nothing to sign with.
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
        let name = if request.target == PROBE { "POST edge probe" } else { "a client's request" };
        name.to_owned()
    }

    /// A client's request, with the ray that the client is told and that goes into every log.
    async fn serve(&self, request: &Request) -> Answer {
        let ray = doors::ray();
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

fn system_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    u64::try_from(since.as_millis()).expect("a clock before the year 500000000")
}
