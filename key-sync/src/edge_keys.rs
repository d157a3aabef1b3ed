//! What the edge is given to sign with: two slots and the word which of them is active, all in one
//! change of the Worker's secrets, so that no version of it ever has half of a change.
//!
//! `layout` says which keys; here they become `EDGE_KEY_A`, `EDGE_KEY_B` and `EDGE_KEYS`. The first
//! push of an installation begins here too.

pub mod layout;
pub mod note;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_cloudflare::SecretsPatch;
use countersign_decision::signature::Algorithm;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use self::layout::{Layout, Slot};
use crate::job::DryRun;
use crate::repair::run::Run;
use crate::report::{Code, JobError, Report};
use crate::rotate::note::RotationNote;
use crate::rotate::{create, guards};
use crate::signing_key::{CryptoFailed, SigningKey};
use crate::start::KeySync;

const SLOTS: [(Slot, &str); 2] = [(Slot::A, "EDGE_KEY_A"), (Slot::B, "EDGE_KEY_B")];
const NAMES: &str = "EDGE_KEYS";

/// The change of secrets that makes the edge hold `layout`. An empty slot is emptied.
///
/// # Errors
/// `Defect` where a key of the layout is not among `keys`.
pub fn patch(layout: &Layout, keys: &BTreeMap<String, SigningKey>) -> Result<SecretsPatch, JobError> {
    let mut names = Map::from_iter([("active".to_owned(), json!(layout.slot.name()))]);
    let mut patch = SecretsPatch::default();
    for (slot, binding) in SLOTS {
        let Some(keyid) = layout.key_in(slot) else {
            patch = patch.remove(binding);
            continue;
        };
        let key = keys.get(keyid).ok_or_else(|| JobError::new(Code::Defect, "a key to push was not read"))?;
        names.insert(slot.name().to_owned(), name(key));
        patch = patch.key(binding, key.for_edge().map_err(JobError::from)?);
    }
    Ok(patch.text(NAMES, &Value::Object(names).to_string()))
}

/// What the edge must know about a key besides the key; the public half, where there is one, is what
/// it verifies our probe with.
fn name(key: &SigningKey) -> Value {
    let mut name = json!({ "keyid": key.keyid(), "alg": key.algorithm().as_str() });
    if let (Some(public), Some(name)) = (key.public_key(), name.as_object_mut()) {
        name.insert("public_key".to_owned(), json!(URL_SAFE_NO_PAD.encode(public)));
    }
    name
}

/// `{"job":"bootstrap"}`: the first push. Where AWSCURRENT is no key that the authorizer can use, a
/// first one is made and promoted at once: there is nothing that it could overlap with.
///
/// # Errors
/// Why the edge does not sign with AWSCURRENT now.
pub async fn bootstrap(key_sync: &KeySync, until: Instant, dry: DryRun) -> Result<Report, JobError> {
    let mut run = Run::begin(key_sync, until, dry).await.map_err(|error| error.at("bootstrap"))?;
    let outcome = first_push(&mut run, dry).await.map_err(|error| error.at("bootstrap"));
    run.end(outcome).await
}

async fn first_push(run: &mut Run<'_>, dry: DryRun) -> Result<Option<String>, JobError> {
    if !has_a_key(run).await? {
        if dry.is_dry() {
            return Ok(Some("AWSCURRENT is no key that the authorizer can use: a first one would be made".to_owned()));
        }
        first_key(run).await?;
    }
    run.settle().await
}

/// A shared key is none where the authorizer may not read the secret, unless the gateway lets it pass.
async fn has_a_key(run: &mut Run<'_>) -> Result<bool, JobError> {
    let current = run.seen.labels.current.as_deref().and_then(|current| run.keys.get(current));
    let Some(current) = current else { return Ok(run.seen.promoted().is_some()) };
    let suits = current.algorithm() != Algorithm::HmacSha256
        || run.key_sync.config.signing_algorithm == Algorithm::HmacSha256
        || run.seen.promoted().is_some();
    if suits {
        return Ok(true);
    }
    let current = current.keyid().to_owned();
    run.ask_edge().await?;
    Ok(run.seen.edge.passes_with(&current))
}

async fn first_key(run: &mut Run<'_>) -> Result<(), JobError> {
    let token = match run.seen.labels.rotating() {
        None => guards::token()?,
        // The place of a rotation that could not begin, because nothing passes without this first key.
        Some(place) if !run.keys.contains_key(place) && !run.unusable.contains_key(place) => place.to_owned(),
        Some(pending) => {
            let message = format!("AWSPENDING is on {pending}: let that rotation end, or take the label off");
            return Err(JobError::new(Code::RotationRefused, message));
        }
    };
    // First, so that a run that dies here leaves nothing that looks like somebody else's rotation.
    let note = RotationNote::new(&token, "bootstrap", run.key_sync.now());
    run.note_rotation(RotationNote { promoted: true, ..note }).await?;
    create::make_key(run, &token, None).await
}

impl From<CryptoFailed> for JobError {
    fn from(_: CryptoFailed) -> Self {
        Self::new(Code::Defect, "a key could not be made or used: no randomness, or no memory")
    }
}
