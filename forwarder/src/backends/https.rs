//! A back end behind a URL of the list. The host is always that URL's: what a request brings is added
//! behind it, as path and query.

use std::sync::Arc;

use countersign_decision::limits;
use countersign_function::notes::Notes;
use countersign_https::{Bytes, Failure as Unanswered, Https, Request, Response};

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
        let note = |what: &str| notes.cause(&format!("{}{what}", self.base));
        // Queries hold secrets: a cause names the back end instead of the URL.
        let why = |unanswered: &Unanswered| unanswered.to_string().strip_prefix(&url).unwrap_or_default().to_owned();
        // One copy, which a second attempt shares.
        let body = Bytes::copy_from_slice(&outgoing.request.body);
        let ask = || self.https.exchange(request(&url, outgoing, body.clone()), limits::LAMBDA_PAYLOAD);
        let mut answer = ask().await;
        if let Err(first @ (Unanswered::NotSent(_) | Unanswered::Disconnected(_))) = &answer
            && is_idempotent(&outgoing.request.method)
        {
            note(&format!("{}; asked once more", why(first)));
            answer = ask().await;
        }
        let answer = answer.map_err(|unanswered| {
            note(&why(&unanswered));
            match unanswered {
                Unanswered::Unsendable(_) | Unanswered::NotSent(_) => Failure::BackendUnreachable,
                Unanswered::Disconnected(_) | Unanswered::NoAnswer(_) => Failure::BackendAnswerInvalid,
                Unanswered::TooLarge(_) => Failure::BackendAnswerTooLarge,
            }
        })?;
        read(answer).map_err(|what| {
            note(&format!(": {what}"));
            Failure::BackendAnswerInvalid
        })
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

fn read(answer: Response) -> Result<BackendAnswer, String> {
    if !(200..=599).contains(&answer.status) {
        return Err(format!("status {}", answer.status));
    }
    let lines: Vec<_> = answer.headers().collect();
    Ok(BackendAnswer { status: answer.status, headers: passed_back(&lines)?, body: answer.body.into() })
}

fn request<'a>(url: &'a str, outgoing: &'a Outgoing<'_>, body: Bytes) -> Request<'a> {
    let headers = outgoing.headers.iter().map(|(name, value)| (name.as_ref(), value.as_ref().to_owned())).collect();
    Request { method: &outgoing.request.method, url, headers, body }
}
