//! The edge's proof: an HTTP message signature (RFC 9421) with a key of the signing secret.
//!
//! Three steps, so that nothing is looked up for someone who has proved nothing: `read` finds the
//! signature that is ours, `Claim::check` holds it to the profile, `verify` takes the key that was
//! looked up for it. What the covered values say (`edge-target`, `edge-client`, …) is judged elsewhere.
//!
//! ```text
//! headers ─► read ─► Claim ─► check(headers, lifetimes, now) ─► [key by keyid] ─► verify(key, …)
//! ```

mod algorithm;
pub mod base;
mod claim;
pub mod input;
mod key;
mod params;
mod profile;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use claim::{Claim, Tag, read};
pub use key::{EdgeKey, KeyError};
pub use params::SignatureParams;
pub use profile::is_edge_header;

use base::{Message, Start, signature_base};

use crate::decision::Refusal;
use crate::request::Headers;

/// Whether the edge signed this request: `method` and `authority` as the gateway received them, and
/// the covered `headers`. The claim has passed `Claim::check` on the same headers.
///
/// # Errors
/// `SignatureKeyUnknown`: the key goes by another name than the signature's `keyid`.
/// `SignatureAlgorithm`: `alg` is not the key's algorithm, which alone decides (§3.2, §7.3.6).
/// `SignatureInvalid`: the signature does not verify, or the request has no signature base.
pub fn verify(
    claim: &Claim<'_>,
    key: &EdgeKey,
    method: &str,
    authority: &str,
    headers: &Headers<'_>,
) -> Result<(), Refusal> {
    if claim.keyid != key.keyid() {
        return Err(Refusal::SignatureKeyUnknown);
    }
    if claim.alg.is_some_and(|alg| alg != key.algorithm().as_str()) {
        return Err(Refusal::SignatureAlgorithm);
    }
    let message = Message { start: Start::Request { method, scheme: "https", authority, target: None }, headers };
    let base = signature_base(&message, &claim.params).map_err(|_| Refusal::SignatureInvalid)?;
    if key.verify(base.as_bytes(), &claim.signature) { Ok(()) } else { Err(Refusal::SignatureInvalid) }
}
