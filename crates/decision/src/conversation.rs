//! A decision as a short conversation, so that nothing is looked up for someone who has proved nothing.
//!
//! ```text
//! open ─► EdgeKey ─────┐
//!      ├► EdgeToken ───┴► Caller ─► Nonce ─► Done
//!      └───────────────────┘ (each step may end in Done)
//! ```
//!
//! Each step says what to look up and is consumed by the answer: the shell cannot skip one, repeat
//! one or answer another. `Err(Fault)` as an answer means that it cannot be known now.

mod caller;
mod evidence;
mod opening;

use std::sync::Arc;

pub use caller::{AwaitCaller, AwaitNonce};
pub use evidence::Evidence;

use crate::api_key::KeyHash;
use crate::credential;
use crate::decision::{Decision, Fault, Refusal};
use crate::edge_client::EdgeClient;
use crate::record::issuer::IssuerRecord;
use crate::request::{EventKind, Request, Sent};
use crate::rules::Rules;
use crate::signature::{self, Claim, EdgeKey, Tag};
use crate::target::Target;
use crate::time::Timestamp;
use crate::token::{KeySet, Purpose, Unverified};

/// What a look-up found; `None`: there is no such thing.
pub type Lookup<T> = Result<Option<T>, Fault>;

/// An issuer's record and the key set to verify with.
pub struct Issuer {
    pub record: Arc<IssuerRecord>,
    /// `None`: the issuer has no key of the name that the token gives.
    pub keys: Option<Arc<KeySet>>,
}

pub enum Step<'r> {
    EdgeKey(AwaitEdgeKey<'r>),
    EdgeToken(AwaitEdgeToken<'r>),
    Caller(AwaitCaller<'r>),
    Nonce(AwaitNonce<'r>),
    Done(Verdict<'r>),
}

pub struct Verdict<'r> {
    pub decision: Decision,
    pub evidence: Evidence<'r>,
}

/// Starts a decision. `request` borrows from the event; `now` holds for the whole decision.
pub fn open<'r>(rules: &'r Rules, request: &'r Request<'r>, now: Timestamp) -> Step<'r> {
    let mut case = Case { rules, request, now, evidence: Evidence::default() };
    match case.read() {
        Ok(presented) => case.ask_edge(presented),
        Err(decision) => case.done(decision),
    }
}

struct Case<'r> {
    rules: &'r Rules,
    request: &'r Request<'r>,
    now: Timestamp,
    evidence: Evidence<'r>,
}

impl<'r> Case<'r> {
    fn read(&mut self) -> Result<credential::Presented<'r>, Decision> {
        if self.request.kind == EventKind::RestToken && self.rules.require.names_edge() {
            return Err(Decision::Fault(Fault::TokenEventNeedsEdge));
        }
        opening::check(self.rules, self.request, &mut self.evidence).map_err(Decision::refuse)?;
        credential::read(self.request, self.rules).map_err(Decision::refuse)
    }

    fn ask_edge(mut self, presented: credential::Presented<'r>) -> Step<'r> {
        let credential::Presented { edge, key, token } = presented;
        let is_inside = opening::is_inside(self.request);
        let inside_proof = matches!(&edge, Some(credential::Edge::Signature(claim)) if claim.tag == Tag::Inside);
        if is_inside && !inside_proof {
            return self.refuse(Refusal::InsidePath);
        }
        match edge {
            Some(credential::Edge::Signature(claim)) => {
                let nonce_required = self.rules.replay.applies_to(&self.request.method);
                let checked = claim.check(&self.request.headers, nonce_required, &self.rules.lifetimes, self.now);
                self.evidence.edge_keyid = Some(claim.keyid).filter(|_| checked != Err(Refusal::SignatureMalformed));
                match checked {
                    Ok(()) => Step::EdgeKey(AwaitEdgeKey { case: self, claim, key, token }),
                    Err(refusal) => self.refuse(refusal),
                }
            }
            Some(credential::Edge::Token(proof)) => Step::EdgeToken(AwaitEdgeToken { case: self, proof, key, token }),
            None if self.rules.require.names_edge() => self.refuse(Refusal::EdgeProofMissing),
            None => AwaitCaller::begin(self, Proof::None, key, token),
        }
    }

    fn refuse(self, refusal: Refusal) -> Step<'r> {
        self.done(Decision::refuse(refusal))
    }

    fn fault(self, fault: Fault) -> Step<'r> {
        self.done(Decision::Fault(fault))
    }

    fn done(self, decision: Decision) -> Step<'r> {
        Step::Done(Verdict { decision, evidence: self.evidence })
    }
}

