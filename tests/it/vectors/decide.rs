//! A vector through the whole pure decision, with the look-ups that its file describes.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use countersign_authorizer::config::Config;
use countersign_authorizer::event;
use countersign_decision::conversation::{self, Step};
use countersign_decision::signature::{Algorithm, EdgeKey};
use countersign_decision::time::Timestamp;
use serde_json::Value;

use super::text;

/// The code of the decision on a vector.
pub fn code(file: &Value, vector: &Value) -> &'static str {
    let config = Config::read(|name| variable(vector, name)).unwrap_or_else(|problems| panic!("{problems}"));
    let payload = vector["event"].to_string();
    let request = match event::parse(&payload) {
        Ok(request) => request,
        Err(unreadable) => return unreadable.fault.code(),
    };
    let now = Timestamp::from_secs(vector["now"].as_u64().unwrap());
    let mut step = conversation::open(&config.rules, &request, now);
    loop {
        step = match step {
            Step::EdgeKey(step) => {
                let found = edge_key(file, step.keyid());
                step.resume(Ok(found))
            }
            Step::Caller(step) => {
                let pk = step.key().map(|hash| format!("key#{}", hash.to_hex()));
                let record =
                    pk.and_then(|pk| item(file, &pk)).map(|item| serde_json::from_value(item.clone()).unwrap());
                step.resume(Ok(record.map(Arc::new)), Ok(None))
            }
            Step::Nonce(step) => {
                let taken = vector["claimed_nonces"].as_array().unwrap().iter().any(|pk| pk == step.pk());
                step.resume(Ok(!taken))
            }
            Step::EdgeToken(_) => panic!("no vector has an edge token"),
            Step::Done(verdict) => return verdict.decision.code(),
        };
    }
}

/// What the vector sets, and what every authorizer must have.
fn variable(vector: &Value, name: &str) -> Option<String> {
    let fixed = match name {
        "KEY_TABLE" => Some("countersign-keys"),
        "SIGNING_SECRET" => Some("countersign-signing"),
        _ => vector["environment"][name].as_str(),
    };
    fixed.map(str::to_owned)
}

fn edge_key(file: &Value, keyid: &str) -> Option<Arc<EdgeKey>> {
    let key = file["keys"].as_array().unwrap().iter().find(|key| key["keyid"] == keyid)?;
    let bytes = |value: &Value| BASE64URL.decode(text(value)).unwrap();
    let parsed = match Algorithm::parse(text(&key["alg"])).unwrap() {
        Algorithm::HmacSha256 => EdgeKey::hmac(keyid, &bytes(&key["secret"])),
        algorithm => EdgeKey::public(keyid, algorithm, &bytes(&key["public_key"])),
    };
    Some(Arc::new(parsed.unwrap_or_else(|error| panic!("{keyid}: {error}"))))
}

fn item<'f>(file: &'f Value, pk: &str) -> Option<&'f Value> {
    file["key_table"].as_array().unwrap().iter().find(|item| item["pk"] == pk)
}
