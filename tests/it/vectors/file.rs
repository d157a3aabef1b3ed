//! One file of vectors: where it is, what it says about itself, and how its vectors are made.

use std::path::PathBuf;

use countersign_tests::deployment::{READER, key_record};
use serde_json::{Value, json};

use super::case::Case;
use super::{callers, cases, keys};

/// Those that are about signatures.
pub const SIGNED: [&str; 4] = ["hmac-sha256", "ed25519", "ecdsa-p256-sha256", "refusals"];
/// All that are made.
pub const MADE: [&str; 5] = ["hmac-sha256", "ed25519", "ecdsa-p256-sha256", "refusals", "callers"];

const ABOUT: &str = "Made by tests/it/vectors.rs; not to be edited. `worker_url`, `method` and those `headers` that \
    are not the signature's are what the edge fetches; `expected` has the signature base, the parameters, the \
    signature (standard base64) and the code of the decision on `event` at `now` (seconds), under `environment` and \
    with `keys`, `key_table` and `claimed_nonces` as what look-ups find. An ecdsa-p256-sha256 signature is one of many \
    valid ones. The keys are the public test keys of RFC 9421 Appendix B.1: never use them for anything else.";

/// In the order of reading.
const FIELDS: [&str; 14] = [
    "name",
    "key",
    "environment",
    "method",
    "worker_url",
    "headers",
    "event",
    "client",
    "now",
    "claimed_nonces",
    "key_table",
    "store",
    "key_sets",
    "expected",
];

pub struct File {
    name: &'static str,
}

impl File {
    pub const fn new(name: &'static str) -> Self {
        Self { name }
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors").join(format!("{}.json", self.name))
    }

    /// `None` where there is no such file yet.
    pub fn read(&self) -> Option<Value> {
        let text = std::fs::read(self.path()).ok()?;
        Some(serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", self.name)))
    }

    /// A line for each field of a vector: long, but a difference shows what differs.
    pub fn write(&self, contents: &Value) {
        let about = format!("\"about\": {}", contents["about"]);
        let lists = ["keys", "key_table"].into_iter().filter(|&name| !contents[name].is_null()).map(|name| {
            let items: Vec<_> = contents[name].as_array().unwrap().iter().map(Value::to_string).collect();
            format!("{name:?}: [\n  {}\n]", items.join(",\n  "))
        });
        let vectors: Vec<_> = contents["vectors"].as_array().unwrap().iter().map(object).collect();
        let vectors = format!("\"vectors\": [\n{}\n]", vectors.join(",\n"));
        let members: Vec<_> = std::iter::once(about).chain(lists).chain([vectors]).collect();
        let text = format!("{{\n{}\n}}\n", members.join(",\n"));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), *contents);
        std::fs::write(self.path(), text).unwrap();
    }

    pub fn make(&self) -> Value {
        let stored = self.read();
        let (keyid, cases) = match self.name {
            "hmac-sha256" => (keys::HMAC, cases::accepted(keys::HMAC)),
            "ed25519" => (keys::ED25519_KEY, cases::accepted(keys::ED25519_KEY)),
            "ecdsa-p256-sha256" => (keys::P256, cases::accepted(keys::P256)),
            "refusals" => (keys::HMAC, cases::refused()),
            "callers" => return callers::make(stored.as_ref()),
            name => panic!("{name} is not made"),
        };
        let vectors: Vec<_> =
            cases.into_iter().map(|case| case.vector(|case| stored_signature(stored.as_ref(), case))).collect();
        json!({
            "about": ABOUT,
            "keys": [keys::described(keyid)],
            "key_table": [key_record(READER)],
            "vectors": vectors,
        })
    }
}

fn object(value: &Value) -> String {
    let fields = FIELDS.iter().filter_map(|&field| Some((field, value.get(field)?)));
    let fields: Vec<_> = fields.map(|(field, value)| format!("    {field:?}: {value}")).collect();
    format!("  {{\n{}\n  }}", fields.join(",\n"))
}

/// The signature that is stored for this very base. ECDSA draws a random number for each, and files
/// should change only where something changed.
fn stored_signature(stored: Option<&Value>, case: &Case) -> Option<String> {
    let vectors = stored?["vectors"].as_array()?;
    let vector = vectors.iter().find(|vector| vector["name"] == case.name.as_str())?;
    let signature = vector["expected"]["signature"].as_str()?;
    let (keyid, base) = (case.key.keyid(), case.draft.base());
    (vector["expected"]["base"] == base && keys::verify(keyid, base.as_bytes(), signature))
        .then(|| signature.to_owned())
}
