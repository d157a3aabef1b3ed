//! Reading what is: labels, the keys that they are on, key-sync's own notes, and the edge.

use std::collections::BTreeMap;

use countersign_cloudflare::Deployment;
use countersign_decision::signature::Algorithm;

use super::edge::{Answer, EdgeState};
use super::run::Run;
use crate::edge_keys::layout::Labels;
use crate::probe::{self, Asked};
use crate::report::JobError;
use crate::signing_key::SigningKey;

pub const EDGE_NOTE: &str = "edge";
pub const ROTATION_NOTE: &str = "rotation";
pub const EMERGENCY_NOTE: &str = "emergency";

impl Run<'_> {
    pub(super) async fn read_notes(&mut self) -> Result<(), JobError> {
        let table = &self.key_sync.table;
        let failed = |error| JobError::table(&error);
        self.seen.note = table.read_note(EDGE_NOTE).await.map_err(failed)?.unwrap_or_default();
        self.seen.rotation = table.read_note(ROTATION_NOTE).await.map_err(failed)?;
        self.seen.emergency = table.read_note(EMERGENCY_NOTE).await.map_err(failed)?;
        Ok(())
    }

    pub(super) async fn read_labels(&mut self) -> Result<(), JobError> {
        let described = self.key_sync.secret.describe().await.map_err(|error| JobError::secret(&error))?;
        self.rotation_enabled = described.rotation_enabled;
        self.seen.labels = Labels::of(&described);
        let versions: Vec<_> = self.seen.labels.versions().into_iter().map(str::to_owned).collect();
        for version in versions {
            self.read_key(&version).await?;
        }
        Ok(())
    }

    /// The key of one version. A placeholder without a value, or a value that is no key, is no error
    /// here: it matters only where that key is needed.
    pub async fn read_key(&mut self, version: &str) -> Result<(), JobError> {
        let value = self.key_sync.secret.value(version).await.map_err(|error| JobError::secret(&error))?;
        let Some(value) = value else { return Ok(()) };
        match SigningKey::from_secret_value(version, &value) {
            Ok(key) => {
                if !self.is_published(&key).await? {
                    self.seen.unpublished.insert(version.to_owned());
                }
                self.seen.usable.insert(version.to_owned());
                self.keys.insert(version.to_owned(), key);
            }
            Err(unusable) => {
                self.unusable.insert(version.to_owned(), unusable);
            }
        }
        Ok(())
    }

    /// Whether the authorizer finds what it verifies with.
    async fn is_published(&self, key: &SigningKey) -> Result<bool, JobError> {
        if key.algorithm() == Algorithm::HmacSha256 {
            return Ok(true);
        }
        let published = self.key_sync.table.public_signing_key(key.keyid()).await;
        let published = published.map_err(|error| JobError::table(&error))?.and_then(Result::ok);
        Ok(published.is_some_and(|found| found.algorithm == key.algorithm() && Some(found.spki) == key.public_key()))
    }

    /// Both slots of the edge; and, where a label may have to go or the answer is not what it should be,
    /// whether one Worker version is all of the edge.
    pub async fn ask_edge(&mut self) -> Result<(), JobError> {
        self.seen.edge = match self.key_sync.config.edge_url.as_deref() {
            None => EdgeState::NotAsked,
            Some(url) => self.edge_at(url).await?,
        };
        Ok(())
    }

    async fn edge_at(&self, url: &str) -> Result<EdgeState, JobError> {
        let labels = &self.seen.labels;
        let moving = labels.rotating().or(labels.previous.as_deref()).is_some();
        // First, so that what is proved is proved by this deployment or by a later one.
        let deployment = if moving { self.deployment().await? } else { None };
        let active = match self.ask(url, Asked::Active).await? {
            Ok(answer) => answer,
            Err(why) => return Ok(EdgeState::Unreachable(why)),
        };
        let standby = match self.seen.may_ask_standby(&self.key_sync.lifetimes, self.key_sync.now()) {
            false => None,
            true => match self.ask(url, Asked::Standby).await? {
                Ok(answer) => Some(answer),
                Err(why) => return Ok(EdgeState::Unreachable(why)),
            },
        };
        let edge = EdgeState::Answered { active, standby, deployment };
        let differs = self.seen.expected().is_some_and(|expected| edge.differs_from(&expected).is_some());
        Ok(if differs { self.with_deployment(edge).await } else { edge })
    }

    /// Whether anybody has deployed the Worker since the last push. If that is not to be learned, the
    /// push that is due says why.
    async fn with_deployment(&self, edge: EdgeState) -> EdgeState {
        match edge {
            EdgeState::Answered { active, standby, deployment: None } => {
                EdgeState::Answered { active, standby, deployment: self.deployment().await.unwrap_or_default() }
            }
            edge => edge,
        }
    }

    /// What one slot proves, asked with every labelled key in turn.
    pub async fn ask(&self, url: &str, asked: Asked) -> Result<Result<Answer, String>, JobError> {
        probe::ask(self.key_sync, url, asked, &self.ways_to_ask(&self.keys), self.until).await
    }

    /// AWSCURRENT first: the edge knows it, but for the moments around a change.
    fn ways_to_ask<'r>(&self, keys: &'r BTreeMap<String, SigningKey>) -> Vec<&'r SigningKey> {
        let labels = &self.seen.labels;
        let mut order: Vec<&str> = Vec::new();
        for version in [&labels.current, &labels.pending, &labels.previous].into_iter().flatten() {
            if !order.contains(&version.as_str()) {
                order.push(version);
            }
        }
        order.into_iter().filter_map(|version| keys.get(version)).collect()
    }

    /// The deployment of the Worker, where it is one version that serves all traffic.
    pub async fn deployment(&self) -> Result<Option<String>, JobError> {
        Ok(self.active_deployment().await?.map(|deployment| deployment.id))
    }

    /// The same, with the deployment before it.
    pub(super) async fn active_deployment(&self) -> Result<Option<Deployment>, JobError> {
        let cloudflare = self.key_sync.cloudflare().await?;
        let deployment = cloudflare.deployment(&self.key_sync.config.cloudflare.script, self.until).await;
        Ok(Some(self.heard(deployment).await?).filter(|deployment| deployment.single().is_some()))
    }
}
