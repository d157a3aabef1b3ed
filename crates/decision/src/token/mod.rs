//! OIDC tokens: JSON Web Tokens (RFC 7519) in compact serialisation, under the rules of RFC 8725.
//!
//! ```text
//! compact ─► Unverified ─(issuer record, key set)─► VerifiedToken
//! ```
//!
//! `jws` reads the three parts and checks the signature, `jwk` and `key_set` judge what an issuer
//! publishes, `claims` types what a payload says, `verify` holds all of it against the issuer's
//! record. What must be looked up (record, key set) is an argument.

pub mod algorithm;
mod claims;
pub mod discovery;
pub mod jwk;
pub mod jws;
pub mod key_set;
pub mod mirrored;
mod object;
pub mod unverified;
pub mod verify;

pub use key_set::{KeySet, KeySetError};
pub use mirrored::Mirrored;
pub use unverified::Unverified;
pub use verify::{Purpose, VerifiedToken};

#[cfg(test)]
mod tests;