/// What has been proved about the edge.
enum Proof<'r> {
    None,
    /// The request itself is signed.
    Signature {
        claim: Claim<'r>,
        content_digest: Option<&'r str>,
    },
    /// The edge is proved, the request is not.
    Token,
}

/// The edge's key is wanted: look `keyid` up among the labelled versions of the signing secret.
pub struct AwaitEdgeKey<'r> {
    case: Case<'r>,
    claim: Claim<'r>,
    key: Option<KeyHash>,
    token: Option<Unverified<'r>>,
}

impl<'r> AwaitEdgeKey<'r> {
    pub fn keyid(&self) -> &str {
        self.claim.keyid
    }

    pub fn resume(mut self, found: Lookup<Arc<EdgeKey>>) -> Step<'r> {
        let edge_key = match found {
            Ok(Some(edge_key)) => edge_key,
            Ok(None) => return self.case.refuse(Refusal::SignatureKeyUnknown),
            Err(fault) => return self.case.fault(fault),
        };
        match self.verify(&edge_key) {
            Ok(content_digest) => {
                let proof = Proof::Signature { claim: self.claim, content_digest };
                AwaitCaller::begin(self.case, proof, self.key, self.token)
            }
            Err(refusal) => self.case.refuse(refusal),
        }
    }

    /// Verifies, then holds what was signed against what API Gateway reports. Returns the covered
    /// `Content-Digest`, if there is one.
    fn verify(&mut self, edge_key: &EdgeKey) -> Result<Option<&'r str>, Refusal> {
        let request = self.case.request;
        let authority = opening::authority(request).ok_or(Refusal::AuthorityUnknown)?;
        signature::verify(&self.claim, edge_key, &request.method, &authority, &request.headers)?;
        self.agree(&authority)?;
        if let Sent::Once(client) = request.headers.sent("edge-client") {
            self.case.evidence.client = Some(EdgeClient::parse(client)?);
        }
        Ok(match request.headers.sent("content-digest") {
            Sent::Once(digest) => Some(digest),
            _ => None,
        })
    }

    fn agree(&mut self, authority: &str) -> Result<(), Refusal> {
        let request = self.case.request;
        let Sent::Once(target) = request.headers.sent("edge-target") else {
            return Err(Refusal::SignatureCoverage);
        };
        let target = Target::parse(target)?;
        if request.kind != EventKind::WebSocket && request.arn.method != request.method {
            self.case.evidence.say(|| format!("method {} but ARN {}", request.method, request.arn.method));
            return Err(Refusal::TargetMismatch);
        }
        target.agrees(request, &self.case.rules.path_map, authority).map_err(|mismatch| {
            self.case.evidence.say(|| mismatch.detail);
            Refusal::TargetMismatch
        })
    }
}

/// The edge's token is to be judged: look up the record and key set of its issuer.
pub struct AwaitEdgeToken<'r> {
    case: Case<'r>,
    proof: Unverified<'r>,
    key: Option<KeyHash>,
    token: Option<Unverified<'r>>,
}

impl<'r> AwaitEdgeToken<'r> {
    pub const fn token(&self) -> &Unverified<'r> {
        &self.proof
    }

    pub fn resume(self, found: Lookup<Issuer>) -> Step<'r> {
        let Some(authority) = opening::authority(self.case.request) else {
            return self.case.refuse(Refusal::AuthorityUnknown);
        };
        match caller::judge_token(&self.case, &self.proof, found, Purpose::Edge { authority: &authority }) {
            Ok(_) => AwaitCaller::begin(self.case, Proof::Token, self.key, self.token),
            Err(decision) => self.case.done(decision),
        }
    }
}
