//! What a job says when it ends: a report, or an error with a stable code. Both become one log line
//! and the function's answer; neither ever holds a key, a secret's value or the API token.

use std::fmt;

use serde_json::{Map, Value};

use crate::metrics::Measure;

/// What a job did: members of a JSON object, and what was measured meanwhile.
#[derive(Debug, Default)]
pub struct Report {
    members: Map<String, Value>,
    measures: Vec<Measure>,
}

impl Report {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.members.insert(name.to_owned(), value.into());
    }

    pub fn measure(&mut self, measure: Measure) {
        self.measures.push(measure);
    }

    /// Takes over another job's report as the member `name`, and its measures.
    pub fn absorb(&mut self, name: &str, other: Self) {
        self.set(name, Value::Object(other.members));
        self.measures.extend(other.measures);
    }

    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    pub fn measures(&self) -> &[Measure] {
        &self.measures
    }

    pub fn into_json(self) -> Value {
        Value::Object(self.members)
    }
}

/// Why a job did not do what it was asked for. `message` names the step or call that failed and what
/// an operator can change.
#[derive(Debug)]
pub struct JobError {
    pub code: Code,
    pub message: String,
    /// What was seen and done before it failed.
    pub done: Box<Report>,
}

/// The stable names of failures.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Code {
    /// The event or the request is none that key-sync understands.
    BadInput,
    /// A put-keys request where `PUT_KEYS` is off, and the like: the configuration does not allow it.
    NotConfigured,
    /// The deadline of the invocation is too near to begin or to go on; a later run goes on.
    OutOfTime,
    LeaseHeld,
    LeaseLost,
    /// Secrets Manager's labels do not allow this step.
    RotationRefused,
    /// The overlap of the last rotation has not run.
    TooEarly,
    /// The Worker's newest version is not the only deployed one.
    NeedsOperator,
    EdgeUnreachable,
    /// The edge proved another key than the one that was expected, or none.
    EdgeWrongKey,
    /// What the edge signed did not pass the gateway.
    GatewayRefusedProbe,
    CloudflareUnavailable,
    /// Cloudflare refused the call: token, account, namespace or script name.
    CloudflareRefused,
    TableUnavailable,
    SecretUnavailable,
    LambdaUnavailable,
    /// The signing secret holds a value that is no key of the configured algorithm.
    SecretMalformed,
    /// What was asked for would take too much away from the edge.
    Guard,
    /// Some records could not be written, or not be published.
    Incomplete,
    /// An issuer's key set was not to be had, or not usable.
    KeySetUnavailable,
    /// Parts of a tick failed, each of which the message names.
    PartsFailed,
    /// A defect of key-sync itself.
    Defect,
}

impl Code {
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadInput => "bad_input",
            Self::NotConfigured => "not_configured",
            Self::OutOfTime => "out_of_time",
            Self::LeaseHeld => "lease_held",
            Self::LeaseLost => "lease_lost",
            Self::RotationRefused => "rotation_refused",
            Self::TooEarly => "too_early",
            Self::NeedsOperator => "needs_operator",
            Self::EdgeUnreachable => "edge_unreachable",
            Self::EdgeWrongKey => "edge_wrong_key",
            Self::GatewayRefusedProbe => "gateway_refused_probe",
            Self::CloudflareUnavailable => "cloudflare_unavailable",
            Self::CloudflareRefused => "cloudflare_refused",
            Self::TableUnavailable => "table_unavailable",
            Self::SecretUnavailable => "secret_unavailable",
            Self::LambdaUnavailable => "lambda_unavailable",
            Self::SecretMalformed => "secret_malformed",
            Self::Guard => "guard",
            Self::Incomplete => "incomplete",
            Self::KeySetUnavailable => "key_set_unavailable",
            Self::PartsFailed => "parts_failed",
            Self::Defect => "defect",
        }
    }
}

impl JobError {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), done: Box::default() }
    }

    /// The same failure, and where it happened.
    pub fn at(self, place: &str) -> Self {
        Self { message: format!("{place}: {}", self.message), ..self }
    }

    /// The same failure, after this was seen and done.
    pub fn after(self, done: Report) -> Self {
        Self { done: Box::new(done), ..self }
    }

    pub fn table(error: &countersign_store::Unavailable) -> Self {
        Self::new(Code::TableUnavailable, error.to_string())
    }

    pub fn secret(error: &countersign_store::Unavailable) -> Self {
        Self::new(Code::SecretUnavailable, error.to_string())
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for JobError {}
