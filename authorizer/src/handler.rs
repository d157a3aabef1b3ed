//! One event, one answer: read it, hold the conversation, look up what each step asks for, render
//! the decision, write its line. The only sequence that waits for anything.

use std::sync::Arc;

use countersign_decision::api_key::KeyHash;
use countersign_decision::conversation::{self, AwaitNonce, Issuer, Lookup, Step, Verdict};
use countersign_decision::decision::{Decision, Fault};
use countersign_decision::record::key::KeyRecord;
use countersign_decision::request::Request;
use countersign_decision::rules::Rules;
use countersign_decision::signature::EdgeKey;
use countersign_decision::time::Timestamp;
use countersign_decision::token::Unverified;
use countersign_function::moment::Moment;
use countersign_function::notes::Notes;
use countersign_function::records::RecordSource;
use countersign_store::KeyTable;
use tokio::time::Instant;

use crate::answer::{self, Answer, HttpAnswer};
use crate::audit::{Entry, Journal};
use crate::event;
use crate::issuers::IssuerSource;
use crate::signing_keys::SigningKeySource;

pub struct Authorizer {
    pub rules: Rules,
    pub http_answer: HttpAnswer,
    pub journal: Journal,
    pub table: Arc<KeyTable>,
    /// Absent where no edge signs.
    pub signing_keys: Option<SigningKeySource>,
    pub keys: RecordSource<KeyRecord>,
    pub issuers: IssuerSource,
}

impl Authorizer {
    /// `invocation` is the id that Lambda gave this invocation, which no client can choose.
    pub async fn answer(&self, payload: &str, invocation: &str, now: Timestamp) -> Answer {
        let started = Instant::now();
        let notes = Notes::default();
        let request = match event::parse(payload) {
            Ok(request) => request,
            Err(unreadable) => return self.unreadable(unreadable, invocation, now, started),
        };
        let moment = Moment::new(now, started, self.rules.lifetimes.deadline);
        let verdict = self.decide(&request, invocation, moment, &notes).await;
        let (decision, answer) = match answer::render(&verdict.decision, &request, self.http_answer) {
            Ok(answer) => (verdict.decision, answer),
            Err(fault) => (Decision::Fault(fault), Answer::Error(fault)),
        };
        let noted = notes.take();
        self.journal.record(&Entry {
            outcome: decision.outcome(),
            code: decision.code(),
            request: Some(&request),
            evidence: Some(&verdict.evidence),
            causes: &noted.causes,
            kept: &noted.kept,
            invocation,
            now,
            duration: started.elapsed(),
        });
        answer
    }

    async fn decide<'r>(
        &'r self,
        request: &'r Request<'r>,
        invocation: &str,
        moment: Moment,
        notes: &Notes,
    ) -> Verdict<'r> {
        let mut step = conversation::open(&self.rules, request, moment.now);
        loop {
            step = match step {
                Step::EdgeKey(step) => {
                    let found = self.edge_key(step.keyid(), moment, notes).await;
                    step.resume(found)
                }
                Step::EdgeToken(step) => {
                    let found = self.issuer(step.token(), moment, notes).await;
                    step.resume(found)
                }
                Step::Caller(step) => {
                    let (key, issuer) = match (step.key(), step.token()) {
                        (Some(hash), None) => (self.key(hash, moment, notes).await, Ok(None)),
                        (None, Some(token)) => (Ok(None), self.issuer(token, moment, notes).await),
                        (Some(hash), Some(token)) => {
                            tokio::join!(self.key(hash, moment, notes), self.issuer(token, moment, notes))
                        }
                        (None, None) => (Ok(None), Ok(None)),
                    };
                    step.resume(key, issuer)
                }
                Step::Nonce(step) => {
                    let claimed = Box::pin(self.claim(&step, invocation, moment, notes)).await;
                    step.resume(claimed)
                }
                Step::Done(verdict) => return verdict,
            };
        }
    }

    // What is remembered is answered on the spot. Only a call is boxed: the SDK's futures are
    // kilobytes, and a warm decision would spend its time moving them.

    async fn edge_key(&self, keyid: &str, moment: Moment, notes: &Notes) -> Lookup<Arc<EdgeKey>> {
        let Some(keys) = &self.signing_keys else { return Err(Fault::NoSigningKey) };
        match keys.remembered(keyid, moment, notes) {
            Some(found) => found,
            None => Box::pin(keys.find(keyid, moment, notes)).await,
        }
    }

    async fn key(&self, hash: &KeyHash, moment: Moment, notes: &Notes) -> Lookup<Arc<KeyRecord>> {
        match self.keys.remembered(hash.bytes(), moment, notes) {
            Some(found) => found,
            None => Box::pin(self.keys.find(*hash.bytes(), moment, notes, "GetItem", self.table.key(hash))).await,
        }
    }

    async fn issuer(&self, token: &Unverified<'_>, moment: Moment, notes: &Notes) -> Lookup<Issuer> {
        match self.issuers.remembered(token, moment, notes) {
            Ok(found) => found,
            Err(missing) => Box::pin(self.issuers.find(token, missing, moment, notes)).await,
        }
    }

    async fn claim(
        &self,
        step: &AwaitNonce<'_>,
        invocation: &str,
        moment: Moment,
        notes: &Notes,
    ) -> Result<bool, Fault> {
        let claim = self.table.claim_nonce(step.pk(), step.until(), invocation);
        moment.before_deadline("PutItem", claim).await.map_err(|cause| {
            notes.cause(&cause);
            Fault::NonceStoreUnavailable
        })
    }

    fn unreadable(&self, unreadable: event::Unreadable, invocation: &str, now: Timestamp, started: Instant) -> Answer {
        let decision = Decision::Fault(unreadable.fault);
        self.journal.record(&Entry {
            outcome: decision.outcome(),
            code: decision.code(),
            request: None,
            evidence: None,
            causes: &[unreadable.detail],
            kept: &[],
            invocation,
            now,
            duration: started.elapsed(),
        });
        Answer::Error(unreadable.fault)
    }
}
