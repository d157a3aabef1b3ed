//! A refusal that no vector brings about is one that the other language may not have.

use std::collections::HashSet;

use countersign_decision::decision::Refusal;

use super::{made, text};

#[test]
fn every_refusal_has_a_vector() {
    let vectors = ["refusals", "callers"].into_iter().flat_map(|name| made(name)["vectors"].as_array().unwrap());
    let brought_about: HashSet<_> = vectors.map(|vector| text(&vector["expected"]["code"])).collect();
    let missing: Vec<_> =
        Refusal::ALL.iter().map(|refusal| refusal.code()).filter(|code| !brought_about.contains(code)).collect();
    assert!(missing.is_empty(), "without a vector in refusals.json or callers.json: {missing:?}");
}
