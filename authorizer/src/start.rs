//! From configuration to an authorizer that is warm before its first request: AWS clients with
//! short timeouts, root certificates, the labels and the current signing key.

use std::sync::Arc;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use countersign_decision::time::Timestamp;
use countersign_https::Https;
use countersign_store::{KeyTable, SigningSecret};
use tokio::time::Instant;

use crate::audit::Journal;
use crate::config::Config;
use crate::handler::Authorizer;
use crate::issuers::IssuerSource;
use crate::moment::Moment;
use crate::notes::{Noted, Notes};
use crate::records::RecordSource;
use crate::signing_keys::SigningKeySource;

const CONNECT: Duration = Duration::from_millis(250);
const ATTEMPT: Duration = Duration::from_millis(400);
const ATTEMPTS: u32 = 2;
const BACKOFF: Duration = Duration::from_millis(20);

/// Longer than a request's patience: it is init, and nobody waits. Lambda allows ten seconds.
const INIT: Duration = Duration::from_secs(2);

/// Never fails: what could not be loaded is in the notes, and the first request asks again.
pub async fn authorizer(config: Config, now: Timestamp) -> (Authorizer, Noted) {
    let notes = Notes::default();
    let aws = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build())
        .retry_config(
            RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(BACKOFF).with_max_backoff(BACKOFF),
        )
        .load()
        .await;
    let lifetimes = config.rules.lifetimes;
    let table = Arc::new(KeyTable::new(aws_sdk_dynamodb::Client::new(&aws), config.key_table));
    let signing_keys = config.signing_secret.map(|id| {
        let secret = SigningSecret::new(aws_sdk_secretsmanager::Client::new(&aws), id);
        SigningKeySource::new(secret, Arc::clone(&table), config.signing_algorithm, lifetimes)
    });
    if let Some(keys) = &signing_keys {
        keys.load(Moment::new(now, Instant::now(), INIT), &notes).await;
    }
    let authorizer = Authorizer {
        issuers: IssuerSource::new(Arc::clone(&table), Https::new(config.issuer_network), lifetimes),
        keys: RecordSource::new("key", lifetimes),
        journal: Journal::new(config.audit, config.metrics_namespace),
        http_answer: config.http_answer,
        rules: config.rules,
        table,
        signing_keys,
    };
    (authorizer, notes.take())
}
