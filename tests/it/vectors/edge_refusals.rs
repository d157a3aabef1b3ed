//! `edge-refusals.json`: what the edge refuses. The edge's own tests send the requests; here the file is held against
//! what this language knows: the codes, the paths, the keys' hashes, and the records as they are published.

use countersign_decision::api_key::KeyHash;
use countersign_decision::decision::{Refusal, RefusalKind};
use countersign_decision::path;
use countersign_decision::published::{self, KEY, ROUTES};
use countersign_decision::record::key::KeyRecord;
use countersign_decision::target::Target;
use serde_json::{Map, Value};

use super::{header, routing, text};

/// The edge says of a request itself what HTTP has a word for; of its caller it says what the authorizer says.
const OF_THE_REQUEST: [Refusal; 3] = [Refusal::PathHostile, Refusal::InsidePath, Refusal::TargetMalformed];

fn file() -> Value {
    let file = super::shared("edge-refusals");
    assert!(file["vectors"].as_array().unwrap().len() >= 40);
    file
}

/// A text, or the parts of a long one.
fn written(value: &Value) -> String {
    let Value::Array(parts) = value else { return text(value).to_owned() };
    let part = |part: &Value| match part {
        Value::Object(_) => text(&part["repeat"]).repeat(part["times"].as_u64().unwrap().try_into().unwrap()),
        part => text(part).to_owned(),
    };
    parts.iter().map(part).collect()
}

/// Path and query of a URL.
fn target(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap();
    rest.find('/').map_or("/", |at| &rest[at..])
}

#[test]
fn codes_that_the_authorizer_has_too_are_refusals_there_of_the_same_sort() {
    let mut shared = 0;
    for vector in file()["vectors"].as_array().unwrap() {
        let (code, status) = (text(&vector["expected"]["code"]), vector["expected"]["status"].as_u64().unwrap());
        assert!((400..500).contains(&status), "{code}: the edge's own outages are no refusals");
        let Some(refusal) = Refusal::ALL.iter().find(|refusal| refusal.code() == code) else { continue };
        shared += 1;
        if !OF_THE_REQUEST.contains(refusal) {
            let same = if refusal.kind() == RefusalKind::WhoAreYou { 401 } else { 403 };
            assert_eq!(status, same, "{code}");
        }
    }
    assert!(shared >= 25, "{shared}");
}

#[test]
fn a_path_is_refused_there_as_it_would_be_here() {
    for vector in file()["vectors"].as_array().unwrap() {
        let (url, name) = (written(&vector["url"]), &vector["name"]);
        let target = target(&url);
        let path = target.split('?').next().unwrap();
        let judged = match Target::parse(target) {
            _ if path::is_inside(path) => Some("inside_path"),
            Err(refusal) => Some(refusal.code()),
            Ok(_) => None,
        };
        let code = text(&vector["expected"]["code"]);
        let expected = OF_THE_REQUEST.map(Refusal::code).into_iter().find(|own| *own == code);
        // Both refuse what is hostile and escaped badly; which they say first is their own.
        match (judged, expected) {
            (Some("target_malformed"), Some("path_hostile")) => assert!(path::is_hostile(path), "{name}"),
            (judged, expected) => assert_eq!(judged, expected, "{name}"),
        }
    }
}

#[test]
fn a_key_is_found_under_the_hash_that_it_has_here() {
    let file = file();
    let mut found = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let (code, name) = (text(&vector["expected"]["code"]), &vector["name"]);
        let Some(raw) = header(vector, "x-api-key") else { continue };
        match KeyHash::of_raw(raw) {
            Err(refusal) => assert_eq!(refusal.code(), code, "{name}"),
            Ok(hash) => {
                let is_stored = !file["store"][format!("{KEY}{}", hash.to_hex())].is_null();
                assert_eq!(is_stored, code != "key_unknown", "{name}");
                found += usize::from(is_stored);
            }
        }
    }
    assert!(found >= 20, "{found}");
}

#[test]
fn every_record_is_as_it_is_published() {
    let file = file();
    let own = file["vectors"].as_array().unwrap().iter().filter_map(|vector| vector["store"].as_object());
    for store in own.chain(file["store"].as_object()) {
        published_so(store);
    }
}

fn published_so(store: &Map<String, Value>) {
    for (name, value) in store {
        let published = match name.split_once(':') {
            Some(("key", hash)) => published::key(hash, &key(value)),
            None if name == ROUTES => {
                let routes = routing::routes(value);
                let routes: Vec<_> = routes.iter().map(|(id, record)| (id.as_str(), record)).collect();
                published::routes(value["version"].as_u64().unwrap(), &routes)
            }
            _ => panic!("{name} is neither a key nor the routes"),
        };
        let published = published.unwrap();
        assert_eq!(published.name, *name);
        assert_eq!(serde_json::from_str::<Value>(&published.value).unwrap(), *value, "{name}");
    }
}

/// Of a revoked key no more is published than what a tombstone has.
fn key(value: &Value) -> KeyRecord {
    if value["status"] == "revoked" {
        return KeyRecord::tombstone(text(&value["key_id"]), value["version"].as_u64().unwrap()).unwrap();
    }
    serde_json::from_value(value.clone()).unwrap()
}
