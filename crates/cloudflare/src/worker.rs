//! One Worker: which version of it is deployed, and its secrets.

use std::collections::BTreeMap;

use countersign_https::Bytes;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::call::Call;
use crate::{Cloudflare, Error, segment};

/// What serves traffic now.
#[derive(Debug, Default)]
pub struct Deployment {
    /// A new one for every deployment, a rollback included. Empty: nothing is deployed.
    pub id: String,
    /// The deployment before it, where there was one.
    pub follows: Option<String>,
    /// Version id and its share of the traffic in percent.
    pub versions: Vec<(String, f64)>,
}

impl Deployment {
    /// The version that serves all traffic, if one does.
    pub fn single(&self) -> Option<&str> {
        match self.versions.as_slice() {
            [(version, percentage)] if *percentage >= 100.0 => Some(version),
            _ => None,
        }
    }
}

/// A key that the Worker can use and not read.
pub struct SecretKey {
    /// As WebCrypto's `importKey` takes it.
    pub algorithm: Value,
    /// `raw` or `pkcs8`.
    pub format: &'static str,
    /// `sign`, `verify`.
    pub usages: &'static [&'static str],
    /// The key in standard base64.
    pub key_base64: Zeroizing<String>,
}

/// What to set and what to remove; secrets that are not named stay as they are. It has no `Debug`.
#[derive(Default)]
pub struct SecretsPatch(BTreeMap<String, Change>);

enum Change {
    Text(Zeroizing<String>),
    Key(SecretKey),
    Remove,
}

impl SecretsPatch {
    #[must_use]
    pub fn text(mut self, name: &str, text: &str) -> Self {
        self.0.insert(name.to_owned(), Change::Text(Zeroizing::new(text.to_owned())));
        self
    }

    #[must_use]
    pub fn key(mut self, name: &str, key: SecretKey) -> Self {
        self.0.insert(name.to_owned(), Change::Key(key));
        self
    }

    #[must_use]
    pub fn remove(mut self, name: &str) -> Self {
        self.0.insert(name.to_owned(), Change::Remove);
        self
    }

    /// A JSON Merge Patch (RFC 7396), in memory that is overwritten when the last attempt is over.
    fn body(&self) -> Bytes {
        let secrets = self.0.iter().map(|(name, change)| (name.as_str(), change.binding(name))).collect();
        // Enough from the start: a buffer that grows leaves copies behind.
        let secret_bytes: usize = self.0.values().map(Change::len).sum();
        let mut body = Zeroizing::new(Vec::with_capacity(ESCAPED * secret_bytes + BESIDE_SECRETS * (1 + self.0.len())));
        // Nothing in it can fail to be written: names are text, and so is everything else.
        let _ = serde_json::to_writer(&mut *body, &Patch { secrets });
        Bytes::from_owner(body)
    }
}

/// Bytes that JSON makes of one, at most.
const ESCAPED: usize = 6;

/// Room for what is written around a secret: its name, type, algorithm and usages.
const BESIDE_SECRETS: usize = 512;

#[derive(Serialize)]
struct Patch<'a> {
    secrets: BTreeMap<&'a str, Option<Binding<'a>>>,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Binding<'a> {
    #[serde(rename = "secret_text")]
    Text { name: &'a str, text: &'a str },
    #[serde(rename = "secret_key")]
    Key { name: &'a str, algorithm: &'a Value, format: &'a str, usages: &'a [&'a str], key_base64: &'a str },
}

impl Change {
    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Key(key) => key.key_base64.len(),
            Self::Remove => 0,
        }
    }

    fn binding<'a>(&'a self, name: &'a str) -> Option<Binding<'a>> {
        match self {
            Self::Text(text) => Some(Binding::Text { name, text }),
            Self::Key(key) => Some(Binding::Key {
                name,
                algorithm: &key.algorithm,
                format: key.format,
                usages: key.usages,
                key_base64: &key.key_base64,
            }),
            Self::Remove => None,
        }
    }
}

#[derive(Deserialize)]
struct Deployments {
    deployments: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    versions: Vec<Share>,
}

#[derive(Deserialize)]
struct Share {
    version_id: String,
    percentage: f64,
}

/// Far more than either call answers with, in bytes.
const LARGEST_ANSWER: usize = 1 << 20;

impl Cloudflare {
    /// What of the Worker `script` serves traffic now.
    ///
    /// # Errors
    /// [`Error`]; `Refused` where there is no such Worker.
    pub async fn deployment(&self, script: &str, until: Instant) -> Result<Deployment, Error> {
        let call = Call {
            name: "GET deployments of the Worker",
            method: "GET",
            path: format!("/workers/scripts/{}/deployments", segment(script)),
            body: Bytes::new(),
            secret: false,
            largest_answer: LARGEST_ANSWER,
        };
        let listed = self.call::<Deployments>(&call, until).await?.result;
        // The first is the one that is active.
        let mut listed = listed.map(|listed| listed.deployments).unwrap_or_default().into_iter();
        let (active, before) = (listed.next(), listed.next());
        Ok(active.map_or_else(Deployment::default, |active| Deployment {
            id: active.id,
            follows: before.map(|before| before.id),
            versions: active.versions.into_iter().map(|share| (share.version_id, share.percentage)).collect(),
        }))
    }

    /// Changes secrets of the Worker `script` and deploys the version that results, all at once.
    ///
    /// # Errors
    /// [`Error`]; `NeedsOperator` where the Worker's newest version is not the deployed one.
    pub async fn put_secrets(&self, script: &str, secrets: &SecretsPatch, until: Instant) -> Result<(), Error> {
        let call = Call {
            name: "PATCH secrets of the Worker",
            method: "PATCH",
            path: format!("/workers/scripts/{}/secrets-bulk", segment(script)),
            body: secrets.body(),
            secret: true,
            largest_answer: LARGEST_ANSWER,
        };
        self.call::<IgnoredAny>(&call, until).await.map(drop)
    }
}
