//! One world: key table, signing secret, Cloudflare, the edge, the gateway with its authorizers, and
//! key-sync between them, in this process. Each run of key-sync is a new one that remembers nothing.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use countersign_decision::lifetimes::Lifetimes;
use countersign_key_sync::handler::Done;
use countersign_key_sync::start::KeySync;
use countersign_tests::aws::dynamodb::Table;
use countersign_tests::client;
use countersign_tests::cloudflare::{Binding, Cloudflare};
use countersign_tests::deployment::{READER, key_hash, key_record};
use countersign_tests::edge::{Edge, Gateway};
use countersign_tests::events::Api;
use countersign_tests::fake::Door;
use countersign_tests::gate::{Gate, When};
use countersign_tests::key_sync::{self, Aws};
use countersign_tests::rotation;
use countersign_tests::signer::EdgeKey;
use serde_json::{Value, json};

use super::acceptors::Acceptors;
use super::clock;
use super::secrets::{Secrets, first_key};

pub use countersign_tests::rotation::STEPS;

pub const API_TOKEN: &str = "cf-api-token-canary-0123456789abcdef";
const LIFETIMES: Lifetimes = Lifetimes::DEFAULT;

/// Longer than a dead run keeps what it holds.
pub const LEASE: Duration = LIFETIMES.lease.saturating_add(Duration::from_secs(1));

pub struct World {
    pub algorithm: &'static str,
    pub table: Arc<Table>,
    pub secrets: Secrets,
    pub cloudflare: Arc<Cloudflare>,
    pub gate: Arc<Gate>,
    pub acceptors: Arc<Acceptors>,
    /// Where key-sync is told that everything is.
    pub urls: Urls,
    edge: Edge,
    _doors: [Door; 3],
    /// Every log line, answer and error of key-sync.
    pub said: RefCell<Vec<String>>,
    /// What was done, for whoever has to understand a failure.
    trace: RefCell<Vec<String>>,
}

pub struct Urls {
    pub dynamodb: String,
    pub secrets_manager: String,
    pub lambda: String,
    pub cloudflare: String,
    pub edge: String,
}

/// What came of one request of a client.
pub struct Served {
    /// The key that the edge signed with, if it had one, and whether it carries a label.
    pub keyid: Option<String>,
    pub labelled: bool,
    pub status: u16,
}

impl World {
    /// The first key is on the edge, which is the stand-in.
    pub async fn start(algorithm: &'static str) -> Self {
        Self::before(algorithm, async |cloudflare, gateway| {
            Edge::stand_in(cloudflare, gateway, clock::now_millis).await
        })
        .await
    }

    /// The same with the edge Worker, where there is one to run.
    pub async fn with_worker(algorithm: &'static str) -> Self {
        Self::before(algorithm, async |cloudflare, gateway| {
            Edge::start_at(cloudflare, gateway, clock::now_millis).await
        })
        .await
    }

    async fn before(algorithm: &'static str, edge: impl AsyncFnOnce(Arc<Cloudflare>, Gateway) -> Edge) -> Self {
        let gate = Gate::new();
        let table = Arc::new(Table::start("countersign-keys").await);
        table.put(&key_record(READER));
        let first = first_key(algorithm);
        let secrets = Secrets::start(&first.secret_value(), API_TOKEN, &gate).await;
        has_been_there_for_long(&first, &secrets, &table).await;
        let cloudflare = Arc::new(key_sync::cloudflare(API_TOKEN).await);
        publish(&cloudflare);
        let acceptors = acceptors(algorithm, &table, &secrets).await;
        let edge = edge(cloudflare.clone(), gateway(&acceptors)).await;
        let doors =
            [table.service.with_gate(&gate).await, cloudflare.with_gate(&gate).await, edge.with_gate(&gate).await];
        let urls = Urls {
            dynamodb: doors[0].url(),
            secrets_manager: secrets.gated_url.clone(),
            lambda: String::new(),
            cloudflare: doors[1].url(),
            edge: doors[2].url(),
        };
        let world = Self {
            algorithm,
            table,
            secrets,
            cloudflare,
            gate,
            acceptors,
            urls,
            edge,
            _doors: doors,
            said: RefCell::default(),
            trace: RefCell::default(),
        };
        world.job("bootstrap").await.unwrap_or_else(|error| world.fail(&error));
        world
    }

