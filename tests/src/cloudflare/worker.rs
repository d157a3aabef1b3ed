//! One Worker: versions, each with the secrets it was made with, and which of them is deployed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Done, Refusal};

/// A secret as a version of the Worker sees it.
#[derive(Clone, Debug, PartialEq)]
pub enum Binding {
    Text(String),
    Key { algorithm: Value, format: String, usages: Vec<String>, key_base64: String },
}

pub(super) struct Worker {
    /// Oldest first; never empty.
    versions: Vec<Version>,
    /// Newest last; never empty.
    deployments: Vec<Vec<Share>>,
    counted: watch::Sender<usize>,
    rollback_locks_secrets: bool,
}

struct Version {
    id: String,
    secrets: BTreeMap<String, Binding>,
    was_deployed: bool,
}

#[derive(Clone)]
struct Share {
    version: String,
    percentage: u32,
}

#[derive(Deserialize)]
struct Patch {
    secrets: BTreeMap<String, Option<Secret>>,
}

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum Secret {
    #[serde(rename = "secret_text")]
    Text { name: String, text: String },
    #[serde(rename = "secret_key")]
    Key { name: String, algorithm: Value, format: String, usages: Vec<String>, key_base64: String },
}

/// The documented limits: changes in one call, bytes of one secret.
const CHANGES: usize = 100;
const SECRET: usize = 5 << 10;

/// Deployments that are listed.
const LISTED: usize = 10;

impl Worker {
    pub fn new() -> Self {
        let mut worker = Self {
            versions: Vec::new(),
            deployments: Vec::new(),
            counted: watch::Sender::new(0),
            rollback_locks_secrets: false,
        };
        worker.add(BTreeMap::new());
        worker.deploy_newest();
        worker
    }

    pub fn versions(&self) -> Vec<String> {
        self.versions.iter().map(|version| version.id.clone()).collect()
    }

    pub fn deployed(&self) -> BTreeMap<String, Binding> {
        let first = &self.active()[0].version;
        let version = self.versions.iter().find(|version| version.id == *first);
        version.map(|version| version.secrets.clone()).unwrap_or_default()
    }

    pub fn deployments(&self) -> watch::Receiver<usize> {
        self.counted.subscribe()
    }

    pub fn deploy(&mut self, id: &str) {
        let version = self.versions.iter_mut().find(|version| version.id == id).expect("a version of this Worker");
        version.was_deployed = true;
        self.add_deployment(vec![Share { version: id.to_owned(), percentage: 100 }]);
    }

    pub fn deploy_newest(&mut self) {
        self.deploy(&self.newest().id.clone());
    }

    pub fn upload(&mut self) -> String {
        self.add(self.newest().secrets.clone())
    }

    pub fn split(&mut self) -> String {
        let old = self.active()[0].version.clone();
        let new = self.upload();
        self.versions.last_mut().expect("just added").was_deployed = true;
        let share = |version: &str, percentage| Share { version: version.to_owned(), percentage };
        self.add_deployment(vec![share(&old, 90), share(&new, 10)]);
        new
    }

    fn add_deployment(&mut self, shares: Vec<Share>) {
        self.deployments.push(shares);
        self.counted.send_replace(self.deployments.len());
    }

    pub fn rollback_locks_secrets(&mut self, locks: bool) {
        self.rollback_locks_secrets = locks;
    }

    pub fn perform(&mut self, method: &str, operation: &str, body: &[u8]) -> Result<Done, Refusal> {
        match (method, operation) {
            ("PATCH", "secrets-bulk") => self.change_secrets(body),
            ("GET", "deployments") => Ok(self.list_deployments()),
            _ => Err(Refusal::new(405, 7_001, format!("{method} not supported for {operation}"))),
        }
    }

    fn change_secrets(&mut self, body: &[u8]) -> Result<Done, Refusal> {
        if self.is_locked() {
            let message = "Secret edit failed: the latest version of this Worker isn't currently deployed.";
            return Err(Refusal::new(400, 10_215, message));
        }
        let patch: Patch = serde_json::from_slice(body)
            .map_err(|error| Refusal::new(400, 10_012, format!("invalid body: {error}")))?;
        if patch.secrets.len() > CHANGES {
            return Err(Refusal::new(400, 10_035, "too many changes"));
        }
        let mut secrets = self.deployed();
        for (name, secret) in patch.secrets {
            match secret {
                None => secrets.remove(&name),
                Some(secret) => secrets.insert(name.clone(), secret.binding(&name)?),
            };
        }
        let result = secrets.iter().map(|(name, binding)| (name.clone(), binding.described(name)));
        let result = Value::Object(result.collect());
        self.add(secrets);
        self.deploy_newest();
        Ok(result.into())
    }

    /// The newest version was never deployed, or is not all that is.
    fn is_locked(&self) -> bool {
        let newest = self.newest();
        let active = self.active();
        let newest_is_all = active.len() == 1 && active[0].version == newest.id;
        !newest.was_deployed || active.len() > 1 || (self.rollback_locks_secrets && !newest_is_all)
    }

    fn list_deployments(&self) -> Done {
        let deployments = self.deployments.iter().enumerate().rev().take(LISTED);
        let listed = deployments.map(|(at, shares)| {
            let versions =
                shares.iter().map(|share| json!({ "version_id": share.version, "percentage": share.percentage }));
            json!({
                "id": format!("{at:08x}-0000-4000-9000-000000000000"),
                "source": "api",
                "strategy": "percentage",
                "created_on": "2026-11-22T12:00:00.000000Z",
                "versions": versions.collect::<Vec<_>>(),
            })
        });
        json!({ "deployments": listed.collect::<Vec<_>>() }).into()
    }

    fn add(&mut self, secrets: BTreeMap<String, Binding>) -> String {
        let id = format!("{:08x}-0000-4000-8000-000000000000", self.versions.len());
        self.versions.push(Version { id: id.clone(), secrets, was_deployed: false });
        id
    }

    fn newest(&self) -> &Version {
        self.versions.last().expect("a Worker has a version")
    }

    fn active(&self) -> &[Share] {
        self.deployments.last().expect("a Worker is deployed")
    }
}

impl Secret {
    /// A secret replaces the one that was there: what a merge patch comes to when every member is
    /// given.
    fn binding(self, expected: &str) -> Result<Binding, Refusal> {
        let (name, size, binding) = match self {
            Self::Text { name, text } => (name, text.len(), Binding::Text(text)),
            Self::Key { name, algorithm, format, usages, key_base64 } => {
                (name, key_base64.len(), Binding::Key { algorithm, format, usages, key_base64 })
            }
        };
        if name != expected {
            return Err(Refusal::new(400, 10_036, format!("{expected} is called {name}")));
        }
        if size > SECRET {
            return Err(Refusal::new(400, 10_037, format!("{name} is larger than 5 KB")));
        }
        Ok(binding)
    }
}

impl Binding {
    /// What is told of a secret: never its value.
    fn described(&self, name: &str) -> Value {
        match self {
            Self::Text(_) => json!({ "name": name, "type": "secret_text" }),
            Self::Key { algorithm, format, usages, .. } => {
                json!({ "name": name, "type": "secret_key", "algorithm": algorithm, "format": format, "usages": usages })
            }
        }
    }
}
