//! One event, one answer: read it, see who may ask, check the body, find the back end, pass the request
//! on, render what comes back, write its line. The only sequence that waits for anything, but for the end
//! of what is streamed.

use std::time::Duration;

use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::path;
use countersign_decision::routing::{self, Facts};
use countersign_decision::time::Timestamp;
use countersign_function::moment::Moment;
use countersign_function::notes::Notes;
use tokio::time::Instant;

use crate::answer::{Answer, Headers};
use crate::audit::{Entry, Journal, Outcome, Trace};
use crate::backends::{Backend, Backends, Body};
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
        Ok(self.answer_whole(self.begin(payload, invocation)?).await)
    }

    /// Reads the event.
    pub(crate) fn begin<'r>(
        &self,
        payload: &'r str,
        invocation: &'r Invocation<'r>,
    ) -> Result<Conversation<'r>, Unreadable> {
        let started = Instant::now();
        let request = event::parse(payload).map_err(|unreadable| self.unreadable(unreadable, invocation, started))?;
        let left = invocation.ends.since(invocation.now).saturating_sub(RESERVE);
        Ok(Conversation {
            request,
            invocation,
            moment: Moment::new(invocation.now, started, self.lifetimes.deadline),
            started,
            until: started + self.patience.min(left),
            ends: started + left,
            notes: Notes::default(),
        })
    }

    /// The answer, with its line written.
    pub(crate) async fn answer_whole(&self, about: Conversation<'_>) -> Answer {
        let mut trace = Trace::default();
        let (outcome, answer) = match self.collect(&about, &mut trace).await {
            Ok(collected) => collected,
            Err(failure) => (failure.into(), about.refusing(failure)),
        };
        self.tell(about, &trace, outcome, answer.status());
        answer
    }

    async fn collect(&self, about: &Conversation<'_>, trace: &mut Trace) -> Result<(Outcome, Answer), Failure> {
        let served = self.serve(about, trace).await?;
        let started = Instant::now();
        let body = served.body.whole(about.until, &about.notes).await;
        if let Some(duration) = &mut trace.backend_duration {
            *duration += started.elapsed();
        }
        Ok((served.outcome, Answer::new(about.request.format, served.status, served.headers, body?)?))
    }

    /// Writes the line of a request.
    pub(crate) fn tell(&self, about: Conversation<'_>, trace: &Trace, outcome: Outcome, status: u16) {
        let noted = about.notes.take();
        self.journal.record(&Entry {
            outcome,
            status: Some(status),
            request: Some(&about.request),
            trace,
            causes: &noted.causes,
            kept: &noted.kept,
            invocation: about.invocation.id,
            now: about.invocation.now,
            duration: about.started.elapsed(),
        });
    }

    /// What answers the request. Of a back end's answer only the head is waited for.
    pub(crate) async fn serve(&self, about: &Conversation<'_>, trace: &mut Trace) -> Result<Served, Failure> {
        let identity = about.request.identity.as_ref().ok_or(Failure::NoAuthorizer)?;
        match (identity.is_inside(), path::is_inside(&about.request.path)) {
            (false, false) => self.forward(about, identity, trace).await,
            (true, true) => self.open(about, identity).await,
            // The authorizer lets neither through; if it ever does, nothing is there.
            (true, false) | (false, true) => Err(Failure::InsideUnknown),
        }
    }

    async fn open(&self, about: &Conversation<'_>, identity: &Identity<'_>) -> Result<Served, Failure> {
        let request = &about.request;
        self.body_digest.max(BodyDigest::IfPresent).check(identity.content_digest(), &request.body)?;
        let opened = self.doors.open(request, about.moment, &about.notes).await?;
        let outcome = Outcome { outcome: "inside", code: opened.code };
        Ok(Served { outcome, status: opened.status, headers: opened.headers, body: Body::Whole(opened.body) })
    }

    async fn forward(
        &self,
        about: &Conversation<'_>,
        identity: &Identity<'_>,
        trace: &mut Trace,
    ) -> Result<Served, Failure> {
        let request = &about.request;
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
        Ok(Served { outcome, status: answer.status, headers: answer.headers, body: answer.body })
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
pub(crate) struct Conversation<'r> {
    pub request: Request<'r>,
    invocation: &'r Invocation<'r>,
    started: Instant,
    /// For look-ups in the table.
    moment: Moment,
    /// For the back end's answer; only for the begin of one that is streamed.
    until: Instant,
    /// For everything: Lambda ends the invocation soon after.
    pub ends: Instant,
    pub notes: Notes,
}

impl Conversation<'_> {
    pub fn refusing(&self, failure: Failure) -> Answer {
        Answer::refusing(self.request.format, failure, self.request.request_id.as_deref())
    }
}

/// An answer whose body may still be on its way.
pub(crate) struct Served {
    pub outcome: Outcome,
    pub status: u16,
    pub headers: Headers,
    pub body: Body,
}
