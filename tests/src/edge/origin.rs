//! Where the edge sends what it has signed, and what it takes of the answer.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use hyper::body::Bytes;

use crate::events::WireRequest;
use crate::http::Answer;

/// Sends one request and says with which status it was answered.
pub type Ask = dyn Fn(WireRequest) -> Pin<Box<dyn Future<Output = u16> + Send>> + Send + Sync;

/// Sends one request with its body.
pub type Exchange = dyn Fn(WireRequest, Bytes) -> Pin<Box<dyn Future<Output = Answered> + Send>> + Send + Sync;

/// The gateway that the edge signs for, where nobody asks for more than the status of an answer. An
/// [`Origin`] takes bodies and has doors.
#[derive(Clone)]
pub struct Gateway {
    /// Its host, which is the signed `@authority`.
    pub host: String,
    /// What stands before a client's path: the stage, as in `/prod`; or nothing.
    pub prefix: String,
    pub send: Arc<Ask>,
}

/// A gateway that takes bodies, and whose answers reach the client.
#[derive(Clone)]
pub struct Origin {
    /// Its host, which is the signed `@authority`.
    pub host: String,
    /// What stands before a client's path: the stage, as in `/prod`; or nothing.
    pub prefix: String,
    /// Whether a forwarder stands there, which answers key look-ups and takes logs.
    pub has_doors: bool,
    pub exchange: Arc<Exchange>,
}

/// As much of an answer as the client gets.
pub struct Answered {
    pub status: u16,
    pub content_type: String,
    pub body: Bytes,
}

impl From<u16> for Answered {
    fn from(status: u16) -> Self {
        Self { status, content_type: String::new(), body: Bytes::new() }
    }
}

impl Answered {
    pub(super) fn with_ray(self, ray: String) -> Answer {
        let content_type = Some(("content-type", self.content_type)).filter(|(_, value)| !value.is_empty());
        let headers = content_type.into_iter().chain([("cf-ray", ray)]).collect();
        Answer::Reply { status: self.status, headers, body: self.body }
    }
}

impl From<Gateway> for Origin {
    fn from(gateway: Gateway) -> Self {
        let Gateway { host, prefix, send } = gateway;
        let exchange = move |request, _: Bytes| {
            let answered = send(request);
            Box::pin(async move { answered.await.into() }) as Pin<Box<dyn Future<Output = Answered> + Send>>
        };
        Self { host, prefix, has_doors: false, exchange: Arc::new(exchange) }
    }
}
