//! The client of Cloudflare's API against a fake of it: what the calls do, and what becomes of them
//! when things go wrong.

use std::time::Duration;

use countersign_cloudflare::{Cloudflare as Client, Pair, SecretKey, SecretsPatch, Token};
use countersign_https::{Https, Network};
use countersign_tests::cloudflare::Cloudflare;
use serde_json::json;
use tokio::time::Instant;
use zeroize::Zeroizing;

mod faults;
mod kv;
mod worker;

const ACCOUNT: &str = "023e105f4ecef8ad9ca31a8372d0c353";
const NAMESPACE: &str = "0f2ac74b498b48028cb68387c421e279";
const SCRIPT: &str = "edge-worker";

/// Searched for in everything that a failing call says.
const TOKEN: &str = "v1.0-canary-token-4Uw8bKq2";
const KEY: &str = "Y2FuYXJ5LWtleS1jYW5hcnkta2V5LWNhbmFyeS1rZXk=";
const TEXT: &str = r#"{"active":"a","note":"canary-text-9f27c1"}"#;

async fn fake() -> Cloudflare {
    Cloudflare::start(ACCOUNT, TOKEN, NAMESPACE, SCRIPT).await
}

fn client(base_url: &str) -> Client {
    client_of(base_url, ACCOUNT, TOKEN)
}

fn client_of(base_url: &str, account: &str, token: &str) -> Client {
    let token = Token::new(token.to_owned()).expect("a well-formed token");
    Client::new(Https::new(Network::Any), base_url, account, token)
}

fn within(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

fn pair(name: &str) -> Pair {
    Pair { name: name.to_owned(), value: format!("value of {name}"), metadata: json!({ "v": 7 }) }
}

fn hmac_key() -> SecretKey {
    SecretKey {
        algorithm: json!({ "name": "HMAC", "hash": "SHA-256" }),
        format: "raw",
        usages: &["sign", "verify"],
        key_base64: Zeroizing::new(KEY.to_owned()),
    }
}

fn secrets() -> SecretsPatch {
    SecretsPatch::default().key("EDGE_KEY_A", hmac_key()).text("EDGE_KEYS", TEXT).remove("EDGE_KEY_B")
}
