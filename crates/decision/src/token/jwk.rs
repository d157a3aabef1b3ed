//! One published key: which algorithms it may verify, if any (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
//!
//! The key's type, curve and `alg` choose the algorithms; a token only says which of them it used.

use std::borrow::Cow;

use aws_lc_rs::signature::{
    self as aws, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::JwtVerifier;
use jsonwebtoken::signature::{Error, Verifier};

use super::algorithm::Algorithm;
use super::key_set::{DropReason, Dropped};
use super::object::Object;
use crate::decision::Refusal;
use crate::limits;

/// A public key that may verify signatures.
pub struct SigningKey {
    kid: Option<String>,
    verifiers: Vec<ParsedKey>,
}

impl SigningKey {
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Checks `signature`, the bytes and not their base64url, over `message`.
    ///
    /// # Errors
    /// `TokenAlgorithm`: the key's type, curve or own `alg` does not admit the algorithm.
    /// `TokenSignature`: the signature is not this key's.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: Vec<u8>) -> Result<(), Refusal> {
        let algorithm = algorithm.into();
        let verifier = self.verifiers.iter().find(|verifier| verifier.algorithm() == algorithm);
        verifier.ok_or(Refusal::TokenAlgorithm)?.verify(message, &signature).map_err(|_| Refusal::TokenSignature)
    }
}

/// jsonwebtoken's verifier over a key that is parsed once. Its own parses the key again for every
/// token, which costs a sixth of an RSA verification.
struct ParsedKey {
    algorithm: jsonwebtoken::Algorithm,
    key: ParsedPublicKey,
}