    pub async fn key_sync(&self) -> KeySync {
        let Urls { dynamodb, secrets_manager, lambda, cloudflare, edge } = &self.urls;
        let aws = Aws { dynamodb: dynamodb.clone(), secrets_manager: secrets_manager.clone(), lambda: lambda.clone() };
        let variables = [
            ("SIGNING_SECRET", &*self.secrets.arn),
            ("SIGNING_ALGORITHM", self.algorithm),
            ("CLOUDFLARE_TOKEN", &self.secrets.token_name),
            ("CLOUDFLARE_API", cloudflare),
            ("EDGE_URL", edge),
            ("AUTHORIZER_FUNCTION", "authorizer"),
            ("PUT_KEYS", "on"),
            ("ISSUER_NETWORK", "any"),
        ];
        aws.key_sync(&variables, LIFETIMES, clock::now).await
    }

    /// One invocation of the function; `Err` is the function's error.
    pub async fn invoke(&self, event: &Value) -> Result<Value, String> {
        let key_sync = self.key_sync().await;
        let Done { answer, lines } = key_sync::invoke(&key_sync, event).await;
        self.note(lines.as_str());
        let answer = answer.map_err(|error| error.to_string());
        self.said.borrow_mut().extend([lines, format!("{answer:?}")]);
        answer
    }

    pub async fn step(&self, step: &str, token: &str) -> Result<(), String> {
        self.prepare(step).await;
        self.invoke(&self.event(step, token)).await.map(|_| ())
    }

    /// What Secrets Manager sends.
    pub fn event(&self, step: &str, token: &str) -> Value {
        rotation::event(step, &self.secrets.arn, token)
    }

    /// The test of a new key waits for the authorizers. Here the clock does.
    pub async fn prepare(&self, step: &str) {
        if step == "testSecret" {
            self.advance(LIFETIMES.activation_delay).await;
        }
    }

    /// So much time goes by, in which whatever was deployed arrives at the edge.
    async fn advance(&self, span: Duration) {
        clock::advance(span);
        self.edge.arrived().await;
    }

    pub async fn job(&self, job: &str) -> Result<Value, String> {
        self.invoke(&json!({ "job": job })).await
    }

    /// An invocation that ends at its `n`-th call; `false`: it ended before it made so many.
    pub async fn crash(&self, event: &Value, n: usize, when: When) -> bool {
        self.gate.arm(n, when);
        let crashed = tokio::select! {
            biased;
            () = self.gate.reached() => true,
            ended = self.invoke(event) => {
                self.note(format!("it was not to be stopped: {ended:?}"));
                false
            }
        };
        self.gate.disarm();
        self.note(format!("crash {when:?} call {n} of {event}"));
        crashed
    }

    /// A whole rotation, as Secrets Manager drives it.
    pub async fn rotate(&self) -> String {
        let token = self.secrets.rotate().await.unwrap_or_else(|error| self.fail(&error));
        self.steps(&token).await;
        token
    }

    /// All steps under one token, and a request after each.
    ///
    /// # Panics
    /// If one fails.
    pub async fn steps(&self, token: &str) {
        let driven = rotation::drive(async |step| {
            self.step(step, token).await?;
            self.check(step).await;
            Ok(())
        });
        driven.await.unwrap_or_else(|error| self.fail(&error));
    }

    /// A tick, this much later; its part in signing keys, as JSON.
    ///
    /// # Panics
    /// If it fails, or changes something and does not say what.
    pub async fn tick_after(&self, span: Duration) -> String {
        self.advance(span).await;
        self.note(format!("{} s later", span.as_secs()));
        let before = (self.secrets.labels().await, self.cloudflare.versions().len());
        let report = self.job("tick").await.unwrap_or_else(|error| self.fail(&format!("a tick: {error}")));
        let (labels, versions) = (self.secrets.labels().await, self.cloudflare.versions().len());
        let done = report["repair"]["done"].to_string();
        if versions > before.1 && !done.contains("\"push\"") {
            self.fail(&format!("a tick has pushed keys and does not say so: {report}"));
        }
        let relabelled = before.0.iter().filter(|(version, own)| labels.get(*version) != Some(*own));
        for (version, _) in relabelled {
            if !done.contains(version) {
                self.fail(&format!("a tick has moved a label of {version} and does not say so: {report}"));
            }
        }
        report["repair"].to_string()
    }

