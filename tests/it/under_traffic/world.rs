//! One deployment with everything that takes part in a rotation, wired to each other: clients, the
//! edge, the gateway with its authorizers, key-sync, and the fakes of AWS and Cloudflare.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use countersign_decision::lifetimes::Lifetimes;
use countersign_key_sync::start::KeySync;
use countersign_tests::aws::lambda::Lambda;
use countersign_tests::binary;
use countersign_tests::cloudflare::Cloudflare;
use countersign_tests::deployment::Deployment;
use countersign_tests::edge::{Edge, Gateway};
use countersign_tests::key_sync::{self, Aws, TOKEN_SECRET};
use countersign_tests::lifetimes;
use countersign_tests::rotation;
use countersign_tests::signer::EdgeKey;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::fleet::Fleet;

const TOKEN: &str = "cloudflare-token-of-the-tests-0001";

/// Execution environments of the authorizer at any time.
const ENVIRONMENTS: usize = 3;

/// How often Secrets Manager tries, before it waits for the next window.
const ATTEMPTS: usize = 5;

/// How often the fakes are relieved of what traffic leaves in them.
const SWEEP: Duration = Duration::from_secs(5);

/// Four without pause, and one whose requests arrive late.
pub const CLIENTS: usize = 5;

/// How long the system's own waits are, in all of its parts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pace {
    Real,
    /// A hundred times as short.
    Scaled,
}

impl Pace {
    pub fn lifetimes(self) -> Lifetimes {
        match self {
            Self::Real => Lifetimes::DEFAULT,
            Self::Scaled => lifetimes::scaled(),
        }
    }

    fn authorizer(self) -> PathBuf {
        match self {
            Self::Real => binary::authorizer().to_owned(),
            Self::Scaled => Path::new(env!("CARGO_BIN_EXE_authorizer-with-lifetimes")).to_owned(),
        }
    }
}

pub struct World {
    pub pace: Pace,
    pub deployment: Deployment,
    pub cloudflare: Arc<Cloudflare>,
    pub fleet: Arc<Fleet>,
    pub edge: Edge,
    /// The same edge where it is last to learn: what it signs arrives as late as what an isolate signs
    /// that goes on with an old key for as long as it may. At real lifetimes not quite: it would be stale, or
    /// waited for no longer.
    pub old_isolate: Edge,
    pub lambda: Lambda,
    pub key_sync: KeySync,
}

impl World {
    /// Everything is up, and the edge holds what the table and the secret say.
    pub async fn start(pace: Pace, first_key: EdgeKey) -> Self {
        let deployment = Deployment::of(first_key).await;
        deployment.secret.put_other(TOKEN_SECRET, TOKEN);
        let cloudflare = Arc::new(key_sync::cloudflare(TOKEN).await);
        let mut env = deployment.env();
        env.push(("AUDIT".to_owned(), "refusals".to_owned()));
        let is_labelled = deployment.secret.labelled();
        let fleet = Fleet::start(deployment.api.clone(), pace.authorizer(), env, ENVIRONMENTS, is_labelled).await;
        let edge = start_edge(&deployment, &cloudflare, &fleet, Duration::ZERO).await;
        let Lifetimes { edge_spread, signature_age, .. } = pace.lifetimes();
        let late = edge_spread.min(signature_age / 3);
        let old_isolate = start_edge(&deployment, &cloudflare, &fleet, late).await;
        let lambda = Lambda::start("authorizer", &[("REQUIRE", "edge+caller")]).await;
        let key_sync = start_key_sync(pace, &deployment, &cloudflare, &edge, &lambda).await;
        let world = Self { pace, deployment, cloudflare, fleet, edge, old_isolate, lambda, key_sync };
        world.job(json!({ "job": "bootstrap" })).await;
        world.job(json!({ "job": "reconcile" })).await;
        world
    }

    /// Where the clients go, one each.
    pub fn edges(&self) -> [String; CLIENTS] {
        std::array::from_fn(|n| if n == 0 { self.old_isolate.authority() } else { self.edge.authority() })
    }

    /// Runs one job, which must succeed.
    pub async fn job(&self, event: Value) -> Value {
        let done = key_sync::invoke(&self.key_sync, &event).await;
        done.answer.unwrap_or_else(|error| panic!("{event}: {error}"))
    }

