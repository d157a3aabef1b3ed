//! The configuration, read once at start. A wrong or missing variable stops the start with a message that
//! names it and says what it should be; all of them are reported together.
//!
//! The variables about back ends, `BACKENDS`, `PRIVATE_BACKENDS`, `DEFAULT_BACKEND`, `BACKEND_TIMEOUT`,
//! `IDENTITY_HEADERS`, `HIDE_CREDENTIALS` and `API_KEY_HEADER`, are read in `backends::settings`.

use countersign_decision::lifetimes::Lifetimes;
use countersign_function::journal::Audit;
use countersign_function::variables::Variables;

use crate::answer::ResponseMode;
use crate::backends::settings::Settings;
use crate::body::BodyDigest;

pub struct Config {
    pub key_table: String,
    pub body_digest: BodyDigest,
    pub backends: Settings,
    /// What the integrations of REST APIs are set to take.
    pub response: ResponseMode,
    pub audit: Audit,
    pub metrics_namespace: String,
    /// Only tests use others than the default.
    pub lifetimes: Lifetimes,
}

impl Config {
    /// `value` reads one environment variable. `Err`: every problem, one a line.
    pub fn read(value: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let mut variables = Variables::new(&value);
        let config = Self {
            key_table: variables.key_table(),
            body_digest: variables.choice(
                "BODY_DIGEST",
                BodyDigest::IfPresent,
                BodyDigest::parse,
                "required, if-present or off",
            ),
            backends: Settings::read(&mut variables),
            response: variables.choice(
                "RESPONSE",
                ResponseMode::Buffered,
                ResponseMode::parse,
                "buffered or stream, as the integrations of REST APIs are set",
            ),
            audit: variables.audit(),
            metrics_namespace: variables.metrics_namespace(),
            lifetimes: Lifetimes::DEFAULT,
        };
        variables.finish(config)
    }
}
