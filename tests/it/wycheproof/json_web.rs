//! Wycheproof's JWS and JWK files through the token's own reader, key set and verifier.
//!
//! The files are not in the crate and not in this repository. They are read from `WYCHEPROOF_DIR`, or
//! from the folder `wycheproof` of `VECTORS_DIR`; where they are absent nothing is checked. Their
//! payloads are no claims, so what is tried is all of a token but those; as whole tokens none is one.

use std::path::PathBuf;

use countersign_decision::decision::Refusal;
use countersign_decision::token::algorithm::Algorithm;
use countersign_decision::token::jws::Jws;
use countersign_decision::token::{KeySet, Unverified};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct File {
    #[serde(rename = "testGroups")]
    groups: Vec<Group>,
}

/// `private` holds the key where it is symmetric or was published whole by mistake.
#[derive(Deserialize)]
struct Group {
    comment: String,
    private: Option<Value>,
    public: Option<Value>,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Test {
    #[serde(rename = "tcId")]
    id: u32,
    comment: String,
    jws: String,
    result: String,
}

/// Where we differ from the files on purpose: why, and for which `tcId`.
type Differences = &'static [(&'static str, &'static [u32])];

const SYMMETRIC: &str = "an issuer's keys are public: HMAC has no name here, whatever the key";

const SIGNATURES: Differences = &[
    (SYMMETRIC, &[1, 348, 352, 357, 358, 359, 376, 377]),
    ("the key says PS256, the token PS384: a key's alg is binding", &[346, 350]),
    ("ES512 over P-521, under a key that says \"ES521\"", &[347, 351]),
    ("a character outside base64url that a lenient decoder would skip (and HMAC)", &[372, 373]),
];

const KEYS: Differences = &[
    (SYMMETRIC, &[2, 13, 14, 15]),
    ("accepted: an RSA key with the ROCA weakness, which is the issuer's to replace", &[7]),
];

fn load(name: &str) -> Option<File> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors");
    let folder = std::env::var_os("WYCHEPROOF_DIR").map(PathBuf::from).unwrap_or_else(|| {
        std::env::var_os("VECTORS_DIR").map_or_else(|| PathBuf::from(default), PathBuf::from).join("wycheproof")
    });
    let file = folder.join(name);
    let Ok(text) = std::fs::read(&file) else {
        eprintln!("skipped: no {} (set WYCHEPROOF_DIR)", file.display());
        return None;
    };
    Some(serde_json::from_slice(&text).expect("a file of Wycheproof's"))
}

/// The key or set of a group as an issuer would publish it.
fn published(group: &Group) -> KeySet {
    let keys = group.public.as_ref().or(group.private.as_ref()).expect("a key");
    let set = if keys.get("keys").is_some() { keys.clone() } else { json!({"keys": [keys]}) };
    KeySet::parse(set.to_string().as_bytes()).expect("a key set")
}

fn judge(jws: &str, keys: &KeySet) -> Result<(), Refusal> {
    assert!(Unverified::read(jws).is_err(), "a token that names no issuer");
    Jws::read(jws)?.verify(keys, &Algorithm::ALL).map(drop)
}

fn run(name: &str, differences: Differences) {
    let Some(file) = load(name) else { return };
    let mut differing = Vec::new();
    let (mut accepted, mut refused) = (0, 0);
    for group in &file.groups {
        let keys = published(group);
        for test in &group.tests {
            let got = judge(&test.jws, &keys);
            match got {
                Ok(()) => accepted += 1,
                Err(_) => refused += 1,
            }
            if got.is_ok() != (test.result == "valid") {
                differing.push((test.id, format!("{}/{}: {} but {got:?}", group.comment, test.comment, test.result)));
            }
        }
    }
    let listed: Vec<u32> = differences.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
    let unlisted: Vec<_> = differing.iter().filter(|(id, _)| !listed.contains(id)).collect();
    assert!(unlisted.is_empty(), "{name} differs:\n{unlisted:#?}");
    let gone: Vec<_> = listed.iter().filter(|id| differing.iter().all(|(other, _)| other != *id)).collect();
    assert!(gone.is_empty(), "{name}: no longer different: {gone:?}");
    assert!(accepted > 0 && refused > 0);
    println!("{name}: {accepted} accepted, {refused} refused, {} deliberate differences", listed.len());
}

#[test]
fn signatures() {
    run("json_web_signature_test.json", SIGNATURES);
}

#[test]
fn keys() {
    run("json_web_key_test.json", KEYS);
}

/// Keys that were published with their private halves verify nothing, not even the good vectors.
#[test]
fn private_keys() {
    for name in ["json_web_signature_test.json", "json_web_key_test.json"] {
        for mut group in load(name).map(|file| file.groups).unwrap_or_default() {
            // One set of theirs mixes a symmetric key with a public one, which stays usable.
            if group.comment != "jws_mixedSymmetryKeyset" {
                group.public = None;
                assert!(published(&group).is_empty(), "{}", group.comment);
            }
        }
    }
}
