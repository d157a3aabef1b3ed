//! Attacks on signatures, one test each, by the name under which they are known.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};

use super::super::fixture::{Draft, Edge, KEYID, NOW, Signed};
use super::super::{Algorithm, EdgeKey};
use crate::decision::Refusal;
use crate::limits;

fn refusal(signed: &Signed, edge: &Edge) -> Refusal {
    signed.judge(&edge.key).expect_err("accepted")
}

#[test]
fn nothing_is_signed_for_another_label() {
    let edge = Edge::hmac();
    let signed = Draft::new(&edge).sign(&edge);
    let moved = signed.line("signature").replacen("edge=", "other=", 1);
    assert_eq!(refusal(&signed.with_line("signature", &moved), &edge), Refusal::SignatureMalformed);
}

#[test]
fn a_good_signature_of_another_label_does_not_cover_ours() {
    let edge = Edge::hmac();
    let good = Draft { label: "good".to_owned(), ..Draft::new(&edge).parameter("tag", "\"other\"") }.sign(&edge);
    let bad = Draft::new(&edge).sign_as(&[0; 32]);
    let both = |name: &str| format!("{}, {}", bad.line(name), good.line(name));
    let signed = bad.clone().with_line("signature-input", &both("signature-input"));
    let signed = signed.with_line("signature", &both("signature"));
    assert_eq!(refusal(&signed, &edge), Refusal::SignatureInvalid);
}

#[test]
fn two_labels_with_our_tag() {
    let edge = Edge::hmac();
    let first = Draft::new(&edge).sign(&edge);
    let second = Draft { label: "edge2".to_owned(), ..Draft::new(&edge) }.sign(&edge);
    let both = |name: &str| format!("{}, {}", first.line(name), second.line(name));
    let signed = first.clone().with_line("signature-input", &both("signature-input"));
    let signed = signed.with_line("signature", &both("signature"));
    assert_eq!(refusal(&signed, &edge), Refusal::SignatureAmbiguous);
}

#[test]
fn one_label_twice_the_last_one_winning() {
    let edge = Edge::hmac();
    let signed = Draft::new(&edge).sign(&edge);
    for name in ["signature-input", "signature"] {
        let twice = format!("{0}, {0}", signed.line(name));
        assert_eq!(refusal(&signed.clone().with_line(name, &twice), &edge), Refusal::SignatureMalformed, "{name}");
    }
}

#[test]
fn one_parameter_twice_the_last_one_winning() {
    let edge = Edge::hmac();
    for name in ["created", "expires", "keyid", "alg", "nonce", "tag"] {
        let mut draft = Draft::new(&edge);
        let repeated = draft.parameters.iter().find(|(own, _)| own == name).unwrap().clone();
        draft.parameters.push(repeated);
        assert_eq!(refusal(&draft.sign(&edge), &edge), Refusal::SignatureMalformed, "{name}");
    }
}

#[test]
fn created_in_the_future() {
    let edge = Edge::hmac();
    let draft = Draft::new(&edge).parameter("created", NOW + 30).parameter("expires", NOW + 90);
    assert_eq!(refusal(&draft.sign(&edge), &edge), Refusal::SignatureFuture);
}

#[test]
fn created_missing_negative_or_decimal() {
    let edge = Edge::hmac();
    assert_eq!(
        refusal(&Draft::new(&edge).without_parameter("created").sign(&edge), &edge),
        Refusal::SignatureMalformed
    );
    for value in ["-1", "1800000000.0", "\"1800000000\"", "@1800000000"] {
        let draft = Draft::new(&edge).parameter("created", value);
        assert_eq!(refusal(&draft.sign(&edge), &edge), Refusal::SignatureMalformed, "{value}");
    }
}

#[test]
fn expires_missing_past_or_before_created() {
    let edge = Edge::hmac();
    let missing = Draft::new(&edge).without_parameter("expires");
    assert_eq!(refusal(&missing.sign(&edge), &edge), Refusal::SignatureMalformed);
    let past = Draft::new(&edge).parameter("created", NOW - 20).parameter("expires", NOW - 10);
    assert_eq!(refusal(&past.sign(&edge), &edge), Refusal::SignatureExpired);
    let before = Draft::new(&edge).parameter("expires", NOW - 10);
    assert_eq!(refusal(&before.sign(&edge), &edge), Refusal::SignatureWindow);
}

#[test]
fn covered_set_without_authority_or_empty() {
    let edge = Edge::hmac();
    let without = Draft::new(&edge).not_covering("@authority");
    assert_eq!(refusal(&without.sign(&edge), &edge), Refusal::SignatureCoverage);
    let empty = Draft { covered: Vec::new(), ..Draft::new(&edge) };
    assert_eq!(refusal(&empty.sign(&edge), &edge), Refusal::SignatureCoverage);
}

