//! What a decision can be: three outcomes, never two.
//!
//! A `Refusal` is the caller's fault, a `Fault` is ours. Both lists are closed; each variant has a
//! stable `code()` that logs, metrics and the golden table use. A `Grant` has no public constructor:
//! only a verifier of this crate that succeeded can build one.

use std::sync::Arc;

use crate::context::Context;
use crate::grant::GrantSet;

#[derive(Debug)]
pub enum Decision {
    Allow(Grant),
    Refuse {
        refusal: Refusal,
        /// What the same caller may do elsewhere. Set only where the gateway caches results: then the
        /// cached answer must be right for the caller's other routes too.
        elsewhere: Option<Grant>,
    },
    Fault(Fault),
}

impl Decision {
    pub(crate) const fn refuse(refusal: Refusal) -> Self {
        Self::Refuse { refusal, elsewhere: None }
    }

    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Allow(_) => "allow",
            Self::Refuse { .. } => "refuse",
            Self::Fault(_) => "fault",
        }
    }

    pub const fn code(&self) -> &'static str {
        match self {
            Self::Allow(_) => "allow",
            Self::Refuse { refusal, .. } => refusal.code(),
            Self::Fault(fault) => fault.code(),
        }
    }
}

/// What a caller may do, and what the back end is told about it.
#[derive(Clone, Debug)]
pub struct Grant {
    principal: String,
    grants: Arc<GrantSet>,
    context: Context,
    usage_plan_key: Option<String>,
    inside: bool,
}

impl Grant {
    pub(crate) const fn new(
        principal: String,
        grants: Arc<GrantSet>,
        context: Context,
        usage_plan_key: Option<String>,
        inside: bool,
    ) -> Self {
        Self { principal, grants, context, usage_plan_key, inside }
    }

    /// `principalId` of the answer; never empty.
    pub fn principal(&self) -> &str {
        &self.principal
    }

    pub fn grants(&self) -> &GrantSet {
        &self.grants
    }

    /// Names and values for the answer's `context`, without control characters.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// The API key of a usage plan, for REST APIs with `apiKeySource: AUTHORIZER`.
    pub fn usage_plan_key(&self) -> Option<&str> {
        self.usage_plan_key.as_deref()
    }

    /// The edge's own request: only then may the answer open the inside doors.
    pub const fn is_inside(&self) -> bool {
        self.inside
    }
}

/// Which of HTTP's two words a refusal is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RefusalKind {
    /// 401: we do not know who you are.
    WhoAreYou,
    /// 403: we know, or it does not matter, and you may not.
    YouMayNot,
}

macro_rules! codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal $(, $kind:ident)?;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable name for logs, metrics and `countersign why`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }
        }
        codes!(@kinds $name { $($variant $(, $kind)?;)* });
    };
    (@kinds $name:ident { $($variant:ident, $kind:ident;)* }) => {
        impl $name {
            pub const fn kind(self) -> RefusalKind {
                match self { $(Self::$variant => RefusalKind::$kind,)* }
            }
        }
    };
    (@kinds $name:ident { $($variant:ident;)* }) => {};
}

