//! AWS clients with bounded patience.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

/// How long a call may take and how often it is tried.
#[derive(Clone, Copy)]
pub struct Patience {
    pub connect: Duration,
    /// One attempt, connecting included.
    pub attempt: Duration,
    /// The first one included.
    pub attempts: u32,
    /// Before the second attempt; doubled before each further one.
    pub backoff: Duration,
    pub longest_backoff: Duration,
}

impl Patience {
    /// While a client waits.
    pub const OF_A_REQUEST: Self = Self {
        connect: Duration::from_millis(250),
        attempt: Duration::from_millis(400),
        attempts: 2,
        backoff: Duration::from_millis(20),
        longest_backoff: Duration::from_millis(20),
    };
}

/// Region, credentials and endpoints as the environment has them.
pub async fn config(patience: Patience) -> SdkConfig {
    let timeouts =
        TimeoutConfig::builder().connect_timeout(patience.connect).operation_attempt_timeout(patience.attempt).build();
    let retries = RetryConfig::standard()
        .with_max_attempts(patience.attempts)
        .with_initial_backoff(patience.backoff)
        .with_max_backoff(patience.longest_backoff);
    aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts).retry_config(retries).load().await
}
