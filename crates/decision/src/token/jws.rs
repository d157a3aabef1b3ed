//! A JSON Web Signature in compact serialisation (RFC 7515): three parts, one header, one signature.
//!
//! Knows nothing of claims: the payload is bytes. The header names a key and an algorithm, it never
//! chooses them: the key is one of the issuer's set, the algorithm one that issuer and key both allow.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::algorithm::Algorithm;
use super::key_set::KeySet;
use super::object::Object;
use crate::decision::Refusal;
use crate::limits;

/// Header parameters that change what a verifier must do, or that offer it a key. None is honoured, so
/// none may be there. `x5t` and `x5t#S256` only name a certificate; common issuers send them, nothing
/// here reads them.
const FORBIDDEN: [&str; 10] = ["crit", "b64", "jku", "jwk", "x5u", "x5c", "enc", "zip", "cty", "epk"];

/// The three parts of a JWS, its header read, its signature not yet checked.
pub struct Jws<'a> {
    /// Header and payload as sent, with the dot between them: the bytes that are signed.
    signing_input: &'a str,
    signature: &'a str,
    payload: Vec<u8>,
    header: Header,
}

struct Header {
    /// `None`: a name that is not in the closed list, `none` among them.
    algorithm: Option<Algorithm>,
    kid: Option<String>,
    typ: Option<String>,
}

impl<'a> Jws<'a> {
    /// Reads a compact serialisation of at most [`limits::TOKEN`] bytes.
    ///
    /// Refuses anything but three parts in canonical base64url without padding, a header that is not a
    /// JSON object with each name once, and every parameter of the forbidden list.
    pub fn read(compact: &'a str) -> Result<Self, Refusal> {
        if compact.len() > limits::TOKEN {
            return Err(Refusal::TokenTooLarge);
        }
        let (signing_input, signature) = compact.rsplit_once('.').ok_or(Refusal::TokenMalformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(Refusal::TokenMalformed)?;
        // A fourth part would leave a dot in the payload, which base64url refuses.
        Ok(Self { signing_input, signature, header: Header::read(&decode(header)?)?, payload: decode(payload)? })
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    pub(super) fn typ(&self) -> Option<&str> {
        self.header.typ.as_deref()
    }

    /// The payload before its signature is checked: for telling whose key would check it.
    pub(super) fn unverified_payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload, once the signature holds under one of the issuer's keys and algorithms.
    pub fn verify(&self, keys: &KeySet, algorithms: &[Algorithm]) -> Result<&[u8], Refusal> {
        let algorithm = self.header.algorithm.ok_or(Refusal::TokenAlgorithm)?;
        if !algorithms.contains(&algorithm) {
            return Err(Refusal::TokenAlgorithm);
        }
        let key = keys.find(self.kid())?;
        key.verify(algorithm, self.signing_input.as_bytes(), decode(self.signature)?)?;
        Ok(&self.payload)
    }
}

impl Header {
    fn read(json: &[u8]) -> Result<Self, Refusal> {
        let json = std::str::from_utf8(json).map_err(|_| Refusal::TokenMalformed)?;
        let header = Object::parse(json).ok_or(Refusal::TokenMalformed)?;
        if FORBIDDEN.into_iter().any(|name| header.has(name)) {
            return Err(Refusal::TokenHeader);
        }
        let text = |name| header.text(name).map_err(|_| Refusal::TokenMalformed);
        let algorithm = text("alg")?.ok_or(Refusal::TokenMalformed)?;
        let kid = text("kid")?;
        if kid.as_deref().is_some_and(|kid| kid.len() > limits::KID) {
            return Err(Refusal::TokenKeyUnknown);
        }
        Ok(Self {
            algorithm: Algorithm::from_name(&algorithm),
            kid: kid.map(Into::into),
            typ: text("typ")?.map(Into::into),
        })
    }
}

/// Canonical only: no padding, no white space, no stray bits, so that a token has one spelling.
fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::TokenMalformed)
}