    /// One rotation, as Secrets Manager runs it: RotateSecret, then the four steps, and all of them
    /// again under the same token when one has failed. Says how often that was.
    pub async fn rotate(&self) -> usize {
        let token = token();
        self.deployment.secret.rotate(&token).unwrap_or_else(|refused| panic!("RotateSecret: {refused}"));
        self.rotate_to(&token).await
    }

    /// What follows RotateSecret, whoever called it.
    pub async fn rotate_to(&self, token: &str) -> usize {
        let mut failures = Vec::new();
        while let Err(failure) = self.steps(token).await {
            failures.push(failure);
            assert!(failures.len() < ATTEMPTS, "a rotation goes on failing: {failures:?}");
        }
        failures.len()
    }

    async fn steps(&self, token: &str) -> Result<(), String> {
        let arn = self.deployment.secret.arn();
        let step = async |step| {
            let done = key_sync::invoke(&self.key_sync, &rotation::event(step, arn, token)).await;
            done.answer.map(|_| ()).map_err(|error| error.to_string())
        };
        rotation::drive(step).await
    }

    /// Somebody deploys the Worker's version from before the last push, so before the flip.
    pub async fn roll_back(&self) {
        let versions = self.cloudflare.versions();
        self.cloudflare.rollback(versions.iter().rev().nth(1).expect("two pushes"));
        self.edge.arrived().await;
        self.old_isolate.arrived().await;
    }

    /// Ticks from the end of the overlap on, until only the current version has a label.
    ///
    /// # Panics
    /// If that does not come to be.
    pub async fn retire_since(&self, promoted: Instant) {
        let overlap = self.pace.lifetimes().overlap;
        while promoted.elapsed() < overlap {
            sleep_until((Instant::now() + SWEEP).min(promoted + overlap)).await;
            self.forget();
        }
        loop {
            self.job(json!({ "job": "tick" })).await;
            let labels = self.deployment.secret.labels();
            if labels.len() == 1 && labels.values().all(|labels| labels == &["AWSCURRENT"]) {
                return;
            }
            assert!(promoted.elapsed() < 3 * overlap, "labels are left: {labels:?}");
            sleep(overlap / 30).await;
        }
    }

    /// What the fakes remember for tests that look into it, and what a table's TTL takes away: the fakes
    /// grow slow under it, as the real services do not.
    fn forget(&self) {
        let Deployment { table, secret, .. } = &self.deployment;
        table.keys("nonce#").iter().for_each(|claimed| table.remove(claimed));
        table.forget_stream();
        table.service.forget_calls();
        secret.service.forget_calls();
        self.cloudflare.forget_calls();
    }
}

/// `late`: how much later than signed a request reaches the gateway.
async fn start_edge(deployment: &Deployment, cloudflare: &Arc<Cloudflare>, fleet: &Arc<Fleet>, late: Duration) -> Edge {
    let fleet = fleet.clone();
    let send = move |request| -> Pin<Box<dyn Future<Output = u16> + Send>> {
        let fleet = fleet.clone();
        Box::pin(async move {
            sleep(late).await;
            fleet.answer(request).await
        })
    };
    let api = &deployment.api;
    let gateway = Gateway { host: api.domain.clone(), prefix: api.target(""), send: Arc::new(send) };
    Edge::start(cloudflare.clone(), gateway).await
}

async fn start_key_sync(
    pace: Pace,
    deployment: &Deployment,
    cloudflare: &Cloudflare,
    edge: &Edge,
    lambda: &Lambda,
) -> KeySync {
    let aws = Aws { lambda: lambda.url(), ..Aws::of(deployment) };
    let variables = [
        ("SIGNING_SECRET", deployment.secret.arn()),
        ("SIGNING_ALGORITHM", deployment.edge.algorithm()),
        ("CLOUDFLARE_API", &cloudflare.url()),
        ("EDGE_URL", &edge.url()),
        ("AUTHORIZER_FUNCTION", "authorizer"),
    ];
    aws.key_sync(&variables, pace.lifetimes(), key_sync::now).await
}

fn token() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(1);
    format!("7d9f4f3e-6f4b-4a53-8f2e-6a1c{:08x}", COUNT.fetch_add(1, Ordering::Relaxed))
}
