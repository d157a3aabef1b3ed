//! The key table and the signing secret: the one place that knows their AWS calls and conditions.
//!
//! Everything here answers with what was found, or with `Unavailable`: what could not be known and
//! why, for the operator. Nothing here decides.

pub mod secret;
pub mod table;

use std::fmt;

pub use secret::SigningSecret;
pub use table::KeyTable;

/// A call that did not answer. The text names the call and the cause; it is for logs.
#[derive(Debug)]
pub struct Unavailable(String);

impl Unavailable {
    pub(crate) fn new(call: &str, cause: &dyn std::error::Error) -> Self {
        let mut text = format!("{call}: {cause}");
        let mut source = cause.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        Self(text)
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unavailable {}