impl JwtVerifier for ParsedKey {
    fn algorithm(&self) -> jsonwebtoken::Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for ParsedKey {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Error> {
        self.key.verify_sig(message, signature).map_err(|_| Error::new())
    }
}

/// Reads one member of a set's `keys`.
pub(super) fn read(json: &str) -> Result<SigningKey, Dropped> {
    let malformed = Dropped { kid: None, reason: DropReason::Malformed };
    let Some(jwk) = Object::parse(json) else { return Err(malformed) };
    let kid = match jwk.text("kid") {
        Ok(kid) if kid.as_ref().is_none_or(|kid| kid.len() <= limits::KID) => kid.map(Cow::into_owned),
        _ => return Err(malformed),
    };
    match judge(&jwk) {
        Ok(verifiers) => Ok(SigningKey { kid, verifiers }),
        Err(reason) => Err(Dropped { kid, reason }),
    }
}

/// Members of private and symmetric keys: RFC 7518 §6.2.2, §6.3.2, §6.4.1, RFC 8037 §2.
pub(super) const SECRET: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

fn judge(jwk: &Object<'_>) -> Result<Vec<ParsedKey>, DropReason> {
    if SECRET.into_iter().any(|member| jwk.has(member)) {
        return Err(DropReason::Secret);
    }
    if !is_for_verifying(jwk)? {
        return Err(DropReason::NotForVerifying);
    }
    let kty = required(jwk, "kty")?;
    let crv = text(jwk, "crv")?;
    match (&*kty, crv.as_deref()) {
        ("RSA", None) => rsa(jwk),
        ("EC", Some("P-256")) => ec(jwk, Algorithm::Es256, &aws::ECDSA_P256_SHA256_FIXED, 32),
        ("EC", Some("P-384")) => ec(jwk, Algorithm::Es384, &aws::ECDSA_P384_SHA384_FIXED, 48),
        ("OKP", Some("Ed25519")) => ed25519(jwk),
        _ => Err(DropReason::Unsupported),
    }
}

fn is_for_verifying(jwk: &Object<'_>) -> Result<bool, DropReason> {
    let purpose = text(jwk, "use")?;
    let operations = jwk.texts("key_ops").map_err(|_| DropReason::Malformed)?;
    Ok(purpose.is_none_or(|purpose| purpose == "sig")
        && operations.is_none_or(|operations| operations.iter().any(|operation| operation == "verify")))
}

/// Those of `family` that the key's own `alg` leaves.
fn admitted(jwk: &Object<'_>, family: &[Algorithm]) -> Result<Vec<Algorithm>, DropReason> {
    let Some(name) = text(jwk, "alg")? else { return Ok(family.to_vec()) };
    let pinned = Algorithm::from_name(&name).filter(|algorithm| family.contains(algorithm));
    pinned.map(|algorithm| vec![algorithm]).ok_or(DropReason::Unsupported)
}

const RSA: [Algorithm; 6] =
    [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512];

fn rsa(jwk: &Object<'_>) -> Result<Vec<ParsedKey>, DropReason> {
    let (n, e) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    if !is_modulus(&n) || !is_exponent(&e) {
        return Err(DropReason::Malformed);
    }
    let components = RsaPublicKeyComponents { n, e };
    let parse = |algorithm: Algorithm| {
        let key = components.to_parsed_public_key(parameters(algorithm)?).map_err(|_| DropReason::Malformed)?;
        Ok(ParsedKey { algorithm: algorithm.into(), key })
    };
    admitted(jwk, &RSA)?.into_iter().map(parse).collect()
}

const fn parameters(algorithm: Algorithm) -> Result<&'static RsaParameters, DropReason> {
    match algorithm {
        Algorithm::Rs256 => Ok(&aws::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Ok(&aws::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Ok(&aws::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => Ok(&aws::RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Ok(&aws::RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Ok(&aws::RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => Err(DropReason::Unsupported),
    }
}

/// 2048 to 8192 bits and odd. On the minimal octets of RFC 7518 §6.3.1.1 aws-lc insists by itself.
fn is_modulus(n: &[u8]) -> bool {
    let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
    (2048..=8192).contains(&bits) && n.last().is_some_and(|last| last % 2 == 1)
}

/// Odd, at least 3, at most 32 bits: larger ones only make verifying slow.
fn is_exponent(e: &[u8]) -> bool {
    (1..=4).contains(&e.len()) && e.last().is_some_and(|last| last % 2 == 1) && e != [1]
}

fn ec(
    jwk: &Object<'_>,
    algorithm: Algorithm,
    curve: &'static dyn VerificationAlgorithm,
    coordinate: usize,
) -> Result<Vec<ParsedKey>, DropReason> {
    const UNCOMPRESSED: u8 = 4;
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    if x.len() != coordinate || y.len() != coordinate {
        return Err(DropReason::Malformed);
    }
    one(jwk, algorithm, curve, &[&[UNCOMPRESSED], x.as_slice(), &y].concat())
}

fn ed25519(jwk: &Object<'_>) -> Result<Vec<ParsedKey>, DropReason> {
    one(jwk, Algorithm::EdDsa, &aws::ED25519, &bytes(jwk, "x")?)
}

fn one(
    jwk: &Object<'_>,
    algorithm: Algorithm,
    parameters: &'static dyn VerificationAlgorithm,
    key: &[u8],
) -> Result<Vec<ParsedKey>, DropReason> {
    admitted(jwk, &[algorithm])?;
    let key = ParsedPublicKey::new(parameters, key).map_err(|_| DropReason::Malformed)?;
    Ok(vec![ParsedKey { algorithm: algorithm.into(), key }])
}

fn text<'a>(jwk: &Object<'a>, member: &str) -> Result<Option<Cow<'a, str>>, DropReason> {
    jwk.text(member).map_err(|_| DropReason::Malformed)
}

fn required<'a>(jwk: &Object<'a>, member: &str) -> Result<Cow<'a, str>, DropReason> {
    text(jwk, member)?.ok_or(DropReason::Malformed)
}

fn bytes(jwk: &Object<'_>, member: &str) -> Result<Vec<u8>, DropReason> {
    URL_SAFE_NO_PAD.decode(&*required(jwk, member)?).map_err(|_| DropReason::Malformed)
}
