//! RFC 9421 as its authors wrote it down: every signature of Appendix B and §4.3, and the examples of
//! §2, read from `VECTORS_DIR` (default `../shared/vectors`). Where they are absent nothing is checked.

use std::borrow::Cow;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use countersign_decision::request::Headers;
use countersign_decision::signature::base::{BaseError, Message, Start, Target, signature_base};
use countersign_decision::signature::input::{signature, signature_input};
use countersign_decision::signature::{Algorithm, EdgeKey, SignatureParams};
use serde_json::Value;

fn vectors() -> Option<Value> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors");
    let folder = std::env::var_os("VECTORS_DIR").map_or_else(|| PathBuf::from(default), PathBuf::from);
    let file = folder.join("rfc9421_vectors.json");
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("skipped: no {} (set VECTORS_DIR)", file.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// A message of the RFC: start line and header lines.
struct Example {
    start_line: String,
    lines: Vec<(String, String)>,
}

impl Example {
    fn named(vectors: &Value, name: &str) -> Self {
        if let Some(block) = name.strip_prefix("section 4.3 block ") {
            let block: usize = block.parse().unwrap();
            return Self::printed(text(&vectors["multiple_signatures_section_4_3"][block]));
        }
        let message = &vectors["messages"][name];
        let line = |line: &Value| (text(&line[0]).to_owned(), text(&line[1]).to_owned());
        let lines = message["headers"].as_array().unwrap().iter().map(line).collect();
        Self { start_line: text(&message["start_line"]).to_owned(), lines }
    }

    /// A message as printed: the start line may be left out, a line that begins with a space continues
    /// the one before, and `(SP)` is a space that one would not see.
    fn printed(message: &str) -> Self {
        let head = message.split("\n\n").next().unwrap().replace("(SP)", " ").replace("\n ", "\r ");
        let (start_line, fields) = match head.split_once('\n') {
            Some((first, fields)) if first.contains("HTTP/1.1") => (first, fields),
            None if head.contains("HTTP/1.1") => (head.as_str(), ""),
            _ => ("GET / HTTP/1.1", head.as_str()),
        };
        let line = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_owned(), value.replace('\r', "\r\n"))
        };
        Self { start_line: start_line.to_owned(), lines: fields.lines().map(line).collect() }
    }

    fn field(&self, name: &str) -> &str {
        &self.lines.iter().find(|(sent, _)| sent.eq_ignore_ascii_case(name)).unwrap().1
    }

    fn base(&self, scheme: &str, params: &SignatureParams<'_>) -> Result<String, BaseError> {
        let lines = self.lines.iter().map(|(name, value)| (Cow::from(name.as_str()), Cow::from(value.as_str())));
        let headers = Headers::new(lines.collect());
        let words: Vec<_> = self.start_line.split(' ').collect();
        let start = match words.as_slice() {
            ["HTTP/1.1", status, ..] => Start::Response { status: status.parse().unwrap() },
            [method, target, "HTTP/1.1"] => {
                let (path, query) = target.split_once('?').map_or((*target, None), |(path, query)| (path, Some(query)));
                let authority = headers.all("host").next().unwrap_or_default().trim();
                Start::Request { method, scheme, authority, target: Some(Target { path, query }) }
            }
            other => panic!("not a start line: {other:?}"),
        };
        signature_base(&Message { start, headers: &headers }, params)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// The key of a signature, `None` for RSA, which the profile does not know.
fn key(vectors: &Value, algorithm: &str, keyid: &str) -> Option<EdgeKey> {
    let key = &vectors["keys"][keyid];
    match Algorithm::parse(algorithm)? {
        Algorithm::HmacSha256 => {
            let secret = BASE64_STANDARD.decode(text(&key["base64"])).unwrap();
            Some(EdgeKey::hmac(keyid, &secret).unwrap())
        }
        algorithm => {
            let pem = text(&key["public_pem"]).lines().filter(|line| !line.starts_with("-----"));
            let spki = BASE64_STANDARD.decode(pem.collect::<String>()).unwrap();
            Some(EdgeKey::public(keyid, algorithm, &spki).unwrap())
        }
    }
}

#[test]
fn every_base_is_reproduced_and_every_signature_verified() {
    let Some(vectors) = vectors() else { return };
    let mut verified = Vec::new();
    let cases = vectors["cases"].as_array().unwrap();
    for case in cases {
        let id = text(&case["id"]);
        let inputs = signature_input(text(&case["signature_input"])).unwrap();
        let [(label, params)] = inputs.as_slice() else { panic!("{id}: not one signature") };
        assert_eq!(*label, text(&case["label"]), "{id}");

        let message = Example::named(&vectors, text(&case["message"]));
        let base = message.base("https", params).unwrap();
        assert_eq!(base, text(&case["signature_base"]), "{id}");

        if let Some(key) = key(&vectors, text(&case["alg"]), text(&case["keyid"])) {
            let signature = BASE64_STANDARD.decode(text(&case["signature"])).unwrap();
            assert!(key.verify(base.as_bytes(), &signature), "{id}");
            assert!(!key.verify(&base.as_bytes()[1..], &signature), "{id} over another base");
            verified.push(id);
        }
    }
    assert_eq!(cases.len(), 10);
    assert_eq!(verified, ["B.2.4", "B.2.5", "B.2.6", "B.3", "B.4", "4.3-client"]);
}

/// Appendix B.4: some changes on the way are harmless, some are not.
#[test]
fn transformations_are_told_apart() {
    let Some(vectors) = vectors() else { return };
    let key = key(&vectors, "ed25519", "test-key-ed25519").unwrap();
    let mut verdicts = Vec::new();
    for name in vectors["messages"].as_object().unwrap().keys().filter(|name| name.starts_with("transform-")) {
        let message = Example::named(&vectors, name);
        let inputs = signature_input(message.field("signature-input")).unwrap();
        let [(label, params)] = inputs.as_slice() else { panic!("{name}: not one signature") };
        let bytes = signature(message.field("signature"), label).unwrap().unwrap();
        let base = message.base("https", params).unwrap();
        let holds = key.verify(base.as_bytes(), &bytes);
        assert_eq!(holds, !name.contains("INVALID"), "{name}");
        verdicts.push(holds);
    }
    verdicts.sort_unstable();
    assert_eq!(verdicts, [false, false, true, true, true, true]);
}

/// §4.3: behind a proxy that rewrites `Host` the client's signature does not hold any more.
#[test]
fn a_rewritten_host_ends_the_clients_signature() {
    let Some(vectors) = vectors() else { return };
    let key = key(&vectors, "ecdsa-p256-sha256", "test-key-ecc-p256").unwrap();
    let received = Example::named(&vectors, "section 4.3 block 4");
    let inputs = signature_input(received.field("signature-input").trim()).unwrap();
    assert_eq!(inputs.iter().map(|(label, _)| *label).collect::<Vec<_>>(), ["sig1", "proxy_sig"]);
    let bytes = signature(received.field("signature").trim(), "sig1").unwrap().unwrap();
    let (_, params) = &inputs[0];
    for (block, holds) in [(0, true), (1, false), (4, false)] {
        let message = Example::named(&vectors, &format!("section 4.3 block {block}"));
        let base = message.base("https", params).unwrap();
        assert_eq!(key.verify(base.as_bytes(), &bytes), holds, "block {block}");
    }
}

/// The identifiers of printed base lines, as an inner list's items.
fn identifiers(lines: &str) -> String {
    let identifier = |line: &str| format!("{}\"", line.split_once("\": ").unwrap().0);
    lines.lines().map(identifier).collect::<Vec<_>>().join(" ")
}

#[test]
fn examples_of_section_2_come_out_as_printed() {
    let Some(vectors) = vectors() else { return };
    let sections = &vectors["component_examples_section_2"];
    for (section, scheme, message, expected) in [
        ("## HTTP Fields {#http-fields}", "https", 0, 1),
        ("## HTTP Fields {#http-fields}", "https", 2, 3),
        ("### Strict Serialization of HTTP Structured Fields", "https", 0, 1),
        ("### Binary-wrapped HTTP Fields", "https", 0, 2),
        ("### Binary-wrapped HTTP Fields", "https", 1, 2),
        ("### Method {#", "https", 0, 2),
        ("### Target URI", "https", 0, 2),
        ("### Authority {#", "https", 0, 2),
        ("### Scheme {#", "http", 0, 2),
        ("### Request Target {#", "https", 0, 2),
        ("### Path {#", "https", 0, 2),
        ("### Query {#", "https", 0, 2),
        ("### Query {#", "https", 3, 5),
        ("### Query Parameters {#", "https", 0, 1),
        ("### Query Parameters {#", "https", 2, 3),
        ("### Status Code {#", "https", 0, 2),
    ] {
        let printed = text(&sections[section][expected]).replace("(SP)", " ");
        let params = format!("({});created=1", identifiers(&printed));
        let input = format!("example={params}");
        let (_, parsed) = signature_input(&input).unwrap().pop().unwrap();
        let base = Example::printed(text(&sections[section][message])).base(scheme, &parsed);
        assert_eq!(base, Ok(format!("{printed}\n\"@signature-params\": {params}")), "{section} {expected}");
    }
}

/// What is left out is left out by name: a base without the line would be a hole.
#[test]
fn what_is_not_implemented_is_an_error() {
    let Some(vectors) = vectors() else { return };
    let sections = &vectors["component_examples_section_2"];
    let section_2_4 = &vectors["request_response_section_2_4"];
    let response = text(&section_2_4[1]);
    for (message, lines) in [
        (text(&sections["### Strict Serialization of HTTP Structured Fields"][0]), r#""example-dict";sf: "#),
        (text(&sections["### Dictionary Structured Field Members"][0]), r#""example-dict";key="a": "#),
        (text(&sections["### Binary-wrapped HTTP Fields"][0]), r#""example-header";bs: "#),
        (text(&sections["### Trailer Fields"][0]), r#""expires";tr: "#),
        (response, r#""@method";req: "#),
        (response, r#""content-digest";req: "#),
    ] {
        let input = format!("example=({});created=1", lines.trim_end_matches(": "));
        let (_, params) = signature_input(&input).unwrap().pop().unwrap();
        assert_eq!(Example::printed(message).base("https", &params), Err(BaseError::Unsupported), "{lines}");
    }
}
