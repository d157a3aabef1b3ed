#![allow(clippy::unwrap_used)]

use super::*;

const REQUIRED: [(&str, &str); 6] = [
    ("KEY_TABLE", "keys"),
    ("SIGNING_SECRET", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:signing-AbC123"),
    ("CLOUDFLARE_ACCOUNT", "0123456789abcdef0123456789abcdef"),
    ("CLOUDFLARE_NAMESPACE", "fedcba9876543210fedcba9876543210"),
    ("CLOUDFLARE_SCRIPT", "countersign-edge"),
    ("CLOUDFLARE_TOKEN", "countersign/cloudflare-token"),
];

fn read(more: &[(&str, &str)]) -> Result<Config, String> {
    let all: Vec<_> = more.iter().chain(&REQUIRED).copied().collect();
    Config::read(|name| all.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned()))
}

#[test]
fn what_is_required_suffices() {
    let config = read(&[]).ok().unwrap();
    assert_eq!(config.cloudflare.api, "https://api.cloudflare.com/client/v4");
    assert_eq!((config.edge_url, config.authorizer_function, config.put_keys), (None, None, false));
    assert_eq!((config.issuer_network, config.metrics_namespace.as_str()), (Network::Public, "Countersign"));
}

#[test]
fn every_problem_is_told_at_once() {
    let problems = Config::read(|_| None).err().unwrap();
    for (name, _) in REQUIRED {
        assert!(problems.lines().any(|line| line.starts_with(&format!("{name} is missing; set it to "))), "{problems}");
    }
}

#[test]
fn values_that_stop_the_start() {
    for (name, value) in [
        ("SIGNING_ALGORITHM", "none"),
        ("PUT_KEYS", "yes"),
        ("ISSUER_NETWORK", "private"),
        ("EDGE_URL", "api.example.com"),
        ("EDGE_URL", "https://api.example.com/path"),
        ("EDGE_URL", "https://user@api.example.com"),
        ("EDGE_URL", "https://api.example.com?x"),
        ("EDGE_URL", "ftp://api.example.com"),
        ("CLOUDFLARE_API", "api.cloudflare.com"),
        ("CLOUDFLARE_ACCOUNT", "../zones"),
        ("CLOUDFLARE_NAMESPACE", "a b"),
        ("CLOUDFLARE_SCRIPT", "edge/../other"),
    ] {
        let problems = read(&[(name, value)]).err().unwrap();
        assert!(problems.starts_with(&format!("{name} is ")), "{name}={value}: {problems}");
    }
}

#[test]
fn a_trailing_slash_changes_nothing() {
    let config = read(&[("EDGE_URL", "https://api.example.com/"), ("CLOUDFLARE_API", "http://127.0.0.1:9/v4/")]);
    let config = config.ok().unwrap();
    assert_eq!(config.edge_url.as_deref(), Some("https://api.example.com"));
    assert_eq!(config.cloudflare.api, "http://127.0.0.1:9/v4");
}
