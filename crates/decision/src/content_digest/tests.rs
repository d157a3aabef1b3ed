#![allow(clippy::indexing_slicing)]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use proptest::prelude::*;

use super::*;

/// RFC 9530, Appendix B and D: the content, its line feed included.
const CONTENT: &[u8] = b"{\"hello\": \"world\"}\n";
const SHA_256: &str = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
const SHA_512: &str =
    "sha-512=:YMAam51Jz/jOATT6/zvHrLVgOYTGFy1d6GJiOHTohq4yP+pgk4vf2aCsyRZOtw8MjkM7iw7yZ/WkppmM44T3qg==:";

const SIX_MEGABYTES: usize = 6 << 20;

fn member(name: &str, algorithm: &'static Algorithm, body: &[u8]) -> String {
    format!("{name}=:{}:", STANDARD.encode(digest(algorithm, body)))
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut other = bytes.to_vec();
    other[bit / 8] ^= 1 << (bit % 8);
    other
}

#[test]
fn the_examples_of_the_rfc_agree() {
    for field in [SHA_256.to_owned(), SHA_512.to_owned(), format!("{SHA_256}, {SHA_512}")] {
        assert_eq!(verify(&field, CONTENT), Ok(()), "{field}");
        assert_eq!(verify(&field, b""), Err(DigestError::Mismatch), "{field}");
    }
}

#[test]
fn every_bit_of_the_body_counts() {
    for field in [SHA_256, SHA_512] {
        for bit in 0..CONTENT.len() * 8 {
            assert_eq!(verify(field, &flipped(CONTENT, bit)), Err(DigestError::Mismatch), "{field} bit {bit}");
        }
    }
}

/// No bit is idle: neither one of the digest, nor one of its spelling.
#[test]
fn every_bit_of_the_field_counts() {
    for field in [SHA_256, SHA_512] {
        for bit in 0..field.len() * 8 {
            // What is not UTF-8 is no header that an event could carry.
            let Ok(other) = String::from_utf8(flipped(field.as_bytes(), bit)) else { continue };
            assert!(verify(&other, CONTENT).is_err(), "bit {bit}: {other}");
        }
    }
}

#[test]
fn every_bit_of_a_digest_counts_beside_a_right_one() {
    let wrong = |name, algorithm, bit| {
        format!("{name}=:{}:", STANDARD.encode(flipped(digest(algorithm, CONTENT).as_ref(), bit)))
    };
    for bit in 0..256 {
        let wrong = wrong("sha-256", &SHA256, bit);
        for field in [wrong.clone(), format!("{wrong}, {SHA_512}"), format!("{SHA_512}, {wrong}")] {
            assert_eq!(verify(&field, CONTENT), Err(DigestError::Mismatch), "{field}");
        }
    }
    for bit in 0..512 {
        let wrong = wrong("sha-512", &SHA512, bit);
        for field in [wrong.clone(), format!("{wrong}, {SHA_256}"), format!("{SHA_256}, {wrong}")] {
            assert_eq!(verify(&field, CONTENT), Err(DigestError::Mismatch), "{field}");
        }
    }
}

#[test]
fn a_large_body_is_hashed_to_its_end() {
    let mut body = vec![b'x'; SIX_MEGABYTES];
    let field = format!("{}, {}", member("sha-256", &SHA256, &body), member("sha-512", &SHA512, &body));
    assert_eq!(verify(&field, &body), Ok(()));
    for at in [0, SIX_MEGABYTES / 2, SIX_MEGABYTES - 1] {
        body[at] ^= 1;
        assert_eq!(verify(&field, &body), Err(DigestError::Mismatch), "byte {at}");
        body[at] ^= 1;
    }
    body.pop();
    assert_eq!(verify(&field, &body), Err(DigestError::Mismatch), "cut by one byte");
}

#[test]
fn fields_that_only_a_lenient_reader_would_take_are_malformed() {
    let sum = digest(&SHA256, CONTENT);
    let mut stray = STANDARD.encode(sum.as_ref()).into_bytes();
    // The last letter carries two bits that are none of the digest.
    let last = stray.len() - 2;
    stray[last] += 1;
    for field in [
        format!("sha-256=:{}:", STANDARD_NO_PAD.encode(sum.as_ref())),
        format!("sha-256=:{}:", String::from_utf8(stray).unwrap()),
        format!("{SHA_256};q=1"),
        format!("{SHA_256}, x=:AA==:;q"),
        format!("{SHA_256}, {SHA_256}"),
        format!("{SHA_512}, {SHA_256}, {SHA_512}"),
        format!("{SHA_256}, md5=:AA==:, md5=:AA==:"),
    ] {
        assert_eq!(verify(&field, CONTENT), Err(DigestError::Malformed), "{field}");
    }
}

#[test]
fn a_field_is_bounded() {
    let filled = |len: usize| format!("{SHA_256}, x=:{}:", "A".repeat(len - SHA_256.len() - ", x=::".len()));
    assert_eq!(verify(&filled(limits::CONTENT_DIGEST), CONTENT), Ok(()));
    assert_eq!(verify(&filled(limits::CONTENT_DIGEST + 4), CONTENT), Err(DigestError::Malformed));
}

proptest! {
    #[test]
    fn a_body_agrees_with_its_own_digest_only(body: Vec<u8>, other: Vec<u8>) {
        for field in [member("sha-256", &SHA256, &body), member("sha-512", &SHA512, &body)] {
            prop_assert_eq!(verify(&field, &body), Ok(()));
            prop_assert_eq!(verify(&field, &other).is_ok(), body == other);
        }
    }

    #[test]
    fn no_field_makes_it_panic_and_none_without_a_digest_is_accepted(field in "\\PC{0,300}", body: Vec<u8>) {
        prop_assert!(verify(&field, &body).is_err());
    }

    #[test]
    fn only_a_digest_of_the_right_length_can_agree(sum in prop::collection::vec(any::<u8>(), 0..80), body: Vec<u8>) {
        for name in ["sha-256", "sha-512"] {
            let field = format!("{name}=:{}:", STANDARD.encode(&sum));
            prop_assert_eq!(verify(&field, &body), Err(DigestError::Mismatch));
        }
    }
}
