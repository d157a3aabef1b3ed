//! A signed body is a verified body: `BODY_DIGEST`, through every form of event and both ways in which a
//! gateway passes bodies on. What a field means by itself is held in `tests/vectors/content-digest.json`.

use aws_lc_rs::digest::{Algorithm, SHA256, SHA512, digest};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use countersign_tests::backend::Behaviour;
use countersign_tests::events::proxy::{Form, Passed};
use countersign_tests::forwarder::{Forwarding, caller, with};
use countersign_tests::function::Function;
use hyper::body::Bytes;
use serde_json::Value;

const WAYS: [Passed; 2] = [Passed::Text, Passed::Base64];

fn of(name: &str, algorithm: &'static Algorithm, body: &[u8]) -> String {
    format!("{name}=:{}:", BASE64.encode(digest(algorithm, body)))
}

struct Suite {
    forwarding: Forwarding,
    function: Function,
}

impl Suite {
    async fn new(setting: &str) -> Self {
        let forwarding = Forwarding::with_a_route().await;
        forwarding.blue.always(Behaviour::Reply { status: 200, headers: Vec::new(), body: Bytes::new() });
        let function = forwarding.forwarder(&[("BODY_DIGEST", setting)]).await;
        Self { forwarding, function }
    }

    /// `covered`: what the authorizer says is covered. `claimed`: the header on the request.
    async fn code(&self, form: Form, body: (&[u8], Passed), covered: Option<&str>, claimed: Option<&str>) -> String {
        let context = covered.map_or_else(caller, |digest| with(&caller(), "content_digest", digest));
        self.code_in(form, body, &context, claimed).await
    }

    async fn code_in(&self, form: Form, body: (&[u8], Passed), context: &Value, claimed: Option<&str>) -> String {
        let mut request = self.forwarding.request("POST", "/items");
        request.headers.extend(claimed.map(|digest| ("Content-Digest".to_owned(), digest.to_owned())));
        let answer = self.forwarding.send_body(&self.function, form, &request, body, context).await;
        let expected = if answer.code() == "forwarded" { 200 } else { 400 };
        assert_eq!(answer.status, expected, "{form:?} {}", answer.code());
        let received = self.forwarding.blue.take();
        assert_eq!(received.len(), usize::from(expected == 200), "{form:?} {}", answer.code());
        received.iter().for_each(|received| assert_eq!(received.body, body.0));
        answer.code().to_owned()
    }
}

/// A header that no signature covers is worth nothing, whatever it says: it neither vouches nor accuses.
#[tokio::test]
async fn only_a_covered_digest_counts() {
    let body = b"a body".as_slice();
    let (right, wrong) = (of("sha-256", &SHA256, body), of("sha-256", &SHA256, b"another"));
    for (setting, covered, claimed, code) in [
        ("if-present", None, None, "forwarded"),
        ("if-present", None, Some(&wrong), "forwarded"),
        ("if-present", Some(&right), Some(&wrong), "forwarded"),
        ("if-present", Some(&wrong), Some(&right), "digest_mismatch"),
        ("required", Some(&right), None, "forwarded"),
        ("required", None, Some(&right), "digest_missing"),
        ("required", None, None, "digest_missing"),
        ("required", Some(&wrong), Some(&right), "digest_mismatch"),
        ("off", Some(&wrong), Some(&wrong), "forwarded"),
        ("off", None, None, "forwarded"),
    ] {
        let suite = Suite::new(setting).await;
        for form in Form::ALL {
            for way in WAYS {
                let (covered, claimed) = (covered.map(String::as_str), claimed.map(String::as_str));
                let was = suite.code(form, (body, way), covered, claimed).await;
                assert_eq!(was, code, "{setting} {form:?} {way:?} covered {covered:?}, claimed {claimed:?}");
            }
        }
    }
}

