//! The calls of Cloudflare's API that publishing to the edge needs: Workers KV in bulk, and the
//! secrets and the deployment of one Worker.
//!
//! Refuses to know what is published and why. Every method takes the moment until which it may go
//! on, and answers with an [`Error`] that says what the operator should change. Repeating any of
//! the calls is harmless, so they are repeated here where that may help.

mod call;
mod error;
mod kv;
mod worker;

use std::sync::atomic::{AtomicU32, Ordering};

use countersign_https::Https;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

pub use crate::error::Error;
pub use crate::kv::{Listed, Listing, Pair, Written};
pub use crate::worker::{Deployment, SecretKey, SecretsPatch};

/// An API token, with the permissions *Workers KV Storage: Edit* and *Workers Scripts: Edit* for
/// one account. It has no `Debug` and no `Display`.
pub struct Token(Zeroizing<String>);

impl Token {
    /// # Errors
    /// What a token must look like, without a word of the text given.
    pub fn new(text: String) -> Result<Self, &'static str> {
        let text = Zeroizing::new(text);
        if text.is_empty() || text.len() > LONGEST_TOKEN || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("an API token is 1 to 512 visible ASCII characters without spaces");
        }
        Ok(Self(text))
    }
}

/// One account's API, seen with one token.
pub struct Cloudflare {
    https: Https,
    /// Up to and with `/accounts/{account}`.
    base: String,
    token: Token,
    calls: AtomicU32,
}

const LONGEST_TOKEN: usize = 512;

/// What stays as it is in a segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Cloudflare {
    /// `base_url`: `https://api.cloudflare.com/client/v4`.
    pub fn new(https: Https, base_url: &str, account: &str, token: Token) -> Self {
        let base = format!("{}/accounts/{}", base_url.trim_end_matches('/'), segment(account));
        Self { https, base, token, calls: AtomicU32::new(0) }
    }

    /// HTTP calls so far, the repeated ones counted: Cloudflare allows 1,200 in five minutes.
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }
}

/// A name as a segment of a path, or as a value of a query.
fn segment(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}
