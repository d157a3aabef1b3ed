//! From configuration to a forwarder that is warm before its first request: AWS clients with short
//! time-outs, root certificates, the routes.

use std::sync::Arc;
use std::time::Duration;

use countersign_decision::time::Timestamp;
use countersign_function::aws::{self, Patience};
use countersign_function::moment::Moment;
use countersign_function::notes::{Noted, Notes};
use countersign_store::KeyTable;
use tokio::time::Instant;

use crate::audit::Journal;
use crate::backends::Backends;
use crate::config::Config;
use crate::doors::Doors;
use crate::handler::Forwarder;
use crate::routes::RouteSource;

/// Longer than a request's patience: it is init, and nobody waits. Lambda allows ten seconds.
const INIT: Duration = Duration::from_secs(2);

/// Never fails: what could not be loaded is in the notes, and the first request asks again.
pub async fn forwarder(config: Config, now: Timestamp) -> (Forwarder, Noted) {
    let notes = Notes::default();
    let aws = aws::config(Patience::OF_A_REQUEST).await;
    let table = Arc::new(KeyTable::new(aws_sdk_dynamodb::Client::new(&aws), config.key_table));
    let routes = RouteSource::new(Arc::clone(&table), config.lifetimes);
    if let Err(failure) = routes.routes(Moment::new(now, Instant::now(), INIT), &notes).await {
        notes.cause(failure.code());
    }
    let forwarder = Forwarder {
        body_digest: config.body_digest,
        lifetimes: config.lifetimes,
        journal: Journal::new(config.audit, config.metrics_namespace),
        routes,
        doors: Doors::new(table, config.lifetimes),
        backends: Backends::new(&config.backends.list, &aws),
        rules: config.backends.rules,
        patience: config.backends.patience,
    };
    (forwarder, notes.take())
}