#[tokio::test]
async fn algorithms_by_table() {
    let body = b"\x00binary\xff".as_slice();
    let (right, wrong) = (of("sha-256", &SHA256, body), of("sha-256", &SHA256, b"another"));
    let (longer, wrong_longer) = (of("sha-512", &SHA512, body), of("sha-512", &SHA512, b"another"));
    let suite = Suite::new("required").await;
    for (covered, code) in [
        (right.clone(), "forwarded"),
        (longer.clone(), "forwarded"),
        (format!("{right}, {longer}"), "forwarded"),
        (format!("{right}, {wrong_longer}"), "digest_mismatch"),
        (format!("{wrong}, {longer}"), "digest_mismatch"),
        (format!("md5=:AAAA:, {right}"), "forwarded"),
        ("md5=:AAAA:".to_owned(), "digest_unsupported"),
        (String::new(), "digest_unsupported"),
        ("sha-256=AAAA".to_owned(), "digest_malformed"),
        (format!("{right}, {right}"), "digest_malformed"),
        (right.replace("sha-256", "sha-512"), "digest_mismatch"),
        (right.replacen("sha", "SHA", 1), "digest_malformed"),
    ] {
        for form in Form::ALL {
            let was = suite.code(form, (body, Passed::Base64), Some(&covered), None).await;
            assert_eq!(was, code, "{form:?} {covered}");
        }
    }
}

/// Every bit of a body and of its digest counts.
#[tokio::test]
async fn one_flipped_bit_is_another_body() {
    let suite = Suite::new("if-present").await;
    let body = b"{\"amount\":100}";
    let right = of("sha-256", &SHA256, body);
    for bit in 0..body.len() * 8 {
        let mut flipped = *body;
        flipped[bit / 8] ^= 1 << (bit % 8);
        let form = Form::ALL[bit % 3];
        let was = suite.code(form, (&flipped, Passed::Base64), Some(&right), None).await;
        assert_eq!(was, "digest_mismatch", "bit {bit} of the body");
    }
    let sum = digest(&SHA256, body);
    for bit in 0..256 {
        let mut flipped = sum.as_ref().to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let covered = format!("sha-256=:{}:", BASE64.encode(flipped));
        let was = suite.code(Form::ALL[bit % 3], (body, Passed::Text), Some(&covered), None).await;
        assert_eq!(was, "digest_mismatch", "bit {bit} of the digest");
    }
}

#[tokio::test]
async fn a_body_that_is_not_there_and_one_that_fills_an_event() {
    let suite = Suite::new("required").await;
    let (empty, some) = (of("sha-256", &SHA256, b""), of("sha-256", &SHA256, b"some"));
    // As base64 in an event of six megabytes.
    let full = vec![0xa5; 4_600_000];
    let of_full = of("sha-512", &SHA512, &full);
    for form in Form::ALL {
        for way in WAYS {
            assert_eq!(suite.code(form, (b"", way), None, None).await, "forwarded", "there is nothing to vouch for");
            assert_eq!(suite.code(form, (b"", way), Some(&empty), None).await, "forwarded");
            assert_eq!(suite.code(form, (b"", way), Some(&some), None).await, "digest_mismatch", "it was taken away");
        }
        assert_eq!(suite.code(form, (&full, Passed::Base64), Some(&of_full), None).await, "forwarded");
        assert_eq!(suite.code(form, (&full, Passed::Base64), Some(&some), None).await, "digest_mismatch");
    }
}

/// A context that is none of ours says nothing about bodies, however it is called.
#[tokio::test]
async fn a_digest_that_is_no_text_is_none() {
    let suite = Suite::new("required").await;
    for (name, value) in
        [("content_digest", Value::Null), ("content-digest", "x".into()), ("Content_Digest", "x".into())]
    {
        let mut context = caller();
        context[name] = value;
        let was = suite.code_in(Form::Rest, (b"body", Passed::Text), &context, None).await;
        assert_eq!(was, "digest_missing", "{name}");
    }
}
