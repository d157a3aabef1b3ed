//! Not one bit of what was signed, of what is said about it, or of the signature can change.

use super::super::fixture::{Draft, Edge, Signed};
use super::super::{Algorithm, Tag};

fn each_edge(test: impl Fn(&Edge, &Draft)) {
    for algorithm in Algorithm::ALL {
        let edge = Edge::new(algorithm);
        let draft = Draft::new(&edge).signed_line("Edge-Key", &"0b".repeat(32));
        assert_eq!(draft.sign(&edge).judge(&edge.key), Ok(Tag::Caller), "{algorithm:?}: good as it is");
        test(&edge, &draft);
    }
}

/// Every copy of `bytes` that differs in one bit.
fn flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    })
}

/// As `flips`, each byte as the character of its number: an event is JSON, and can hold any.
fn text_flips(text: &str) -> impl Iterator<Item = String> {
    flips(text.as_bytes()).map(|bytes| bytes.into_iter().map(char::from).collect())
}

fn refused(signed: &Signed, edge: &Edge, what: &str) {
    assert!(signed.judge(&edge.key).is_err(), "{:?} took {what}", edge.key.algorithm());
}

#[test]
fn of_the_signature_base() {
    each_edge(|edge, draft| {
        let base = draft.base();
        let signature = edge.sign(&base);
        assert!(edge.key.verify(base.as_bytes(), &signature));
        for flipped in flips(base.as_bytes()) {
            assert!(!edge.key.verify(&flipped, &signature), "{}", String::from_utf8_lossy(&flipped));
        }
    });
}

#[test]
fn of_the_decoded_signature() {
    each_edge(|edge, draft| {
        for flipped in flips(&edge.sign(&draft.base())) {
            refused(&draft.sign_as(&flipped), edge, "another signature");
        }
    });
}

#[test]
fn of_the_signature_input() {
    each_edge(|edge, draft| {
        let signed = draft.sign(edge);
        for flipped in text_flips(signed.line("signature-input")) {
            refused(&signed.clone().with_line("signature-input", &flipped), edge, &flipped);
        }
    });
}

#[test]
fn of_the_signature_text() {
    each_edge(|edge, draft| {
        let signed = draft.sign(edge);
        let text = signed.line("signature").to_owned();
        for flipped in text_flips(&text) {
            refused(&signed.clone().with_line("signature", &flipped), edge, &flipped);
        }
    });
}

#[test]
fn of_the_method_and_the_covered_headers() {
    each_edge(|edge, draft| {
        let signed = draft.sign(edge);
        for method in text_flips(&signed.method) {
            refused(&Signed { method: method.clone(), ..signed.clone() }, edge, &method);
        }
        for name in ["edge-target", "edge-client", "edge-key"] {
            for value in text_flips(signed.line(name)) {
                refused(&signed.clone().with_line(name, &value), edge, &value);
            }
        }
    });
}

/// But for the case of a letter, which a host does not have.
#[test]
fn of_the_authority() {
    each_edge(|edge, draft| {
        let signed = draft.sign(edge);
        for authority in text_flips(&signed.authority) {
            let same_host = authority.eq_ignore_ascii_case(&signed.authority);
            let judged = Signed { authority: authority.clone(), ..signed.clone() }.judge(&edge.key);
            assert_eq!(judged.is_ok(), same_host, "{authority}");
        }
    });
}
