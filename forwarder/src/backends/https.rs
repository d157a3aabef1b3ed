//! A back end behind a URL of the list. The host is always that URL's: what a request brings is added
//! behind it, as path and query.

use std::sync::Arc;

use countersign_decision::limits;
use countersign_function::notes::Notes;
use countersign_https::{Bytes, Failure as Unanswered, Https, Request};

use super::{BackendAnswer, is_idempotent, passed_back};
use crate::failure::Failure;
use crate::outgoing::Outgoing;
use crate::wire::Wire;

pub(super) struct HttpsBackend {
    /// Scheme, host, port and prefix, without a slash at the end.
    base: String,
    https: Arc<Https>,
}

impl HttpsBackend {
    pub fn new(base: String, https: Arc<Https>) -> Self {
        Self { base, https }
    }

    pub async fn send(&self, outgoing: &Outgoing<'_>, notes: &Notes) -> Result<BackendAnswer, Failure> {
        let url = self.url(&outgoing.wire).ok_or(Failure::PathRefused)?;
        // Queries hold secrets: a cause names the back end instead of the URL.
        let note = |unanswered: &Unanswered, then: &str| {
            let text = unanswered.to_string();
            notes.cause(&format!("{}{}{then}", self.base, text.strip_prefix(&url).unwrap_or_default()));
        };
        // One copy, which a second attempt shares.
        let body = Bytes::copy_from_slice(&outgoing.request.body);
        let mut answer = self.https.open(request(&url, outgoing, body.clone())).await;
        if let Err(first @ (Unanswered::NotSent(_) | Unanswered::Disconnected(_))) = &answer
            && is_idempotent(&outgoing.request.method)
        {
            note(first, "; asked once more");
            answer = self.https.open(request(&url, outgoing, body)).await;
        }
        let answer = match answer {
            Ok(answer) if (200..=599).contains(&answer.status) => answer.whole(limits::LAMBDA_PAYLOAD).await,
            Ok(answer) => Err(Unanswered::NoAnswer(format!("{url}: status {}", answer.status))),
            Err(unanswered) => Err(unanswered),
        };
        let answer = answer.map_err(|unanswered| {
            note(&unanswered, "");
            match unanswered {
                Unanswered::NotSent(_) => Failure::BackendUnreachable,
                Unanswered::Disconnected(_) | Unanswered::NoAnswer(_) => Failure::BackendAnswerInvalid,
                Unanswered::TooLarge(_) => Failure::BackendAnswerTooLarge,
            }
        })?;
        let lines: Vec<_> = answer.headers().collect();
        Ok(BackendAnswer { status: answer.status, headers: passed_back(&lines), body: answer.body.into() })
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

fn request<'a>(url: &'a str, outgoing: &'a Outgoing<'_>, body: Bytes) -> Request<'a> {
    let headers = outgoing.headers.iter().map(|(name, value)| (name.as_ref(), value.as_ref().to_owned())).collect();
    Request { method: &outgoing.request.method, url, headers, body }
}