    /// The key that the deployed Worker signs with; `None` for one without keys.
    pub fn active(&self) -> Option<String> {
        let deployed = self.cloudflare.deployed();
        let Some(Binding::Text(keys)) = deployed.get("EDGE_KEYS") else { return None };
        let keys: Value = serde_json::from_str(keys).expect("EDGE_KEYS is JSON");
        let slot = keys["active"].as_str().expect("an active slot");
        Some(keys[slot]["keyid"].as_str().expect("its keyid").to_owned())
    }

    /// One client asks the edge for one thing.
    ///
    /// # Panics
    /// If anything since the last such request was refused although it was signed with a key that
    /// carries a label: this request, or one of the edge's own to the gateway's probe.
    pub async fn check(&self, after: &str) -> Served {
        let mut seen = self.acceptors.take_seen();
        let keyid = self.active();
        let url = format!("{}/items", self.edge.url());
        let answer = client::send("GET", &url, &[("x-api-key", READER)], "".into()).await;
        let (status, _) = answer.unwrap_or_else(|error| self.fail(&error));
        let labels = self.secrets.labels().await;
        let labelled = keyid.as_ref().is_some_and(|keyid| labels.contains_key(keyid));
        self.note(format!("after {after}, a request: {status} by {keyid:?}, labels: {labels:?}"));
        let own = self.acceptors.take_seen();
        if labelled && (status != 200 || own.len() != 3) {
            let own: Vec<_> = own.iter().map(ToString::to_string).collect();
            self.fail(&format!("after {after}: {status} {own:?}"));
        }
        seen.extend(own);
        if let Some(refused) = seen.iter().find(|seen| seen.status != 200 && labels.contains_key(&seen.keyid)) {
            self.fail(&format!("after {after}: {refused}"));
        }
        Served { keyid, labelled, status }
    }

    /// Something else begins: what was done before is of no interest any more.
    pub fn begin(&self, what: String) {
        *self.trace.borrow_mut() = vec![what];
    }

    pub fn note(&self, line: impl Into<String>) {
        self.trace.borrow_mut().push(line.into());
    }

    pub fn fail(&self, why: &str) -> ! {
        panic!("{why}\n  {}", self.trace.borrow().join("\n  "))
    }
}

/// Otherwise the first push would wait, as it must for a key that nobody knows yet.
async fn has_been_there_for_long(first: &EdgeKey, secrets: &Secrets, table: &Table) {
    let current = secrets.holder("AWSCURRENT").await.expect("a first key");
    let long_ago = clock::now_millis() - 3_600_000;
    let seen = json!({ &current: { "at": long_ago, "readable_at": long_ago } });
    table.put(&json!({ "pk": "sync#edge", "seen": seen }));
    if let Some(mut record) = first.record() {
        record["pk"] = json!(format!("edgekey#{current}"));
        table.put(&record);
    }
}

async fn acceptors(algorithm: &str, table: &Table, secrets: &Secrets) -> Arc<Acceptors> {
    let api = Api::new("a1b2c3d4e5", "prod");
    let env = [
        ("APIS", format!("{}/{}", api.id, api.stage)),
        ("AUTHORITIES", api.domain.clone()),
        ("KEY_TABLE", table.name().to_owned()),
        ("SIGNING_SECRET", secrets.arn.clone()),
        ("SIGNING_ALGORITHM", algorithm.to_owned()),
        ("AUDIT", "refusals".to_owned()),
    ];
    let env = env.map(|(name, value)| (name.to_owned(), value)).into();
    let aws = Aws { dynamodb: table.service.url(), secrets_manager: secrets.url.clone(), lambda: String::new() };
    Arc::new(Acceptors::start(api, env, &aws.sdk().await).await)
}

fn gateway(acceptors: &Arc<Acceptors>) -> Gateway {
    let shared = acceptors.clone();
    Gateway {
        host: acceptors.api.domain.clone(),
        prefix: acceptors.api.target(""),
        send: Arc::new(move |request| {
            let acceptors = shared.clone();
            Box::pin(async move { acceptors.pass(&request).await })
        }),
    }
}

/// What the edge reads about the one client, as key-sync publishes it; and that there are no routes.
fn publish(cloudflare: &Cloudflare) {
    let record = key_record(READER);
    let value = json!({
        "version": record["version"],
        "key_id": record["key_id"],
        "principal": record["principal"],
        "status": "active",
        "grants": record["grants"],
    });
    cloudflare.kv_put(&format!("key:{}", key_hash(READER)), &value.to_string(), json!({ "v": record["version"] }));
    cloudflare.kv_put("routes", r#"{"version":1,"routes":[]}"#, json!({ "v": 1 }));
}
