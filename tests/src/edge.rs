//! A stand-in for the edge Worker: it knows callers by KV, signs what it forwards with the key that
//! the deployed Worker version calls active, and proves possession when it is asked with a signature.
//!
//! Nothing is remembered from one request to the next: what Cloudflare has deployed is in effect at
//! once. Shares no code with key-sync; what a WebCrypto would not import is no key here.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::cloudflare::Cloudflare;
use crate::deployment::key_hash;
use crate::events::WireRequest;
use crate::gate::Gate;
use crate::http::{Answer, Request, Server};
use crate::signer::{Draft, EdgeKey};

pub mod keys;
mod probe;

use keys::Keys;

pub type Send =
    dyn Fn(WireRequest) -> Pin<Box<dyn Future<Output = u16> + std::marker::Send>> + std::marker::Send + Sync;

/// The gateway that the edge signs for.
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

/// A second port, for one client whose calls pass a gate as `POST edge probe`.
pub struct Door(Server);

impl Door {
    pub fn url(&self) -> String {
        self.0.url()
    }
}

struct Inside {
    cloudflare: Arc<Cloudflare>,
    gateway: Gateway,
    clock: fn() -> u64,
}

const PROBE: &str = "/.countersign/probe";

impl Edge {
    pub async fn start(cloudflare: Arc<Cloudflare>, gateway: Gateway) -> Self {
        Self::start_at(cloudflare, gateway, system_clock).await
    }

    /// `clock` tells milliseconds since the Unix epoch: what is signed is dated by it, and the age of a
    /// probe's question is judged by it.
    pub async fn start_at(cloudflare: Arc<Cloudflare>, gateway: Gateway, clock: fn() -> u64) -> Self {
        let inside = Arc::new(Inside { cloudflare, gateway, clock });
        let shared = inside.clone();
        let server = Server::start(move |request| {
            let inside = shared.clone();
            async move { inside.answer(&request).await }
        });
        Self { server: server.await, inside }
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// `127.0.0.1:port`.
    pub fn authority(&self) -> String {
        self.server.authority()
    }

    /// Opens a further port, whose calls pass the gate.
    pub async fn with_gate(&self, gate: &Arc<Gate>) -> Door {
        let (inside, gate) = (self.inside.clone(), gate.clone());
        let server = Server::start(move |request| {
            let (inside, gate) = (inside.clone(), gate.clone());
            let call = if request.target == PROBE { "POST edge probe" } else { "a client's request" };
            async move { gate.pass(call, inside.answer(&request)).await }
        });
        Door(server.await)
    }

    /// Connections are refused until [`Edge::listen`].
    pub async fn refuse(&self) {
        self.server.refuse().await;
    }

    pub fn listen(&self) {
        self.server.listen();
    }
}

impl Inside {
    async fn answer(&self, request: &Request) -> Answer {
        match request.target.as_str() {
            PROBE if request.method == "POST" => self.prove(request).await,
            inside if inside.starts_with("/.countersign") => Answer::status(404),
            _ => Answer::status(self.serve(request).await),
        }
    }

    /// A client's request: who may not is told so here, the others by the gateway.
    async fn serve(&self, request: &Request) -> u16 {
        let raw_key = request.header("x-api-key");
        let hash = key_hash(raw_key);
        let Some(stored) = self.cloudflare.kv(&format!("key:{hash}")).filter(|_| !raw_key.is_empty()) else {
            return 401;
        };
        let record: Value = serde_json::from_str(&stored.value).expect("what is published is JSON");
        if !is_active(&record, (self.clock)() / 1000) {
            return 403;
        }
        let keys = Keys::of(&self.cloudflare.deployed());
        let Some(active) = keys.active() else { return 503 };
        let target = format!("{}{}", self.gateway.prefix, request.target);
        let draft = self.draft(active, &request.method, &target).key_hash(&hash);
        (self.gateway.send)(draft.sign()).await
    }

    /// The Worker's own request to the gateway's probe, signed with the key in question.
    async fn gateway_probe(&self, key: &EdgeKey) -> u16 {
        let target = format!("{}{PROBE}", self.gateway.prefix);
        let draft = self.draft(key, "GET", &target).parameter("tag", "\"countersign-inside\"");
        (self.gateway.send)(draft.sign()).await
    }

    fn draft<'k>(&self, key: &'k EdgeKey, method: &str, target: &str) -> Draft<'k> {
        let created = (self.clock)() / 1000;
        Draft::new(key, method, &self.gateway.host, target)
            .parameter("created", created.to_string())
            .parameter("expires", (created + 60).to_string())
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

fn system_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    u64::try_from(since.as_millis()).expect("a clock before the year 500000000")
}
