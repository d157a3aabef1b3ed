//! `sync#rotation`: how far the rotation of one version has come.

use countersign_decision::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Times are milliseconds since the Unix epoch.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RotationNote {
    /// The version that is being rotated to.
    pub keyid: String,
    /// The last step that went forward.
    pub step: String,
    pub progressed_at: u64,
    /// When the edge proved the key and the gateway let pass what was signed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tested_at: Option<u64>,
    /// The point of no return: from here on every push makes this key the active one, until the labels
    /// say so themselves.
    #[serde(default)]
    pub promoted: bool,
    /// Why the last step failed, for `status`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl RotationNote {
    pub fn new(keyid: &str, step: &str, now: Timestamp) -> Self {
        Self {
            keyid: keyid.to_owned(),
            step: step.to_owned(),
            progressed_at: now.as_millis(),
            tested_at: None,
            promoted: false,
            error: None,
        }
    }

    /// The same rotation, one step further.
    #[must_use]
    pub fn at(self, step: &str, now: Timestamp) -> Self {
        Self { step: step.to_owned(), progressed_at: now.as_millis(), error: None, ..self }
    }
}
