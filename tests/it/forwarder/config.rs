//! A wrong or missing environment variable stops the start, with a message that names it and says what it
//! should be.

use countersign_tests::binary;
use countersign_tests::forwarder::Forwarding;

#[tokio::test]
async fn what_is_wrong_is_named_with_its_remedy() {
    let forwarding = Forwarding::new().await;
    for (name, value, says) in [
        ("KEY_TABLE", "", "set it to the name of the key table"),
        ("BODY_DIGEST", "on", "required, if-present or off"),
        ("AUDIT", "sample:0", "all, refusals or sample:N"),
        ("BACKENDS", "blue", "name=place"),
        ("BACKENDS", "blue=https://a.example.com,blue=https://b.example.com", "\"blue\" twice"),
        ("BACKENDS", "b lue=https://a.example.com", "letters, digits"),
        ("BACKENDS", "blue=ftp://a.example.com", "https://host"),
        ("BACKENDS", "blue=https://user:canary@a.example.com", "no user"),
        ("BACKENDS", "blue=https://a.example.com/a/../b", "no dot segments"),
        ("BACKENDS", "blue=arn:aws:lambda:eu-west-1:1:layer:x", "ARN of a Lambda function"),
        ("DEFAULT_BACKEND", "red", "a name that BACKENDS lists"),
        ("PRIVATE_BACKENDS", "red", "a name that BACKENDS lists"),
        ("RESPONSE", "streamed", "it must be buffered or stream"),
        ("RESPONSE", "STREAM", "it must be buffered or stream"),
        ("BACKEND_TIMEOUT", "0", "1 to 300 seconds"),
        ("BACKEND_TIMEOUT", "301", "1 to 300 seconds"),
        ("BACKEND_TIMEOUT", "25s", "1 to 300 seconds"),
        ("IDENTITY_HEADERS", "principal", "IDENTITY_HEADERS"),
        ("HIDE_CREDENTIALS", "yes", "on or off"),
        ("API_KEY_HEADER", "edge-key", "a header name of its own"),
    ] {
        let failed = forwarding.try_forwarder(binary::forwarder(), &[(name, value)], &[]).await;
        let failed = failed.err().unwrap_or_else(|| panic!("{name}={value:?} is accepted"));
        assert!(!failed.status.success());
        let line = failed.message.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("{name}={value:?}: {}", failed.message));
        assert!(line.contains(says), "{name}={value:?}: {line}");
        assert!(!failed.message.contains("canary"), "a URL may hold a password: {}", failed.message);
    }
}

#[tokio::test]
async fn all_problems_are_told_at_once() {
    let forwarding = Forwarding::new().await;
    let wrong = [("BODY_DIGEST", "on"), ("AUDIT", "none"), ("BACKEND_TIMEOUT", "soon"), ("DEFAULT_BACKEND", "red")];
    let failed = forwarding.try_forwarder(binary::forwarder(), &wrong, &["KEY_TABLE", "BACKENDS"]).await;
    let message = failed.err().expect("it does not start").message;
    for name in ["KEY_TABLE", "BODY_DIGEST", "AUDIT", "BACKEND_TIMEOUT", "DEFAULT_BACKEND"] {
        assert!(message.lines().any(|line| line.starts_with(name)), "{name} is not told: {message}");
    }
}

/// Without back ends there are the doors; what is empty is absent, as a template cannot leave one out.
#[tokio::test]
async fn the_least_that_is_needed() {
    let forwarding = Forwarding::new().await;
    let names = [
        "BACKENDS",
        "PRIVATE_BACKENDS",
        "DEFAULT_BACKEND",
        "BACKEND_TIMEOUT",
        "BODY_DIGEST",
        "IDENTITY_HEADERS",
        "RESPONSE",
    ];
    let empty: Vec<_> = names.iter().map(|name| (*name, " ")).collect();
    for more in [&empty[..], &[]] {
        let started = forwarding.try_forwarder(binary::forwarder(), more, &["BACKENDS"]).await;
        started.unwrap_or_else(|failed| panic!("{failed:?}"));
    }
}
