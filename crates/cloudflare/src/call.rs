//! One call: the envelope that every answer comes in, what is worth repeating, and how long to wait.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::Ordering;
use std::time::Duration;

use countersign_https::{Bytes, Failure, Request, Response};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::time::{Instant, sleep};

use crate::Cloudflare;
use crate::error::{Error, quoted};

/// A call, but for what all of them share.
pub(crate) struct Call {
    /// For messages: what it does, and to what.
    pub name: &'static str,
    pub method: &'static str,
    /// Behind `/accounts/{account}`.
    pub path: String,
    /// JSON; empty for a GET.
    pub body: Bytes,
    /// The body holds secrets: what Cloudflare says about it is not quoted.
    pub secret: bool,
    /// Bytes of the answer that are read.
    pub largest_answer: usize,
}

/// What every answer is wrapped in.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub(crate) struct Envelope<T> {
    success: bool,
    errors: Option<Vec<ApiError>>,
    pub result: Option<T>,
    pub result_info: Option<ResultInfo>,
}

#[derive(Deserialize)]
struct ApiError {
    code: Option<u64>,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
pub(crate) struct ResultInfo {
    pub cursor: Option<String>,
}

/// An attempt that did not succeed.
enum Failed {
    /// It would not go better.
    For(Error),
    /// It may go better, no sooner than `pause` from now.
    ForNow { reason: Reason, pause: Duration },
}

enum Reason {
    /// With what Cloudflare named as the wait.
    Throttled(Option<Duration>),
    /// `sent`: it may have been received, and applied.
    Unanswered { why: String, sent: bool },
}

const ATTEMPTS: u32 = 3;
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);

/// Pause after a 429 that names none: a key of KV takes one write a second.
const THROTTLED: Duration = Duration::from_secs(1);

/// An attempt gets its share of the time that is left, so that one that hangs leaves time for
/// another, but not less than this: a deployment or a bulk write takes seconds.
const SHORTEST_ATTEMPT: Duration = Duration::from_secs(5);
const LONGEST_ATTEMPT: Duration = Duration::from_secs(30);

/// The newest version of the Worker is not the deployed one.
const VERSION_NOT_DEPLOYED: u64 = 10_215;

impl Cloudflare {
    /// Makes the call, again where that may help, until it has an answer or `until` has come.
    pub(crate) async fn call<T: DeserializeOwned>(&self, call: &Call, until: Instant) -> Result<Envelope<T>, Error> {
        let mut attempt = 1;
        // Of any attempt so far: an earlier one may have been applied, whatever became of the last.
        let mut sent_once = false;
        loop {
            let Some(patience) = patience(attempt, until) else {
                return Err(call.unavailable("no time left", sent_once));
            };
            let (reason, pause) = match self.attempt(call, patience).await {
                Ok(envelope) => return Ok(envelope),
                Err(Failed::For(error)) => return Err(error),
                Err(Failed::ForNow { reason, pause }) => (reason, pause.max(backoff(attempt))),
            };
            sent_once |= matches!(reason, Reason::Unanswered { sent: true, .. });
            if attempt == ATTEMPTS || Instant::now() + pause >= until {
                return Err(match reason {
                    Reason::Throttled(retry_after) => Error::Throttled { call: call.name, retry_after },
                    Reason::Unanswered { why, .. } => call.unavailable(&why, sent_once),
                });
            }
            sleep(pause).await;
            attempt += 1;
        }
    }

    async fn attempt<T: DeserializeOwned>(&self, call: &Call, patience: Duration) -> Result<Envelope<T>, Failed> {
        let url = format!("{}{}", self.base, call.path);
        let mut headers = vec![("authorization", format!("Bearer {}", *self.token.0))];
        if !call.body.is_empty() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        let request = Request { method: call.method, url: &url, headers, body: call.body.clone() };
        self.calls.fetch_add(1, Ordering::Relaxed);
        match self.https.send(request, call.largest_answer, patience).await {
            Ok(response) => self.judge(call, &response),
            Err(Failure::Unsendable(why)) => Err(Failed::For(call.unavailable(&why, false))),
            Err(Failure::NotSent(why)) => Err(unanswered(why, false)),
            Err(Failure::Disconnected(why) | Failure::NoAnswer(why)) => Err(unanswered(why, true)),
            // It would be as large again.
            Err(Failure::TooLarge(why)) => Err(Failed::For(call.unavailable(&why, true))),
        }
    }

