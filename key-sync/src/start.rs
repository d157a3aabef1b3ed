//! From configuration to the services that every job shares: AWS clients with bounded patience, the
//! key table, the signing secret, HTTPS, and Cloudflare's API with a token that is read when first
//! needed.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use countersign_cloudflare::{Cloudflare, Token};
use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::time::Timestamp;
use countersign_function::aws::Patience;
use countersign_function::url::network_of;
use countersign_https::Https;
use countersign_store::text_secret::current_text;
use countersign_store::{KeyTable, SigningSecret};
use tokio::sync::Mutex;

use crate::config::Config;
use crate::report::{Code, JobError};

/// Nobody waits for an answer: seconds, and a few attempts.
pub const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(1),
    attempt: Duration::from_secs(4),
    attempts: 3,
    backoff: Duration::from_millis(100),
    longest_backoff: Duration::from_secs(1),
};

pub struct KeySync {
    pub config: Config,
    pub lifetimes: Lifetimes,
    pub table: Arc<KeyTable>,
    pub secret: SigningSecret,
    /// For issuers' documents.
    pub issuers: Https,
    /// For the edge's own doors.
    pub edge: Https,
    pub lambda: aws_sdk_lambda::Client,
    clock: fn() -> Timestamp,
    secrets: aws_sdk_secretsmanager::Client,
    cloudflare: Mutex<Option<Arc<Cloudflare>>>,
}

impl KeySync {
    /// Calls nothing yet.
    pub fn new(config: Config, aws: &SdkConfig, lifetimes: Lifetimes, clock: fn() -> Timestamp) -> Self {
        let secrets = aws_sdk_secretsmanager::Client::new(aws);
        Self {
            table: Arc::new(KeyTable::new(aws_sdk_dynamodb::Client::new(aws), config.key_table.clone())),
            secret: SigningSecret::new(secrets.clone(), config.signing_secret.clone()),
            issuers: Https::new(config.issuer_network),
            edge: Https::new(config.edge_url.as_deref().map_or(config.issuer_network, network_of)),
            lambda: aws_sdk_lambda::Client::new(aws),
            config,
            lifetimes,
            clock,
            secrets,
            cloudflare: Mutex::new(None),
        }
    }

    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Cloudflare's API under the token that the token's secret holds; read at the first call.
    pub async fn cloudflare(&self) -> Result<Arc<Cloudflare>, JobError> {
        let mut held = self.cloudflare.lock().await;
        if let Some(cloudflare) = held.as_ref() {
            return Ok(Arc::clone(cloudflare));
        }
        let settings = &self.config.cloudflare;
        let https = Https::new(network_of(&settings.api));
        let token = self.token().await?;
        let cloudflare = Arc::new(Cloudflare::new(https, &settings.api, &settings.account, token));
        *held = Some(Arc::clone(&cloudflare));
        Ok(cloudflare)
    }

    /// After Cloudflare has refused a call: the token may have been replaced, so it is read again.
    pub async fn forget_token(&self) {
        *self.cloudflare.lock().await = None;
    }

    async fn token(&self) -> Result<Token, JobError> {
        let id = &self.config.cloudflare.token;
        let text = current_text(&self.secrets, id)
            .await
            .map_err(|error| JobError::secret(&error).at(&format!("CLOUDFLARE_TOKEN ({id})")))?;
        let token = text.and_then(|text| Token::new(text.trim().to_owned()).ok());
        let says = || format!("the secret {id} must hold the API token and nothing else, as text");
        token.ok_or_else(|| JobError::new(Code::SecretMalformed, says()))
    }
}

impl From<countersign_cloudflare::Error> for JobError {
    fn from(error: countersign_cloudflare::Error) -> Self {
        use countersign_cloudflare::Error;
        let code = match &error {
            Error::NeedsOperator(_) => Code::NeedsOperator,
            Error::Refused { .. } => Code::CloudflareRefused,
            Error::Throttled { .. } | Error::Unavailable(_) => Code::CloudflareUnavailable,
        };
        Self::new(code, error.to_string())
    }
}