#[test]
fn method_in_lower_case() {
    let edge = Edge::hmac();
    let mut signed = Draft { method: "post".to_owned(), ..Draft::new(&edge) }.sign(&edge);
    signed.method = "POST".to_owned();
    assert_eq!(refusal(&signed, &edge), Refusal::SignatureInvalid);
}

#[test]
fn replayed_with_another_method_authority_or_header() {
    let edge = Edge::hmac();
    let signed = Draft::new(&edge).signed_line("Authorization", "Bearer a.b.c").sign(&edge);
    let method = Signed { method: "DELETE".to_owned(), ..signed.clone() };
    let authority = Signed { authority: "zzz999.execute-api.eu-west-1.amazonaws.com".to_owned(), ..signed.clone() };
    let port = Signed { authority: format!("{}:8443", signed.authority), ..signed.clone() };
    for changed in [
        method,
        authority,
        port,
        signed.clone().with_line("edge-target", "/prod/v1/items?x=2"),
        signed.clone().with_line("edge-target", ""),
        signed.clone().with_line("edge-client", "ip=\"198.51.100.1\""),
        signed.clone().with_line("authorization", "Bearer a.b.d"),
        signed.clone().with_line("authorization", "bearer a.b.c"),
    ] {
        assert_eq!(refusal(&changed, &edge), Refusal::SignatureInvalid, "{:?}", changed.lines);
    }
}

/// The digest's own validity is judged where the body is; here it must be the one that was signed.
#[test]
fn content_digest_changed_added_or_removed() {
    let edge = Edge::hmac();
    let digest = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    let with = Draft::new(&edge).signed_line("Content-Digest", digest);
    for other in
        [format!("{digest}, md5=:AAAAAAAAAAAAAAAAAAAAAA==:"), "sha-256=:AAAA:".to_owned(), "md5=:AAAA:".to_owned()]
    {
        assert_eq!(refusal(&with.sign(&edge).with_line("content-digest", &other), &edge), Refusal::SignatureInvalid);
    }
    let mut removed = with.sign(&edge);
    removed.lines.retain(|(name, _)| name != "Content-Digest");
    assert_eq!(refusal(&removed, &edge), Refusal::SignatureCoverage);
    assert_eq!(
        refusal(&Draft::new(&edge).line("Content-Digest", digest).sign(&edge), &edge),
        Refusal::SignatureCoverage
    );
}

#[test]
fn keyid_that_climbs_or_injects() {
    let edge = Edge::hmac();
    for keyid in ["/../", "../../dev/null", "edgekey#x", "a' OR '1'='1", "http://169.254.169.254/", "k\\\\n"] {
        let draft = Draft::new(&edge).parameter("keyid", format!("\"{keyid}\""));
        assert_eq!(refusal(&draft.sign(&edge), &edge), Refusal::SignatureMalformed, "{keyid}");
    }
}

#[test]
fn covered_header_repeated_in_another_case() {
    let edge = Edge::hmac();
    for name in ["edge-target", "EDGE-TARGET", "Edge-Client"] {
        let mut signed = Draft::new(&edge).sign(&edge);
        signed.lines.insert(0, (name.to_owned(), "/prod/admin".to_owned()));
        assert_eq!(refusal(&signed, &edge), Refusal::SignatureCoverage, "{name}");
    }
}

#[test]
fn covered_header_with_folding_control_or_other_than_ascii() {
    let edge = Edge::hmac();
    for value in ["/prod\r\n /items", "/prod\n/items", "/prod\u{0}", "/caf\u{e9}", "/prod\u{7f}", "/\u{202e}"] {
        let signed = Draft::new(&edge).sign(&edge).with_line("edge-target", value);
        assert_eq!(refusal(&signed, &edge), Refusal::SignatureCoverage, "{value:?}");
    }
}

/// Folding and the space it stands for have one base, so the signature itself would verify.
#[test]
fn folding_put_in_the_place_of_a_space() {
    let edge = Edge::hmac();
    let signed = Draft::new(&edge).signed_line("Authorization", "Bearer a.b.c").sign(&edge);
    let folded = signed.with_line("authorization", "Bearer\r\n a.b.c");
    assert_eq!(refusal(&folded, &edge), Refusal::SignatureCoverage);
}

#[test]
fn header_value_that_brings_its_own_lines() {
    let edge = Edge::hmac();
    let honest = Draft::new(&edge);
    let smuggled = "/prod/v1/items?x=1\n\"edge-client\": ip=\"198.51.100.1\"";
    let signed = honest.sign(&edge).with_line("edge-target", smuggled);
    assert_eq!(refusal(&signed, &edge), Refusal::SignatureCoverage);
    let method = Signed { method: "POST\n\"@authority\": evil.example".to_owned(), ..honest.sign(&edge) };
    assert_eq!(refusal(&method, &edge), Refusal::SignatureInvalid);
}

