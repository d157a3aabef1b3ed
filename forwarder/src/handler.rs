//! One event, one answer: read it, see who may ask, check the body, find the back end, pass the request
//! on, render what comes back, write its line. The only sequence that waits for anything.

use std::time::Duration;

use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::path;
use countersign_decision::routing::{self, Facts};
use countersign_decision::time::Timestamp;
use countersign_function::moment::Moment;
use countersign_function::notes::Notes;
use tokio::time::Instant;

use crate::answer::Answer;
use crate::audit::{Entry, Journal, Outcome, Trace};
use crate::backends::{Backend, Backends};
use crate::body::BodyDigest;
use crate::doors::Doors;
use crate::event::{self, Request, Unreadable};
use crate::failure::Failure;
use crate::identity::Identity;
use crate::outgoing::{Outgoing, Rules};
use crate::routes::RouteSource;
use crate::wire::Wire;

pub struct Forwarder {
    pub body_digest: BodyDigest,
    pub lifetimes: Lifetimes,
    pub journal: Journal,
    pub routes: RouteSource,
    pub doors: Doors,
    pub backends: Backends,
    /// What of a request reaches a back end.
    pub rules: Rules,
    /// How long a back end may take.
    pub patience: Duration,
}

/// One invocation of the function.
pub struct Invocation<'a> {
    /// The id that Lambda gave it, which no client can choose.
    pub id: &'a str,
    pub now: Timestamp,
    /// Lambda ends it then.
    pub ends: Timestamp,
}

/// Kept of an invocation for what follows a back end's answer.
const RESERVE: Duration = Duration::from_millis(200);

impl Forwarder {
    /// # Errors
    /// [`Unreadable`], where there is no request to answer: the function's error.
    pub async fn answer(&self, payload: &str, invocation: &Invocation<'_>) -> Result<Answer, Unreadable> {
        let started = Instant::now();
        let request = match event::parse(payload) {
            Ok(request) => request,
            Err(unreadable) => return Err(self.unreadable(unreadable, invocation, started)),
        };
        let left = invocation.ends.since(invocation.now).saturating_sub(RESERVE);
        let conversation = Conversation {
            request: &request,
            moment: Moment::new(invocation.now, started, self.lifetimes.deadline),
            until: started + self.patience.min(left),
            notes: Notes::default(),
        };
        let mut trace = Trace::default();
        let (outcome, answer) = match self.serve(&conversation, &mut trace).await {
            Ok(served) => served,
            Err(failure) => {
                let outcome = Outcome { outcome: failure.outcome(), code: failure.code() };
                (outcome, Answer::refusing(request.format, failure, request.request_id.as_deref()))
            }
        };
        let noted = conversation.notes.take();
        self.journal.record(&Entry {
            outcome,
            status: Some(answer.status()),
            request: Some(&request),
            trace: &trace,
            causes: &noted.causes,
            kept: &noted.kept,
            invocation: invocation.id,
            now: invocation.now,
            duration: started.elapsed(),
        });
        Ok(answer)
    }

    async fn serve(&self, about: &Conversation<'_>, trace: &mut Trace) -> Result<(Outcome, Answer), Failure> {
        let identity = about.request.identity.as_ref().ok_or(Failure::NoAuthorizer)?;
        match (identity.is_inside(), path::is_inside(&about.request.path)) {
            (false, false) => self.forward(about, identity, trace).await,
            (true, true) => self.open(about, identity).await,
            // The authorizer lets neither through; if it ever does, nothing is there.
            (true, false) | (false, true) => Err(Failure::InsideUnknown),
        }
    }

    async fn open(&self, about: &Conversation<'_>, identity: &Identity<'_>) -> Result<(Outcome, Answer), Failure> {
        let request = about.request;
        self.body_digest.max(BodyDigest::IfPresent).check(identity.content_digest(), &request.body)?;
        let opened = self.doors.open(request, about.moment, &about.notes).await?;
        let outcome = Outcome { outcome: "inside", code: opened.code };
        Ok((outcome, Answer::new(request.format, opened.status, opened.headers, opened.body)?))
    }

    async fn forward(
        &self,
        about: &Conversation<'_>,
        identity: &Identity<'_>,
        trace: &mut Trace,
    ) -> Result<(Outcome, Answer), Failure> {
        let request = about.request;
        let wire = Wire::of(request)?;
        self.body_digest.check(identity.content_digest(), &request.body)?;
        let backend = self.backend(about, identity, &wire, trace).await?;
        trace.backend = Some(backend.name().to_owned());
        let outgoing = Outgoing::new(request, identity, wire, &self.rules, &about.notes)?;
        let started = Instant::now();
        // Boxed: the futures of HTTP clients are kilobytes.
        let answered = Box::pin(backend.send(&outgoing, about.until, &about.notes)).await;
        trace.backend_duration = Some(started.elapsed());
        let answer = answered?;
        let outcome = Outcome { outcome: "forwarded", code: "forwarded" };
        Ok((outcome, Answer::new(request.format, answer.status, answer.headers, answer.body)?))
    }

    /// The route's back end; the configured one where no route matches.
    async fn backend(
        &self,
        about: &Conversation<'_>,
        identity: &Identity<'_>,
        wire: &Wire,
        trace: &mut Trace,
    ) -> Result<&Backend, Failure> {
        let routes = self.routes.routes(about.moment, &about.notes).await?;
        let path = wire.decoded_path();
        let facts = Facts {
            method: &about.request.method,
            host: identity.client_host().or(about.request.domain.as_deref()),
            path: &path,
            client: identity.client_ip(),
            country: None,
        };
        let Some((id, route)) = routing::choose(routes.iter(), &facts, about.moment.now) else {
            return self.backends.fallback().ok_or(Failure::NoRoute);
        };
        trace.table_route = Some(id.clone());
        if !routing::admits(route, facts.client) {
            return Err(Failure::AddressNotAllowed);
        }
        let name = route.backend().unwrap_or_default();
        self.backends.get(name).ok_or_else(|| {
            about.notes.cause(&format!("route#{id}: BACKENDS has no {name:?}"));
            Failure::BackendUnlisted
        })
    }

    fn unreadable(&self, unreadable: Unreadable, invocation: &Invocation<'_>, started: Instant) -> Unreadable {
        self.journal.record(&Entry {
            outcome: Outcome { outcome: "fault", code: Unreadable::CODE },
            status: None,
            request: None,
            trace: &Trace::default(),
            causes: std::slice::from_ref(&unreadable.detail),
            kept: &[],
            invocation: invocation.id,
            now: invocation.now,
            duration: started.elapsed(),
        });
        unreadable
    }
}

/// One request, and until when things about it may take.
struct Conversation<'r> {
    request: &'r Request<'r>,
    /// For look-ups in the table.
    moment: Moment,
    /// For the back end.
    until: Instant,
    notes: Notes,
}
