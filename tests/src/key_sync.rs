//! key-sync in this process, between the fakes: its real clients, with an address for each service,
//! and a clock and lifetimes that the test chooses.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_secretsmanager::config::Credentials;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::time::Timestamp;
use countersign_key_sync::config::Config;
use countersign_key_sync::handler::{self, Done};
use countersign_key_sync::start::KeySync;
use serde_json::Value;

use crate::cloudflare::Cloudflare;
use crate::deployment::Deployment;

/// What Lambda gives key-sync for one invocation: the function's `Timeout` in the template.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Where the worlds of the tests have their Cloudflare, and the secret that holds its token.
const ACCOUNT: &str = "account";
const NAMESPACE: &str = "namespace";
const SCRIPT: &str = "edge";
pub const TOKEN_SECRET: &str = "cloudflare-token";

/// What key-sync is told where a test says nothing else.
const USUAL: [(&str, &str); 5] = [
    ("KEY_TABLE", "countersign-keys"),
    ("CLOUDFLARE_ACCOUNT", ACCOUNT),
    ("CLOUDFLARE_NAMESPACE", NAMESPACE),
    ("CLOUDFLARE_SCRIPT", SCRIPT),
    ("CLOUDFLARE_TOKEN", TOKEN_SECRET),
];

/// Where AWS is. An empty address is a service that the test does not expect to be called.
#[derive(Clone, Debug, Default)]
pub struct Aws {
    pub dynamodb: String,
    pub secrets_manager: String,
    pub lambda: String,
}

impl LoadServiceConfig for Aws {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        if key.env() != "AWS_ENDPOINT_URL" {
            return None;
        }
        let url = match key.service_id() {
            "DynamoDB" => &self.dynamodb,
            "Secrets Manager" => &self.secrets_manager,
            "Lambda" => &self.lambda,
            other => panic!("key-sync has no business with {other}"),
        };
        Some(if url.is_empty() { "http://127.0.0.1:1".to_owned() } else { url.clone() })
    }
}

impl Aws {
    pub fn of(deployment: &Deployment) -> Self {
        let Deployment { table, secret, .. } = deployment;
        Self { dynamodb: table.service.url(), secrets_manager: secret.service.url(), ..Self::default() }
    }

    /// A key-sync that remembers nothing yet: `variables` is its environment, beside what is usual.
    ///
    /// # Panics
    /// If key-sync does not understand its environment.
    pub async fn key_sync(
        &self,
        variables: &[(&str, &str)],
        lifetimes: Lifetimes,
        clock: fn() -> Timestamp,
    ) -> KeySync {
        lifetimes.check().unwrap_or_else(|broken| panic!("{broken}"));
        let value = |name: &str| {
            let mut all = variables.iter().chain(&USUAL);
            all.find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned())
        };
        let config = Config::read(value).unwrap_or_else(|problems| panic!("{problems}"));
        KeySync::new(config, &self.sdk().await, lifetimes, clock)
    }

    /// What every AWS client is made of. Gives up soon: what a fake does not answer at once, it does not
    /// mean to.
    pub async fn sdk(&self) -> SdkConfig {
        let second = Duration::from_secs(1);
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI", None, None, "the tests"))
            .timeout_config(TimeoutConfig::builder().connect_timeout(second).operation_attempt_timeout(second).build())
            .retry_config(
                RetryConfig::standard()
                    .with_max_attempts(3)
                    .with_initial_backoff(Duration::from_millis(20))
                    .with_max_backoff(Duration::from_millis(50)),
            );
        loader.load().await.into_builder().service_config(self.clone()).build()
    }
}

/// The Cloudflare that a key-sync is told of.
pub async fn cloudflare(token: &str) -> Cloudflare {
    Cloudflare::start(ACCOUNT, token, NAMESPACE, SCRIPT).await
}

/// One invocation, from the event to the answer and the log's lines.
pub async fn invoke(key_sync: &KeySync, event: &Value) -> Done {
    handler::handle(key_sync, &event.to_string(), "00000000-0000-4000-8000-000000000000", TIMEOUT).await
}

/// The real clock.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    Timestamp::from_millis(u64::try_from(since.as_millis()).expect("a clock before the year 500000000"))
}
