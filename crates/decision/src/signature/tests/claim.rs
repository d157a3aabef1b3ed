use std::borrow::Cow;

use super::super::fixture::{Draft, Edge, KEYID, NONCE, NOW, Signed};
use super::super::{Tag, read};
use crate::decision::Refusal;
use crate::limits;
use crate::request::Headers;

/// What `read` makes of the two fields, its parts as a text; `None` where nothing was presented.
fn read_fields(input: &str, signature: &str) -> Result<Option<String>, Refusal> {
    let headers = Headers::new(vec![
        (Cow::from("SIGNATURE-INPUT"), Cow::from(input)),
        (Cow::from("signature"), Cow::from(signature)),
    ]);
    Ok(read(&headers)?.map(|claim| {
        let parts = (claim.keyid, claim.alg, claim.created, claim.expires, claim.nonce);
        format!("{} {parts:?} {:?}", claim.tag.as_str(), claim.signature)
    }))
}

const OURS: &str = r#"edge=();created=1;expires=2;keyid="k";tag="countersign""#;

#[test]
fn a_claim_carries_what_was_sent() {
    let edge = Edge::hmac();
    let signed = Draft::new(&edge).sign(&edge);
    let headers = signed.headers();
    let claim = read(&headers).unwrap().unwrap();
    assert_eq!((claim.tag, claim.keyid, claim.alg), (Tag::Caller, KEYID, Some("hmac-sha256")));
    assert_eq!((claim.created, claim.expires, claim.nonce), (NOW, NOW + 60, Some(NONCE)));
    assert_eq!(claim.signature.len(), 32);

    let least = read_fields(OURS, "edge=:AQI=:");
    assert_eq!(least, Ok(Some(r#"countersign ("k", None, 1, 2, None) [1, 2]"#.to_owned())));
}

#[test]
fn without_our_tag_nothing_is_presented() {
    assert!(matches!(read(&Headers::default()), Ok(None)));
    for input in [
        "",
        "sig1=()",
        r#"sig1=("@authority");created=1;keyid="x";tag="web-bot-auth""#,
        r#"sig1=("a" "a");created="x";created=2.5;nonce=?0;tag="Countersign""#,
        "sig1=();tag=countersign",
        "sig1=();tag",
        r#"sig1=();tag="countersign ""#,
        r#"sig1=();tag="countersign-probe""#,
        r#"sig1=();tag="""#,
    ] {
        assert_eq!(read_fields(input, "sig1=:AQI=:"), Ok(None), "{input}");
    }
}

#[test]
fn the_label_means_nothing() {
    let foreign = r#"edge=("@method");created=1;keyid="theirs";tag="web-bot-auth""#;
    let ours = OURS.replace("edge=", "sig1=");
    let read = read_fields(&format!("{foreign}, {ours}"), "edge=:AAE=:, sig1=:AQI=:").unwrap().unwrap();
    assert!(read.contains("\"k\"") && read.ends_with("[1, 2]"), "{read}");
}

#[test]
fn two_signatures_of_ours_are_ambiguous() {
    for other in ["countersign", "countersign-inside"] {
        let second = format!("x=();created=1;expires=2;keyid=\"k\";tag=\"{other}\"");
        for input in [format!("{OURS}, {second}"), format!("{second}, {OURS}")] {
            assert_eq!(read_fields(&input, "edge=:AQI=:, x=:AQI=:"), Err(Refusal::SignatureAmbiguous), "{input}");
        }
    }
}

#[test]
fn half_a_signature_is_malformed() {
    let edge = Edge::hmac();
    let signed = Draft::new(&edge).sign(&edge);
    for name in ["Signature", "Signature-Input"] {
        let mut half = signed.clone();
        half.lines.retain(|(sent, _)| sent != name);
        assert_eq!(half.judge(&edge.key), Err(Refusal::SignatureMalformed), "without {name}");
        let mut twice = signed.clone();
        twice.lines.push((name.to_ascii_uppercase(), signed.line(name).to_owned()));
        assert_eq!(twice.judge(&edge.key), Err(Refusal::SignatureMalformed), "{name} twice");
    }
}

#[test]
fn our_label_needs_a_byte_sequence() {
    for signature in
        ["", "other=:AQI=:", "edge", "edge=\"AQI=\"", "edge=(:AQI=:)", "edge=:AQI:", "edge=:AQI=:,edge=:AQI=:"]
    {
        assert_eq!(read_fields(OURS, signature), Err(Refusal::SignatureMalformed), "{signature:?}");
    }
}

#[test]
fn parameters_have_one_type_and_one_value() {
    let refused = [
        ("created", vec!["", "1.0", "\"1\"", "-1", "?1", "now", ":AQ==:", "1234567890123456"]),
        ("expires", vec!["", "2.5", "\"2\"", "-2", "@2"]),
        ("keyid", vec!["", "k", "1", "?1", ":AQ==:", r#""a\"b""#]),
        ("alg", vec!["", "hmac-sha256", "1", r#""hmac\\sha256""#]),
        ("nonce", vec!["", "abc", "1", r#""0123456789\"abcdef""#]),
        ("tag", vec![r#""countersign";tag="countersign""#, r#""countersign";tag="x""#, r#""x";tag="countersign""#]),
        ("x", vec!["1;x=1", "1;x=2", "1;created=1"]),
    ];
    let edge = Edge::hmac();
    for (name, values) in refused {
        for value in values {
            let mut draft = Draft::new(&edge);
            // An empty value stands for the bare name, which is the boolean true.
            let value = if value.is_empty() { "?1" } else { value };
            draft = draft.parameter(name, value);
            let refusal = draft.sign(&edge).judge(&edge.key);
            assert_eq!(refusal, Err(Refusal::SignatureMalformed), "{name}={value}");
        }
    }
}

#[test]
fn created_expires_and_keyid_are_required() {
    let edge = Edge::hmac();
    for name in ["created", "expires", "keyid"] {
        let signed = Draft::new(&edge).without_parameter(name).sign(&edge);
        assert_eq!(signed.judge(&edge.key), Err(Refusal::SignatureMalformed), "without {name}");
    }
}

#[test]
fn parameters_of_ours_are_few() {
    let edge = Edge::hmac();
    let with_more = |more: usize| (0..more).fold(Draft::new(&edge), |draft, n| draft.parameter(&format!("x{n}"), n));
    let judged = |draft: Draft| -> Result<Tag, Refusal> { Signed::judge(&draft.sign(&edge), &edge.key) };
    assert_eq!(judged(with_more(limits::SIGNATURE_PARAMETERS - 6)), Ok(Tag::Caller));
    assert_eq!(judged(with_more(limits::SIGNATURE_PARAMETERS - 5)), Err(Refusal::SignatureMalformed));
}

#[test]
fn another_partys_signature_is_passed_over() {
    let edge = Edge::hmac();
    let signed = Draft::new(&edge).sign(&edge);
    let (input, signature) = (signed.line("signature-input").to_owned(), signed.line("signature").to_owned());
    let foreign = r#"bot=("@authority" "@authority";req);created="?";p0;p1;p2;p3;p4;p5;p6;p7;p8;p0;tag="web-bot-auth""#;
    for (input, signature) in [
        (format!("{foreign}, {input}"), format!("bot=:AAAA:, {signature}")),
        (format!("{input},{foreign}"), format!("{signature},bot=:AA:")),
        (format!("{foreign}, {input}"), signature.clone()),
        (input, format!("{signature}, unrelated=:AAAA:")),
    ] {
        let both = signed.clone().with_line("signature-input", &input).with_line("signature", &signature);
        assert_eq!(both.judge(&edge.key), Ok(Tag::Caller), "{input}");
    }
}
