//! The three steps together, on requests as the edge signs them; each file of `tests/` holds one part.

mod attacks;
mod base;
mod bit_flips;
mod claim;
mod input;
mod key;
mod profile;

use super::fixture::{Draft, Edge};
use super::{Algorithm, Tag};
use crate::decision::Refusal;

#[test]
fn a_signed_request_passes_with_every_algorithm() {
    for algorithm in Algorithm::ALL {
        let edge = Edge::new(algorithm);
        let draft = Draft::new(&edge)
            .signed_line("Edge-Key", &"ab".repeat(32))
            .signed_line("Authorization", "Bearer a.b.c")
            .signed_line("Content-Digest", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:");
        assert_eq!(draft.sign(&edge).judge(&edge.key), Ok(Tag::Caller), "{algorithm:?}");
    }
}

#[test]
fn the_edges_own_request_needs_no_client() {
    let edge = Edge::hmac();
    let inside = Draft::new(&edge).parameter("tag", "\"countersign-inside\"");
    assert_eq!(inside.sign(&edge).judge(&edge.key), Ok(Tag::Inside));
    let without_client = inside.not_covering("edge-client").without_line("edge-client");
    assert_eq!(without_client.sign(&edge).judge(&edge.key), Ok(Tag::Inside));
}

#[test]
fn an_uncovered_header_may_change() {
    let edge = Edge::hmac();
    let signed = Draft::new(&edge).sign(&edge).with_line("User-Agent", "another/1.0");
    assert_eq!(signed.judge(&edge.key), Ok(Tag::Caller));
}

#[test]
fn order_of_components_and_parameters_is_the_signers_choice() {
    let edge = Edge::hmac();
    let mut draft = Draft::new(&edge).parameter("x-more", "1.5");
    draft.covered.reverse();
    draft.parameters.reverse();
    assert_eq!(draft.sign(&edge).judge(&edge.key), Ok(Tag::Caller));
}

#[test]
fn the_base_is_of_the_parsed_fields_not_of_their_text() {
    let edge = Edge::hmac();
    let signed = Draft::new(&edge).sign(&edge);
    let spaced = signed.line("signature-input").replace("=(", "=(  ").replace("\" \"", "\"   \"").replace(';', ";  ");
    assert_eq!(signed.with_line("signature-input", &spaced).judge(&edge.key), Ok(Tag::Caller));
}

#[test]
fn a_key_is_tried_for_its_own_keyid_only() {
    let edge = Edge::hmac();
    let signed = Draft::new(&edge).parameter("keyid", "\"another\"").sign(&edge);
    assert_eq!(signed.judge(&edge.key), Err(Refusal::SignatureKeyUnknown));
}

#[test]
fn alg_must_agree_with_the_key_where_it_is_present() {
    for algorithm in Algorithm::ALL {
        let edge = Edge::new(algorithm);
        assert_eq!(Draft::new(&edge).without_parameter("alg").sign(&edge).judge(&edge.key), Ok(Tag::Caller));
        for other in ["none", "HMAC-SHA256", "rsa-pss-sha512", ""] {
            let signed = Draft::new(&edge).parameter("alg", format!("{other:?}")).sign(&edge);
            assert_eq!(signed.judge(&edge.key), Err(Refusal::SignatureAlgorithm), "{algorithm:?} as {other:?}");
        }
        for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            let signed = Draft::new(&edge).parameter("alg", format!("{:?}", other.as_str())).sign(&edge);
            assert_eq!(signed.judge(&edge.key), Err(Refusal::SignatureAlgorithm), "{algorithm:?} as {other:?}");
        }
    }
}

#[test]
fn another_key_under_the_same_keyid_does_not_verify() {
    for (of, by) in [
        (Algorithm::HmacSha256, Algorithm::Ed25519),
        (Algorithm::Ed25519, Algorithm::EcdsaP256Sha256),
        (Algorithm::EcdsaP256Sha256, Algorithm::HmacSha256),
        (Algorithm::EcdsaP256Sha256, Algorithm::EcdsaP256Sha256),
    ] {
        let signed = Draft::new(&Edge::new(of)).without_parameter("alg").sign(&Edge::new(by));
        assert_eq!(signed.judge(&Edge::new(of).key), Err(Refusal::SignatureInvalid), "{of:?} signed by {by:?}");
    }
}
