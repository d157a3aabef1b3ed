//! The caller's turn: key and token, the grants they leave, and the nonce that makes it once.

use std::sync::Arc;
use std::time::Duration;

use super::{Case, Issuer, Lookup, Proof, Step};
use crate::api_key::KeyHash;
use crate::context::Context;
use crate::decision::{Decision, Fault, Grant, Refusal};
use crate::grant::GrantSet;
use crate::record::key::KeyRecord;
use crate::request::EventKind;
use crate::rules::Require;
use crate::signature::Tag;
use crate::time::Timestamp;
use crate::token::{Purpose, Unverified, VerifiedToken};

/// The caller's record is wanted: the key's, the token's issuer's, or both side by side.
pub struct AwaitCaller<'r> {
    case: Case<'r>,
    proof: Proof<'r>,
    key: Option<KeyHash>,
    token: Option<Unverified<'r>>,
}

impl<'r> AwaitCaller<'r> {
    pub(super) fn begin(
        mut case: Case<'r>,
        proof: Proof<'r>,
        key: Option<KeyHash>,
        token: Option<Unverified<'r>>,
    ) -> Step<'r> {
        if let Proof::Signature { claim, .. } = &proof
            && claim.tag == Tag::Inside
        {
            let doors = Arc::new(GrantSet::inside_doors());
            return Self { case, proof, key, token }.route("edge".to_owned(), doors, true);
        }
        if key.is_some() || token.is_some() {
            case.evidence.issuer = token.as_ref().map(|token| token.unverified_issuer().to_owned());
            return Step::Caller(Self { case, proof, key, token });
        }
        let anonymous = &case.rules.anonymous;
        let signed = matches!(proof, Proof::Signature { .. });
        if case.rules.require == Require::Edge && signed && !anonymous.is_empty() {
            let grants = Arc::clone(anonymous);
            return Self { case, proof, key, token }.route("anonymous".to_owned(), grants, false);
        }
        case.refuse(Refusal::CallerMissing)
    }

    pub const fn key(&self) -> Option<&KeyHash> {
        self.key.as_ref()
    }

    pub const fn token(&self) -> Option<&Unverified<'r>> {
        self.token.as_ref()
    }

    /// `key` answers `key()` and `issuer` answers `token()`; an answer that was not asked for is ignored.
    pub fn resume(mut self, key: Lookup<Arc<KeyRecord>>, issuer: Lookup<Issuer>) -> Step<'r> {
        match self.judge(key, issuer) {
            Ok((principal, grants)) => self.route(principal, grants, false),
            Err(decision) => self.case.done(decision),
        }
    }

    fn judge(
        &mut self,
        key: Lookup<Arc<KeyRecord>>,
        issuer: Lookup<Issuer>,
    ) -> Result<(String, Arc<GrantSet>), Decision> {
        let key = if self.key.is_some() { Some(self.judge_key(key)?) } else { None };
        let token = if let Some(token) = &self.token {
            let verified = judge_token(&self.case, token, issuer, Purpose::Caller)?;
            let grants = Arc::clone(&verified.grants);
            let subject = verified.subject.clone();
            self.case.evidence.token = Some(Box::new(verified));
            Some((subject, grants))
        } else {
            None
        };
        match (key, token) {
            (Some(key), None) => Ok((key.principal.clone(), Arc::clone(&key.grants))),
            (None, Some(token)) => Ok(token),
            (Some(key), Some((subject, grants))) => {
                let both = key.grants.intersect(&grants).ok_or(Decision::Fault(Fault::AnswerTooLarge))?;
                Ok((subject, Arc::new(both)))
            }
            (None, None) => Err(Decision::refuse(Refusal::CallerMissing)),
        }
    }

    fn judge_key(&mut self, found: Lookup<Arc<KeyRecord>>) -> Result<Arc<KeyRecord>, Decision> {
        let key = found.map_err(Decision::Fault)?.ok_or(Decision::refuse(Refusal::KeyUnknown))?;
        self.case.evidence.key = Some(Arc::clone(&key));
        // Behind a bare edge token the gateway sees the edge's address, which says nothing; and an
        // answer that is reused would be reused for other addresses.
        let address = match self.proof {
            Proof::Token => None,
            _ if self.case.rules.result_ttl > 0 => None,
            Proof::None | Proof::Signature { .. } => self.case.evidence.client_ip(),
        };
        let reused = Duration::from_secs(self.case.rules.result_ttl.into());
        key.check(address, reused, self.case.now).map_err(Decision::refuse)?;
        Ok(key)
    }

    /// The principal is who it says it is. May it do this?
    fn route(self, principal: String, grants: Arc<GrantSet>, inside: bool) -> Step<'r> {
        let Self { mut case, proof, .. } = self;
        case.evidence.principal = Some(principal.clone());
        let request = case.request;
        let allowed = match request.kind {
            EventKind::WebSocket => grants.allows("CONNECT", "/"),
            _ => grants.allows(&request.arn.method, &request.arn.path),
        };
        if !allowed && case.rules.result_ttl == 0 {
            return case.refuse(Refusal::GrantMissing);
        }
        let Some(grant) = grant(&case, &proof, principal, grants, inside) else {
            return case.refuse(Refusal::ContextTooLarge);
        };
        if !allowed {
            return case.done(Decision::Refuse { refusal: Refusal::GrantMissing, elsewhere: Some(grant) });
        }
        match &proof {
            Proof::Signature { claim, .. } if case.rules.replay.applies_to(&request.method) => match claim.nonce {
                Some(nonce) => {
                    let pk = format!("nonce#{}#{nonce}", claim.keyid);
                    let until = Timestamp::from_secs(claim.expires).plus(case.rules.lifetimes.skew);
                    Step::Nonce(AwaitNonce { case, grant, pk, until })
                }
                None => case.refuse(Refusal::NonceMissing),
            },
            _ => case.done(Decision::Allow(grant)),
        }
    }
}

