//! The vectors of `tests/vectors`: what an edge signs and what the authorizer makes of it, as files,
//! so that both sides can be held to the same ones.
//!
//! The files are made here (`UPDATE_VECTORS=1 cargo test -p countersign-tests --test it vectors`) by a
//! signer and by event builders that share no code with what is tested, and are decided by the whole
//! pure decision. The keys are the published ones of RFC 9421 Appendix B.1.
//!
//! What both sides have to decide alike without a signature is written down by hand: `routing.json`, `paths.json`
//! (read where paths are judged) and `content-digest.json`; and what the edge alone refuses, `edge-refusals.json`.

mod callers;
mod case;
mod cases;
mod coverage;
mod decide;
mod digests;
mod edge_refusals;
mod file;
mod keys;
mod routing;

use std::collections::HashSet;
use std::sync::LazyLock;

use serde_json::Value;

use self::file::{File, MADE, SIGNED};

/// Read once, after an update if one is asked for: no test sees half a file.
static FILES: LazyLock<[Option<Value>; MADE.len()]> = LazyLock::new(|| {
    MADE.map(|name| {
        let file = File::new(name);
        if std::env::var_os("UPDATE_VECTORS").is_some() {
            file.write(&file.make());
        }
        file.read()
    })
});

#[test]
fn the_files_are_what_signer_and_builders_make() {
    for (name, stored) in MADE.into_iter().zip(FILES.iter()) {
        let same = stored.as_ref() == Some(&File::new(name).make());
        assert!(same, "{name} is out of date: UPDATE_VECTORS=1 cargo test -p countersign-tests --test it vectors");
    }
}

#[test]
fn no_two_vectors_of_a_file_have_one_name() {
    for file in MADE.into_iter().map(made) {
        let mut names = HashSet::new();
        for vector in file["vectors"].as_array().unwrap() {
            assert!(names.insert(text(&vector["name"])), "{}", vector["name"]);
        }
    }
}

#[test]
fn every_vector_is_decided_as_it_says() {
    for (file, vector) in all() {
        let code = decide::code(file, vector);
        assert_eq!(code, text(&vector["expected"]["code"]), "{}", vector["name"]);
    }
}

/// Straight to the verifiers, whatever happens to the request on its way: `expected.signature` is one
/// over `expected.base`.
#[test]
fn every_signature_is_over_its_base() {
    for (_, vector) in all() {
        let (expected, name) = (&vector["expected"], &vector["name"]);
        if expected["base"].is_null() {
            continue;
        }
        let (base, signature) = (text(&expected["base"]), text(&expected["signature"]));
        assert!(keys::verify(text(&vector["key"]), base.as_bytes(), signature), "{name}");
        let sent = header(vector, "signature").unwrap();
        assert!(sent.ends_with(&format!("=:{signature}:")) || sent.contains(&format!("=:{signature}:,")), "{name}");
        assert!(base.ends_with(&format!("\"@signature-params\": {}", text(&expected["signature_params"]))), "{name}");
    }
}

/// What a Worker needs to make a vector itself: the URL it fetches is the target that it signs.
#[test]
fn every_signed_target_is_the_worker_s_url() {
    for (_, vector) in all() {
        let Some(target) = header(vector, "edge-target") else { continue };
        let (scheme, rest) = text(&vector["worker_url"]).split_once("://").unwrap();
        let (_, path) = rest.split_at(rest.find('/').unwrap());
        assert_eq!((scheme, path), ("https", target), "{}", vector["name"]);
    }
}

/// One flipped bit anywhere in base or signature, and no vector verifies.
#[test]
fn no_vector_survives_a_flipped_bit_of_its_signature() {
    for (file, vector) in all().filter(|(_, vector)| vector["expected"]["code"] == "allow") {
        for bit in [0, 7, 100, 255, 256 - 8] {
            let forged = keys::flip(text(&vector["expected"]["signature"]), bit);
            let text = vector.to_string().replace(text(&vector["expected"]["signature"]), &forged);
            let forged: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(decide::code(file, &forged), "signature_invalid", "{} bit {bit}", vector["name"]);
        }
    }
}

/// Every vector that is about signatures, with the file that it is from.
fn all() -> impl Iterator<Item = (&'static Value, &'static Value)> {
    SIGNED.into_iter().map(made).flat_map(|file| {
        let vectors = file["vectors"].as_array().unwrap();
        assert!(!vectors.is_empty());
        vectors.iter().map(move |vector| (file, vector))
    })
}

/// A file that is made.
fn made(name: &str) -> &'static Value {
    let at = MADE.iter().position(|made| *made == name).unwrap();
    FILES[at].as_ref().unwrap_or_else(|| panic!("{name} is missing"))
}

/// A file that is kept by hand.
fn shared(name: &'static str) -> Value {
    File::new(name).read().unwrap_or_else(|| panic!("{name} is missing"))
}

fn header<'v>(vector: &'v Value, name: &str) -> Option<&'v str> {
    let mut lines = vector["headers"].as_array().unwrap().iter();
    lines.find(|line| text(&line[0]).eq_ignore_ascii_case(name)).map(|line| text(&line[1]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}
