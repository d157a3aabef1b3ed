//! Real clients of the fakes, for tests that call the store without a process around it: credentials of
//! their own, nothing from the environment, and little patience.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use countersign_store::{KeyTable, SigningSecret};

use super::dynamodb::Table;
use super::secrets::Secret;

const ATTEMPT: Duration = Duration::from_millis(300);

/// The table as the store sees it, at the fake's own port or at a door of it.
pub fn key_table(table: &Table, url: &str) -> KeyTable {
    KeyTable::new(dynamodb(url), table.name().to_owned())
}

pub fn signing_secret(secret: &Secret, url: &str) -> SigningSecret {
    SigningSecret::new(secrets_manager(url), secret.arn().to_owned())
}

pub fn dynamodb(url: &str) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(credentials())
        .endpoint_url(url)
        .timeout_config(timeouts())
        .retry_config(retries());
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

pub fn secrets_manager(url: &str) -> aws_sdk_secretsmanager::Client {
    let config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(credentials())
        .endpoint_url(url)
        .timeout_config(timeouts())
        .retry_config(retries());
    aws_sdk_secretsmanager::Client::from_conf(config.build())
}

fn credentials() -> Credentials {
    Credentials::new("AKIATESTTESTTESTTEST", "a-secret-access-key-of-nobody", None, None, "tests")
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build()
}

fn retries() -> RetryConfig {
    let pause = Duration::from_millis(10);
    RetryConfig::standard().with_max_attempts(2).with_initial_backoff(pause).with_max_backoff(pause)
}
