//! The signing keys an authorizer knows: staging labels of the secret and the values of its versions.
//!
//! The labels are the only truth about which key may sign. They are read rarely and strangers must
//! not change that; yet a key used 15 s after it became readable is never refused. Hence: an
//! unknown `keyid` is refused only on a label map younger than `labels_unknown`, otherwise it forces
//! one look, which no stranger can do more often than once per that span.

use std::collections::HashMap;
use std::sync::Arc;

use crate::decision::Fault;
use crate::lifetimes::Lifetimes;
use crate::signature::EdgeKey;
use crate::time::Timestamp;

#[derive(Default)]
pub struct SigningKeys {
    labels: Option<Labels>,
    labels_failed: Option<Timestamp>,
    values: HashMap<String, Value>,
}

struct Labels {
    versions: Vec<LabelledVersion>,
    read_at: Timestamp,
}

/// A version that carries AWSCURRENT, AWSPENDING or AWSPREVIOUS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LabelledVersion {
    pub id: String,
    /// It carries AWSCURRENT.
    pub current: bool,
}

enum Value {
    Key(Arc<EdgeKey>),
    /// The version is a placeholder, or its public key is not published yet.
    Missing(Timestamp),
    /// The last call for it failed.
    Failed(Timestamp),
}

/// The labels that were read name no current version.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NothingCurrent;

/// What a keyid needs now.
pub enum Ask {
    /// Use this key. `refresh`: look at the labels again first, without spending all the time on it.
    /// `kept`: the labels are older than they should be because looking failed.
    Use { key: Arc<EdgeKey>, refresh: bool, kept: bool },
    /// Look at the labels, then ask again.
    Labels,
    /// Read the value of this version, then ask again.
    Value,
    /// Not a labelled version, and the labels are young enough to say so.
    Unknown,
    /// It cannot be known now, and asking would be too often.
    Unavailable(Fault),
}

impl SigningKeys {
    pub fn ask(&self, keyid: &str, now: Timestamp, lifetimes: &Lifetimes) -> Ask {
        let recently_failed = |span| self.labels_failed.is_some_and(|at| now.age_of(at) < span);
        let look = |span| {
            if recently_failed(span) { Ask::Unavailable(Fault::LabelsUnavailable) } else { Ask::Labels }
        };
        let Some(labels) = &self.labels else { return look(lifetimes.labels_cooling) };
        let age = now.age_of(labels.read_at);
        let Some(version) = labels.versions.iter().find(|version| version.id == keyid) else {
            return if age < lifetimes.labels_unknown { Ask::Unknown } else { look(lifetimes.labels_cooling) };
        };
        if age >= lifetimes.labels_kept {
            return look(lifetimes.labels_cooling);
        }
        // A key that is known goes on while looks fail; it need not wait for one a second.
        let resting = recently_failed(lifetimes.labels_rest);
        match self.values.get(&version.id) {
            Some(Value::Key(key)) => Ask::Use {
                key: Arc::clone(key),
                refresh: age >= lifetimes.labels_soft && !resting,
                kept: age >= lifetimes.labels_hard,
            },
            Some(Value::Missing(at)) if now.age_of(*at) < lifetimes.missing_value => {
                Ask::Unavailable(if version.current { Fault::NoSigningKey } else { Fault::SigningKeyUnavailable })
            }
            Some(Value::Failed(at)) if now.age_of(*at) < lifetimes.labels_cooling => {
                Ask::Unavailable(Fault::SigningKeyUnavailable)
            }
            _ => Ask::Value,
        }
    }

    /// The version that carries AWSCURRENT, for loading its key before the first request.
    pub fn current(&self) -> Option<&str> {
        self.labels.as_ref()?.versions.iter().find(|version| version.current).map(|version| version.id.as_str())
    }

    /// # Errors
    /// No version carries AWSCURRENT: that is no answer about this secret, and what is known stays.
    pub fn labels_read(&mut self, versions: Vec<LabelledVersion>, now: Timestamp) -> Result<(), NothingCurrent> {
        if !versions.iter().any(|version| version.current) {
            self.labels_failed(now);
            return Err(NothingCurrent);
        }
        self.values.retain(|id, _| versions.iter().any(|version| version.id == *id));
        self.labels = Some(Labels { versions, read_at: now });
        self.labels_failed = None;
        Ok(())
    }

    pub const fn labels_failed(&mut self, now: Timestamp) {
        self.labels_failed = Some(now);
    }

    pub fn value_read(&mut self, key: EdgeKey) {
        self.set_value(key.keyid().to_owned(), Value::Key(Arc::new(key)));
    }

    pub fn value_missing(&mut self, id: &str, now: Timestamp) {
        self.set_value(id.to_owned(), Value::Missing(now));
    }

    pub fn value_failed(&mut self, id: &str, now: Timestamp) {
        self.set_value(id.to_owned(), Value::Failed(now));
    }

    /// Only labelled versions have values, so strangers' keyids cannot grow the map.
    fn set_value(&mut self, id: String, value: Value) {
        let labelled =
            self.labels.as_ref().is_some_and(|labels| labels.versions.iter().any(|version| version.id == id));
        if labelled {
            self.values.insert(id, value);
        }
    }
}

#[cfg(test)]
mod tests;