#[test]
fn unsigned_edge_header_added() {
    let edge = Edge::hmac();
    for name in ["Edge-Key", "edge-key", "EDGE-ADMIN", "Edge-Token", "eDGE-x"] {
        let mut signed = Draft::new(&edge).sign(&edge);
        signed.lines.push((name.to_owned(), "ab".repeat(32)));
        assert_eq!(refusal(&signed, &edge), Refusal::EdgeHeaderUnsigned, "{name}");
    }
}

#[test]
fn byte_sequence_with_bad_padding_or_stray_bits() {
    let edge = Edge::hmac();
    let signed = Draft::new(&edge).sign(&edge);
    let text = signed.line("signature").to_owned();
    let body = text.strip_prefix("edge=:").unwrap().strip_suffix("=:").unwrap();
    let last = body.chars().last().unwrap();
    let stray = (u8::try_from(last).unwrap() + 1) as char;
    for spelling in [
        format!("edge=:{body}:"),
        format!("edge=:{body}==:"),
        format!("edge=:{}{stray}=:", &body[..body.len() - 1]),
        format!("edge=: {body}=:"),
        format!("edge=:{}=:", body.replace(['+', '/'], "-")) + ";",
    ] {
        let signed = signed.clone().with_line("signature", &spelling);
        assert_eq!(refusal(&signed, &edge), Refusal::SignatureMalformed, "{spelling}");
    }
}

#[test]
fn more_labels_or_bytes_than_anyone_needs() {
    let edge = Edge::hmac();
    let signed = Draft::new(&edge).sign(&edge);
    let labels: String = (0..limits::SIGNATURES).map(|n| format!(", s{n}=()")).collect();
    let many = signed.clone().with_line("signature-input", &(signed.line("signature-input").to_owned() + &labels));
    assert_eq!(refusal(&many, &edge), Refusal::SignatureMalformed);
    let long = format!("{}, x=();n=\"{}\"", signed.line("signature-input"), "x".repeat(10_240));
    assert_eq!(refusal(&signed.clone().with_line("signature-input", &long), &edge), Refusal::SignatureMalformed);
    let long = format!("{}, x=:{}:", signed.line("signature"), "A".repeat(10_240));
    assert_eq!(refusal(&signed.clone().with_line("signature", &long), &edge), Refusal::SignatureMalformed);
}

#[test]
fn signature_empty_truncated_or_all_zero() {
    for algorithm in Algorithm::ALL {
        let edge = Edge::new(algorithm);
        let draft = Draft::new(&edge);
        let whole = edge.sign(&draft.base());
        // CVE-2022-21449: r = s = 0 verified everything.
        for signature in [&[][..], &whole[..1], &whole[..16], &whole[..whole.len() - 1], &[0; 32], &[0; 64]] {
            assert_eq!(refusal(&draft.sign_as(signature), &edge), Refusal::SignatureInvalid, "{algorithm:?}");
        }
    }
}

/// The published key taken for a shared secret: the algorithm belongs to the key.
#[test]
fn public_key_used_as_hmac_secret() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap();
    let spki = pair.public_key().as_der().unwrap().as_ref().to_vec();
    let edge = Edge::new(Algorithm::Ed25519);
    let key = EdgeKey::public(KEYID, Algorithm::Ed25519, &spki).unwrap();
    for (draft, expected) in [
        (Draft::new(&edge).parameter("alg", "\"hmac-sha256\""), Refusal::SignatureAlgorithm),
        (Draft::new(&edge).without_parameter("alg"), Refusal::SignatureInvalid),
    ] {
        for secret in [&spki[..], pair.public_key().as_ref()] {
            let forged = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), draft.base().as_bytes());
            assert_eq!(draft.sign_as(forged.as_ref()).judge(&key), Err(expected));
        }
    }
}

/// A signature for the inside doors is not one for callers, nor the other way round.
#[test]
fn tag_exchanged_for_the_inside_one() {
    let edge = Edge::hmac();
    let signed = Draft::new(&edge).sign(&edge);
    let inside = signed.line("signature-input").replace("\"countersign\"", "\"countersign-inside\"");
    assert_eq!(refusal(&signed.with_line("signature-input", &inside), &edge), Refusal::SignatureInvalid);
}

#[test]
fn covered_components_taken_away_or_reordered_after_signing() {
    let edge = Edge::hmac();
    let signed = Draft::new(&edge).signed_line("x-tenant", "blue").sign(&edge);
    let input = signed.line("signature-input");
    let fewer = input.replace(" \"x-tenant\"", "");
    let swapped = input.replace("\"@method\" \"@authority\"", "\"@authority\" \"@method\"");
    for changed in [fewer, swapped] {
        assert_ne!(changed, input);
        assert_eq!(refusal(&signed.clone().with_line("signature-input", &changed), &edge), Refusal::SignatureInvalid);
    }
}
