//! Real clients of the fakes, for tests that call the store without a process around it: credentials of
//! their own, nothing from the environment, and little patience.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
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
    aws_sdk_dynamodb::Client::new(&config(url))
}

pub fn secrets_manager(url: &str) -> aws_sdk_secretsmanager::Client {
    aws_sdk_secretsmanager::Client::new(&config(url))
}

fn config(url: &str) -> SdkConfig {
    let credentials = Credentials::new("AKIATESTTESTTESTTEST", "a-secret-access-key-of-nobody", None, None, "tests");
    let pause = Duration::from_millis(10);
    let retries = RetryConfig::standard().with_max_attempts(2).with_initial_backoff(pause).with_max_backoff(pause);
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(url)
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build())
        .retry_config(retries)
        .build()
}