pub(super) fn judge_token(
    case: &Case<'_>,
    token: &Unverified<'_>,
    found: Lookup<Issuer>,
    purpose: Purpose<'_>,
) -> Result<VerifiedToken, Decision> {
    let issuer = found.map_err(Decision::Fault)?.ok_or(Decision::refuse(Refusal::TokenIssuerUnknown))?;
    let keys = issuer.keys.ok_or(Decision::refuse(Refusal::TokenKeyUnknown))?;
    let (iss, ttl) = (token.unverified_issuer(), case.rules.result_ttl);
    token.verify(iss, &issuer.record, &keys, purpose, ttl, &case.rules.lifetimes, case.now).map_err(Decision::refuse)
}

/// `None` when the context would be larger than API Gateway takes.
fn grant(case: &Case<'_>, proof: &Proof<'_>, principal: String, grants: Arc<GrantSet>, inside: bool) -> Option<Grant> {
    let evidence = &case.evidence;
    let mut context = Context::usual();
    context.add("principal", &principal);
    if let Some(key) = &evidence.key {
        context.add("key_id", &key.key_id);
    }
    if let Some(token) = &evidence.token {
        context.add("issuer", evidence.issuer.as_deref().unwrap_or_default());
        context.add("scopes", &token.scopes);
    }
    if let Proof::Signature { claim, content_digest } = proof {
        context.add("edge_keyid", claim.keyid);
        content_digest.iter().for_each(|digest| context.add("content_digest", digest));
    }
    if let Some(ip) = evidence.client_ip().filter(|_| !matches!(proof, Proof::Token)) {
        context.add("client_ip", &ip.to_string());
    }
    if let Some(client) = &evidence.client {
        client.host.iter().for_each(|host| context.add("client_host", host));
        client.ray.iter().for_each(|ray| context.add("ray", ray));
    }
    if inside {
        context.add("inside", "true");
    }
    for (name, value) in evidence.key.iter().flat_map(|key| &key.context) {
        context.add(name.clone(), value);
    }
    let usage_plan_key = evidence.key.as_ref().and_then(|key| key.usage_plan_key.clone());
    context.is_acceptable().then(|| Grant::new(principal, grants, context, usage_plan_key, inside))
}

/// Everything allows, and the method asks for once: claim the nonce.
pub struct AwaitNonce<'r> {
    case: Case<'r>,
    grant: Grant,
    pk: String,
    until: Timestamp,
}

impl<'r> AwaitNonce<'r> {
    /// The key of the claim's item: `nonce#<keyid>#<nonce>`.
    pub fn pk(&self) -> &str {
        &self.pk
    }

    /// Until when the claim must be remembered; the signature is refused as expired after that.
    pub const fn until(&self) -> Timestamp {
        self.until
    }

    /// `true`: the nonce is ours now, or was already ours in this very invocation.
    pub fn resume(self, claimed: Result<bool, Fault>) -> Step<'r> {
        match claimed {
            Ok(true) => self.case.done(Decision::Allow(self.grant)),
            Ok(false) => self.case.refuse(Refusal::NonceReplayed),
            Err(fault) => self.case.fault(fault),
        }
    }
}
