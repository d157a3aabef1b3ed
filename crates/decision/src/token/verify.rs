//! Whether a token holds against its issuer's record, and what it grants if it does.
//!
//! The one constructor of [`VerifiedToken`]. RFC 7519 §7.2, RFC 8725 §3, RFC 9068 §4.

use std::sync::Arc;
use std::time::Duration;

use super::claims::Claims;
use super::key_set::KeySet;
use super::unverified::Unverified;
use crate::decision::Refusal;
use crate::grant::GrantSet;
use crate::lifetimes::Lifetimes;
use crate::record::issuer::{Condition, IssuerRecord};
use crate::time::Timestamp;

/// What a token is shown as proof of. The two kinds exclude each other: RFC 8725 §3.12.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose<'p> {
    /// Who calls.
    Caller,
    /// That the request came through the edge that serves `authority`, in lower case as `@authority`
    /// has it.
    Edge { authority: &'p str },
}

/// What a token that holds says about its bearer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifiedToken {
    pub issuer: String,
    /// 1 to 255 bytes, no control characters.
    pub subject: String,
    /// Separated by single spaces, each once; empty without any.
    pub scopes: String,
    /// All that the record's rules give for these scopes and claims; possibly nothing.
    pub grants: Arc<GrantSet>,
    pub expires: Timestamp,
}

impl Unverified<'_> {
    /// `issuer` and `record` are what was looked up for [`Unverified::unverified_issuer`], `keys` the
    /// issuer's key set. `result_ttl` seconds is how long the gateway may reuse an answer.
    #[allow(clippy::too_many_arguments, reason = "each is a fact that the caller looked up; no two belong together")]
    pub fn verify(
        &self,
        issuer: &str,
        record: &IssuerRecord,
        keys: &KeySet,
        purpose: Purpose<'_>,
        result_ttl: u32,
        lifetimes: &Lifetimes,
        now: Timestamp,
    ) -> Result<VerifiedToken, Refusal> {
        if record.is_edge() != matches!(purpose, Purpose::Edge { .. }) {
            return Err(Refusal::EdgeTokenIssuer);
        }
        if !record.has_token_type(self.jws.typ()) {
            return Err(Refusal::TokenType);
        }
        let claims = Claims::parse(self.jws.verify(keys, record.algorithms())?)?;
        if claims.issuer != issuer {
            return Err(Refusal::TokenIssuerUnknown);
        }
        check_audience(&claims, record, purpose)?;
        check_times(&claims, record, purpose, lifetimes, now)?;
        if record.required_claims().iter().any(|(name, value)| !claims.meets(name, value)) {
            return Err(Refusal::TokenRequiredClaim);
        }
        if claims.expires.since(now) < Duration::from_secs(result_ttl.into()) {
            return Err(Refusal::TokenExpiresTooSoon);
        }
        Ok(VerifiedToken {
            issuer: issuer.to_owned(),
            grants: grants(&claims, record),
            subject: claims.subject.into_owned(),
            scopes: claims.scopes,
            expires: claims.expires,
        })
    }
}

/// An edge's token is for one gateway alone: were others named beside it, each could replay it to them.
/// Its issuer's record lists, as `audiences`, the authorities that the issuer may speak for.
fn check_audience(claims: &Claims<'_>, record: &IssuerRecord, purpose: Purpose<'_>) -> Result<(), Refusal> {
    let meant = match purpose {
        Purpose::Caller => true,
        Purpose::Edge { authority } => matches!(claims.audience.as_slice(), [only] if only == authority),
    };
    if meant && claims.audience.iter().any(|audience| record.has_audience(audience)) {
        Ok(())
    } else {
        Err(Refusal::TokenAudience)
    }
}

fn check_times(
    claims: &Claims<'_>,
    record: &IssuerRecord,
    purpose: Purpose<'_>,
    lifetimes: &Lifetimes,
    now: Timestamp,
) -> Result<(), Refusal> {
    if now >= claims.expires.plus(lifetimes.skew) {
        return Err(Refusal::TokenExpired);
    }
    if [claims.issued, claims.not_before].into_iter().flatten().any(|at| at > now.plus(lifetimes.skew)) {
        return Err(Refusal::TokenFuture);
    }
    if claims.issued.is_some_and(|issued| claims.expires <= issued) {
        return Err(Refusal::TokenLifetime);
    }
    let longest = record.max_age().unwrap_or(lifetimes.token_life);
    let (longest, born) = match (purpose, claims.issued) {
        (Purpose::Edge { .. }, None) => return Err(Refusal::TokenClaims),
        (Purpose::Edge { .. }, Some(issued)) => (longest.min(lifetimes.edge_token_life), issued),
        // Without `iat` only what is left of a caller's token can be bounded.
        (Purpose::Caller, issued) => (longest, issued.unwrap_or(now)),
    };
    if claims.expires.since(born) > longest {
        return Err(Refusal::TokenLifetime);
    }
    Ok(())
}

/// Most tokens meet one rule; then its grants are shared, not copied.
fn grants(claims: &Claims<'_>, record: &IssuerRecord) -> Arc<GrantSet> {
    let met = |condition: &Condition| match condition {
        Condition::Any => true,
        Condition::Scope(scope) => claims.has_scope(scope),
        Condition::Claim { name, equals } => claims.meets(name, equals),
    };
    let mut allowed = record.rules().iter().filter(|rule| met(&rule.condition)).map(|rule| &rule.allow);
    let mut grants = allowed.next().map(Arc::clone).unwrap_or_default();
    for more in allowed {
        Arc::make_mut(&mut grants).extend(more);
    }
    grants
}
