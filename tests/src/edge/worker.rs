//! The edge Worker itself, as `wrangler` bundles it, in workerd: with Cloudflare's front door before it, its KV, and
//! the secrets of the deployed version as its bindings.
//!
//! A deployment takes its time, as Cloudflare's do: the version before it answers until the new one does, and ends
//! with the last of its requests. Whoever must not see the old one any more waits for [`Worker::arrived`].

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Origin;
use crate::binary::EdgeWorker;
use crate::cloudflare::{Binding, Cloudflare};
use crate::fake::Door;
use crate::gate::Gate;
use crate::http::{Answer, Server};
use crate::port::Port;

mod config;
mod front;
pub mod outbound;
mod process;

use config::Config;
use process::Workerd;

/// How long the Worker goes by a record that it has read (`RECORD_FRESH` of its lifetimes).
pub(super) const MEMORY: Duration = Duration::from_secs(30);
/// How long log lines wait at most for others (`LINGER` of its journal), and a little longer.
const LINGER: Duration = Duration::from_secs(6);
/// A version that has not come up by then never does.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a Worker is deployed.
pub struct Settings {
    /// Where all arrives that it fetches, whatever the URL.
    pub outbound: Port,
    /// Its variables, as `wrangler.jsonc` would have them.
    pub variables: BTreeMap<String, String>,
    /// Milliseconds since the Unix epoch, where it is not to go by the real clock.
    pub clock: Option<fn() -> u64>,
}

pub struct Worker {
    front: Port,
    cloudflare: Arc<Cloudflare>,
    inside: Arc<Inside>,
    _store: Server,
    _outbound: Port,
    _following: JoinSet<()>,
}

struct Inside {
    workerd: PathBuf,
    bundle: Vec<u8>,
    config: Config,
    clock: Option<fn() -> u64>,
    running: watch::Sender<Running>,
}

/// What answers: a version, and how many deployments there had been when it came.
#[derive(Clone)]
struct Running {
    deployment: usize,
    /// `Err`: why there is none.
    version: Result<Arc<Version>, String>,
}

/// It ends when nobody has it any more: each request that it is given holds it.
struct Version {
    workerd: Workerd,
    /// By how much its clock is ahead of the real one, in milliseconds.
    ahead: Mutex<i64>,
}

impl Worker {
    /// The Worker of the suites, with one gateway behind it.
    pub(super) async fn before(
        build: EdgeWorker,
        cloudflare: Arc<Cloudflare>,
        origin: Origin,
        clock: Option<fn() -> u64>,
    ) -> Self {
        let variables = variables(&origin.host, &origin.prefix, origin.has_doors);
        let outbound = outbound::exchanging(origin.exchange).await;
        Self::start(build, cloudflare, Settings { outbound, variables, clock }).await
    }

    /// Returns when the version that is deployed now answers.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(build: EdgeWorker, cloudflare: Arc<Cloudflare>, settings: Settings) -> Self {
        let Settings { outbound, variables, clock } = settings;
        let store = serve_store(&cloudflare).await;
        let config = Config {
            store: store.authority(),
            outbound: outbound.authority(),
            variables,
            moves_clock: clock.is_some(),
        };
        let inside = Arc::new(Inside {
            bundle: fs::read(&build.bundle).unwrap_or_else(|error| panic!("{}: {error}", build.bundle.display())),
            workerd: build.workerd,
            config,
            clock,
            running: watch::Sender::new(Running { deployment: 0, version: Err("nothing is deployed".to_owned()) }),
        });
        let mut following = JoinSet::new();
        following.spawn(inside.clone().follow(cloudflare.clone()));
        let front = front::open(&inside, None).await;
        let worker = Self { front, cloudflare, inside, _store: store, _outbound: outbound, _following: following };
        worker.arrived().await;
        worker
    }

    pub fn authority(&self) -> String {
        self.front.authority()
    }

    pub async fn with_gate(&self, gate: &Arc<Gate>) -> Door {
        let port = front::open(&self.inside, Some(gate.clone())).await;
        Door::of(port.url(), port)
    }

    /// # Panics
    /// If what is deployed does not start.
    pub async fn arrived(&self) {
        let deployed = *self.cloudflare.deployments().borrow();
        let mut running = self.inside.running.subscribe();
        let arrived = timeout(PATIENCE, running.wait_for(|running| running.deployment >= deployed)).await;
        let arrived = arrived.expect("workerd starts or ends").expect("this Worker follows deployments").clone();
        arrived.version.unwrap_or_else(|why| panic!("deployment {deployed} does not start: {why}"));
    }

    /// What the version that runs has told its own log.
    pub fn said(&self) -> String {
        self.inside.version().map(|version| version.workerd.said()).unwrap_or_default()
    }
}

impl Inside {
    /// Puts a new version in the place of the old one, for each deployment.
    async fn follow(self: Arc<Self>, cloudflare: Arc<Cloudflare>) {
        let mut deployments = cloudflare.deployments();
        deployments.mark_changed();
        while deployments.changed().await.is_ok() {
            let deployment = *deployments.borrow_and_update();
            let version = self.launch(&cloudflare.deployed()).await.map(Arc::new);
            let old = self.running.send_replace(Running { deployment, version });
            if self.config.sends_logs() {
                tokio::spawn(async move {
                    sleep(LINGER).await;
                    drop(old);
                });
            }
        }
    }

    async fn launch(&self, secrets: &BTreeMap<String, Binding>) -> Result<Version, String> {
        let text = self.config.text(secrets);
        let files = self.config.files(&self.bundle, &text);
        let workerd = Workerd::start(&self.workerd, &files, self.config.sockets()).await?;
        Ok(Version { workerd, ahead: Mutex::new(0) })
    }

    fn version(&self) -> Result<Arc<Version>, String> {
        self.running.borrow().version.clone()
    }
}

/// Of a Worker before one gateway, which answers for `host`. `has_doors`: a forwarder stands behind it.
pub fn variables(host: &str, prefix: &str, has_doors: bool) -> BTreeMap<String, String> {
    let origins = json!({ "api": { "url": format!("https://{host}{prefix}"), "kind": "gateway" } });
    let variables = [
        ("HOSTS", "127.0.0.1,localhost".to_owned()),
        ("ORIGINS", origins.to_string()),
        ("DEFAULT_ORIGIN", "api".to_owned()),
        ("DOORS", if has_doors { "on" } else { "off" }.to_owned()),
        // Without a door they go to the log of workerd, which is read when something went wrong.
        ("LOGS", if has_doors { "all" } else { "refusals" }.to_owned()),
    ];
    variables.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The KV namespace as workerd reads it: `GET /<name>?urlencoded=true`.
async fn serve_store(cloudflare: &Arc<Cloudflare>) -> Server {
    let cloudflare = cloudflare.clone();
    Server::start(move |request| {
        let name = request.target.trim_start_matches('/').split('?').next().unwrap_or_default();
        let name = percent_decode_str(name).decode_utf8_lossy();
        let stored = cloudflare.kv(&name);
        async move {
            stored.map_or(Answer::status(404), |stored| Answer::Reply {
                status: 200,
                headers: vec![("cf-kv-metadata", stored.metadata.to_string())],
                body: stored.value.into(),
            })
        }
    })
    .await
}
