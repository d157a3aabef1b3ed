//! One event, one answer: read it, hold the conversation, look up what each step asks for, render
//! the decision, write its line. The only sequence that waits for anything.

use std::sync::Arc;
use std::time::Instant;

use countersign_decision::conversation::{self, Step, Verdict};
use countersign_decision::decision::{Decision, Fault};
use countersign_decision::record::key::KeyRecord;
use countersign_decision::request::Request;
use countersign_decision::rules::Rules;
use countersign_decision::time::Timestamp;
use countersign_store::KeyTable;

use crate::answer::{self, Answer, HttpAnswer};
use crate::audit::{Entry, Journal};
use crate::event;
use crate::issuers::IssuerSource;
use crate::moment::Moment;
use crate::notes::Notes;
use crate::records::RecordSource;
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
    pub async fn answer(&self, payload: &[u8], invocation: &str, now: Timestamp) -> Answer {
        let started = Instant::now();
        let notes = Notes::default();
        let request = match event::parse(payload) {
            Ok(request) => request,
            Err(unreadable) => return self.unreadable(unreadable, invocation, now, started),
        };
        let moment = Moment::new(now, self.rules.lifetimes.deadline);
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
                    let found = match &self.signing_keys {
                        Some(keys) => keys.find(step.keyid(), moment, notes).await,
                        None => Err(Fault::NoSigningKey),
                    };
                    step.resume(found)
                }
                Step::EdgeToken(step) => {
                    let found = self.issuers.find(step.token(), moment, notes).await;
                    step.resume(found)
                }
                Step::Caller(step) => {
                    let key = async {
                        match step.key() {
                            Some(hash) => self.keys.find(*hash.bytes(), moment, notes, self.table.key(hash)).await,
                            None => Ok(None),
                        }
                    };
                    let issuer = async {
                        match step.token() {
                            Some(token) => self.issuers.find(token, moment, notes).await,
                            None => Ok(None),
                        }
                    };
                    let (key, issuer) = tokio::join!(key, issuer);
                    step.resume(key, issuer)
                }
                Step::Nonce(step) => {
                    let claim = self.table.claim_nonce(step.pk(), step.until(), invocation);
                    let claimed = moment.before_deadline("PutItem", claim).await.map_err(|cause| {
                        notes.cause(&cause);
                        Fault::NonceStoreUnavailable
                    });
                    step.resume(claimed)
                }
                Step::Done(verdict) => return verdict,
            };
        }
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
