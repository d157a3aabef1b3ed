//! `content-digest.json`: which bodies are those that were signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_decision::content_digest::{DigestError, verify};

use super::text;

#[test]
fn every_body_is_judged_by_its_field() {
    let file = super::shared("content-digest");
    let cases = file["cases"].as_array().unwrap();
    let mut outcomes = [0; 4];
    for case in cases {
        let body = STANDARD.decode(text(&case["body"])).unwrap();
        let (outcome, place) = match verify(text(&case["field"]), &body) {
            Ok(()) => ("ok", 0),
            Err(DigestError::Mismatch) => ("mismatch", 1),
            Err(DigestError::Unsupported) => ("unsupported", 2),
            Err(DigestError::Malformed) => ("malformed", 3),
        };
        assert_eq!(outcome, text(&case["expected"]), "{}", case["name"]);
        outcomes[place] += 1;
    }
    assert!(outcomes.iter().all(|count| *count >= 5), "{outcomes:?}");
}
