//! Why a call did not do what it should, in words for the operator.
//!
//! What Cloudflare says is quoted, but it could quote what was sent: anything in it that might be a
//! token or a key is blanked, and nothing at all is quoted where secrets were sent.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

#[derive(Debug)]
pub enum Error {
    /// The Worker's newest version is not the one deployed: somebody is in the middle of a change,
    /// and repeating the call does not help.
    NeedsOperator(String),
    /// Cloudflare understood and said no.
    Refused { call: &'static str, status: u16, code: Option<u64>, message: String },
    /// Too many calls, and the wait would outlast what the caller allows.
    Throttled { call: &'static str, retry_after: Option<Duration> },
    /// No usable answer. The text says whether the call may have been applied.
    Unavailable(String),
}

/// Longest run of characters that keys are written with which is quoted: any key is longer.
const LONGEST_WORD: usize = 19;

/// What is quoted of Cloudflare's message, in characters.
const QUOTED: usize = 256;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeedsOperator(why) | Self::Unavailable(why) => f.write_str(why),
            Self::Refused { call, status, code, message } => {
                write!(f, "{call}: refused with status {status}")?;
                if let Some(code) = code {
                    write!(f, ", code {code}")?;
                }
                if !message.is_empty() {
                    write!(f, ": {message}")?;
                }
                write!(f, "; {}", remedy(*status, *code))
            }
            Self::Throttled { call, retry_after } => {
                write!(f, "{call}: too many calls for this user, all its tokens together")?;
                match retry_after {
                    Some(wait) => write!(f, "; try again in {} s", wait.as_secs()),
                    None => write!(f, "; try again in five minutes"),
                }
            }
        }
    }
}

impl StdError for Error {}

/// What to change, by the code where Cloudflare gave one.
fn remedy(status: u16, code: Option<u64>) -> &'static str {
    match (status, code) {
        (_, Some(10_000 | 9_103 | 9_106 | 9_109)) | (401 | 403, _) => {
            "check the API token: it must not have expired, and needs Workers KV Storage: Edit and Workers Scripts: \
             Edit for this account"
        }
        (_, Some(10_007)) => "check the name of the Worker: this account has none of that name",
        (_, Some(10_013)) => "check the id of the KV namespace: this account has none of that id",
        (_, Some(7_000 | 7_003)) => "check the account's id and the base URL of the API",
        (300..=399, _) => "check the base URL of the API: redirects are not followed",
        (404, _) => "check the ids of the account and the KV namespace, and the name of the Worker",
        _ => "Cloudflare does not take what was sent",
    }
}

/// Cloudflare's message, fit to be logged: one line, bounded, without anything as long as a key.
pub(crate) fn quoted(message: &str, token: &str) -> String {
    let without_token = message.replace(token, "…");
    let mut line = String::new();
    let mut word = String::new();
    for character in without_token.chars().chain([' ']).take(QUOTED) {
        if character.is_ascii_alphanumeric() || "+/=_-".contains(character) {
            word.push(character);
            continue;
        }
        line.push_str(if word.len() > LONGEST_WORD { "…" } else { &word });
        word.clear();
        line.push(if character.is_control() { ' ' } else { character });
    }
    // A word that the cut went through is left out: its length is not known.
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_key_is_not_quoted() {
        let key = "q83vEjRWeJASNFZ4kBI0VniQEjRWeJASNFZ4kBI0Vng=";
        for message in [
            format!("cannot import {key}"),
            key.to_owned(),
            format!("{{\"key_base64\":\"{key}\"}} at line 1"),
            format!("{}{key}", "x ".repeat(QUOTED / 2 - 5)),
            format!("the token to.ken is not known: {key}"),
        ] {
            let line = quoted(&message, "to.ken");
            assert!(
                !key.as_bytes().windows(12).any(|part| line.as_bytes().windows(12).any(|found| found == part)),
                "{line}"
            );
            assert!(!line.contains("to.ken") && line.chars().count() <= QUOTED, "{line}");
        }
        assert_eq!(quoted("workers.api.error.script_not_found\r\n", "t0"), "workers.api.error.script_not_found");
    }
}
