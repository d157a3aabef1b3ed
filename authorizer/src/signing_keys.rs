//! Finding the edge's key: drives the state machine of labels and values against AWS.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use countersign_decision::cache::labels::{Ask, SigningKeys};
use countersign_decision::conversation::Lookup;
use countersign_decision::decision::Fault;
use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::signature::{Algorithm, EdgeKey};
use countersign_function::moment::Moment;
use countersign_function::notes::Notes;
use countersign_store::edge_keys::PublicSigningKey;
use countersign_store::{KeyTable, SigningSecret, Unavailable};

pub struct SigningKeySource {
    secret: SigningSecret,
    table: Arc<KeyTable>,
    /// With an asymmetric algorithm the secret holds private keys, and the function may not read it.
    algorithm: Algorithm,
    lifetimes: Lifetimes,
    known: Mutex<SigningKeys>,
    /// Held by the one that calls AWS; the others wait for it and profit.
    calling: tokio::sync::Mutex<()>,
}

/// A label look, a value, and one more of each where the first was overtaken.
const ROUNDS: usize = 4;

impl SigningKeySource {
    pub fn new(secret: SigningSecret, table: Arc<KeyTable>, algorithm: Algorithm, lifetimes: Lifetimes) -> Self {
        Self { secret, table, algorithm, lifetimes, known: Mutex::default(), calling: tokio::sync::Mutex::new(()) }
    }

    /// Reads the labels and the current key before the first request. A failure is noted, not fatal:
    /// the first request asks again.
    pub async fn load(&self, moment: Moment, notes: &Notes) {
        self.look(moment, notes).await;
        let current = self.known().current().map(str::to_owned);
        if let Some(current) = current {
            self.read_value(&current, moment, notes).await;
        }
    }

    /// What is known without a call; `None`: `find` has to ask AWS first.
    pub fn remembered(&self, keyid: &str, moment: Moment, notes: &Notes) -> Option<Lookup<Arc<EdgeKey>>> {
        let ask = self.known().ask(keyid, moment.now, &self.lifetimes);
        match ask {
            Ask::Use { key, refresh: false, kept } => {
                notes.kept_if(kept, "labels");
                Some(Ok(Some(key)))
            }
            Ask::Unknown => Some(Ok(None)),
            Ask::Unavailable(fault) => Some(Err(fault)),
            Ask::Use { refresh: true, .. } | Ask::Labels | Ask::Value => None,
        }
    }

    pub async fn find(&self, keyid: &str, moment: Moment, notes: &Notes) -> Lookup<Arc<EdgeKey>> {
        for _ in 0..ROUNDS {
            self.call(keyid, moment, notes).await;
            if let Some(found) = self.remembered(keyid, moment, notes) {
                return found;
            }
        }
        Err(Fault::SigningKeyUnavailable)
    }

    /// Makes the call that `keyid` needs, unless another request is making it or has made it.
    async fn call(&self, keyid: &str, moment: Moment, notes: &Notes) {
        let _calling = self.calling.lock().await;
        let ask = self.known().ask(keyid, moment.now, &self.lifetimes);
        match ask {
            // A key that could be used at once waits for half of the time at most.
            Ask::Use { refresh: true, .. } => self.look(moment.spare(), notes).await,
            Ask::Labels => self.look(moment, notes).await,
            Ask::Value => self.read_value(keyid, moment, notes).await,
            Ask::Use { refresh: false, .. } | Ask::Unknown | Ask::Unavailable(_) => {}
        }
    }

    async fn look(&self, moment: Moment, notes: &Notes) {
        match moment.before_deadline("DescribeSecret", self.secret.labels()).await {
            Ok(versions) => {
                if self.known().labels_read(versions, moment.now).is_err() {
                    notes.cause("DescribeSecret: no version of the signing secret carries AWSCURRENT");
                }
            }
            Err(cause) => {
                notes.cause(&cause);
                self.known().labels_failed(moment.now);
            }
        }
    }

    async fn read_value(&self, version: &str, moment: Moment, notes: &Notes) {
        match moment.before_deadline("read the signing key", self.key(version, notes)).await {
            Ok(Some(key)) => self.known().value_read(key),
            Ok(None) => self.known().value_missing(version, moment.now),
            Err(cause) => {
                notes.cause(&cause);
                self.known().value_failed(version, moment.now);
            }
        }
    }

    /// The secret's own value where it may be one, else the published public key.
    async fn key(&self, version: &str, notes: &Notes) -> Result<Option<EdgeKey>, Unavailable> {
        if self.algorithm == Algorithm::HmacSha256 {
            match self.secret.value(version).await?.map(|text| EdgeKey::from_secret_value(version, &text)) {
                Some(Ok(key)) => return Ok(Some(key)),
                Some(Err(error)) => notes.cause(&format!("version {version} of the signing secret: {error}")),
                None => return Ok(None),
            }
        }
        self.public_key(version, notes).await
    }

    async fn public_key(&self, version: &str, notes: &Notes) -> Result<Option<EdgeKey>, Unavailable> {
        let read = |published: PublicSigningKey| {
            EdgeKey::public(version, published.algorithm, &published.spki).map_err(|error| error.to_string())
        };
        Ok(match self.table.public_signing_key(version).await?.map(|record| record.and_then(read)) {
            Some(Ok(key)) => Some(key),
            Some(Err(error)) => {
                notes.cause(&format!("edgekey#{version}: {error}"));
                None
            }
            None => None,
        })
    }

    fn known(&self) -> MutexGuard<'_, SigningKeys> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
