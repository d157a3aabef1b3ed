//! A rotation as Secrets Manager drives it: one event for each of four steps, all under one token.

use serde_json::{Value, json};

pub const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// What Secrets Manager sends for a step. `secret` is an ARN.
pub fn event(step: &str, secret: &str, token: &str) -> Value {
    json!({ "Step": step, "SecretId": secret, "ClientRequestToken": token })
}

/// The four steps in order, up to one that fails; the error names it.
pub async fn drive(mut step: impl AsyncFnMut(&'static str) -> Result<(), String>) -> Result<(), String> {
    for name in STEPS {
        step(name).await.map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}
