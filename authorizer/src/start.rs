//! From configuration to an authorizer that is warm before its first request: AWS clients with
//! short timeouts, root certificates, the labels and the current signing key.

use std::sync::Arc;
use std::time::Duration;

use countersign_decision::time::Timestamp;
use countersign_function::aws::{self, Patience};
use countersign_function::moment::Moment;
use countersign_function::notes::{Noted, Notes};
use countersign_function::records::RecordSource;
use countersign_https::Https;
use countersign_store::{KeyTable, SigningSecret};
use tokio::time::Instant;

use crate::audit::Journal;
use crate::config::Config;
use crate::handler::Authorizer;
use crate::issuers::IssuerSource;
use crate::signing_keys::SigningKeySource;

/// Longer than a request's patience: it is init, and nobody waits. Lambda allows ten seconds.
const INIT: Duration = Duration::from_secs(2);

/// Never fails: what could not be loaded is in the notes, and the first request asks again.
pub async fn authorizer(config: Config, now: Timestamp) -> (Authorizer, Noted) {
    let notes = Notes::default();
    let aws = aws::config(Patience::OF_A_REQUEST).await;
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