codes! {
    /// The caller's fault.
    Refusal {
        /// The event names an API or stage that is not in `APIS`.
        ApiUnknown = "api_unknown", YouMayNot;
        /// `Host` is not in `AUTHORITIES`, is missing, or disagrees with the gateway's domain name.
        AuthorityUnknown = "authority_unknown", YouMayNot;
        /// A caller is required and none is on the request.
        CallerMissing = "caller_missing", WhoAreYou;
        /// What the credentials say about their holder is more than an answer's context takes.
        ContextTooLarge = "context_too_large", YouMayNot;
        /// Two credentials of one kind, or a raw key beside the edge's.
        CredentialsAmbiguous = "credentials_ambiguous", WhoAreYou;
        /// `Authorization` carries another scheme than Bearer.
        AuthorizationScheme = "authorization_scheme", WhoAreYou;
        /// `Edge-Client` is not the dictionary it must be.
        EdgeClientMalformed = "edge_client_malformed", WhoAreYou;
        /// An `edge-*` header is on the request and no verified signature covers it.
        EdgeHeaderUnsigned = "edge_header_unsigned", WhoAreYou;
        /// `Edge-Key` is not 64 lower-case hexadecimal digits.
        EdgeKeyMalformed = "edge_key_malformed", WhoAreYou;
        /// The edge's proof is required and none is on the request.
        EdgeProofMissing = "edge_proof_missing", WhoAreYou;
        /// The issuer of `Edge-Token` is not marked as the edge's, or the caller's token is the edge's.
        EdgeTokenIssuer = "edge_token_issuer", WhoAreYou;
        /// No grant covers this method and path.
        GrantMissing = "grant_missing", YouMayNot;
        /// More header lines than any gateway sends.
        HeadersTooMany = "headers_too_many", YouMayNot;
        /// A path under `/.countersign` without the inside proof.
        InsidePath = "inside_path", YouMayNot;
        /// The key is not usable from this address.
        KeyAddress = "key_address", YouMayNot;
        KeyDisabled = "key_disabled", WhoAreYou;
        KeyExpired = "key_expired", WhoAreYou;
        /// Not the form of a key: length, characters or checksum.
        KeyMalformed = "key_malformed", WhoAreYou;
        KeyRevoked = "key_revoked", WhoAreYou;
        KeySuspended = "key_suspended", WhoAreYou;
        KeyUnknown = "key_unknown", WhoAreYou;
        NonceMalformed = "nonce_malformed", WhoAreYou;
        /// A nonce is required here (`REPLAY`) and the signature has none.
        NonceMissing = "nonce_missing", WhoAreYou;
        /// The nonce was claimed before: a replay.
        NonceReplayed = "nonce_replayed", WhoAreYou;
        /// Dot segments, wildcards or control characters in the path.
        PathHostile = "path_hostile", YouMayNot;
        /// Signature `alg` is not the key's algorithm.
        SignatureAlgorithm = "signature_algorithm", WhoAreYou;
        /// Two signatures carry our tag.
        SignatureAmbiguous = "signature_ambiguous", WhoAreYou;
        /// A component that must be covered is not, is absent, or is sent more than once.
        SignatureCoverage = "signature_coverage", WhoAreYou;
        /// `expires` has passed.
        SignatureExpired = "signature_expired", WhoAreYou;
        /// `created` lies in the future.
        SignatureFuture = "signature_future", WhoAreYou;
        /// The signature does not verify.
        SignatureInvalid = "signature_invalid", WhoAreYou;
        /// `keyid` is not a labelled version of the signing secret.
        SignatureKeyUnknown = "signature_key_unknown", WhoAreYou;
        /// `Signature-Input` or `Signature` is not what RFC 9421 and the profile ask for.
        SignatureMalformed = "signature_malformed", WhoAreYou;
        /// `created` is too long ago.
        SignatureStale = "signature_stale", WhoAreYou;
        /// `expires - created` is too long, or not positive.
        SignatureWindow = "signature_window", WhoAreYou;
        /// `Edge-Target` is not an ASCII, percent-encoded path and query, or is ambiguous on API Gateway.
        TargetMalformed = "target_malformed", WhoAreYou;
        /// The signed target is not the request that API Gateway reports.
        TargetMismatch = "target_mismatch", WhoAreYou;
        /// `alg` is not one that issuer and key both allow.
        TokenAlgorithm = "token_algorithm", WhoAreYou;
        TokenAudience = "token_audience", WhoAreYou;
        /// A registered claim is missing or has the wrong JSON type.
        TokenClaims = "token_claims", WhoAreYou;
        TokenExpired = "token_expired", WhoAreYou;
        /// The token expires while the gateway could still reuse the answer (`RESULT_TTL`).
        TokenExpiresTooSoon = "token_expires_too_soon", WhoAreYou;
        /// `iat` or `nbf` lies in the future.
        TokenFuture = "token_future", WhoAreYou;
        /// A header parameter that must not be there: crit, b64, jku, jwk, x5u, x5c, enc, zip …
        TokenHeader = "token_header", WhoAreYou;
        TokenIssuerUnknown = "token_issuer_unknown", WhoAreYou;
        /// `kid` names no key of the issuer's set, or more than one.
        TokenKeyUnknown = "token_key_unknown", WhoAreYou;
        /// The key is not one for verifying signatures: use, key_ops, kty, crv.
        TokenKeyUnusable = "token_key_unusable", WhoAreYou;
        /// `exp - iat` is longer than allowed.
        TokenLifetime = "token_lifetime", WhoAreYou;
        TokenMalformed = "token_malformed", WhoAreYou;
        /// A claim that the issuer's record requires is missing or different.
        TokenRequiredClaim = "token_required_claim", YouMayNot;
        TokenSignature = "token_signature", WhoAreYou;
        TokenTooLarge = "token_too_large", WhoAreYou;
        /// `typ` is not one that the issuer's record allows.
        TokenType = "token_type", WhoAreYou;
    }
}

codes! {
    /// Our fault. Never turned into Allow, never into Deny.
    Fault {
        /// The answer would be larger than API Gateway takes.
        AnswerTooLarge = "answer_too_large";
        /// The event is not one of the five kinds, or not JSON of the documented shape.
        EventUnreadable = "event_unreadable";
        /// The issuer's key set cannot be had, and none is kept.
        IssuerUnavailable = "issuer_unavailable";
        /// Secrets Manager does not tell the labels, and none are kept.
        LabelsUnavailable = "labels_unavailable";
        /// Too many look-ups of unknown keys or issuers in this second.
        LookupsExhausted = "lookups_exhausted";
        /// AWSCURRENT has neither a readable HMAC value nor a public key record.
        NoSigningKey = "no_signing_key";
        /// The table does not answer the nonce claim.
        NonceStoreUnavailable = "nonce_store_unavailable";
        /// A key or issuer record is not of the documented shape.
        RecordMalformed = "record_malformed";
        /// The key table does not answer, and the record is not kept.
        TableUnavailable = "table_unavailable";
        /// A TOKEN event carries one header and can never carry the edge's proof, which is required.
        TokenEventNeedsEdge = "token_event_needs_edge";
        /// A labelled version has no readable value yet, or its value cannot be had.
        SigningKeyUnavailable = "signing_key_unavailable";
    }
}
