//! A call that did not answer, in words for the operator: which call, what came instead, and, where the
//! cause is configuration, what to look at. Never what was sent.

use std::error::Error;
use std::fmt;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// A call that did not answer. The text names the call and the cause; it is for logs.
#[derive(Debug)]
pub struct Unavailable(String);

impl Unavailable {
    pub(crate) fn of<E, R>(call: &str, error: &SdkError<E, R>) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
        R: fmt::Debug + 'static,
    {
        let mut text = format!("{call}: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        if let Some(advice) = error.code().and_then(configuration) {
            text.push_str(advice);
        }
        Self(text)
    }

    /// The call was answered, but not with anything that can be used.
    pub(crate) fn answer(call: &str, what: impl fmt::Display) -> Self {
        Self(format!("{call}: {what}"))
    }
}

/// What nobody will mend by waiting.
fn configuration(code: &str) -> Option<&'static str> {
    match code {
        "AccessDeniedException" | "AccessDenied" => Some(" (configuration: the function's role must allow this call)"),
        "ResourceNotFoundException" => {
            Some(" (configuration: nothing has that name here; check the table's and the secret's)")
        }
        "KMSAccessDeniedException" | "DecryptionFailure" | "EncryptionFailure" => {
            Some(" (configuration: the function's role must be allowed to use the KMS key)")
        }
        _ => None,
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Unavailable {}