    fn judge<T: DeserializeOwned>(&self, call: &Call, response: &Response) -> Result<Envelope<T>, Failed> {
        let status = response.status;
        let envelope = serde_json::from_slice::<Envelope<IgnoredAny>>(&response.body).ok();
        match (status, envelope) {
            (200..=299, Some(Envelope { success: true, .. })) => serde_json::from_slice(&response.body).map_err(|_| {
                let why = format!("status {status}, with a result that is not the documented one");
                Failed::For(call.unavailable(&why, true))
            }),
            (_, Some(envelope)) if envelope.says(VERSION_NOT_DEPLOYED) => Err(Failed::For(version_not_deployed(call))),
            (429, _) => {
                let named = retry_after(response);
                Err(Failed::ForNow { reason: Reason::Throttled(named), pause: named.unwrap_or(THROTTLED) })
            }
            (408 | 409 | 500.., _) => Err(unanswered(format!("status {status}"), true)),
            (200..=299, None) => {
                Err(unanswered(format!("status {status}, but not an answer of Cloudflare's API"), true))
            }
            (_, envelope) => Err(Failed::For(self.refusal(call, status, envelope))),
        }
    }

    fn refusal(&self, call: &Call, status: u16, envelope: Option<Envelope<IgnoredAny>>) -> Error {
        let first = envelope.and_then(|said| said.errors.unwrap_or_default().into_iter().next());
        let code = first.as_ref().and_then(|error| error.code);
        let quotable = first.filter(|_| !call.secret);
        let message = quotable.map(|error| quoted(&error.message, &self.token.0)).unwrap_or_default();
        Error::Refused { call: call.name, status, code, message }
    }
}

fn version_not_deployed(call: &Call) -> Error {
    Error::NeedsOperator(format!(
        "{}: code {VERSION_NOT_DEPLOYED}: the Worker's newest version is not the one deployed; deploy it at 100 %, or \
         end the gradual deployment",
        call.name
    ))
}

fn unanswered(why: String, sent: bool) -> Failed {
    Failed::ForNow { reason: Reason::Unanswered { why, sent }, pause: Duration::ZERO }
}

impl<T> Envelope<T> {
    fn says(&self, code: u64) -> bool {
        self.errors.iter().flatten().any(|error| error.code == Some(code))
    }
}

impl Call {
    /// `sent`: whether any attempt may have been received.
    fn unavailable(&self, why: &str, sent: bool) -> Error {
        let applied = match (self.method, sent) {
            ("GET", _) => "",
            (_, true) => "; it may have been applied",
            (_, false) => "; it was not applied",
        };
        Error::Unavailable(format!("{}: {why}{applied}", self.name))
    }
}

/// How long this attempt may take; `None` when there is no time left.
fn patience(attempt: u32, until: Instant) -> Option<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    let share = left / (ATTEMPTS + 1).saturating_sub(attempt).max(1);
    (!left.is_zero()).then(|| share.clamp(SHORTEST_ATTEMPT, LONGEST_ATTEMPT).min(left))
}

/// Doubled each time, less up to half of it at random, so that callers do not come back together.
fn backoff(attempt: u32) -> Duration {
    let full = FIRST_BACKOFF.saturating_mul(1 << attempt).min(LONGEST_BACKOFF);
    // What the standard library seeds its hash maps with: random enough to spread, and no secret.
    let random = RandomState::new().build_hasher().finish() % 512;
    full.mul_f64(1.0 - f64::from(u16::try_from(random).unwrap_or_default()) / 1024.0)
}

/// Only seconds: a date would need a clock, and Cloudflare sends none.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds: u32 = response.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.into()))
}
