//! A back end behind a URL of the list. The host is always that URL's: what a request brings is added
//! behind it, as path and query.

use std::sync::Arc;

use countersign_decision::limits;
use countersign_function::notes::Notes;
use countersign_https::{Bytes, Coming, Failure as Unanswered, Https, Request, Response};
use tokio::time::{Instant, timeout_at};

use super::{BackendAnswer, is_idempotent, passed_back};
use crate::failure::Failure;
use crate::outgoing::Outgoing;
use crate::wire::Wire;

pub(super) struct HttpsBackend {
    /// Scheme, host, port and prefix, without a slash at the end.
    base: Arc<str>,
    https: Arc<Https>,
}

impl HttpsBackend {
    pub fn new(base: &str, https: Arc<Https>) -> Self {
        Self { base: base.into(), https }
    }

    pub async fn send(&self, outgoing: &Outgoing<'_>, notes: &Notes) -> Result<BackendAnswer<ComingBody>, Failure> {
        let asked = Asked { base: Arc::clone(&self.base), url: self.url(&outgoing.wire).ok_or(Failure::PathRefused)? };
        // One copy, which a second attempt shares.
        let body = Bytes::copy_from_slice(&outgoing.request.body);
        let ask = || self.https.begin(request(&asked.url, outgoing, body.clone()));
        let mut answer = ask().await;
        if let Err(first @ (Unanswered::NotSent(_) | Unanswered::Disconnected(_))) = &answer
            && is_idempotent(&outgoing.request.method)
        {
            asked.note(&format!("{}; asked once more", asked.why(first)), notes);
            answer = ask().await;
        }
        let answer = answer.map_err(|unanswered| asked.failure(&unanswered, notes))?;
        let (status, headers) = head(&answer).map_err(|what| {
            asked.note(&format!(": {what}"), notes);
            Failure::BackendAnswerInvalid
        })?;
        Ok(BackendAnswer { status, headers, body: ComingBody { asked, body: answer.body } })
    }

    /// `None` for a path that would become part of the host.
    fn url(&self, wire: &Wire) -> Option<String> {
        let (base, path) = (&self.base, &wire.path);
        path.starts_with('/').then(|| match &wire.query {
            Some(query) => format!("{base}{path}?{query}"),
            None => format!("{base}{path}"),
        })
    }
}

/// The body of an answer, and who gives it.
pub struct ComingBody {
    asked: Asked,
    body: Coming,
}

impl ComingBody {
    pub async fn next(&mut self, until: Instant, notes: &Notes) -> Result<Option<Bytes>, Failure> {
        let piece = timeout_at(until, self.body.next()).await;
        let piece = piece.map_err(|_| self.asked.late(notes))?;
        piece.map_err(|unanswered| self.asked.failure(&unanswered, notes))
    }

    pub async fn whole(self, until: Instant, notes: &Notes) -> Result<Bytes, Failure> {
        let Self { asked, body } = self;
        let body = timeout_at(until, body.whole(limits::LAMBDA_PAYLOAD)).await.map_err(|_| asked.late(notes))?;
        body.map(Bytes::from).map_err(|unanswered| asked.failure(&unanswered, notes))
    }
}

/// What was asked of whom.
struct Asked {
    base: Arc<str>,
    url: String,
}

impl Asked {
    /// Queries hold secrets: a cause names the back end instead of the URL.
    fn note(&self, what: &str, notes: &Notes) {
        notes.cause(&format!("{}{what}", self.base));
    }

    fn why(&self, unanswered: &Unanswered) -> String {
        unanswered.to_string().strip_prefix(&self.url).unwrap_or_default().to_owned()
    }

    fn failure(&self, unanswered: &Unanswered, notes: &Notes) -> Failure {
        self.note(&self.why(unanswered), notes);
        match unanswered {
            Unanswered::Unsendable(_) | Unanswered::NotSent(_) => Failure::BackendUnreachable,
            Unanswered::Disconnected(_) | Unanswered::NoAnswer(_) => Failure::BackendAnswerInvalid,
            Unanswered::TooLarge(_) => Failure::BackendAnswerTooLarge,
        }
    }

    fn late(&self, notes: &Notes) -> Failure {
        self.note(": its answer did not come in time", notes);
        Failure::BackendTimeout
    }
}

fn head(answer: &Response<Coming>) -> Result<(u16, Vec<(String, String)>), String> {
    if !(200..=599).contains(&answer.status) {
        return Err(format!("status {}", answer.status));
    }
    let lines: Vec<_> = answer.headers().collect();
    Ok((answer.status, passed_back(&lines)?))
}

fn request<'a>(url: &'a str, outgoing: &'a Outgoing<'_>, body: Bytes) -> Request<'a> {
    let headers = outgoing.headers.iter().map(|(name, value)| (name.as_ref(), value.as_ref().to_owned())).collect();
    Request { method: &outgoing.request.method, url, headers, body }
}
